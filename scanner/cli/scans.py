"""`run`, `plan`, `resume`: computing scans."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scanner.cli.options import (
    Cluster,
    Definition,
    Json,
    Overrides,
    ScanName,
    Scheduler,
    SchedulerFile,
    Store,
    Workers,
)
from scanner.cli.output import duration, note, show_json, show_table, size
from scanner.errors import counted

if TYPE_CHECKING:
    from scanner.definition import ScanDefinition
    from scanner.execution.progress import Report
    from scanner.scan import Scan

Figure = Annotated[
    Path | None,
    typer.Option("-o", "--figure", help="Figure file. Default: figure.png beside the cube."),
]
NoFigure = Annotated[bool, typer.Option("--no-figure", help="Draw no figure.")]
Quick = Annotated[
    bool,
    typer.Option("--quick", help="Preview on thinned axes: a scan of its own, in seconds."),
]
Verify = Annotated[
    bool,
    typer.Option("--verify", help="Read every chunk first and compute damaged ones again."),
]


def run(
    definition: Definition,
    overrides: Overrides = None,
    store: Store = None,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    cluster: Cluster = None,
    workers: Workers = None,
    figure: Figure = None,
    no_figure: NoFigure = False,
    quick: Quick = False,
    json: Json = False,
) -> None:
    """Run a scan: compute what is missing, print the limit, draw the figure."""
    from scanner.cli.progress import progress_bar
    from scanner.definition import load
    from scanner.scan import Scan

    chosen = load(definition, overrides or ())
    remarks: tuple[str, ...] = ()
    if quick:
        from scanner.preview import preview

        chosen, remarks = preview(chosen)
    options: dict[str, Any] = {
        "scheduler": scheduler,
        "scheduler_file": scheduler_file,
        "cluster": cluster,
        "workers": workers,
    }
    _check(figure)
    said = _announcing(chosen)
    start = time.perf_counter()
    with progress_bar() as update:
        scan, report = Scan.launch(
            chosen, store=store, progress=update, said=said, told=note, **options
        )
    seconds = time.perf_counter() - start
    _tell(
        scan,
        report,
        seconds,
        lambda: None if no_figure else _draw(scan, report, figure),
        json,
        remarks,
    )


def resume(
    scan: ScanName,
    store: Store = None,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    cluster: Cluster = None,
    workers: Workers = None,
    verify: Verify = False,
    figure: Figure = None,
    no_figure: NoFigure = False,
    json: Json = False,
) -> None:
    """Go on with a stored scan: only chunks without a valid marker are computed."""
    from scanner.cli.progress import progress_bar
    from scanner.scan import Scan

    options: dict[str, Any] = {
        "scheduler": scheduler,
        "scheduler_file": scheduler_file,
        "cluster": cluster,
        "workers": workers,
    }
    opened = Scan.open(scan, store=store, told=note, **options)
    _check(figure)
    said = _announcing(opened.definition)
    if verify:
        _discard_damaged(opened)
    start = time.perf_counter()
    with progress_bar() as update:
        report = opened.run(progress=update, said=said, **options)
    seconds = time.perf_counter() - start
    _tell(
        opened, report, seconds, lambda: None if no_figure else _draw(opened, report, figure), json
    )


def _check(figure: Path | None) -> None:
    """Refuse a figure that cannot be written before minutes of work."""
    if figure is not None:
        from scanner.figures.save import check_path

        check_path(figure)


def _discard_damaged(scan: Scan) -> None:
    """Forget the chunks whose data are not those that were written, so that the run mends them."""
    damaged = scan.stored.verify()
    scan.stored.discard(damaged)
    note(f"{len(damaged)} of {scan.stored.grid.n_chunks} chunks are damaged")


def _announcing(chosen: ScanDefinition) -> Callable[[str], None]:
    """Says which scan starts on which cluster, once both are known to be usable."""
    points = math.prod(len(axis) for axis in chosen.axes)

    def say(cluster: str) -> None:
        from scanner.prepare import remarks

        note(f"scan {chosen.id}: {chosen.title}, {points} points, on {cluster}")
        for sentence in remarks(chosen):
            note(f"note: {sentence}")

    return say


def _draw(scan: Scan, report: Report | None, wished: Path | None) -> str | None:
    """Draw the figure; the one beside a cube that did not change is kept.

    A large cube is read for it, for minutes, only where a figure is wished for.
    """
    from scanner.drawing import drawn
    from scanner.store.layout import FIGURE

    if wished is None and scan.spaces.large:
        return None
    if wished is None and report is None and scan.stored.folder.exists(FIGURE):
        return scan.stored.beside(FIGURE)
    return drawn(scan, wished)


def _tell(
    scan: Scan,
    report: Report | None,
    seconds: float,
    draw: Callable[[], str | None],
    json: bool,
    remarks: tuple[str, ...] = (),
) -> None:
    """Print the limit, then draw: the numbers are told even where no figure can be written."""
    from scanner.known import profile_notes, sensitivity_notes

    for sentence in (*(report.notes if report else ()), *profile_notes(scan.definition)):
        note(sentence)
    remarks = (*remarks, *sensitivity_notes(scan.definition))
    if json:
        show_json({**_record(scan, report, seconds, draw()), "remarks": list(remarks)})
        return
    print(_told(report, seconds))
    for sentence in remarks:
        print(sentence)
    print_limits(scan)
    figure = draw()
    if figure is not None:
        print(f"figure  {figure}")


def print_limits(scan: Scan) -> None:
    """The limit of a complete scan, and where its cube lies."""
    from scanner.store.layout import CUBE

    for line in _minima(scan) if scan.spaces.large else scan.summary().lines():
        print(line)
    print(f"cube    {scan.stored.beside(CUBE)}")


def limit_record(scan: Scan) -> dict[str, Any]:
    """The same, for JSON."""
    if scan.spaces.large:
        return {"minimum": scan.stored.summary["minimum"]}
    return scan.summary().to_dict()


def _minima(scan: Scan) -> Iterator[str]:
    """What is known of a large cube without reading it again."""
    for experiments, found in scan.minima.items():
        place = ", ".join(f"{name} = {value:.4g}" for name, value in found.at.items())
        yield f"minimum of {experiments}: chi2 = {found.chi2:.2f} at {place}"
    yield (
        "a large cube: its limits are minutes of reading, by `scanner interval`, `profile`, "
        "`contour` and `plot`; with axes held (--at) a moment"
    )


def _told(report: Report | None, seconds: float) -> str:
    if report is None:
        return "nothing to compute: every chunk is done"
    peak = max(report.peak_memory_bytes.values(), default=0)
    evaluated, written = (f"{100.0 * share:.0f} %" for share in report.shares)
    return (
        f"computed {report.computed} chunks ({report.skipped} were done), {report.points} points "
        f"in {duration(seconds)}, {report.points_per_second:.3g} points/s, "
        f"{size(peak)} per worker at most; of the workers' time {evaluated} went into evaluation, "
        f"{written} into writing"
    )


def _record(
    scan: Scan, report: Report | None, seconds: float, figure: str | None
) -> dict[str, Any]:
    from scanner.known import profile_record
    from scanner.store.layout import CUBE

    return {
        "scan": scan.id,
        "definition": scan.definition.name,
        **profile_record(scan.definition),
        "path": scan.stored.location,
        "cube": scan.stored.beside(CUBE),
        "figure": figure,
        "computed_chunks": 0 if report is None else report.computed,
        "computed_points": 0 if report is None else report.points,
        "seconds": seconds,
        "points_per_second": None if report is None else report.points_per_second,
        "evaluation_seconds": 0.0 if report is None else report.cpu_seconds,
        "write_seconds": 0.0 if report is None else report.write_seconds,
        "peak_memory_bytes": {} if report is None else dict(report.peak_memory_bytes),
        **limit_record(scan),
    }


def plan(
    definition: Definition,
    overrides: Overrides = None,
    store: Store = None,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Say what a scan costs: points, chunks, templates, time, disk, memory. Computes nothing."""
    from dataclasses import asdict

    from scanner import prepare
    from scanner.definition import load

    chosen = load(definition, overrides or ())
    cost = prepare.plan(chosen, store, workers)
    said = prepare.remarks(chosen)
    if json:
        record = {"scan": chosen.id, "definition": chosen.name, **asdict(cost)}
        show_json({**record, "notes": list(said)})
        return
    for sentence in said:
        note(f"note: {sentence}")
    shape = " x ".join(str(n) for n in cost.chunk_shape)
    show_table(
        [
            ("scan", f"{chosen.id} ({chosen.title})"),
            ("points", cost.points),
            ("chunks", f"{cost.chunks} of {shape}, {cost.done_chunks} done"),
            ("templates", cost.templates),
            ("CPU time", duration(cost.cpu_seconds)),
            (
                "time",
                f"{duration(cost.seconds)} on {counted(cost.workers)}, once started",
            ),
            ("disk", f"{size(cost.disk_bytes)} at most"),
            ("memory", f"{size(cost.memory_bytes)} per worker"),
        ]
    )


VERBS: tuple[Callable[..., None], ...] = (run, plan, resume)
