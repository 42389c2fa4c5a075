"""What a caller may hold open, and what is kept for one who does not come back."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import ExitStack

import httpx
import pytest

from scanner.service.access import streams
from scanner.service.access.streams import MOST_STREAMS, Streams
from scanner.service.desk import LATE_SHARE, Answer, Desk
from scanner.service.refusals import RefusalError
from scanner.service.routes import jobs
from scanner.service.settings import Settings


def test_streams_of_a_caller_are_counted_until_they_end():
    counts = Streams()
    held = [counts.held("anna") for _ in range(MOST_STREAMS)]
    for one in held:
        counts.admit("anna")
        one.__enter__()
    with pytest.raises(RefusalError, match="100 streams of events are open") as told:
        counts.admit("anna")
    assert (told.value.status, told.value.headers["Retry-After"]) == (429, "15")
    counts.admit("otto")
    held.pop().__exit__(None, None, None)
    counts.admit("anna")
    for one in held:
        one.__exit__(None, None, None)
    assert not counts._open


def test_a_stream_too_many_is_refused_until_another_ends(served, scan, monkeypatch):
    monkeypatch.setattr(jobs, "ENDS", ())  # of a complete scan too they go on
    monkeypatch.setattr(streams, "MOST_STREAMS", 3)
    url = f"{served.api}/scans/{scan.id}/events"
    with ExitStack() as held:
        opened = [held.enter_context(httpx.stream("GET", url, timeout=20)) for _ in range(3)]
        assert [one.status_code for one in opened] == [200, 200, 200]
        refused = httpx.get(url, timeout=20)
        assert refused.status_code == 429
        assert "3 streams of events are open" in refused.json()["error"]["message"]
        assert served.get(f"scans/{scan.id}/state").status_code == 200
    deadline = time.monotonic() + 20
    while served.app.state.streams._open:  # the server sees that they are gone
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with httpx.stream("GET", url, timeout=20) as again:
        assert again.status_code == 200


def test_late_answers_take_no_more_memory_than_they_may(tmp_path):
    size = 1000
    desk = Desk(Settings(state=tmp_path, patience=0.0, threads=1, answer_bytes=size))
    gate = threading.Event()

    def work() -> Answer:
        gate.wait(20)
        return Answer(b"a" * size, "application/octet-stream")

    async def ask() -> list[str]:
        for k in range(3 * LATE_SHARE):
            assert await desk.answer(f"{k}", work) is None
        gate.set()
        while not all(future.done() for future, _ in desk._pending.values()):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        return list(desk._pending)

    kept = asyncio.run(ask())
    desk.close()
    assert kept == [f"{k}" for k in range(2 * LATE_SHARE, 3 * LATE_SHARE)]  # the last asked for


def test_one_late_answer_is_kept_however_large(tmp_path):
    desk = Desk(Settings(state=tmp_path, patience=0.1, threads=1, answer_bytes=1))
    gate = threading.Event()

    def work() -> Answer:
        gate.wait(20)
        return Answer(b"large", "text/plain")

    async def ask() -> Answer | None:
        assert await desk.answer("a", work) is None
        gate.set()
        await asyncio.sleep(0.2)
        return await desk.answer("a", lambda: Answer(b"again", "text/plain"))

    found = asyncio.run(ask())
    desk.close()
    assert found is not None
    assert found.content == b"large"
