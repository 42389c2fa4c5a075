"""Upper limits along an axis, and the band that several of them span."""

import numpy as np
import pytest

from scanner.grid import Axis
from scanner.limits.band import Band, Curve, _first_end

MASS = Axis("mass", "log", 1.0, 100.0, 3, "MeV")
G = Axis("g", "linear", 0.0, 4.0, 401)


def band(*limits: list[float]) -> Band:
    curves = tuple(
        Curve({"options.couplings": name}, name, np.array(limit))
        for name, limit in zip("abc", limits, strict=False)
    )
    return Band("g", "", MASS, 0.9, 2, "global", curves)


def test_the_limit_is_the_first_crossing_and_islands_above_do_not_count() -> None:
    delta = np.minimum(G.coordinates**2, (G.coordinates - 3.0) ** 2 * 4.0)
    assert _first_end(G, delta, 1.0) == pytest.approx(1.0, abs=1e-3)


def test_there_is_no_limit_where_nothing_or_the_lowest_value_is_excluded() -> None:
    assert np.isnan(_first_end(G, np.zeros(401), 1.0))
    assert np.isnan(_first_end(G, 4.0 - G.coordinates, 1.0))
    assert np.isnan(_first_end(G, np.full(401, 9.0), 1.0))


def test_edges_and_rows_say_which_convention_is_where() -> None:
    found = band([1.0, 2.0, 4.0], [0.9, 2.2, 4.0], [1.1, 1.8, 5.0])
    np.testing.assert_array_equal(found.edges, [[0.9, 1.8, 4.0], [1.1, 2.2, 5.0]])
    first = found.rows()[0]
    assert first["mass"] == 1.0
    assert first["spread"] == pytest.approx(0.2)
    assert first["lowest_by"] == {"options.couplings": "b"}
    assert first["highest_by"] == {"options.couplings": "c"}


def test_a_convention_without_limit_is_said_and_leaves_a_gap() -> None:
    found = band([1.0, 2.0, 4.0], [np.nan, 2.2, 4.0])
    assert np.isnan(found.edges[0][0])
    assert found.rows()[0]["without_limit"] == 1
    assert "up to 1 of the conventions" in found.remarks()[1]
    assert found.to_dict()["curves"][1]["limit"][0] is None
