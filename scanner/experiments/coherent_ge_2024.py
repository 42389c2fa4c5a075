"""COHERENT Ge-Mini 2024: 10.7 kg of germanium at 19.2 m from the SNS, 10.22 GWh kg.

Adamski et al., Phys. Rev. Lett. 134, 231801 (2025), arXiv:2406.13806: 20.6 +7.1 -6.3 events above
1.5 keVee, 35.1 +- 3.6 expected. There is no data release; this is a counting form of the published
totals: Poisson with an equivalent background that has the error of the fitted count (44.9 events of
which 24.3 are background give 20.6 +7.0 -6.4), and one pull of the signal, 3.6/35.1. No signal is
3.7 standard deviations away (the fit of the spectra: 3.9), the Standard Model 1.9 (within 2).

Of the prediction: 0.288 neutrinos of all flavours per proton, window 1.5 to 8.5 keVee, Lindhard
with k = 0.157. Assumptions: protons per energy as in the CsI run of COHERENT (3.198e23 for 13.99
GWh, arXiv:2110.07730; at a beam energy of 1.05 GeV there were 6 % fewer); every event in the window
is accepted at any time; noise of 150 eV full width at half maximum, which changes the signal by
less than 0.1 %.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scanner.experiment import BinAxis, Experiment
from scanner.experiments import _counting, _papers, _tables
from scanner.experiments._counting import SNS_FLUX, Apart
from scanner.experiments._germanium import LINDHARD_K, PAPERS, Window
from scanner.parameter import Constraint
from scanner.physics.fluxes.stopped_pion import stopped_pion_flux
from scanner.physics.isotopes import material

NAME = "coherent_ge_2024"
TITLE = "COHERENT Ge 2024"
CHOICES: Mapping[str, tuple[str, ...]] = {"flux_error": ("own", "shared")}

NEUTRINOS_PER_PROTON = 0.288 / 3.0
"""Per flavour."""
BASELINE_M = 19.2
MASS_KG, EXPOSURE_GWH_KG = 10.7, 10.22
PROTONS_PER_GWH = 3.198e23 / 13.99
WINDOW_KEVEE, NOISE_KEVEE = (1.5, 8.5), 0.064
K = 0.157
COUNT, ERRORS = 20.6, (7.1, 6.3)
SIGNAL_WIDTH = 3.6 / 35.1
FLUX_ERROR = Apart(SNS_FLUX, Constraint(1.0, 0.10), 0.10)


def load(flux_error: str = "own") -> Experiment:
    """Experiment from the published totals.

    Parameters
    ----------
    flux_error : "own" or "shared"
        Whether the 10 % of the flux are in the pull of the signal or in the input `sns_flux`, which
        other experiments at the SNS share.
    """
    apart = [FLUX_ERROR] * (flux_error == "shared")
    flux = stopped_pion_flux(
        neutrinos_per_proton=NEUTRINOS_PER_PROTON,
        protons=PROTONS_PER_GWH * EXPOSURE_GWH_KG / MASS_KG,
        baseline_m=BASELINE_M,
    )
    observed, background = _counting.poisson_equivalent(COUNT, ERRORS)
    return Experiment(
        name=NAME,
        title=TITLE,
        flux=flux,
        baseline_m=BASELINE_M,
        target=material("Ge"),
        mass_kg=MASS_KG,
        exposure="10.22 GWh kg",
        response=response(),
        timing=_counting.undivided(flux),
        bins=(BinAxis("energy", "keVee", np.array(WINDOW_KEVEE)),),
        observed=observed,
        backgrounds={"equivalent": background},
        pulls=_counting.signal_pull("ge_mini_signal", SIGNAL_WIDTH, apart),
        statistic="poisson",
        provenance=_tables.provenance(NAME),
        choices={"flux_error": flux_error},
        inputs=(LINDHARD_K, *_counting.inputs(apart)),
        response_at=response,
        constraints=_counting.constraints(apart),
        normalisations=_counting.normalisations(apart),
        references=(_papers.COHERENT_CSI, *PAPERS),
    )


def response(*, ge_lindhard_k: float = K) -> Window:
    """Response in the window of the analysis.

    Parameters
    ----------
    ge_lindhard_k : float
        Lindhard parameter of germanium.
    """
    low, high = WINDOW_KEVEE
    return Window(ge_lindhard_k, (low,), high, NOISE_KEVEE)
