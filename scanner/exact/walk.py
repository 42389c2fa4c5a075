"""Where a search walks: parameters in steps of about their own size, logarithms where they fit.

Couplings of 1e-11 and masses of 1e4 cannot be searched in one unit. A coupling is measured by the
value at which it alone would double the Standard Model counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from scanner.errors import DefinitionError
from scanner.exact.free import FreeParameter
from scanner.exact.likelihood import Likelihood

Array = npt.NDArray[np.float64]

REACH = 3.0
"""Sizes around the default that starting points of a coupling are drawn from."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Threads of BLAS cost more than they gain on matrices of ten by ten."""
    with threadpool_limits(1):
        yield


@dataclass(frozen=True)
class Scale:
    """One parameter and its unit of search."""

    parameter: FreeParameter
    size: float

    def to(self, value: npt.ArrayLike) -> Array:
        """Place of a value."""
        values = np.asarray(value, dtype=np.float64)
        return np.log10(values) if self.parameter.logarithmic else values / self.size

    def back(self, place: npt.ArrayLike) -> Array:
        """Value at a place, never outside the range."""
        places = np.asarray(place, dtype=np.float64)
        values = np.power(10.0, places) if self.parameter.logarithmic else places * self.size
        return np.clip(values, self.parameter.low, self.parameter.high)

    def stretch(self, value: float) -> float:
        """d value / d place."""
        return value * float(np.log(10.0)) if self.parameter.logarithmic else self.size

    @property
    def ends(self) -> tuple[float, float]:
        """Places of the ends of the range."""
        return float(self.to(self.parameter.low)), float(self.to(self.parameter.high))

    def centre(self) -> float:
        """The default, else the middle of the range, else DefinitionError."""
        parameter = self.parameter
        if parameter.default is not None:
            return parameter.default
        if not parameter.bounded:
            raise DefinitionError(
                f"{parameter.name} has no default and no finite range: give a start, or a range "
                f"with free={{{parameter.name!r}: (low, high)}}"
            )
        return float(self.back(0.5 * sum(self.ends)))

    def reach(self) -> tuple[float, float]:
        """Places between which a search looks: the range, a coupling not too far from its size."""
        low, high = self.ends
        if self.parameter.logarithmic:
            return low, high
        if self.parameter.role != "coupling" and self.parameter.bounded:
            return low, high
        middle = float(self.to(self.centre()))
        return max(low, middle - REACH), min(high, middle + REACH)


def scales(like: Likelihood) -> dict[str, Scale]:
    """Unit of search of every parameter."""
    sizes = like.sizes()
    return {p.name: Scale(p, sizes.get(p.name) or _width(p)) for p in like.parameters}


def _width(parameter: FreeParameter) -> float:
    if parameter.bounded:
        return parameter.high - parameter.low
    return max(abs(parameter.default or 0.0), 1.0)


@dataclass(frozen=True)
class Walk:
    """chi2 over the parameters that are not fixed, in units of search.

    Parameters
    ----------
    like : Likelihood
        What is searched.
    fixed : mapping
        Parameters held at a value.
    """

    like: Likelihood
    fixed: Mapping[str, float]

    def __post_init__(self) -> None:
        for name, value in self.fixed.items():
            self.like.parameter(name).check(np.atleast_1d(np.asarray(value, dtype=np.float64)))

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters that are searched."""
        return tuple(name for name in self.like.names if name not in self.fixed)

    @property
    def scales(self) -> list[Scale]:
        """Their units."""
        every = self.like.scales
        return [every[name] for name in self.names]

    def values(self, place: Array) -> dict[str, float]:
        """Values of all parameters at a place (n,)."""
        pairs = zip(self.scales, place, strict=True)
        every = dict(self.fixed) | {s.parameter.name: float(s.back(u)) for s, u in pairs}
        return {name: float(every[name]) for name in self.like.names}

    def place(self, values: Mapping[str, float]) -> Array:
        """Place (n,) of values; the centre of what is not named."""
        wanted = [
            s.to(values[s.parameter.name] if s.parameter.name in values else s.centre())
            for s in self.scales
        ]
        ends = np.array([s.ends for s in self.scales]).reshape(-1, 2)
        return np.clip(np.array(wanted).reshape(-1), ends[:, 0], ends[:, 1])

    def value_and_slope(self, place: Array) -> tuple[float, Array]:
        """chi2 and its slope (n,) at a place."""
        values = self.values(place)
        chi2, slope = self.like.value_and_slope([values[name] for name in self.like.names])
        own = [self.like.names.index(name) for name in self.names]
        stretch = [s.stretch(values[s.parameter.name]) for s in self.scales]
        return chi2, slope[own] * np.array(stretch)

    def drawn(self, n: int, generator: np.random.Generator) -> Array:
        """Places (n, n_parameters) all over the reach of the search."""
        low, high = np.array([s.reach() for s in self.scales]).reshape(-1, 2).T
        return np.asarray(low + (high - low) * generator.random((n, len(low))), dtype=np.float64)

    def chi2(self, places: Array) -> Array:
        """chi2 (n,) of places (n, n_parameters); infinite where there is none."""
        columns = {s.parameter.name: s.back(u) for s, u in zip(self.scales, places.T, strict=True)}
        held = {name: np.full(len(places), value) for name, value in self.fixed.items()}
        return self.like.finite_or_infinite({**columns, **held})
