"""Where the response of a good resolution changes fast with the recoil: at the edges of bins."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from scanner.physics.fluxes.flux import Flux
from scanner.physics.kinematics import maximum_recoil
from scanner.physics.nuclei import Material

Array = npt.NDArray[np.float64]
Curve = Callable[[Array], Array]

AROUND = (-5.0, -1.7, 1.7, 5.0)
"""Widths of the resolution around an edge at which a panel of the quadrature ends."""
USUAL_PANELS = 24
"""Panels in sqrt(recoil) that a quadrature has anyhow; a step wider than one needs no more."""
TABLE = 4000


def largest_recoil(flux: Flux, material: Material) -> float:
    """MeV, of the lightest isotope."""
    lightest = min(isotope.mass for isotope in material.composition)
    return max(float(maximum_recoil(c.e_max, lightest)) for c in flux.components)


def response_steps(
    edges: Array, energy: Curve, width: Curve, flux: Flux, material: Material
) -> tuple[float, ...]:
    """Recoils (MeV, increasing) where panels of the quadrature are to end.

    Parameters
    ----------
    edges : array
        Reconstructed energies where the acceptance or the bin changes.
    energy, width : callable
        Recoil (MeV) to energy, and energy to its resolution.
    flux, material
        What gives the largest recoil.
    """
    root = np.linspace(0.0, np.sqrt(largest_recoil(flux, material)), TABLE)[1:]
    seen = energy(root**2)
    if not np.all(np.diff(seen) > 0.0):
        return ()
    sharp = edges[(edges > seen[0]) & (edges < seen[-1])]
    around = sharp[:, np.newaxis] + width(sharp)[:, np.newaxis] * np.array(AROUND)
    places = np.interp(around, seen, root)
    narrow = places[:, 2] - places[:, 1] < root[-1] / USUAL_PANELS
    found = np.unique(places[narrow])
    return tuple((found[(found > root[0]) & (found < root[-1])] ** 2).tolist())
