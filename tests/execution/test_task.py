from __future__ import annotations

import dataclasses

import pytest

from scanner.errors import MismatchError
from scanner.execution.task import DEFAULT_EVALUATOR, run_chunk

EVALUATOR = "stand_in:Smooth"


def test_receipt_and_marker_agree_and_twice_leaves_the_same_bytes(
    stored, unbroken, same_bytes
) -> None:
    for found in (False, True, False):
        for number in range(stored.grid.n_chunks):
            receipt = run_chunk(stored.location, stored.digest, number, 1, EVALUATOR)
            assert receipt.found is found
            if found:  # marked once more, while the data are there
                stored.ledger.remove(number)
    marker = stored.ledger.markers()[receipt.chunk]
    assert receipt.points == marker.points == 80
    assert receipt.status == {1: 100, 3: 60}
    assert receipt.worker == f"{marker.host}:{marker.pid}"
    assert 1e7 < receipt.peak_memory_bytes < 1e11
    assert not receipt.stopped
    assert marker.attempt == 1
    assert stored.missing() == []
    same_bytes(stored, unbroken)


def test_a_requested_stop_is_honoured_before_the_start(stored) -> None:
    stored.request_stop()
    assert run_chunk(str(stored.path), stored.digest, 0, 0, EVALUATOR).stopped
    assert stored.missing() == list(range(12))


def test_other_digest_is_refused(stored) -> None:
    with pytest.raises(MismatchError, match="the store was changed"):
        run_chunk(str(stored.path), "f" * 64, 0, 0, EVALUATOR)


def test_sources_are_checked_before_the_real_evaluator_is_made(archive, stored) -> None:
    made = archive.create(dataclasses.replace(stored.definition, engine_version=0), stored.grid)
    with pytest.raises(MismatchError, match="scenario"):
        run_chunk(str(made.path), made.digest, 0, 0, DEFAULT_EVALUATOR)
