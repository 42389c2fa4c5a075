"""COHERENT Ge-Mini 2026: germanium at 19.2 m from the SNS, 4.68e22 protons, relative to the SM.

COHERENT, arXiv:2603.17951: 124 +14 -12 CEvNS events, a cross section of 1.00 +- 0.10 +- 0.10 times
that of the Standard Model. There is no data release, and mass and efficiency of this data set are
not in the abstract: the target mass is chosen so that the Standard Model (couplings AC22, form
factor of Helm, k = 0.157) gives the 124/1.00 events that the two numbers mean. This experiment
tests the ratio to the Standard Model and the shape of what is new, not the Standard Model's rate.

A counting form: Poisson with an equivalent background that has the error of the fitted count (169
events of which 45 are background give 124 +13.3 -12.7), and one pull of the signal, 10 %. Window,
quenching and noise are those of `coherent_ge_2024`: an assumption. Rates of nu_mu and nu_e apart,
and the energy and time spectra, are not used.

The detector is that of `coherent_ge_2024`; whether its data are in this set is not said, so that
the two are not combined.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scanner.experiment import BinAxis, Experiment
from scanner.experiments import _counting, _papers, _tables, coherent_ge_2024
from scanner.experiments._counting import SNS_FLUX, Apart
from scanner.experiments._germanium import LINDHARD_K, PAPERS
from scanner.parameter import Constraint
from scanner.physics.fluxes.stopped_pion import stopped_pion_flux
from scanner.physics.isotopes import material

NAME = "coherent_ge_2026"
TITLE = "COHERENT Ge 2026"
CHOICES: Mapping[str, tuple[str, ...]] = {"flux_error": ("own", "shared")}
OVERLAPS = (coherent_ge_2024.NAME,)

PROTONS = 4.68e22
RELATIVE_MASS_KG = 16.96006
"""Mass whose Standard Model signal is 124 events (a test)."""
COUNT, ERRORS = 124.0, (14.0, 12.0)
SIGNAL_WIDTH = 0.10
FLUX_ERROR = Apart(SNS_FLUX, Constraint(1.0, 0.10), 0.10)

response = coherent_ge_2024.response


def load(flux_error: str = "own") -> Experiment:
    """Experiment from the published totals.

    Parameters
    ----------
    flux_error : "own" or "shared"
        Whether the systematic error is in the pull of the signal, or is all of the flux and in the
        input `sns_flux`, 10 %, which other experiments at the SNS share: what quenching and
        efficiency add is then left out.
    """
    apart = [FLUX_ERROR] * (flux_error == "shared")
    flux = stopped_pion_flux(
        neutrinos_per_proton=coherent_ge_2024.NEUTRINOS_PER_PROTON,
        protons=PROTONS,
        baseline_m=coherent_ge_2024.BASELINE_M,
    )
    observed, background = _counting.poisson_equivalent(COUNT, ERRORS)
    return Experiment(
        name=NAME,
        title=TITLE,
        flux=flux,
        baseline_m=coherent_ge_2024.BASELINE_M,
        target=material("Ge"),
        mass_kg=RELATIVE_MASS_KG,
        exposure="4.68e22 protons on target; mass so that the SM signal is the published one",
        response=response(),
        timing=_counting.undivided(flux),
        bins=(BinAxis("energy", "keVee", np.array(coherent_ge_2024.WINDOW_KEVEE)),),
        observed=observed,
        backgrounds={"equivalent": background},
        pulls=_counting.signal_pull("ge_2026_signal", SIGNAL_WIDTH, apart),
        statistic="poisson",
        provenance=_tables.provenance(NAME),
        choices={"flux_error": flux_error},
        inputs=(LINDHARD_K, *_counting.inputs(apart)),
        response_at=response,
        constraints=_counting.constraints(apart),
        normalisations=_counting.normalisations(apart),
        references=(_papers.COHERENT_GE_2024, *PAPERS),
    )
