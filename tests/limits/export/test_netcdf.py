"""A cube read back is the store's; attributes say what it is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from scanner.errors import DefinitionError
from scanner.limits import spaces
from scanner.limits.answers import Answers
from scanner.limits.export import read_cube
from scanner.limits.export.content import Question, content
from scanner.limits.export.writer import write, write_cube
from scanner.statistics.levels import delta_chi2


def test_a_cube_read_back_equals_the_store(scan: Answers, tmp_path: Path) -> None:
    found = read_cube(write_cube(scan, tmp_path / "cube.nc"))
    stored = scan.stored.dataset(load=True)
    for name in ("chi2", "status"):
        assert found[name].dtype == stored[name].dtype
        assert found[name].dims == stored[name].dims
        assert found[name].to_numpy().tobytes() == stored[name].to_numpy().tobytes()
    for axis in scan.definition.axes:
        assert found[axis.name].to_numpy().tobytes() == stored[axis.name].to_numpy().tobytes()
        assert found[axis.name].attrs["units"] == (axis.unit or "1")
    assert list(found["experiment"].to_numpy()) == list(stored["experiment"].to_numpy())
    assert found.attrs["digest"] == scan.stored.digest
    assert found.attrs["definition"] == stored.attrs["definition"]
    assert found.attrs["versions"] == stored.attrs["versions"]


def test_a_cube_is_plain_netcdf_for_others(scan: Answers, tmp_path: Path) -> None:
    path = write_cube(scan, tmp_path / "cube.nc")
    with xr.open_dataset(path) as opened:
        assert opened.attrs["scan"] == scan.id
        assert json.loads(opened.attrs["definition"])["digest"] == scan.stored.digest
        assert opened["status"].attrs["flag_meanings"].startswith("not_run ok")


def test_a_profile_carries_levels_and_reference(scan: Answers, tmp_path: Path) -> None:
    asked = Question(("coupling",), cls=(0.9, 0.9545), reference="global", each=True)
    path = write(content(scan, "profile", asked), "netcdf", tmp_path / "profile.nc")
    with xr.open_dataset(path) as opened:
        assert opened.attrs["digest"] == scan.stored.digest
        assert list(opened.attrs["cl"]) == [0.9, 0.9545]
        assert opened.attrs["dof"] == 1
        assert list(opened.attrs["delta_chi2_levels"]) == [delta_chi2(c, 1) for c in (0.9, 0.9545)]
        assert opened.attrs["reference"] == "global"
        assert list(opened["experiments"].values) == ["a+b", "a", "b"]
        expected = scan.delta_chi2(["coupling"], experiments=["b"]).chi2
        np.testing.assert_array_equal(opened["delta_chi2"].sel(experiments="b"), expected)
        surface = scan.profile(["coupling"])
        np.testing.assert_array_equal(opened["chi2"].sel(experiments="a+b"), surface.chi2)
        np.testing.assert_array_equal(opened["best_mass"][0], surface.profiled["mass"])


def test_a_large_cube_is_refused_with_a_way_out(
    scan: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spaces, "LARGE", 100)
    with pytest.raises(DefinitionError, match=r"copy .*cube\.zarr.*export a profile"):
        write_cube(replace(scan), tmp_path / "cube.nc")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ["contour", "interval"])
def test_lists_are_no_netcdf(scan: Answers, tmp_path: Path, what: str) -> None:
    made = content(scan, what, Question())
    with pytest.raises(DefinitionError, match=f"a {what} goes into hepdata, csv or json"):
        write(made, "netcdf", tmp_path / "a.nc")
