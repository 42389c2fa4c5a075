"""Bins of the CsI release of 2021, and the shipped tables that are made from it.

``bins.csv`` holds the counts and the expected backgrounds in 9 x 11 bins of energy and time,
``background_time.csv`` the arrival times of the neutron backgrounds in the release's 10-ns bins,
``prompt_profile.csv`` the arrival of the prompt neutrinos in 10-ns steps and
``timing_release_profile.csv`` the shares in the time bins that follow, the others the curves of the
response.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from scanner.experiments import _tables
from scanner.physics.constants import MUON_LIFETIME_US

Array = npt.NDArray[np.float64]

NAME = "coherent_csi_2021"

ENERGY_EDGES_PE = np.array([0, 8, 12, 16, 20, 24, 32, 40, 50, 60], dtype=float)
TIME_EDGES_US = np.array([0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1, 2, 4, 6], dtype=float)
EXPECTED = {"BRN": 18.4, "NIN": 5.6, "SSB": 1286.0}
LATE_LOSS_PER_US, LATE_START_US = 0.0494, 0.52
LARGEST_SHIFT_US = 0.25

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


def read(table: str) -> _tables.Table:
    """Columns of one shipped table."""
    return _tables.read(NAME, table)


def time_efficiency(t: Array) -> Array:
    """Acceptance in time: 1 below 0.52 us, then exp(-0.0494 (t - 0.52)) (release)."""
    return np.exp(-LATE_LOSS_PER_US * np.maximum(t - LATE_START_US, 0.0))


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
    times = {z: numbers(time, 2) for z, (_, time) in PROJECTIONS.items()}
    tables: dict[str, _tables.Table] = {
        "background_time.csv": {"time_us": times["BRN"][0]}
        | {z.lower(): content for z, (_, content) in times.items()},
        "bins.csv": _bin_edges() | {key: value.ravel() for key, value in bins.items()},
        "prompt_profile.csv": dict(zip(("time_us", "rate"), _sampled(releases), strict=True)),
        "timing_release_profile.csv": _profile_shares(_density(*_sampled(releases))),
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
    """10-ns bins (2, n) times the time efficiency, which the release leaves out, in the time bins.

    Bins that an edge cuts are shared out by length: the cumulative sum is interpolated.
    """
    return time_projection(*trec)


def time_projection(centre: Array, content: Array, shift: float = 0.0) -> Array:
    """Accepted share in the time bins of arrivals in narrow bins, `shift` us later.

    Parameters
    ----------
    centre, content : array (n,)
        Centres (us, equally far apart) and contents of the narrow bins.
    """
    late = centre + shift
    step = centre[1] - centre[0]
    ends = np.append(late - 0.5 * step, late[-1] + 0.5 * step)
    cumulative = np.append(0.0, np.cumsum(content * time_efficiency(late)))
    return np.diff(np.interp(TIME_EDGES_US, ends, cumulative))


def _steady_state_time() -> Array:
    """exp(-0.0494 t) integrated over the time bins."""
    return -np.diff(np.exp(-LATE_LOSS_PER_US * TIME_EDGES_US)) / LATE_LOSS_PER_US


def profile_shares(shift: float = 0.0) -> _tables.Table:
    """Accepted shares in the time bins of the release's profile, `shift` us later."""
    table = read("prompt_profile.csv")
    return _profile_shares(_density(table["time_us"], table["rate"]), shift)


def _sampled(releases: Path) -> Array:
    """Times (us) of the release's prompt profile, and its rates, (2, n)."""
    lines = _tables.release_file(releases, PROMPT_PROFILE).splitlines()
    rows = [line.replace(b",", b" ") for line in lines if line[:1].isdigit()]
    return _tables.columns(b"\n".join(rows), PROMPT_PROFILE, 2)


def _density(time: Array, rate: Array) -> tuple[Array, Array]:
    """Arrival density of nu_mu on a 1-ns grid: the 10-ns profile over the time efficiency."""
    t = np.arange(0.0, TIME_EDGES_US[-1] + LARGEST_SHIFT_US + 5e-4, 1e-3)
    arriving = np.interp(t, time, rate, left=0.0, right=0.0) / time_efficiency(t)
    return t, arriving / np.trapezoid(arriving, t)


def _profile_shares(profile: tuple[Array, Array], shift: float = 0.0) -> _tables.Table:
    """Accepted share per time bin of the prompt profile and of its fold with the muon decay."""
    t, prompt = profile
    step = t[1] - t[0]
    decay = np.exp(-step / MUON_LIFETIME_US)
    # exponential filter of unit gain: later arrivals only, each after a wait of whole steps
    growth = decay ** -np.arange(len(t))
    waited = np.append(0.0, np.cumsum(prompt * growth)[:-1]) / growth * (1.0 - decay) / decay

    def share(density: Array) -> Array:
        accepted = density * time_efficiency(t + shift)
        cumulative = np.append(0.0, np.cumsum(0.5 * step * (accepted[1:] + accepted[:-1])))
        return np.diff(np.interp(TIME_EDGES_US, t + shift, cumulative))

    return {
        "time_low_us": TIME_EDGES_US[:-1],
        "time_high_us": TIME_EDGES_US[1:],
        "prompt": share(prompt),
        "delayed": share(waited),
    }
