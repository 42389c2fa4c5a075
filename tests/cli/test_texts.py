"""An experiment as text on the command line: shown, asked for a point, drawn, its mistakes told."""

from __future__ import annotations

from pathlib import Path

import pytest

DETECTOR = """
title = "Ten kilograms of argon"
illustrative = "a design"
observed_line
[source]
kind = "stopped_pion"
neutrinos_per_proton = 0.09
protons = 1e23
distance = { value = 20, unit = "m" }
[target]
material = "Ar"
mass = { value = 10, unit = "kg" }
[response]
threshold = { value = 20, unit = "keVnr" }
quenching = { kind = "none" }
resolution = { kind = "gaussian", unit = "keVnr", constant = 3 }
efficiency = { kind = "constant", value = 0.8 }
[bins]
energy = { unit = "keVnr", start = 20, stop = 100, n = 4 }
[backgrounds]
flat = { kind = "flat", counts = 40 }
[pulls]
signal = { sigma = 0.1, acts_on = ["signal"] }
"""


@pytest.fixture
def detector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The description in the current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "ten_kg.toml"
    path.write_text(DETECTOR.replace("observed_line", ""))
    return path


def test_a_file_is_shown(command, detector: Path) -> None:
    record = command("show", detector.name, "--json").json
    assert record["title"] == "Ten kilograms of argon (expected)"
    assert record["target"] == "10 kg Ar"
    assert record["counts"]["flat"] == 40.0
    assert record["counts"]["sm_signal (AC22, helm)"] > 10.0
    assert record["pulls"][0]["name"] == "ten_kg_signal"
    assert "title: Ten kilograms of argon (expected)" in command("show", detector.name).out


def test_a_definition_in_a_file_is_shown(command, detector: Path) -> None:
    definition = detector.parent / "scan.toml"
    definition.write_text(
        'scenario = "weak_mixing_angle"\nexperiments = ["ten_kg.toml"]\n'
        '[axes]\nsin2_theta_w = { spacing = "linear", start = 0.1, stop = 0.4, n = 5 }\n'
    )
    record = command("show", definition.name, "--json").json
    assert record["experiments"] == ["ten_kg"]
    assert record["experiment"]["ten_kg"]["target"]["material"] == "Ar"


def test_a_point_is_explained_and_told_to_be_a_sensitivity(command, detector: Path) -> None:
    given = ("nsi", "eps_ee_u=0.3", "-e", detector.name)
    done = command("point", *given, "--json")
    found = done.json["experiments"]["ten_kg"]
    assert found["chi2_sm"] == pytest.approx(0.0, abs=1e-9)
    assert found["chi2"] > 0.5
    assert "ten_kg is no measurement, its limits are sensitivities: a design" in done.err
    assert command("draw", "spectra", *given, "-o", "point.svg").code == 0
    assert "Ten kilograms of argon (expected)" in Path("point.svg").read_text()


def test_options_reach_as_deep_as_overrides(command, detector: Path) -> None:
    given = ("point", "nsi", "eps_ee_u=0.3", "-e", detector.name)
    plain = command(*given, "--json").json["experiments"]["ten_kg"]
    heavy = command(*given, "-o", "ten_kg.target.mass.value=100", "--json")
    assert heavy.code == 0, heavy.err
    counts = heavy.json["experiments"]["ten_kg"]["counts"]
    assert counts["signal"] == pytest.approx(10.0 * plain["counts"]["signal"], rel=1e-9)
    assert counts["flat"] == plain["counts"]["flat"]
    whole = command(*given, "-o", "ten_kg.bins.energy.n=8", "-o", "ten_kg.observed=[1, 2]")
    assert "give 8, one per bin" in whole.err
    table = 'ten_kg.target.mass={ value = 0.1, unit = "t" }'
    same = command(*given, "-o", table, "--json").json["experiments"]["ten_kg"]
    assert same["counts"] == counts
    drawn = ("draw", "spectra", *given[1:], "-o", "point.svg")
    deep = command(*drawn, "--option", "ten_kg.target.mass.value=100")
    assert deep.code == 0, deep.err
    wrong = command(*given, "-o", "ten_kg.target=1", "-o", "ten_kg.target.mass.value=1")
    assert (wrong.code, "'target' has a value, so no keys" in wrong.err) == (2, True)
    unknown = command(*given, "-o", "ten_kg.target.mas.value=1")
    assert (unknown.code, "target.mas" in unknown.err) == (2, True)


def test_a_flux_that_is_named_alone_is_told_in_json_too(command, detector: Path) -> None:
    detector.write_text(detector.read_text() + "[shared.sms_flux]\nsigma = 0.1\n")
    done = command("point", "nsi", "eps_ee_u=0.3", "-e", detector.name, "--json")
    said = "sms_flux is named by ten_kg alone; known: sns_flux, reactor_flux, b8_flux"
    assert said in done.json["notes"]
    assert done.err.count(said) == 1


def test_a_choice_that_is_a_year_needs_no_quotes(command) -> None:
    done = command("point", "standard_model", "-e", "apv_cesium", "-o", "apv_cesium.theory=2012")
    assert done.code == 0, done.err


def test_counts_in_the_text_are_a_measurement(command, detector: Path) -> None:
    text = DETECTOR.replace("observed_line", "observed = [30, 20, 15, 12]")
    detector.write_text(text.replace('illustrative = "a design"\n', ""))
    done = command("point", "nsi", "eps_ee_u=0.3", "-e", detector.name, "--json")
    assert done.json["experiments"]["ten_kg"]["counts"]["observed"] == 77.0
    assert "no measurement" not in done.err


def test_a_run_says_that_it_is_a_sensitivity(command, detector: Path) -> None:
    given = ("run", "weak_mixing_angle_lar", "--set", f'experiments=["{detector.name}"]')
    done = command(*given, "--set", "axes.sin2_theta_w.n=9", "--store", "s", "--workers", "1")
    assert done.code == 0
    assert "ten_kg is no measurement, its limits are sensitivities: a design" in done.out
    detector.unlink()
    how = ("expected", "weak_mixing_angle_lar", "sin2_theta_w", "--store", "s", "--toys", "2")
    limits = command(*how, "--json")
    assert limits.code == 0, limits.err
    [row] = limits.json["rows"]
    assert row["observed"] == row["asimov"]
    first, second = limits.json["notes"]
    assert "ten_kg is no measurement, its limits are sensitivities: a design" in first
    assert second.startswith("ten_kg: no data")
    assert limits.err.count(first) == limits.err.count(second) == 1
    asked = command("interval", "weak_mixing_angle_lar", "sin2_theta_w", "--store", "s", "--json")
    [[low, high]] = asked.json["intervals"]
    assert low < 0.2386 < high
    assert "its limits are sensitivities" in asked.err


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        (
            'mass = { value = 10, unit = "kg" }',
            'mass = { value = 10, unit = "m" }',
            "target.mass.unit",
        ),
        ('distance = { value = 20, unit = "m" }', "", "source.distance: is missing"),
        ("value = 0.8", "value = 1.8", "response.efficiency.value = 1.8: 1.8 is outside 0 .. 1"),
    ],
)
@pytest.mark.parametrize("verb", ["show", "point", "run", "plan"])
def test_a_mistake_is_told_with_its_place(
    command, detector: Path, right: str, wrong: str, said: str, verb: str
) -> None:
    detector.write_text(detector.read_text().replace(right, wrong))
    override = ("--set", f'experiments=["{detector.name}"]')
    done = {
        "show": lambda: command("show", detector.name),
        "point": lambda: command("point", "nsi", "eps_ee_u=0.3", "-e", detector.name),
        "run": lambda: command("run", "nsi_ee_u", *override),
        "plan": lambda: command("plan", "nsi_ee_u", *override),
    }[verb]()
    assert done.code == 2
    assert f"ten_kg.toml: {said}" in done.err
    assert not Path("scans").exists()


def test_a_sheet_is_wrapped_and_says_what_is_not_in_the_numbers(command) -> None:
    shown = command("show", "dresden_ii_2022").out
    prose = [line for line in shown.splitlines() if ": " in line and "  " not in line.strip()]
    assert prose
    assert max(map(len, prose)) <= 100
    assert "      N + A exp(-B E) + L1 + L2 + M,   M/L1 = rho by area," in shown
    assert "baseline: 10 m" in shown
    assert "baseline_m" not in shown
    assert "constraints" not in shown
    assert "none: free in 0 .. inf" in shown
