"""Watch a scan and cancel it, from the store alone: from any host that sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from scanner.errors import CatalogError, ClusterError, IncompleteScanError, error_of
from scanner.store.layout import DEFINITION
from scanner.store.runs import Run, Runs, Seen
from scanner.store.stored import StoredScan

TICK = 1.0  # s between looks
CANCEL_SECONDS = 60.0  # s for running chunks to end, and for the clusters that were started
CANCELLED = "cancelled"


def finished(stored: StoredScan) -> bool:
    """Whether nothing is left to do: every chunk is there, and the minima are."""
    return "minimum" in stored.summary and stored.state().complete


def watch(stored: StoredScan, tick: float = TICK) -> Iterator[Run]:
    """The record of whoever is furthest, whenever it has news, until the scan is complete.

    Reads the records only; the ledger, which may be long, once at the end.

    Raises
    ------
    ScannerError
        The run that was watched ended otherwise: its error.
    IncompleteScanError
        Nobody works on the scan; says how to go on. Where the last run failed: its kind of error,
        with its reason.
    CatalogError
        The scan was removed.
    """
    follower = Follower(stored.runs)
    followed: Run | None = None
    while working := [one.run for one in follower.look() if one.alive]:
        furthest = max(working, key=lambda run: (run.begun, run.done))
        if furthest != followed:
            yield furthest
        followed = furthest
        time.sleep(tick)
    if not stored.folder.exists(DEFINITION):
        raise CatalogError(f"scan {stored.id} is gone: it was removed")
    ended = None if followed is None else follower.known.get(followed.key)
    if ended is not None and ended.run.ended:
        yield ended.run
    if finished(stored):
        return
    if ended is not None and ended.run.exit_code:
        raise error_of(ended.run.exit_code, ended.run.message)
    seen = stored.runs.look()
    code = seen[0].run.exit_code if seen and seen[0].run.phase == "failed" else 0
    raise error_of(code or IncompleteScanError.exit_code, nobody(stored, seen))


class Follower:
    """Looks at runs again and again; silence is judged by the clock of whoever looks.

    A look at the clock of the store is a write there: one, at the beginning, is enough.
    """

    def __init__(self, runs: Runs, clock: Callable[[], float] = time.monotonic) -> None:
        self._runs, self._clock = runs, clock
        now = clock()
        self._since = {}
        self.known: dict[str, Seen] = {}
        for one in runs.look():
            self.known[one.run.key] = one
            self._since[one.run.key] = now - one.age

    def look(self) -> list[Seen]:
        """All runs that are there now."""
        now = self._clock()
        found: dict[str, Seen] = {}
        for key in self._runs.listed():
            before = self.known.get(key)
            if before is not None and before.run.ended:
                found[key] = before
                continue
            run = self._runs.read(key)
            if run is None:
                continue
            if before is None or run != before.run:
                self._since[key] = now
            found[key] = Seen(run, now - self._since[key])
        self.known = found
        return list(found.values())


def nobody(stored: StoredScan, seen: Sequence[Seen]) -> str:
    """That nobody works on a scan, what became of the last run, and how to go on."""
    state = stored.state()
    last = f"; {became(seen[0])}" if seen else ""
    if seen and seen[0].run.phase == "failed" and seen[0].run.message:
        last += f": {seen[0].run.message}"
    return (
        f"nobody works on scan {stored.id}: {state.done} of {state.total} chunks done{last}; go on "
        f"with `scanner resume {stored.words}`, or detached with `scanner submit {stored.words}`"
    )


def became(seen: Seen) -> str:
    """What became of a run that does not work any more, one clause."""
    who = f"the run of {seen.run.user} on {seen.run.host}"
    if not seen.run.ended:
        return f"{who} was last heard of {seen.age:.0f} s ago and has not ended properly"
    if seen.run.phase == "complete":
        return f"{who} was complete"
    return f"{who} {'was stopped' if seen.run.phase == 'stopped' else 'failed'}"


@dataclass(frozen=True)
class Cancelled:
    """What `cancel` did.

    Parameters
    ----------
    asked : tuple of Run
        Runs that were asked to end, as they are now.
    working : tuple of Seen
        Those that work still.
    silent : tuple of Seen
        Those that had gone silent before: their process died, nobody was asked.
    """

    asked: tuple[Run, ...]
    working: tuple[Seen, ...]
    silent: tuple[Seen, ...] = ()


def cancel(stored: StoredScan, *, wait: bool = True, patience: float = CANCEL_SECONDS) -> Cancelled:
    """Ask every run of a scan to end after its running chunks, and wait until they have.

    Runs that are asked for later are not hit. One that is silent, or has not begun, is noted as
    stopped, and ends at once should it ever (again) begin.

    Raises
    ------
    StoreError
        The wish cannot be written.
    ClusterError
        A run has not ended within `patience` seconds.
    """
    open_ = [one for one in stored.runs.look() if not one.run.ended]
    # a cluster may begin its task again
    silent = tuple(one for one in open_ if one.silent and one.run.kind != "cluster")
    asked = [one for one in open_ if one not in silent]
    for one in open_:
        stored.runs.request_stop(one.run.key)
        if one.silent or not one.run.begun:
            stored.runs.write(
                replace(
                    one.run,
                    phase="stopped",
                    message=CANCELLED,
                    exit_code=IncompleteScanError.exit_code,
                )
            )
    keys = {one.run.key for one in asked}
    follower = Follower(stored.runs)
    deadline = time.monotonic() + patience
    while True:
        found = [one for one in follower.look() if one.run.key in keys]
        working = tuple(one for one in found if one.alive)
        if not working or not wait:
            return Cancelled(tuple(one.run for one in found), working, silent)
        if time.monotonic() > deadline:
            raise ClusterError(_unheard(stored, working[0], patience))
        time.sleep(min(TICK, patience))


def _unheard(stored: StoredScan, seen: Seen, patience: float) -> str:
    return (
        f"scan {stored.id} was asked to stop, but the run of {seen.run.user} on {seen.run.host} "
        f"({seen.run.phase}, heard of {seen.age:.0f} s ago) has not ended within {patience:.0f} s; "
        f"it ends after its running chunks: `scanner watch {stored.words}`"
    )
