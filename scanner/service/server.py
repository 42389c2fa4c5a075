"""Server: the application on a socket, with TLS where others reach it."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import uvicorn

from scanner.errors import DefinitionError
from scanner.service import start
from scanner.service.access.patience import PatientProtocol
from scanner.service.access.tokens import Tokens
from scanner.service.app import begin, create_app
from scanner.service.settings import Settings, loopback

KEEP_ALIVE = 15  # s that an idle connection is kept
MOST_CONNECTIONS = 1000
GRACE = 5  # s for running requests at the end; long answers and event streams are cut


def serve(
    settings: Settings,
    *,
    certificate: Path | None = None,
    key: Path | None = None,
    behind_proxy: bool = False,
    said: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until SIGINT or SIGTERM.

    Parameters
    ----------
    settings : Settings
        What is served, and where.
    certificate, key : Path, optional
        For https.
    behind_proxy : bool
        Whether another server speaks https for this one.
    said : callable
        Told the address once it answers there.

    Raises
    ------
    DefinitionError
        Others reach the address and nothing is encrypted; a certificate that cannot be used; an
        address that cannot be listened on.
    StoreError
        The store cannot be read or made; the folder of the service's own files cannot be made.
    """
    start.log_to_stderr()
    _check_encrypted(settings, certificate, key, behind_proxy)
    start.check(settings)
    _check_tokens(settings)
    app = create_app(settings)
    with _socket(settings) as listening:
        begin(app)  # what is wrong with it is told before anybody connects
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=True,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=GRACE,
            limit_concurrency=MOST_CONNECTIONS,
            http=PatientProtocol,
            proxy_headers=False,
            ws="none",
        )
        scheme = "https" if certificate else "http"
        address = _address(scheme, settings.host, listening.getsockname()[1])

        def ready() -> None:
            start.tell(settings, address)
            said(address)

        _Server(config, ready).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Tells when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._ready()


def _check_encrypted(
    settings: Settings, certificate: Path | None, key: Path | None, behind_proxy: bool
) -> None:
    if (certificate is None) != (key is None):
        raise DefinitionError("--tls-cert and --tls-key go together: give both")
    if certificate is not None and key is not None:
        _check_certificate(certificate, key)
    elif not behind_proxy and not loopback(settings.host):
        raise DefinitionError(
            f"--host {settings.host}: others reach that and tokens would travel in plain text: "
            "give --tls-cert and --tls-key, or serve on 127.0.0.1 behind a server that speaks "
            "https (`scanner deploy show service`), or say --behind-proxy"
        )


def _check_tokens(settings: Settings) -> None:
    if settings.access == "token" and not any(t.valid for t in Tokens(settings.state).list()):
        raise DefinitionError(
            "callers must show a token and there is none: make one with `scanner token create NAME "
            f"--scope submit --state {settings.state}`"
        )


def _check_certificate(certificate: Path, key: Path) -> None:
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise DefinitionError(
            f"--tls-cert {certificate} --tls-key {key}: cannot be used ({error}): give a "
            "certificate and its own key, both as PEM"
        ) from error


def _socket(settings: Settings) -> socket.socket:
    """A socket that listens; made here so that what is wrong with it is told in words."""
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        return socket.create_server((settings.host, settings.port), family=family, backlog=512)
    except OSError as error:
        raise DefinitionError(
            f"--host {settings.host} --port {settings.port}: cannot listen there "
            f"({os.strerror(error.errno or 0)}): choose another --port, or 0 for a free one"
        ) from error


def _address(scheme: str, host: str, port: int) -> str:
    """Address that a browser takes.

    >>> _address("http", "::1", 80)
    'http://[::1]:80'
    """
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
