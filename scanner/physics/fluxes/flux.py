"""Flux: neutrino fluence by component, and exact quadrature over the neutrino energy."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

MIN_PANELS = 4
TABULATED_NODES, OSCILLATING_NODES = 4, 16
"""Gauss-Legendre nodes between two energies of a table, without and with an oscillation."""
UNRESOLVED = 1.0 / 20.0
"""Share of the end point below which oscillations are not resolved."""
PHASE_PER_PANEL = 18.0
"""rad that 16 Gauss-Legendre nodes follow to 1e-12."""


class Component(Protocol):
    """One component of a flux: a name, a flavour, an end point and quadrature nodes."""

    @property
    def name(self) -> str:
        """Name, unique within the flux, such as ``nu_mu``."""

    @property
    def flavor(self) -> str:
        """``e``, ``mu`` or ``tau``; antineutrinos scatter alike in vector exchange."""

    @property
    def antineutrino(self) -> bool:
        """Whether it is an antineutrino: the axial coupling to electrons changes sign."""

    @property
    def e_max(self) -> float:
        """End point in MeV."""

    def nodes(self, e_min: Array, phase: float = 0.0) -> tuple[Array, Array]:
        """Energies (MeV) and weights (cm^-2) above each `e_min` (n,), both of shape (n_nodes, n).

        ``sum(weights * f(energies), axis=0)`` is the integral of f over the fluence above `e_min`.
        Where f oscillates like cos(phase/E), `phase` (MeV rad, a number) asks for enough nodes.
        """


@dataclass(frozen=True)
class Line:
    """A monochromatic component; counted once and exactly, on any grid (trap 20)."""

    name: str
    flavor: str
    energy: float
    fluence: float
    antineutrino: bool = False

    @property
    def e_max(self) -> float:
        """The line's energy in MeV."""
        return self.energy

    def nodes(self, e_min: Array, phase: float = 0.0) -> tuple[Array, Array]:
        """One node: the line, with weight zero where it is below `e_min`."""
        del phase
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
    antineutrino: bool = False

    def nodes(self, e_min: Array, phase: float = 0.0) -> tuple[Array, Array]:
        """Gauss-Legendre nodes between each `e_min` and the end point; for a phase in panels."""
        lower = np.minimum(np.asarray(e_min, dtype=np.float64), self.e_max)
        if phase == 0.0:
            return self._between(lower, np.full_like(lower, self.e_max))
        edges = self._panels(lower, phase)
        parts = [self._between(a, b) for a, b in itertools.pairwise(edges)]
        energies, weights = zip(*parts, strict=True)
        return np.concatenate(energies), np.concatenate(weights)

    def _between(self, lower: Array, upper: Array) -> tuple[Array, Array]:
        x, w = gauss_legendre(self.n_nodes)
        width = upper - lower
        energies = lower + x[:, np.newaxis] * width
        return energies, self.fluence * w[:, np.newaxis] * width * self.density(energies)

    def _panels(self, lower: Array, phase: float) -> list[Array]:
        """Edges in even ratios of energy, as many panels as the fastest one needs.

        Below `UNRESOLVED` lies 1e-4 of a spectrum that starts like E^2.
        """
        ratio = np.log(self.e_max / lower)
        fastest = np.max(phase * ratio / np.maximum(lower, UNRESOLVED * self.e_max))
        n = max(MIN_PANELS, math.ceil(fastest / PHASE_PER_PANEL))
        return [lower * np.exp(ratio * i / n) for i in range(n + 1)]


@dataclass(frozen=True)
class Tabulated:
    """A continuous component known at some energies and linear between them.

    Parameters
    ----------
    energies : array (n_energies,)
        MeV, increasing.
    density : array (n_energies,)
        Fluence per energy in cm^-2 MeV^-1; none below the first energy and above the last.

    Raises
    ------
    ValueError
        Energies that do not increase, or a density that is negative or of another length.

    Examples
    --------
    >>> flux = Tabulated("nu_e", "e", np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, 0.0]))
    >>> energies, weights = flux.nodes(np.array([0.0, 1.0]))
    >>> weights.sum(axis=0).round(12).tolist()
    [3.0, 2.0]
    """

    name: str
    flavor: str
    energies: Array
    density: Array
    antineutrino: bool = False

    def __post_init__(self) -> None:
        if len(self.energies) < 2 or not np.all(np.diff(self.energies) > 0.0):
            raise ValueError(f"energies of {self.name}: give two or more, increasing")
        if np.shape(self.density) != np.shape(self.energies) or not np.all(self.density >= 0.0):
            raise ValueError(f"density of {self.name}: give one number above or at 0 per energy")

    @property
    def e_max(self) -> float:
        """End point in MeV."""
        return float(self.energies[-1])

    def nodes(self, e_min: Array, phase: float = 0.0) -> tuple[Array, Array]:
        """Gauss-Legendre nodes in each stretch of the table above each `e_min`."""
        order = TABULATED_NODES if phase == 0.0 else OSCILLATING_NODES
        edges = self.energies if phase == 0.0 else self._refined(phase)
        u, w = gauss_legendre(order)
        lower = np.clip(np.asarray(e_min, dtype=np.float64), edges[:-1, np.newaxis], None)
        width = np.maximum(edges[1:, np.newaxis] - lower, 0.0)
        # (n_stretches, order, n); a stretch below e_min has no width
        energies = np.minimum(lower, edges[1:, np.newaxis])[:, np.newaxis] + (
            u[:, np.newaxis] * width[:, np.newaxis]
        )
        energies = energies.reshape(-1, lower.shape[-1])
        weights = (w[:, np.newaxis] * width[:, np.newaxis]).reshape(energies.shape)
        return energies, weights * np.interp(energies, self.energies, self.density)

    def _refined(self, phase: float) -> Array:
        """Energies of the table and between them, close enough for an oscillation."""
        low, high = self.energies[:-1], self.energies[1:]
        slow = np.maximum(low, UNRESOLVED * self.e_max)
        pieces = np.ceil(phase * (high - low) / (slow * high) / PHASE_PER_PANEL)
        parts = [
            np.linspace(a, b, max(int(n), 1), endpoint=False)
            for a, b, n in zip(low, high, pieces, strict=True)
        ]
        return np.append(np.concatenate(parts), self.energies[-1])


@dataclass(frozen=True)
class Flux:
    """All components of a source at the detector, integrated over the exposure."""

    components: tuple[Component, ...]


@cache
def gauss_legendre(n: int) -> tuple[Array, Array]:
    """Nodes and weights of Gauss-Legendre quadrature on (0, 1)."""
    x, w = np.polynomial.legendre.leggauss(n)
    return 0.5 * (x + 1.0), 0.5 * w
