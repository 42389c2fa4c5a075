"""Tests of hypotheses in a stored scan: the questions that need the likelihood with other data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scanner.errors import DefinitionError, IncompleteScanError
from scanner.limits.bench import FIT_POINTS, Bench, Question
from scanner.limits.campaign import MOST, PER_BATCH, SIGMAS, Campaign, Effort
from scanner.limits.level import level_of
from scanner.limits.workers import LARGE
from scanner.store.toys import ToyFolder

if TYPE_CHECKING:
    from scanner.limits.answers import Answers
    from scanner.limits.cls import Cls
    from scanner.limits.expected import Expected
    from scanner.limits.feldman_cousins import FeldmanCousins
    from scanner.limits.marginal import Marginal

Names = Sequence[str] | None

LINE_POINTS = 16384
"""Grid points on which chi2 of a toy is evaluated at most, for curves and bands."""


def question_of(
    answers: Answers,
    keep: Sequence[str],
    at: Mapping[str, float] | None,
    experiments: Names,
    seed: int = 0,
    fit_points: int = FIT_POINTS,
) -> Question:
    """A question to a complete scan whose sources are those installed.

    Raises
    ------
    DefinitionError, MismatchError, IncompleteScanError
        As `Question`; the scan was computed with other sources; it is not complete.
    """
    question = Question(
        answers.definition,
        tuple(keep),
        dict(at or {}),
        tuple(experiments or ()),
        seed,
        fit_points,
    )
    answers.definition.check_sources()
    if not answers.state().complete:
        raise IncompleteScanError(
            f"scan {answers.id} is not complete: go on with `scanner resume {answers.stored.words}`"
        )
    return question


def feldman_cousins_of(
    answers: Answers,
    keep: Sequence[str] | None = None,
    *,
    cl: float = 0.9,
    dof: int | None = None,
    at: Mapping[str, float] | None = None,
    experiments: Names = None,
    near: float = 1.0,
    points: int = 200,
    most: int = MOST,
    per_batch: int | None = None,
    sigmas: float = SIGMAS,
    fit_points: int = FIT_POINTS,
    seed: int = 0,
) -> FeldmanCousins:
    """Feldman-Cousins limits of a stored scan; what is missing is made on its workers.

    Parameters
    ----------
    keep : sequence of str
        Tested axes; by default the first and the last that are not held.
    cl, dof
        Confidence level; degrees of freedom of the Wilks level (default: number of tested axes).
    at : mapping
        Axes held: no parameters of the test.
    near, points
        As for `scanner.limits.feldman_cousins.feldman_cousins`.
    most, per_batch, sigmas
        As for `Effort`; by default batches are as those that are there.
    fit_points, seed
        As for `Question`.

    Raises
    ------
    DefinitionError, IncompleteScanError, MismatchError, ClusterError, StoreError
        See there.
    """
    from scanner.limits.feldman_cousins import feldman_cousins

    if answers.stored.grid.size > LARGE:
        raise DefinitionError(
            f"scan {answers.id}: {answers.stored.grid.size:.3g} points are too many for toys (at "
            f"most {LARGE:.3g}); scan fewer axes or a coarser grid"
        )
    kept = tuple(keep or answers.default_plane(at))
    question = question_of(answers, kept, at, experiments, seed, fit_points)
    chosen_dof = len(kept) if dof is None else dof
    level_of(cl, chosen_dof)
    surface = answers.profile(kept, at=at, experiments=experiments)
    folder = ToyFolder.of(answers.stored.folder, question.key)
    stored = folder.question or {"per_batch": PER_BATCH}
    campaign = Campaign(
        question,
        folder,
        Effort(cl, most, stored["per_batch"] if per_batch is None else per_batch, sigmas),
        answers.workers,
        answers.workers.told,
    )
    return feldman_cousins(
        campaign, surface.axes, surface.chi2, dof=chosen_dof, near=near, most_points=points
    )


def expected_of(
    answers: Answers,
    parameter: str,
    *,
    at: Mapping[str, float] | None = None,
    along: str | None = None,
    cl: float = 0.9,
    dof: int = 1,
    sided: str = "two",
    toys: int = 300,
    fit_points: int = LINE_POINTS,
    seed: int = 0,
    experiments: Names = None,
) -> Expected:
    """Expected limits on one parameter, profiled over what is neither held nor `along`.

    Parameters
    ----------
    along : str, optional
        An axis: a limit, and a minimum, for each of its values.
    toys : int
        Toys of the Standard Model.

    Raises
    ------
    DefinitionError, IncompleteScanError, MismatchError
        See `question_of` and `scanner.limits.expected.expected`.
    """
    from scanner.limits.curves import Curves
    from scanner.limits.expected import expected

    keep = (parameter,) if along is None else (along, parameter)
    level_of(cl, dof, sided)
    question = question_of(answers, keep, at, experiments, seed, fit_points)
    curves = Curves(Bench(question), parameter, along)
    return expected(curves, cl=cl, dof=dof, sided=sided, n_toys=toys)


def cls_of(
    answers: Answers,
    parameter: str,
    *,
    at: Mapping[str, float] | None = None,
    cl: float = 0.9,
    toys: int = 0,
    fit_points: int = LINE_POINTS,
    seed: int = 0,
    experiments: Names = None,
) -> Cls:
    """CLs upper limits on one parameter, profiled over what is not held.

    Parameters
    ----------
    toys : int
        Of each tested value and of the Standard Model; none for the asymptotic form alone.

    Raises
    ------
    DefinitionError, IncompleteScanError, MismatchError
        See `question_of` and `scanner.limits.cls.cls_limit`.
    """
    from scanner.limits.cls import cls_limit
    from scanner.limits.curves import Curves

    level_of(cl, 1)
    question = question_of(answers, (parameter,), at, experiments, seed, fit_points)
    return cls_limit(Curves(Bench(question), parameter), cl=cl, n_toys=toys)


def marginal_of(
    answers: Answers,
    keep: Sequence[str],
    *,
    priors: Mapping[str, str] | None = None,
    cls: Sequence[float] = (0.9,),
    at: Mapping[str, float] | None = None,
    experiments: Names = None,
) -> Marginal:
    """Posterior of one or two axes, integrated over those that are not held.

    Parameters
    ----------
    priors : mapping from axis to "flat" or "log"
        Flat where none is given.
    cls : sequence of float
        Credibilities of the regions.

    Raises
    ------
    DefinitionError
        A cube too large for the memory; see `scanner.limits.marginal.marginal`.
    """
    from scanner.limits.marginal import marginal

    held = answers.surface(experiments).at(**dict(at or {}))
    return marginal(held, keep, priors=priors, credibility=cls)
