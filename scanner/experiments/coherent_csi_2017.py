"""COHERENT CsI[Na], first observation: 14.57 kg at 19.3 m from the SNS, 7.48 GWh.

COHERENT, Science 357, 1123 (2017), arXiv:1708.01294; release arXiv:1804.09459. The same detector as
`coherent_csi_2021`, whose data hold these: the two are never combined.

``energy``: 12 bins of 2 PE, coincidence less anticoincidence, whose variance is the sum of both,
with the pulls of Cadeddu et al., arXiv:1710.02730 and 1908.06045. ``energy_time``: 12 x 12 bins,
Poisson, with the release's arrival times; the steady state is the product of the anticoincidence
window's projections, known to the Poisson error of its sum.

The signal is smeared as whole Poisson numbers of photoelectrons and accepted at the centre of 1-PE
bins, as the release asks. That is an assumption about which bin a number n fills: with the
acceptance at n in place of n + 1/2 there are 6 % fewer events, without any smearing 8 % fewer; what
arrives after 6 us, 8.5 % of the delayed neutrinos, is lost. Neutron-induced neutrons are not in the
release and left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scanner.errors import DataError
from scanner.experiment import BinAxis, Experiment, Pull
from scanner.experiments import _csi_quenching, _tables
from scanner.physics.fluxes.stopped_pion import DELAYED, stopped_pion_flux
from scanner.physics.nuclei import CSI
from scanner.response import CountingResponse

Array = npt.NDArray[np.float64]

NAME = "coherent_csi_2017"
TITLE = "COHERENT CsI 2017"
CHOICES: Mapping[str, tuple[str, ...]] = {
    "analysis": ("energy", "energy_time"),
    "quenching": ("flat_2017", "release_2021"),
}
OVERLAPS = ("coherent_csi_2021",)

ENERGY_EDGES_PE = np.arange(6.0, 31.0, 2.0)
TIME_EDGES_US = np.arange(0.0, 6.5, 0.5)

NEUTRINOS_PER_PROTON = 0.08
PROTONS_ON_TARGET = 1.76e23
EXPOSURE_GWH = 7.47594
BASELINE_M = 19.3
MASS_KG = 14.57
LIGHT_YIELD_PE_PER_KEVEE = 13.348
FLAT_QUENCHING = 0.0878
ACCEPTANCE = (0.6655, 0.4942, 10.8507)
"""a, k, x0 of the release's parameter file, as are the numbers above."""

SIGNAL_WIDTH = {"flat_2017": 0.28, "release_2021": 0.112}
"""28 % of the 2017 paper, 25 % of it from the flat quenching factor 8.78 +- 1.66 %; and 5 %
acceptance with 10 % flux where the quenching curve has its own inputs (arXiv:1908.06045)."""
NEUTRON_WIDTH = 0.25


def load(analysis: str = "energy", quenching: str = "flat_2017") -> Experiment:
    """Experiment from the shipped tables.

    Parameters
    ----------
    analysis : "energy" or "energy_time"
        12 bins of the residual, Gaussian, or 12 x 12 bins of the coincidence window, Poisson.
    quenching : "flat_2017" or "release_2021"
        The constant 8.78 % of the first analysis, or the scintillation curve that COHERENT
        released with its full data set (arXiv:2110.07730). The curve of Collar et al.,
        arXiv:1907.04828, is not public as numbers.
    """
    bins, observed, variance, backgrounds, background_pulls = FORMS[analysis]()
    curved = quenching == "release_2021"
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
        exposure="7.476 GWh, 1.76e23 protons on target",
        response=curved_response() if curved else _response(_flat_kevee),
        timing=_timing(analysis),
        bins=bins,
        observed=observed,
        backgrounds=backgrounds,
        pulls=(
            Pull("csi17_signal", SIGNAL_WIDTH[quenching], signal=1.0),
            Pull("csi17_brn", NEUTRON_WIDTH, backgrounds={"BRN": 1.0}),
            *background_pulls,
        ),
        statistic="poisson" if variance is None else "gaussian",
        variance=variance,
        provenance=_tables.provenance(NAME),
        choices={"analysis": analysis, "quenching": quenching},
        inputs=_csi_quenching.INPUTS if curved else (),
        response_at=curved_response if curved else None,
        constraints=_csi_quenching.CONSTRAINTS if curved else {},
    )


def curved_response(
    *, csi_quenching_pc0: float = 0.0, csi_quenching_pc1: float = 0.0
) -> CountingResponse:
    """Response with the scintillation curve of 2021; nominal with both components at 0.

    Parameters
    ----------
    csi_quenching_pc0, csi_quenching_pc1 : float
        Principal components of the quenching curve, in standard deviations.
    """
    table = _tables.read(NAME, "quenching.csv")
    return _response(_csi_quenching.curve_kevee(table, csi_quenching_pc0, csi_quenching_pc1))


def _flat_kevee(recoil: Array) -> Array:
    return np.asarray(1e3 * FLAT_QUENCHING * recoil)


def _response(quenched: Callable[[Array], Array]) -> CountingResponse:
    def mean(recoil: Array) -> Array:
        # three sigma of both components leave the curve positive up to 100 keV
        return np.maximum(LIGHT_YIELD_PE_PER_KEVEE * quenched(recoil), 0.0)

    return CountingResponse(ENERGY_EDGES_PE, mean, acceptance)


def acceptance(x: Array) -> Array:
    """Acceptance a/(1 + exp(-k (x - x0))) in PE; 0 below 5 and halved between 5 and 6 (release)."""
    a, k, x0 = ACCEPTANCE
    step = np.where(x < 5.0, 0.0, np.where(x < 6.0, 0.5, 1.0))
    return np.asarray(step * a / (1.0 + np.exp(-k * (x - x0))))


def _timing(analysis: str) -> dict[str, Array]:
    """Share of each component in the time bins; of 12 us, hence less than 1 in 6 us."""
    table = _tables.read(NAME, "timing.csv")
    shares = {"nu_mu": table["prompt"], **dict.fromkeys(DELAYED, table["delayed"])}
    if analysis == "energy":
        return {name: share.sum(keepdims=True) for name, share in shares.items()}
    return shares


Form = tuple[tuple[BinAxis, ...], Array, Array | None, Mapping[str, Array], tuple[Pull, ...]]
"""Bins, observed counts, variance (None: Poisson), backgrounds and the pulls of their own."""

ENERGY = BinAxis("energy", "PE", ENERGY_EDGES_PE)
TIME = BinAxis("time", "us", TIME_EDGES_US)


def _counts() -> dict[str, Array]:
    """Columns of the bins, each (n_energy, n_time)."""
    table = _tables.read(NAME, "bins.csv")
    names = ("coincidence", "anticoincidence", "brn")
    return {name: table[name].reshape(ENERGY.n, TIME.n) for name in names}


def _energy() -> Form:
    """12 bins: sigma^2 = C + AC of the residual C - AC."""
    window = {name: counts.sum(axis=1) for name, counts in _counts().items()}
    seen, steady = window["coincidence"], window["anticoincidence"]
    return (ENERGY,), seen - steady, seen + steady, {"BRN": window["brn"]}, ()


def _energy_time() -> Form:
    """12 x 12 bins of the coincidence window."""
    counts = _counts()
    steady = counts["anticoincidence"]
    product = np.outer(steady.sum(axis=1), steady.sum(axis=0)) / steady.sum()
    backgrounds = {"BRN": counts["brn"].ravel(), "SSB": product.ravel()}
    pulls = (Pull("csi17_ssb", 1.0 / math.sqrt(steady.sum()), backgrounds={"SSB": 1.0}),)
    return (ENERGY, TIME), counts["coincidence"].ravel(), None, backgrounds, pulls


FORMS: Mapping[str, Callable[[], Form]] = {"energy": _energy, "energy_time": _energy_time}


# --- the tables, from the release -------------------------------------------------------------

WINDOWS = {
    "coincidence": f"{NAME}/data_coincidence_beamOn.txt",
    "anticoincidence": f"{NAME}/data_anticoincidence_beamOn.txt",
}
ARRIVALS = {
    "prompt": f"{NAME}/arrivalTimePDF_promptNeutrinos.txt",
    "delayed": f"{NAME}/arrivalTimePDF_delayedNeutrinos.txt",
    "neutrons": f"{NAME}/arrivalTimePDF_promptNeutrons.txt",
}
NEUTRONS = f"{NAME}/promptPDF.txt"
QUENCHING = "coherent_csi_2021/scintRespCoefficients.txt"
RELEASE_FILES = (*WINDOWS.values(), *ARRIVALS.values(), NEUTRONS, QUENCHING)


def build(releases: Path) -> _tables.Built:
    """Tables of this experiment from the folder that holds the releases.

    Raises
    ------
    DataError
        If a release file is missing or malformed.
    """
    arrivals = {name: _inside(releases, file, [TIME_EDGES_US]) for name, file in ARRIVALS.items()}
    windows = {
        name: _inside(releases, file, [ENERGY_EDGES_PE, TIME_EDGES_US])
        for name, file in WINDOWS.items()
    }
    brn = np.outer(_neutrons(_numbers(releases, NEUTRONS, 2)), arrivals["neutrons"])
    shares = {name: arrivals[name] for name in ("prompt", "delayed")}
    tables: dict[str, _tables.Table] = {
        "bins.csv": _bin_edges() | windows | {"brn": brn.ravel()},
        "timing.csv": {"time_low_us": TIME_EDGES_US[:-1], "time_high_us": TIME_EDGES_US[1:]}
        | shares,
        "quenching.csv": dict(zip("abcd", _numbers(releases, QUENCHING, 4), strict=True)),
    }
    return _tables.Built(tables, _tables.hashes(releases, RELEASE_FILES))


def _numbers(releases: Path, file: str, n: int) -> Array:
    """Columns of a release file, separated by commas or blanks."""
    return _tables.columns(_tables.release_file(releases, file).replace(b",", b" "), file, n)


def _inside(releases: Path, file: str, edges: Sequence[Array]) -> Array:
    """Contents of the bins whose centres lie inside all edges, slowest observable first."""
    *centres, content = _numbers(releases, file, len(edges) + 1)
    kept = [(ends[0] < x) & (x < ends[-1]) for x, ends in zip(centres, edges, strict=True)]
    found = np.asarray(content[np.logical_and.reduce(kept)])
    expected = math.prod(len(ends) - 1 for ends in edges)
    if len(found) != expected:
        raise DataError(
            f"release file {file} has {len(found)} of the {expected} bins: fetch the release again"
        )
    return found


def _neutrons(columns: Array) -> Array:
    """Accepted prompt neutrons in the 2-PE bins of the analysis, whole exposure."""
    centre, per_gwh = columns
    accepted = per_gwh * acceptance(centre) * EXPOSURE_GWH
    return np.asarray(np.histogram(centre, ENERGY_EDGES_PE, weights=accepted)[0])


def _bin_edges() -> dict[str, Array]:
    low = np.meshgrid(ENERGY_EDGES_PE[:-1], TIME_EDGES_US[:-1], indexing="ij")
    high = np.meshgrid(ENERGY_EDGES_PE[1:], TIME_EDGES_US[1:], indexing="ij")
    names = ("energy_low_pe", "energy_high_pe", "time_low_us", "time_high_us")
    return dict(zip(names, (a.ravel() for a in (low[0], high[0], low[1], high[1])), strict=True))
