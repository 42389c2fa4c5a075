"""XENONnT, solar 8B neutrinos on xenon: runs SR0, SR1 and SR2, 6.77 t yr.

XENON, arXiv:2604.06002 and its release (doi:10.5281/zenodo.20576156); first indication in Phys.
Rev. Lett. 133, 191002 (2024), arXiv:2408.02877. Counts in 3 runs x 81 bins of cS2, S2 shadow and
two scores, Poisson.

Signal. The release gives the probability that a recoil of 0.5, 0.6 ... 5.0 keV is selected in each
bin, at 7 x 7 values of the light and the charge yield from -3 to 3 standard deviations. Between
recoils the probability is linear, below 0.5 keV (selected: 1e-4) and above 5.0 keV it is zero. The
release's own sum in steps of 0.1 keV is 0.4 % below that integral. Between yields it is a cubic
spline in each, profiled or not. Any recoil spectrum of a scenario is folded with them.

Backgrounds. Accidental coincidences, electronic recoils and neutrons, templates of the release. The
errors of their norms are in the papers, not in the release: 5, 20 and 50 % are assumptions. Common
to all runs they give 26.6 +- 1.3 in SR0 and SR1, where arXiv:2408.02877 has 26.4 +1.4 -1.3. The
neutron template moves with the yields by 15 % per standard deviation, 0.1 events: left out.

Neutrino-electron scattering is an electronic recoil, which the selection rejects: left out.

Flux. 8B of the B16-GS98 model with its error of 12 % (arXiv:1611.09867), hep, and the flavours of
adiabatic conversion in the Sun. A scenario changes the scattering only: with ``nsi`` the
propagation stays the standard one, although such interactions would change it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from scanner.experiment import BinAxis, Constraint, Experiment, Pull
from scanner.experiments import _tables, _xenon_tables
from scanner.experiments._xenon_tables import (
    BACKGROUNDS,
    EXPOSURES_T_YR,
    NAME,
    RECOILS_KEV,
    RUNS,
    YIELDS,
)
from scanner.parameter import Parameter
from scanner.physics.fluxes.solar import (
    B8_FLUX,
    B8_FLUX_ERROR,
    PAPERS,
    YEAR_S,
    component_names,
    solar_flux,
)
from scanner.physics.isotopes import material
from scanner.reference import Reference

Array = npt.NDArray[np.float64]

TITLE = "XENONnT 8B 2026"
CHOICES: Mapping[str, tuple[str, ...]] = {
    "yields": ("profiled", "nominal"),
    "background_errors": ("common", "per_run"),
}

REMARKS = (
    "a scenario changes the scattering only: with nsi the propagation in the Sun stays standard",
    "errors of the backgrounds' norms (5, 20 and 50 %) are assumptions",
)
"""What `scanner show` says of it."""

BASELINE_M = 1.495978707e11
"""Mean distance from the Sun (astronomical unit, exact)."""
INDICATION = Reference(
    "XENON Collaboration, Phys. Rev. Lett. 133, 191002 (2024)", arxiv="2408.02877"
)
"""First indication, whose backgrounds the assumed errors are compared with."""
BACKGROUND_WIDTHS = {"accidental": 0.05, "electronic": 0.20, "neutron": 0.50}
"""Relative; assumptions, see above."""

INPUTS = (
    Parameter(
        "b8_flux",
        "coupling",
        default=1.0,
        minimum=0.0,
        maximum=10.0,
        latex=r"\Phi_{^8{\rm B}}/\Phi_{\rm SSM}",
        description=f"flux of solar 8B neutrinos in units of {B8_FLUX:g} per cm^2 and s (B16-GS98)",
        shared=True,
    ),
    *(
        Parameter(
            f"xenon_{which}_yield",
            "shape",
            default=0.0,
            minimum=-3.0,
            maximum=3.0,
            latex=rf"t_{{{letter}}}",
            description=f"{which} yield of nuclear recoils in xenon, in standard deviations",
            shared=True,
        )
        for which, letter in (("light", "L_y"), ("charge", "Q_y"))
    ),
)
YIELD_CONSTRAINTS = dict.fromkeys(("xenon_light_yield", "xenon_charge_yield"), Constraint(0.0, 1.0))


def load(yields: str = "profiled", background_errors: str = "common") -> Experiment:
    """Experiment from the shipped tables.

    Parameters
    ----------
    yields : "profiled" or "nominal"
        Whether the light and the charge yield are profiled with unit Gaussians.
    background_errors : "common" or "per_run"
        Whether a background has one norm for all runs, or one for each with the same error.
    """
    bins = _tables.read(NAME, "bins.csv")
    flux = solar_flux(seconds=YEAR_S)
    constrained = YIELD_CONSTRAINTS if yields == "profiled" else {}
    return Experiment(
        name=NAME,
        title=TITLE,
        flux=flux,
        baseline_m=BASELINE_M,
        target=material("Xe"),
        mass_kg=1e3 * float(EXPOSURES_T_YR.sum()),
        exposure="6.77 t yr (SR0 1.17, SR1 2.34, SR2 3.25), as 6.77 t for one year",
        response=response,
        timing={component.name: np.ones(1) for component in flux.components},
        bins=(
            # three bins of cS2 in each run, whose edges are not the same
            BinAxis("bin of cS2 in SR0, SR1, SR2", "", np.arange(10.0)),
            BinAxis("bin of S2 shadow", "", np.arange(4.0)),
            BinAxis("bin of S1 score", "", np.arange(4.0)),
            BinAxis("bin of S2 score", "", np.arange(4.0)),
        ),
        observed=bins["observed"],
        backgrounds={name: bins[name] for name in BACKGROUNDS},
        pulls=_pulls(background_errors, bins["run"]),
        statistic="poisson",
        provenance=_tables.provenance(NAME),
        choices={"yields": yields, "background_errors": background_errors},
        inputs=INPUTS,
        sorting_at=selected,
        nodes=dict.fromkeys(YIELD_CONSTRAINTS, tuple(YIELDS.tolist())),
        constraints={"b8_flux": Constraint(1.0, B8_FLUX_ERROR), **constrained},
        normalisations={"b8_flux": component_names("8B")},
        no_transition="matter in the Sun, not a distance, sets the flavours of solar neutrinos",
        references=(INDICATION, *PAPERS),
    )


def _pulls(background_errors: str, run: Array) -> tuple[Pull, ...]:
    """Norms of the backgrounds, of all runs together or of each."""
    parts: dict[str, float | Array] = {"": 1.0}
    if background_errors == "per_run":
        parts = {f"_{name}": (run == i).astype(float) for i, name in enumerate(RUNS)}
    return tuple(
        Pull(f"xenonnt_{background}{part}", width, backgrounds={background: where})
        for background, width in BACKGROUND_WIDTHS.items()
        for part, where in parts.items()
    )


def response(recoil: Array) -> Array:
    """Share of recoils (n,) in MeV that each tabulated recoil stands for, (46, n).

    Linear between two of them, nothing outside.
    """
    kev = 1e3 * np.asarray(recoil, dtype=np.float64)
    n = len(RECOILS_KEV)
    left = np.clip(np.searchsorted(RECOILS_KEV, kev, "right") - 1, 0, n - 2)
    along = (kev - RECOILS_KEV[left]) / np.diff(RECOILS_KEV)[left]
    inside = (kev >= RECOILS_KEV[0]) & (kev <= RECOILS_KEV[-1])
    shares = np.zeros((n, kev.size))
    places = np.arange(kev.size)
    shares[left, places] = np.where(inside, 1.0 - along, 0.0)
    shares[left + 1, places] = np.where(inside, along, 0.0)
    return shares


@lru_cache(maxsize=128)
def selected(*, xenon_light_yield: float = 0.0, xenon_charge_yield: float = 0.0) -> Array:
    """Probability that a tabulated recoil is selected in each bin, (46, 243).

    Of all runs, each weighed by its share of the exposure.

    Parameters
    ----------
    xenon_light_yield, xenon_charge_yield : float
        In standard deviations, -3 to 3.
    """
    light, charge = _spline()(xenon_light_yield), _spline()(xenon_charge_yield)
    table = np.einsum("ijrb,i,j->rb", _probabilities(), light, charge)
    # a spline may pass below nothing where nothing is selected
    return np.asarray(np.maximum(table, 0.0))


@cache
def _spline() -> CubicSpline:
    """Weights (7,) of the tabulated yields at a value: a spline is linear in what it joins."""
    return CubicSpline(YIELDS, np.eye(len(YIELDS)))


@cache
def _probabilities() -> Array:
    """Probabilities times the run's share of the exposure, (7 light, 7 charge, 46, 243)."""
    table = _tables.read(NAME, "recoils.csv.gz")
    columns = np.stack([table[f"{kev:.1f}"] for kev in RECOILS_KEV])
    by_run = columns.reshape(len(RECOILS_KEV), len(RUNS), -1, len(YIELDS), len(YIELDS))
    share = EXPOSURES_T_YR / EXPOSURES_T_YR.sum()
    weighed = (share.reshape(-1, 1, 1, 1) * by_run).reshape(len(RECOILS_KEV), -1, 7, 7)
    return np.ascontiguousarray(weighed.transpose(2, 3, 0, 1))


RELEASE_FILES = _xenon_tables.RELEASE_FILES


def build(releases: Path) -> _tables.Built:
    """Tables of this experiment from the folder that holds the releases; see `_xenon_tables`.

    Raises
    ------
    DataError
        If a release file is missing or malformed, or h5py is not installed.
    """
    return _xenon_tables.build(releases)
