"""`plot`: the exclusion figure of a stored scan, with published limits beneath."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from scanner.cli.options import (
    At,
    Experiments,
    Json,
    OverlayFolder,
    Partial,
    ReferenceKind,
    ScanName,
    Store,
    axis_names,
    numbers,
)
from scanner.cli.output import note, show_json


def plot(
    scan: ScanName,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="FILE.pdf, .png or .svg. Default: figure.png in the scan."
        ),
    ] = None,
    cl: Annotated[
        list[float] | None,
        typer.Option("--cl", help="Confidence level as a fraction; repeat for several."),
    ] = None,
    dof: Annotated[
        int | None, typer.Option("--dof", help="Default: the number of axes drawn.")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", help="Axes to draw: a,b or a. Default: first and last."),
    ] = None,
    at: At = None,
    experiment: Experiments = None,
    reference: ReferenceKind = "global",
    overlay: Annotated[
        list[str] | None,
        typer.Option(
            "--overlay",
            metavar="NAME|PATTERN|all",
            help="Published limit to draw beneath; repeat for several. See `list overlays`.",
        ),
    ] = None,
    overlay_dir: OverlayFolder = None,
    style: Annotated[
        str, typer.Option("--style", help="journal (one column), wide (two columns) or talk.")
    ] = "journal",
    partial: Partial = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """Draw the exclusion figure (a plane) or the Delta chi2 profile (one axis)."""
    from scanner.drawing import draw, overlay_credits
    from scanner.scan import Scan

    opened = Scan.open(scan, store=store, partial=partial, told=note)
    path = draw(
        opened,
        output or opened.stored.path / "figure.png",
        keep=axis_names(keep) if keep else None,
        cl=cl or None,
        dof=dof,
        at=numbers(at),
        experiments=experiment,
        reference=reference,
        overlays=overlay or (),
        overlay_dir=overlay_dir,
        look=style,
    )
    credits = overlay_credits(opened, keep and axis_names(keep), overlay or (), overlay_dir)
    if json:
        show_json({"scan": opened.id, "figure": str(path), "cite": credits})
    else:
        print(path)
        for line in credits:
            note(f"cite for the published limits: {line}")


VERBS: tuple[Callable[..., None], ...] = (plot,)
