"""COHERENT CsI[Na], full data set: 14.6 kg at 19.3 m from the SNS, 13.99 GWh.

COHERENT, Phys. Rev. Lett. 129, 081801 (2022), arXiv:2110.07730 and its ancillary files. Binning and
chi2 as in Atzori Corona et al. (arXiv:2202.11002, 2205.09484, 2303.09360): 9 bins in photoelectrons
x 11 in time, Poisson, four normalisation pulls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from scanner.experiment import BinAxis, Constraint, Electrons, Experiment, Pull
from scanner.experiments import _csi_quenching, _csi_tables, _sns, _tables
from scanner.experiments._csi_tables import (
    ENERGY_EDGES_PE,
    EXPECTED,
    NAME,
    TIME_EDGES_US,
    time_efficiency,
    time_projection,
)
from scanner.experiments._sns import without
from scanner.parameter import Parameter
from scanner.physics.electrons import effective_charge, shell_edges
from scanner.physics.fluxes.stopped_pion import (
    DELAYED,
    delayed_arrival_cdf,
    prompt_arrival_cdf,
    stopped_pion_flux,
)
from scanner.physics.nuclei import CSI
from scanner.response import EnergyResponse, gamma_density, window_shares

Array = npt.NDArray[np.float64]

TITLE = "COHERENT CsI 2021"
CHOICES: Mapping[str, tuple[str, ...]] = {
    "timing": ("gaussian_500ns", "release_profile"),
    "electron_scattering": ("ignored", "signal"),
    "pulls": ("normalisation", "valencia"),
    "quenching_error": ("normalisation", "components"),
    "flux_error": ("own", "shared"),
}
REMARKS = (
    _sns.REMARK,
    'pulls = "valencia" (arXiv:2211.11905) profiles csi_form_factor_scale, csi_beam_shift and '
    'csi_efficiency; quenching_error = "components" csi_quenching_pc0 and csi_quenching_pc1',
)

build = _csi_tables.build
RELEASE_FILES = _csi_tables.RELEASE_FILES

NEUTRINOS_PER_PROTON = 0.0848
PROTONS_ON_TARGET = 3.198e23
BASELINE_M = 19.3
MASS_KG = 14.6
LIGHT_YIELD_PE_PER_KEVEE = 1.0 / 0.0749
SMEARING_SHAPE_PER_KEVEE = 9.56
PULSE_MEAN_US, PULSE_SIGMA_US = 0.50, 0.15
PULL_WIDTHS = {"BRN": 0.25, "NIN": 0.35, "SSB": 0.021}
SIGNAL_WIDTH = 0.12
"""Relative widths of arXiv:2202.11002; the supplement quotes 12-13 % in all for the signal."""
RATE_WIDTH = 0.11
"""Of the flux and the efficiency together, in the form of arXiv:2211.11905."""
QUENCHING_WIDTH = 0.038
"""Part of the signal's error (arXiv:2110.07730), with a pull of its own in arXiv:2211.11905."""

EFFICIENCY, SCALE, SHIFT = "csi_efficiency", "csi_form_factor_scale", "csi_beam_shift"
VALENCIA_INPUTS = (
    Parameter(
        EFFICIENCY,
        "shape",
        default=0.0,
        minimum=-2.0,
        maximum=2.0,
        latex=r"\alpha_7",
        description="CsI efficiency curve, in standard deviations: the release's at -1, 0 and 1",
        shared=True,
    ),
    Parameter(
        SCALE,
        "shape",
        default=1.0,
        minimum=0.75,
        maximum=1.25,
        latex=r"1 + \alpha_4",
        description="factor on the radii of Cs and I: 1.23 A^(1/3) fm of klein_nystrand, the rms "
        "radii of other form factors",
        shared=True,
    ),
    Parameter(
        SHIFT,
        "shape",
        unit="us",
        default=0.0,
        minimum=-0.25,
        maximum=0.25,
        latex=r"\alpha_6",
        description="arrival of beam neutrinos and neutrons at the CsI detector, later than usual",
        shared=True,
    ),
)
NODES = {EFFICIENCY: 3, SCALE: 6, SHIFT: 11}
"""Of the interpolation. A parabola is exact with three; six for the radii are good to 4e-5 of chi2;
eleven for the shift to 2e-3, where the 10-ns steps of the neutrons' arrival times begin."""
ELECTRON_MAX_RECOIL_MEV = 0.015
"""200 photoelectrons on average: 8 standard deviations above the last bin."""


def load(
    timing: str = "gaussian_500ns",
    electron_scattering: str = "ignored",
    pulls: str = "normalisation",
    quenching_error: str = "normalisation",
    flux_error: str = "own",
) -> Experiment:
    """Experiment from the shipped tables.

    Parameters
    ----------
    timing : "gaussian_500ns" or "release_profile"
        Arrival of the proton pulse: a Gaussian with mean 0.50 us and sigma 0.15 us, or the profile
        of the release's own flux file (third party's projection of snsFlux2D.root, 10-ns steps).
    electron_scattering : "ignored" or "signal"
        Whether neutrino-electron scattering, which a scintillator cannot tell from a nuclear
        recoil, counts as signal: free electrons in the steps of arXiv:2205.09484.
    pulls : "normalisation" or "valencia"
        Four normalisations, as Atzori Corona et al. have them; or the form of De Romeri et al.,
        arXiv:2211.11905: mu = (1 + a0 + a5) S(a4, a6, a7) + (1 + a1) BRN(a6) + (1 + a2) NIN(a6) +
        (1 + a3) SSB, with 11 % for flux and efficiency (a0) and 3.8 % for the quenching (a5) on
        the signal, radii good to 5 % (a4: ``csi_form_factor_scale``), a shift of the beam's arrival
        that is free within 250 ns (a6: ``csi_beam_shift``) and the efficiency curve between those
        of the release (a7: ``csi_efficiency``). These three are profiled unless they are fixed.
    quenching_error : "normalisation" or "components"
        Whether the 3.8 % of the quenching are part of the signal's error, or the principal
        components of the curve are profiled in their place.
    flux_error : "own" or "shared"
        Whether the 10 % of the neutrino flux are part of the signal's error, uncorrelated with
        other experiments as in the published combinations, or ``sns_flux`` is profiled, which all
        experiments at the SNS share that are asked for it.
    """
    bins = _csi_tables.read("bins.csv")
    shares = {"gaussian_500ns": _gaussian_shares, "release_profile": _release_shares}[timing]
    inputs = (*_csi_quenching.INPUTS, *VALENCIA_INPUTS)
    constraints = _constraints(pulls, quenching_error)
    if flux_error == "shared":
        inputs, constraints = (*inputs, _sns.FLUX), constraints | {_sns.FLUX.name: _sns.CONSTRAINT}
    return Experiment(
        name=NAME,
        title=TITLE,
        flux=stopped_pion_flux(
            neutrinos_per_proton=NEUTRINOS_PER_PROTON,
            protons=PROTONS_ON_TARGET,
            baseline_m=BASELINE_M,
        ),
        baseline_m=BASELINE_M,
        target=CSI,
        mass_kg=MASS_KG,
        exposure="13.99 GWh, 3.198e23 protons on target",
        response=response(),
        timing=shares(),
        bins=(
            BinAxis("energy", "PE", ENERGY_EDGES_PE),
            BinAxis("time", "us", TIME_EDGES_US),
        ),
        observed=bins["observed"],
        backgrounds={name: bins[name.lower()] for name in EXPECTED},
        pulls=(
            *_signal_pulls(pulls, quenching_error, flux_error),
            *(Pull(f"csi_{z.lower()}", w, backgrounds={z: 1.0}) for z, w in PULL_WIDTHS.items()),
        ),
        statistic="poisson",
        provenance=_tables.provenance(NAME),
        choices={
            "timing": timing,
            "electron_scattering": electron_scattering,
            "pulls": pulls,
            "quenching_error": quenching_error,
            "flux_error": flux_error,
        },
        inputs=inputs,
        response_at=response,
        timing_at=shares,
        backgrounds_at=neutrons,
        constraints=constraints,
        normalisations={_sns.FLUX.name: ()} if flux_error == "shared" else {},
        radius_scale=SCALE,
        nodes=NODES,
        electrons=_electrons() if electron_scattering == "signal" else None,
    )


def _signal_pulls(pulls: str, quenching_error: str, flux_error: str) -> tuple[Pull, ...]:
    """Normalisations of the signal, less what has an input of its own."""
    apart = [_sns.FLUX_ERROR] if flux_error == "shared" else []
    if pulls == "valencia":
        own = (Pull("csi_signal", without(RATE_WIDTH, apart), signal=1.0),)
        if quenching_error == "components":
            return own
        return (*own, Pull("csi_quenching", QUENCHING_WIDTH, signal=1.0))
    apart += [QUENCHING_WIDTH] if quenching_error == "components" else []
    return (Pull("csi_signal", without(SIGNAL_WIDTH, apart), signal=1.0),)


def _constraints(pulls: str, quenching_error: str) -> dict[str, Constraint]:
    """Inputs that are profiled, and what is known of them."""
    found: dict[str, Constraint] = {}
    if pulls == "valencia":
        found = {
            SCALE: Constraint(1.0, 0.05),
            SHIFT: Constraint(0.0, math.inf),
            EFFICIENCY: Constraint(0.0, 1.0),
        }
    if quenching_error == "components":
        found |= _csi_quenching.CONSTRAINTS
    return found


def neutrons(*, csi_beam_shift: float = 0.0) -> dict[str, Array]:
    """Expected counts (n_bins,) of BRN and NIN that arrive `csi_beam_shift` us later than usual.

    The same number of neutrons: those that leave the window are lost, those that are too late are
    accepted less.
    """
    bins, times = _csi_tables.read("bins.csv"), _csi_tables.read("background_time.csv")
    moved = {}
    for z in _csi_tables.PROJECTIONS:
        by_energy = bins[z.lower()].reshape(len(ENERGY_EDGES_PE) - 1, -1).sum(axis=1)
        arrival = partial(time_projection, times["time_us"], times[z.lower()])
        share = arrival(csi_beam_shift) / arrival(0.0).sum()
        moved[z] = np.outer(by_energy, share).ravel()
    return moved


def response(
    *,
    csi_quenching_pc0: float = 0.0,
    csi_quenching_pc1: float = 0.0,
    csi_efficiency: float = 0.0,
) -> EnergyResponse:
    """Photoelectron response of the release; nominal with all of them at 0.

    Parameters
    ----------
    csi_quenching_pc0, csi_quenching_pc1 : float
        Principal components of the quenching curve, in standard deviations.
    csi_efficiency : float
        Of the efficiency curve, in standard deviations.
    """
    table = _csi_tables.read("quenching.csv")
    quenched = _csi_quenching.curve_kevee(table, csi_quenching_pc0, csi_quenching_pc1)
    return _response(quenched, csi_efficiency)


def _electrons() -> Electrons:
    """Electron recoils: no quenching, the light yield and the acceptance of the nuclear ones."""
    symbols = [isotope.symbol for isotope in CSI.composition]
    return Electrons(
        response=_response(lambda recoil: 1e3 * recoil),
        per_nucleus={symbol: partial(effective_charge, symbol) for symbol in symbols},
        knots=np.unique(np.concatenate([shell_edges(symbol) for symbol in symbols])),
        max_recoil=ELECTRON_MAX_RECOIL_MEV,
    )


def _response(quenched: Callable[[Array], Array], sigmas: float = 0.0) -> EnergyResponse:
    """Response with the efficiency curve that many standard deviations above the nominal one."""
    table = _csi_tables.read("efficiency.csv")
    rows = [_row(table, i) for i in range(3)] if sigmas else [_row(table, 0)]
    efficiency: Callable[[Array], Array] = partial(energy_efficiency, coefficients=rows[0])
    if sigmas:
        efficiency = partial(between_curves, curves=rows, sigmas=sigmas)
    return EnergyResponse(
        edges=ENERGY_EDGES_PE,
        knots=np.append(np.arange(1.0, 60.0), [_threshold(row) for row in rows]),
        quenched=quenched,
        density=partial(
            gamma_density,
            yield_at_one=LIGHT_YIELD_PE_PER_KEVEE,
            shape_slope=SMEARING_SHAPE_PER_KEVEE,
        ),
        efficiency=efficiency,
    )


def between_curves(x: Array, *, curves: Sequence[tuple[float, ...]], sigmas: float) -> Array:
    """Acceptance at x (PE): at each energy the parabola in `sigmas` through three curves.

    Counts are a parabola, too, and their interpolation is exact. Between the thresholds of the
    three curves (6.3 to 7.9 PE) it falls below zero: by 0.007 between 0 and -1, by 0.04 at -2.

    Parameters
    ----------
    curves : sequence of coefficients
        The nominal curve, that of +1 and that of -1 standard deviation.
    """
    nominal, above, below = (energy_efficiency(x, coefficients=c) for c in curves)
    tilt, bend = 0.5 * (above - below), 0.5 * (above + below) - nominal
    return np.asarray(nominal + sigmas * tilt + sigmas**2 * bend)


def energy_efficiency(x: Array, *, coefficients: tuple[float, ...]) -> Array:
    """Acceptance max(0, a/(1 + exp(-b (x - c))) + d), x in PE (release, effCoefficients)."""
    a, b, c, d = coefficients
    return np.maximum(a / (1.0 + np.exp(-b * (x - c))) + d, 0.0)


def _threshold(coefficients: tuple[float, ...]) -> float:
    """Where the acceptance leaves zero: a kink that the quadrature must know."""
    a, b, c, d = coefficients
    return float(c - np.log(-a / d - 1.0) / b)


def _row(table: _tables.Table, index: int) -> tuple[float, ...]:
    return tuple(float(table[key][index]) for key in "abcd")


def _gaussian_shares(*, csi_beam_shift: float = 0.0) -> dict[str, Array]:
    """Accepted share of each component in the time bins, with the beam that much (us) later."""
    pulse = {"mean": PULSE_MEAN_US + csi_beam_shift, "sigma": PULSE_SIGMA_US}
    prompt = window_shares(partial(prompt_arrival_cdf, **pulse), TIME_EDGES_US, time_efficiency)
    delayed = window_shares(partial(delayed_arrival_cdf, **pulse), TIME_EDGES_US, time_efficiency)
    return {"nu_mu": prompt, **dict.fromkeys(DELAYED, delayed)}


def _release_shares(*, csi_beam_shift: float = 0.0) -> dict[str, Array]:
    """The same with the profile of the release in place of the Gaussian."""
    table = _csi_tables.read("timing_release_profile.csv")
    if csi_beam_shift:
        table = _csi_tables.profile_shares(csi_beam_shift)
    return {"nu_mu": table["prompt"], **dict.fromkeys(DELAYED, table["delayed"])}
