from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from scanner.store.ledger import Ledger, Marker, status_counts, values_sha256
from scanner.store.stored import StoredScan

ON_DISK = pytest.mark.parametrize("root", ["disk"], indirect=True)


def test_marker_survives_json(filled: StoredScan) -> None:
    marker = filled.ledger.markers()[3]
    assert Marker.from_json(marker.to_json()) == marker
    assert marker.start == (4, 3)
    assert marker.stop == (6, 5)
    assert marker.points == 4
    assert marker.status == {"1": 7, "3": 1}
    assert marker.seconds == 0.5
    assert marker.versions["numpy"] == np.__version__


def test_checksum_is_of_values_then_status() -> None:
    chi2, status = np.array([[1.0, np.nan]]), np.array([[1, 3]], np.uint8)
    first = values_sha256(chi2, status)
    assert first == values_sha256(np.asfortranarray(chi2), status)
    assert first != values_sha256(chi2 + 1e-15, status)
    assert first != values_sha256(chi2, status + np.uint8(1))
    assert status_counts(status) == {"1": 1, "3": 1}


def _change(ledger: Ledger, **changes: object) -> bytes:
    record = json.loads(ledger.markers()[2].to_json())
    return json.dumps(record | changes).encode()


@ON_DISK
@pytest.mark.parametrize(
    "changes",
    [
        {"digest": "f" * 64},
        {"chunk": 1},
        {"chunk": 99},
        {"start": [0, 0]},
        {"stop": [6, 4]},
        {"stop": "all"},
        {"stored_bytes": [1]},
        {"more": 1},
        {"points": 5},
        {"status": {"9": 8}},
        {"status": {"1": -8}},
        {"stored_bytes": [0, 0]},
        {"sha256": "f" * 63},
        {"seconds": -1.0},
        {"seconds": float("inf")},
        {"written": "yesterday evening"},
    ],
    ids=str,
)
def test_forged_markers_are_ignored_and_counted(filled: StoredScan, changes: dict) -> None:
    filled.ledger.folder.write("000000002.json", _change(filled.ledger, **changes))
    markers = filled.ledger.markers()
    assert set(markers) == {0, 1, 3}
    assert markers.ignored == 1
    assert filled.missing() == [2]


@ON_DISK
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"chunk": 2}'])
def test_broken_markers_are_ignored_and_counted(filled: StoredScan, data: bytes) -> None:
    filled.ledger.folder.write("000000002.json", data)
    assert filled.missing() == [2]
    assert filled.state().ignored_markers == 1


def test_truncated_marker_is_ignored(filled: StoredScan) -> None:
    whole = filled.ledger.folder.read("000000002.json")
    assert whole is not None
    filled.ledger.folder.write("000000002.json", whole[: len(whole) // 2])
    assert filled.missing() == [2]


def test_foreign_files_are_counted_and_partial_ones_are_not(filled: StoredScan) -> None:
    filled.ledger.folder.write("notes.txt", b"hello")
    filled.ledger.folder.write("000000001.json.0a.partial", b"{")
    assert filled.done() == {0, 1, 2, 3}
    assert filled.state().ignored_markers == 1


def test_packing_changes_nothing_for_readers(filled: StoredScan) -> None:
    before = dict(filled.ledger.markers())
    assert filled.ledger.pack() == 0  # few
    assert filled.ledger.pack(above=3) == 4
    (segment,) = filled.ledger.folder.names()
    assert segment.startswith("segment-")
    assert dict(filled.ledger.markers()) == before
    assert filled.ledger.pack(above=0) == 0


def test_crash_between_segment_and_removal_leaves_harmless_duplicates(filled: StoredScan) -> None:
    loose = {n: filled.ledger.folder.read(n) for n in filled.ledger.folder.names()}
    filled.ledger.pack(above=0)
    for name, data in loose.items():
        filled.ledger.folder.write(name, data or b"")
    assert filled.done() == {0, 1, 2, 3}
    assert filled.ledger.pack(above=0) == 4
    assert filled.done() == {0, 1, 2, 3}
    assert filled.state().ignored_markers == 0


def test_loose_marker_wins_over_packed_and_later_segment_over_earlier(filled: StoredScan) -> None:
    first = filled.ledger.markers()[1]
    filled.ledger.pack(above=0)
    filled.ledger.write(dataclasses.replace(first, attempt=1))
    assert filled.ledger.markers()[1].attempt == 1
    filled.ledger.pack(above=0)
    assert filled.ledger.markers()[1].attempt == 1


def test_packing_leaves_broken_markers_alone(filled: StoredScan) -> None:
    filled.ledger.folder.write("000000002.json", b"{")
    assert filled.ledger.pack(above=0) == 3
    assert filled.missing() == [2]
    assert "000000002.json" in filled.ledger.folder.names()


def test_truncated_segment_loses_only_its_last_line(filled: StoredScan) -> None:
    filled.ledger.pack(above=0)
    (name,) = filled.ledger.folder.names()
    data = filled.ledger.folder.read(name)
    assert data is not None
    filled.ledger.folder.write(name, data[:-20])
    assert filled.missing() == [3]
