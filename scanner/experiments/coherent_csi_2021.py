"""COHERENT CsI[Na], full data set: 14.6 kg at 19.3 m from the SNS, 13.99 GWh.

COHERENT, Phys. Rev. Lett. 129, 081801 (2022), arXiv:2110.07730 and its ancillary files. Binning and
chi2 as in Atzori Corona et al. (arXiv:2202.11002, 2205.09484, 2303.09360): 9 bins in photoelectrons
x 11 in time, Poisson, four normalisation pulls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scanner.experiment import BinAxis, Electrons, Experiment, Pull
from scanner.experiments import _tables
from scanner.parameter import Parameter
from scanner.physics.constants import MUON_LIFETIME_US
from scanner.physics.electrons import effective_charge, shell_edges
from scanner.physics.fluxes.stopped_pion import (
    DELAYED,
    delayed_arrival_cdf,
    prompt_arrival_cdf,
    stopped_pion_flux,
)
from scanner.physics.nuclei import CSI
from scanner.physics.quenching import polynomial_kevee
from scanner.response import EnergyResponse, gamma_density, window_shares

Array = npt.NDArray[np.float64]

NAME = "coherent_csi_2021"
TITLE = "COHERENT CsI 2021"
CHOICES: Mapping[str, tuple[str, ...]] = {
    "timing": ("gaussian_500ns", "release_profile"),
    "electron_scattering": ("ignored", "signal"),
}

ENERGY_EDGES_PE = np.array([0, 8, 12, 16, 20, 24, 32, 40, 50, 60], dtype=float)
TIME_EDGES_US = np.array([0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1, 2, 4, 6], dtype=float)

NEUTRINOS_PER_PROTON = 0.0848
PROTONS_ON_TARGET = 3.198e23
BASELINE_M = 19.3
MASS_KG = 14.6
LIGHT_YIELD_PE_PER_KEVEE = 1.0 / 0.0749
SMEARING_SHAPE_PER_KEVEE = 9.56
PULSE_MEAN_US, PULSE_SIGMA_US = 0.50, 0.15
LATE_LOSS_PER_US, LATE_START_US = 0.0494, 0.52
EXPECTED = {"BRN": 18.4, "NIN": 5.6, "SSB": 1286.0}
PULL_WIDTHS = {"BRN": 0.25, "NIN": 0.35, "SSB": 0.021}
SIGNAL_WIDTH = 0.12
"""Relative widths of arXiv:2202.11002; the supplement quotes 12-13 % in all for the signal."""

QUENCHING_COMPONENTS = ("csi_quenching_pc0", "csi_quenching_pc1")
"""Principal components of the quenching curve's error band; rows 1-2 and 3-4 of the table are their
+1 and -1 sigma curves, which lie on both sides of the nominal one alike."""
INPUTS = tuple(
    Parameter(
        name,
        "shape",
        default=0.0,
        minimum=-3.0,
        maximum=3.0,
        latex=rf"Q_{i}",
        description=f"principal component {i} of the CsI quenching curve, in standard deviations",
        shared=True,
    )
    for i, name in enumerate(QUENCHING_COMPONENTS)
)
ELECTRON_MAX_RECOIL_MEV = 0.015
"""200 photoelectrons on average: 8 standard deviations above the last bin."""


def load(timing: str = "gaussian_500ns", electron_scattering: str = "ignored") -> Experiment:
    """Experiment from the shipped tables.

    Parameters
    ----------
    timing : "gaussian_500ns" or "release_profile"
        Arrival of the proton pulse: a Gaussian with mean 0.50 us and sigma 0.15 us, or the profile
        of the release's own flux file (third party's projection of snsFlux2D.root, 10-ns steps).
    electron_scattering : "ignored" or "signal"
        Whether neutrino-electron scattering, which a scintillator cannot tell from a nuclear
        recoil, counts as signal: free electrons in the steps of arXiv:2205.09484.
    """
    bins = _tables.read(NAME, "bins.csv")
    shares = {"gaussian_500ns": _gaussian_shares, "release_profile": _release_shares}[timing]()
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
        timing=shares,
        bins=(
            BinAxis("energy", "PE", ENERGY_EDGES_PE),
            BinAxis("time", "us", TIME_EDGES_US),
        ),
        observed=bins["observed"],
        backgrounds={name: bins[name.lower()] for name in EXPECTED},
        pulls=(
            Pull("csi_signal", SIGNAL_WIDTH, signal=1.0),
            *(Pull(f"csi_{z.lower()}", w, backgrounds={z: 1.0}) for z, w in PULL_WIDTHS.items()),
        ),
        statistic="poisson",
        provenance=_tables.provenance(NAME),
        choices={"timing": timing, "electron_scattering": electron_scattering},
        inputs=INPUTS,
        response_at=response,
        electrons=_electrons() if electron_scattering == "signal" else None,
    )


def response(*, csi_quenching_pc0: float = 0.0, csi_quenching_pc1: float = 0.0) -> EnergyResponse:
    """Photoelectron response of the release; nominal with both components at 0.

    Parameters
    ----------
    csi_quenching_pc0, csi_quenching_pc1 : float
        Principal components of the quenching curve, in standard deviations.
    """
    rows = np.array([_row(_tables.read(NAME, "quenching.csv"), i) for i in range(5)])
    changes = 0.5 * (rows[[1, 3]] - rows[[2, 4]])
    curve = rows[0] + csi_quenching_pc0 * changes[0] + csi_quenching_pc1 * changes[1]
    return _response(partial(polynomial_kevee, coefficients=tuple(curve.tolist())))


def _electrons() -> Electrons:
    """Electron recoils: no quenching, the light yield and the acceptance of the nuclear ones."""
    symbols = [isotope.symbol for isotope in CSI.composition]
    return Electrons(
        response=_response(lambda recoil: 1e3 * recoil),
        per_nucleus={symbol: partial(effective_charge, symbol) for symbol in symbols},
        knots=np.unique(np.concatenate([shell_edges(symbol) for symbol in symbols])),
        max_recoil=ELECTRON_MAX_RECOIL_MEV,
    )


def _response(quenched: Callable[[Array], Array]) -> EnergyResponse:
    efficiency = _row(_tables.read(NAME, "efficiency.csv"), 0)
    return EnergyResponse(
        edges=ENERGY_EDGES_PE,
        knots=np.append(np.arange(1.0, 60.0), _threshold(efficiency)),
        quenched=quenched,
        density=partial(
            gamma_density,
            yield_at_one=LIGHT_YIELD_PE_PER_KEVEE,
            shape_slope=SMEARING_SHAPE_PER_KEVEE,
        ),
        efficiency=partial(energy_efficiency, coefficients=efficiency),
    )


def energy_efficiency(x: Array, *, coefficients: tuple[float, ...]) -> Array:
    """Acceptance max(0, a/(1 + exp(-b (x - c))) + d), x in PE (release, effCoefficients)."""
    a, b, c, d = coefficients
    return np.maximum(a / (1.0 + np.exp(-b * (x - c))) + d, 0.0)


def _threshold(coefficients: tuple[float, ...]) -> float:
    """Where the acceptance leaves zero: a kink that the quadrature must know."""
    a, b, c, d = coefficients
    return float(c - np.log(-a / d - 1.0) / b)


def time_efficiency(t: Array) -> Array:
    """Acceptance in time: 1 below 0.52 us, then exp(-0.0494 (t - 0.52)) (release)."""
    return np.exp(-LATE_LOSS_PER_US * np.maximum(t - LATE_START_US, 0.0))


def _row(table: _tables.Table, index: int) -> tuple[float, ...]:
    return tuple(float(table[key][index]) for key in "abcd")


def _gaussian_shares() -> dict[str, Array]:
    pulse = {"mean": PULSE_MEAN_US, "sigma": PULSE_SIGMA_US}
    prompt = window_shares(partial(prompt_arrival_cdf, **pulse), TIME_EDGES_US, time_efficiency)
    delayed = window_shares(partial(delayed_arrival_cdf, **pulse), TIME_EDGES_US, time_efficiency)
    return {"nu_mu": prompt, **dict.fromkeys(DELAYED, delayed)}


def _release_shares() -> dict[str, Array]:
    table = _tables.read(NAME, "timing_release_profile.csv")
    return {"nu_mu": table["prompt"], **dict.fromkeys(DELAYED, table["delayed"])}


# --- the tables, from the release -------------------------------------------------------------

COINCIDENCE = f"{NAME}/dataBeamOnC.txt"
ANTICOINCIDENCE = f"{NAME}/dataBeamOnAC.txt"
PROMPT_PROFILE = "sns_timing_csi2021_transcribed/prompt_numu_time_profile_10ns.csv"
PROJECTIONS = {
    z: (f"{NAME}/{z.lower()}PE.txt", f"{NAME}/{z.lower()}Trec.txt") for z in ("BRN", "NIN")
}
RESPONSE_FILES = {
    "quenching.csv": f"{NAME}/scintRespCoefficients.txt",
    "efficiency.csv": f"{NAME}/effCoefficients.txt",
}
RELEASE_FILES = (
    COINCIDENCE,
    ANTICOINCIDENCE,
    PROMPT_PROFILE,
    *(file for pair in PROJECTIONS.values() for file in pair),
    *RESPONSE_FILES.values(),
)


def build(releases: Path) -> _tables.Built:
    """Tables of this experiment from the folder that holds the releases.

    Raises
    ------
    DataError
        If a release file is missing or malformed.
    """

    def numbers(file: str, n: int) -> Array:
        return _tables.columns(_tables.release_file(releases, file), file, n)

    observed = _histogram(numbers(COINCIDENCE, 2))
    anticoincidence = _histogram(numbers(ANTICOINCIDENCE, 2))
    templates = {
        z: np.outer(_projection(numbers(pe, 2)), _time_projection(numbers(time, 2)))
        for z, (pe, time) in PROJECTIONS.items()
    }
    templates["SSB"] = np.outer(anticoincidence.sum(axis=1), _steady_state_time())
    bins = {"observed": observed, "anticoincidence": anticoincidence} | {
        z.lower(): EXPECTED[z] * shape / shape.sum() for z, shape in templates.items()
    }
    tables: dict[str, _tables.Table] = {
        "bins.csv": _bin_edges() | {key: value.ravel() for key, value in bins.items()},
        "timing_release_profile.csv": _profile_shares(_profile(releases)),
    }
    for table, file in RESPONSE_FILES.items():
        tables[table] = dict(zip("abcd", numbers(file, 4), strict=True))
    return _tables.Built(tables, _tables.hashes(releases, RELEASE_FILES))


def _bin_edges() -> dict[str, Array]:
    low = np.meshgrid(ENERGY_EDGES_PE[:-1], TIME_EDGES_US[:-1], indexing="ij")
    high = np.meshgrid(ENERGY_EDGES_PE[1:], TIME_EDGES_US[1:], indexing="ij")
    names = ("energy_low_pe", "energy_high_pe", "time_low_us", "time_high_us")
    return dict(zip(names, (a.ravel() for a in (low[0], high[0], low[1], high[1])), strict=True))


def _histogram(events: Array) -> Array:
    """Events (2, n) of energy (PE) and time (us), counted in the bins, shape (9, 11)."""
    energy, time = events
    inside = (energy < ENERGY_EDGES_PE[-1]) & (time < TIME_EDGES_US[-1])
    counts, _, _ = np.histogram2d(
        energy[inside], time[inside], bins=(ENERGY_EDGES_PE, TIME_EDGES_US)
    )
    return np.asarray(counts)


def _projection(pe: Array) -> Array:
    """1-PE bins summed into the energy bins (their edges are whole numbers)."""
    centre, content = pe
    return np.asarray(np.histogram(centre, bins=ENERGY_EDGES_PE, weights=content)[0])


def _time_projection(trec: Array) -> Array:
    """10-ns bins times the time efficiency, which the release leaves out, in the time bins.

    Bins that an edge cuts are shared out by length: the cumulative sum is interpolated.
    """
    centre, content = trec
    step = centre[1] - centre[0]
    ends = np.append(centre - 0.5 * step, centre[-1] + 0.5 * step)
    cumulative = np.append(0.0, np.cumsum(content * time_efficiency(centre)))
    return np.diff(np.interp(TIME_EDGES_US, ends, cumulative))


def _steady_state_time() -> Array:
    """exp(-0.0494 t) integrated over the time bins."""
    return -np.diff(np.exp(-LATE_LOSS_PER_US * TIME_EDGES_US)) / LATE_LOSS_PER_US


def _profile(releases: Path) -> tuple[Array, Array]:
    """Arrival density of nu_mu on a 1-ns grid: the 10-ns profile over the time efficiency."""
    lines = _tables.release_file(releases, PROMPT_PROFILE).splitlines()
    rows = [line.replace(b",", b" ") for line in lines if line[:1].isdigit()]
    sampled = _tables.columns(b"\n".join(rows), PROMPT_PROFILE, 2)
    t = np.arange(0.0, TIME_EDGES_US[-1] + 5e-4, 1e-3)
    rate = np.interp(t, sampled[0], sampled[1], left=0.0, right=0.0) / time_efficiency(t)
    return t, rate / np.trapezoid(rate, t)


def _profile_shares(profile: tuple[Array, Array]) -> _tables.Table:
    """Accepted share per time bin of the prompt profile and of its fold with the muon decay."""
    # only for building the tables: these take half a second to import
    from scipy.integrate import cumulative_trapezoid
    from scipy.signal import lfilter

    t, prompt = profile
    decay = np.exp(-(t[1] - t[0]) / MUON_LIFETIME_US)
    # exponential filter of unit gain: one step after another, later arrivals only
    delayed = lfilter([0.0, 1.0 - decay], [1.0, -decay], prompt)

    def share(density: Array) -> Array:
        cumulative = cumulative_trapezoid(density * time_efficiency(t), t, initial=0)
        return np.diff(np.interp(TIME_EDGES_US, t, cumulative))

    return {
        "time_low_us": TIME_EDGES_US[:-1],
        "time_high_us": TIME_EDGES_US[1:],
        "prompt": share(prompt),
        "delayed": share(np.asarray(delayed)),
    }
