"""Values of shape parameters at points: one by one, those that are alike, those that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]


def one_by_one(shapes: Mapping[str, Array]) -> Iterator[dict[str, Array]]:
    """Shape values one after the other, as numbers; once with none where nothing is scanned."""
    n = len(next(iter(shapes.values()))) if shapes else 1
    for i in range(n):
        yield {name: values[i] for name, values in shapes.items()}


def alike(
    shapes: Mapping[str, Array], names: Sequence[str]
) -> Iterator[tuple[Index, dict[str, float]]]:
    """Points that have the same values of the named shapes, and those values."""
    n = len(next(iter(shapes.values()))) if shapes else 0
    scanned = [name for name in names if name in shapes]
    if not scanned:
        yield np.arange(n), {}
        return
    columns = np.stack([shapes[name] for name in scanned], axis=1)
    values, index = np.unique(columns, axis=0, return_inverse=True)
    for i, row in enumerate(values.tolist()):
        yield np.flatnonzero(index.ravel() == i), dict(zip(scanned, row, strict=True))


def apart(
    shapes: Mapping[str, Array], timed: Sequence[str]
) -> tuple[dict[str, Array], Index | None]:
    """Values of the shapes that are not timed, each combination once, and which one a point has.

    As they are (None) where nothing is timed.
    """
    if not timed:
        return dict(shapes), None
    names = [name for name in shapes if name not in timed]
    if not names:
        return {}, np.zeros(len(shapes[timed[0]]), np.intp)
    columns = np.stack([shapes[name] for name in names], axis=1)
    values, index = np.unique(columns, axis=0, return_inverse=True)
    return dict(zip(names, values.T, strict=True)), index.ravel()
