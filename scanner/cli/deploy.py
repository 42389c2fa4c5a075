"""`deploy`: what is shipped for running elsewhere: list it, show it, print a job script."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scanner.cli.options import Json
from scanner.cli.output import note, show_json, show_table

app = typer.Typer(
    help="Profiles and recipes for batch systems, containers and hosts.",
    no_args_is_help=True,
)


@app.command("list")
def list_(json: Json = False) -> None:
    """List the profiles (for --cluster) and recipes that are shipped, one line each."""
    from scanner.execution.recipes import recipes

    found = recipes()
    if json:
        show_json(
            [
                {
                    "name": one.name,
                    "kind": one.kind,
                    "title": one.title,
                    "files": one.files,
                    "path": str(one.path),
                }
                for one in found
            ]
        )
    else:
        show_table([(one.name, one.kind, one.title) for one in found])


@app.command("show")
def show(
    name: Annotated[
        str, typer.Argument(help="Profile, recipe, or a file of one: compose/compose.yaml.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="DIR|FILE",
            help="Copy all its files into this folder; a single file also to this file.",
        ),
    ] = None,
) -> None:
    """Print a file, of a folder its README; --output copies all, to be edited for a site."""
    from scanner.execution.recipes import copy, find

    found = find(name)
    if output is not None:
        for path in copy(found, output):
            print(path)
        return
    print(found.text(), end="")
    if found.kind == "folder":
        note(f"{len(found.files)} files: copy them with `scanner deploy show {name} --output DIR`")


@app.command("script")
def script(
    profile: Annotated[
        str, typer.Argument(metavar="PROFILE|FILE", help="Shipped profile, or a file of your own.")
    ],
) -> None:
    """Print the job script that --cluster submits, as the batch system reads it."""
    from scanner.execution.batch.jobs import job_script
    from scanner.execution.batch.profile import load

    print(job_script(load(profile)), end="")
