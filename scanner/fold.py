"""Fold: one target in the beam of one flux component, from recoil spectra to counts in bins."""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from scanner.experiment import Electrons, Experiment
from scanner.physics.cevns import unit_cross_section
from scanner.physics.electrons import vector_axial_parts
from scanner.physics.fluxes.flux import Component, gauss_legendre
from scanner.physics.kinematics import (
    maximum_recoil,
    minimum_energy,
    momentum_transfer_squared,
    upscattering_minimum_energy,
    upscattering_recoils,
)
from scanner.physics.nuclei import ElectronTarget, Nucleus
from scanner.scenario import named_parameters

Array = npt.NDArray[np.float64]
Beam = tuple[Array, Array]
"""Neutrino energies (MeV) and weights (cm^-2), both (n_energies, n_recoils)."""

RECOIL_PANELS = 24
RECOIL_ORDER = 12
"""Gauss-Legendre panels in sqrt(T) between 0 and the largest recoil, and nodes in each."""
HEAVY_PANELS = 8
"""Panels between the recoil limits of an upscattering, fewer: the integrand does not oscillate."""
TABLE_NODES = 2000
"""Recoils, even in sqrt(T), of the table of the response that other nodes interpolate."""
LARGEST_PHASE = 3e4
"""rad; above, an oscillation is averaged over the spectrum.

What is left of its integral is below 1e-3 of a detector's counts at full mixing (measured: 5e-4
for argon at 1.3e3 eV^2, 2e-4 for CsI at 6e3 eV^2). Just below, one splitting takes seconds and
1.4 GB."""
NOTHING = 1e-7
"""Share of the largest acceptance below which a recoil does not count."""


class Fold(ABC):
    """One target in the beam of one flux component: quadrature in recoil and neutrino energy.

    Attributes
    ----------
    recoil : array (n,)
        Nodes in MeV.
    """

    def __init__(
        self,
        experiment: Experiment,
        target: Nucleus | ElectronTarget,
        component: Component,
        nodes: tuple[Array, Array],
    ) -> None:
        self.target = target
        self.component = component
        self.experiment = experiment
        self.recoil, self._dt = nodes
        self._shares = lru_cache(maxsize=64)(self._share)

    @cached_property
    def energies(self) -> Beam:
        """The flux above the smallest energy that gives each recoil."""
        return self.component.nodes(minimum_energy(self.recoil, self.target.mass))

    def oscillating(self, phase: float) -> tuple[Beam, bool]:
        """The flux with nodes for a factor like cos(phase/E), and whether that averages out."""
        e_min = minimum_energy(self.recoil, self.target.mass)
        accepted = self.accepted({}).sum(axis=0)
        e_min = np.where(accepted > NOTHING * accepted.max(), e_min, self.component.e_max)
        total = phase * (1.0 / max(float(e_min.min()), 1e-3) - 1.0 / self.component.e_max)
        is_line = len(self.energies[0]) == 1
        if total > LARGEST_PHASE and not is_line:
            return self.energies, True
        return self.component.nodes(e_min, phase), False

    @cached_property
    def q2(self) -> Array:
        """|q|^2 in MeV^2 at the recoil nodes."""
        return momentum_transfer_squared(self.recoil, self.target.mass)

    def share(self, inputs: Mapping[str, float]) -> Array:
        """Share of the component in the bins that are not energy, as in `Experiment.timing`."""
        own = named_values(self.experiment.timing_at, inputs)
        return self._shares(tuple(sorted(own.items())))

    def _share(self, inputs: tuple[tuple[str, float], ...]) -> Array:
        timing_at = self.experiment.timing_at
        timing = self.experiment.timing
        if inputs and timing_at is not None:
            timing = timing_at(**dict(inputs))
        return np.asarray(timing[self.component.name], dtype=np.float64)

    @property
    def sorted_with(self) -> str:
        """Folds of one label go into all bins alike: their energy bins may be added."""
        return "" if self.experiment.sorting_at is not None else self.component.name

    @abstractmethod
    def accepted(self, inputs: Mapping[str, float]) -> Array:
        """Targets x width x response (n_energy_bins, n) at the detector's inputs."""

    def energy_bins(self, spectrum: Array, inputs: Mapping[str, float]) -> Array:
        """Counts (..., n_energy_bins) of recoils per target and MeV (..., n)."""
        return np.asarray(spectrum @ self.accepted(inputs).T)

    def in_all_bins(self, energy_bins: Array, inputs: Mapping[str, float]) -> Array:
        """Counts in all bins, (..., n_bins), of those in the energy bins (..., n_energy_bins)."""
        sorting_at = self.experiment.sorting_at
        if sorting_at is not None:
            return np.asarray(energy_bins @ sorting_at(**named_values(sorting_at, inputs)))
        # one row of shares serves all energy bins, or each has its own: both broadcast
        shared = energy_bins[..., np.newaxis] * self.share(inputs)
        return np.asarray(shared.reshape(*energy_bins.shape[:-1], -1))


class NuclearFold(Fold):
    """One isotope: the recoil runs from 0 to the largest one of the component's end point."""

    target: Nucleus

    def __init__(self, experiment: Experiment, target: Nucleus, component: Component) -> None:
        t_max = float(maximum_recoil(component.e_max, target.mass))
        nodes = _stepped_nodes(experiment.response_steps, t_max)
        super().__init__(experiment, target, component, nodes)
        self._nuclei = experiment.mass_kg * experiment.target.nuclei_per_kg(target.isotope)
        self._kept = lru_cache(maxsize=16)(self._accepted)
        self._tables = lru_cache(maxsize=4)(self._table)

    def accepted(self, inputs: Mapping[str, float]) -> Array:
        """Nuclei x width x response (n_energy_bins, n) at the detector's inputs."""
        return self._kept(self._own(inputs))

    def _own(self, inputs: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
        """Those inputs that the response depends on."""
        return tuple(sorted(named_values(self.experiment.response_at, inputs).items()))

    def _accepted(self, inputs: tuple[tuple[str, float], ...]) -> Array:
        return self._response(dict(inputs), self.recoil) * (self._nuclei * self._dt)

    def _response(self, inputs: Mapping[str, float], recoil: Array) -> Array:
        if inputs and self.experiment.response_at is not None:
            return self.experiment.response_at(**inputs)(recoil)
        return self.experiment.response(recoil)

    @cached_property
    def weak_strength(self) -> Array:
        """Integral of flux x cross section for unit charge, MeV^-1, shape (n,)."""
        return self.strength(self.energies)

    def strength(self, beam: Beam) -> Array:
        """The same for another beam."""
        energies, weights = beam
        cross_section = unit_cross_section(energies, self.recoil, self.target.mass)
        return np.asarray(np.sum(weights * cross_section, axis=0))

    def heavy(self, heavy_mass: float) -> tuple[Array, Array, Beam] | None:
        """Recoils (m,), their widths and the beam for an outgoing lepton of mass M4 in MeV.

        None below the threshold.
        """
        limits = upscattering_recoils(self.component.e_max, self.target.mass, heavy_mass)
        if limits is None:
            return None
        recoil, dt = _recoil_nodes(*limits, HEAVY_PANELS)
        e_min = upscattering_minimum_energy(recoil, self.target.mass, heavy_mass)
        # a line is at its own limits to rounding
        e_min = np.minimum(e_min, self.component.e_max * (1.0 - 1e-14))
        return recoil, dt, self.component.nodes(e_min)

    def heavy_counts(
        self, recoil: Array, dt: Array, spectrum: Array, inputs: Mapping[str, float]
    ) -> Array:
        """Counts (n_energy_bins,) of a spectrum (m,) at the recoils of `heavy`."""
        table = self._tables(self._own(inputs))
        return np.asarray((spectrum * dt * self._nuclei) @ table(np.sqrt(recoil)))

    def _table(self, inputs: tuple[tuple[str, float], ...]) -> CubicSpline:
        """Response over sqrt(T), shape (n_energy_bins,) at each."""
        root = np.linspace(0.0, np.sqrt(self.recoil[-1]) * 1.01, TABLE_NODES + 1)[1:]
        response = self._response(dict(inputs), root**2)
        return CubicSpline(np.append(0.0, root), np.vstack([np.zeros(len(response)), response.T]))


class ElectronFold(Fold):
    """All electrons of the target that a recoil can set free."""

    target: ElectronTarget

    def __init__(self, experiment: Experiment, electrons: Electrons, component: Component) -> None:
        edges = electrons.knots[electrons.knots < electrons.max_recoil]
        edges = np.array([0.0, *edges, electrons.max_recoil])
        parts = [_recoil_nodes(a, b, 2) for a, b in itertools.pairwise(edges)]
        nodes = tuple(np.concatenate(part) for part in zip(*parts, strict=True))
        super().__init__(experiment, ElectronTarget(), component, (nodes[0], nodes[1]))
        atoms = sum(
            experiment.target.nuclei_per_kg(isotope)
            * electrons.per_nucleus[isotope.symbol](self.recoil)
            for isotope in experiment.target.composition
        )
        self._matrix = electrons.response(self.recoil) * (experiment.mass_kg * atoms * self._dt)

    def accepted(self, inputs: Mapping[str, float]) -> Array:
        """Electrons x width x response (n_energy_bins, n); no input changes it."""
        del inputs
        return self._matrix

    def parts(self, beam: Beam) -> tuple[Array, Array, Array]:
        """Integrals of flux x cross section that go with V^2, V A and A^2, each (n,)."""
        energies, weights = beam
        vector, mixed, axial = (
            np.sum(weights * part, axis=0) for part in vector_axial_parts(energies, self.recoil)
        )
        return vector, -mixed if self.component.antineutrino else mixed, axial


def named_values(
    function: Callable[..., object] | None, inputs: Mapping[str, float]
) -> dict[str, float]:
    """Those inputs that the function's signature names; none where there is no function."""
    if function is None:
        return {}
    return {name: inputs[name] for name in named_parameters(function, inputs)}


def _stepped_nodes(steps: Sequence[float], t_max: float) -> tuple[Array, Array]:
    """Nodes and weights between 0, the steps and the largest recoil, by the share of sqrt(T)."""
    edges = [0.0, *(step for step in steps if step < t_max), t_max]
    shares = np.diff(np.sqrt(edges)) / np.sqrt(t_max)
    parts = [
        _recoil_nodes(a, b, math.ceil(RECOIL_PANELS * share))
        for (a, b), share in zip(itertools.pairwise(edges), shares, strict=True)
    ]
    recoil, dt = zip(*parts, strict=True)
    return np.concatenate(recoil), np.concatenate(dt)


def _recoil_nodes(t_min: float, t_max: float, panels: int) -> tuple[Array, Array]:
    """Nodes and weights (MeV) on (t_min, t_max), even in sqrt(T): denser towards zero recoil."""
    u, w = gauss_legendre(RECOIL_ORDER)
    low, high = np.sqrt(t_min), np.sqrt(t_max)
    width = (high - low) / panels
    edges = low + width * np.arange(panels)
    nodes = (edges[:, np.newaxis] + u * width).ravel()
    weights = np.tile(w * width, panels)
    return nodes**2, 2.0 * nodes * weights
