from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

import pytest

from scanner.definition import ScanDefinition
from scanner.errors import CatalogError, DefinitionError, MismatchError, StoreError
from scanner.grid import Grid
from scanner.store.archive import Archive, default_root

ON_DISK = pytest.mark.parametrize("root", ["disk"], indirect=True)


def test_default_root(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SCANNER_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert Archive(default_root()).folder.location == str(tmp_path / "scans")
    monkeypatch.setenv("SCANNER_STORE", "/data/store")
    assert default_root() == "/data/store"
    assert Archive().folder.location == "/data/store"
    for root in ("/other", Path("/other"), "file:///other", Path("file:///other")):
        assert Archive(root).folder.location == "/other"
    monkeypatch.setenv("HOME", "/home/somebody")
    assert Archive("~/scans").folder.location == "/home/somebody/scans"


def test_an_unknown_scheme_names_the_known_ones_and_repeats_nothing_else() -> None:
    with pytest.raises(DefinitionError, match=r"unknown scheme 'gs'.*\(known: file, s3\)") as told:
        Archive("gs://somebody:secret@bucket").list()
    assert "secret" not in str(told.value)
    with pytest.raises(DefinitionError, match="absolute path"):
        Archive("file://scans").list()


def test_layout(archive: Archive, definition: ScanDefinition, grid: Grid) -> None:
    stored = archive.create(definition, grid)
    assert stored.location == f"{archive.folder}/{definition.id}"
    kind = {"claim.json"} if stored.location.startswith("s3:") else {"ledger"}
    names = {"cube.zarr", "definition.json", "definition.toml"}
    assert set(stored.folder.names()) == names | kind
    assert archive.folder.names() == [definition.id]
    written = tomllib.loads((stored.folder.read("definition.toml") or b"").decode())
    assert written["scenario"] == definition.scenario
    assert stored.definition == definition
    assert stored.grid == grid


def test_creating_twice_opens_and_keeps_data_and_chunks(
    filled, archive: Archive, grid: Grid
) -> None:
    again = archive.create(filled.definition, Grid(grid.axes, (2, 2)))
    assert again.grid == grid
    assert again.done() == {0, 1, 2, 3}


def test_labels_do_not_make_another_scan(stored, archive: Archive, grid: Grid) -> None:
    renamed = dataclasses.replace(stored.definition, name="other", title="Other")
    assert archive.create(renamed, grid).definition.name == "stand_in"


@ON_DISK
def test_folder_of_that_id_with_other_content(
    archive: Archive, definition: ScanDefinition, other: ScanDefinition, grid: Grid
) -> None:
    made = archive.create(other, grid)
    made.path.rename(archive.folder.path / definition.id)
    with pytest.raises(MismatchError, match="was edited or copied"):
        archive.create(definition, grid)
    (archive.folder.path / definition.id / "definition.json").unlink()
    with pytest.raises(MismatchError, match="not a scan"):
        archive.create(definition, grid)


def test_open_by_id_prefix_and_name(stored, archive: Archive) -> None:
    for name in (stored.id, stored.id[:4], "stand_in"):
        assert archive.open(name) == stored
    for name in (stored.id[:3], "stand", "ffff" if not stored.id.startswith("ffff") else "0000"):
        with pytest.raises(CatalogError, match="unknown scan"):
            archive.open(name)


@pytest.mark.usefixtures("stored")
def test_unknown_name_suggests_the_near_one(archive: Archive) -> None:
    with pytest.raises(CatalogError, match="did you mean 'stand_in'"):
        archive.open("stand_im")


def test_ambiguous_name_lists_the_candidates(stored, archive: Archive, other, grid: Grid) -> None:
    second = archive.create(other, grid)
    with pytest.raises(CatalogError, match="give the id") as caught:
        archive.open("stand_in")
    assert f"{stored.id} (stand_in with parameters.model = universal)" in str(caught.value)
    assert f"{second.id} (stand_in with parameters.model = B-L)" in str(caught.value)
    assert archive.list() == sorted([stored, second], key=lambda s: s.id)


def test_list_skips_what_is_broken_and_drafts(stored, archive: Archive, other, grid: Grid) -> None:
    broken = archive.create(other, grid)
    broken.folder.write("definition.json", b"{")
    for name in (".0123456789abcdef.aa.partial", "notes"):
        archive.folder.child(name).make()
        archive.folder.child(name).write("zarr.json", b"{}")
    assert archive.list() == [stored]
    with pytest.raises(MismatchError, match="damaged"):
        archive.open(broken.id)


def test_empty_archive(archive: Archive) -> None:
    assert archive.list() == []
    with pytest.raises(CatalogError, match="known: none"):
        archive.open("anything")


def test_root_that_is_a_file(tmp_path: Path, definition: ScanDefinition, grid: Grid) -> None:
    (tmp_path / "file").write_text("x")
    for root in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match="not a directory"):
            Archive(root).create(definition, grid)
    assert (tmp_path / "file").read_text() == "x"
    with pytest.raises(StoreError, match="not a directory"):
        Archive(tmp_path / "file").list()


@ON_DISK
def test_too_small_root_is_told_before_anything_is_written(
    archive: Archive, definition: ScanDefinition, grid: Grid, monkeypatch
) -> None:
    monkeypatch.setattr("scanner.store.files.DiskFolder.free_bytes", lambda _: 1000)
    with pytest.raises(StoreError, match="are free"):
        archive.create(definition, grid)
    assert not archive.folder.exists()


def test_failed_creation_leaves_nothing(
    archive: Archive, definition: ScanDefinition, grid: Grid, monkeypatch
) -> None:
    def broken(_: ScanDefinition) -> str:
        raise RuntimeError

    monkeypatch.setattr(ScanDefinition, "to_toml", broken)
    with pytest.raises(RuntimeError):
        archive.create(definition, grid)
    assert archive.folder.names() == []


def test_a_prefix_that_is_too_short_is_told(stored, archive: Archive) -> None:
    short = stored.id[:3]
    with pytest.raises(CatalogError, match=f"{short}.*give 4 digits or more, not 3"):
        archive.open(short)
    other = "0" if stored.id[0] != "0" else "1"
    with pytest.raises(CatalogError) as told:
        archive.open(other)
    assert "digits" not in str(told.value)
    assert archive.open(stored.id[:4]).id == stored.id
