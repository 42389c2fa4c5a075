"""A client of a real server, and a server that answers what a test wrote down."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scanner.client.client import Client, connect

# the server of the service's own tests; by its file, since every folder has a conftest
_spec = importlib.util.spec_from_file_location(
    "service_fixtures", Path(__file__).parents[1] / "service" / "conftest.py"
)
_fixtures = sys.modules["service_fixtures"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)
root, scan, served, serving = (
    _fixtures.root,
    _fixtures.scan,
    _fixtures.served,
    _fixtures.serving,
)
Served = _fixtures.Served

ABOUT = b'{"name": "CEvNS scanner", "engine_version": 4}'


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own token stays out of it."""
    monkeypatch.delenv("SCANNER_TOKEN", raising=False)


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    """A client of the service's test server."""
    with connect(served.url) as made:
        yield made


@dataclass
class Script:
    """What is answered, and what was asked.

    Parameters
    ----------
    answers : mapping from path to list of (status, headers, body)
        Given one after the other, the last one again and again; a status of 0 breaks off.
    """

    url: str
    answers: dict[str, list[tuple[int, dict[str, str], bytes]]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def count(self, path: str) -> int:
        """How often that was asked for."""
        return sum(one[1].partition("?")[0] == f"/api/v1/{path}" for one in self.asked)

    def next(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """The answer that is due."""
        known = self.answers.get(path.partition("?")[0].removeprefix("/api/v1/"))
        if known is None:
            return 404, {}, b'{"error": {"message": "nothing there", "exit_code": 2}}'
        return known.pop(0) if len(known) > 1 else known[0]


def _handler(script: Callable[[], Script]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            told = int(self.headers.get("Content-Length", 0))
            content = self.rfile.read(told)
            script().asked.append((self.command, self.path, dict(self.headers), content))
            status, headers, body = script().next(self.path)
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = "Content-Length" in headers

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def _scripted() -> Iterator[Script]:
    made: list[Script] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(lambda: made[0]))
    server.daemon_threads = True
    made.append(Script(f"http://127.0.0.1:{server.server_port}", {"": [(200, {}, ABOUT)]}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made[0]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


@pytest.fixture
def script() -> Iterator[Script]:
    """A server that says what the test wrote down, over real connections."""
    with _scripted() as made:
        yield made


@pytest.fixture
def remote(served: Served, scan: Any, client: Client) -> Any:
    """The served scan, seen from a client."""
    return client.scan(scan.id)
