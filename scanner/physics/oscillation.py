"""Vacuum oscillation into a sterile neutrino, two-frequency limit (3+1)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

PHASE = 1.267
"""dm^2/(4 E) x L for dm^2 in eV^2, L in m and E in MeV (PDG, Neutrino masses and mixing)."""


def oscillation_phase(
    e_nu: npt.ArrayLike, baseline_m: npt.ArrayLike, dm2_ev2: npt.ArrayLike
) -> Array:
    """1.267 dm^2 L/E in rad; dm^2 in eV^2, L in m, E in MeV; all broadcast.

    >>> round(float(oscillation_phase(24.4531, 19.3, 1.0)), 6)
    1.0
    """
    return np.asarray(PHASE * np.asarray(dm2_ev2) * np.asarray(baseline_m) / np.asarray(e_nu))


def oscillation_probability(
    e_nu: npt.ArrayLike,
    baseline_m: npt.ArrayLike,
    dm2_ev2: npt.ArrayLike,
    spread_m: npt.ArrayLike = 0.0,
) -> Array:
    """sin^2(1.267 dm^2 L/E), averaged over a Gaussian spread of the baseline.

    <sin^2 x> = [1 - cos(2 x) exp(-2 sigma_x^2)]/2 with sigma_x = 1.267 dm^2 sigma_L/E (PDG,
    Neutrino masses and mixing). It multiplies -sin^2(2 theta).

    Parameters
    ----------
    e_nu : array
        MeV.
    baseline_m, spread_m : arrays
        Mean distance from source to detector and its standard deviation, m.
    dm2_ev2 : array
        eV^2.

    Returns
    -------
    array
        Between 0 (no oscillation) and 1; 1/2 where the spread averages it out.
    """
    x = oscillation_phase(e_nu, baseline_m, dm2_ev2)
    if not np.any(spread_m):
        return np.asarray(np.sin(x) ** 2)
    damping = np.exp(-2.0 * oscillation_phase(e_nu, spread_m, dm2_ev2) ** 2)
    # 1 - cos(2x) as 2 sin^2 x: exact for small phases
    return np.asarray(damping * np.sin(x) ** 2 + 0.5 * (1.0 - damping))
