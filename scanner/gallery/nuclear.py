"""Cross sections and recoil spectra of the Standard Model on nuclei, for figures."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from scanner.experiment import Experiment
from scanner.physics.cevns import unit_cross_section
from scanner.physics.charges import weak_couplings
from scanner.physics.fluxes.flux import Component, gauss_legendre
from scanner.physics.kinematics import maximum_recoil, minimum_energy
from scanner.physics.nuclei import Isotope, Nucleus, nucleus

Array = npt.NDArray[np.float64]

_NODES = 64
"""Gauss-Legendre nodes in the recoil: the form factors have no feature narrower than that."""


def weak_charge(target: Nucleus, q2: Array, flavor: str = "mu", *, point: bool = False) -> Array:
    """Q = g_p Z F_p + g_n N F_n in the scheme AC22; `point`: of a nucleus without extension."""
    weak = weak_couplings("AC22")
    protons, neutrons = weak.proton[flavor] * target.Z, weak.neutron * target.N
    if point:
        return np.full_like(q2, protons + neutrons)
    return protons * target.proton_form_factor(q2) + neutrons * target.neutron_form_factor(q2)


def cross_section(
    isotopes: Iterable[tuple[Isotope, float]], energies: Array, *, point: bool = False
) -> Array:
    """Cross section of nu_mu on a nucleus of that composition, in cm^2.

    Parameters
    ----------
    isotopes : iterable of (Isotope, float)
        With their shares, which add up to 1.
    energies : array (n,)
        MeV.
    point : bool
        Whether the form factors are 1.

    Returns
    -------
    array (n,)
    """
    x, w = gauss_legendre(_NODES)
    total = np.zeros_like(energies)
    for isotope, share in isotopes:
        target = nucleus(isotope)
        highest = maximum_recoil(energies, target.mass)
        recoil = x[:, np.newaxis] * highest
        charge = weak_charge(target, 2.0 * target.mass * recoil, point=point)
        density = charge**2 * unit_cross_section(energies, recoil, target.mass)
        total += share * highest * np.sum(w[:, np.newaxis] * density, axis=0)
    return total


def recoil_rate(
    isotopes: Iterable[tuple[Isotope, float]],
    component: Component,
    recoil: Array,
    *,
    point: bool = False,
) -> Array:
    """Recoils per nucleus and MeV of one component of a flux.

    Parameters
    ----------
    isotopes : iterable of (Isotope, float)
        With the nuclei of each that are counted: shares, or numbers per kilogram.
    component : Component
        Fluence in cm^-2.
    recoil : array (n,)
        MeV.
    point : bool
        Whether the form factors are 1.

    Returns
    -------
    array (n,)
    """
    total = np.zeros_like(recoil)
    for isotope, number in isotopes:
        target = nucleus(isotope)
        energies, weights = component.nodes(minimum_energy(recoil, target.mass))
        density = unit_cross_section(energies, recoil, target.mass)
        charge = weak_charge(target, 2.0 * target.mass * recoil, component.flavor, point=point)
        total += number * charge**2 * np.sum(weights * density, axis=0)
    return total


def momentum_transfer(experiment: Experiment, shares: tuple[float, ...]) -> tuple[float, ...]:
    """Quantiles of |q| in MeV over the Standard Model's signal that is accepted.

    Parameters
    ----------
    experiment : Experiment
        With a response; each isotope has its own recoils.
    shares : tuple of float
        Between 0 and 1.
    """
    recoil = np.geomspace(1e-5, _largest(experiment), 4000)
    moved, signal = [], []
    accepted = np.sum(experiment.response(recoil), axis=0)
    for isotope in experiment.target.composition:
        number = experiment.target.nuclei_per_kg(isotope)
        rate = sum(
            (recoil_rate([(isotope, number)], c, recoil) for c in experiment.flux.components),
            np.zeros_like(recoil),
        )
        moved.append(np.sqrt(2.0 * isotope.mass * recoil))
        signal.append(rate * accepted * np.gradient(recoil))
    q, weight = np.concatenate(moved), np.concatenate(signal)
    order = np.argsort(q)
    reached = np.cumsum(weight[order])
    return tuple(float(v) for v in np.interp(shares, reached / reached[-1], q[order]))


def _largest(experiment: Experiment) -> float:
    """Largest recoil of the lightest isotope, in MeV."""
    highest = max(component.e_max for component in experiment.flux.components)
    lightest = min(isotope.mass for isotope in experiment.target.composition)
    return float(maximum_recoil(np.array([highest]), lightest)[0])
