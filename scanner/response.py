"""Quenching -> resolution -> efficiency as one matrix, and time windows as one vector."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, xlogy

from scanner.physics.fluxes.flux import gauss_legendre

Array = npt.NDArray[np.float64]
Curve = Callable[[Array], Array]


@dataclass(frozen=True)
class EnergyResponse:
    """Probability that a recoil is accepted in each bin of a reconstructed energy.

    R[i](T) = integral over bin i of efficiency(x) density(x | quenched(T)) dx. The efficiency acts
    after the smearing and inside the integral, so wide bins are right (trap 19).

    Parameters
    ----------
    edges : array (n_bins + 1,)
        Bin edges in units of x.
    knots : array
        Further points where the efficiency has a kink, and subdivisions: Gauss-Legendre
        quadrature of `order` runs between neighbouring edges and knots.
    quenched : callable
        Recoil (MeV) to electron-equivalent energy (keVee), or what `density` takes.
    density : callable
        ``density(x, energy)``: resolution function, normalised in x, broadcasting.
    efficiency : callable
        Acceptance at reconstructed x, between 0 and 1.
    """

    edges: Array
    knots: Array
    quenched: Curve
    density: Callable[[Array, Array], Array]
    efficiency: Curve
    order: int = 6

    def __call__(self, recoil: Array) -> Array:
        """Response matrix of shape (n_bins, n) for recoils (n,) in MeV; column sums <= 1."""
        x, weights = self._quadrature()
        energy = self.quenched(np.asarray(recoil, dtype=np.float64))
        accepted = weights[:, np.newaxis] * self.density(x[:, np.newaxis], energy)
        first = np.searchsorted(x, self.edges[:-1])
        return np.asarray(np.add.reduceat(accepted, first, axis=0))

    def _quadrature(self) -> tuple[Array, Array]:
        """Nodes in x (ascending) and weights that include the efficiency."""
        low, high = self.edges[0], self.edges[-1]
        inside = self.knots[(self.knots > low) & (self.knots < high)]
        points = np.unique(np.concatenate([self.edges, inside]))
        u, w = gauss_legendre(self.order)
        width = np.diff(points)[:, np.newaxis]
        x = (points[:-1, np.newaxis] + u * width).ravel()
        return x, (w * width).ravel() * self.efficiency(x)


@dataclass(frozen=True)
class CountingResponse:
    """Probability that a recoil is accepted in each bin of a number of photoelectrons.

    R[i](T) = sum over the whole numbers n in bin i of acceptance(n + 1/2) Poisson(n; mean(T)):
    number n fills the bin [n, n + 1) of a histogram of 1-PE bins, whose acceptance is that of its
    centre.

    Parameters
    ----------
    edges : array (n_bins + 1,)
        Bin edges, whole numbers; bin i holds the numbers edges[i] <= n < edges[i + 1].
    mean : callable
        Recoil (MeV) to the mean number of photoelectrons.
    acceptance : callable
        Between 0 and 1, at the centre of a 1-PE bin.
    """

    edges: Array
    mean: Curve
    acceptance: Curve

    def __call__(self, recoil: Array) -> Array:
        """Response matrix of shape (n_bins, n) for recoils (n,) in MeV; column sums <= 1."""
        number = np.arange(self.edges[0], self.edges[-1])
        mean = self.mean(np.asarray(recoil, dtype=np.float64))
        column = number[:, np.newaxis]
        probability = np.exp(xlogy(column, mean) - mean - gammaln(column + 1.0))
        accepted = self.acceptance(column + 0.5) * probability
        first = np.searchsorted(number, self.edges[:-1])
        return np.asarray(np.add.reduceat(accepted, first, axis=0))


def gamma_density(x: Array, energy: Array, *, yield_at_one: float, shape_slope: float) -> Array:
    """Gamma density of the COHERENT CsI photoelectron smearing.

    p(x) = (A (1+B))^(1+B)/Gamma(1+B) x^B exp(-A (1+B) x), A = 1/(light yield x E), B = slope x E,
    with E in keVee and x in PE. Source: COHERENT, arXiv:2110.07730, supplement.

    Parameters
    ----------
    yield_at_one : float
        Mean number of photoelectrons per keVee.
    shape_slope : float
        B per keVee.
    """
    shape = 1.0 + shape_slope * energy
    rate = shape / (yield_at_one * energy)
    return np.exp(shape * np.log(rate) - gammaln(shape) + (shape - 1.0) * np.log(x) - rate * x)


def gaussian_density(x: Array, energy: Array, *, sqrt_coefficient: float) -> Array:
    """Gaussian of width `sqrt_coefficient` x sqrt(energy): sigma/E = a/sqrt(E)."""
    sigma = sqrt_coefficient * np.sqrt(energy)
    return np.asarray(np.exp(-0.5 * ((x - energy) / sigma) ** 2) / (np.sqrt(2.0 * np.pi) * sigma))


TIME_STEP_US = 1e-3


def window_shares(
    cdf: Curve, edges: Array, efficiency: Curve | None = None, step: float = TIME_STEP_US
) -> Array:
    """Share of arrivals accepted in each time bin, shape (n_bins,).

    Parameters
    ----------
    cdf : callable
        P(arrival < t); t in us.
    edges : array (n_bins + 1,)
        Time bins in us.
    efficiency : callable, optional
        Acceptance at time t; taken at the middle of steps of `step` us.
    """
    if efficiency is None:
        return np.diff(cdf(edges))
    pieces = [np.linspace(a, b, round((b - a) / step) + 1) for a, b in itertools.pairwise(edges)]
    return np.array([np.sum(np.diff(cdf(t)) * efficiency(0.5 * (t[1:] + t[:-1]))) for t in pieces])
