"""Curves: chi2 along one parameter for whatever data, by itself or for each value of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from scanner import interpolation
from scanner.chi2 import Likelihood
from scanner.grid import Axis
from scanner.limits.bench import Bench
from scanner.limits.board import fast_of
from scanner.limits.surface import Surface

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """chi2 along a parameter, profiled over the other free axes; one row per value of `along`.

    Parameters
    ----------
    bench : Bench
        Likelihoods; axes that its question holds are held.
    parameter : str
        What chi2 runs along.
    along : str, optional
        Another axis: each of its values has a row and a minimum of its own.
    """

    bench: Bench
    parameter: str
    along: str | None = None

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """Free axes, as thin as the grid on which chi2 is evaluated."""
        board = self.bench.everywhere
        return tuple(_thinner(axis, board.values[axis.name]) for axis in board.axes)

    @property
    def axis(self) -> Axis:
        """The parameter."""
        return next(a for a in self.axes if a.name == self.parameter)

    @property
    def rows(self) -> Array:
        """Values of `along`; a single NaN without one."""
        return next((a.coordinates for a in self.axes if a.name == self.along), np.array([np.nan]))

    def of(self, data: Sequence[Likelihood]) -> tuple[Array, Array, Array]:
        """Delta chi2 (n_rows, n), and for each row its minimum and the value there, (n_rows,)."""
        chi2 = self.bench.everywhere.chi2(fast_of(self.bench.models, data))
        surface = Surface(self.axes, np.where(np.isfinite(chi2), chi2, np.nan), ())
        kept = [name for name in (self.along, self.parameter) if name is not None]
        found = np.atleast_2d(surface.profile(kept).chi2)
        place, lowest = interpolation.minimum_along(
            self.axis.to_scale(self.axis.coordinates), found
        )
        return found - lowest[:, np.newaxis], lowest, self.axis.from_scale(place)


def _thinner(axis: Axis, values: Array) -> Axis:
    if len(values) == len(axis):
        return axis
    return Axis(
        axis.name,
        "list",
        float(values[0]),
        float(values[-1]),
        len(values),
        axis.unit,
        tuple(values.tolist()),
    )
