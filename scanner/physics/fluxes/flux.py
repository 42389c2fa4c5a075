"""Flux: neutrino fluence by component, and exact quadrature over the neutrino energy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class Component(Protocol):
    """One component of a flux: a name, a flavour, an end point and quadrature nodes."""

    @property
    def name(self) -> str:
        """Name, unique within the flux, such as ``nu_mu``."""

    @property
    def flavor(self) -> str:
        """``e``, ``mu`` or ``tau``; antineutrinos scatter alike in vector exchange."""

    @property
    def e_max(self) -> float:
        """End point in MeV."""

    def nodes(self, e_min: Array) -> tuple[Array, Array]:
        """Energies (MeV) and weights (cm^-2) above each `e_min` (n,), both of shape (n_nodes, n).

        ``sum(weights * f(energies), axis=0)`` is the integral of f over the fluence above `e_min`.
        """


@dataclass(frozen=True)
class Line:
    """A monochromatic component; counted once and exactly, on any grid (trap 20)."""

    name: str
    flavor: str
    energy: float
    fluence: float

    @property
    def e_max(self) -> float:
        """The line's energy in MeV."""
        return self.energy

    def nodes(self, e_min: Array) -> tuple[Array, Array]:
        """One node: the line, with weight zero where it is below `e_min`."""
        lower = np.asarray(e_min, dtype=np.float64)
        return np.full((1, lower.size), self.energy), np.where(
            lower <= self.energy, self.fluence, 0.0
        )[np.newaxis]


@dataclass(frozen=True)
class Spectrum:
    """A continuous component.

    Parameters
    ----------
    density : callable
        Normalised spectrum in MeV^-1 at an energy in MeV; smooth below `e_max`.
    e_max : float
        End point in MeV.
    fluence : float
        Integral over energy, cm^-2.
    n_nodes : int
        Gauss-Legendre nodes; exact for polynomials of degree below 2 n_nodes.
    """

    name: str
    flavor: str
    density: Callable[[Array], Array]
    e_max: float
    fluence: float
    n_nodes: int = 16

    def nodes(self, e_min: Array) -> tuple[Array, Array]:
        """Gauss-Legendre nodes between each `e_min` and the end point."""
        lower = np.minimum(np.asarray(e_min, dtype=np.float64), self.e_max)
        x, w = gauss_legendre(self.n_nodes)
        width = self.e_max - lower
        energies = lower + x[:, np.newaxis] * width
        return energies, self.fluence * w[:, np.newaxis] * width * self.density(energies)


@dataclass(frozen=True)
class Flux:
    """All components of a source at the detector, integrated over the exposure."""

    components: tuple[Component, ...]


@cache
def gauss_legendre(n: int) -> tuple[Array, Array]:
    """Nodes and weights of Gauss-Legendre quadrature on (0, 1)."""
    x, w = np.polynomial.legendre.leggauss(n)
    return 0.5 * (x + 1.0), 0.5 * w
