"""What conventions do to a limit: asked of their scans, told in numbers, drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scanner import definition
from scanner.comparison import REFERENCES, axis_of, standard_model_value, symbol, walls
from scanner.conventions import Variant, band_of, spread_of
from scanner.definition import ScanDefinition
from scanner.errors import DefinitionError, unknown
from scanner.figures import style
from scanner.figures.band import Line, band_figure
from scanner.figures.bars import Bar
from scanner.figures.intervals import Row, intervals_figure
from scanner.figures.names import readable
from scanner.figures.save import check_path, save
from scanner.known import experiment_title, known_parameters
from scanner.limits.band import Band, Spread, in_words
from scanner.limits.interval import level_of
from scanner.pictures import PACKAGE
from scanner.statistics import levels
from scanner.store.provenance import package_version

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FROM = {
    "global": r"$\Delta\chi^2$ from the minimum",
    "sm": r"$\Delta\chi^2$ from the SM",
    "raster": r"$\Delta\chi^2$ from each column's minimum",
}


@dataclass(frozen=True)
class Question:
    """Which limit is asked for; what is None is found out by `check`."""

    parameter: str | None
    along: str | None
    cl: float
    dof: int | None
    at: Mapping[str, float]
    experiments: tuple[str, ...]
    reference: str

    def check(self, source: str | Path, overrides: Iterable[str]) -> Question:
        """The whole question to the scans of a definition, before any is run.

        Raises
        ------
        DefinitionError
            An unknown axis or experiment, or a level that makes no sense.
        """
        chosen = definition.load(source, overrides)
        axes = [axis.name for axis in chosen.axes]
        for name in (self.parameter, self.along, *self.at):
            if name is not None and name not in axes:
                raise DefinitionError(unknown("axis", name, axes))
        for name in self.experiments:
            if name not in chosen.experiments:
                raise DefinitionError(unknown("experiment", name, chosen.experiments))
        if self.reference not in FROM:
            raise DefinitionError(unknown("reference", self.reference, FROM))
        free = [name for name in axes if name not in self.at]
        if not free:
            raise DefinitionError("--at holds every axis: leave one free, the limit is on it")
        parameter = self.parameter or _limited(chosen, free)
        others = [name for name in free if name != parameter]
        along = self.along or (others[0] if others else None)
        dof = self.dof if self.dof is not None else (1 if along is None else 2)
        level_of(self.cl, dof)
        return replace(self, parameter=parameter, along=along, dof=dof)


def _limited(chosen: ScanDefinition, free: Sequence[str]) -> str:
    """Last free axis that is a coupling, else the last."""
    known = known_parameters(chosen)
    return ([name for name in free if known[name].role == "coupling"] or list(free))[-1]


def measure(variants: Sequence[Variant], asked: Question) -> Band | Spread:
    """The limit of every variant: along an axis, or the intervals of the one parameter."""
    assert asked.parameter is not None
    assert asked.dof is not None
    experiments = asked.experiments or None
    if asked.along is None:
        return spread_of(
            variants,
            asked.parameter,
            cl=asked.cl,
            dof=asked.dof,
            at=asked.at,
            experiments=experiments,
            reference=asked.reference,
        )
    return band_of(
        variants,
        asked.parameter,
        asked.along,
        cl=asked.cl,
        dof=asked.dof,
        at=asked.at,
        experiments=experiments,
        reference=asked.reference,
    )


def draw_band(
    variants: Sequence[Variant], found: Band | Spread, asked: Question, path: Path
) -> Path:
    """Draw the band of a limit, or the intervals under every convention.

    Raises
    ------
    DefinitionError
        An unknown suffix.
    StoreError
        The file cannot be written.
    """
    target = check_path(path)
    if isinstance(found, Band):
        return save(_band(variants, found, asked), target)
    return save(_spread(variants, found, asked), target)


def _titles(variants: Sequence[Variant], asked: Question) -> str:
    chosen = variants[0].scan.definition
    names = asked.experiments or chosen.experiments
    return " + ".join(experiment_title(chosen, name) for name in names)


def _provenance(variants: Sequence[Variant], asked: Question) -> str:
    nominal = variants[0].scan
    held = [f"{name} = {value:g}" for name, value in asked.at.items()]
    return ", ".join(
        [
            f"nominal {nominal.id} ({in_words(variants[0].choices).replace(', ', '; ')})",
            f"{len(variants)} scans",
            *held,
            f"{PACKAGE} {package_version(PACKAGE)}",
        ]
    )


def _band(variants: Sequence[Variant], found: Band, asked: Question) -> Figure:
    nominal = variants[0].scan
    first, *others = variants[0].choices
    limited = axis_of(nominal, found.parameter)
    label = "limit on " + style.label(symbol(nominal, found.parameter), found.unit)
    return band_figure(
        found.along,
        [
            Line(
                curve.limit,
                group=_told(first, curve.choices),
                kind=_told(others[0], curve.choices) if others else "",
            )
            for curve in found.curves
        ],
        labels=(style.label(symbol(nominal, found.along.name), found.along.unit), label),
        logarithmic=limited.logarithmic,
        title=nominal.definition.title,
        heading=(
            f"{_titles(variants, asked)}\nlimit at {levels.percent(found.cl)} CL, "
            f"{found.dof} dof, {FROM[found.reference]}"
        ),
        provenance=_provenance(variants, asked),
    )


def _told(key: str, choices: Mapping[str, str]) -> str:
    return f"{readable(key.rpartition('.')[2])} {readable(choices[key])}"


def _label(choices: Mapping[str, str]) -> str:
    return "; ".join(readable(choice) for choice in choices.values())


def _spread(variants: Sequence[Variant], found: Spread, asked: Question) -> Figure:
    nominal, interval = variants[0].scan, found.found[0][2]
    name = _titles(variants, asked)
    sm = standard_model_value(nominal, interval.parameter)
    axis = axis_of(nominal, interval.parameter)
    rows = [
        Row(
            label="; ".join(readable(choice) for choice in choices.values())
            + (" (nominal)" if i == 0 else ""),
            axis=axis,
            bars=[Bar(name, {one.cl: one.intervals}, one.best)],
            standard_model=sm,
            walls=walls(nominal, interval.parameter),
        )
        for i, (choices, _, one) in enumerate(found.found)
    ]
    hulls = [(low and low[0], high and high[1]) for low, high in (found.ends() or ())]
    return intervals_figure(
        rows,
        x_label=style.label(symbol(nominal, interval.parameter), interval.unit),
        title=nominal.definition.title,
        heading=(
            f"allowed at {levels.percent(interval.cl)} CL, {interval.dof} dof, "
            f"{REFERENCES[asked.reference]}; shaded: all conventions"
        ),
        shaded=hulls,
        provenance=_provenance(variants, asked),
    )
