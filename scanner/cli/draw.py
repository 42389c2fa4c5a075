"""`plot`: the exclusion figure of a stored scan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from scanner.cli.options import (
    At,
    Experiments,
    Json,
    Level,
    Partial,
    ReferenceKind,
    ScanName,
    Store,
    axis_names,
    numbers,
    one_level,
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
    cl: Level = None,
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
    partial: Partial = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """Draw the exclusion figure (a plane) or the Delta chi2 profile (one axis)."""
    from scanner.drawing import draw
    from scanner.scan import Scan

    opened = Scan.open(scan, store=store, partial=partial, told=note)
    path = draw(
        opened,
        output or opened.stored.path / "figure.png",
        keep=axis_names(keep) if keep else None,
        cl=one_level(cl),
        dof=dof,
        at=numbers(at),
        experiments=experiment,
        reference=reference,
    )
    if json:
        show_json({"scan": opened.id, "figure": str(path)})
    else:
        print(path)


VERBS: tuple[Callable[..., None], ...] = (plot,)
