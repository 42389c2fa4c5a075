"""`diff`, `verify` and `rm` as typed, with their exit codes."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from scanner.grid import Grid
from scanner.scan import Scan
from scanner.store.archive import Archive
from scanner.store.stored import StoredScan

NAME = "light_vector_universal"


@pytest.fixture
def copy(store: Path, tmp_path: Path) -> StoredScan:
    """The small scan in a store of its own, to be damaged and removed."""
    shutil.copytree(store, tmp_path / "copy")
    return Scan.open(NAME, store=tmp_path / "copy").stored


def twin(stored: StoredScan) -> StoredScan:
    """A scan of other couplings with one other value."""
    options = {**stored.definition.options, "couplings": "tree"}
    chosen = dataclasses.replace(stored.definition, options=options)
    made = Archive(stored.path.parent).create(chosen, Grid(chosen.axes, stored.grid.chunk_shape))
    for chunk in stored.grid:
        chi2, status = stored.cube.read(chunk)
        if chunk.number == 0:
            chi2[1, 2, 3] += 0.5
        made.commit(chunk, chi2, status)
    return made


def test_diff_tells_what_and_where(command, copy: StoredScan) -> None:
    root, other = copy.path.parent, twin(copy)
    done = command("diff", copy.id, other.id[:8], "--store", root)
    assert done.code == 1
    assert done.err == ""
    assert "options.couplings  AC22" in done.out
    mass, coupling = (axis.coordinates for axis in copy.grid.axes)
    assert "values: 1 of 2880 compared points differ" in done.out
    place = f"in coherent_lar_2020 at mass = {mass[2]:.6g}, coupling = {coupling[3]:.6g}"
    assert place in done.out
    record = command("diff", copy.id, other.id, "--store", root, "--json")
    assert record.code == 1
    assert record.json["same"] is False
    assert record.json["cubes"]["largest"] == pytest.approx(0.5, abs=1e-12)
    assert record.json["cubes"]["at"] == {"mass": mass[2], "coupling": coupling[3]}
    assert [c["key"] for c in record.json["changes"] if c["section"] == "definition"] == [
        "options.couplings"
    ]


def test_diff_of_the_same_is_0_and_of_a_definition_tells_its_keys(
    command, copy: StoredScan
) -> None:
    root = copy.path.parent
    done = command("diff", copy.id, str(copy.path), "--store", root)
    assert done.code == 0
    assert "the same in all 2880 compared points" in done.out
    done = command("diff", copy.id, NAME, "--store", root, "--json")
    assert done.code == 1
    assert done.json["cubes"] is None
    assert {c["key"]: (c["one"], c["other"]) for c in done.json["changes"]} == {
        "axes.mass.n": ("16", "200"),
        "axes.coupling.n": ("90", "400"),
    }


def test_diff_of_an_unknown_scan_is_trouble_not_a_difference(command, copy: StoredScan) -> None:
    done = command("diff", copy.id, "0000ffff", "--store", copy.path.parent)
    assert done.code == 2
    assert "unknown scan '0000ffff'" in done.err


def test_verify_whole_damaged_incomplete(command, copy: StoredScan) -> None:
    root = copy.path.parent

    def verify():
        return command("verify", copy.id, "--store", root, "--json")

    n = copy.grid.n_chunks
    assert command("verify", copy.id, "--store", root).out.startswith(
        f"scan {copy.id}: {n} of {n} chunks are whole"
    )
    assert (verify().code, verify().json["whole"]) == (0, True)
    path = copy.path / "cube.zarr" / "chi2" / "c" / "0" / "0" / "0"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    assert verify().code == 4
    assert [entry["chunk"] for entry in verify().json["damaged"]] == [0]
    told = command("verify", copy.id, "--store", root)
    assert (told.code, told.err) == (4, "")
    assert f"mend it with `scanner resume {copy.words} --verify`" in told.out
    copy.discard([0])
    assert (verify().code, verify().json["missing"]) == (3, [0])


def test_rm_asks_and_removes_several(command, copy: StoredScan) -> None:
    root, other = copy.path.parent, twin(copy)
    done = command("rm", copy.id, "--store", root)
    assert done.code == 2
    assert "give --yes to remove" in done.err
    done = command("rm", copy.id, other.id, "--store", root, "--yes")
    assert done.code == 2  # the twin was written just now and has no minimum
    assert f"scan {other.id} was written to" in done.err
    assert copy.path.exists()  # looked at before the first one goes
    arguments = ("--store", root, "--yes", "--force", "--json")
    done = command("rm", copy.id, other.id, copy.id[:6], *arguments)
    assert done.code == 0
    assert [entry["scan"] for entry in done.json["removed"]] == [copy.id, other.id]
    assert list(root.iterdir()) == []


def test_rm_of_an_ambiguous_or_unknown_name_removes_nothing(command, copy: StoredScan) -> None:
    root, other = copy.path.parent, twin(copy)
    done = command("rm", NAME, "--store", root, "--yes")
    assert done.code == 2
    assert f"{copy.id} ({NAME} with options.couplings = AC22)" in done.err
    assert f"{other.id} ({NAME} with options.couplings = tree)" in done.err
    done = command("rm", copy.id, "nothing", "--store", root, "--yes")
    assert done.code == 2
    assert "unknown scan 'nothing'" in done.err
    assert copy.path.exists()


def test_rm_at_a_terminal(command, copy: StoredScan, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    root = copy.path.parent
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    done = command("rm", copy.id, "--store", root)
    assert done.code == 130
    assert copy.path.exists()
    assert f"{copy.id}  Universal light vector mediator" in done.err
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert command("rm", copy.id, "--store", root).code == 0
    assert not copy.path.exists()


def test_shipped_tables_are_checked_and_their_absence_is_said(command) -> None:
    told = dict(line.split(": ") for line in command("data", "verify").out.splitlines())
    assert told["nucleus_10g"] == told["conus_2021"] == "has no tables"
    assert told["coherent_csi_2021"] == "6 tables are as shipped"
    assert command("data", "verify", "--json").json["nucleus_10g"] == []
    done = command("data", "build", "nucleus_10g", "--release", ".")
    assert (done.code, "nothing to build" in done.err) == (2, True)
