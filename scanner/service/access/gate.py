"""Gate: what of a request is refused before any route sees it, and how long anybody is waited for.

Pure ASGI: streams pass through as they come.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scanner.service.refusals import BY_STATUS, body
from scanner.service.settings import Settings, loopback

BODY_SECONDS = 10.0  # for the whole body of a request
PIECE = 2**17  # bytes of an answer that are handed over at once: the next when these are read
LINGER_SECONDS, LINGER_BYTES = 5.0, 2**24  # of a refused body, read and thrown away
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
        sending = _headed(_in_pieces(send))
        headers = Headers(scope=scope)
        try:
            self._check_names(scope["method"], headers)
            held = await self._body(headers, receive)
        except _RefusedError as error:
            rest = receive if error.more else None
            await refuse(sending, error.status, error.message, rest=rest)
        else:
            await self.app(scope, _replayed(held, receive), sending)

    def _check_names(self, method: str, headers: Headers) -> None:
        """_RefusedError (403) where the names in the headers are not those of this service."""
        host = headers.get("host", "")
        if self._settings.access == "open" and not self._own(host):
            raise _RefusedError(
                403,
                f"this service is not called {host[:100]!r}: open it by its own address, or start "
                "it with --allow-host NAME",
            )
        origin = headers.get("origin")
        if method not in SAFE and origin is not None and _place(origin) != host:
            raise _RefusedError(403, f"pages of {origin[:100]!r} may not change anything here")

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
        size = 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _RefusedError(400, "the body ends early", more=False)
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    too_large.more = message.get("more_body", False)
                    if size > most:
                        raise too_large
                    if not too_large.more:
                        return b"".join(parts)
        except TimeoutError as error:
            raise _RefusedError(
                408, f"the body did not come within {BODY_SECONDS:g} s: send it at once"
            ) from error


class _RefusedError(Exception):
    """Why, and whether more of the body is to come."""

    def __init__(self, status: int, message: str, *, more: bool = True) -> None:
        super().__init__(message)
        self.status, self.message, self.more = status, message, more


def _place(origin: str) -> str | None:
    """Host and port of an origin; None for one that has none.

    >>> _place("http://localhost:8642"), _place("http://[::1")
    ('localhost:8642', None)
    """
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _replayed(held: bytes | None, receive: Receive) -> Receive:
    """`receive` that brings a body that was read already."""
    waiting = [] if held is None else [held]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again


def _in_pieces(send: Send) -> Send:
    """`send` of bodies in pieces, each when the last one was taken.

    So that the server sees how a reader gets on (`patience`), however large an answer is.
    """

    async def sending(message: Message) -> None:
        content = message.get("body", b"")
        for start in range(0, len(content) - PIECE, PIECE):
            piece = content[start : start + PIECE]
            await send({"type": message["type"], "body": piece, "more_body": True})
        if len(content) > PIECE:
            message = {**message, "body": content[(len(content) - 1) // PIECE * PIECE :]}
        await send(message)

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


async def refuse(
    send: Send, status: int, message: str, again: str = "", *, rest: Receive | None = None
) -> None:
    """Answer in the form of every refusal, and close.

    Parameters
    ----------
    send : ASGI send
        Where to.
    status, message : int, str
        What is refused, and how to mend it.
    again : str
        Seconds after which to ask again.
    rest : ASGI receive, optional
        Of a caller who may still be sending: who is cut off then never sees the answer, so what
        comes is thrown away for a while.
    """
    content = json.dumps(body(BY_STATUS[status], message)).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"connection", b"close"),
    ]
    headers += [(b"retry-after", again.encode())] if again else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": True})
    if rest is not None:
        await _thrown_away(rest)
    await send({"type": "http.response.body", "body": b""})


async def _thrown_away(receive: Receive) -> None:
    left = LINGER_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while left > 0:
                message = await receive()
                if not message.get("more_body", False):
                    return
                left -= len(message["body"])
