"""Ionisation in germanium: quenching, resolution, and the share of recoils inside a window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from scanner.experiment import Electrons
from scanner.experiments._papers import COLOMA
from scanner.parameter import Parameter
from scanner.physics.electrons import effective_charge, shell_edges
from scanner.physics.quenching import LINDHARD, lindhard_kevee

Array = npt.NDArray[np.float64]

PROTONS = 32
FANO_FACTOR, PAIR_ENERGY_KEVEE = 0.11, 2.96e-3
"""Of germanium: arXiv:2202.10829 and its public code."""
PAPERS = (LINDHARD, COLOMA)
"""Of the quenching and of the resolution in a `Window`."""

LINDHARD_K = Parameter(
    "ge_lindhard_k",
    "shape",
    minimum=0.05,
    maximum=0.4,
    latex=r"k_{\rm Ge}",
    description=(
        "Lindhard parameter of germanium, one for all experiments; left out, each has that of its "
        "own analysis: 0.162 (CONUS+, TEXONO), 0.18 (CONUS), 0.157 (COHERENT)"
    ),
    optional=True,
    shared=True,
)


@dataclass(frozen=True)
class Window:
    """Response in one bin: share of recoils that are reconstructed inside an energy window.

    R(T) = mean over detectors of Phi((end - E)/s) - Phi((threshold - E)/s) with E = Q(T) T of
    Lindhard and s^2 = noise^2 + 0.11 x 2.96 eV x E (arXiv:2202.10829). Every event inside the
    window is accepted, none outside.

    Parameters
    ----------
    k : float or None
        Lindhard parameter of nuclear recoils; None for electrons, whose recoils all ionise.
    thresholds : tuple of float
        keVee; one for each detector, all of the same exposure.
    end : float
        Upper end of the window in keVee.
    noise : float
        Standard deviation of the electronic noise in keVee.
    """

    k: float | None
    thresholds: tuple[float, ...]
    end: float
    noise: float

    def __call__(self, recoil: Array) -> Array:
        """Response matrix (1, n) for recoils (n,) in MeV, between 0 and 1."""
        energy = 1e3 * recoil if self.k is None else lindhard_kevee(recoil, Z=PROTONS, k=self.k)
        sigma = np.sqrt(self.noise**2 + FANO_FACTOR * PAIR_ENERGY_KEVEE * energy)
        above = [ndtr((energy - threshold) / sigma) for threshold in self.thresholds]
        beyond = ndtr((energy - self.end) / sigma)
        return np.asarray(np.mean(above, axis=0) - beyond)[np.newaxis]


FAR = 10.0
"""Standard deviations beyond the window where nothing is accepted any more."""


def electrons(window: Window) -> Electrons:
    """Electron recoils counted in the window of the nuclear ones: free electrons, by shell."""
    width = np.sqrt(window.noise**2 + FANO_FACTOR * PAIR_ENERGY_KEVEE * 2.0 * window.end)
    return Electrons(
        response=replace(window, k=None),
        per_nucleus={"Ge": partial(effective_charge, "Ge")},
        knots=shell_edges("Ge"),
        max_recoil=float(1e-3 * (window.end + FAR * width)),
    )
