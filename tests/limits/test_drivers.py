"""Which experiment a combined line owes its place to."""

from __future__ import annotations

import numpy as np
import pytest

from scanner.contours import contours
from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits.drivers import _exact, _interpolated, drivers, stretches
from scanner.scan import Scan


def test_each_stretch_has_the_experiment_that_contributes_most_to_it():
    # a rises with x, b falls: they contribute alike at x = 5
    x, y = Axis("x", "linear", 0.0, 10.0, 40), Axis("y", "linear", 0.0, 4.0, 41)
    grid_x, grid_y = np.meshgrid(x.coordinates, y.coordinates, indexing="ij")
    a, b = grid_x * grid_y, (10.0 - grid_x) * grid_y
    (contour,) = contours(a + b, (x, y), (0.9,), 2)

    def linear(vertices):
        at_x, at_y = vertices.T
        return np.stack([at_x * at_y, (10.0 - at_x) * at_y])

    found = list(stretches(contour.lines, ["a", "b"], linear))
    assert sorted(one.experiment for one in found) == ["a", "b"]
    for one in found:
        at = one.vertices[:, 0]
        inside = at > 5.0 if one.experiment == "a" else at < 5.0
        # the last vertex is the first of the next stretch, if there is one
        own = slice(None, None if one is found[-1] else -1)
        assert inside[own].all()
        share = np.maximum(at, 10.0 - at)[own] / 10.0
        assert one.share == pytest.approx((share.min(), share.max()), abs=1e-6)
    total = sum(len(one.vertices) for one in found)
    assert total == sum(len(line.vertices) for line in contour.lines) + 1


def test_what_pulls_the_other_way_has_no_share():
    x, y = Axis("x", "log", 1.0, 100.0, 9), Axis("y", "linear", 0.0, 4.0, 41)
    _, grid_y = np.meshgrid(x.coordinates, y.coordinates, indexing="ij")
    a, b, c = 3.0 * grid_y, 1.0 * grid_y, -0.5 * grid_y
    (contour,) = contours(a + b + c, (x, y), (0.9,), 2)
    weights = np.array([[-0.5], [1.0], [3.0]])
    (one,) = stretches(contour.lines, ["c", "b", "a"], lambda v: weights * v[:, 1])
    assert one.experiment == "a"
    assert one.share == pytest.approx((0.75, 0.75))


def test_nobody_drives_where_nothing_excludes_or_one_has_no_fit():
    x, y = Axis("x", "linear", 0.0, 10.0, 9), Axis("y", "linear", 0.0, 4.0, 41)
    _, grid_y = np.meshgrid(x.coordinates, y.coordinates, indexing="ij")
    (contour,) = contours(10.0 * grid_y, (x, y), (0.9,), 2)

    def along(vertices):
        at = vertices[:, 0]
        a = np.where(at < 3.0, -1.0, np.where(at > 7.0, np.nan, 2.0))
        return np.stack([a, np.where(at < 3.0, -2.0, 1.0)])

    found = {one.experiment: one.vertices[:-1, 0] for one in stretches(contour.lines, "ab", along)}
    assert set(found) == {"", "a"}
    assert found["a"].min() >= 3.0
    assert found["a"].max() <= 7.0


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    root = tmp_path_factory.mktemp("drivers")
    changes = ["axes.mass.n=12", "axes.coupling.n=60"]
    made = Scan.of("light_vector_universal", changes, store=root, workers=1)
    made.run(workers=1)
    return Scan.open(made.id, store=root)


def test_shares_are_those_of_the_likelihood(scan):
    found = drivers(scan, reference="sm")
    assert {one.experiment for one in found.stretches} <= set(found.plane.experiments)
    sm = np.array([scan.chi2_sm[name] for name in found.plane.experiments])
    for one in found.stretches:
        middle = one.vertices[(len(one.vertices) - 1) // 2]
        at = dict(zip(("mass", "coupling"), middle[:, np.newaxis], strict=True))
        delta = np.maximum(scan.evaluator.chi2_at(at)[:, 0] - sm, 0.0)
        share = delta / delta.sum()
        place = found.plane.experiments.index(one.experiment)
        assert one.share[0] - 1e-9 <= share[place] <= one.share[1] + 1e-9


def test_without_the_likelihood_shares_come_from_the_cube(scan):
    found = drivers(scan, reference="sm")
    grid = _interpolated(scan, found.plane)
    exact = _exact(scan, found.plane)
    nodes = np.stack(
        np.meshgrid(*(axis.coordinates[::5] for axis in found.plane.axes), indexing="ij"), axis=-1
    ).reshape(-1, 2)
    np.testing.assert_allclose(grid(nodes), exact(nodes), rtol=1e-9, atol=1e-9)


def test_one_experiment_has_no_driver(scan):
    with pytest.raises(DefinitionError, match="needs two or more"):
        drivers(scan, experiments=["coherent_csi_2021"])
