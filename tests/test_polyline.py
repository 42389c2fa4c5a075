"""Vertices of a polyline that are needed."""

import numpy as np

from scanner.polyline import distance, needed


def test_only_what_moves_the_line_is_kept():
    points = np.array([[0.0, 0.0], [1.0, 0.01], [2.0, 0.0], [3.0, 1.0], [4.0, 2.0]])
    assert needed(points, 0.02).tolist() == [True, False, True, False, True]
    assert needed(points, 0.005).tolist() == [True, True, True, False, True]


def test_distance_from_a_segment_ends_with_it():
    start, stop = np.array([0.0, 0.0]), np.array([1.0, 0.0])
    assert distance(np.array([[0.5, 2.0], [4.0, 4.0]]), start, stop).tolist() == [2.0, 5.0]
    assert distance(np.array([[3.0, 4.0]]), start, start).tolist() == [5.0]
