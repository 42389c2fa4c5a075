"""`submit`, `watch`, `cancel`, `status`: scans that others compute."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from scanner.cli.output import duration, note, show_json, show_json_line, show_table
from scanner.cli.scans import limit_record, print_limits
from scanner.errors import counted

if TYPE_CHECKING:
    from scanner.execution.progress import Progress
    from scanner.scan import Scan
    from scanner.store.runs import Run, Seen
    from scanner.store.state import ScanState

NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Do not wait until the running chunks have ended.")
]


def submit(
    definition: Definition,
    overrides: Overrides = None,
    store: Store = None,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    cluster: Cluster = None,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Start a scan that goes on when this terminal is closed; a stored one goes on by its id."""
    from scanner.scan import Scan

    options: dict[str, Any] = {
        "scheduler": scheduler,
        "scheduler_file": scheduler_file,
        "cluster": cluster,
        "workers": workers,
    }
    scan, submission = Scan.submit(definition, overrides or (), store=store, said=note, **options)
    if json:
        run = submission.run
        show_json(
            {
                "scan": scan.id,
                "definition": scan.definition.name,
                "path": str(scan.stored.location),
                "started": submission.started,
                "complete": run is None,
                "run": None if run is None else run.to_dict(),
            }
        )
        return
    print(f"scan    {scan.id} ({scan.definition.title})")
    print(f"cube    {scan.stored.location}/cube.zarr")
    if submission.run is None:
        print("nothing to compute: every chunk is done")
        return
    print(f"driver  {_driver(submission.run)}")
    if not submission.started:
        print("it works on this scan already: no second driver is started")
    words = scan.stored.words
    print(f"follow it with `scanner watch {words}`, end it with `scanner cancel {words}`")


def _driver(run: Run) -> str:
    """Who drives, and where.

    A task of the cluster that has not begun waits for a free thread.
    """
    from scanner.store.runs import KINDS

    if not run.begun:
        return f"{KINDS[run.kind]}, submitted by {run.user} on {run.host}, waits to begin"
    again = f", begun {run.starts} times" if run.starts > 1 else ""
    where = f", on {run.cluster}" if run.cluster else ""
    return f"{KINDS[run.kind]} of {run.user} on {run.host}, process {run.pid}{again}{where}"


def watch(scan: ScanName, store: Store = None, json: Json = False) -> None:
    """Follow a scan until it is done, from the store alone; ends by printing the limit."""
    from scanner.cli.progress import progress_bar
    from scanner.scan import Scan

    opened = Scan.open(scan, store=store, told=note)
    try:
        with progress_bar() as update:
            for run in opened.watch():
                _show(opened, run, update, json)
    except KeyboardInterrupt:
        note(
            "no longer watching; the scan goes on: `scanner watch "
            f"{opened.stored.words}` follows it, `scanner cancel {opened.stored.words}` ends it"
        )
        raise typer.Abort from None  # and nothing more is said
    if json:
        show_json_line({"scan": opened.id, "phase": "complete", **limit_record(opened)})
        return
    print(f"scan {opened.id} is complete: {opened.definition.title}")
    print_limits(opened)


def _show(scan: Scan, run: Run, update: Callable[[Progress], None], json: bool) -> None:
    from scanner.execution.progress import Progress

    if json:
        show_json_line({"scan": scan.id, **run.to_dict()})
        return
    if run.beats <= 1:
        note(f"scan {scan.id}: {_driver(run)}; {_phase(run)}")
    if run.points:
        update(
            Progress(
                run.done,
                run.total,
                run.points_done,
                run.points,
                run.points_per_second,
                run.eta_seconds,
                run.workers,
            )
        )


def cancel(
    scan: ScanName, store: Store = None, no_wait: NoWait = False, json: Json = False
) -> None:
    """Ask whoever works on a scan to end after the running chunks; what is done stays."""
    from scanner.scan import Scan
    from scanner.store.watching import became

    opened = Scan.open(scan, store=store)
    found = opened.cancel(wait=not no_wait)
    state = opened.state()
    if json:
        runs = [run.to_dict() for run in found.asked]
        working = [one.to_dict() for one in found.working]
        show_json(
            {"scan": opened.id, "cancelled": runs, "working": working, **_state_record(state)}
        )
        return
    if not found.asked:
        last = f": {became(found.silent[0])}" if found.silent else ""
        print(f"nobody works on scan {opened.id}{last}")
    for run in found.asked:
        print(f"asked to end: {_driver(run)}; {_phase(run)}")
    print(f"{state.done} of {state.total} chunks done")
    if not state.complete:
        print(_how_to_go_on(opened))


def status(scan: ScanName, store: Store = None, json: Json = False) -> None:
    """Say how far a scan is and who works on it, from the store alone."""
    from scanner.scan import Scan
    from scanner.store.watching import became

    opened = Scan.open(scan, store=store)
    state, runs = opened.state(), opened.stored.runs.look()
    if json:
        record = {"scan": opened.id, "definition": opened.definition.name, **_state_record(state)}
        show_json({**record, "runs": [one.to_dict() for one in runs]})
        return
    working = [one for one in runs if one.alive]
    resting = _resting(runs)
    points = ", ".join(f"{count} {name}" for name, count in state.status.items()) or "-"
    show_table(
        [
            ("scan", f"{opened.id} ({opened.definition.title})"),
            ("chunks", f"{state.done} of {state.total}"),
            ("grid", f"{100 * state.fraction_done:.1f} % of {state.points} points"),
            ("CPU time", duration(state.seconds)),
            ("evaluations", points),
            ("last written", state.last_written or "-"),
            *(("worked on by", _work(one)) for one in working),
            *([] if working else [("worked on by", "nobody")]),
            *(("last run", f"{became(one)}{_message(one.run)}") for one in resting),
        ]
    )
    for sentence in _left_out(resting):
        print(sentence)
    if state.ignored_markers:
        print(f"{state.ignored_markers} damaged or foreign markers are ignored")
    if working:
        print(f"follow it with `scanner watch {opened.stored.words}`")
    elif not state.complete or "minimum" not in opened.stored.summary:
        print(_how_to_go_on(opened))


def _resting(runs: Sequence[Seen]) -> list[Seen]:
    """The last run that ended, and before it the last one that computed something."""
    ended = [one for one in runs if not one.alive]
    told = [one for one in ended if one.run.done > one.run.done_before][:1]
    return [*(one for one in ended[:1] if one not in told), *told]


def _work(seen: Seen) -> str:
    run = seen.run
    asked = ", asked to end" if seen.asked else ""
    return f"{_driver(run)}; {_phase(run)}{asked} (heard of {duration(seen.age)} ago)"


def _phase(run: Run) -> str:
    """What a run does, or how it ended."""
    if run.phase == "computing":
        left = "?" if run.eta_seconds is None else duration(run.eta_seconds)
        return (
            f"{run.done} of {run.total} chunks, {counted(run.workers)}, "
            f"{run.points_per_second:.3g} points/s, {left} left, for {duration(run.seconds)}"
        )
    told = {"finishing": "looks for the minima", "submitted": f"asked for at {run.started}"}
    return told.get(run.phase, run.phase)


def _message(run: Run) -> str:
    return f": {run.message}" if run.message else ""


def _left_out(runs: Sequence[Seen]) -> Iterator[str]:
    """Chunks that the last run could not compute."""
    for one in runs:
        if one.run.quarantined:
            numbers = ", ".join(str(n) for n in one.run.quarantined)
            yield f"left out, for they killed three workers each: chunks {numbers}"
        for number, message in one.run.failed.items():
            yield f"chunk {number} failed: {message}"


def _state_record(state: ScanState) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(state), "complete": state.complete, "fraction_done": state.fraction_done}


def _how_to_go_on(scan: Scan) -> str:
    words = scan.stored.words
    return f"go on with `scanner resume {words}`, or detached with `scanner submit {words}`"


VERBS: tuple[Callable[..., None], ...] = (submit, watch, cancel, status)
