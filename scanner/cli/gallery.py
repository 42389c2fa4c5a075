"""`gallery`: every figure of the field from ready-made definitions, beside what was published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from scanner.cli.options import (
    Cluster,
    Json,
    Scheduler,
    SchedulerFile,
    Store,
    Workers,
)
from scanner.cli.output import note, show_json


def gallery(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of the pages; it is made.")
    ] = Path("gallery"),
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Figure or section; repeat for several."),
    ] = None,
    store: Store = None,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    cluster: Cluster = None,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Make every figure of the field and a page of them, beside what was published."""
    from scanner.gallery.building import build

    options = {"scheduler": scheduler, "scheduler_file": scheduler_file, "cluster": cluster}
    built = build(output, only or (), store=store, said=note, workers=workers, **options)
    if json:
        show_json(built.to_dict())
    else:
        print(built.index)
    built.check()


VERBS: tuple[Callable[..., None], ...] = (gallery,)
