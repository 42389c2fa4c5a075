from __future__ import annotations

import dataclasses

import pytest

from scanner.errors import MismatchError
from scanner.store.audit import audit
from scanner.store.stored import StoredScan


def chunk(variable: str, *index: int) -> str:
    return "/".join(["cube.zarr", variable, "c", "0", *map(str, index)])


def test_a_whole_scan(filled: StoredScan) -> None:
    found = audit(filled)
    assert found.whole
    assert (found.exit_code, found.total) == (0, 4)
    assert (found.damaged, found.missing, found.unmarked) == ({}, (), ())
    assert (found.foreign_markers, found.strays) == (0, ())


def test_a_flipped_bit_and_a_cut_are_damage_with_the_reason(filled: StoredScan) -> None:
    flipped, cut = chunk("chi2", 1, 1), chunk("status", 0, 1)
    data = bytearray(filled.folder.read(flipped) or b"")
    data[-6] ^= 1
    filled.folder.write(flipped, bytes(data))
    filled.folder.write(cut, (filled.folder.read(cut) or b"")[:-1])
    found = audit(filled)
    assert list(found.damaged) == [1, 3]
    assert "instead of" in found.damaged[1]
    assert "damaged" in found.damaged[3]
    assert found.exit_code == 4


def test_other_values_under_a_true_size_are_damage(filled: StoredScan, block) -> None:
    where = filled.grid.chunk(2)
    chi2, status = block(where)
    filled.cube.write(where, chi2 + 1.0, status)
    marker = filled.ledger.markers()[2]
    sizes = filled.cube.chunk_sizes(2)
    filled.ledger.write(dataclasses.replace(marker, stored_bytes=sizes))
    assert audit(filled).damaged == {2: "holds other values than were written (sha256)"}


def test_what_is_not_computed_is_missing_not_damaged(stored: StoredScan, block) -> None:
    for number in (0, 2):
        stored.commit(stored.grid.chunk(number), *block(stored.grid.chunk(number)))
    stored.cube.write(stored.grid.chunk(3), *block(stored.grid.chunk(3)))
    stored.folder.remove([chunk(variable, 0, 0) for variable in ("chi2", "status")])
    found = audit(stored)
    assert (found.missing, found.unmarked) == ((0, 1, 3), (3,))
    assert found.exit_code == 3


def test_foreign_markers_and_strays_are_told(filled: StoredScan) -> None:
    marker = filled.ledger.markers()[0]
    other = dataclasses.replace(marker, digest="0" * 64, chunk=1)
    filled.ledger.write(other)
    filled.folder.write("ledger/notes.json", b"{}")
    filled.folder.write(chunk("chi2", 0, 7), b"x")
    filled.folder.write("cube.zarr/chi2/c/0/0/1.ab.partial", b"")
    found = audit(filled)
    assert found.foreign_markers == 2
    assert found.strays == ("cube.zarr/chi2/c/0/0/1.ab.partial", "cube.zarr/chi2/c/0/0/7")
    assert (found.missing, found.unmarked) == ((1,), (1,))


def test_a_cube_of_another_scan_is_a_mismatch(filled: StoredScan, other) -> None:
    with pytest.raises(MismatchError, match="belongs to another scan"):
        audit(StoredScan(filled.folder, other))
