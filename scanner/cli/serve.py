"""`serve`: a store and a cluster behind HTTP, with a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scanner.cli.options import Cluster, Scheduler, SchedulerFile, Store, Workers
from scanner.cli.output import note

if TYPE_CHECKING:
    from scanner.service.settings import Settings

State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="Folder of the service's queue and tokens. Default: one of yours for the store.",
    ),
]
Host = Annotated[str, typer.Option("--host", help="Address to listen on: 0.0.0.0 for all.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 for a free one.")]
Certificate = Annotated[
    Path | None, typer.Option("--tls-cert", help="Certificate (PEM) to serve https with.")
]
PrivateKey = Annotated[Path | None, typer.Option("--tls-key", help="Its private key (PEM).")]
BehindProxy = Annotated[
    bool,
    typer.Option("--behind-proxy", help="Another server in front of this one speaks https."),
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option("--allow-host", metavar="NAME", help="Name it is called by; repeat for several."),
]
AtOnce = Annotated[
    int, typer.Option("--at-once", min=1, help="Scans that are computed at the same time.")
]
MostPoints = Annotated[
    int, typer.Option("--most-points", min=1, help="Grid points of a scan at most.")
]


def serve(
    store: Store = None,
    host: Host = "127.0.0.1",
    port: Port = 8642,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    cluster: Cluster = None,
    workers: Workers = None,
    tls_cert: Certificate = None,
    tls_key: PrivateKey = None,
    behind_proxy: BehindProxy = False,
    allow_host: AllowHost = None,
    at_once: AtOnce = 1,
    most_points: MostPoints = 100_000_000,
    state: State = None,
) -> None:
    """Serve a store over HTTP: a page, an API, the cubes; scans that are asked for are run."""
    from scanner.service import server
    from scanner.service.settings import Settings, loopback, state_folder
    from scanner.store.archive import default_root

    root = store or default_root()
    settings = Settings(
        root=root,
        state=state_folder(root, state),
        cluster=_named(
            scheduler=scheduler, scheduler_file=scheduler_file, cluster=cluster, workers=workers
        ),
        host=host,
        port=port,
        access="open" if loopback(host) and not behind_proxy else "token",
        hosts=tuple(allow_host or ()),
        at_once=at_once,
        most_points=most_points,
    )
    server.serve(
        settings, certificate=tls_cert, key=tls_key, behind_proxy=behind_proxy, said=_said(settings)
    )


def _named(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _said(settings: Settings) -> Callable[[str], None]:
    def said(address: str) -> None:
        who = "anybody on this host" if settings.access == "open" else "whoever has a token"
        note(f"store {settings.root} is served to {who}; end with Ctrl-C")
        print(address, flush=True)

    return said


VERBS: tuple[Callable[..., None], ...] = (serve,)
