"""Strips of every width and direction: none that is drawn wrong goes unsaid, no wide one is told.

A strip is drawn right if it is two lines within 0.3 cells of the true ones. The direction, the
place between the grid points and the shape across the strip vary; widths are in cells.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from scanner.contours import Contour, contours
from scanner.grid import Axis
from scanner.statistics.levels import delta_chi2

LEVEL = delta_chi2(0.9, 2)
N = 40
AXES = (Axis("a", "linear", 0.0, N - 1.0, N), Axis("b", "linear", 0.0, N - 1.0, N))
X, Y = np.meshgrid(*(axis.coordinates for axis in AXES), indexing="ij")
CENTRE = 0.5 * (N - 1)
SATURATION = 25.0 * LEVEL

Shape = Callable[[np.ndarray], np.ndarray]
SHAPES: dict[str, Shape] = {  # of the distance in half widths
    "parabola": lambda u: LEVEL * u**2,
    "quartic": lambda u: LEVEL * u**4,
    "saturating": lambda u: SATURATION * (1.0 - np.exp(np.log(1.0 - LEVEL / SATURATION) * u**2)),
}
LINES = tuple(itertools.product((0, 3, 20, 45, 63, 87, 90), (0.0, 0.25, 0.5, 0.71)))


def distance(angle: float, offset: float, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    turn = np.radians(angle)
    return (y - CENTRE) * np.cos(turn) - (x - CENTRE) * np.sin(turn) - offset


def drawn(shape: Shape, width: float, angle: float, offset: float) -> tuple[Contour, bool]:
    """The contour, and whether it is the two lines of the strip."""
    plane = shape(distance(angle, offset, X, Y) / (0.5 * width))
    (found,) = contours(plane, AXES, [0.9], dof=2)
    errors = [
        np.abs(np.abs(distance(angle, offset, *line.vertices.T)) - 0.5 * width).max()
        for line in found.lines
    ]
    return found, len(errors) == 2 and max(errors) < 0.3


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("width", [2.0, 2.5, 3.0, 5.0])
def test_no_false_alarm_and_no_error_from_two_cells_on(shape: str, width: float) -> None:
    for line in LINES:
        found, right = drawn(SHAPES[shape], width, *line)
        assert right, line
        assert not found.under_resolved, line


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("width", [0.5, 0.75, 1.0, 1.5, 1.75])
def test_what_is_drawn_wrong_is_told(shape: str, width: float) -> None:
    for line in LINES:
        found, right = drawn(SHAPES[shape], width, *line)
        assert right or found.under_resolved, line


@pytest.mark.parametrize("shape", ["parabola", "quartic"])
def test_the_thinnest_are_always_told(shape: str) -> None:
    """Of a saturating Delta chi2 0.3 cells wide one in seven leaves no trace on the grid."""
    for width, line in itertools.product((0.3, 0.5, 0.75), LINES):
        assert drawn(SHAPES[shape], width, *line)[0].under_resolved, (width, line)


@pytest.mark.parametrize("radius", [8.3, 14.1])
@pytest.mark.parametrize("width", [0.5, 1.0, 2.0, 3.0])
def test_curved_strips(radius: float, width: float) -> None:
    plane = SHAPES["parabola"]((np.hypot(X - CENTRE - 0.17, Y - CENTRE) - radius) / (0.5 * width))
    (found,) = contours(plane, AXES, [0.9], dof=2)
    assert found.under_resolved == (width < 2.0)
    if width >= 2.0:
        assert sorted(str(line.encloses) for line in found.lines) == ["allowed", "excluded"]
