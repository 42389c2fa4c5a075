"""A stale result is never served: when numbers change, ENGINE_VERSION must too.

``engine.json`` holds chi2 of a few points with the version that gave them. After a change that is
meant to alter numbers, raise `scanner.definition.ENGINE_VERSION` and run this file as a program.
"""

import json
from pathlib import Path

import pytest

from scanner import catalog
from scanner.definition import ENGINE_VERSION, from_mapping
from scanner.point import explain

RECORD = Path(__file__).with_name("engine.json")
EXPERIMENTS = ("coherent_csi_2021", "coherent_lar_2020")
MODELS = (
    "universal",
    "B-L",
    "B-3L_e",
    "B-3L_mu",
    "B-2L_e-L_mu",
    "B-L_e-2L_mu",
    "L_e-L_mu",
    "L_e-L_tau",
    "L_mu-L_tau",
)
OTHERS = (
    ("light_scalar", {"mass": 30.0, "coupling": 3e-5}),
    ("light_tensor", {"mass": 30.0, "coupling": 1e-4}),
    ("generalized_interactions", {"C_V": 0.1, "C_S": 0.02, "C_T": 1.0, "mass": 50.0}),
    ("nsi", {"eps_ee_u": 0.1, "eps_mumu_d": -0.05, "eps_emu_u": 0.1, "phase_emu_u": 0.5}),
    ("magnetic_moment", {"mu_nue": 20.0, "mu_numu": 15.0, "mu_emu": 5.0}),
    ("charge_radius", {"r2_nue": -20.0, "r2_numu": 5.0, "r2_etau": 4.0}),
    ("millicharge", {"q_nue": 10.0, "q_numu": -5.0, "q_mutau": 4.0}),
    ("weak_mixing_angle", {"sin2_theta_w": 0.26}),
    ("neutron_radius", {"R_n_Cs": 5.4, "R_n_I": 5.2, "R_n_Ar": 3.7}),
    ("sterile", {"dm2_41": 5.0, "U_mu4_squared": 0.1, "sigma_L": 0.3}),
    ("dipole_portal", {"mass": 20.0, "d_e": 40.0, "d_mu": 20.0}),
    ("nsi+light_vector", {"eps_mumu_d": 0.1, "coupling": 3e-5, "light_vector_mass": 20.0}),
)
ELECTRONS = ("magnetic_moment", "charge_radius", "millicharge", "weak_mixing_angle")
INPUTS = {"sin2_theta_w": 0.25, "csi_quenching_pc0": 1.0, "lar_quenching_constant": 0.25}
POINT = {"mass": 1.0, "coupling": 8e-6}
VARIANTS = (
    {"options": {"couplings": "C20"}},
    {"options": {"couplings": "tree", "form_factor": "klein_nystrand"}},
    {"options": {"form_factor": "klein_nystrand_rms"}},
    {"options": {"form_factor": "symmetrised_fermi"}},
    {"experiment": {"coherent_csi_2021": {"timing": "release_profile"}}},
    {"experiment": {"coherent_lar_2020": {"analysis": "energy"}}},
    {"experiment": {"coherent_lar_2020": {"analysis": "energy_f90_time"}}},
    {"experiment": {"coherent_lar_2020": {"window": "cut"}}},
)


CSI, LAR = EXPERIMENTS
SHARED = {name: {"flux_error": "shared"} for name in EXPERIMENTS}
FORMS = (
    {"experiment": {CSI: {"pulls": "valencia"}}},
    {"experiment": {CSI: {"quenching_error": "components"}}},
    {"experiment": SHARED},
)
"""What the experiments profile of themselves by choice."""


def cases():
    """Points by a readable key: every model at three points, every variant at one."""
    for model in MODELS:
        strength = 50.0 if model.startswith("L_") else 1.0
        for mass, coupling in ((1.0, 3e-5), (50.0, 1e-4), (1000.0, 1.76e-3)):
            values = {"model": model, "mass": mass, "coupling": strength * coupling}
            yield f"{model} {mass:g} {strength * coupling:g}", {"parameters": values}
    for scenario, values in OTHERS:
        yield scenario, {"scenario": scenario, "parameters": values}
        if scenario in ELECTRONS:
            counted = {"experiment": {"coherent_csi_2021": {"electron_scattering": "signal"}}}
            yield f"{scenario} e", {"scenario": scenario, "parameters": values, **counted}
    values = {"model": "universal", "mass": 30.0, "coupling": 3e-5, **INPUTS}
    yield "inputs", {"parameters": values}
    for name in catalog.experiment_names():
        if name not in EXPERIMENTS and catalog.experiment(name).observable is None:
            yield name, {"experiments": [name], "parameters": {"model": "B-L", **POINT}}
        elif name not in EXPERIMENTS:
            yield name, {"experiments": [name], "scenario": "standard_model"}
    for variant in (*VARIANTS, *FORMS):
        values = {"model": "universal", "mass": 30.0, "coupling": 3e-5}
        yield json.dumps(variant), {"parameters": values, **variant}


def chi2(case):
    """chi2 of each experiment, then of all together."""
    raw = {"scenario": "light_vector", "experiments": list(EXPERIMENTS), **case}
    found = explain(from_mapping(raw, "engine", point=True))
    return [*(one.chi2 for one in found.experiments.values()), found.chi2]


def test_numbers_are_those_of_the_engine_version():
    record = json.loads(RECORD.read_text())
    assert record["engine_version"] == ENGINE_VERSION, f"run {RECORD.stem}: see the docstring"
    found = {key: chi2(case) for key, case in cases()}
    assert set(found) == set(record["chi2"])
    for key, values in found.items():
        assert values == pytest.approx(record["chi2"][key], rel=1e-9, abs=1e-9), (
            f"{key}: numbers changed: raise ENGINE_VERSION and record again"
        )


if __name__ == "__main__":
    found = {key: chi2(case) for key, case in cases()}
    RECORD.write_text(
        json.dumps({"engine_version": ENGINE_VERSION, "chi2": found}, indent=1) + "\n"
    )
