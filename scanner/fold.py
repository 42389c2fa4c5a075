"""Fold: one isotope in the beam of one flux component, from recoil spectra to counts in bins."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from scanner.experiment import Experiment
from scanner.physics.cevns import unit_cross_section
from scanner.physics.fluxes.flux import Component, gauss_legendre
from scanner.physics.kinematics import maximum_recoil, minimum_energy, momentum_transfer_squared
from scanner.physics.nuclei import Nucleus

Array = npt.NDArray[np.float64]

RECOIL_PANELS = 24
RECOIL_ORDER = 12
"""Gauss-Legendre panels in sqrt(T) between 0 and the largest recoil, and nodes in each."""


class Fold:
    """One isotope in the beam of one flux component: quadrature in recoil and neutrino energy.

    Attributes
    ----------
    recoil : array (n,)
        Nodes in MeV, from 0 to the largest recoil of the component's end point.
    """

    def __init__(self, experiment: Experiment, target: Nucleus, component: Component) -> None:
        self.nucleus = target
        self.component = component
        self.share = np.asarray(experiment.timing[component.name], dtype=np.float64)
        t_max = float(maximum_recoil(component.e_max, target.mass))
        self.recoil, dt = _recoil_nodes(t_max)
        nuclei = experiment.mass_kg * experiment.target.nuclei_per_kg(target.isotope)
        self._accepted = experiment.response(self.recoil) * (nuclei * dt)

    @cached_property
    def energies(self) -> tuple[Array, Array]:
        """Neutrino energies (MeV) and weights (cm^-2), both (n_energies, n_recoils)."""
        return self.component.nodes(minimum_energy(self.recoil, self.nucleus.mass))

    @cached_property
    def q2(self) -> Array:
        """|q|^2 in MeV^2 at the recoil nodes."""
        return momentum_transfer_squared(self.recoil, self.nucleus.mass)

    @cached_property
    def weak_strength(self) -> Array:
        """Integral of flux x cross section for unit charge, MeV^-1, shape (n,)."""
        energies, weights = self.energies
        cross_section = unit_cross_section(energies, self.recoil, self.nucleus.mass)
        return np.asarray(np.sum(weights * cross_section, axis=0))

    def counts(self, spectrum: Array) -> Array:
        """Counts in all bins, (..., n_bins), of recoils per nucleus and MeV (..., n)."""
        energy_bins = spectrum @ self._accepted.T
        outer = energy_bins[..., np.newaxis] * self.share
        return np.asarray(outer.reshape(*energy_bins.shape[:-1], -1))


def _recoil_nodes(t_max: float) -> tuple[Array, Array]:
    """Nodes and weights (MeV) on (0, t_max), denser towards zero recoil."""
    u, w = gauss_legendre(RECOIL_ORDER)
    edges = np.linspace(0.0, 1.0, RECOIL_PANELS + 1)[:-1]
    nodes = (edges[:, np.newaxis] + u / RECOIL_PANELS).ravel()
    weights = np.tile(w / RECOIL_PANELS, RECOIL_PANELS)
    return t_max * nodes**2, t_max * 2.0 * nodes * weights
