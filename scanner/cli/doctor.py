"""`doctor`: does this machine have what a scan needs?"""

from __future__ import annotations

from collections.abc import Callable

import typer

from scanner.cli.options import Cluster, Json, Scheduler, SchedulerFile, Store
from scanner.cli.output import show_json, show_table


def doctor(
    store: Store = None,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    cluster: Cluster = None,
    json: Json = False,
) -> None:
    """Check versions, threads, tables, the store's file system and a cluster round trip."""
    from scanner import checkup

    found = checkup.examine(store, scheduler, cluster, scheduler_file)
    if json:
        show_json({"ok": all(c.ok for c in found), "checks": [vars(c) for c in found]})
    else:
        show_table([("ok" if c.ok else "FAILED", c.name, c.found) for c in found])
    failed = next((c for c in found if not c.ok), None)
    if failed is not None:
        raise typer.Exit(failed.exit_code)


VERBS: tuple[Callable[..., None], ...] = (doctor,)
