"""`band`: what conventions do to a limit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from scanner.cli.options import (
    At,
    Cluster,
    Definition,
    Experiments,
    Json,
    Level,
    Overrides,
    ReferenceKind,
    Scheduler,
    SchedulerFile,
    Store,
    Workers,
    numbers,
    one_level,
)
from scanner.cli.output import note, show_json, show_table


def band(
    definition: Definition,
    vary: Annotated[
        list[str],
        typer.Option(
            "--vary",
            metavar="KEY[=A,B]",
            help="Convention to vary: options.couplings, experiment.NAME.KEY; repeat for several.",
        ),
    ],
    parameter: Annotated[
        str | None, typer.Option("--limit", help="Parameter that is limited. Default: last axis.")
    ] = None,
    along: Annotated[
        str | None,
        typer.Option("--along", help="Axis that the limit runs along. Default: the first free."),
    ] = None,
    overrides: Overrides = None,
    cl: Level = None,
    dof: Annotated[
        int | None, typer.Option("--dof", help="Default: 2 along an axis, else 1.")
    ] = None,
    at: At = None,
    experiment: Experiments = None,
    reference: ReferenceKind = "global",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Draw into FILE.pdf, .png or .svg.")
    ] = None,
    store: Store = None,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    cluster: Cluster = None,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Run a scan under every combination of conventions; tell and draw the band of the limit."""
    from scanner.bands import Question, draw_band, measure
    from scanner.conventions import run_variants
    from scanner.figures.save import check_path
    from scanner.limits.band import in_words

    if output is not None:
        check_path(output)
    asked = Question(
        parameter, along, one_level(cl), dof, numbers(at), tuple(experiment or ()), reference
    )
    asked = asked.check(definition, overrides or ())
    options: dict[str, Any] = {
        "scheduler": scheduler,
        "scheduler_file": scheduler_file,
        "cluster": cluster,
    }
    variants, refused = run_variants(
        definition,
        vary,
        overrides or (),
        store=store,
        said=note,
        workers=workers,
        **options,
    )
    for one in refused:
        note(f"left out: {in_words(one.choices)}: {one.reason}")
    found = measure(variants, asked)
    path = None if output is None else draw_band(variants, found, asked, output)
    if json:
        left_out = [{"choices": dict(one.choices), "reason": one.reason} for one in refused]
        show_json({**found.to_dict(), "left_out": left_out, "figure": path and str(path)})
        return
    show_table(found.table())
    for sentence in found.remarks():
        note(f"note: {sentence}")
    if path is not None:
        print(path)


VERBS: tuple[Callable[..., None], ...] = (band,)
