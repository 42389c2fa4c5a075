"""Questions on the command line: JSON shapes of the design, exit codes, one-line errors."""

import subprocess
import sys

import pytest
import xarray as xr

from scanner.limits import large, spaces, workers

pytestmark = pytest.mark.cluster

NAME = "light_vector_universal"
CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"


def test_point_json_has_the_documented_shape(command):
    answer = command(
        "point", "light_vector", "model=universal", "mass=1", "coupling=2e-5", "-e", CSI, "--json"
    )
    assert answer.code == 0
    record = answer.json
    assert {"scenario", "parameters", "options", "chi2", "chi2_sm", "experiments"} <= set(record)
    one = record["experiments"][CSI]
    assert {"chi2", "chi2_sm", "counts", "pulls"} <= set(one)
    assert set(one["counts"]) == {"signal", "sm_signal", "BRN", "NIN", "SSB", "observed"}
    assert sum(one["components"].values()) == pytest.approx(one["counts"]["signal"], rel=1e-12)
    assert record["chi2"] == one["chi2"]


def test_point_at_zero_coupling_is_the_standard_model(command):
    record = command("point", "light_vector", "mass=1", "coupling=0", "--json").json
    assert set(record["experiments"]) == {CSI, LAR}
    assert record["chi2"] == pytest.approx(record["chi2_sm"], abs=1e-12)


def test_point_options_choose_conventions_and_analyses(command):
    record = command(
        "point", "standard_model", "-e", LAR, "--json", "-o", "couplings=tree",
        "-o", f"{LAR}.analysis=energy", "-o", "form_factor=klein_nystrand",
    ).json  # fmt: skip
    assert record["options"]["couplings"] == "tree"
    assert record["options"][LAR]["analysis"] == "energy"
    assert record["experiments"][LAR]["counts"]["signal"] == pytest.approx(127.5, abs=0.5)


def test_a_point_is_told_at_its_fitted_inputs(command):
    shared = [f"{name}.flux_error=shared" for name in (CSI, LAR)]
    asked = ["point", "standard_model", "-e", CSI, "-e", LAR, "-o", shared[0], "-o", shared[1]]
    record = command(*asked, "--json").json
    assert record["joint"] is True
    fluxes = [record["experiments"][name]["inputs"]["sns_flux"] for name in (CSI, LAR)]
    assert fluxes[0] != fluxes[1]
    assert record["chi2"] > sum(one["chi2"] for one in record["experiments"].values()) - 1e-6
    assert record["delta_chi2"] == pytest.approx(0.0, abs=1e-6)
    assert any("jointly" in note for note in record["notes"])
    told = command(*asked)
    assert "combined (jointly)" in told.out
    assert "profiled inputs: sns_flux = " in told.out
    apart = command("point", "standard_model", "-e", CSI, "-e", LAR, "--json").json
    assert apart["joint"] is False
    assert apart["experiments"][CSI]["inputs"] == {}


def test_point_fitted_counts_follow_from_pulls(command):
    one = command("point", "standard_model", "-e", CSI, "--json").json["experiments"][CSI]
    expected = one["counts"]["SSB"] * (1 + one["pulls"]["csi_ssb"] * one["pull_widths"]["csi_ssb"])
    assert one["counts_fitted"]["SSB"] == pytest.approx(expected, rel=1e-12)


def test_query_agrees_with_the_exact_point(command, store):
    stored = command("query", NAME, "mass=30", "coupling=3e-5", "--store", store, "--json").json
    exact = command("point", "light_vector", "mass=30", "coupling=3e-5", "--json").json
    assert stored["combined"]["chi2"] == pytest.approx(exact["chi2"], abs=0.05)
    assert set(stored["experiments"]) == {CSI, LAR}


def test_interval_json_has_the_documented_shape(command, store):
    record = command(
        "interval", NAME, "coupling", "--at", "mass=1", "--cl", "0.9545", "--dof", "2",
        "--reference", "sm", "--store", store, "--json",
    ).json  # fmt: skip
    assert {"parameter", "cl", "dof", "best", "chi2_min", "intervals"} <= set(record)
    [[low, high]] = record["intervals"]
    assert low is None
    assert high == pytest.approx(2.23e-5, rel=0.03)


def test_interval_finds_both_edges_of_the_strip(command, store):
    record = command(
        "interval", NAME, "coupling", "--at", "mass=1000", "--cl", "0.9545", "--dof", "2",
        "--reference", "sm", "--store", store, "--json",
    ).json  # fmt: skip
    below, strip = record["intervals"]
    assert below[1] == pytest.approx(4.96e-4, rel=0.03)
    assert strip == pytest.approx([1.68e-3, 1.84e-3], rel=0.03)


def test_contour_lines_and_coverage(command, store):
    record = command("contour", NAME, "--cl", "0.9", "--store", store, "--json").json
    [contour] = record["contours"]
    assert contour["dof"] == 2
    assert contour["coverage"] == 1.0
    assert contour["lines"]


def test_profile_writes_netcdf_and_csv(command, store, tmp_path):
    for name in ("p.nc", "p.csv"):
        answer = command("profile", NAME, "--keep", "mass", "--store", store, "-o", tmp_path / name)
        assert answer.code == 0, answer.err
    with xr.open_dataset(tmp_path / "p.nc", engine="scipy") as profile:
        assert profile["chi2"].dims == ("mass",)
        assert profile["mass"].attrs["units"] == "MeV"
        digest = profile.attrs["digest"]
    head, _, rows = (tmp_path / "p.csv").read_text().partition("mass,chi2,best_coupling\n")
    assert f'# digest = "{digest}"\n' in head
    assert all(line.startswith("#") for line in head.splitlines())
    assert len(rows.splitlines()) == 16


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("interval", NAME, "couplin"), 2, "'coupling'"),
        (("interval", NAME, "coupling", "--cl", "90"), 2, "give a fraction, 0.9 for 90 %"),
        (("interval", NAME, "coupling", "--dof", "0"), 2, "dof"),
        (("interval", NAME, "coupling", "--at", "mass=1e6"), 2, "mass"),
        (("interval", NAME, "coupling", "--at", "mass"), 2, "name=value"),
        (("interval", NAME, "coupling", "-e", "coherent_csi"), 2, CSI),
        (("interval", NAME, "coupling", "--reference", "best"), 2, "global"),
        (("interval", "no_such_scan", "coupling"), 2, "no_such_scan"),
        (("contour", NAME, "--keep", "mass"), 2, "two axes"),
        (("query", NAME, "mass=ten"), 2, "mass=ten"),
        (("plot", NAME, "-o", "figure.gif"), 2, ".png"),
    ],
)
def test_wrong_questions_get_one_line(command, store, arguments, code, said):
    answer = command(*arguments, "--store", store)
    assert answer.code == code
    assert answer.out == ""
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert said in answer.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("light_vectr", "mass=1"), "light_vector"),
        (("light_vector", "mass=1", "coupling=1", "model=univresal"), "universal"),
        (("light_vector", "mass=-1", "coupling=1"), "mass"),
        (("light_vector", "mass=1"), "coupling"),
        (("light_vector", "mass=1", "coupling=1", "colour=1"), "colour"),
        (("light_vector", "mass=1", "coupling=1", "-e", "coherent_csi"), CSI),
        (("light_vector", "mass=1", "coupling=1", "-o", "couplings=AC21"), "AC22"),
        (("light_vector", "mass=1", "coupling=1", "-o", f"{LAR}.window=open"), "normalised"),
        (("light_vector", "mass=1", "coupling=1", "charge_u=2"), "custom"),
        (("standard_model", "-o", "couplings"), "name=value"),
    ],
)
def test_wrong_points_get_one_line(command, arguments, said):
    answer = command("point", *arguments)
    assert answer.code == 2
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert said in answer.err


def test_a_large_cube_answers_the_same_by_parts(command, store, tmp_path, monkeypatch):
    questions = [
        ("query", NAME, "mass=30", "coupling=3e-5"),
        ("query", NAME, "mass=30", "--reference", "raster"),
        ("interval", NAME, "coupling", "--at", "mass=1"),
        ("interval", NAME, "mass", "-e", CSI),
        ("contour", NAME, "--reference", "sm"),
        ("profile", NAME, "--keep", "mass"),
        ("profile", NAME, "--keep", "coupling,mass", "--workers", "1"),
    ]

    def ask():
        return [command(*question, "--store", store, "--json") for question in questions]

    expected = ask()
    monkeypatch.setattr(spaces, "LARGE", 100)
    monkeypatch.setattr(workers, "LARGE", 1000)
    for question, found, other in zip(questions, ask(), expected, strict=True):
        assert (found.code, found.out) == (other.code, other.out), question
    monkeypatch.setattr(large, "LARGE", 100)
    refused = command("profile", NAME, "--keep", "mass,coupling", "--store", store)
    assert refused.code == 2
    assert refused.err.count("\n") == 1
    assert "keep fewer axes, or hold some with --at" in refused.err


def test_profile_refuses_workers_below_one(command, store):
    refused = command("profile", NAME, "--keep", "mass", "--workers", "0", "--store", store)
    assert (refused.code, refused.err) == (2, "error: --workers 0: give at least 1\n")


def test_the_command_starts_without_the_libraries_that_compute():
    """`scanner --help` must not wait for them; verbs import what they need."""
    heavy = {"numpy", "scipy", "xarray", "zarr", "dask", "distributed", "matplotlib", "numba"}
    code = f"import sys, scanner.cli.app; print(*sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
