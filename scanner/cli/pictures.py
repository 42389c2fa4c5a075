"""`draw`: figures of points and of several scans."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli.options import (
    At,
    Json,
    Partial,
    PointExperiments,
    ReferenceKind,
    Store,
    numbers,
)
from scanner.cli.output import note, show_json
from scanner.errors import DefinitionError, unknown

if TYPE_CHECKING:
    from scanner.definition import ScanDefinition
    from scanner.scan import Scan
    from scanner.spectra import Spectra

app = typer.Typer(
    help="Figures of a point (spectra, pulls) and of several scans (intervals).",
    no_args_is_help=True,
)

Scenario = Annotated[str, typer.Argument(help="Scenario, or module:NAME.")]
Values = Annotated[list[str] | None, typer.Argument(metavar="NAME=VALUE", help="Its parameters.")]
Conventions = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="KEY=VALUE",
        help="Convention (couplings=tree) or choice (coherent_lar_2020.analysis=energy).",
    ),
]
Output = Annotated[Path, typer.Option("-o", "--output", help="FILE.pdf, .png or .svg.")]


@app.command()
def spectra(
    scenario: Scenario,
    output: Output,
    values: Values = None,
    experiment: PointExperiments = None,
    option: Conventions = None,
    json: Json = False,
) -> None:
    """Draw data and fitted prediction by observable, with backgrounds and signal by flux."""
    from scanner.pictures import draw_spectra

    _draw_point(draw_spectra, _point(scenario, values, experiment, option), output, json)


@app.command()
def pulls(
    scenario: Scenario,
    output: Output,
    values: Values = None,
    experiment: PointExperiments = None,
    option: Conventions = None,
    json: Json = False,
) -> None:
    """Draw the fitted pulls of a point with their post-fit widths, and its residuals."""
    from scanner.pictures import draw_pulls

    _draw_point(draw_pulls, _point(scenario, values, experiment, option), output, json)


@app.command()
def intervals(
    scans: Annotated[
        list[str],
        typer.Argument(metavar="SCAN[:PARAMETER]", help="Scan, and an axis of it (else its last)."),
    ],
    output: Output,
    cl: Annotated[
        list[float] | None,
        typer.Option("--cl", help="Confidence level; repeat. Default: 0.6827, 0.9, 0.9545."),
    ] = None,
    dof: Annotated[int, typer.Option("--dof", help="Degrees of freedom of the limits.")] = 1,
    at: At = None,
    reference: ReferenceKind = "global",
    partial: Partial = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """Draw the allowed intervals of several parameters and scans, by experiment."""
    from scanner.comparison import SHOWN_LEVELS, draw_intervals, limits
    from scanner.figures.save import check_path
    from scanner.scan import Scan

    check_path(output)
    named = [(name, parameter) for name, _, parameter in (text.partition(":") for text in scans)]
    opened = {
        name: Scan.open(name, store=store, partial=partial, told=note)
        for name in dict.fromkeys(name for name, _ in named)
    }
    held = held_axes(opened.values(), numbers(at))
    shown = [
        limits(
            opened[name],
            parameter or None,
            cls=cl or SHOWN_LEVELS,
            dof=dof,
            at=held[opened[name].id],
            reference=reference,
        )
        for name, parameter in named
    ]
    path = draw_intervals(shown, output, dof=dof, reference=reference)
    if json:
        show_json({"figure": str(path), "intervals": [one.to_dict() for one in shown]})
    else:
        print(path)


def held_axes(scans: Iterable[Scan], at: dict[str, float]) -> dict[str, dict[str, float]]:
    """Of the held values those that are axes of each scan; every one must be of some scan."""
    axes = {scan.id: [axis.name for axis in scan.definition.axes] for scan in scans}
    known = dict.fromkeys(name for names in axes.values() for name in names)
    for name in at:
        if name not in known:
            raise DefinitionError(f"--at {name}: {unknown('axis', name, known)}")
    return {i: {n: v for n, v in at.items() if n in names} for i, names in axes.items()}


def _draw_point(
    draw: Callable[[ScanDefinition, Mapping[str, Spectra], Path], Path],
    point: ScanDefinition,
    output: Path,
    json: bool,
) -> None:
    from scanner.figures.save import check_path
    from scanner.spectra import spectra as fitted

    check_path(output)
    found = fitted(point)
    path = draw(point, found, output)
    if json:
        fits = {name: one.to_dict() for name, one in found.items()}
        show_json({"figure": str(path), "experiments": fits})
    else:
        print(path)


def _point(
    scenario: str,
    values: list[str] | None,
    experiments: list[str] | None,
    options: list[str] | None,
) -> ScanDefinition:
    """The point that the arguments name, as `scanner point` does."""
    from scanner.cli.ask import point_tables
    from scanner.definition import from_mapping

    raw = point_tables(scenario, values, experiments, options)
    return from_mapping(raw, "", point=True)
