"""A tiny application behind the gate of the service on a real server, and raw connections."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from scanner.service import refusals
from scanner.service.access import guard
from scanner.service.access.gate import Gate
from scanner.service.access.patience import PatientProtocol
from scanner.service.definitions import parsed
from scanner.service.desk import Desk
from scanner.service.settings import Settings

LONG = 20.0  # s: a deadline of a test, far above any that is tested


def application(settings: Settings) -> FastAPI:
    """Routes for each scope and each attack; `state.reached` counts who came through."""
    app = FastAPI()
    app.state.settings, app.state.desk, app.state.reached = settings, Desk(settings), []
    refusals.install(app)
    guard.install(app, settings)
    app.add_middleware(Gate, settings=settings)

    for scope in ("read", "submit", "admin"):

        @app.get(f"/{scope}")
        async def scoped(caller: guard.Caller = Depends(guard.needs(scope))) -> dict[str, Any]:  # noqa: B008
            return {"name": caller.name, "scope": caller.scope, "quota": caller.quota}

    @app.get("/ping")
    @app.post("/ping")
    async def ping(request: Request) -> dict[str, int]:
        app.state.reached.append(request.method)
        return {"bytes": len(await request.body())}

    @app.post("/definition")
    async def definition(request: Request) -> list[str]:
        return list(parsed(await request.body(), request.headers.get("content-type", "")))

    @app.get("/large")
    async def large(size: int) -> Response:
        return Response(bytes(size), media_type="application/octet-stream")

    @app.get("/stream")
    async def stream(events: int, pause: float) -> StreamingResponse:
        async def told() -> AsyncIterator[bytes]:
            for number in range(events):
                await asyncio.sleep(pause)
                yield f"data: {number}\n\n".encode()

        return StreamingResponse(told(), media_type="text/event-stream")

    @app.get("/fault")
    async def fault() -> None:
        raise RuntimeError("a fault of this test: not for callers")

    return app


@dataclass
class Answered:
    """A whole answer, as it came."""

    status: int
    headers: httpx.Headers
    content: bytes

    @property
    def error(self) -> dict[str, Any]:
        """What every refusal has, and nothing else."""
        assert self.headers["content-type"] == "application/json"
        record = json.loads(self.content)
        assert list(record) == ["error"]
        assert sorted(record["error"]) == ["exit_code", "kind", "message"]
        found: dict[str, Any] = record["error"]
        return found


@dataclass
class Attacked:
    """A server that runs."""

    port: int
    app: FastAPI
    server: uvicorn.Server
    tls: bool = False

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Answer to a well-behaved client."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.get(f"{self.url}{path}", headers=named, timeout=LONG)

    @contextmanager
    def connected(self, buffer: int = 0) -> Iterator[socket.socket]:
        """A raw connection; `buffer` bytes at most wait unread on this side."""
        with socket.socket() as raw:
            if buffer:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            raw.settimeout(LONG)
            raw.connect(("127.0.0.1", self.port))
            if not self.tls:
                yield raw
                return
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(raw) as wrapped:
                yield wrapped

    def raw(self, *parts: bytes) -> Answered:
        """Answer to bytes, read to the end of the connection or of its own length."""
        with self.connected() as connection:
            for part in parts:
                connection.sendall(part)
            return answer(connection)

    def connections(self) -> int:
        """How many the server holds."""
        return len(self.server.server_state.connections)


def answer(connection: socket.socket) -> Answered:
    """The next answer of a connection."""
    with closing(connection.makefile("rb")) as stream:
        status = int(stream.readline().split()[1])
        lines = iter(stream.readline, b"\r\n")
        headers = httpx.Headers([tuple(line.decode().strip().split(": ", 1)) for line in lines])
        return Answered(status, headers, stream.read(int(headers["content-length"])))


def request(
    method: str = "GET", path: str = "/ping", body: bytes | None = None, **headers: str
) -> bytes:
    """Bytes of a request to this host; a body comes with its length."""
    named = {"Host": "127.0.0.1"} | {name.replace("_", "-"): v for name, v in headers.items()}
    if body is not None:
        named.setdefault("Content-Length", str(len(body)))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def chunked(body: bytes, size: int) -> bytes:
    """A body of unknown length, in pieces."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


def wait_for(condition: Callable[[], object], what: str) -> float:
    """Seconds until something holds."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < LONG, what
        time.sleep(0.01)
    return time.monotonic() - start


def ended(connection: socket.socket) -> bool:
    """Whether the other side ends a connection; waits for it."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


@contextmanager
def attacked(
    settings: Settings, certificate: Path | None = None, key: Path | None = None, **options: Any
) -> Iterator[Attacked]:
    """The application on a server in a thread of this process."""
    app = application(settings)
    config = uvicorn.Config(
        app,
        log_level="critical",
        http=PatientProtocol,
        ws="none",
        timeout_graceful_shutdown=1,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        **options,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # else the system takes megabytes off the server before its reader takes any
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        try:
            wait_for(lambda: server.started, "the server does not start")
            yield Attacked(listening.getsockname()[1], app, server, certificate is not None)
        finally:
            server.should_exit = True
            thread.join(timeout=LONG)
            app.state.desk.close()
            assert not thread.is_alive()
