"""Orders in which a ledger may be written, packed, merged, killed and read: nothing is lost."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.grid import Axis, Grid
from scanner.store import segments
from scanner.store.files import DiskFolder
from scanner.store.ledger import Ledger, Marker
from scanner.store.markers import Reader

DIGEST = "d" * 64
GRID = Grid((Axis("mass", "log", 0.1, 1.0, 7, "MeV"), Axis("coupling", "linear", 0, 1, 5)), (2, 2))
SMALL = 600  # bytes: one marker is smaller, two are not


class Killed(BaseException):
    """The process died here."""


@dataclasses.dataclass(frozen=True)
class Scripted(DiskFolder):
    """A directory where something happens before files are removed, or after it was listed."""

    before_removal: Callable[[], None] | None = None
    after_listing: Callable[[], None] | None = None

    def remove(self, names: Iterable[str]) -> None:
        if self.before_removal is not None:
            self.before_removal()
        super().remove(names)

    def names(self) -> list[str]:
        found = super().names()
        if self.after_listing is not None:
            self.after_listing()
        return found


def marker(number: int, attempt: int = 0, **changes: object) -> Marker:
    chunk = GRID.chunk(number)
    made = Marker(
        chunk=number,
        start=chunk.start,
        stop=chunk.stop,
        digest=DIGEST,
        sha256=f"{attempt:064x}",
        stored_bytes=(90, 30),
        points=chunk.size,
        status={"1": 2 * chunk.size},
        seconds=0.5,
        attempt=attempt,
        host="node1",
        pid=17,
        versions={"numpy": "2.0"},
        instruction_set="x86_64",
        written="2026-01-01T00:00:00+00:00",
    )
    return dataclasses.replace(made, **changes)


def dying(removals: int) -> Callable[[], None]:
    """Removes files so many times, of markers and of merged segments, and then dies."""
    left = iter(range(removals))

    def die() -> None:
        if next(left, None) is None:
            raise Killed

    return die


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of single markers are merged by twos, those by twos again."""
    merge_early(monkeypatch)


def merge_early(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(segments, "_TOGETHER", 2)
    patch.setattr(segments, "_TIERS", (SMALL, 2 * SMALL))


texts = st.text(max_size=12)
counts = st.integers(1, 10**9 - 1)
markers = st.builds(
    lambda number, **changes: marker(number, **changes),
    st.integers(0, GRID.n_chunks - 1),
    attempt=st.integers(0, 10**9 - 1),
    sha256=st.binary(min_size=32, max_size=32).map(bytes.hex),
    stored_bytes=st.tuples(st.integers(1, 2**50), st.integers(1, 2**50)),
    status=st.dictionaries(st.sampled_from("012345"), counts, min_size=1).map(
        lambda found: dict(sorted(found.items()))
    ),
    seconds=st.floats(0, 1e9),
    host=texts,
    pid=st.integers(0, 10**9 - 1),
    versions=st.dictionaries(texts, texts, max_size=3),
    instruction_set=texts,
)


@settings(max_examples=50, deadline=None)
@given(st.lists(markers, max_size=6))
def test_every_marker_survives_the_table(written: list[Marker]) -> None:
    reader = Reader(DIGEST, GRID)
    table = reader.rows([one.to_json().strip() for one in written])
    expected = {one.chunk: one for one in written}  # the later one
    assert dict(reader.markers([table])) == expected
    assert reader.ignored == 0


@settings(max_examples=50, deadline=None)
@given(st.lists(markers, max_size=3))
def test_markers_in_another_form_of_json_are_the_same(written: list[Marker]) -> None:
    reader = Reader(DIGEST, GRID)
    records = [dict(reversed(json.loads(one.to_json()).items())) for one in written]
    table = reader.rows([json.dumps(record, indent=1).encode() for record in records])
    assert dict(reader.markers([table])) == {one.chunk: one for one in written}


@settings(max_examples=50, deadline=None)
@given(markers, st.data())
def test_no_part_of_a_marker_is_one(whole: Marker, data: st.DataObject) -> None:
    line = whole.to_json().strip()
    stop = data.draw(st.integers(0, len(line) - 1))
    reader = Reader(DIGEST, GRID)
    assert len(reader.rows([line[:stop]])) == 0
    assert reader.ignored == 1


numbers = st.integers(0, GRID.n_chunks - 1)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), numbers),
        st.tuples(st.sampled_from(["pack", "twice", "tear"]), st.just(0)),
        st.tuples(st.just("killed"), st.integers(0, 3)),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_the_latest_marker_of_each_chunk_is_read_whatever_happened(
    taken: list[tuple[str, int]],
) -> None:
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        merge_early(patch)
        ledger = Ledger(DiskFolder(Path(place)), DIGEST, GRID)
        beside = Scripted(Path(place), before_removal=lambda: ledger.pack(0) and None)
        expected: dict[int, Marker] = {}
        for attempt, (what, number) in enumerate(taken):
            if what == "write":
                expected[number] = marker(number, attempt)
                ledger.write(expected[number])
            elif what == "pack":
                ledger.pack(0)
            elif what == "killed":
                doomed = Scripted(Path(place), before_removal=dying(number))
                with suppress(Killed):
                    Ledger(doomed, DIGEST, GRID).pack(0)
            elif what == "twice":  # another run packs between our write and our removal
                Ledger(beside, DIGEST, GRID).pack(0)
            else:
                ledger.folder.write("segment-000-0f.jsonl.1a.partial", b'{"chunk":')
            assert dict(ledger.markers()) == expected
        assert ledger.markers().ignored == 0


@pytest.mark.usefixtures("few")
def test_what_is_packed_and_merged_while_it_is_read_is_not_missed(tmp_path: Path) -> None:
    ledger = Ledger(DiskFolder(tmp_path), DIGEST, GRID)
    for number in range(5):
        ledger.write(marker(number))
        if number in (0, 2):
            ledger.pack(0)
    before = set(ledger.folder.names())
    moved = iter([lambda: ledger.pack(0)])
    reading = Scripted(tmp_path, after_listing=lambda: next(moved, lambda: None)() and None)
    assert set(Ledger(reading, DIGEST, GRID).markers()) == {0, 1, 2, 3, 4}
    assert before.isdisjoint(ledger.folder.names())  # all that was listed first is gone


def test_segments_stay_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "_TIERS", (SMALL, 8 * SMALL, 64 * SMALL, 512 * SMALL))
    ledger = Ledger(DiskFolder(tmp_path), DIGEST, GRID)
    written, most = 0, 0
    for time in range(200):
        ledger.write(marker(time % GRID.n_chunks, time))
        ledger.pack(0)
        sizes = ledger.folder.sizes()
        most = max(most, len(sizes))
        written += max(sizes.values())
    assert most <= 4 * 8
    assert {n: m.attempt for n, m in ledger.markers().items()} == {
        n: max(t for t in range(200) if t % GRID.n_chunks == n) for n in range(GRID.n_chunks)
    }


@pytest.mark.usefixtures("few")
def test_large_segments_are_left_alone(tmp_path: Path) -> None:
    ledger = Ledger(DiskFolder(tmp_path), DIGEST, GRID)
    for _ in range(6):
        for number in range(GRID.n_chunks):
            ledger.write(marker(number))
        ledger.pack(0)
    assert len(ledger.folder.names()) == 6


def test_a_segment_of_nothing_is_not_written(tmp_path: Path) -> None:
    ledger = Ledger(DiskFolder(tmp_path), DIGEST, GRID)
    ledger.folder.write("000000002.json", b"{")
    assert ledger.pack(0) == 0
    assert ledger.folder.names() == ["000000002.json"]


@pytest.mark.usefixtures("few")
def test_a_torn_segment_does_not_spoil_its_neighbour_when_they_are_merged(tmp_path: Path) -> None:
    ledger = Ledger(DiskFolder(tmp_path), DIGEST, GRID)
    ledger.folder.write("segment-001-0a.jsonl", marker(0).to_json()[:-30])
    ledger.folder.write("segment-002-0b.jsonl", marker(1).to_json())
    ledger.pack()
    assert len(ledger.folder.names()) == 1
    assert (set(ledger.markers()), ledger.markers().ignored) == ({1}, 1)


def test_ledgers_of_earlier_versions_are_read(tmp_path: Path) -> None:
    line = (
        b'{"chunk":4,"start":[2,2],"stop":[4,4],"digest":"' + DIGEST.encode() + b'","sha256":"'
        b'5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9","stored_bytes":[84,28],'
        b'"points":4,"status":{"1":7,"3":1},"seconds":0.353746,"attempt":0,"host":"node048",'
        b'"pid":8271,"versions":{"cevns-scanner":"0.1.0","numpy":"2.4.6"},"instruction_set":'
        b'"x86_64 AVX512_SPR","written":"2026-11-28T00:00:00+00:00"}\n'
    )
    folder = DiskFolder(tmp_path)
    name = "segment-01764288000000000000-0123456789abcdef0123456789abcdef.jsonl"
    folder.write(name, line)
    (found,) = Ledger(folder, DIGEST, GRID).markers().values()
    assert found.to_json() == line
    assert found.status == {"1": 7, "3": 1}
    assert found.sha256[:8] == "5feceb66"


def test_sums_are_those_of_the_markers() -> None:
    reader = Reader(DIGEST, GRID)
    written = [
        marker(1, seconds=1.5, status={"1": 3, "5": 5}, host="a"),
        marker(0, seconds=2.0, status={"1": 8}, written="2026-03-01T00:00:00+00:00"),
        marker(11, seconds=0.25, status={"4": 2}, host="a"),
    ]
    found = reader.markers([reader.rows([one.to_json().strip() for one in written])])
    assert list(found) == [0, 1, 11]
    assert found.points == sum(one.points for one in written)
    assert found.seconds == 3.75
    assert found.status.tolist() == [0, 11, 0, 0, 2, 5]
    assert found.last_written == "2026-03-01T00:00:00+00:00"
    assert {origin.host: n for origin, n in found.by_origin()} == {"a": 2, "node1": 1}
    assert 2 not in found
    assert 11 in found
    with pytest.raises(KeyError):
        found[2]
    sizes = np.zeros((GRID.n_chunks, 2), np.int64)
    sizes[[0, 11]] = (90, 30)
    assert list(found.in_size(sizes)) == [0, 11]
    sizes[11, 1] = 29
    assert list(found.in_size(sizes)) == [0]
