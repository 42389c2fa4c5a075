"""Counts between template nodes: an input that is not linear in the counts, as polynomial weights.

A profiled radius or quenching parameter takes another value at every point. Its templates are
folded at Chebyshev nodes once, and the counts between them are the interpolating polynomial. With
seven nodes the counts were good to 3e-7 over ten standard deviations of 0.3 fm of a neutron radius,
and to 1e-10 for quenching parameters; nine leave room for twice that range.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

NODES = 9


class Morph:
    """Chebyshev nodes of some inputs, all combinations of them, and the weights between.

    Parameters
    ----------
    ranges : mapping from input to (low, high)
        Where the input may lie.

    Examples
    --------
    >>> morph = Morph({"R_n": (4.0, 6.0)})
    >>> nodes = morph.nodes()["R_n"]
    >>> float((morph.weights({"R_n": np.array([5.3])}) @ nodes**3)[0].round(10))
    148.877
    """

    def __init__(self, ranges: Mapping[str, tuple[float, float]]) -> None:
        self.names = tuple(ranges)
        self._ranges = dict(ranges)

    @cached_property
    def _angles(self) -> Array:
        return np.pi * (np.arange(NODES) + 0.5) / NODES

    def _own(self, name: str) -> Array:
        low, high = self._ranges[name]
        return 0.5 * (low + high) - 0.5 * (high - low) * np.cos(self._angles)

    @property
    def n(self) -> int:
        """Number of combinations of nodes."""
        return int(NODES ** len(self.names))

    def nodes(self) -> dict[str, Array]:
        """Value of each input at every combination, each (n,)."""
        combined = list(itertools.product(*(self._own(name).tolist() for name in self.names)))
        columns = np.array(combined).reshape(self.n, len(self.names)).T
        return dict(zip(self.names, columns, strict=True))

    def weights(self, values: Mapping[str, Array]) -> Array:
        """Weight of every combination at values (k,) of the inputs, shape (k, n).

        Barycentric Lagrange interpolation (Berrut and Trefethen, SIAM Review 46, 501 (2004)).
        """
        total = np.ones((len(next(iter(values.values()))) if values else 1, 1))
        for name in self.names:
            nodes = self._own(name)
            signs = (-1.0) ** np.arange(NODES) * np.sin(self._angles)
            distance = np.asarray(values[name])[:, np.newaxis] - nodes
            exact = distance == 0.0
            ratio = signs / np.where(exact, 1.0, distance)
            on_node = exact.any(axis=1, keepdims=True)
            ratio = np.where(on_node, exact.astype(np.float64), ratio)
            weight = ratio / ratio.sum(axis=1, keepdims=True)
            total = (total[:, :, np.newaxis] * weight[:, np.newaxis, :]).reshape(len(weight), -1)
        return total
