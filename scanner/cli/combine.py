"""`combine`: limits of several stored scans together."""

from __future__ import annotations

from collections.abc import Callable
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
    at: At = None,
    reference: ReferenceKind = "global",
    partial: Partial = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """Limits of several stored scans added up: independent experiments, the same axes."""
    from scanner.limits.combine import combine as added

    both = added([opened_scan(scan, store, partial) for scan in scans])
    held = numbers(at)
    free = [axis.name for axis in both.surface.axes if axis.name not in held]
    if parameter is None and len(free) == 1:
        parameter = free[0]
    common: dict[str, Any] = {"at": held, "reference": reference}
    record: dict[str, Any] = {"scans": list(both.ids), "minimum": both.minimum.to_dict()}
    if parameter is not None:
        degrees = 1 if dof is None else dof
        interval = both.interval(parameter, cl=one_level(cl), dof=degrees, **common)
        if json:
            show_json({**record, **interval.to_dict()})
        else:
            print_interval(interval, both.scans[0].definition.axes)
        return
    kept, degrees = axis_names(keep) if keep else None, 2 if dof is None else dof
    plane = both.contour(kept, cls=cl or [0.9], dof=degrees, **common)
    if json:
        show_json({**record, **plane.to_dict()})
    else:
        print_plane(plane)


VERBS: tuple[Callable[..., None], ...] = (combine,)
