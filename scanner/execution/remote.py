"""A Dask cluster that runs already: connect, wait for its workers, leave it running."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from distributed import Client, Security
from distributed.comm.addressing import parse_address, parse_host_port
from distributed.versions import VersionMismatchWarning

from scanner.errors import ClusterError, counted
from scanner.execution.connection import (
    CONNECT_SECONDS,
    WORKERS_SECONDS,
    Connection,
    close,
    quiet,
)
from scanner.execution.security.dashboards import open_pages
from scanner.execution.security.encryption import check_encrypted, remarks, security_for
from scanner.execution.security.handshake import why_not


@contextmanager
def remote(
    address: str, origin: str, workers: int, told: Callable[[str], None] = lambda _: None
) -> Iterator[Connection]:
    check_encrypted(address, origin)
    security = security_for(address)
    client = _client(address, origin, security)
    try:
        _wait_for_workers(client, address, workers, told)
        count = len(client.nthreads())
        said = [f"Dask cluster at {address} ({origin}), {counted(count)}"]
        said += [*(remarks(security) if security else ()), *open_pages(client)]
        yield Connection(client, "; ".join(said))
    finally:
        close(client)


def _client(address: str, origin: str, security: Security | None) -> Client:
    if reason := why_not(address, security, CONNECT_SECONDS):
        raise ClusterError(f"the scheduler at {address} (from {origin}) takes no client: {reason}")
    try:
        with quiet(), warnings.catch_warnings():
            # a box of many lines about workers that the comparison tells of in one
            warnings.simplefilter("ignore", VersionMismatchWarning)
            return Client(address, timeout=CONNECT_SECONDS, set_as_default=False, security=security)
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterError(
            f"no Dask scheduler answers at {address} (from {origin}): {_start(address)}, or leave "
            "the address out to work on this host"
        ) from error


def _start(address: str) -> str:
    """What to do where nothing answers.

    >>> _start("tcp://127.0.0.1:8786")
    'start it with `dask scheduler --port 8786`'
    """
    scheme, place = parse_address(address)
    port = parse_host_port(place, 8786)[1]
    if scheme != "tls":
        return f"start it with `dask scheduler --port {port}`"
    return (
        f"start it with `dask scheduler --protocol tls --port {port}` (certificates: `scanner "
        "deploy tls`), or let its firewall pass that port from this host"
    )


def _wait_for_workers(
    client: Client, address: str, workers: int, told: Callable[[str], None]
) -> None:
    there = len(client.nthreads())
    if there < workers:
        told(
            f"the scheduler at {address} has {counted(there)}: waiting for {counted(workers)}, up "
            f"to {WORKERS_SECONDS:g} s"
        )
    try:
        client.wait_for_workers(workers, timeout=WORKERS_SECONDS)
    except TimeoutError as error:
        raise ClusterError(
            f"the scheduler at {address} has {counted(len(client.nthreads()))} after "
            f"{WORKERS_SECONDS:g} s, {workers} wanted: start them with `dask worker {address}`"
        ) from error
