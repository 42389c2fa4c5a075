"""Progress of a run on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scanner.cli.output import duration, note
from scanner.cli.terminal import shield
from scanner.errors import counted

if TYPE_CHECKING:
    from scanner.execution.progress import Progress

QUIET_SECONDS = 10.0
SILENT_SECONDS = 60.0  # a chunk is planned to take half a second


@contextmanager
def progress_bar() -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows one `Progress` after the other."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(stderr=True), transient=True, refresh_per_second=4) as live:
        shield()  # before the streams that the bar has put in place of ours, until it ends
        yield lambda progress: live.update(Text(line(progress)))


def _lines() -> Callable[[Progress], None]:
    """One line every ten seconds, for logs."""
    last = time.monotonic()

    def update(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= QUIET_SECONDS:
            last = time.monotonic()
            note(line(progress))

    return update


def line(progress: Progress) -> str:
    """One line: share, rate, time left, workers; and how long no chunk was finished, if long."""
    share = progress.points_done / progress.points
    bar = ("#" * round(30 * share)).ljust(30, ".")
    left = "?" if progress.eta_seconds is None else duration(progress.eta_seconds)
    quiet = progress.quiet_seconds
    silent = f"  no chunk for {duration(quiet)}" if quiet >= SILENT_SECONDS else ""
    return (
        f"[{bar}] {100 * share:5.1f} %  {progress.done}/{progress.total} chunks  "
        f"{progress.points_per_second:,.0f} points/s  {left} left  {counted(progress.workers)}"
        f"{silent}"
    )
