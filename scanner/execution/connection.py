"""Connection: a client, which cluster it leads to, and how it is left."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from distributed import Client

CONNECT_SECONDS = 8.0
WORKERS_SECONDS = 60.0


@dataclass(frozen=True)
class Connection:
    """A client and which cluster it leads to.

    Parameters
    ----------
    client : distributed.Client
        Connected, with at least one worker.
    description : str
        One sentence for people.
    """

    client: Client
    description: str


@contextmanager
def quiet() -> Iterator[None]:
    """Dask's own log lines about lost peers are told by our errors and reports, in one line."""
    loggers = [logging.getLogger(n) for n in ("distributed", "distributed.nanny", "tornado")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def expects_workers(client: Client) -> bool:
    """Whether jobs are queued that will bring workers, however long that may take."""
    expects = getattr(client.cluster, "expects_workers", None)
    return expects is not None and bool(expects())


def why_no_workers(client: Client) -> str:
    """Why jobs will bring no worker any more, in one sentence; "" where there are none, or may."""
    why = getattr(client.cluster, "why_no_workers", None)
    return "" if why is None else str(why())


def close(client: Client) -> None:
    with suppress(OSError, TimeoutError), quiet():
        client.close(timeout=5)
