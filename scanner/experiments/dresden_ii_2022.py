"""NCC-1701 at Dresden-II: 2.924 kg of germanium about 10 m from a 2.96 GW reactor, 96.4 days on.

Colaresi et al., Phys. Rev. Lett. 129, 211802 (2022), arXiv:2202.09672, and its data release.
Response, background and chi2 as in the analysis of Coloma et al., arXiv:2202.10829 (constants of an
author's public code): 130 bins of 10 eV, the error of each in the release, and a background of
seven parameters that is fitted anew for every signal,

    N + A exp(-B E) + L1 + L2 + M,   M/L1 = rho by area,

a constant, an exponential, and the electron capture lines of the L1, L2 and M shells of Ge-71. It
is compared at the middle of the bins, and no height is negative.

The release gives rates per day; here they are counts in 96.4 days, errors alike, so that chi2 is
the same. Errors are larger than sqrt(counts): they hold the correction for the trigger efficiency.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from scanner.experiment import BinAxis, Electrons, Experiment, curve_pulls
from scanner.experiments import _tables
from scanner.physics.electrons import effective_charge, shell_edges
from scanner.physics.fluxes.reactor import reactor_flux
from scanner.physics.isotopes import material
from scanner.statistics.background import BackgroundCurve, Free

Array = npt.NDArray[np.float64]

NAME = "dresden_ii_2022"
TITLE = "Dresden-II Ge 2022"
REMARKS = (
    "the published flux of 4.8e13 per cm2 and s is spread over the fission spectrum alone, as the "
    "published analyses do; power and distance give 4.0e13, or 4.9e13 with neutron captures",
)
"""What `scanner show` says of it."""
CHOICES: Mapping[str, tuple[str, ...]] = {
    "quenching": ("fef", "ybe"),
    "electron_scattering": ("ignored", "signal"),
    "rho_prior": ("absolute", "relative"),
    "spectrum": ("mvhe", "mueller", "huber_mueller", "bestiole"),
}

ENERGY_EDGES_KEVEE = np.linspace(0.2, 1.5, 131)
MASS_KG = 2.924
DAYS = 96.4
BASELINE_M = 10.0
FLUX_PER_CM2_S = 4.8e13
FISSION_FRACTIONS = {"U235": 0.58, "Pu239": 0.29, "U238": 0.08, "Pu241": 0.05}
SECONDS_PER_DAY = 86400.0

NOISE_KEV = 0.0685
"""Standard deviation of the electronic noise."""
FANO, IONISATION_KEV = 0.11, 0.00296
"""Fano factor, and energy of one electron-hole pair: the least ionisation that there is."""
ELECTRON_MAX_RECOIL_MEV = 0.0022
"""9 standard deviations above the last bin."""

L2_KEV, L2_SHARE = 1.142, 0.008
M_KEV, M_WIDTH_KEV = 0.158, NOISE_KEV
"""Lines of the electron capture on Ge-71; of L1 height, place and width are fitted."""
RHO, RHO_ERRORS = 0.16, {"absolute": 0.03, "relative": 0.03 * 0.16}

# name, nominal, step; name, component, nominal, step, low, high: near the fit of the Standard
# Model with the iron-filter quenching, which is the background of toys and of Asimov's data
HEIGHTS = (("constant", 13.9, 0.3), ("exponential", 139.0, 7.0), ("lines", 84.6, 0.6))
SLOPE = ("dresden_slope", "exponential", 3.88, 0.12, 0.5, 60.0)
L1_CENTRE = ("dresden_l1_centre", "lines", 1.2923, 0.0005, 1.2, 1.4)
L1_WIDTH = ("dresden_l1_width", "lines", 0.0696, 0.0005, 0.02, 0.2)
STARTING_SLOPES = (3.9, 0.6, 1.5, 8.0, 16.0, 32.0, 55.0)
STARTING_LINES = ((1.292, 0.0693), (1.25, 0.1), (1.34, 0.1), (1.3, 0.15), (1.29, 0.04))
"""keV^-1; keV, centre and width of L1: beside a signal that looks like a part of the background,
that part is another one."""


def load(
    quenching: str = "fef",
    electron_scattering: str = "ignored",
    rho_prior: str = "absolute",
    spectrum: str = "mvhe",
) -> Experiment:
    """Experiment from the shipped tables.

    Parameters
    ----------
    quenching : "fef" or "ybe"
        Quenching factor from the iron-filter or from the photoneutron measurement (release).
    electron_scattering : "ignored" or "signal"
        Whether neutrino-electron scattering counts as signal: free electrons in the steps of the
        shells of germanium. Published magnetic moments and charges count it; the default does not,
        because a scenario that says nothing of electrons could not be asked otherwise.
    rho_prior : "absolute" or "relative"
        What is known of the ratio of the M and L1 lines: 0.16 +- 0.03 as the papers have it, or
        3 % as the public code; limits differ by less than 3 %.
    spectrum : str
        Reactor spectrum, one of `scanner.physics.fluxes.reactor.MODELS`.
    """
    bins = _tables.read(NAME, "bins.csv")
    energy = 0.5 * (bins["energy_low_kevee"] + bins["energy_high_kevee"])
    curve = background_curve(energy, rho_prior)
    counted = response(quenching)
    return Experiment(
        name=NAME,
        title=TITLE,
        flux=reactor_flux(
            model=spectrum,
            fluence=FLUX_PER_CM2_S * DAYS * SECONDS_PER_DAY,
            fractions=FISSION_FRACTIONS,
        ),
        baseline_m=BASELINE_M,
        target=material("Ge"),
        mass_kg=MASS_KG,
        exposure=f"{DAYS} days with the reactor on, {FLUX_PER_CM2_S:g} antineutrinos/cm^2/s",
        response=counted,
        timing={"nubar_e": np.ones(1)},
        bins=(BinAxis("energy", "keVee", ENERGY_EDGES_KEVEE),),
        observed=DAYS * bins["on_rate"],
        backgrounds=curve.components(np.zeros(len(curve.free))),
        pulls=curve_pulls(curve),
        statistic="gaussian",
        provenance=_tables.provenance(NAME),
        variance=np.square(DAYS * bins["on_error"]),
        choices={
            "quenching": quenching,
            "electron_scattering": electron_scattering,
            "rho_prior": rho_prior,
            "spectrum": spectrum,
        },
        electrons=_electrons() if electron_scattering == "signal" else None,
        response_steps=(least_recoil(quenching),),
        background_curve=curve,
    )


# --- response ---------------------------------------------------------------------------------


def response(quenching: str) -> Callable[[Array], Array]:
    """Probability (130, n) that a nuclear recoil (MeV, (n,)) is counted in each bin."""
    return partial(_accepted, quenched=partial(ionisation, quenching=quenching))


def ionisation(recoil: Array, *, quenching: str) -> Array:
    """E_ee = QF(T) T in keVee of a nuclear recoil in MeV, linear between the points of the table.

    The last factor, at 4.5 keV, holds above: no reactor antineutrino gives that much.
    """
    table = _tables.read(NAME, "quenching.csv")
    kev = 1e3 * np.asarray(recoil, dtype=np.float64)
    return np.asarray(kev * np.interp(kev, table["recoil_kevnr"], table[quenching]))


def least_recoil(quenching: str) -> float:
    """Nuclear recoil (MeV) that makes one electron-hole pair."""
    table = _tables.read(NAME, "quenching.csv")
    kev = np.linspace(0.0, 0.02, 20001)
    made = kev * np.interp(kev, table["recoil_kevnr"], table[quenching])
    return float(1e-3 * np.interp(IONISATION_KEV, made, kev))


def resolution(energy: Array) -> Array:
    """Standard deviation in keVee: sqrt(noise^2 + Fano x 2.96 eV x E)."""
    return np.sqrt(NOISE_KEV**2 + FANO * IONISATION_KEV * energy)


def _accepted(recoil: Array, *, quenched: Callable[[Array], Array]) -> Array:
    """A Gaussian that is normalised above zero, of all that makes a pair of charges."""
    energy = quenched(np.asarray(recoil, dtype=np.float64))
    sigma = resolution(energy)
    below = ndtr((ENERGY_EDGES_KEVEE[:, np.newaxis] - energy) / sigma)
    # 2/(1 + erf(E/(sqrt(2) sigma))) = 1/Phi(E/sigma)
    return np.asarray(np.diff(below, axis=0) / ndtr(energy / sigma) * (energy >= IONISATION_KEV))


def _electrons() -> Electrons:
    """Electron recoils: no quenching, the resolution of the nuclear ones."""
    return Electrons(
        response=partial(_accepted, quenched=lambda recoil: 1e3 * recoil),
        per_nucleus={"Ge": partial(effective_charge, "Ge")},
        knots=np.unique([1e-3 * IONISATION_KEV, *shell_edges("Ge")]),
        max_recoil=ELECTRON_MAX_RECOIL_MEV,
    )


# --- background -------------------------------------------------------------------------------


def background_curve(energy: Array, rho_prior: str) -> BackgroundCurve:
    """The background at energies (keVee, (n_bins,)): heights in counts per day and 10 eV."""
    error = RHO_ERRORS[rho_prior]
    rho = Free("dresden_m_to_l1", "lines", RHO, error, 0.0, 1.5, measured=True)
    shapes = (Free(*SLOPE), Free(*L1_CENTRE), Free(*L1_WIDTH), rho)
    starts = [
        (slope, *line, RHO) for slope, line in itertools.product(STARTING_SLOPES, STARTING_LINES)
    ]
    return BackgroundCurve(
        heights=tuple(Free(f"dresden_{name}", name, n, step) for name, n, step in HEIGHTS),
        shapes=shapes,
        forms=partial(_forms, energy=energy),
        slopes=partial(_slopes, energy=energy),
        starts=np.array(starts),
    )


def _forms(theta: Array, *, energy: Array) -> Array:
    """Constant, exponential and lines of unit height, (n, 3, n_bins), in counts."""
    slope, centre, width, rho = theta.T[..., np.newaxis]
    constant = np.ones((len(theta), len(energy)))
    lines = _gaussian(energy, centre, width) + L2_SHARE * _gaussian(energy, L2_KEV, width)
    lines = lines + rho * width / M_WIDTH_KEV * _gaussian(energy, M_KEV, M_WIDTH_KEV)
    return DAYS * np.stack([constant, np.exp(-slope * energy), lines], axis=1)


def _slopes(theta: Array, heights: Array, *, energy: Array) -> Array:
    """Derivatives of the curve by slope, centre, width and rho, (n, 4, n_bins)."""
    slope, centre, width, rho = theta.T[..., np.newaxis]
    _, exponential, lines = heights.T[..., np.newaxis]
    l1, l2 = _gaussian(energy, centre, width), _gaussian(energy, L2_KEV, width)
    m = _gaussian(energy, M_KEV, M_WIDTH_KEV) / M_WIDTH_KEV
    by_width = l1 * (energy - centre) ** 2 + L2_SHARE * l2 * (energy - L2_KEV) ** 2
    rows = (
        -exponential * energy * np.exp(-slope * energy),
        lines * l1 * (energy - centre) / width**2,
        lines * (by_width / width**3 + rho * m),
        lines * width * m,
    )
    return DAYS * np.stack(rows, axis=1)


def _gaussian(energy: Array, centre: Array | float, width: Array | float) -> Array:
    return np.asarray(np.exp(-0.5 * ((energy - centre) / width) ** 2))


# --- the tables, from the release -------------------------------------------------------------

RATES = f"{NAME}/data_release.txt"
QUENCHING = f"{NAME}/QF_Fef_YBe.txt"
RELEASE_FILES = (RATES, QUENCHING)


def build(releases: Path) -> _tables.Built:
    """Tables of this experiment from the folder that holds the releases.

    Raises
    ------
    DataError
        If a release file is missing or malformed.
    """

    def numbers(file: str, n: int) -> Array:
        return _tables.columns(_tables.release_file(releases, file), file, n)

    centre, *rates = numbers(RATES, 5)
    names = ("on_rate", "on_error", "off_rate", "off_error")
    edges = {
        "energy_low_kevee": (centre - 0.005).round(6),
        "energy_high_kevee": (centre + 0.005).round(6),
    }
    tables = {
        "bins.csv": edges | dict(zip(names, rates, strict=True)),
        "quenching.csv": dict(
            zip(("recoil_kevnr", "fef", "ybe"), numbers(QUENCHING, 3), strict=True)
        ),
    }
    return _tables.Built(tables, _tables.hashes(releases, RELEASE_FILES))
