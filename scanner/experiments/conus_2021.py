"""CONUS, runs 1 and 2: germanium at 17.1 m from the core of the Brokdorf reactor, a limit.

Bonet et al., Phys. Rev. Lett. 126, 041804 (2021), arXiv:2011.00210: fewer than 85 neutrino events
(90 %) in 248.7 kg d with the reactor on, for a Lindhard parameter k = 0.18; above k = 0.27 the
Standard Model is disfavoured. There is no data release; the limit is taken for a Gaussian about 0,

    chi2 = (N/sigma)^2,   sigma = 85/1.645 or 85/1.282 (choice `limit`).

Assumptions. No event was found beyond the background (the best fit is not published). The limit on
the number of events holds for every k and every shape of the signal. The window is 0.3 to 1 keVee
with a noise of 70 eV full width at half maximum for all detectors: those of the analysis differ
from one detector to another. Flux 2.3e13 cm^-2 s^-1, the largest that arXiv:2401.07684 gives for
this place. N at k = 0.18 moves from 15 to 24 events for 59 to 94 eV. The published limit holds the
errors of detector and background; no other error of the prediction is added. So the Standard Model
passes 85 events at k = 0.234 already (BESTIOLE: 0.216), and has 163 at 0.27.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scanner.experiment import BinAxis, Experiment
from scanner.experiments import _counting, _tables
from scanner.experiments._counting import LIMITS, SECONDS_PER_DAY, SPECTRA
from scanner.experiments._germanium import LINDHARD_K, Window
from scanner.physics.isotopes import material

NAME = "conus_2021"
TITLE = "CONUS 2021"
REMARKS = (
    "the published flux of 2.3e13 per cm2 and s is spread over the fission spectrum alone, as the "
    "published analyses do; power and distance give 1.8e13, or 2.2e13 with neutron captures",
)
"""What `scanner show` says of it."""
CHOICES: Mapping[str, tuple[str, ...]] = {"spectrum": SPECTRA, "limit": tuple(LIMITS)}

BASELINE_M = 17.1
EXPOSURE_KG_DAYS = 248.7
FLUX_PER_CM2_S = 2.3e13
WINDOW_KEVEE, NOISE_KEVEE = (0.3, 1.0), 0.030
K = 0.18
LIMIT = 85.0


def load(spectrum: str = "mvhe", limit: str = "two_sided") -> Experiment:
    """Experiment from the published limit.

    Parameters
    ----------
    spectrum : "mvhe", "bestiole" or "bestiole_to_8_mev"
        Antineutrino spectrum, the flux the same.
    limit : "two_sided" or "one_sided"
        Whether the limit lies 1.645 or 1.282 standard deviations above 0. With the first, a limit
        at 90 % for 1 degree of freedom (Delta chi2 = 2.706) gives back the published one, as would
        Feldman and Cousins, or CLs, where exactly nothing was seen; the second is the one-sided
        quantile and makes a weaker experiment of it.
    """
    flux = _counting.antineutrinos(spectrum, FLUX_PER_CM2_S * SECONDS_PER_DAY)
    return Experiment(
        name=NAME,
        title=TITLE,
        flux=flux,
        baseline_m=BASELINE_M,
        target=material("Ge"),
        mass_kg=EXPOSURE_KG_DAYS,
        exposure="one day of 248.7 kg stands for 248.7 kg d with the reactor on (58.8 kg d off)",
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
