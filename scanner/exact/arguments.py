"""What a likelihood is asked with: named values or vectors, checked and in one shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.errors import DefinitionError, unknown
from scanner.exact.free import FreeParameter

Array = npt.NDArray[np.float64]
Points = tuple[dict[str, Array], tuple[int, ...]]


def parameter_of(parameters: Sequence[FreeParameter], name: str) -> FreeParameter:
    """Parameter of that name; DefinitionError with the nearest names if there is none."""
    for parameter in parameters:
        if parameter.name == name:
            return parameter
    raise DefinitionError(unknown("parameter", name, [p.name for p in parameters]))


def points_of(parameters: Sequence[FreeParameter], values: Mapping[str, npt.ArrayLike]) -> Points:
    """Values of every parameter by name, each (n,), and the shape that was asked for.

    Raises
    ------
    DefinitionError
        An unknown name, a missing value without default, one outside its range, or shapes that do
        not broadcast.
    """
    for name in values:
        parameter_of(parameters, name)
    given = {p.name: _numbers(p, values.get(p.name, p.default)) for p in parameters}
    try:
        shape = np.broadcast_shapes(*(v.shape for v in given.values()))
    except ValueError:
        shapes = ", ".join(f"{n} {v.shape}" for n, v in given.items() if v.ndim)
        raise DefinitionError(f"values of shapes that do not broadcast: {shapes}") from None
    for parameter in parameters:
        parameter.check(given[parameter.name])
    return {n: np.broadcast_to(v, shape).ravel() for n, v in given.items()}, shape


def points_in(parameters: Sequence[FreeParameter], vector: npt.ArrayLike) -> Points:
    """The same of a vector (n_parameters,) or of vectors (n, n_parameters); no range is checked.

    Raises
    ------
    DefinitionError
        Another shape.
    """
    names = [p.name for p in parameters]
    try:
        array = np.asarray(vector, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(())
    if array.ndim not in (1, 2) or array.shape[-1] != len(names):
        raise DefinitionError(
            f"vector of shape {array.shape}: give ({len(names)},) or (n_points, {len(names)}), in "
            f"the order {', '.join(names)}"
        )
    return dict(zip(names, np.atleast_2d(array).T, strict=True)), array.shape[:-1]


def shaped(values: Array, shape: tuple[int, ...]) -> Any:
    """Values (n,) in the shape that was asked for; a float for a single point."""
    return values.reshape(shape) if shape else float(values[0])


def _numbers(parameter: FreeParameter, value: Any) -> Array:
    if value is None:
        unit = f" (in {parameter.unit})" if parameter.unit else ""
        raise DefinitionError(f"{parameter.name} has no default: give a value{unit}")
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise DefinitionError(f"{parameter.name} = {value!r}: give numbers") from None
