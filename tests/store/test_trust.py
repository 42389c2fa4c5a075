"""A store may come from anybody: what it holds is read as numbers and texts, never run."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import pickle
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numcodecs.pickles
import numpy as np
import pytest
import zarr

from scanner import catalog, sources
from scanner.definition import from_mapping
from scanner.errors import CatalogError, DefinitionError, MismatchError, ScannerError
from scanner.execution.task import DEFAULT_EVALUATOR, open_checked
from scanner.store.files import DiskFolder
from scanner.store.refined import StoredRefinement
from scanner.store.removal import candidate, remove
from scanner.store.stored import StoredScan
from scanner.store.trust import check_metadata


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def sentinel(tmp_path: Path, monkeypatch) -> Path:
    """What a payload would make; newer numcodecs do not unpickle unless told, older ones do."""
    monkeypatch.setattr(numcodecs.pickles, "ALLOW_UNSAFE_PICKLE_DECODE", True, raising=False)
    return tmp_path / "ran"


@pytest.fixture
def root(tmp_path: Path) -> str:
    """On a disk, where files are easily forged; the check reads the same everywhere."""
    return str(tmp_path / "root")


@pytest.fixture
def cube(stored: StoredScan) -> Path:
    return Path(stored.location) / "cube.zarr"


def forge_old(array: Path, sentinel: Path, shape: list[int], dims: list[str]) -> None:
    """An array of Zarr's format 2 whose compressor unpickles."""
    shutil.rmtree(array, ignore_errors=True)
    array.mkdir()
    metadata = {
        "zarr_format": 2,
        "shape": shape,
        "chunks": shape,
        "dtype": "|O",
        "compressor": {"id": "pickle", "protocol": 5},
        "filters": [{"id": "vlen-utf8"}],
        "fill_value": "",
        "order": "C",
    }
    (array / ".zarray").write_text(json.dumps(metadata))
    (array / ".zattrs").write_text(json.dumps({"_ARRAY_DIMENSIONS": dims}))
    (array / ".".join("0" * len(shape))).write_bytes(pickle.dumps(Payload(sentinel)))


def forge(array: Path, **changes: Any) -> None:
    path = array / "zarr.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def ask_everything(location: str) -> list[ScannerError]:
    """All that reads a store; the errors that came."""
    errors = []
    questions = (
        lambda stored: stored.cube.check(),
        lambda stored: stored.dataset(),
        lambda stored: stored.dataset(load=True),
        lambda stored: stored.cube.read(stored.grid.chunk(0)),
        lambda stored: stored.state(),
        lambda stored: stored.verify(),
    )
    for question in questions:
        try:
            question(StoredScan.open(location))
        except ScannerError as error:
            errors.append(error)
    return errors


def test_the_payload_is_live(tmp_path: Path, sentinel: Path) -> None:
    """Zarr itself runs it: what is refused below would do harm."""
    forge_old(tmp_path / "array", sentinel, [1], ["a"])
    with pytest.raises(Exception, match=r".*"):
        zarr.open_array(tmp_path / "array", mode="r")[:]
    assert sentinel.exists()


@pytest.mark.parametrize("which", ["experiment", "mass", "chi2", "another"])
def test_an_array_that_unpickles_is_not_read(stored, cube, sentinel, which: str) -> None:
    shapes = {"experiment": [2], "mass": [6], "chi2": [2, 6, 5], "another": [1]}
    dims = ["experiment", "mass", "coupling"] if which == "chi2" else [which]
    forge_old(cube / which, sentinel, shapes[which], dims)
    errors = ask_everything(stored.location)
    assert len(errors) == 6
    assert all("another format of Zarr" in str(error) for error in errors)
    assert not sentinel.exists()


def test_a_cube_of_the_old_format_is_not_read(stored, cube, sentinel) -> None:
    (cube / "zarr.json").unlink()
    (cube / ".zgroup").write_text('{"zarr_format": 2}')
    shapes = {"experiment": [2], "mass": [6], "coupling": [5]}
    for name, shape in shapes.items():
        forge_old(cube / name, sentinel, shape, [name])
    for name in ("chi2", "status"):
        forge_old(cube / name, sentinel, [2, 6, 5], list(shapes))
    assert len(ask_everything(stored.location)) == 6
    assert not sentinel.exists()


FORGED: dict[str, dict[str, Any]] = {
    "codec 'numcodecs.pickle'": {"codecs": [{"name": "numcodecs.pickle"}]},
    "codec 'numcodecs.zlib'": {"codecs": [{"name": "bytes"}, {"name": "numcodecs.zlib"}]},
    "codec 'os.system'": {"codecs": [{"name": "os.system"}]},
    "codec 7": {"codecs": [7]},
    "codecs None": {"codecs": None},
    "data type 'variable_length_bytes'": {"data_type": "variable_length_bytes"},
    "data type {'name': 'structured'}": {"data_type": {"name": "structured"}},
    "data type 'complex128'": {"data_type": "complex128"},
    "storage transformers": {"storage_transformers": [{"name": "sharding"}]},
    "'extra' in zarr.json": {"extra": {"must_understand": True}},
    "another format of Zarr": {"zarr_format": 2},
    "'group' in place of array": {"node_type": "group"},
    "chunks ": {
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 10**12, 5]}}
    },
}


@pytest.mark.parametrize("said", FORGED)
def test_metadata_that_nothing_here_writes_are_refused(stored, cube, said: str) -> None:
    forge(cube / "chi2", **FORGED[said])
    errors = ask_everything(stored.location)
    assert len(errors) == 6
    for error in errors:
        assert isinstance(error, MismatchError)
        assert f"chi2: metadata cannot be read ({said}" in str(error)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{}", "[]", "7", '"x"', "", '{"zarr_format": ' + "1" * 5000 + "}"]
)
@pytest.mark.parametrize("where", ["cube.zarr", "cube.zarr/status"])
def test_metadata_of_any_text_are_one_error(stored, where: str, text: str) -> None:
    (Path(stored.location) / where / "zarr.json").write_text(text)
    errors = ask_everything(stored.location)
    assert len(errors) == 6
    assert all(len(str(error).splitlines()) == 1 for error in errors)


def test_consolidated_metadata_do_not_go_round_the_check(stored, cube) -> None:
    """Zarr would take the arrays' metadata from there."""
    arrays = {name: json.loads((cube / name / "zarr.json").read_text()) for name in ("chi2",)}
    arrays["chi2"]["codecs"] = [{"name": "numcodecs.zlib"}]
    held = {"kind": "inline", "must_understand": False, "metadata": arrays}
    forge(cube, consolidated_metadata=held)
    with pytest.raises(MismatchError, match=r"'consolidated_metadata' in zarr\.json"):
        StoredScan.open(stored.location).cube.check()


def test_what_is_written_here_is_read(stored, cube) -> None:
    for name in ("experiment", "mass", "coupling", "chi2", "status"):
        assert (cube / name / "zarr.json").exists()
    check_metadata(DiskFolder(cube), (2, 6, 5))
    assert ask_everything(stored.location) == []


@pytest.mark.parametrize("name", ["definition.json", "summary.json", "ledger/000000000.json"])
@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        "1" * 5000,
        '{"chunk": 1e999, "sha256": NaN}',
        "null",
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        '{"__reduce__": ["os.mkdir", ["x"]]}',
    ],
)
def test_forged_json_is_one_error_or_ignored(stored, name: str, text: str) -> None:
    path = Path(stored.location) / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    for error in ask_everything(stored.location):
        assert len(str(error).splitlines()) == 1


@pytest.mark.parametrize("text", ["\x1b]0;x\x07", "a\x9b2J", "\x7f", "a\rb\x00"])
def test_texts_do_not_command_a_terminal(archive, definition, grid, text: str) -> None:
    """They are printed by `scanner list scans`; lines and tabulators are no commands."""
    harmless = dataclasses.replace(definition, description="two\n\tlines, $\\chi^2$, ν")
    stored = archive.create(harmless, grid)
    assert StoredScan.open(stored.location).definition == harmless
    path = Path(stored.location) / "definition.json"
    record = {**json.loads(path.read_text()), "title": text}
    path.write_text(json.dumps(record, ensure_ascii=False))
    with pytest.raises(MismatchError, match="control character"):
        StoredScan.open(stored.location)
    assert archive.list() == []


def test_batches_of_a_refinement_are_not_unpickled(tmp_path, sentinel) -> None:
    """Not even where their sha256 is right."""
    refined = StoredRefinement(DiskFolder(tmp_path / "key"))
    refined.create({"question": {}})
    index = np.array([[0, 3]])
    refined.write(0, (index, np.ones((1, 1)), np.ones((1, 1), np.uint8)), 0.1)
    held = io.BytesIO()
    np.savez(held, index=index, chi2=np.array([Payload(sentinel)], dtype=object), status=index)
    path = tmp_path / "key" / "batches" / "000000.npz"
    path.write_bytes(held.getvalue())
    marker = json.loads(path.with_suffix(".json").read_text())
    marker["sha256"] = hashlib.sha256(held.getvalue()).hexdigest()
    path.with_suffix(".json").write_text(json.dumps(marker))
    assert refined.batch(0, index) is None
    assert not sentinel.exists()
    with np.load(path, allow_pickle=True) as loaded:  # it is live
        assert "chi2" in loaded
        loaded["chi2"]
    assert sentinel.exists()


def test_links_out_of_a_store_are_not_followed_by_what_removes(archive, stored, tmp_path) -> None:
    outside = tmp_path / "outside"
    (outside / "c").mkdir(parents=True)
    (outside / "kept.partial").write_text("x")
    place = Path(stored.location)
    for name in ("link", "old.partial"):
        (place / name).symlink_to(outside)
    (place / "ledger").mkdir(exist_ok=True)
    shutil.rmtree(place / "ledger")
    (place / "ledger").symlink_to(outside)
    stored.folder.sweep(-1.0)
    assert (outside / "kept.partial").read_text() == "x"
    remove(candidate(archive, stored.id))
    assert not place.exists()
    assert (outside / "kept.partial").read_text() == "x"


def test_a_marker_for_a_chunk_outside_the_grid_is_ignored(stored) -> None:
    ledger = Path(stored.location) / "ledger"
    ledger.mkdir(exist_ok=True)
    for name in ("999999999.json", "-00000001.json", "..json", "000000001.json\n.json"):
        (ledger / name).write_text("{}")
    assert StoredScan.open(stored.location).done() == set()


PLUGIN = """
from pathlib import Path
from scanner.scenario import Scenario
Path(__file__).with_suffix(".ran").touch()
"""


@pytest.fixture
def plugin(archive, definition, grid, tmp_path, monkeypatch) -> Iterator[StoredScan]:
    """A scan of a scenario whose module lies where the reader is, and has not been imported."""
    (tmp_path / "toy_hostile.py").write_text(PLUGIN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    named = dataclasses.replace(definition, scenario="nsi+toy_hostile:SCENARIO")
    yield StoredScan.open(archive.create(named, grid).location)
    sys.modules.pop("toy_hostile", None)
    sources.ask_for(named.scenario)


def test_a_plugin_that_only_a_store_names_is_not_imported(plugin, tmp_path, monkeypatch) -> None:
    ran = tmp_path / "toy_hostile.ran"
    assert ask_everything(plugin.location) == []
    said = r"'toy_hostile:SCENARIO' is code that only the store names: .*SCANNER_PLUGINS=toy_host"
    with pytest.raises(MismatchError, match=said):
        plugin.definition.check_sources()
    with pytest.raises(CatalogError, match=said):
        catalog.scenario(plugin.definition.scenario)
    monkeypatch.setenv("SCANNER_PLUGINS", "other:SCENARIO,toy_hostile")
    with pytest.raises(CatalogError, match=said):
        catalog.scenario(plugin.definition.scenario)
    assert not ran.exists()
    assert "toy_hostile" not in sys.modules
    monkeypatch.setenv("SCANNER_PLUGINS", "other:SCENARIO,toy_hostile:SCENARIO")
    with pytest.raises(CatalogError, match="SCENARIO of module 'toy_hostile' does not exist"):
        catalog.scenario(plugin.definition.scenario)
    assert ran.exists()


def test_a_plugin_that_the_readers_own_definition_names_is_imported(plugin, tmp_path) -> None:
    with pytest.raises(DefinitionError, match="does not exist"):
        from_mapping({"scenario": "toy_hostile:SCENARIO", "experiments": ["apv_cesium"]}, "mine")
    assert (tmp_path / "toy_hostile.ran").exists()


def test_a_worker_imports_what_its_driver_asked_for(plugin, tmp_path) -> None:
    """The digest, which the driver sends, holds the scenario's name."""
    with pytest.raises(MismatchError, match="not 000"):
        open_checked(plugin.location, "0" * 64, DEFAULT_EVALUATOR)
    assert not (tmp_path / "toy_hostile.ran").exists()
    with pytest.raises(MismatchError, match="unknown experiment 'first'"):
        open_checked(plugin.location, plugin.digest, DEFAULT_EVALUATOR)
    assert (tmp_path / "toy_hostile.ran").exists()
