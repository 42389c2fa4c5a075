"""Axes, chunks and their shapes: integers and coordinates."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.grid import (
    MAX_POINTS_PER_CHUNK,
    MIN_FAST_AXIS,
    SMALL_GRID,
    Axis,
    Grid,
    choose_chunk_shape,
)

LOG = Axis("mass", "log", 0.1, 1e4, 200, "MeV")
SHAPES = st.lists(st.integers(2, 300), min_size=1, max_size=6).map(tuple)


def grid_of(shape, chunk_shape):
    axes = tuple(Axis(f"x{i}", "linear", 0.0, 1.0, n) for i, n in enumerate(shape))
    return Grid(axes, chunk_shape)


@pytest.mark.parametrize("spacing", ["linear", "log"])
def test_ends_are_exact_and_steps_even_in_axis_scale(spacing):
    axis = Axis("x", spacing, 0.3, 7.1, 23)
    assert axis.coordinates[[0, -1]].tolist() == [0.3, 7.1]
    steps = np.diff(axis.to_scale(axis.coordinates))
    np.testing.assert_allclose(steps, steps[0], rtol=1e-10)
    np.testing.assert_allclose(axis.from_scale(axis.to_scale([0.5, 2.0])), [0.5, 2.0], rtol=1e-15)


def test_listed_values_are_the_coordinates():
    axis = Axis("x", "list", 1.0, 7.0, 3, "", (1.0, 2.5, 7.0))
    assert axis.coordinates.tolist() == [1.0, 2.5, 7.0]


def test_unknown_axis_and_chunk_are_refused():
    grid = Grid((LOG,), (50,))
    assert grid.axis("mass") is LOG
    with pytest.raises(KeyError):
        grid.axis("coupling")
    with pytest.raises(ValueError, match=r"0\.\.3"):
        grid.chunk(4)


@given(SHAPES.filter(lambda s: math.prod(s) <= 50_000), st.data())
def test_chunks_tile_the_grid_once(shape, data):
    chunk_shape = tuple(data.draw(st.integers(max(1, n // 4), n)) for n in shape)
    grid = grid_of(shape, chunk_shape)
    seen = np.zeros(shape, dtype=int)
    for number, chunk in enumerate(grid):
        assert chunk.number == number
        assert chunk.size == math.prod(chunk.shape) <= math.prod(chunk_shape)
        seen[chunk.slices] += 1
    assert number + 1 == grid.n_chunks
    assert np.all(seen == 1)


@given(SHAPES, st.integers(1, 2**21), st.integers(1, 64))
def test_chunk_shapes_keep_their_promises(shape, points, min_chunks):
    chosen = choose_chunk_shape(shape, points, min_chunks)
    assert all(1 <= c <= n for c, n in zip(chosen, shape, strict=True))
    assert chosen[-1] >= min(MIN_FAST_AXIS, shape[-1])
    size = math.prod(chosen)
    floor = min(MIN_FAST_AXIS, shape[-1])
    assert size <= max(min(points, MAX_POINTS_PER_CHUNK), floor)
    if math.prod(shape) > SMALL_GRID:
        fits = max(math.prod(shape) // min_chunks, floor)
        assert size <= fits
        if fits > floor:
            assert grid_of(shape, chosen).n_chunks >= min_chunks


@pytest.mark.parametrize(
    ("values", "logarithmic"),
    [((0.01, 0.1, 1.0), True), ((1.0, 2.0, 3.0), False), ((-1.0, 1.0, 100.0), False)],
)
def test_a_positive_list_over_a_decade_has_a_logarithmic_scale(values, logarithmic):
    axis = Axis("x", "list", values[0], values[-1], 3, "", values)
    assert axis.logarithmic is logarithmic
    np.testing.assert_allclose(axis.from_scale(axis.to_scale(values)), values, rtol=1e-14)
