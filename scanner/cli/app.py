"""All verbs in one typer application."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from scanner.cli import (
    ask,
    band,
    care,
    catalogue,
    combine,
    data,
    deploy,
    detached,
    doctor,
    draw,
    export,
    gallery,
    impacts,
    pictures,
    refine,
    scans,
    serve,
    statistics,
    tls,
    token,
    toys,
)

# the command line library brings its own copy of click, or uses the installed one
UsageError: Any = typer.BadParameter.__base__
Abort = typer.Abort

app = typer.Typer(
    name="scanner",
    help="Parameter scans and exclusion limits for coherent elastic neutrino-nucleus scattering.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for verbs in (
    catalogue,
    scans,
    serve,
    detached,
    refine,
    toys,
    ask,
    combine,
    statistics,
    draw,
    impacts,
    band,
    export,
    gallery,
    care,
    doctor,
):
    for verb in verbs.VERBS:
        app.command(verb.__name__.rstrip("_"))(verb)
app.add_typer(data.app, name="data")
for verb in tls.VERBS:
    deploy.app.command(verb.__name__)(verb)
app.add_typer(deploy.app, name="deploy")
app.add_typer(token.app, name="token")
app.add_typer(pictures.app, name="draw")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("cevns-scanner"))
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Parameter scans and exclusion limits for coherent elastic neutrino-nucleus scattering."""
