from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from scanner.errors import CatalogError, DefinitionError, MismatchError
from scanner.store import files, removal
from scanner.store.archive import Archive
from scanner.store.removal import candidate, check_idle, remove
from scanner.store.stored import StoredScan

ON_DISK = pytest.mark.parametrize("root", ["disk"], indirect=True)


def aged(path: Path, seconds: float) -> None:
    """As if nothing had been written since."""
    then = time.time() - seconds
    for file in path.rglob("*"):
        if file.is_file():
            os.utime(file, (then, then))


def test_a_finished_scan_goes_without_a_trace(filled: StoredScan, archive: Archive) -> None:
    filled.write_attributes({"minimum": {}})
    found = candidate(archive, filled.id[:6])
    size = sum(filled.folder.sizes().values())
    assert (found.id, found.size, found.finished, found.running) == (filled.id, size, True, False)
    check_idle(found)
    remove(found)
    assert archive.folder.sizes() == {}
    assert archive.folder.names() == []
    with pytest.raises(CatalogError, match="gone already"):
        remove(found)


@ON_DISK
def test_a_scan_that_is_written_to_counts_as_running(filled: StoredScan, archive: Archive) -> None:
    with pytest.raises(DefinitionError, match=r"written to 0 s ago.*--force"):
        check_idle(candidate(archive, filled.id))
    aged(filled.path, removal.QUIET_SECONDS + 30.0)
    found = candidate(archive, filled.id)
    assert found.idle_seconds == pytest.approx(removal.QUIET_SECONDS + 30.0, abs=5.0)
    check_idle(found)
    (filled.path / "cube.zarr" / "chi2" / "c" / "0" / "0" / "1.ab.partial").write_bytes(b"")
    with pytest.raises(DefinitionError, match="seems to be running"):
        check_idle(candidate(archive, filled.id))


@ON_DISK
def test_it_is_never_found_half_removed(
    filled: StoredScan, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(path: Path, **_: object) -> None:
        (path / "definition.json").unlink()
        raise KeyboardInterrupt

    found = candidate(archive, filled.id)
    with monkeypatch.context() as patched:
        patched.setattr(files.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            remove(found)
    assert archive.list() == []
    with pytest.raises(CatalogError, match="unknown scan"):
        archive.open(filled.id)
    assert len(list(archive.folder.path.iterdir())) == 1


@ON_DISK
def test_what_a_killed_removal_left_goes_with_the_next(
    filled: StoredScan, archive: Archive, other, grid
) -> None:
    left = archive.folder.path / ".0123456789abcdef.ab.removed.partial"
    left.mkdir()
    (left / "cube").write_text("")
    kept = archive.create(other, grid)
    remove(candidate(archive, filled.id))
    assert [path.name for path in archive.folder.path.iterdir()] == [kept.id]


def test_a_damaged_scan_goes_by_its_whole_id(filled: StoredScan, archive: Archive) -> None:
    filled.folder.write("definition.json", b"{")
    with pytest.raises(MismatchError):
        candidate(archive, filled.id[:6])
    found = candidate(archive, filled.id)
    assert found.title == "damaged"
    assert found.running  # it was written to a moment ago
    remove(found)
    assert not filled.folder.exists()


def test_a_scan_without_definition_goes_by_its_whole_id(
    filled: StoredScan, archive: Archive
) -> None:
    filled.folder.remove(["definition.json"])
    remove(candidate(archive, filled.id))
    assert not filled.folder.exists()


def test_what_is_no_scan_is_not_removed(filled: StoredScan, archive: Archive) -> None:
    archive.folder.child("notes").make()
    archive.folder.child("notes").write("today.txt", b"mine")
    filled.folder.write("definition.json", b"{")
    with pytest.raises((CatalogError, MismatchError)):
        candidate(archive, "notes")


def test_an_ambiguous_name_lists_the_candidates(
    filled: StoredScan, archive: Archive, other, grid
) -> None:
    second = archive.create(other, grid)
    with pytest.raises(CatalogError, match="may be") as refused:
        candidate(archive, "stand_in")
    assert filled.id in str(refused.value)
    assert second.id in str(refused.value)
