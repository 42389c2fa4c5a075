"""Refinements as they are asked for from Python and from the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scanner.limits.refinement.question import Question
from scanner.limits.refinement.refine import refine
from scanner.limits.refinement.refinement import RefinedPlane, Refinement, find_refinement
from scanner.limits.refinement.tolerance import Wish

if TYPE_CHECKING:
    from distributed import Client

    from scanner.limits.answers import Answers

Say = Callable[[str], None]


def refine_of(
    scan: Answers,
    *,
    to: Wish,
    cls: Sequence[float] = (0.9,),
    dof: int = 2,
    keep: Sequence[str] | None = None,
    at: Mapping[str, float] | None = None,
    experiments: Sequence[str] | None = None,
    reference: str = "global",
    client: Client | None = None,
    said: Say = lambda _: None,
    told: Say = lambda _: None,
    **cluster: Any,
) -> Refinement:
    """Evaluate the points near contours of a complete scan until the grid is fine enough there.

    Parameters
    ----------
    to : str, number, mapping or sequence of str
        Largest cell across a contour, see `scanner.limits.refinement.tolerance.tolerances`:
        ``"0.005dex"``, ``{"mass": "0.01dex", "eps": 0.002}``.
    cls, dof, keep, at, experiments, reference
        As for `contour`; all axes but two are held, at any value inside them. Each experiment alone
        and all together are refined at once.
    client, cluster
        As for `Scan.run`.
    said, told : callable
        Told which cluster is used; told of each level.

    Raises
    ------
    DefinitionError, IncompleteScanError, MismatchError, ClusterError, StoreError
        See `Question.of` and `refine`.
    """
    question = Question.of(
        scan.definition,
        levels=cls,
        dof=dof,
        to=to,
        keep=keep,
        at=at,
        experiments=experiments,
        reference=reference,
    )
    workers = replace(scan.workers, options=cluster or scan.workers.options, client=client)
    return refine(scan, question, workers=workers, said=said, told=told)


def refined_contour_of(
    scan: Answers, *, cls: Sequence[float] = (0.9,), dof: int = 2, **plane: Any
) -> RefinedPlane:
    """Contours of the finest refinement made of a plane, with how far they may be off.

    Parameters
    ----------
    cls, dof, plane
        As for `refine_of`: ``keep``, ``at``, ``experiments``, ``reference``.

    Raises
    ------
    DefinitionError
        It was not refined; says how to.
    """
    question = Question.of(scan.definition, levels=cls, dof=dof, to=None, **plane)
    return find_refinement(scan, question).contour(
        cls=question.cls, experiments=question.experiments, keep=question.keep
    )
