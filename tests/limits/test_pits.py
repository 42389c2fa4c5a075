"""The lowest local minima of a cube that is read chunk by chunk, against those of the whole."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits import pits
from scanner.limits.minimum import _local_minima, find_minima, find_minima_large
from scanner.limits.pits import find_pits
from scanner.limits.usable import SUMMARY
from scanner.limits.workers import Workers

sys.path.insert(0, str(Path(__file__).parent))
store = importlib.import_module("store")

AXES = (
    Axis("x", "linear", -1.0, 1.0, 13),
    Axis("y", "linear", -1.0, 1.0, 10),
    Axis("z", "log", 1e-3, 1e3, 17),
)
SHAPE = tuple(len(axis) for axis in AXES)


@pytest.mark.parametrize("chunks", [(4, 3, 17), (5, 10, 6), (13, 10, 17), (1, 4, 5), (2, 2, 2)])
def test_pits_are_the_local_minima_of_the_whole(tmp_path: Path, chunks: tuple[int, ...]) -> None:
    random = np.random.default_rng(4)
    chi2 = random.normal(size=(2, *SHAPE))
    chi2[random.random(chi2.shape) < 0.1] = np.nan
    stored = store.write_scan(tmp_path, AXES, chunks, chi2)
    found = find_pits(stored, [(0,), (0, 1)], Workers())
    for rows, one in found.items():
        summed = chi2[list(rows)].sum(axis=0)
        expected = [tuple(int(i) for i in place) for place in _local_minima(summed)]
        assert [pit.place for pit in one.pits] == expected
        assert [pit.chi2 for pit in one.pits] == [summed[place] for place in expected]
        assert one.usable == np.isfinite(summed).sum()


def test_the_lowest_point_is_first_even_where_few_surroundings_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pits, "_REREAD", 0)
    mesh = np.meshgrid(*(axis.to_scale(axis.coordinates) for axis in AXES), indexing="ij")
    valley = ((mesh[0] - mesh[1]) ** 2 + 1e-3 * mesh[0] + mesh[2] ** 2)[None]
    stored = store.write_scan(tmp_path, AXES, (4, 3, 5), valley)
    found = find_pits(stored, [(0,)], Workers())[(0,)]
    assert found.pits[0].place == tuple(np.unravel_index(valley[0].argmin(), SHAPE))


def test_a_plateau_counts_once(tmp_path: Path) -> None:
    flat = np.full((1, *SHAPE), 3.0)
    flat[0, 7, 7, 7] = 2.0
    stored = store.write_scan(tmp_path, AXES, (4, 3, 5), flat)
    assert [pit.chi2 for pit in find_pits(stored, [(0,)], Workers())[(0,)].pits] == [2.0, 3.0]


def bent(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    return 5.0 + 30 * (x - 0.21) ** 2 + 20 * (y + x - 0.4) ** 2 + (np.log10(z) - x * y) ** 2


@pytest.mark.parametrize("experiments", [1, 2])
def test_minima_are_found_as_of_a_cube_in_memory(
    tmp_path: Path,
    experiments: int,
    make_cube: Callable[..., object],
    make_exact: Callable[..., Callable[[Mapping[str, np.ndarray]], np.ndarray]],
) -> None:
    likelihoods = {"a": bent, "b": lambda x, y, z: (x + 0.3) ** 2 + y**2 + np.log10(z) ** 2}
    likelihoods = dict(list(likelihoods.items())[:experiments])
    mesh = np.meshgrid(*(axis.coordinates for axis in AXES), indexing="ij")
    chi2 = np.stack([f(*mesh) for f in likelihoods.values()])
    chi2[0, 0, 0, 0] = np.nan
    stored = store.write_scan(tmp_path, AXES, (4, 3, 5), chi2)
    exact = make_exact(AXES, **likelihoods)

    def chi2_at(points: Mapping[str, np.ndarray], rows: list[int]) -> np.ndarray:
        return exact(points)[list(rows)]

    found, attributes = find_minima_large(stored, chi2_at, Workers())
    expected = find_minima(make_cube(AXES, **likelihoods), AXES, chi2_at)
    assert list(found) == list(expected)
    for name, minimum in expected.items():
        assert found[name].chi2 == pytest.approx(minimum.chi2, abs=1e-7)
        assert found[name].at == pytest.approx(minimum.at, abs=1e-3)
        assert found[name].source == "exact"
    n = np.prod(SHAPE)
    usable = {"0": (n - 1) / n} | ({"1": 1.0, "0+1": (n - 1) / n} if experiments == 2 else {})
    assert attributes == {SUMMARY: usable}


def test_an_empty_scan_is_refused(tmp_path: Path) -> None:
    stored = store.write_scan(tmp_path, AXES, (4, 3, 5), np.full((1, *SHAPE), np.nan))
    with pytest.raises(DefinitionError, match="no usable point of a"):
        find_minima_large(stored, lambda points, rows: points["x"][None], Workers())
