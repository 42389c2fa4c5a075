"""All verbs in one typer application."""

from __future__ import annotations

import typer

from scanner.cli import ask, catalogue, data, doctor, draw, scans

app = typer.Typer(
    name="scanner",
    help="Parameter scans and exclusion limits for coherent elastic neutrino-nucleus scattering.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for verbs in (catalogue, scans, ask, draw, doctor):
    for verb in verbs.VERBS:
        app.command(verb.__name__.rstrip("_"))(verb)
app.add_typer(data.app, name="data")
