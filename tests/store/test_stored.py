from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scanner.errors import CatalogError, MismatchError, StoreError
from scanner.store.layout import needed_bytes
from scanner.store.stored import StoredScan


def test_done_needs_marker_and_data(filled: StoredScan) -> None:
    assert filled.done() == {0, 1, 2, 3}
    (filled.path / "cube.zarr" / "status" / "c" / "0" / "0" / "1").unlink()
    filled.ledger.remove(2)
    assert filled.missing() == [1, 2]


def test_a_cut_off_chunk_is_missing(filled: StoredScan) -> None:
    path = filled.path / "cube.zarr" / "chi2" / "c" / "0" / "0" / "1"
    path.write_bytes(path.read_bytes()[:-1])
    assert filled.missing() == [1]
    assert filled.verify() == [1]


def test_readers_of_a_growing_scan_see_what_is_finished(stored: StoredScan, block) -> None:
    chunk = stored.grid.chunk(1)
    stored.commit(chunk, *block(chunk))
    status = stored.dataset(load=True)["status"].values
    assert np.all(status[(slice(None), *chunk.slices)] > 0)
    assert np.sum(status > 0) == 2 * chunk.size


def test_verify_finds_every_damaged_chunk(filled: StoredScan) -> None:
    assert filled.verify() == []
    path = filled.path / "cube.zarr" / "chi2" / "c" / "0" / "1" / "1"
    data = bytearray(path.read_bytes())
    data[-6] ^= 1
    path.write_bytes(data)
    (filled.path / "cube.zarr" / "status" / "c" / "0" / "0" / "0").unlink()
    assert filled.verify() == [0, 3]


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


def test_markers_that_were_read_are_not_read_again(filled: StoredScan, monkeypatch) -> None:
    finished = filled.finished()
    filled.discard([1])
    monkeypatch.setattr(StoredScan, "finished", None)
    assert filled.missing(finished) == []
    assert filled.state(finished).complete


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
    (stored.path / "names" / "third.0a.partial").write_bytes(b"")
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
            [sys.executable, "-c", script, str(stored.path), letter],
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
    assert StoredScan.open(stored.path).stop_requested()
    stored.clear_stop()
    stored.clear_stop()
    assert not stored.stop_requested()


def test_open_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no scan in"):
        StoredScan.open(tmp_path / "absent")


def test_open_an_edited_or_copied_definition(stored: StoredScan) -> None:
    record = json.loads((stored.path / "definition.json").read_text())
    record["parameters"]["model"] = "B-L"
    (stored.path / "definition.json").write_text(json.dumps(record))
    with pytest.raises(MismatchError, match="remove the folder"):
        StoredScan.open(stored.path)


def test_open_under_another_id(stored: StoredScan) -> None:
    moved = stored.path.rename(stored.path.with_name("0" * 16))
    with pytest.raises(MismatchError, match=stored.id):
        StoredScan.open(moved)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_open_a_broken_definition(stored: StoredScan, text: str) -> None:
    (stored.path / "definition.json").write_text(text)
    with pytest.raises(MismatchError, match="damaged"):
        StoredScan.open(stored.path)


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
    (filled.path / "figure.png").write_bytes(b"old")
    assert filled.entitled(filled.definition.title) is filled
    assert (filled.path / "figure.png").exists()
    renamed = filled.entitled("Another title")
    assert not (filled.path / "figure.png").exists()
    assert StoredScan.open(filled.path).definition == renamed.definition
    assert (renamed.id, renamed.definition.title) == (filled.id, "Another title")
    assert renamed.done() == filled.done()
    assert "Another title" in (filled.path / "definition.toml").read_text()
