"""Replies: an answer with its ETag, or that nothing changed, or that it takes longer."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from scanner.service.desk import Answer, Desk
from scanner.service.shelf import Held

WAIT_SECONDS = 2  # until a request that was told to come back should


def plain(value: Any) -> Any:
    """Value as JSON has it; NaN and infinities, which JSON does not have, become null.

    >>> plain({"a": (1.0, float("nan"))})
    {'a': [1.0, None]}
    """
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def as_json(value: Any) -> Answer:
    """Answer of a record."""
    text = json.dumps(plain(value), allow_nan=False, separators=(",", ":"))
    return Answer(text.encode())


async def reply(
    request: Request,
    held: Held,
    work: Callable[[], Answer],
    *,
    drawing: bool = False,
) -> Response:
    """Answer a question to a scan: from memory where it holds still, else worked out by the desk.

    The key of an answer, which is its ETag, is made of the scan as it is and of the question. Of a
    scan that grows meanwhile it is the question alone: whoever comes back finds what was begun.
    """
    desk: Desk = request.app.state.desk
    # by name alone: the order of `keep`, `at` and `experiment` is part of the question
    parts = sorted(request.url.query.split("&"), key=lambda part: part.partition("=")[0])
    question = f"{request.url.path}?{'&'.join(parts)}"
    state = held.token if held.settled else "growing"
    key = sha256(f"{state} {question}".encode()).hexdigest()[:32]
    packs = "gzip" in request.headers.get("accept-encoding", "")
    if held.settled and (same := {_tag(key), _tag(key, packed=True)} & set(_known(request))):
        return Response(status_code=304, headers=_headers(held, min(same)))
    answer = await desk.answer(key, work, drawing=drawing, keep=held.settled)
    if answer is None:
        return JSONResponse({"wait": True}, 202, headers={"Retry-After": f"{WAIT_SECONDS}"})
    packed = packs and bool(answer.packed)
    headers = _headers(held, _tag(key, packed=packed))
    if packed:
        headers["Content-Encoding"] = "gzip"
    if answer.filename:
        headers["Content-Disposition"] = f'attachment; filename="{answer.filename}"'
    content = answer.packed if packed else answer.content
    return Response(content, media_type=answer.media_type, headers=headers)


def _tag(key: str, *, packed: bool = False) -> str:
    """Strong ETag: other bytes, another tag."""
    return f'"{key}-gzip"' if packed else f'"{key}"'


def _known(request: Request) -> list[str]:
    """ETags of answers that the caller has."""
    return [part.strip() for part in request.headers.get("if-none-match", "").split(",")]


def _headers(held: Held, etag: str) -> dict[str, str]:
    """A browser asks whether it changed each time: a scan may be removed and made anew."""
    headers = {"Vary": "Accept-Encoding", "Cache-Control": "private, no-cache"}
    return {**headers, "ETag": etag} if held.settled else headers
