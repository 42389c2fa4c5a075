"""A Dask cluster that runs already: connect, wait for its workers, leave it running."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from distributed import Client

from scanner.errors import ClusterError
from scanner.execution.connection import (
    CONNECT_SECONDS,
    WORKERS_SECONDS,
    Connection,
    close,
    counted,
    quiet,
)


@contextmanager
def remote(address: str, origin: str, workers: int) -> Iterator[Connection]:
    client = _client(address, origin)
    try:
        _wait_for_workers(client, address, workers)
        count = len(client.nthreads())
        yield Connection(client, f"Dask cluster at {address} ({origin}), {counted(count)}")
    finally:
        close(client)


def _client(address: str, origin: str) -> Client:
    try:
        with quiet():
            return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterError(
            f"no Dask scheduler answers at {address} (from {origin}): "
            "start it with `dask scheduler`, or leave the address out to work on this host"
        ) from error


def _wait_for_workers(client: Client, address: str, workers: int) -> None:
    try:
        client.wait_for_workers(workers, timeout=WORKERS_SECONDS)
    except TimeoutError as error:
        raise ClusterError(
            f"the scheduler at {address} has {counted(len(client.nthreads()))} after "
            f"{WORKERS_SECONDS:g} s, {workers} wanted: start them with `dask worker {address}`"
        ) from error
