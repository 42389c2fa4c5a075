"""`combine`: limits of several stored scans together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from scanner.cli.ask import opened_scan
from scanner.cli.options import (
    At,
    Json,
    Partial,
    ReferenceKind,
    Store,
    axis_names,
    numbers,
    one_level,
)
from scanner.cli.output import show_json
from scanner.cli.words import print_interval, print_plane


def combine(
    scans: Annotated[
        list[str], typer.Argument(metavar="SCAN SCAN [...]", help="Scans of the same axes.")
    ],
    parameter: Annotated[
        str | None,
        typer.Option("-p", "--parameter", help="Intervals of one axis, in place of contours."),
    ] = None,
    cl: Annotated[
        list[float] | None, typer.Option("--cl", help="Confidence level; repeat for contours.")
    ] = None,
    dof: Annotated[
        int | None, typer.Option("--dof", help="Default: 1 for intervals, 2 for contours.")
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option("--keep", help="The two axes: a,b. Default: first and last.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Draw it and each scan alone: FILE.pdf, .png or .svg."),
    ] = None,
    at: At = None,
    reference: ReferenceKind = "global",
    partial: Partial = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """Limits of several stored scans added up: independent experiments, the same axes."""
    from scanner.figures.save import check_path
    from scanner.limits.combine import combine as added

    if output is not None:
        check_path(output)
    both = added([opened_scan(scan, store, partial) for scan in scans])
    held = numbers(at)
    free = [axis.name for axis in both.surface.axes if axis.name not in held]
    if parameter is None and len(free) == 1:
        parameter = free[0]
    common: dict[str, Any] = {"at": held, "reference": reference}
    kept = [parameter] if parameter else axis_names(keep) if keep else None
    record: dict[str, Any] = {"scans": list(both.ids), "minimum": both.minimum.to_dict()}
    if parameter is not None:
        degrees = 1 if dof is None else dof
        interval = both.interval(parameter, cl=one_level(cl), dof=degrees, **common)
        record |= interval.to_dict()
    else:
        degrees = 2 if dof is None else dof
        plane = both.contour(kept, cls=cl or [0.9], dof=degrees, **common)
        record |= plane.to_dict()
    if output is not None:
        from scanner.comparison import draw_combination

        draw_combination(both, output, keep=kept, cl=cl, dof=dof, **common)
        record["figure"] = str(output)
    if json:
        show_json(record)
        return
    if parameter is not None:
        print_interval(interval, both.scans[0].definition.axes)
    else:
        print_plane(plane)
    if output is not None:
        print(output)


VERBS: tuple[Callable[..., None], ...] = (combine,)
