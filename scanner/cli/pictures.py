"""`draw`: figures of points and of several scans."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli.options import Experiments, Json
from scanner.cli.output import show_json

if TYPE_CHECKING:
    from scanner.definition import ScanDefinition

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
    experiment: Experiments = None,
    option: Conventions = None,
    json: Json = False,
) -> None:
    """Draw data and fitted prediction by observable, with backgrounds and signal by flux."""
    from scanner.pictures import draw_spectra

    _tell(draw_spectra(_point(scenario, values, experiment, option), output), json)


@app.command()
def pulls(
    scenario: Scenario,
    output: Output,
    values: Values = None,
    experiment: Experiments = None,
    option: Conventions = None,
    json: Json = False,
) -> None:
    """Draw the fitted pulls of a point with their post-fit widths, and its residuals."""
    from scanner.pictures import draw_pulls

    _tell(draw_pulls(_point(scenario, values, experiment, option), output), json)


def _tell(path: Path, json: bool) -> None:
    if json:
        show_json({"figure": str(path)})
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
