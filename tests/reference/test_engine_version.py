"""A stale result is never served: when numbers change, ENGINE_VERSION must too.

``engine.json`` holds chi2 of a few points with the version that gave them. After a change that is
meant to alter numbers, raise `scanner.definition.ENGINE_VERSION` and run this file as a program.
"""

import json
from pathlib import Path

import pytest

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
VARIANTS = (
    {"options": {"couplings": "C20"}},
    {"options": {"couplings": "tree", "form_factor": "klein_nystrand"}},
    {"options": {"form_factor": "klein_nystrand_rms"}},
    {"options": {"form_factor": "symmetrised_fermi"}},
    {"experiment": {"coherent_csi_2021": {"timing": "release_profile"}}},
    {"experiment": {"coherent_lar_2020": {"analysis": "energy"}}},
    {"experiment": {"coherent_lar_2020": {"window": "cut"}}},
)


def cases():
    """Points by a readable key: every model at three points, every variant at one."""
    for model in MODELS:
        strength = 50.0 if model.startswith("L_") else 1.0
        for mass, coupling in ((1.0, 3e-5), (50.0, 1e-4), (1000.0, 1.76e-3)):
            values = {"model": model, "mass": mass, "coupling": strength * coupling}
            yield f"{model} {mass:g} {strength * coupling:g}", {"parameters": values}
    for variant in VARIANTS:
        values = {"model": "universal", "mass": 30.0, "coupling": 3e-5}
        yield json.dumps(variant), {"parameters": values, **variant}


def chi2(case):
    """chi2 of each experiment."""
    raw = {"scenario": "light_vector", "experiments": list(EXPERIMENTS), **case}
    found = explain(from_mapping(raw, "engine", point=True))
    return [found.experiments[name].chi2 for name in EXPERIMENTS]


def test_numbers_are_those_of_the_engine_version():
    record = json.loads(RECORD.read_text())
    assert record["engine_version"] == ENGINE_VERSION, f"run {RECORD.stem}: see the docstring"
    found = {key: chi2(case) for key, case in cases()}
    assert set(found) == set(record["chi2"])
    for key, values in found.items():
        assert values == pytest.approx(record["chi2"][key], rel=1e-9), (
            f"{key}: numbers changed: raise ENGINE_VERSION and record again"
        )


if __name__ == "__main__":
    found = {key: chi2(case) for key, case in cases()}
    RECORD.write_text(
        json.dumps({"engine_version": ENGINE_VERSION, "chi2": found}, indent=1) + "\n"
    )
