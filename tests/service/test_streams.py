"""What a caller may hold open, and what is kept for one who does not come back."""

from __future__ import annotations

import asyncio
import threading

import pytest

from scanner.service.access.streams import MOST_STREAMS, Streams
from scanner.service.desk import LATE_SHARE, Answer, Desk
from scanner.service.refusals import RefusalError
from scanner.service.settings import Settings


def test_streams_of_a_caller_are_counted_until_they_end():
    streams = Streams()
    held = [streams.held("anna") for _ in range(MOST_STREAMS)]
    for one in held:
        streams.admit("anna")
        one.__enter__()
    with pytest.raises(RefusalError, match="100 streams of events are open") as told:
        streams.admit("anna")
    assert (told.value.status, told.value.headers["Retry-After"]) == (429, "15")
    streams.admit("otto")
    held.pop().__exit__(None, None, None)
    streams.admit("anna")
    for one in held:
        one.__exit__(None, None, None)
    assert not streams._open


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
