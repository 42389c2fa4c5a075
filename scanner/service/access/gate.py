"""Gate: what of a request is refused before any route sees it, and how long anybody is waited for.

Pure ASGI: streams pass through as they come.
"""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scanner.service.refusals import BY_STATUS, body
from scanner.service.settings import Settings, loopback

BODY_SECONDS = 10.0  # for the whole body of a request
SEND_SECONDS = 60.0  # for a reader to take what fits into the buffers of its connection
SAFE = ("GET", "HEAD", "OPTIONS")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Of every answer that does not bring its own."""


class Gate:
    """Middleware of a service.

    Parameters
    ----------
    app : ASGI application
        What is behind it.
    settings : Settings
        How large a body may be, and by which names the service may be called.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sending = _headed(_patient(send))
        headers = Headers(scope=scope)
        refusal = self._refusal(scope["method"], headers)
        if refusal is None:
            try:
                held = await self._body(headers, receive)
            except _RefusedError as error:
                refusal = error.status, error.message
        if refusal is not None:
            await _refuse(sending, *refusal)
            return
        try:
            await self.app(scope, _replayed(held, receive), sending)
        except _SlowReaderError:
            return  # the server closes what was not finished

    def _refusal(self, method: str, headers: Headers) -> tuple[int, str] | None:
        """Status and reason where the names in the headers are not those of this service."""
        host = headers.get("host", "")
        if self._settings.access == "open" and not self._own(host):
            return 403, (
                f"this service is not called {host[:100]!r}: open it by its own address, or start "
                "it with --allow-host NAME"
            )
        origin = headers.get("origin")
        if method not in SAFE and origin is not None and urlsplit(origin).netloc != host:
            return 403, f"pages of {origin[:100]!r} may not change anything here"
        return None

    def _own(self, host: str) -> bool:
        """Whether a Host header names this service: another name may lead here by a foreign DNS."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return loopback(name) or name in (self._settings.host, *self._settings.hosts)

    async def _body(self, headers: Headers, receive: Receive) -> bytes | None:
        """The whole body; None where there is none.

        Raises
        ------
        _RefusedError
            413: too large. 408: too slow.
        """
        length = headers.get("content-length")
        if length in (None, "0") and "transfer-encoding" not in headers:
            return None
        most = self._settings.body_bytes
        too_large = _RefusedError(413, f"the body is larger than {most} bytes: send less")
        if length is not None and (not length.isdecimal() or int(length[:20]) > most):
            raise too_large
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _RefusedError(400, "the body ends early")
                    parts.append(message.get("body", b""))
                    if sum(map(len, parts)) > most:
                        raise too_large
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError as error:
            raise _RefusedError(
                408, f"the body did not come within {BODY_SECONDS:g} s: send it at once"
            ) from error


class _RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class _SlowReaderError(Exception):
    """The caller takes its answer too slowly."""


def _replayed(held: bytes | None, receive: Receive) -> Receive:
    """`receive` that brings a body that was read already."""
    waiting = [] if held is None else [held]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again


def _patient(send: Send) -> Send:
    """`send` that gives up a reader who takes nothing."""

    async def sending(message: Message) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await send(message)
        except TimeoutError as error:
            raise _SlowReaderError from error

    return sending


def _headed(send: Send) -> Send:
    """`send` that adds the headers which every answer has."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


async def _refuse(send: Send, status: int, message: str) -> None:
    """Answer, and close: what else the caller has to say is not read."""
    content = json.dumps(body(BY_STATUS[status], message)).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
