"""Shipped tables: rebuilt byte for byte, damage noticed, written whole or not at all."""

from __future__ import annotations

import errno
import gzip
import hashlib
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from scanner.errors import DataError, StoreError
from scanner.experiments import (
    _tables,
    _xenon_tables,
    coherent_csi_2021,
    coherent_lar_2020,
    xenonnt_b8_2026,
)

TEXT = [coherent_csi_2021, coherent_lar_2020]
"""Experiments whose releases are text, built in no time."""
MODULES = pytest.mark.parametrize("module", TEXT, ids=lambda m: m.NAME)
ALL = pytest.mark.parametrize("module", [*TEXT, xenonnt_b8_2026], ids=lambda m: m.NAME)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A copy of all shipped tables that the reader takes for its own."""
    copy = tmp_path / "data"
    shutil.copytree(_tables.DATA, copy)
    monkeypatch.setattr(_tables, "DATA", copy)
    return copy


@pytest.fixture
def release(releases, tmp_path):
    """A copy of the release files of both experiments."""
    for file in (*coherent_csi_2021.RELEASE_FILES, *coherent_lar_2020.RELEASE_FILES):
        target = tmp_path / "release" / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(releases / file, target)
    return tmp_path / "release"


# --- reading ----------------------------------------------------------------------------------


@ALL
def test_all_tables_are_listed_and_sound(module):
    files = {p.name for p in _tables.folder(module.NAME).glob("*.csv*")}
    assert set(_tables.verify(module.NAME)) == files == set(_tables.provenance(module.NAME).tables)


@ALL
def test_provenance_says_where_the_numbers_are_from(module):
    provenance = _tables.provenance(module.NAME)
    assert provenance.citation
    assert provenance.licence
    assert "/" in provenance.doi
    assert set(provenance.release) == set(module.RELEASE_FILES)
    assert module.load().provenance == provenance


def test_a_changed_digit_is_noticed(shipped):
    path = shipped / "coherent_csi_2021" / "bins.csv"
    path.write_text(path.read_text().replace("1", "2", 1))
    with pytest.raises(
        DataError, match=r"coherent_csi_2021: table bins\.csv is damaged.*data build"
    ):
        coherent_csi_2021.load()


def test_a_missing_table_is_named(shipped):
    (shipped / "coherent_lar_2020" / "efficiency.csv").unlink()
    with pytest.raises(
        DataError, match=r"coherent_lar_2020: table efficiency\.csv is missing.*data build"
    ):
        coherent_lar_2020.load()


@pytest.mark.parametrize("text", [None, "citation = ", 'citation = "only this"\n', 'other = "x"\n'])
def test_unreadable_provenance(shipped, text):
    path = shipped / "coherent_csi_2021" / "provenance.toml"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(
        DataError, match=r"coherent_csi_2021: provenance\.toml cannot be read.*data build"
    ):
        coherent_csi_2021.load()


# --- building ---------------------------------------------------------------------------------


@ALL
def test_rebuilt_tables_equal_the_shipped_ones_byte_for_byte(releases, module):
    built = module.build(releases)
    provenance = _tables.provenance(module.NAME)
    assert set(built.tables) == set(provenance.tables)
    assert dict(built.release) == dict(provenance.release)
    for name, table in built.tables.items():
        assert _tables.encode(table) == _tables.content(_tables.folder(module.NAME) / name), name


@ALL
def test_release_checksums_are_those_of_the_files(releases, module):
    for file, expected in _tables.provenance(module.NAME).release.items():
        assert hashlib.sha256((releases / file).read_bytes()).hexdigest() == expected


@MODULES
def test_each_missing_release_file_is_named(release, module):
    for file in module.RELEASE_FILES:
        aside = (release / file).rename(release / "aside")
        with pytest.raises(DataError) as caught:
            module.build(release)
        assert file in str(caught.value)
        assert "--release" in str(caught.value)
        aside.rename(release / file)
    module.build(release)


@MODULES
@pytest.mark.parametrize(
    "content", ["", "a b\n", "1 2 3 4 5 6 7 8 9\n" * 4, "1 2\n3\n", "\xff\xfe"]
)
def test_each_malformed_release_file_is_named(release, module, content):
    for file in module.RELEASE_FILES:
        path = release / file
        whole = path.read_bytes()
        head = "header\n" if path.name == "energydata1d.txt" else ""
        path.write_bytes((head + content).encode("latin-1"))
        with pytest.raises(DataError) as caught:
            module.build(release)
        assert file in str(caught.value)
        path.write_bytes(whole)


def test_each_missing_or_malformed_file_of_the_xenon_release_is_named(releases, tmp_path):
    """One after the other: the archives are read last, and take seconds."""
    for file in xenonnt_b8_2026.RELEASE_FILES:
        target = tmp_path / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(releases / file, target)
    first = _xenon_tables.RECOIL_ARCHIVES["sr0"]
    for file in xenonnt_b8_2026.RELEASE_FILES:
        if file in _xenon_tables.RECOIL_ARCHIVES.values() and file != first:
            continue
        whole = (tmp_path / file).read_bytes()
        half = [whole[: len(whole) // 2]] if file.endswith((".h5", ".gz")) else []
        for content in (b"", b"a b\n", b"1,2,3,4,5\n" * 4, b"\xff\xfe", *half):
            (tmp_path / file).write_bytes(content)
            with pytest.raises(DataError) as caught:
                xenonnt_b8_2026.build(tmp_path)
            assert file in str(caught.value)
        (tmp_path / file).unlink()
        with pytest.raises(DataError, match="not found below") as caught:
            xenonnt_b8_2026.build(tmp_path)
        assert file in str(caught.value)
        (tmp_path / file).write_bytes(whole)


def test_without_h5py_the_mend_is_named(releases, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError, match="install h5py"):
        xenonnt_b8_2026.build(releases)


# --- writing ----------------------------------------------------------------------------------

BUILT = _tables.Built(
    {"bins.csv": {"x": np.array([1.0, 2.5]), "y": np.array([3.0, 1 / 3])}}, {"a/b.txt": "00"}
)


def test_encode():
    assert _tables.encode(BUILT.tables["bins.csv"]) == b"x,y\n1,3\n2.5,0.333333333333\n"


def test_write_then_read(tmp_path, monkeypatch):
    name = "coherent_csi_2021"
    monkeypatch.setattr(_tables, "DATA", _tables.DATA)
    output = tmp_path / "deep" / name
    assert _tables.write(name, BUILT, output) == ("bins.csv", "provenance.toml")
    old = _tables.provenance(name)
    monkeypatch.setattr(_tables, "DATA", tmp_path / "deep")
    np.testing.assert_allclose(_tables.read(name, "bins.csv")["y"], [3.0, 1 / 3], rtol=1e-11)
    new = _tables.provenance(name)
    assert (new.citation, new.doi, dict(new.release)) == (old.citation, old.doi, {"a/b.txt": "00"})
    assert _tables.write(name, BUILT, output) == ()


def test_a_packed_table_is_known_by_what_is_in_it(tmp_path, monkeypatch):
    name, packed = "coherent_csi_2021", "large.csv.gz"
    built = _tables.Built({packed: {"x": np.arange(3.0)}}, {})
    assert _tables.write(name, built, tmp_path / name) == (packed, "provenance.toml")
    monkeypatch.setattr(_tables, "DATA", tmp_path)
    path = tmp_path / name / packed
    assert gzip.decompress(path.read_bytes()) == b"x\n0\n1\n2\n"
    # another packer: the same table
    path.write_bytes(gzip.compress(b"x\n0\n1\n2\n", 1, mtime=12345))
    np.testing.assert_array_equal(_tables.read(name, packed)["x"], np.arange(3.0))
    assert _tables.write(name, built, tmp_path / name) == ()
    for damaged in (path.read_bytes()[:-9], b""):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"large\.csv\.gz is damaged"):
            _tables.read(name, packed)


def test_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        StoreError, match=r"file/here is not writable \(.*\): choose another --output"
    ):
        _tables.write("coherent_csi_2021", BUILT, tmp_path / "file" / "here")


def test_a_full_disk_leaves_the_old_table_and_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "bins.csv").write_text("old")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StoreError, match="No space left on device"):
        _tables.write("coherent_csi_2021", BUILT, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["bins.csv"]
    assert (tmp_path / "bins.csv").read_text() == "old"
