"""`refine`: evaluate the points near a contour until the grid is fine enough there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli.options import (
    At,
    Cluster,
    Experiments,
    Json,
    ReferenceKind,
    ScanName,
    Scheduler,
    SchedulerFile,
    Store,
    Workers,
    axis_names,
    numbers,
)
from scanner.cli.output import note, show_json, show_table

if TYPE_CHECKING:
    from scanner.limits.refinement.refinement import Refinement


def refine(
    scan: ScanName,
    to: Annotated[
        list[str],
        typer.Option(
            "--to",
            metavar="[AXIS=]SIZE",
            help="Largest cell across the contour: 0.005dex for logarithmic axes, a plain number "
            "in the unit of a linear one (eps=0.002). Repeat for several axes.",
        ),
    ],
    cl: Annotated[
        list[float] | None, typer.Option("--cl", help="Confidence level; repeat for several.")
    ] = None,
    dof: Annotated[int, typer.Option("--dof", help="Degrees of freedom of the limit.")] = 2,
    keep: Annotated[
        list[str] | None, typer.Option("--keep", help="The two axes: a,b. Default: those free.")
    ] = None,
    at: At = None,
    experiment: Experiments = None,
    reference: ReferenceKind = "global",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--figure", help="Draw the refined contours: FILE.pdf, .png or .svg."),
    ] = None,
    store: Store = None,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    cluster: Cluster = None,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Refine contours of a finished scan, for each experiment and all combined, on workers."""
    from scanner.scan import Scan

    if output is not None:
        from scanner.figures.save import check_path

        check_path(output)  # before minutes of work
    opened = Scan.open(scan, store=store, told=note)
    found = opened.refine(
        to=to,
        cls=cl or [0.9],
        dof=dof,
        keep=axis_names(keep) if keep else None,
        at=numbers(at),
        experiments=experiment,
        reference=reference,
        said=lambda cluster: note(f"refining scan {opened.id} on {cluster}"),
        told=note,
        scheduler=scheduler,
        scheduler_file=scheduler_file,
        cluster=cluster,
        workers=workers,
    )
    for label, drop in found.record["lowered"].items():
        note(f"{label}: chi2 falls {drop:.3g} below the stored minimum; levels count from there")
    figure = None if output is None else _draw(found, output)
    if json:
        drawn = None if figure is None else str(figure)
        show_json({"scan": opened.id, **found.to_dict(), "figure": drawn})
        return
    _print(found)
    if figure is not None:
        print(f"figure  {figure}")


def _draw(found: Refinement, path: Path) -> Path:
    """The exclusion figure at the first of the levels, on the finest grid."""
    from scanner.drawing import draw
    from scanner.limits.refinement.answers import RefinedAnswers

    asked = found.question
    return draw(
        RefinedAnswers.of(found),
        path,
        keep=asked.keep,
        cl=asked.cls[0],
        dof=asked.dof,
        at=asked.at,
        experiments=asked.experiments,
        reference=asked.reference,
    )


def _print(found: Refinement) -> None:
    record = found.to_dict()
    if found.evaluated:
        print(f"evaluated {found.evaluated} points")
    else:
        print("nothing to compute: this refinement is there")
    print(
        f"{record['points']} points, {100 * record['share']:.2g} % of the {record['finest_points']}"
        " of a grid as fine as that"
    )
    units = ["dex" if axis.logarithmic else axis.unit for axis in found.mesh.axes]
    heads = [f"{n} cell {u}".rstrip() for n, u in zip(found.question.keep, units, strict=True)]
    rows: list[tuple[object, ...]] = [("level", *heads, "cells near a contour", "points")]
    rows += [
        (one["level"], *(f"{size:.3g}" for size in one["cells"]), one["near_cells"], one["points"])
        for one in record["levels"]
    ]
    show_table(rows)
    print(f"contours: scanner contour {found.scan.id} --refined {found.question.options()}")
    print(f"points  {record['folder']}")


VERBS: tuple[Callable[..., None], ...] = (refine,)
