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


def upscattering_minimum_energy(
    recoil: npt.ArrayLike, mass: float, heavy_mass: npt.ArrayLike
) -> Array:
    """Smallest neutrino energy for nu + A -> N4 + A with recoil T and a final state of mass M4.

    E_min = (M T + M4^2/2)/(sqrt(T^2 + 2 M T) - T), from (k - q)^2 = M4^2 with the outgoing lepton
    along the beam; it is `minimum_energy` for M4 = 0. All in MeV.

    >>> heavy, light = upscattering_minimum_energy(0.01, 1e5, 0.0), minimum_energy(0.01, 1e5)
    >>> bool(np.isclose(heavy, light))
    True
    """
    t = np.asarray(recoil, dtype=np.float64)
    momentum = np.sqrt(t**2 + 2.0 * mass * t)
    return np.asarray((mass * t + 0.5 * np.asarray(heavy_mass) ** 2) / (momentum - t))


def upscattering_recoils(e_nu: float, mass: float, heavy_mass: float) -> tuple[float, float] | None:
    """Smallest and largest recoil in MeV of nu + A -> N4 + A; None below the threshold energy.

    Two-body kinematics in the centre of mass, boosted to the nucleus at rest: the threshold is
    M4 + M4^2/(2 M).
    """
    s = mass**2 + 2.0 * mass * e_nu
    root = np.sqrt(s)
    if root <= mass + heavy_mass:
        return None
    before = (s - mass**2) / (2.0 * root)
    heavy_energy = (s + heavy_mass**2 - mass**2) / (2.0 * root)
    after = np.sqrt(max(heavy_energy**2 - heavy_mass**2, 0.0))
    # 2 M T = 2 k (E' +- p') - M4^2; the product of both values is M4^4 M^2/s, without cancellation
    high = (2.0 * before * (heavy_energy + after) - heavy_mass**2) / (2.0 * mass)
    return float(heavy_mass**4 / (4.0 * s * high)), float(high)
