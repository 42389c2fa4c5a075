"""Recoil limits, momentum transfer, propagator; MeV, arrays broadcast."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def maximum_recoil(e_nu: npt.ArrayLike, mass: float) -> Array:
    """Largest kinetic energy 2 E^2/(M + 2 E) that a neutrino of energy `e_nu` gives to mass M.

    >>> round(float(maximum_recoil(29.79, 123800.0)), 6)
    0.01433
    """
    energy = np.asarray(e_nu, dtype=np.float64)
    return 2.0 * energy**2 / (mass + 2.0 * energy)


def minimum_energy(recoil: npt.ArrayLike, mass: float) -> Array:
    """Smallest neutrino energy that can give `recoil`: (T + sqrt(T^2 + 2 M T))/2."""
    t = np.asarray(recoil, dtype=np.float64)
    return 0.5 * (t + np.sqrt(t**2 + 2.0 * mass * t))


def momentum_transfer_squared(recoil: npt.ArrayLike, mass: float) -> Array:
    """|q|^2 = 2 M T in MeV^2 (the square of the four-momentum transfer, positive)."""
    return 2.0 * mass * np.asarray(recoil, dtype=np.float64)


def propagator(q2: npt.ArrayLike, mediator_mass: npt.ArrayLike) -> Array:
    """1/(|q|^2 + M^2) in MeV^-2 for exchange of a particle of mass M (MeV)."""
    return np.asarray(1.0 / (np.asarray(q2, dtype=np.float64) + np.asarray(mediator_mass) ** 2))
