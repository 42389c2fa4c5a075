"""COHERENT CENNS-10 liquid argon, analysis A: 24 kg at 27.5 m from the SNS, 6.12 GWh.

COHERENT, Phys. Rev. Lett. 126, 012002 (2021), arXiv:2003.10630; release arXiv:2006.12659.
``energy_time``: 12 x 10 bins, F90 integrated, sigma^2 = n + SS/5, nine pulls, as in Atzori Corona
et al., arXiv:2202.11002, and De Romeri et al., arXiv:2211.11905. ``energy``: 12 bins, steady state
subtracted, as in Cadeddu et al., arXiv:2005.01645. ``energy_f90_time``: all 12 x 8 x 10 bins of the
release, Poisson, the nine pulls of ``energy_time`` with their changes bin by bin.

Of ``energy_f90_time``. COHERENT fits these bins too and finds 159 +- 43 events; with the CEvNS
table of the release and a free norm this chi2 finds 163 +- 43. Every bin expects 0.8 steady-state
events or more, so chi2 is finite without a floor. Left out is the statistical error of the steady
state's shape, whose sample is five times its window: 3 to 16 % for a pair of energy and F90 bins.
With a pull for each of the 96 pairs, no CEvNS is 11.9 above the Standard Model instead of 13.1.
The F90 pull changes the signal by up to 840 % per sigma below 10 keVee at the highest F90 (by more
than 100 % where 1.4 % of the signal lies). That is not clipped: the steady state keeps the
prediction positive there, and each sign's own variant table in its place would move chi2 of the
Standard Model by 0.03.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import numpy.typing as npt

from scanner.experiment import BinAxis, Experiment, Pull
from scanner.experiments import _lar_tables, _papers, _sns, _tables
from scanner.experiments._lar_tables import ENERGY, F90, NAME, TIME
from scanner.experiments._sns import without
from scanner.parameter import Parameter
from scanner.physics.fluxes.stopped_pion import (
    DELAYED,
    delayed_arrival_cdf,
    prompt_arrival_cdf,
    stopped_pion_flux,
)
from scanner.physics.nuclei import ARGON
from scanner.physics.quenching import linear_kevee
from scanner.reference import Reference
from scanner.response import EnergyResponse, gaussian_density, window_shares

Array = npt.NDArray[np.float64]

TITLE = "COHERENT LAr 2020"
CHOICES: Mapping[str, tuple[str, ...]] = {
    "analysis": ("energy_time", "energy", "energy_f90_time"),
    "window": ("normalised", "cut"),
    "form_factor_error": ("included", "excluded"),
    "flux_error": ("own", "shared"),
}
REMARKS = (_sns.REMARK,)

build = _lar_tables.build
RELEASE_FILES = _lar_tables.RELEASE_FILES

NEUTRINOS_PER_PROTON = 0.09
BASELINE_M = 27.5
EXPOSURE = {"normalised": (1.37e23, 24.0), "cut": (1.38e23, 24.4)}
"""Protons on target and kg: as the published analyses take them, and as the release gives them."""
PULSE_MEAN_US, PULSE_SIGMA_US = 0.44, 0.15
QUENCHING_CONSTANT, QUENCHING_SLOPE_PER_KEV = 0.246, 7.8e-4
RESOLUTION = 0.58
STEADY_STATE_OVERSAMPLING = 5.0

SIGNAL_WIDTH, PROMPT_BRN_WIDTH, DELAYED_BRN_WIDTH, STEADY_STATE_WIDTH = 0.13, 0.32, 1.0, 0.0079
ENERGY_SIGNAL_WIDTH = {"included": 0.134, "excluded": 0.132}
"""Of ``energy`` (arXiv:2005.01645): without the form factor's 2 % where its radius is fitted."""
FORM_FACTOR_ERROR = 0.02
ENERGY_SHAPE_ERROR = 0.017
"""sqrt(0.058^2/12): neutron energy shape error of arXiv:2005.01645, per bin, uncorrelated."""


FOLLOWED: Mapping[str, tuple[Reference, ...]] = {
    "energy_time": (_papers.CAGLIARI_2022, _papers.VALENCIA),
    "energy": (_papers.CADEDDU_2020,),
    "energy_f90_time": (_papers.CAGLIARI_2022, _papers.VALENCIA),
}
"""Analyses that each form follows."""

INPUTS = (
    Parameter(
        "lar_quenching_constant",
        "shape",
        default=QUENCHING_CONSTANT,
        minimum=0.15,
        maximum=0.35,
        latex="q_0",
        description="quenching factor of argon at zero recoil (release: 0.246 +- 0.006)",
        shared=True,
    ),
    Parameter(
        "lar_quenching_slope",
        "shape",
        unit="keV-1",
        default=QUENCHING_SLOPE_PER_KEV,
        minimum=-1e-3,
        maximum=3e-3,
        latex="q_1",
        description="slope of the quenching factor of argon per keVnr (7.8e-4 +- 0.9e-4)",
        shared=True,
    ),
)


def load(
    analysis: str = "energy_time",
    window: str = "normalised",
    form_factor_error: str = "included",
    flux_error: str = "own",
) -> Experiment:
    """Experiment from the shipped tables.

    Parameters
    ----------
    analysis : "energy_time", "energy" or "energy_f90_time"
        12 x 10 bins with nine pulls, 12 bins with three, or 12 x 8 x 10 bins with nine.
    window : "normalised" or "cut"
        Arrival times normalised to one inside the box with 1.37e23 protons and 24 kg, or events
        outside the box lost with the release's 13.8e22 protons and 24.4 kg.
    form_factor_error : "included" or "excluded"
        Whether the error of the signal holds the 2 % of the form factor: it does not where the
        neutron radius is fitted.
    flux_error : "own" or "shared"
        Whether the 10 % of the neutrino flux are part of the signal's error, uncorrelated with
        other experiments as in the published combinations, or ``sns_flux`` is profiled, which all
        experiments at the SNS share that are asked for it.
    """
    protons, mass_kg = EXPOSURE[window]
    bins, observed, variance, backgrounds, pulls = FORMS[analysis](
        _signal_width(analysis, form_factor_error, flux_error)
    )
    return Experiment(
        name=NAME,
        title=TITLE,
        flux=stopped_pion_flux(
            neutrinos_per_proton=NEUTRINOS_PER_PROTON, protons=protons, baseline_m=BASELINE_M
        ),
        baseline_m=BASELINE_M,
        target=ARGON,
        mass_kg=mass_kg,
        exposure=f"6.12 GWh, {protons:.3g} protons on target",
        response=response(),
        timing=_timing(analysis, normalised=window == "normalised"),
        bins=bins,
        observed=observed,
        backgrounds=backgrounds,
        pulls=pulls,
        statistic="poisson" if variance is None else "gaussian",
        variance=variance,
        provenance=_tables.provenance(NAME),
        choices={
            "analysis": analysis,
            "window": window,
            "form_factor_error": form_factor_error,
            "flux_error": flux_error,
        },
        inputs=(*INPUTS, _sns.FLUX) if flux_error == "shared" else INPUTS,
        response_at=response,
        constraints={_sns.FLUX.name: _sns.CONSTRAINT} if flux_error == "shared" else {},
        normalisations={_sns.FLUX.name: ()} if flux_error == "shared" else {},
        references=(_papers.COHERENT_LAR_RELEASE, *FOLLOWED[analysis]),
    )


def _signal_width(analysis: str, form_factor_error: str, flux_error: str) -> float:
    """Relative error of the signal, less what is fitted or has an input of its own."""
    apart = [_sns.FLUX_ERROR] if flux_error == "shared" else []
    if analysis == "energy":
        return without(ENERGY_SIGNAL_WIDTH[form_factor_error], apart)
    apart += [FORM_FACTOR_ERROR] if form_factor_error == "excluded" else []
    return without(SIGNAL_WIDTH, apart)


def response(
    *,
    lar_quenching_constant: float = QUENCHING_CONSTANT,
    lar_quenching_slope: float = QUENCHING_SLOPE_PER_KEV,
) -> EnergyResponse:
    """Response of the release; the efficiency (which holds the F90 cut) acts after smearing.

    Parameters
    ----------
    lar_quenching_constant, lar_quenching_slope : float
        q0 and q1 (per keVnr) of the linear quenching factor.
    """
    table = _tables.read(NAME, "efficiency.csv")
    energies, accepted = table["energy_kevee"], table["efficiency"]

    def efficiency(x: Array) -> Array:
        return np.interp(x, energies, accepted)

    return EnergyResponse(
        edges=ENERGY.edges,
        knots=np.concatenate([energies, np.arange(42.0, 120.0, 2.0)]),
        quenched=partial(
            linear_kevee, constant=lar_quenching_constant, slope_per_kev=lar_quenching_slope
        ),
        density=partial(gaussian_density, sqrt_coefficient=RESOLUTION),
        efficiency=efficiency,
    )


def _timing(analysis: str, *, normalised: bool) -> dict[str, Array]:
    """Share of each flux component in the bins of one energy: of time, or of F90 and time."""
    times = _time_shares(normalised=normalised)
    if analysis == "energy":
        return {name: share.sum(keepdims=True) for name, share in times.items()}
    if analysis == "energy_time":
        return times
    f90 = _f90_shares()[:, :, np.newaxis]
    return {name: (f90 * share).reshape(ENERGY.n, -1) for name, share in times.items()}


def _time_shares(*, normalised: bool) -> dict[str, Array]:
    """Share of each flux component in the time bins of the box."""
    pulse = {"mean": PULSE_MEAN_US, "sigma": PULSE_SIGMA_US}
    prompt = window_shares(partial(prompt_arrival_cdf, **pulse), TIME.edges)
    delayed = window_shares(partial(delayed_arrival_cdf, **pulse), TIME.edges)
    shares = {"nu_mu": prompt, **dict.fromkeys(DELAYED, delayed)}
    return {n: s / s.sum() if normalised else s for n, s in shares.items()}


def _f90_shares() -> Array:
    """Share of the accepted recoils of each energy bin in the F90 bins, (n_energy, n_f90).

    Of the released CEvNS table, whose shares do not depend on time (to 1e-6). It is empty above
    60 keVee, where hardly a recoil is: those bins take the shares of the last one that is filled.
    """
    counts = _tables.read(NAME, "bins_f90.csv")["cevns"].reshape(ENERGY.n, F90.n, TIME.n)
    by_f90 = counts.sum(axis=2)
    filled = np.flatnonzero(by_f90.sum(axis=1) > 0.0)
    nearest = by_f90[np.minimum(np.arange(ENERGY.n), filled[-1])]
    return np.asarray(nearest / nearest.sum(axis=1, keepdims=True))


Form = tuple[tuple[BinAxis, ...], Array, Array | None, Mapping[str, Array], tuple[Pull, ...]]
"""Bins, observed counts, variance (None: Poisson), backgrounds and pulls of an analysis."""


def _energy_time(signal_width: float) -> Form:
    """12 x 10 bins: pairs of variant tables give one pull each (arXiv:2211.11905)."""
    t = _tables.read(NAME, "bins.csv")
    variance = t["observed"] + t["steady_state"] / STEADY_STATE_OVERSAMPLING
    pulls = _shape_pulls(t, signal_width)
    return (ENERGY, TIME), t["observed"], variance, _backgrounds(t), pulls


def _energy_f90_time(signal_width: float) -> Form:
    """12 x 8 x 10 bins: the same pulls, with the counts and the changes of each bin."""
    t = _tables.read(NAME, "bins_f90.csv")
    pulls = _shape_pulls(t, signal_width)
    return (ENERGY, F90, TIME), t["observed"], None, _backgrounds(t), pulls


def _backgrounds(t: _tables.Table) -> dict[str, Array]:
    return {
        "prompt_BRN": t["prompt_brn"],
        "delayed_BRN": t["delayed_brn"],
        "SS": t["steady_state"],
    }


def _shape_pulls(t: _tables.Table, signal_width: float) -> tuple[Pull, ...]:
    """Four normalisations, and five shapes that change the bins as their variant tables do."""
    # the +1 sigma time table is not normalised in the release (523.67 for 497)
    late = t["brn_time_mean_plus"] * t["prompt_brn"].sum() / t["brn_time_mean_plus"].sum()
    brn, cevns = t["prompt_brn"], t["cevns"]
    return (
        Pull("lar_signal", signal_width, signal=1.0),
        Pull("lar_signal_f90", 1.0, signal=_pair(t["cevns_f90_plus"], t["cevns_f90_minus"], cevns)),
        Pull("lar_signal_time", 1.0, signal=_one_sided(t["cevns_time_mean"], cevns)),
        Pull("lar_prompt_brn", PROMPT_BRN_WIDTH, backgrounds={"prompt_BRN": 1.0}),
        Pull(
            "lar_brn_energy",
            1.0,
            backgrounds={"prompt_BRN": _pair(t["brn_energy_plus"], t["brn_energy_minus"], brn)},
        ),
        Pull(
            "lar_brn_time_mean",
            1.0,
            backgrounds={"prompt_BRN": _pair(late, t["brn_time_mean_minus"], brn)},
        ),
        Pull(
            "lar_brn_time_width",
            1.0,
            backgrounds={"prompt_BRN": _one_sided(t["brn_time_width"], brn)},
        ),
        Pull("lar_delayed_brn", DELAYED_BRN_WIDTH, backgrounds={"delayed_BRN": 1.0}),
        Pull("lar_steady_state", STEADY_STATE_WIDTH, backgrounds={"SS": 1.0}),
    )


def _energy(signal_width: float) -> Form:
    """12 bins, steady state subtracted: chi2-A of arXiv:2005.01645."""
    t = _tables.read(NAME, "energy.csv")
    backgrounds = {"prompt_BRN": t["prompt_brn"], "delayed_BRN": t["delayed_brn"]}
    pulls = (
        Pull("lar_signal", signal_width, signal=1.0),
        Pull("lar_prompt_brn", PROMPT_BRN_WIDTH, backgrounds={"prompt_BRN": 1.0}),
        Pull("lar_delayed_brn", DELAYED_BRN_WIDTH, backgrounds={"delayed_BRN": 1.0}),
    )
    shape_error = ENERGY_SHAPE_ERROR * (t["prompt_brn"] + t["delayed_brn"])
    variance = t["statistical_error"] ** 2 + shape_error**2
    return (ENERGY,), t["observed"], variance, backgrounds, pulls


FORMS = {"energy_time": _energy_time, "energy": _energy, "energy_f90_time": _energy_f90_time}


def _pair(plus: Array, minus: Array, nominal: Array) -> Array:
    """Relative change of +1 sigma from a pair of variants; 0 where nothing is expected."""
    return _ratio(plus - minus, 2.0 * nominal)


def _one_sided(variant: Array, nominal: Array) -> Array:
    """Relative change of +1 sigma from one variant; 0 where nothing is expected."""
    return _ratio(variant - nominal, nominal)


def _ratio(change: Array, nominal: Array) -> Array:
    empty = nominal == 0.0
    return np.where(empty, 0.0, change / np.where(empty, 1.0, nominal))
