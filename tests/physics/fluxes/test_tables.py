"""Shipped tables of fluxes: rebuilt byte for byte, damage noticed."""

from __future__ import annotations

import hashlib
import shutil
import tomllib

import pytest

from scanner import tables as shipped_tables
from scanner.errors import DataError
from scanner.experiments import _reactor_tables
from scanner.physics.fluxes import reactor, tables

SOURCES = pytest.mark.parametrize("source", list(shipped_tables.FLUXES))


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of all shipped tables that the reader takes for its own."""
    shutil.copytree(tables.DATA, tmp_path / "data")
    monkeypatch.setattr(tables, "DATA", tmp_path / "data")
    return tmp_path / "data"


@SOURCES
def test_all_tables_are_listed_and_sound(source):
    files = {p.name for p in tables.folder(source).glob("*.csv")}
    assert set(shipped_tables.verify(source)) == files
    assert files


@SOURCES
def test_rebuilt_tables_equal_the_shipped_ones_byte_for_byte(releases, source, tmp_path):
    home = tables.folder(source)
    assert shipped_tables.build(source, releases, tmp_path / "made")
    made = {p.name: p.read_bytes() for p in (tmp_path / "made").iterdir()}
    assert made == {p.name: p.read_bytes() for p in home.iterdir() if p.is_file()}
    # the folder of the release itself serves as well
    assert shipped_tables.build(source, releases / source, tmp_path / "made") == ()


@SOURCES
def test_release_checksums_are_those_of_the_files(releases, source):
    release = tomllib.loads((tables.folder(source) / "provenance.toml").read_text())["release"]
    assert release
    for file, expected in release.items():
        assert hashlib.sha256((releases / file).read_bytes()).hexdigest() == expected


def test_a_changed_digit_is_noticed(copy):
    path = copy / reactor.SOURCE / "mvhe.csv"
    path.write_text(path.read_text().replace("1", "2", 1))
    with pytest.raises(DataError, match=r"reactor_spectra: table mvhe\.csv is damaged.*data build"):
        reactor.spectrum("U235")


def test_a_missing_table_is_named(copy):
    (copy / reactor.SOURCE / "mvhe.csv").unlink()
    with pytest.raises(DataError, match=r"reactor_spectra: table mvhe\.csv is missing.*data build"):
        reactor.spectrum("U235")


@pytest.mark.parametrize("text", [None, "tables = ", "other = 1\n"])
def test_unreadable_provenance(copy, text):
    path = copy / reactor.SOURCE / "provenance.toml"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(DataError, match=r"reactor_spectra: provenance\.toml cannot be read"):
        reactor.spectrum("U235")


@pytest.mark.parametrize("content", ["", "a b\n", "1 2 3 4 5\n", "1 2\n3\n"])
def test_each_malformed_release_file_is_named(releases, tmp_path, content):
    for file in _reactor_tables.RELEASE_FILES:
        target = tmp_path / "release" / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(releases / file, target)
    for file in _reactor_tables.RELEASE_FILES:
        path = tmp_path / "release" / file
        whole = path.read_bytes()
        path.write_text(content)
        with pytest.raises(DataError) as caught:
            _reactor_tables.build(tmp_path / "release")
        assert file in str(caught.value)
        path.write_bytes(whole)


def test_a_release_that_is_no_folder(tmp_path):
    with pytest.raises(DataError, match="is not a folder"):
        shipped_tables.build(reactor.SOURCE, tmp_path / "nowhere")
    with pytest.raises(DataError, match="not found below"):
        _reactor_tables.build(tmp_path)
