from __future__ import annotations

from scanner.store.stored import StoredScan


def test_state_of_a_growing_scan(stored: StoredScan, block) -> None:
    assert stored.state().fraction_done == 0.0
    for number in (0, 3):
        chunk = stored.grid.chunk(number)
        stored.commit(chunk, *block(chunk), seconds=1.5)
    state = stored.state()
    assert (state.done, state.total, state.points_done, state.points) == (2, 4, 16, 30)
    assert not state.complete
    assert state.seconds == 3.0
    assert state.status == {"ok": 30, "unphysical": 2}
    assert state.last_written
    assert stored.fraction_done == 16 / 30


def test_state_of_a_complete_scan(filled: StoredScan) -> None:
    state = filled.state()
    assert state.complete
    assert state.fraction_done == 1.0
