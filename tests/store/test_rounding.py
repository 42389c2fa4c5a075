"""Rounded chi2 is off by no more than was asked for, and says so in the cube."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from scanner.definition import from_mapping
from scanner.scan import Scan
from scanner.store.rounding import rounded, rounding_step

VALUES = np.concatenate(
    [np.random.default_rng(0).normal(0.0, 10.0**k, 1000) for k in range(-9, 20, 2)]
    + [np.array([0.0, np.nan, np.inf, -np.inf, 1e300, -1e308, 5e-324])]
)


@pytest.mark.parametrize("error", [1e-3, 1e-6, 4.7e-10, 1e-15])
def test_never_further_than_asked(error):
    found = rounded(VALUES, error)
    finite = np.isfinite(VALUES)
    assert np.all(np.abs(found[finite] - VALUES[finite]) <= error)
    np.testing.assert_array_equal(found[~finite], VALUES[~finite])
    np.testing.assert_array_equal(rounded(found, error), found)
    step = rounding_step(error)
    small = finite & (np.abs(VALUES) < 1e3)
    np.testing.assert_array_equal(np.mod(found[small], step), 0.0)
    assert error < step <= 2.0 * error


def test_without_a_wish_nothing_is_touched():
    assert rounded(VALUES, None) is VALUES


@pytest.mark.cluster
def test_a_rounded_scan(tmp_path):
    """Another scan than the exact one: smaller, off by its bound, with the bound written in it."""
    axes = {
        "eps_ee_u": {"spacing": "linear", "start": -0.4, "stop": 0.8, "n": 60},
        "eps_ee_d": {"spacing": "linear", "start": -0.4, "stop": 0.8, "n": 64},
    }
    raw = {"scenario": "nsi", "experiments": ["coherent_lar_2020"], "axes": axes}
    exact = Scan.of(from_mapping(raw, "test"), store=tmp_path)
    coarse = Scan.of(
        from_mapping({**raw, "store": {"largest_error": 1e-6}}, "test"), store=tmp_path
    )
    assert exact.id != coarse.id
    for scan in (exact, coarse):
        scan.run(workers=1)
    difference = (coarse.dataset()["chi2"] - exact.dataset()["chi2"]).to_numpy()
    assert 1e-9 < np.max(np.abs(difference)) <= 1e-6
    cube = xr.open_zarr(coarse.stored.path / "cube.zarr", consolidated=False)
    assert cube["chi2"].attrs["largest_error"] == 1e-6
    assert cube["chi2"].dtype == np.float64
    sizes = [sum(chi2 for chi2, _ in scan.stored.cube.sizes().values()) for scan in (exact, coarse)]
    assert sizes[1] < 0.6 * sizes[0]
    again = from_mapping(coarse.definition.to_dict(), "test")
    assert again.digest == coarse.definition.digest
