from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from scanner.errors import CatalogError, MismatchError, StoreError
from scanner.store.layout import needed_bytes
from scanner.store.stored import StoredScan

ON_DISK = pytest.mark.parametrize("root", ["disk"], indirect=True)


def test_done_needs_marker_and_data(filled: StoredScan) -> None:
    assert filled.done() == {0, 1, 2, 3}
    filled.folder.remove(["cube.zarr/status/c/0/0/1"])
    filled.ledger.remove(2)
    assert filled.missing() == [1, 2]


def test_a_cut_off_chunk_is_missing(filled: StoredScan) -> None:
    name = "cube.zarr/chi2/c/0/0/1"
    filled.folder.write(name, (filled.folder.read(name) or b"")[:-1])
    assert filled.missing() == [1]
    assert filled.verify() == [1]


@ON_DISK
def test_readers_of_a_growing_scan_see_what_is_finished(stored: StoredScan, block) -> None:
    chunk = stored.grid.chunk(1)
    stored.commit(chunk, *block(chunk))
    status = stored.dataset(load=True)["status"].values
    assert np.all(status[(slice(None), *chunk.slices)] > 0)
    assert np.sum(status > 0) == 2 * chunk.size


def test_verify_finds_every_damaged_chunk(filled: StoredScan) -> None:
    assert filled.verify() == []
    name = "cube.zarr/chi2/c/0/1/1"
    data = bytearray(filled.folder.read(name) or b"")
    data[-6] ^= 1
    filled.folder.write(name, bytes(data))
    filled.folder.remove(["cube.zarr/status/c/0/0/0"])
    assert filled.verify() == [0, 3]


@ON_DISK
def test_verify_finds_values_that_are_not_those_of_the_marker(filled: StoredScan, block) -> None:
    chunk = filled.grid.chunk(1)
    chi2, status = block(chunk)
    filled.cube.write(chunk, chi2 + 1.0, status)  # whole and readable, but other numbers
    marker = json.loads(filled.ledger.markers()[1].to_json())
    marker["stored_bytes"] = list(filled.cube.chunk_sizes(1))
    filled.ledger.folder.write("000000001.json", json.dumps(marker).encode())
    assert filled.missing() == []
    assert filled.verify() == [1]


@pytest.mark.parametrize("packed", [False, True])
def test_discarded_chunks_are_computed_again(filled: StoredScan, block, packed: bool) -> None:
    if packed:
        filled.ledger.pack(above=0)
    filled.discard([1, 2])
    assert filled.missing() == [1, 2]
    for number in filled.missing():
        filled.commit(filled.grid.chunk(number), *block(filled.grid.chunk(number)))
    assert filled.verify() == []
    assert filled.missing() == []


def test_what_was_found_from_discarded_chunks_is_forgotten(filled: StoredScan) -> None:
    filled.write_attributes({"minimum": {"chi2": 98.5}})
    filled.discard([])
    assert filled.summary
    filled.discard([1])
    assert filled.summary == {}


@ON_DISK
def test_markers_that_were_read_are_not_read_again(filled: StoredScan, monkeypatch) -> None:
    finished = filled.finished()
    filled.discard([1])
    monkeypatch.setattr(StoredScan, "finished", None)
    assert filled.missing(finished) == []
    assert filled.state(finished).complete


@ON_DISK
def test_blocks_of_another_form_are_refused(stored: StoredScan, block) -> None:
    chunk = stored.grid.chunk(0)
    chi2, status = block(chunk)
    for bad, words in (
        ((chi2[:1], status), "chi2 is float64"),
        ((chi2.astype(np.float32), status), "chi2 is float32"),
        ((chi2, status.astype(np.int64)), "status is int64"),
        ((chi2, np.zeros_like(status)), "not one of 1..5"),
        ((chi2, np.full_like(status, 6)), "not one of 1..5"),
        ((chi2, np.ones_like(status)), "NaN"),
        ((np.zeros_like(chi2), status), "NaN"),
    ):
        with pytest.raises(ValueError, match=words):
            stored.commit(chunk, *bad)
    assert stored.missing() == [0, 1, 2, 3]
    assert stored.cube.sizes() == {}


def test_summary_is_merged_and_joins_the_attributes(stored: StoredScan) -> None:
    assert stored.summary == {}
    stored.write_attributes({"minimum": {"chi2": 98.5}})
    stored.write_attributes({"finalised": True})
    assert stored.dataset().attrs["minimum"] == {"chi2": 98.5}
    assert stored.summary == {"minimum": {"chi2": 98.5}, "finalised": True}
    with pytest.raises(ValueError, match="not JSON compliant"):
        stored.write_attributes({"minimum": float("nan")})


def test_names_are_those_of_the_definition_and_later_ones(stored: StoredScan) -> None:
    for name in ("second", "stand_in", "first", "second"):
        stored.add_name(name)
    stored.folder.write("names/third.0a.partial", b"")
    assert stored.names == ("stand_in", "first", "second")
    assert stored.summary == {}


def test_two_processes_lose_no_name(stored: StoredScan) -> None:
    script = (
        "import sys; from scanner.store.stored import StoredScan; "
        "stored = StoredScan.open(sys.argv[1]); print('ready', flush=True); sys.stdin.read(1); "
        "[stored.add_name(f'{sys.argv[2]}{i}') for i in range(50)]"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, stored.location, letter],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for letter in "ab"
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("x")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert set(stored.names) == {"stand_in", *(f"{c}{i}" for c in "ab" for i in range(50))}


def test_stop_request(stored: StoredScan) -> None:
    assert not stored.stop_requested()
    stored.request_stop()
    assert StoredScan.open(stored.location).stop_requested()
    stored.clear_stop()
    stored.clear_stop()
    assert not stored.stop_requested()


def test_open_what_is_not_there(root: str) -> None:
    with pytest.raises(CatalogError, match="no scan in"):
        StoredScan.open(f"{root}/absent")


def test_open_an_edited_or_copied_definition(stored: StoredScan) -> None:
    record = json.loads(stored.folder.read("definition.json") or b"")
    record["parameters"]["model"] = "B-L"
    stored.folder.write("definition.json", json.dumps(record).encode())
    with pytest.raises(MismatchError, match="remove the folder"):
        StoredScan.open(stored.location)


def test_open_under_another_id(stored: StoredScan) -> None:
    copy = stored.folder.parent.child("0" * 16)
    copy.make()
    copy.write("definition.json", stored.folder.read("definition.json") or b"")
    with pytest.raises(MismatchError, match=stored.id):
        StoredScan.open(copy.location)


@ON_DISK
@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_open_a_broken_definition(stored: StoredScan, text: str) -> None:
    stored.folder.write("definition.json", text.encode())
    with pytest.raises(MismatchError, match="damaged"):
        StoredScan.open(stored.location)


@ON_DISK
def test_space_for_what_is_missing(stored: StoredScan, monkeypatch) -> None:
    needed = needed_bytes(stored.grid, 2)
    assert needed > 30 * 2 * 9
    monkeypatch.setattr("scanner.store.files.DiskFolder.free_bytes", lambda _: needed - 1)
    stored.check_ready([0, 1])
    with pytest.raises(StoreError, match="are free"):
        stored.check_ready([0, 1, 2, 3])


def test_a_changed_title_is_taken_up_and_the_figure_with_the_old_one_goes(
    filled: StoredScan,
) -> None:
    filled.folder.write("figure.png", b"old")
    assert filled.entitled(filled.definition.title) is filled
    assert filled.folder.exists("figure.png")
    renamed = filled.entitled("Another title")
    assert not filled.folder.exists("figure.png")
    assert StoredScan.open(filled.location).definition == renamed.definition
    assert (renamed.id, renamed.definition.title) == (filled.id, "Another title")
    assert renamed.done() == filled.done()
    assert b"Another title" in (filled.folder.read("definition.toml") or b"")
