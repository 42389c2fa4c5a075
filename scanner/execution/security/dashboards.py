"""Web pages of a running cluster that can be read without a certificate.

Dask's scheduler and workers always serve some, also with ``--no-dashboard``: names of tasks, logs
and call stacks, without TLS even where the wire is encrypted.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Any

import psutil
from distributed import Client
from distributed.comm.addressing import get_address_host

from scanner.execution.security.encryption import on_loopback

PROBE_SECONDS = 1.0
_HTTP = "dashboard"  # Dask's name of the server, whether it shows a dashboard or not
# `/health` alone tells nothing; the pages of a worker that has no dashboard are numbers
_PAGES = {
    "scheduler": ("/info/main/workers.html", "/json/counts.json", "/status"),
    "worker": ("/status",),
}


def open_pages(client: Client) -> Iterator[str]:
    """What to say aloud about scheduler and workers that serve pages off the loopback."""
    info = client.scheduler_info()
    ends: dict[str, Any] = {"scheduler": info, "worker": next(iter(info["workers"].values()), {})}
    for name, end in ends.items():
        found = next((place for place in _places(end) if _shows(*place, _PAGES[name])), None)
        if found:
            yield (
                f"the {name}'s web pages at http://{found[0]}:{found[1]} can be read without a "
                f"certificate: start the {name} with --dashboard-address 127.0.0.1:0"
            )


def _places(end: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Addresses off the loopback where the pages of a scheduler or worker would be."""
    port = end.get("services", {}).get(_HTTP)
    if port is None or "://" not in end.get("address", ""):
        return
    host = get_address_host(end["address"])
    if not on_loopback(host):
        yield host, port
        return
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            inet = address.family in (socket.AF_INET, socket.AF_INET6)
            if inet and not on_loopback(address.address):
                yield address.address, port


def _shows(host: str, port: int, pages: Iterable[str]) -> bool:
    """Whether a web server there gives one of the pages to anybody."""
    try:
        with closing(HTTPConnection(host, port, timeout=PROBE_SECONDS)) as connection:
            for page in pages:
                connection.request("GET", page)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    return True
    except (OSError, HTTPException):
        pass
    return False
