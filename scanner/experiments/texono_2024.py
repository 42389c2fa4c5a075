"""TEXONO: germanium at 28 m from a core of the Kuo-Sheng reactor, a limit relative to the SM.

Karmakar et al., arXiv:2411.18812: 242 kg d with the reactor on, 357 kg d off, threshold 200 eVee; a
cross section below 4.7 times that of the Standard Model (90 %) for a Lindhard parameter k = 0.162.
There is no data release. The one bin holds the rate in units of the Standard Model's, and the limit
is taken for a Gaussian about 0,

    chi2 = (r/sigma)^2,   r = N/N_SM,   sigma = 4.7/1.645 or 4.7/1.282 (choice `limit`).

N_SM is the prediction at k = 0.162 with the couplings AC22 and the form factor of Helm: the target
mass is chosen so that it is 1 for each spectrum. Nothing else is known of the efficiency, so this
experiment tests shapes and ratios, not the rate of the Standard Model.

Assumptions. The best fit is 0 (it is not published in this form). The limit on the number of events
holds for every k and every shape of the signal: the Standard Model then passes it at k = 0.262. The
window ends at 0.8 keVee (less than 0.1 % of the Standard Model's events are above 0.4) and the
noise is 70 eV full width at half maximum. The distance is that of TEXONO's earlier detectors
(hep-ex/0212003).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scanner.experiment import BinAxis, Experiment
from scanner.experiments import _counting, _tables
from scanner.experiments._counting import LIMITS, SPECTRA
from scanner.experiments._germanium import LINDHARD_K, PAPERS, Window
from scanner.physics.isotopes import material
from scanner.reference import Reference

NAME = "texono_2024"
TITLE = "TEXONO 2024"
CHOICES: Mapping[str, tuple[str, ...]] = {"spectrum": SPECTRA, "limit": tuple(LIMITS)}

BASELINE_M = 28.0
BASELINE_PAPER = Reference("TEXONO Collaboration (2002)", arxiv="hep-ex/0212003")
WINDOW_KEVEE, NOISE_KEVEE = (0.2, 0.8), 0.030
K = 0.162
LIMIT = 4.7
FLUENCE = 1e18
"""cm^-2: any number would do."""
RELATIVE_MASS_KG = {"mvhe": 2.417966, "bestiole": 2.090719, "bestiole_to_8_mev": 2.637243}
"""Mass whose Standard Model signal at that fluence is 1 (a test)."""


def load(spectrum: str = "mvhe", limit: str = "two_sided") -> Experiment:
    """Experiment from the published limit.

    Parameters
    ----------
    spectrum : "mvhe", "bestiole" or "bestiole_to_8_mev"
        Antineutrino spectrum of which the rate is 1: that of Vogel and Engel below 2 MeV and of
        Huber and Mueller above, or the summation BESTIOLE, all of it or without what is above
        8 MeV.
    limit : "two_sided" or "one_sided"
        Whether the limit lies 1.645 or 1.282 standard deviations above 0. With the first, a limit
        at 90 % for 1 degree of freedom (Delta chi2 = 2.706) gives back the published one, as would
        Feldman and Cousins, or CLs, where exactly nothing was seen; the second is the one-sided
        quantile and makes a weaker experiment of it.
    """
    flux = _counting.antineutrinos(spectrum, FLUENCE)
    return Experiment(
        name=NAME,
        title=TITLE,
        flux=flux,
        baseline_m=BASELINE_M,
        target=material("Ge"),
        mass_kg=RELATIVE_MASS_KG[spectrum],
        exposure="242 kg d with the reactor on, 357 kg d off; mass so that the SM signal is 1",
        response=response(),
        timing=_counting.undivided(flux),
        bins=(BinAxis("energy", "keVee", np.array(WINDOW_KEVEE)),),
        observed=np.zeros(1),
        backgrounds={},
        pulls=(),
        statistic="gaussian",
        variance=np.array([(LIMIT / LIMITS[limit]) ** 2]),
        provenance=_tables.provenance(NAME),
        choices={"spectrum": spectrum, "limit": limit},
        inputs=(LINDHARD_K,),
        response_at=response,
        references=(*_counting.spectrum_papers(spectrum), *PAPERS, BASELINE_PAPER),
    )


def response(*, ge_lindhard_k: float = K) -> Window:
    """Response in the window of the limit.

    Parameters
    ----------
    ge_lindhard_k : float
        Lindhard parameter of germanium.
    """
    low, high = WINDOW_KEVEE
    return Window(ge_lindhard_k, (low,), high, NOISE_KEVEE)
