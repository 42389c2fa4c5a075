"""Several scans in one figure: intervals of many parameters and experiments, combined limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from scanner import catalog
from scanner.drawing import axis_label, levels_and_dof, plane_axes
from scanner.errors import ScannerError
from scanner.figures import style
from scanner.figures.bars import Bar
from scanner.figures.exclusion import Mark, Planes, exclusion_figure
from scanner.figures.frame import Note
from scanner.figures.intervals import Row, intervals_figure
from scanner.figures.lettering import words, wrapped
from scanner.figures.names import quantity
from scanner.figures.profile import profile_figure
from scanner.figures.save import check_path, save
from scanner.grid import Axis
from scanner.inputs import usual_values
from scanner.known import (
    combined_title,
    experiment_title,
    known_parameters,
    unusual_choices,
    usual_choices,
)
from scanner.limits.answers import Answers
from scanner.limits.combine import Combination
from scanner.limits.interval import Interval, level_of
from scanner.limits.marks import best_fit, standard_model_point
from scanner.limits.surface import Surface
from scanner.pictures import PACKAGE
from scanner.store.provenance import package_version

SHOWN_LEVELS = (0.6827, 0.9, 0.9545)
REFERENCES = {
    "global": r"$\Delta\chi^2$ from the minimum of each scan",
    "sm": r"$\Delta\chi^2$ from the Standard Model",
    "raster": r"$\Delta\chi^2$ from the minimum of each line",
}

_NAME_INCHES, _NAME_SIZE = 1.6, 8.0
"""Width of what stands beside a bar, and its type in points."""


@dataclass(frozen=True)
class Limits:
    """Intervals of one parameter of one scan, by experiment and level.

    Parameters
    ----------
    scan : Answers
        Where they are from.
    parameter : str
        An axis of it.
    found : mapping from experiment's title (or ``combined``) to intervals
        One for each confidence level.
    """

    scan: Answers
    parameter: str
    found: Mapping[str, Sequence[Interval]]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, for JSON."""
        return {
            "scan": self.scan.id,
            "digest": self.scan.stored.digest,
            "definition": self.scan.definition.name,
            "parameter": self.parameter,
            "standard_model": standard_model_value(self.scan, self.parameter),
            "limits": {name: [i.to_dict() for i in found] for name, found in self.found.items()},
        }


def limits(
    scan: Answers,
    parameter: str | None = None,
    *,
    cls: Sequence[float] = SHOWN_LEVELS,
    dof: int = 1,
    at: Mapping[str, float] | None = None,
    reference: str = "global",
) -> Limits:
    """Intervals of a parameter: of all experiments of the scan combined, and of each alone.

    Parameters
    ----------
    parameter : str, optional
        An axis; by default the last that is not held.
    at : mapping
        Axes held at a value; the others are profiled over.

    Raises
    ------
    DefinitionError
        An unknown axis, a level that makes no sense.
    IncompleteScanError
        Chunks are missing.
    """
    free = [axis.name for axis in scan.definition.axes if axis.name not in (at or {})]
    name = parameter or (free or [scan.definition.axes[-1].name])[-1]
    experiments = scan.definition.experiments
    subsets: dict[str, tuple[str, ...]] = {
        experiment_title(scan.definition, e): (e,) for e in experiments
    }
    if len(experiments) > 1:
        subsets = {combined_title(scan.definition, experiments): experiments, **subsets}
    for cl in cls:
        level_of(cl, dof)
    found = {
        label: [
            scan.interval(name, cl=cl, dof=dof, at=at, experiments=subset, reference=reference)
            for cl in sorted(cls)
        ]
        for label, subset in subsets.items()
    }
    return Limits(scan, name, found)


def standard_model_value(scan: Answers, parameter: str) -> float | None:
    """Value at which the scenario is the Standard Model; None where there is no such value."""
    try:
        scenario = catalog.scenario(scan.definition.scenario)
    except ScannerError:  # a scan may outlive the scenario it was made with
        return None
    known = {**usual_values(scenario, {}), **scenario.standard_model}
    value = known.get(parameter)
    return None if value is None else float(value)


def draw_intervals(
    shown: Sequence[Limits], path: Path, *, dof: int = 1, reference: str = "global"
) -> Path:
    """Draw the intervals of many parameters and experiments.

    Raises
    ------
    DefinitionError
        An unknown suffix.
    StoreError
        The file cannot be written.
    """
    target = check_path(path)
    names = _names(shown)
    alone = len({one.parameter for one in shown}) == 1
    scans = {one.scan.id: one.scan for one in shown}
    figure = intervals_figure(
        [_row(one, name, alone=alone) for one, name in zip(shown, names, strict=True)],
        heading=f"allowed at the confidence levels shown, {dof} dof, {REFERENCES[reference]}",
        provenance=", ".join([*(_made_with(scan) for scan in scans.values()), _version()]),
    )
    return save(figure, target)


def draw_combination(
    both: Combination,
    path: Path,
    *,
    keep: Sequence[str] | None = None,
    cl: Sequence[float] | None = None,
    dof: int | None = None,
    at: Mapping[str, float] | None = None,
    reference: str = "global",
) -> Path:
    """Draw the limits of scans added up, and of each scan alone.

    Parameters
    ----------
    both : Combination
        Of `scanner.limits.combine.combine`.
    keep, cl, dof, at, reference
        As for `scanner.drawing.draw`.

    Raises
    ------
    DefinitionError
        An unknown suffix or axis, more than two axes, a level that makes no sense.
    IncompleteScanError
        A scan is not complete.
    StoreError
        The file cannot be written.
    """
    target = check_path(path)
    first = both.scans[0]
    axes = plane_axes(keep or first.default_plane(at))
    levels, degrees = levels_and_dof(cl, dof, axes)
    how: dict[str, Any] = {"at": at, "reference": reference}
    whole = both.delta_chi2(axes, **how)
    singles = {
        label: scan.delta_chi2(axes, **how).chi2
        for label, scan in zip(_measured_by(both.scans), both.scans, strict=True)
    }
    held = [f"{name} = {value:g}" for name, value in whole.fixed.items()]
    note = Note(
        title=_shared([scan.definition.title for scan in both.scans]),
        reference=reference,
        provenance=", ".join([*(_made_with(scan) for scan in both.scans), *held, _version()]),
        computed=whole.computed,
    )
    labels = [axis_label(first, name) for name in axes]
    if len(axes) == 1:
        figure = profile_figure(
            whole.axes[0],
            whole.chi2,
            combined_label="combined",
            singles=singles,
            cls=levels,
            dof=degrees,
            note=note,
            label=labels[0],
        )
        return save(figure, target)
    expected = any(scan.definition.sensitivities for scan in both.scans)
    planes = Planes(
        (whole.axes[0], whole.axes[1]),
        whole.chi2,
        singles=singles,
        marks=[] if reference == "raster" else _marks(both, whole, expected),
        expected=expected,
    )
    names = (labels[0], labels[1])
    return save(exclusion_figure(planes, cl=levels, dof=degrees, note=note, labels=names), target)


def _marks(both: Combination, whole: Surface, expected: bool) -> list[Mark]:
    """Best fit of the sum, if all was measured, and the Standard Model, where they are in it."""
    points = {"Standard Model": standard_model_point(whole, both.scans[0].definition)}
    if not expected:
        fitted = best_fit(whole, {"combined": both.minimum}, whole.experiments)
        points = {"best fit": fitted, **points}
    return [Mark(label, (at[0], at[1])) for label, at in points.items() if at]


def _measured_by(scans: Sequence[Answers]) -> list[str]:
    """The experiments of each scan, with its id where that tells no two apart."""
    named = [
        " + ".join(experiment_title(scan.definition, e) for e in scan.definition.experiments)
        for scan in scans
    ]
    return [
        text if named.count(text) == 1 else f"{text}, {scan.id[:8]}"
        for text, scan in zip(named, scans, strict=True)
    ]


def _names(shown: Sequence[Limits]) -> list[str]:
    """What to call each: nothing where a parameter stands once, else what titles do not share."""
    named = {}
    for parameter in {one.parameter for one in shown}:
        alike = [one for one in shown if one.parameter == parameter]
        short = _unshared([one.scan.definition.title for one in alike])
        for one, text in zip(alike, short, strict=True):
            usable = text and short.count(text) == 1
            named[id(one)] = text if usable else f"{one.scan.definition.name} {one.scan.id[:8]}"
        if len(alike) == 1:
            named[id(alike[0])] = ""
    return [named[id(one)] for one in shown]


def _unshared(titles: Sequence[str]) -> list[str]:
    """Titles without the words that all begin with.

    >>> _unshared(["Weak angle, CsI", "Weak angle at rest, Ge"])
    ['CsI', 'at rest, Ge']
    """
    shared = len(_alike(titles))
    return [" ".join(title.split()[shared:]) for title in titles]


def _shared(titles: Sequence[str]) -> str:
    """The words that all titles begin with.

    >>> _shared(["Weak angle, CsI", "Weak angle, Ge"])
    'Weak angle'
    """
    return " ".join(titles[0].split()[: len(_alike(titles))]).strip(",:")


def _alike(titles: Sequence[str]) -> list[tuple[str, ...]]:
    plain = [[word.strip(",:") for word in title.split()] for title in titles]
    return list(takewhile(lambda same: len(set(same)) == 1, zip(*plain, strict=False)))


def _made_with(scan: Answers) -> str:
    """Id of a scan and the conventions that it was made with, what is unusual first."""
    chosen = scan.definition
    usual = usual_choices(chosen, chosen.experiments)
    plain = [
        value
        for name, made in chosen.choices.items()
        for key, value in list(made.items())[:1]
        if key in usual[name]
    ]
    told = [*unusual_choices(chosen, chosen.experiments), *chosen.options.values(), *plain]
    return f"{chosen.name} {scan.id} ({'; '.join(told)})"


def _version() -> str:
    return f"{PACKAGE} {package_version(PACKAGE)}"


def _row(one: Limits, name: str, *, alone: bool) -> Row:
    first = next(iter(one.found.values()))[0]
    parameter = symbol(one.scan, one.parameter)
    held = [f"{symbol(one.scan, n)} = {_value(one.scan, n, v)}" for n, v in first.fixed.items()]
    named = wrapped(words(name), _NAME_INCHES, _NAME_SIZE)
    lines = [*([] if alone and name else [parameter]), *([named] if name else []), *held]
    return Row(
        label="\n".join(lines),
        axis=axis_of(one.scan, one.parameter),
        bars=[
            Bar(name, {i.cl: i.intervals for i in found}, found[0].best)
            for name, found in one.found.items()
        ],
        standard_model=standard_model_value(one.scan, one.parameter),
        walls=walls(one.scan, one.parameter),
        symbol=parameter,
    )


def walls(scan: Answers, name: str) -> tuple[bool, bool]:
    """Whether an axis starts, and ends, at the parameter's own bounds."""
    axis = axis_of(scan, name)
    try:
        known = known_parameters(scan.definition)[name]
    except (ScannerError, KeyError):  # a scan may outlive the scenario it was made with
        return False, False
    first, last = axis.coordinates[[0, -1]].tolist()
    return first <= known.minimum, last >= known.maximum


def _value(scan: Answers, name: str, value: float) -> str:
    return quantity(value, axis_of(scan, name).unit)


def axis_of(scan: Answers, name: str) -> Axis:
    """Axis of a scan by its name."""
    return next(axis for axis in scan.definition.axes if axis.name == name)


def symbol(scan: Answers, name: str) -> str:
    """A parameter as the field writes it, without its unit."""
    try:
        latex = known_parameters(scan.definition)[name].latex
    except (ScannerError, KeyError):  # a scan may outlive the scenario it was made with
        latex = ""
    return style.label(latex or name, "")
