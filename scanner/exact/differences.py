"""Slopes by central differences, for what is no polynomial: masses, radii, profiled inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from scanner.exact.free import FreeParameter

Array = npt.NDArray[np.float64]
Function = Callable[[dict[str, Array]], Array]

STEP = 1e-4
"""Relative to the value: rounding (1e-12 of chi2) and bend (1e-8) both stay far below 1e-6."""
LEAST = 1e-2
"""Smallest value, relative to one or to a finite range, that a step is taken relative to."""


def slopes_by_differences(
    function: Function, points: Mapping[str, Array], parameters: Sequence[FreeParameter]
) -> Array:
    """Derivatives (n, n_parameters) of a function of named values (n,).

    One-sided at an end of the range.
    """
    columns = []
    for parameter in parameters:
        here = points[parameter.name]
        h = STEP * np.maximum(np.abs(here), _least(parameter))
        low = np.maximum(here - h, parameter.low)
        high = np.minimum(here + h, parameter.high)
        below = function({**points, parameter.name: low})
        above = function({**points, parameter.name: high})
        columns.append((above - below) / (high - low))
    return np.stack(columns, axis=1)


def _least(parameter: FreeParameter) -> float:
    if parameter.logarithmic:
        return parameter.low
    return LEAST * (parameter.high - parameter.low if parameter.bounded else 1.0)
