"""What is told of an experiment: all of its choices, nothing that is empty."""

from __future__ import annotations

import math
from typing import Any

import pytest

from scanner import catalog, inventory
from scanner.sheet import experiment_record

ALL = catalog.experiment_names()
MODULES = tuple(name for name in ALL if name not in catalog.text_names())
ALWAYS = {"experiment", "title", "target", "statistic", "bins", "counts", "provenance"}


@pytest.fixture(scope="module", params=ALL)
def record(request: pytest.FixtureRequest) -> dict[str, Any]:
    return inventory.describe(request.param)


def test_nothing_is_empty_and_nothing_is_missing(record: dict[str, Any]) -> None:
    assert [key for key, value in record.items() if value in ("", [], {}, (), None)] == []
    assert all(record["provenance"].values())
    assert set(record) >= ALWAYS


def test_every_choice_is_explained(record: dict[str, Any]) -> None:
    choices = catalog.experiment_choices(record["experiment"])
    assert list(record.get("about_choices", {})) == list(choices)
    assert all(len(said) > 20 for said in record.get("about_choices", {}).values())
    if choices:
        assert record["available_choices"] == {k: list(v) for k, v in choices.items()}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_tells_its_assumptions(name: str) -> None:
    about = experiment_record(catalog.experiment(name))["about"]
    written = catalog.experiment_module(name).__doc__ or ""
    assert " ".join(" ".join(about).split()) == " ".join(written.split())


@pytest.mark.parametrize(
    ("name", "choices", "error"),
    [
        ("conus_2021", {}, 85 / 1.6448536),
        ("conus_2021", {"limit": "one_sided"}, 85 / 1.2815516),
        ("texono_2024", {}, 4.7 / 1.6448536),
        ("conus_plus_2025", {}, 106.0),
    ],
)
def test_the_error_of_a_single_bin(name: str, choices: dict[str, str], error: float) -> None:
    counts = experiment_record(catalog.experiment(name, choices))["counts"]
    assert counts["observed_error"] == pytest.approx(error, rel=1e-12)
    of_counts = experiment_record(catalog.experiment("coherent_ge_2024"))["counts"]
    assert "observed_error" not in of_counts


def test_priors_of_a_fitted_background() -> None:
    pulls = experiment_record(catalog.experiment("dresden_ii_2022"))["pulls"]
    priors = {pull["name"]: pull["prior"] for pull in pulls}
    assert priors.pop("dresden_m_to_l1") == "0.16 +- 0.03"
    assert len(priors) == 6
    assert priors["dresden_l1_centre"] == "none: free in 1.2 .. 1.4"
    assert all(prior.startswith("none: free in ") for prior in priors.values())
    relative = experiment_record(catalog.experiment("dresden_ii_2022", {"rho_prior": "relative"}))
    told = {pull["name"]: pull["prior"] for pull in relative["pulls"]}["dresden_m_to_l1"]
    mean, sigma = (float(part) for part in told.split(" +- "))
    assert math.isclose(sigma / mean, 0.03)
    others = experiment_record(catalog.experiment("coherent_csi_2021"))["pulls"]
    assert not any("prior" in pull for pull in others)


def test_a_distance_is_readable() -> None:
    far = experiment_record(catalog.experiment("xenonnt_b8_2026"))
    assert (far["baseline"], far["baseline_m"]) == ("149.6 million km", 1.495978707e11)
    near = experiment_record(catalog.experiment("coherent_csi_2021"))
    assert (near["baseline"], near["baseline_m"]) == ("19.3 m", 19.3)
