"""The installed wheel works from another folder, with its data, and finds outside scenarios."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

README = (ROOT / "README.md").read_text()
# the scenario that the README shows, from its comment with the file name to the end of the block
OUTSIDE = README[README.index("# up_vector.py") :].partition("```")[0]

DEFINITION = """
scenario = "{scenario}"
experiments = ["coherent_csi_2021"]
[axes.mass]
spacing = "log"
start = 1.0
stop = 100.0
n = 5
unit = "MeV"
[axes.coupling]
spacing = "log"
start = 1e-6
stop = 1e-3
n = 40
"""

ENTRY_POINTS = "[cevns_scanner.scenarios]\nup_vector = up_vector_plugin:SCENARIO\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel installed in it (dependencies come from this environment)."""
    wheels = tmp_path_factory.mktemp("wheels")
    site = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", wheels, ROOT], check=True
    )
    [wheel] = wheels.glob("cevns_scanner-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", site, wheel], check=True)
    return site


def scanner(site: Path, where: Path, *arguments: str) -> str:
    """Run the installed command in another folder; its standard output."""
    environment = os.environ | {"PYTHONPATH": str(site)}
    done = subprocess.run(
        [site / "bin" / "scanner", *arguments],
        cwd=where,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_wheel_holds_tables_and_definitions(site, tmp_path):
    shown = json.loads(scanner(site, tmp_path, "show", "light_vector_universal", "--json"))
    assert Path(shown["file"]).is_relative_to(site)
    verified = scanner(site, tmp_path, "data", "verify")
    for tables in ("coherent_csi_2021: 6", "xenonnt_b8_2026: 2", "solar_fluxes: 2"):
        assert f"{tables} tables are as shipped" in verified


def test_wheel_holds_the_recipes_for_other_places(site, tmp_path):
    listed = json.loads(scanner(site, tmp_path, "deploy", "list", "--json"))
    assert all(Path(one["path"]).is_relative_to(site) for one in listed)
    folders = {one["name"]: one["files"] for one in listed}
    for name, files in folders.items():
        scanner(site, tmp_path, "deploy", "show", name, "--output", name)
        for file in files:
            beside = ROOT / "deploy" / (name if len(files) > 1 else "") / file
            assert (tmp_path / name / file).read_bytes() == beside.read_bytes()
    # names without a suffix, and those that begin with a dot, are easily left out of a wheel
    assert {"Containerfile", ".dockerignore", "requirements.txt"} <= set(folders["container"])
    assert {"environment", "user.conf"} <= set(folders["systemd"])
    tracked = ["git", "ls-files", "deploy"]
    found = subprocess.run(tracked, cwd=ROOT, capture_output=True, text=True)
    if found.returncode == 0:
        shipped = sum(len(files) for files in folders.values()) + 1  # and README.md
        assert shipped == len(found.stdout.split())
    assert "#SBATCH" in scanner(site, tmp_path, "deploy", "script", "slurm")


def test_wheel_holds_the_page(site):
    page = Path("scanner", "service", "page", "static")
    ours = {path.relative_to(ROOT) for path in (ROOT / page).rglob("*") if path.is_file()}
    assert {path.relative_to(site) for path in (site / page).rglob("*") if path.is_file()} == ours
    assert page / "index.html" in ours


@pytest.mark.cluster
def test_main_job_runs_from_the_wheel(site, tmp_path):
    small = ("--set", "axes.mass.n=6", "--set", "axes.coupling.n=20", "--workers", "1")
    record = json.loads(scanner(site, tmp_path, "run", "light_vector_universal", *small, "--json"))
    assert Path(record["figure"]).is_relative_to(tmp_path / "scans")
    assert Path(record["figure"]).stat().st_size > 10_000


@pytest.mark.cluster
def test_a_scenario_file_from_outside_is_scanned(site, tmp_path):
    (tmp_path / "up_vector.py").write_text(OUTSIDE)
    (tmp_path / "up.toml").write_text(DEFINITION.format(scenario="up_vector:SCENARIO"))
    record = json.loads(scanner(site, tmp_path, "run", "up.toml", "--workers", "1", "--json"))
    assert record["computed_points"] == 200
    at = ("mass=10", "coupling=5e-5", "-e", "coherent_csi_2021", "--json")
    mine = json.loads(scanner(site, tmp_path, "point", "up_vector:SCENARIO", *at))
    charges = [f"charge_{f}={q}" for f, q in {"u": 1, "e": 1, "mu": 1, "tau": 1}.items()]
    same = json.loads(
        scanner(site, tmp_path, "point", "light_vector", "model=custom", *charges, *at)
    )
    assert mine["chi2"] == pytest.approx(same["chi2"], rel=1e-12)
    assert mine["delta_chi2"] > 4.0


@pytest.mark.cluster
def test_a_scenario_from_an_entry_point_is_scanned(site, tmp_path):
    packages = tmp_path / "packages"
    (packages / "up_vector_plugin-1.0.dist-info").mkdir(parents=True)
    (packages / "up_vector_plugin-1.0.dist-info" / "entry_points.txt").write_text(ENTRY_POINTS)
    (packages / "up_vector_plugin-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: up-vector-plugin\nVersion: 1.0\n"
    )
    (packages / "up_vector_plugin.py").write_text(OUTSIDE)
    (tmp_path / "up.toml").write_text(DEFINITION.format(scenario="up_vector"))
    both = Path(f"{packages}{os.pathsep}{site}")
    environment = os.environ | {"PYTHONPATH": str(both)}
    done = subprocess.run(
        [site / "bin" / "scanner", "run", "up.toml", "--workers", "1", "--json"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["computed_points"] == 200
