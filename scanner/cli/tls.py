"""`deploy tls`: certificates for Dask's wire, and what to do with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli.options import Json
from scanner.cli.output import show_json

if TYPE_CHECKING:
    from scanner.execution.security.certificates import Certificates


def tls(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            help="New folder. Default: $SCANNER_TLS, else ~/.config/cevns-scanner/tls.",
        ),
    ] = None,
    days: Annotated[
        int, typer.Option("--days", help="How long the certificate lasts; its CA ten times longer.")
    ] = 365,
    host: Annotated[
        list[str] | None,
        typer.Option(
            "--host", metavar="NAME", help="Host written into it, for people: Dask compares none."
        ),
    ] = None,
    node: Annotated[
        str | None,
        typer.Option("--node", metavar="NAME", help="Add NAME.pem, NAME.key of the CA there."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    json: Json = False,
) -> None:
    """Make a CA and certificates, so that scheduler, workers and clients know each other."""
    from scanner.execution.security.certificates import (
        add_certificate,
        make_certificates,
        tls_folder,
    )

    place = folder or tls_folder()
    hosts = tuple(host or ())
    if node is None:
        made = make_certificates(place, hosts, days, force)
    else:
        made = add_certificate(place, node, hosts, days, force)
    if json:
        show_json(
            {
                "folder": str(made.folder),
                "files": list(made.files),
                "ends": f"{made.ends:%Y-%m-%dT%H:%M:%SZ}",
                "dask_yaml": made.dask_yaml(),
                "environment": made.environment(),
            }
        )
    else:
        print(_text(made))


def _text(made: Certificates) -> str:
    lines = "\n".join(f"export {name}={value}" for name, value in made.environment().items())
    return f"""\
{made.folder}: {", ".join(made.files)}; ends on {made.ends:%Y-%m-%d}

Copy ca.pem, {made.name}.pem and {made.name}.key (secret: who has it can run code on the cluster) to
every host of scheduler, workers and client; ca.key stays here, it makes further certificates.
Clients find them under the names ca.pem, node.pem, node.key in ~/.config/cevns-scanner/tls or
$SCANNER_TLS.

A scheduler and workers started by hand need Dask's configuration (~/.config/dask/tls.yaml):

{made.dask_yaml()}
or the same in the environment:

{lines}

Then: dask scheduler --protocol tls --dashboard-address 127.0.0.1:0
      dask worker tls://SCHEDULER:8786 --nthreads 1 --no-nanny --dashboard-address 127.0.0.1:0
      scanner run NAME --scheduler tls://SCHEDULER:8786"""


VERBS: tuple[Callable[..., None], ...] = (tls,)
