"""`export`, `bib`: limits, cubes and citations for others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scanner.cli.options import (
    At,
    Experiments,
    Json,
    Partial,
    ReferenceKind,
    ScanName,
    Store,
    axis_names,
    numbers,
)
from scanner.cli.output import note, show_json

if TYPE_CHECKING:
    from scanner.limits.export.content import Question
    from scanner.scan import Scan


def export(
    scan: ScanName,
    form: Annotated[str, typer.Option("--format", help="hepdata, csv, json or netcdf.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="File; for hepdata a folder, .zip or .tar.gz. csv and json go to standard "
            "output without it.",
        ),
    ] = None,
    what: Annotated[
        str | None,
        typer.Option(
            "--what", help="contour, profile, interval or cube. Default: contour; cube for netcdf."
        ),
    ] = None,
    cl: Annotated[
        list[float] | None, typer.Option("--cl", help="Confidence level; repeat for several.")
    ] = None,
    dof: Annotated[
        int | None, typer.Option("--dof", help="Default: 2 for contours, 1 for intervals.")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep", help="Axes, or parameters of intervals: a,b. Default: the figure's."
        ),
    ] = None,
    at: At = None,
    experiment: Experiments = None,
    each: Annotated[
        bool | None,
        typer.Option(
            "--each/--together",
            help="Each experiment alone too, beside the combination. Default: for hepdata.",
        ),
    ] = None,
    reference: ReferenceKind = "global",
    figure: Annotated[
        bool, typer.Option("--figure", help="Put the figure into the HEPData submission.")
    ] = False,
    partial: Partial = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """Export limits or the cube for others: HEPData submission, CSV, JSON, NetCDF."""
    from scanner.limits.export import writer
    from scanner.limits.export.content import Question, content, default_content
    from scanner.scan import Scan

    writer.check(form, what, output, figure)
    asked = Question(
        keep=axis_names(keep or ()),
        cls=cl or (0.9,),
        dof=dof,
        at=numbers(at),
        experiments=experiment or None,
        reference=reference,
        each=form == "hepdata" if each is None else each,
    )
    asked.check()
    opened = Scan.open(scan, store=store, partial=partial, told=note)
    chosen = what or default_content(opened, form, asked.at)
    if output is None:
        print(writer.as_text(content(opened, chosen, asked), form), end="")
        return
    along = _along(opened, asked, figure) if form == "hepdata" else []
    path = writer.export(opened, form, output, what=chosen, asked=asked, resources=along)
    if json:
        show_json({"scan": opened.id, "format": form, "what": chosen, "output": str(path)})
    else:
        print(path)


def _along(scan: Scan, asked: Question, figure: bool) -> list[Any]:
    """Definition, references and perhaps the figure for a submission."""
    from tempfile import TemporaryDirectory

    from scanner.bibliography import bibtex
    from scanner.drawing import draw
    from scanner.limits.export.writer import resources_of

    references = bibtex(scan.bibliography())
    if not figure:
        return resources_of(scan, references)
    with TemporaryDirectory() as folder:
        path = draw(
            scan,
            Path(folder) / "figure.png",
            keep=asked.keep or None,
            cl=asked.cls,
            dof=asked.dof,
            at=asked.at,
            experiments=asked.experiments,
            reference=asked.reference,
        )
        return resources_of(scan, references, path)


def bib(scan: ScanName, store: Store = None, json: Json = False) -> None:
    """Print what a result of a stored scan cites as BibTeX: papers, data and this software."""
    from scanner.bibliography import bibtex
    from scanner.scan import Scan

    found = Scan.open(scan, store=store).bibliography()
    if json:
        show_json([entry.to_dict() for entry in found])
    else:
        print(bibtex(found), end="")


VERBS: tuple[Callable[..., None], ...] = (export, bib)
