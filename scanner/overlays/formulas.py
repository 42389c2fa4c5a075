"""Bands that follow from a formula and a measured number."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from scanner.overlays.overlay import Region
from scanner.overlays.regions import closed
from scanner.physics.constants import MUON_MASS

Array = npt.NDArray[np.float64]

_STEPS = 4001  # of the loop integral
_MASSES = np.geomspace(1e-3, 1e6, 181)  # MeV


def vector_anomalous_moment(mass: Array, lepton_mass: float = MUON_MASS) -> Array:
    """Anomalous moment of a lepton from a vector boson, over the square of its coupling.

    One loop, with m the lepton's and M the boson's mass:
    a = g^2/(8 pi^2) int_0^1 dz 2 m^2 z (1 - z)^2 / (m^2 (1 - z)^2 + M^2 z); 1/(8 pi^2) at M = 0.

    Parameters
    ----------
    mass : array
        Of the boson, in MeV.

    Examples
    --------
    >>> from math import pi
    >>> round(float(8 * pi**2 * vector_anomalous_moment(np.array([1e-6]))[0]), 4)
    1.0
    """
    # z = 1 - t^4 crowds the points where (1 - z) is small: heavy and light bosons alike
    t = (np.arange(_STEPS) + 0.5) / _STEPS
    y = t**4  # 1 - z
    weight = 4.0 * t**3 / _STEPS
    ratio = (np.asarray(mass, dtype=np.float64)[..., None] / lepton_mass) ** 2
    integrand = 2.0 * (1.0 - y) * y**2 / (y**2 + ratio * (1.0 - y))
    return np.asarray((integrand * weight).sum(axis=-1)) / (8.0 * math.pi**2)


def anomalous_moment_band(difference: float, sigma: float, n_sigma: float) -> tuple[Region, ...]:
    """Couplings that shift the moment by the measured difference, within `n_sigma`.

    Raises
    ------
    ValueError
        The band reaches down to no shift: no coupling is preferred.
    """
    low, high = difference - n_sigma * sigma, difference + n_sigma * sigma
    if not 0.0 < low < high:
        raise ValueError(
            f"difference = {difference:g} +- {n_sigma:g} x {sigma:g} does not exclude 0: "
            "no band is preferred"
        )
    per_square = vector_anomalous_moment(_MASSES)
    edges = [np.stack([_MASSES, np.sqrt(a / per_square)], axis=1) for a in (low, high)]
    return (Region(closed(np.concatenate([edges[0], edges[1][::-1]]))),)
