"""Neutrinos from pion decay at rest: spectra, fluence and arrival times at a spallation source.

pi+ -> mu+ nu_mu (prompt line), mu+ -> e+ nu_e nubar_mu (delayed, Michel spectra).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import erfcx, ndtr

from scanner.physics.constants import (
    CHARGED_PION_MASS,
    MUON_LIFETIME_US,
    MUON_MASS,
    PION_LIFETIME_US,
)
from scanner.physics.fluxes.flux import Flux, Line, Spectrum

Array = npt.NDArray[np.float64]

PROMPT_ENERGY = (CHARGED_PION_MASS**2 - MUON_MASS**2) / (2.0 * CHARGED_PION_MASS)
"""Energy of the nu_mu line, 29.79 MeV."""

ENDPOINT = 0.5 * MUON_MASS
"""End point of the Michel spectra, 52.83 MeV."""


def electron_neutrino_density(e_nu: Array) -> Array:
    """Normalised nu_e spectrum 192 E^2/m^3 (1/2 - E/m) in MeV^-1, mean 31.7 MeV."""
    return 192.0 * e_nu**2 / MUON_MASS**3 * (0.5 - e_nu / MUON_MASS)


def muon_antineutrino_density(e_nu: Array) -> Array:
    """Normalised nubar_mu spectrum 64 E^2/m^3 (3/4 - E/m) in MeV^-1, mean 37.0 MeV."""
    return 64.0 * e_nu**2 / MUON_MASS**3 * (0.75 - e_nu / MUON_MASS)


def stopped_pion_flux(*, neutrinos_per_proton: float, protons: float, baseline_m: float) -> Flux:
    """Fluence r N_POT/(4 pi L^2) of each of the three components.

    Parameters
    ----------
    neutrinos_per_proton : float
        r, per flavour.
    protons : float
        Protons on target over the exposure.
    baseline_m : float
        Distance in m.
    """
    fluence = neutrinos_per_proton * protons / (4.0 * math.pi * (100.0 * baseline_m) ** 2)
    return Flux(
        (
            Line("nu_mu", "mu", PROMPT_ENERGY, fluence),
            Spectrum("nu_e", "e", electron_neutrino_density, ENDPOINT, fluence),
            Spectrum(
                "nubar_mu", "mu", muon_antineutrino_density, ENDPOINT, fluence, antineutrino=True
            ),
        )
    )


DELAYED = ("nu_e", "nubar_mu")
"""Components that wait for the muon's decay; the other one is prompt."""


def prompt_arrival_cdf(time_us: npt.ArrayLike, *, mean: float, sigma: float) -> Array:
    """P(arrival < t) of nu_mu: a Gaussian proton pulse and the pion lifetime; times in us."""
    return _gaussian_exponential_cdf(_standard(time_us), mean, sigma, PION_LIFETIME_US)


def delayed_arrival_cdf(time_us: npt.ArrayLike, *, mean: float, sigma: float) -> Array:
    """P(arrival < t) of nu_e and nubar_mu: the prompt arrival plus the muon lifetime, exactly.

    For two exponentials after one Gaussian the distribution is the difference of two
    exponentially modified Gaussians, weighted by tau/(tau_mu - tau_pi).
    """
    t = _standard(time_us)
    pion = _gaussian_exponential_cdf(t, mean, sigma, PION_LIFETIME_US)
    muon = _gaussian_exponential_cdf(t, mean, sigma, MUON_LIFETIME_US)
    return (MUON_LIFETIME_US * muon - PION_LIFETIME_US * pion) / (
        MUON_LIFETIME_US - PION_LIFETIME_US
    )


def _standard(time_us: npt.ArrayLike) -> Array:
    return np.asarray(time_us, dtype=np.float64)


def _gaussian_exponential_cdf(t: Array, mean: float, sigma: float, tau: float) -> Array:
    """Cumulative distribution of Normal(mean, sigma) + Exponential(tau), without overflow."""
    z = (t - mean) / sigma
    w = (sigma / tau - z) / math.sqrt(2.0)
    # exp(s^2/2 - s z) Phi(z - s) = exp(-z^2/2) erfcx(w)/2; for w << 0 erfcx overflows, Phi -> 1
    scaled = 0.5 * np.exp(-0.5 * z**2) * erfcx(np.maximum(w, -5.0))
    late = np.exp(np.minimum(0.5 * (sigma / tau) ** 2 - (t - mean) / tau, 0.0)) * ndtr(
        z - sigma / tau
    )
    return ndtr(z) - np.where(w > -5.0, scaled, late)
