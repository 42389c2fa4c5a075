"""`data build` and `data verify`: the shipped tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scanner.cli.options import Json
from scanner.cli.output import show_json

app = typer.Typer(help="Rebuild or check the shipped tables.", no_args_is_help=True)


@app.command("build")
def build(
    experiment: Annotated[
        str, typer.Argument(help="Experiment, reactor_spectra, solar_fluxes, or overlays.")
    ],
    release: Annotated[
        Path, typer.Option("--release", help="Folder of the official release, or its parent.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", help="Where to write. Default: the shipped tables.")
    ] = None,
    json: Json = False,
) -> None:
    """Rebuild an experiment's tables, a flux's or the published limits' from their releases."""
    from scanner import tables

    changed = tables.build(experiment, release, output)
    if json:
        show_json({"experiment": experiment, "changed": list(changed)})
    else:
        print(
            f"{experiment}: {', '.join(changed)} written" if changed else f"{experiment}: unchanged"
        )


@app.command("verify")
def verify(json: Json = False) -> None:
    """Check all shipped tables against their checksums."""
    from scanner import catalog, tables

    checked = {
        name: list(tables.verify(name)) for name in (*catalog.experiment_names(), *tables.OTHERS)
    }
    if json:
        show_json(checked)
    else:
        for name, files in checked.items():
            print(f"{name}: {_verified(files)}")


def _verified(files: list[str]) -> str:
    """What to say of the tables that were checked."""
    if not files:
        return "has no tables"
    return f"{len(files)} {'table is' if len(files) == 1 else 'tables are'} as shipped"
