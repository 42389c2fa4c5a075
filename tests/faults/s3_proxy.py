"""A proxy before an object store that spoils one request in so many, and can be down for a while.

Also the evaluator of its tests, which notes each evaluation and takes a moment.
"""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import stand_in

FAULTS = ("503", "500", "429", "reset", "answer dropped")
_CODES = {"503": "SlowDown", "500": "InternalError", "429": "TooManyRequests"}
_HOP = {"connection", "transfer-encoding", "keep-alive"}


class Noted(stand_in.Smooth):
    """Notes each evaluation, and takes the ``seconds`` of the definition for it."""

    def block(self, grid: Any, chunk: Any) -> Any:
        time.sleep(float(self.parameters["seconds"]))
        with Path(str(self.parameters["log"])).open("a") as log:
            log.write(f"{chunk.number}\n")
        return super().block(grid, chunk)


@dataclass
class Proxy:
    """Stands before the server at `upstream`, on a port of its own.

    Parameters
    ----------
    upstream : int
        Port of the server.
    """

    upstream: int
    port: int = 0
    fault: str | None = None
    one_in: int = 10
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    injected: list[float] = field(default_factory=list)
    back: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)
    _server: ThreadingHTTPServer | None = None
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def spoil(self, fault: str | None, seed: int = 0) -> None:
        """Inject that fault from now on; None for no more."""
        with self._lock:
            self.fault, self.chance = fault, random.Random(seed)
            self.injected, self.back = [], 0.0
            self.seen = Counter()

    def up(self) -> None:
        """Take connections, again on the same port."""
        server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        server.daemon_threads = True
        self.port, self._server, self.back = server.server_port, server, time.monotonic()
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        """Refuse connections, and end those that are open."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # a mere close waits for the thread that reads

    def next_fault(self, method: str) -> str | None:
        """Whether this request is spoilt, and how."""
        with self._lock:
            self.seen[method] += 1
            if self.fault is None or self.chance.randrange(self.one_in):
                return None
            self.injected.append(time.monotonic())
            return self.fault


@contextmanager
def proxied(upstream: int) -> Iterator[Proxy]:
    """A proxy that is up."""
    proxy = Proxy(upstream)
    proxy.up()
    try:
        yield proxy
    finally:
        proxy.down()


def reset(connection: socket.socket) -> None:
    """End a connection as a crash does."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            proxy._open.add(self.connection)

        def finish(self) -> None:
            proxy._open.discard(self.connection)
            with suppress(OSError, ValueError):
                super().finish()

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError, ValueError, HTTPException):  # clients and servers come and go
                super().handle()

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fault = proxy.next_fault(self.command)
            if fault in _CODES:
                text = f"<Error><Code>{_CODES[fault]}</Code></Error>".encode()
                self.answer(int(fault), [("Content-Type", "application/xml")], text)
                return
            if fault == "reset":
                self.end()
                return
            status, headers, data = self.asked(body)
            if fault == "answer dropped":
                self.end()
            else:
                self.answer(status, headers, data)

        def end(self) -> None:
            self.close_connection = True
            reset(self.connection)

        def asked(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            server = HTTPConnection("127.0.0.1", proxy.upstream, timeout=30)
            try:
                server.putrequest(
                    self.command, self.path, skip_host=True, skip_accept_encoding=True
                )
                for name, value in self.headers.items():
                    if name.lower() not in _HOP:
                        server.putheader(name, value)
                server.endheaders(body or None)
                answer = server.getresponse()
                kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in _HOP]
                return answer.status, kept, answer.read()
            finally:
                server.close()

        def answer(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers:
                if self.command == "HEAD" or name.lower() != "content-length":
                    self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

    methods: dict[str, Callable[[Any], None]] = {
        f"do_{name}": Handler.pass_on for name in ("GET", "PUT", "POST", "HEAD", "DELETE")
    }
    return type("Handler", (Handler,), methods)
