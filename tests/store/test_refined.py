"""Batches of a refinement on disk: atomic, marked, checked against their sha256."""

import numpy as np
import pytest

from scanner.errors import MismatchError
from scanner.store.location import folder_at
from scanner.store.refined import StoredRefinement

INDEX = np.array([[0, 3], [5, 1], [5, 2]])
CHI2 = np.array([[1.0, np.nan, 0.1 + 0.2], [4.0, 5.0, 6.0]])
STATUS = np.array([[1, 3, 1], [1, 1, 1]], dtype=np.uint8)


@pytest.fixture
def stored(root):
    made = StoredRefinement(folder_at(root).child("key"))
    made.create({"question": {}, "batch_points": 10})
    return made


def test_a_batch_comes_back_to_the_last_bit(stored):
    stored.write(0, (INDEX, CHI2, STATUS), 0.1)
    index, chi2, status = stored.batch(0, INDEX)
    assert np.array_equal(index, INDEX)
    assert chi2.tobytes() == CHI2.tobytes()
    assert np.array_equal(status, STATUS)


def test_twice_the_same_leaves_the_same_bytes(stored):
    name = "batches/000000.npz"
    stored.write(0, (INDEX, CHI2, STATUS), 0.1)
    first = stored.folder.read(name)
    stored.write(0, (INDEX, CHI2, STATUS), 7.0)
    assert first
    assert stored.folder.read(name) == first


def test_other_points_a_missing_marker_and_damage_are_not_a_batch(stored):
    name = "batches/000000.npz"
    assert stored.batch(0, INDEX) is None
    stored.write(0, (INDEX, CHI2, STATUS), 0.1)
    assert stored.batch(0, INDEX[::-1]) is None
    stored.folder.write(name, (stored.folder.read(name) or b"")[:-1])
    assert stored.batch(0, INDEX) is None
    stored.folder.remove([name])
    assert stored.batch(0, INDEX) is None
    stored.write(0, (INDEX, CHI2, STATUS), 0.1)
    stored.folder.write("batches/000000.json", b"{")
    assert stored.batch(0, INDEX) is None


def test_a_finished_one_is_checked_when_it_is_read(stored):
    for number in range(3):
        stored.write(number, (INDEX + number, CHI2, STATUS), 0.1)
    assert stored.done is None
    record = stored.finish({"points": 9}, 3)
    assert record["points"] == 9
    assert [points[0][0, 0] for points in stored.all_batches(3)] == [0, 1, 2]
    name = "batches/000002.npz"
    stored.folder.write(name, (stored.folder.read(name) or b"") + b"x")
    with pytest.raises(MismatchError, match=r"000002\.npz is missing or damaged"):
        list(stored.all_batches(3))
    stored.folder.remove(["batches/000002.json"])
    with pytest.raises(MismatchError, match="batches is missing or damaged"):
        list(stored.all_batches(3))
    stored.reopen()
    assert stored.done is None


def test_the_first_manifest_stays(stored):
    assert stored.create({"question": {}, "batch_points": 99})["batch_points"] == 10


def test_a_damaged_manifest_says_what_to_do_and_is_written_again(stored):
    stored.folder.write("manifest.json", b"nonsense")
    with pytest.raises(MismatchError, match="scanner refine"):
        stored.manifest  # noqa: B018
    assert not stored.known
    assert stored.create({"question": {}, "batch_points": 7})["batch_points"] == 7
