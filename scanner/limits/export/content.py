"""From a scan and a question to what is exported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from scanner.errors import DefinitionError
from scanner.limits.answers import Answers
from scanner.limits.export.contour import Contours
from scanner.limits.export.interval import Intervals
from scanner.limits.export.origin import Origin
from scanner.limits.export.profile import Profiles
from scanner.limits.export.table import Content
from scanner.limits.interval import level_of
from scanner.limits.layers import chosen_experiments
from scanner.limits.spaces import Names


@dataclass(frozen=True)
class Question:
    """What is asked of the scan.

    Parameters
    ----------
    keep : sequence of str
        Axes of the contour or profile, parameters of the intervals; by default those of the figure
        (for intervals the last axis).
    cls : sequence of float
        Confidence levels as fractions.
    dof : int, optional
        Degrees of freedom; 2 for contours, 1 for intervals, of profiles the kept axes.
    at : mapping
        Axes held at a value.
    experiments : sequence of str, optional
        All by default.
    reference : str
        ``global``, ``sm`` or ``raster``.
    each : bool
        Whether each experiment is there alone too, beside the combination.
    """

    keep: Sequence[str] = ()
    cls: Sequence[float] = (0.9,)
    dof: int | None = None
    at: Mapping[str, float] = field(default_factory=dict)
    experiments: Names = None
    reference: str = "global"
    each: bool = False

    def check(self) -> None:
        """DefinitionError for a level or degrees of freedom that make no sense."""
        for cl in self.cls:
            level_of(cl, 1 if self.dof is None else self.dof)


def default_content(scan: Answers, form: str, at: Mapping[str, float]) -> str:
    """What is exported if nothing is said: the cube, a contour, an interval of one free axis."""
    if form == "netcdf":
        return "cube"
    return "contour" if len(scan.default_plane(at)) == 2 else "interval"


def content(scan: Answers, what: str, asked: Question) -> Content:
    """Contours, profiles or intervals of a scan.

    Raises
    ------
    DefinitionError
        An unknown `what`, axis or experiment; a level or degrees of freedom that make no sense.
    IncompleteScanError
        Chunks are missing and `scan.partial` is not set.
    """
    made: dict[str, Callable[[Answers, Question], Content]] = {
        "contour": _contours,
        "profile": _profiles,
        "interval": _intervals,
    }
    asked.check()
    return made[what](scan, asked)


def _subsets(scan: Answers, asked: Question) -> dict[str, tuple[str, ...]]:
    """Label to experiments: all of them together first, then each alone."""
    names = chosen_experiments(scan.definition.layers, asked.experiments)
    if len(names) == 1:
        return {names[0]: names}
    alone = {name: (name,) for name in names} if asked.each else {}
    return {"combined": names, **alone}


def _contours(scan: Answers, asked: Question) -> Contours:
    keep = asked.keep or scan.default_plane(asked.at)
    planes = {
        label: scan.contour(
            keep,
            cls=asked.cls,
            dof=2 if asked.dof is None else asked.dof,
            at=asked.at,
            experiments=names,
            reference=asked.reference,
        )
        for label, names in _subsets(scan, asked).items()
    }
    return Contours(Origin.of(scan), planes)


def _profiles(scan: Answers, asked: Question) -> Profiles:
    keep = asked.keep or scan.default_plane(asked.at)
    if not keep:
        raise DefinitionError("every axis is held: hold one less, or ask for the point itself")
    subsets = _subsets(scan, asked)
    surfaces = {
        label: scan.profile(keep, at=asked.at, experiments=names)
        for label, names in subsets.items()
    }
    deltas = {
        label: scan.delta_chi2(keep, at=asked.at, experiments=names, reference=asked.reference)
        for label, names in subsets.items()
    }
    dof = len(keep) if asked.dof is None else asked.dof
    return Profiles(Origin.of(scan), surfaces, deltas, asked.reference, tuple(asked.cls), dof)


def _intervals(scan: Answers, asked: Question) -> Intervals:
    keep = asked.keep or scan.default_plane(asked.at)[-1:]
    if not keep:
        raise DefinitionError("every axis is held: leave out one --at to have an interval of it")
    found = {
        label: tuple(
            scan.interval(
                parameter,
                cl=cl,
                dof=1 if asked.dof is None else asked.dof,
                at=asked.at,
                experiments=names,
                reference=asked.reference,
            )
            for parameter in keep
            for cl in asked.cls
        )
        for label, names in _subsets(scan, asked).items()
    }
    return Intervals(Origin.of(scan), found)
