"""Fast and plain evaluation agree in every scenario and experiment, at ordinary and at wild points.

The plain way is `profile`, bin by bin and point by point, which `tests/statistics` holds to twins
with sixty digits and with exact fractions.
"""

from __future__ import annotations

import numpy as np
import pytest

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.statistics.lines import Lines
from scanner.statistics.pulls import OK

EXPERIMENTS = {  # name, choices, points
    "csi": ("coherent_csi_2021", {}, 100_000),
    "csi-electrons": ("coherent_csi_2021", {"electron_scattering": "signal"}, 100_000),
    "lar": ("coherent_lar_2020", {}, 100_000),
    "lar-f90": ("coherent_lar_2020", {"analysis": "energy_f90_time"}, 10_000),
}
CASES = {  # scenario, held, coupling: (typical, huge)
    "universal": ("light_vector", {"mass": 30.0}, {"coupling": (1e-4, 0.1)}),
    "loops": ("light_vector", {"model": "L_mu-L_tau", "mass": 30.0}, {"coupling": (1e-3, 1.0)}),
    "charges": (
        "light_vector",
        {"model": "custom", "mass": 30.0, "charge_e": 1.0, "charge_mu": 0.5, "coupling": 1e-4},
        {"charge_u": (0.4, 1e4), "charge_d": (0.3, 1e4)},
    ),
    "scalar": (
        "light_scalar",
        {"mass": 30.0},
        {"neutrino_coupling": (1e-6, 1e-2), "quark_coupling": (4e-4, 10.0)},
    ),
    "tensor": ("light_tensor", {"mass": 30.0}, {"coupling": (2e-4, 0.1)}),
    "generalized": (
        "generalized_interactions",
        {},
        {"C_V": (0.02, 30.0), "C_S": (0.02, 30.0), "C_T": (0.3, 300.0)},
    ),
    "nsi": (
        "nsi",
        {"phase_emu_u": 0.3},
        {
            "eps_ee_u": (0.1, 10.0),
            "eps_mumu_u": (0.1, 10.0),
            "eps_emu_u": (0.1, 10.0),
            "eps_etau_u": (0.1, 10.0),
            "eps_ee_d": (0.1, 10.0),
            "eps_mumu_d": (0.1, 10.0),
        },
    ),
    "moments": (
        "magnetic_moment",
        {},
        {"mu_nue": (30.0, 1e4), "mu_numu": (30.0, 1e4), "mu_emu": (30.0, 1e4)},
    ),
    "radii": (
        "charge_radius",
        {},
        {"r2_nue": (5.0, 1e4), "r2_numu": (5.0, 1e4), "r2_emu": (5.0, 1e4)},
    ),
    "millicharges": (
        "millicharge",
        {},
        {"q_nue": (20.0, 1e4), "q_numu": (20.0, 1e4), "q_emu": (20.0, 1e4)},
    ),
    "weak_mixing_angle": ("weak_mixing_angle", {}, {"sin2_theta_w": (0.3, 1.0)}),
    "sterile": (
        "sterile",
        {"dm2_41": 1.5},
        {"U_e4_squared": (0.02, 0.5), "U_mu4_squared": (0.03, 0.5)},
    ),
    "dipole": ("dipole_portal", {"mass": 10.0}, {"d_e": (20.0, 1e4), "d_mu": (20.0, 1e4)}),
}
WITHOUT_ELECTRONS = ("scalar", "tensor", "generalized", "dipole")
POINTS_ON_A_LINE = 200
TOLERANCE = 1e-9


def wild(rng, typical, huge, n):
    """Values of a coupling: zero, ordinary ones of both signs, and up to huge ones."""
    sizes = abs(typical) * np.geomspace(1e-3, abs(huge / typical), n)
    values = rng.permutation(sizes) * rng.choice([-1.0, 1.0], n)
    values[:: max(n // 5, 1)] = 0.0
    ordinary = rng.uniform(-3.0, 3.0, n) * typical
    return np.where(rng.random(n) < 0.5, values, ordinary)


def bound(name, experiment, scanned, **more):
    """A case's model, evaluated on grids as a large scan is."""
    scenario, held, _ = CASES[name]
    form = catalog.scenario(scenario)
    values = {p.name: p.default for p in form.parameters if p.default is not None} | held | more
    fixed = {n: v for n, v in values.items() if n not in scanned}
    chosen = catalog.experiment(*EXPERIMENTS[experiment][:2])
    return ExperimentModel(form, chosen, Conventions(), fixed, scanned, compiled=True)


def agree(model, rows, lines):
    """Every point of a scan against the same point alone; returns the share with a chi2."""
    chi2, status = model.gridded.scan(rows, lines)
    coefficients = lines.coefficients()
    for found, said, row in zip(chi2, status, rows, strict=True):
        plain = model.likelihood.profile(coefficients @ row)
        np.testing.assert_array_equal(said.ravel(), plain.status)
        np.testing.assert_array_equal(np.isnan(found.ravel()), plain.status != OK)
        scale = np.maximum(np.abs(plain.chi2), 1.0)
        assert np.nanmax(np.abs(found.ravel() - plain.chi2) / scale) < TOLERANCE
    return float(np.mean(status == OK))


@pytest.mark.parametrize("experiment", EXPERIMENTS)
@pytest.mark.parametrize("name", CASES)
def test_wild_points(name, experiment):
    if experiment == "csi-electrons" and name in WITHOUT_ELECTRONS:
        pytest.skip("the scenario does not say what it does to electrons")
    couplings, points = CASES[name][2], EXPERIMENTS[experiment][2]
    model = bound(name, experiment, tuple(couplings))
    templates = model.fold({})
    rng = np.random.default_rng(len(name))
    # a single coupling has a single line
    n_lines = points // POINTS_ON_A_LINE if len(couplings) > 1 else 1
    *held, along = [
        wild(rng, *sizes, n_lines if c != list(couplings)[-1] else points // n_lines)
        for c, sizes in couplings.items()
    ]
    lines = Lines.of_couplings(templates.exponents, held, along)
    assert np.prod(lines.shape) == points
    assert agree(model, templates.counts[np.newaxis], lines) > 0.5


@pytest.mark.parametrize("experiment", ["csi", "lar", "lar-f90"])
def test_through_the_interference_dip(experiment):
    """Where a mediator undoes the Standard Model, 1e-12 of its strength around the place."""
    model = bound("universal", experiment, ("mass", "coupling"))
    masses = np.geomspace(1.0, 1e4, 20)
    templates = model.templates(masses[:, np.newaxis])
    dip = 3.5e-3 * np.sqrt(1.0 + np.geomspace(1e-12, 1.0, 60))
    wide, fine = np.geomspace(1e-6, 1.0, 300), np.linspace(1e-3, 3e-3, 300)
    coupling = np.concatenate([[0.0], wide, fine, dip])
    lines = Lines.of_couplings(templates.exponents, [], np.sort(coupling))
    assert agree(model, np.moveaxis(templates.counts, 1, 0), lines) == 1.0


@pytest.mark.parametrize("experiment", ["csi", "lar", "lar-f90"])
def test_lines_of_one_point(experiment):
    """Shape parameters alone: every point has its own templates."""
    model = bound("universal", experiment, ("mass",), coupling=1e-4)
    templates = model.templates(np.geomspace(0.1, 1e4, 150)[:, np.newaxis])
    lines = Lines.single(len(templates.exponents))
    assert agree(model, np.moveaxis(templates.counts, 1, 0), lines) == 1.0
