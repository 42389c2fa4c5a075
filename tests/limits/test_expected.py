"""Expected limits and CLs against the exact ones of a Gaussian mean, and in a real scan."""

import csv
import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from scanner.errors import DefinitionError
from scanner.execution.clusters import connect
from scanner.grid import Axis
from scanner.limits.cls import cls_limit
from scanner.limits.curves import Curves
from scanner.limits.expected import expected
from scanner.limits.export import write_record
from scanner.scan import Scan

sys.path.insert(0, str(Path(__file__).parent))
toy_models = importlib.import_module("toy_models")

FREE = Axis("mu", "linear", -8.0, 8.0, 65)
BOUNDED = Axis("mu", "linear", 0.0, 8.0, 41)
Z90 = norm.ppf(0.95)


def curves(x: float, axis: Axis) -> Curves:
    return Curves(toy_models.ToyBench(toy_models.bounded_gaussian(x), axis), "mu")


def test_bands_of_a_gaussian_mean():
    found = expected(curves(0.4, FREE), cl=0.9, n_toys=800)
    (row,) = found.rows
    assert row.asimov == ((pytest.approx(-Z90, abs=1e-4), pytest.approx(Z90, abs=1e-4)),)
    assert row.observed == ((pytest.approx(0.4 - Z90, abs=1e-4), pytest.approx(0.4 + Z90)),)
    for k, value in row.upper.items():
        error = np.sqrt(norm.cdf(k) * norm.sf(k) / 800) / norm.pdf(k)
        assert abs(value - (Z90 + k)) < 4.0 * error
        assert abs(row.lower[k] - (k - Z90)) < 4.0 * error


def test_a_one_sided_median_is_that_of_asimov():
    found = expected(curves(0.0, FREE), cl=0.9, sided="one", n_toys=400)
    (row,) = found.rows
    assert row.asimov[-1] == (None, pytest.approx(norm.ppf(0.9), abs=1e-4))
    assert row.upper[0] == pytest.approx(norm.ppf(0.9), abs=4.0 * 1.2533 / 20.0)
    assert row.lower[0] == -np.inf
    assert found.to_dict()["rows"][0]["lower"]["0"] is None


def exact_cls_limit(x: float) -> float:
    """P(x or less | mu)/P(x or less | 0) = 0.1, whatever the boundary."""
    return float(brentq(lambda mu: norm.cdf(x - mu) / norm.cdf(x) - 0.1, 0.0, 8.0))


@pytest.mark.parametrize("x", [-1.0, 0.0, 1.2])
@pytest.mark.parametrize("axis", [FREE, BOUNDED])
def test_asymptotic_cls_of_a_gaussian_is_exact(x: float, axis: Axis):
    found = cls_limit(curves(x, axis), cl=0.9)
    assert found.upper(found.observed) == pytest.approx(exact_cls_limit(x), abs=2e-3)
    for k, curve in found.expected.items():
        assert found.upper(curve) == pytest.approx(exact_cls_limit(float(k)), abs=2e-3)


def test_toys_find_the_same_limit():
    x, n = 0.0, 300
    found = cls_limit(curves(x, BOUNDED), cl=0.9, n_toys=n)
    assert found.toys is not None
    exact = norm.cdf(x - found.toys.values) / norm.cdf(x)
    assert np.all(np.abs(found.toys.observed - exact) < 4.0 * found.toys.error + 4.0 / n)
    pairs = [(found.toys.observed, x), *((found.toys.expected[k], float(k)) for k in (0, 1))]
    for curve, place in pairs:
        mu = exact_cls_limit(place)
        tail = norm.cdf(place - mu)  # its relative error over the slope of ln CLs
        error = np.sqrt((1.0 - tail) / tail / n) * tail / norm.pdf(place - mu)
        assert abs(found.toys.upper(curve) - mu) < 4.0 * error
    assert found.to_dict()["n_toys"] == n


def test_a_real_scan_held_profiled_and_along(tmp_path: Path):
    small = ["axes.eps_ee_u.n=25", "axes.eps_mumu_u.n=9", "experiments=['coherent_csi_2021']"]
    scan = Scan.of("nsi_ee_mumu_u", small, store=tmp_path)
    with connect(cpu_seconds=0.0) as connection:
        scan.run(connection.client)
    held = scan.expected("eps_ee_u", at={"eps_mumu_u": 0.0}, toys=5)
    same = scan.interval("eps_ee_u", at={"eps_mumu_u": 0.0}, reference="raster")
    ends = np.array(held.rows[0].observed, dtype=float)
    np.testing.assert_allclose(ends, np.array(same.intervals, dtype=float), atol=2e-3)
    along = scan.expected("eps_ee_u", along="eps_mumu_u", toys=5)
    assert len(along.rows) == 9
    record = json.loads(json.dumps(along.to_dict()))
    assert {"statistic", "cl", "dof", "sided", "digest", "seed", "n_toys"} <= set(record)
    write_record(record, along.table(), tmp_path / "band.csv")
    lines = (tmp_path / "band.csv").read_text().splitlines()
    assert f'# digest = "{record["digest"]}"' in lines
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert float(rows[2]["asimov"]) == along.rows[2].asimov[-1][1]
    limits = scan.cls("eps_ee_u", at={"eps_mumu_u": 0.0})
    upper = limits.to_dict()["asymptotic"]["expected"]
    assert upper["-1"] < upper["0"] < upper["1"]
    for wrong, said in (
        ({"cl": 90.0}, "90 %"),
        ({"dof": 0}, "dof = 0"),
        ({"toys": 0}, "toys = 0"),
        ({"along": "eps"}, "unknown axis"),
        ({"sided": "upper"}, "unknown kind"),
    ):
        with pytest.raises(DefinitionError, match=said):
            scan.expected("eps_ee_u", **wrong)
    with pytest.raises(DefinitionError, match="csv"):
        write_record(record, along.table(), tmp_path / "band.txt")
