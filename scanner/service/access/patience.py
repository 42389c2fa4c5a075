"""A protocol that waits for nobody for ever: neither for the head of a request (slowloris), nor for
a reader who takes nothing of its answer.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from scanner.service.access.gate import refuse
from scanner.service.refusals import BY_STATUS, body

HEAD_SECONDS = 10.0
"""From the first byte of a request, or from the connection, to the end of its headers."""
READ_SECONDS = 60.0
"""For a reader to take what was sent last, at most a piece (`gate.PIECE`): 2 kB/s are enough."""


class PatientProtocol(H11Protocol):
    """uvicorn's protocol, with a deadline for the head of every request and for every reader.

    uvicorn's own time limit ends with the first byte that comes. A connection that is closed while
    its reader takes nothing would stay, with what is left for it: here it is cut.
    """

    _late: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # uvicorn's own refusal is a text, and this one has the form of all others
        self._most, self.limit_concurrency = self.limit_concurrency, None
        self._behind, self.app = self.app, self._admitted

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        # paused means now: something is left to be read; resumed: nothing is
        transport.set_write_buffer_limits(high=1, low=0)
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Take what came; wait for the rest of a head that has begun."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._forget()  # a request is being answered
        else:
            self._expect()

    def pause_writing(self) -> None:
        """Begin to wait for the reader."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(READ_SECONDS, self._cut)

    def resume_writing(self) -> None:
        """All was read."""
        super().resume_writing()
        self._heed()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._forget()
        self._heed()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, in the form of every refusal."""
        content = json.dumps(body(BY_STATUS[400], msg)).encode()
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(content))),
            ("connection", "close"),
        ]
        parts = (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=content),
            h11.EndOfMessage(),
        )
        self.transport.write(b"".join(self.conn.send(part) or b"" for part in parts))
        self.transport.close()

    async def _admitted(self, scope: Any, receive: Any, send: Any) -> None:
        """The application, unless too many are connected."""
        if self._most is not None and len(self.connections) >= self._most:
            await refuse(send, 503, "too many are connected: ask again in a second", "1")
        else:
            await self._behind(scope, receive, send)

    def _expect(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(HEAD_SECONDS, self._cut)

    def _forget(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _heed(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _cut(self) -> None:
        """End the connection; `close` would wait for a reader."""
        self.transport.abort()
