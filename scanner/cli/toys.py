"""`toys`: Feldman-Cousins limits of a stored scan, with toys on workers."""

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
    Level,
    ScanName,
    Scheduler,
    SchedulerFile,
    Store,
    Workers,
    axis_names,
    numbers,
    one_level,
)
from scanner.cli.output import note, show_json, show_table

if TYPE_CHECKING:
    from scanner.limits.feldman_cousins import FeldmanCousins

Keep = Annotated[
    list[str] | None,
    typer.Option("--keep", help="Tested axes, one or two: a,b. Default: first and last free one."),
]
Seed = Annotated[int, typer.Option("--seed", help="Another number makes other toys.")]
Wilks = Annotated[
    int | None, typer.Option("--dof", help="Of the Wilks level. Default: number of tested axes.")
]


def toys(
    scan: ScanName,
    keep: Keep = None,
    at: At = None,
    cl: Level = None,
    dof: Wilks = None,
    near: Annotated[
        float, typer.Option("--near", help="Test points so near the Wilks level, in Delta chi2.")
    ] = 1.0,
    points: Annotated[int, typer.Option("--points", help="Tested points at most.")] = 200,
    most: Annotated[int, typer.Option("--max", help="Toys per point at most.")] = 1000,
    per_batch: Annotated[
        int | None, typer.Option("--per-batch", help="Toys per batch. Default: as before, or 100.")
    ] = None,
    sigmas: Annotated[
        float,
        typer.Option("--sigmas", help="Stop a point so many errors from the level."),
    ] = 3.0,
    fit_points: Annotated[
        int, typer.Option("--fit-points", help="Grid points of a toy's fit at most.")
    ] = 4096,
    seed: Seed = 0,
    experiment: Experiments = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Draw both contours: FILE.pdf, .png or .svg."),
    ] = None,
    store: Store = None,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    cluster: Cluster = None,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Feldman-Cousins limits: toys near the Wilks contour. Asked again it adds what is missing."""
    from scanner.scan import Scan

    if output is not None:
        from scanner.figures.save import check_path

        check_path(output)  # before the toys, not after
    opened = Scan.open(
        scan,
        store=store,
        told=note,
        scheduler=scheduler,
        scheduler_file=scheduler_file,
        cluster=cluster,
        workers=workers,
    )
    found = opened.feldman_cousins(
        axis_names(keep) if keep else None,
        cl=one_level(cl),
        dof=dof,
        at=numbers(at),
        experiments=experiment,
        near=near,
        points=points,
        most=most,
        per_batch=per_batch,
        sigmas=sigmas,
        fit_points=fit_points,
        seed=seed,
    )
    from scanner.store.toys import TOYS

    if json:
        show_json({"scan": opened.id, **found.to_dict()})
    else:
        _print(found, opened.stored.beside(TOYS))
    if output is not None:
        from scanner.toys_drawing import draw_toys

        draw_toys(opened, found, output)
        note(f"figure  {output}")


def _print(found: FeldmanCousins, place: str) -> None:
    names = [axis.name for axis in found.axes]
    rows = [(*names, "Delta chi2", "critical", "p-value", "toys", "")]
    rows += [
        (
            *(f"{t.at[name]:.5g}" for name in names),
            f"{t.delta_chi2:.3f}",
            f"{t.tally.critical:.3f} +- {t.tally.critical_error:.3f}",
            f"{t.tally.p_value:.4f} +- {t.tally.p_error:.4f}",
            str(t.tally.n_toys),
            ("excluded" if t.delta_chi2 > t.tally.critical else "allowed")
            + ("" if t.decided else ", near the level"),
        )
        for t in found.tested
    ]
    show_table(rows)
    record = found.to_dict()
    low, high = record["critical_range"]
    print(
        f"{100 * found.effort.cl:g} % CL: critical Delta chi2 from {low:.3f} to {high:.3f}, Wilks "
        f"{found.level:.3f} with {found.dof} dof; {len(found.differing)} of {len(found.tested)} "
        f"points are allowed by one of the two only; {found.n_toys} toys in "
        f"{place}/{record['key']}"
    )
    shares = record["allowed_share"]
    print(
        f"allowed share of the grid: Feldman-Cousins {shares['feldman-cousins']:.4f}, "
        f"Wilks {shares['wilks']:.4f}"
    )
    if len(names) == 1:
        for label, key in (("Feldman-Cousins", "intervals"), ("Wilks", "wilks_intervals")):
            print(f"{label}: {' or '.join(_ends(names[0], *ends) for ends in record[key])}")
    for sentence in found.notes:
        print(f"note: {sentence}")


def _ends(name: str, low: float | None, high: float | None) -> str:
    left = "" if low is None else f"{low:.5g} < "
    right = "" if high is None else f" < {high:.5g}"
    return f"{left}{name}{right}" if left or right else f"every scanned {name}"


VERBS: tuple[Callable[..., None], ...] = (toys,)
