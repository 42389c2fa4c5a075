"""`plot`: the exclusion figure of a stored scan, with published limits beneath; `drivers`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from scanner.cli.output import note, show_json, show_table


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
    drivers: Annotated[
        bool,
        typer.Option("--drivers", help="Shade the combined line by what contributes most."),
    ] = False,
    bare: Annotated[
        bool,
        typer.Option(
            "--bare", help="No title and no line of provenance: the file's metadata keep it."
        ),
    ] = False,
    partial: Partial = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """Draw the exclusion figure (a plane) or the Delta chi2 profile (one axis)."""
    from scanner.drawing import drawn, overlay_credits
    from scanner.scan import Scan

    opened = Scan.open(scan, store=store, partial=partial, told=note)
    path = drawn(
        opened,
        output,
        keep=axis_names(keep) if keep else None,
        cl=cl or None,
        dof=dof,
        at=numbers(at),
        experiments=experiment,
        reference=reference,
        overlays=overlay or (),
        overlay_dir=overlay_dir,
        look=style,
        driven=drivers,
        bare=bare,
    )
    credits = overlay_credits(opened, keep and axis_names(keep), overlay or (), overlay_dir)
    if json:
        show_json({"scan": opened.id, "figure": path, "cite": credits})
    else:
        print(path)
        for line in credits:
            note(f"cite for the published limits: {line}")


REFERENCES = {
    "global": "the minimum",
    "sm": "the Standard Model",
    "raster": "the minimum of each value of the first axis",
}


def drivers(
    scan: ScanName,
    cl: Annotated[float, typer.Option("--cl", help="Confidence level as a fraction.")] = 0.9,
    dof: Annotated[int, typer.Option("--dof", help="Degrees of freedom.")] = 2,
    keep: Annotated[
        list[str] | None, typer.Option("--keep", help="Two axes: a,b. Default: first and last.")
    ] = None,
    at: At = None,
    experiment: Experiments = None,
    reference: ReferenceKind = "global",
    partial: Partial = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """Say which experiment contributes most along the combined contour (see `plot --drivers`)."""
    from scanner.limits.drivers import SHARES
    from scanner.limits.drivers import drivers as found_along
    from scanner.scan import Scan
    from scanner.statistics import levels

    opened = Scan.open(scan, store=store, partial=partial, told=note)
    found = found_along(
        opened,
        axis_names(keep) if keep else None,
        cl=cl,
        dof=dof,
        at=numbers(at),
        experiments=experiment,
        reference=reference,
    )
    if json:
        show_json({"scan": opened.id, "digest": opened.stored.digest, **found.to_dict()})
        return
    print(
        f"{' + '.join(found.plane.experiments)}, {levels.percent(cl)} CL, {dof} dof, "
        f"line of Delta chi2 from {REFERENCES[found.plane.reference.kind]}"
    )
    print(f"shares {SHARES}")
    rows = [("contributes most", "share", *(axis.name for axis in found.plane.axes))]
    rows += [
        (
            row["experiment"] or "none",
            _from_to([100.0 * share for share in row["share"]], ".0f") + " %",
            *(_from_to(row[axis.name], ".4g") for axis in found.plane.axes),
        )
        for row in found.rows()
    ]
    show_table(rows, "  ")
    if not found.stretches:
        note("the combination has no line at this level")


def _from_to(ends: Sequence[float], form: str) -> str:
    low, high = (format(end, form) for end in ends)
    return low if low == high else f"{low} .. {high}"


VERBS: tuple[Callable[..., None], ...] = (plot, drivers)
