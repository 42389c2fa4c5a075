"""The weak mixing angle of the Standard Model over the scale, in the MS-bar scheme.

J. Erler and M. J. Ramsey-Musolf, Phys. Rev. D 72, 073003 (2005), hep-ph/0409169: equations of the
renormalization group, here to one loop and without QCD, each particle from its mass on. The three
light quarks share one effective mass, which takes alpha from its value at zero to that at the Z.
From `SIN2_THETA_W` at zero that gives 0.2310 at the mass of the Z, where the Particle Data Group
has 0.23122: what is left out is of that size, and far below what CEvNS can measure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scanner.physics.constants import (
    ELECTRON_MASS,
    FINE_STRUCTURE,
    MUON_MASS,
    SIN2_THETA_W,
    TAU_MASS,
)

Array = npt.NDArray[np.float64]

W_MASS = 80369.2
"""MeV (PDG)."""
Z_MASS = 91188.0
"""MeV (PDG)."""
ALPHA_AT_Z = 1.0 / 127.951
"""alpha at the mass of the Z, MS-bar (PDG 2022, +-0.009 in its inverse)."""


@dataclass(frozen=True)
class _Particle:
    """What it adds to 1/alpha and to sin^2/alpha per unit of ln(mu), above its mass in MeV."""

    mass: float
    to_charge: float
    to_mixing: float
    step: float = 0.0  # of both, where it comes in


def _fermion(mass: float, colours: int, charge: float, isospin: float) -> _Particle:
    share = colours * charge / (3.0 * math.pi)
    return _Particle(mass, -2.0 * share * charge, -share * isospin)


_LEPTONS = [_fermion(mass, 1, -1.0, -0.5) for mass in (ELECTRON_MASS, MUON_MASS, TAU_MASS)]
# masses in the MS-bar scheme at themselves (PDG)
_HEAVY = [_fermion(1273.0, 3, 2.0 / 3.0, 0.5), _fermion(4183.0, 3, -1.0 / 3.0, -0.5)]
# with its Goldstone boson; the coupling of hypercharge knows no W, so that cos^2/alpha is smooth
_W = _Particle(W_MASS, 7.0 / (2.0 * math.pi), 43.0 / (12.0 * math.pi), 1.0 / (6.0 * math.pi))


def sin2_theta_w(scale: npt.ArrayLike) -> Array:
    """Weak mixing angle of the Standard Model.

    Parameters
    ----------
    scale : array
        Momentum transfer in MeV, positive and not above the mass of the top quark.

    Returns
    -------
    array
        sin^2 theta_W, of the shape of `scale`.
    """
    particles = [*_LEPTONS, *_light_quarks(), *_HEAVY, _W]
    mu = np.asarray(scale, dtype=np.float64)
    charge, mixing = _inverse(particles, mu)
    return mixing / charge


def _inverse(particles: Sequence[_Particle], mu: Array) -> tuple[Array, Array]:
    """1/alpha and sin^2/alpha."""
    charge = np.full_like(mu, 1.0 / FINE_STRUCTURE)
    mixing = SIN2_THETA_W * charge
    for one in particles:
        there = mu > one.mass
        above = np.where(there, np.log(np.maximum(mu, one.mass) / one.mass), 0.0)
        charge = charge + one.to_charge * above + one.step * there
        mixing = mixing + one.to_mixing * above + one.step * there
    return charge, mixing


def _light_quarks() -> list[_Particle]:
    """u, d and s with the mass that gives alpha at the Z."""
    charge, _ = _inverse([*_LEPTONS, *_HEAVY, _W], np.array(Z_MASS))
    quarks = [(2.0 / 3.0, 0.5), (-1.0 / 3.0, -0.5), (-1.0 / 3.0, -0.5)]
    slope = sum(_fermion(1.0, 3, q, t).to_charge for q, t in quarks)
    mass = Z_MASS * math.exp(-(1.0 / ALPHA_AT_Z - float(charge)) / slope)
    return [_fermion(mass, 3, q, t) for q, t in quarks]
