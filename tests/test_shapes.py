"""Values of shape parameters: groups of points that are alike, and values that differ."""

from __future__ import annotations

import numpy as np

from scanner.shapes import alike, apart, one_by_one

MESH = {
    "a": np.array([1.0, 1.0, 2.0, 2.0, 1.0]),
    "b": np.array([5.0, 6.0, 5.0, 6.0, 5.0]),
}


def test_one_by_one():
    assert [one["a"] for one in one_by_one(MESH)] == [1.0, 1.0, 2.0, 2.0, 1.0]
    assert list(one_by_one({})) == [{}]


def test_points_that_are_alike():
    groups = [(where.tolist(), values) for where, values in alike(MESH, ["a"])]
    assert groups == [([0, 1, 4], {"a": 1.0}), ([2, 3], {"a": 2.0})]
    # nothing named is one group, and names that are not scanned do not count
    [(where, values)] = alike(MESH, ["c"])
    assert (where.tolist(), values) == ([0, 1, 2, 3, 4], {})
    [(where, values)] = alike({}, ["a"])
    assert (where.tolist(), values) == ([], {})


def test_values_that_differ_in_what_is_left():
    few, index = apart(MESH, ["b"])
    assert few["a"].tolist() == [1.0, 2.0]
    assert few["a"][index].tolist() == MESH["a"].tolist()
    # nothing leaves: as they are
    few, index = apart(MESH, [])
    assert index is None
    assert few["b"] is MESH["b"]
    # everything leaves: one point of no parameters
    few, index = apart(MESH, ["a", "b"])
    assert few == {}
    assert index.tolist() == [0] * 5
