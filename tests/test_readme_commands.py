"""Every command of the README is typed, in the order of a reader, and does what is said of it."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from scanner.cli import main

pytestmark = pytest.mark.timeout(600)  # all commands are typed before the first test

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SCANNER = Path(sys.executable).parent / "scanner"

COARSE = "--set axes.mass.n=31 --set axes.coupling.n=90"
TINY = "--set axes.mass.n=3 --set axes.coupling.n=20"
ADDED = {
    "scanner run light_vector_universal": COARSE,
    "scanner run NAME --quick": "",
    "scanner run NAME --set options.couplings=tree "
    "--set experiment.coherent_lar_2020.window=cut": f"{COARSE} --set name='\"tree\"'",
    "scanner submit NAME": f"{TINY} --workers 1",
    "scanner run light_vector_universal_coherent_dresden_xenonnt": f"{TINY} "
    "--set experiment.xenonnt_b8_2026.yields=nominal",
    "scanner run light_vector_universal_sensitivities": TINY,
    "scanner run light_vector_b_minus_l --set 'experiments=[\"my_detector.toml\"]' "
    "--set experiment.my_detector.target.mass.value=100": TINY,
    "scanner band light_vector_universal --vary options.couplings "
    "--vary options.form_factor -o band.pdf": f"{TINY} --workers 1",
    "scanner profile SCAN --keep mass,coupling --workers 8": "--workers 2",
    "scanner interval SCAN PARAM --exact": "--at mass=1",
    "scanner expected SCAN PARAM": "--at mass=1",
    "scanner toys SCAN --cl 0.9 -o fc.pdf": "--points 1 --max 10 --per-batch 10 --workers 1",
    "scanner rm SCAN": "--yes",
    "scanner gallery": "--only data_csi_2021",
}
"""What makes a command short enough, or needs no answer from a person: written behind it."""

SMALLER = {"n = 200": "n = 31", "n = 400": "n = 90"}
"""The same of the README's universal.toml."""

STANDS_FOR = {
    "NAME": "light_vector_b_minus_l",
    "SCAN": "universal",
    "PARAM": "coupling",
    "EXPERIMENT": "coherent_csi_2021",
    "DIR": "recipes",
    "A": "universal",
    "B": "tree",
}
OTHERWISE = {
    "scanner show NAME": "scanner show nsi",
    "scanner show": "scanner show xenonnt_b8_2026",
    "scanner point": "scanner point light_vector mass=10 coupling=5e-5 -e my_detector.toml",
    "scanner query": "scanner query SCAN mass=10 coupling=5e-5 --json",
    "scanner verify": "scanner verify SCAN",
    "scanner watch SCAN": "scanner watch light_vector_b_minus_l",
    "scanner status SCAN": "scanner status SCAN",
    "scanner cancel SCAN": "scanner cancel light_vector_b_minus_l",
    "scanner resume SCAN": "scanner resume light_vector_b_minus_l",
    "scanner combine SCAN SCAN -o both.pdf": "scanner combine SCAN germanium -o both.pdf",
    "scanner rm SCAN": "scanner rm tree",
    "scanner refine SCAN --cl 0.9 --to 0.005dex": "scanner refine SCAN --cl 0.9 --to 0.05dex",
}
"""A verb alone, placeholders that stand for something else there, a coarser line."""

BEFORE = {
    "scanner combine SCAN SCAN -o both.pdf": [
        "scanner run universal.toml --set 'experiments=[\"coherent_ge_2024\"]' "
        "--set 'name=\"germanium\"'"
    ],
    "scanner draw intervals nsi_ee_u nsi_mumu_u -o limits.pdf": [
        "scanner run nsi_ee_u --set axes.eps_ee_u.n=41",
        "scanner run nsi_mumu_u --set axes.eps_mumu_u.n=41",
    ],
    "scanner impacts weak_mixing_angle_coherent sin2_theta_w -o impacts.pdf": [
        "scanner run weak_mixing_angle_coherent --set axes.sin2_theta_w.n=41"
    ],
}
"""Scans that the README takes as run."""

ENDS = {"scanner diff A B": 1}
"""Exit codes other than 0, where the README says so."""

SAYS = {
    "scanner interval universal coupling --at mass=1 --cl 0.9 --dof 2": "coupling < 1.83e-05",
    "scanner resume universal": "nothing to compute",
    "scanner list scenarios": "light_vector",
    "scanner list options": "couplings",
    "scanner list overlays": "bl_texono",
    "scanner show light_vector": "M_{Z'}",
    "scanner show coherent_csi_2021": "csi_signal",
    "scanner plan NAME": "points",
    "scanner status SCAN": "100.0 %",
    "scanner point light_vector model=B-L mass=10 coupling=5e-5": "csi_signal",
    "scanner data verify": "coherent_csi_2021",
    "scanner drivers SCAN": "contributes most",
    "scanner contour SCAN --refined": "# refinement",
    "scanner bib SCAN": "CEvNSscanner",
    "scanner diff A B": "different",
    "scanner deploy list": "kubernetes",
    "scanner deploy script my.toml": "#SBATCH",
    "scanner show my_detector.toml": "10 kg of germanium at a reactor",
    "scanner drivers light_vector_universal_coherent_dresden_xenonnt": "dresden_ii_2022",
    "scanner show SCAN": "sources_unchanged",
    "scanner token create anna --scope submit --quota 10000000": "anna",
}
"""What is promised of their output."""

APART = {
    "scanner serve --store /shared/scans": "test_a_store_is_served",
    "scanner doctor --store s3://...": "test_a_bucket_is_tried",
    "scanner data build EXPERIMENT --release DIR": "test_a_table_is_rebuilt",
}
"""Commands that have a test of their own below: they need a server or a release."""

NOT_HERE = {
    "python3 -m venv .venv": ("tests/test_wheel.py", '"--target", site, wheel'),
    ".venv/bin/pip install -q .": ("tests/test_wheel.py", '"wheel", "--no-deps"'),
    ".venv/bin/pip install -q -c .ci/constraints.txt -e '.[test]'": (".ci/run", "test command"),
    ".venv/bin/pytest -n 2": (".ci/run", "test command"),
    ".venv/bin/pytest tests/benchmarks --benchmark-enable --benchmark-only": (
        "tests/benchmarks/conftest.py",
        "--benchmark-enable",
    ),
    "pip install '.[jobqueue]'": (".ci/run", "test command"),
    "pip install -e .": (".ci/run", "test command"),
    "pip install '.[s3]'": (".ci/run", "test command"),
    "SCANNER_FAULT_TABLE=f.md pytest": ("tests/faults/fault_table.py", "SCANNER_FAULT_TABLE"),
    "python tests/reference/test_comparisons.py": (
        "tests/reference/test_comparisons.py",
        "__main__",
    ),
    "scanner run NAME --cluster slurm": (
        "tests/batch/test_slurm.py",
        '"--cluster", str(profile())',
    ),
    "scanner doctor --scheduler tls://host:8786": (
        "tests/cli/test_scans.py",
        '"--scheduler-file", path',
    ),
    "scanner submit NAME --scheduler tls://host:8786": (
        "tests/cli/test_runs_told.py",
        '"submit", empty.id, "--scheduler-file"',
    ),
}
"""Commands that are not typed here: the file that does it, and what it says there."""


def commands() -> list[str]:
    """Every command of the README once, in its order: of bash blocks, and inline."""
    found: list[str] = []
    for block, inline in re.findall(r"```(.*?)```|(?<!`)`([^`]+)`(?!`)", README, flags=re.DOTALL):
        if block.startswith("bash\n"):
            for line in block.removeprefix("bash\n").splitlines():
                found += [part.strip() for part in _without_remark(line).split(" && ")]
        elif re.match(r"(scanner|pip|python|\.venv/bin/\w+|[A-Z_]+=\S+) ", inline):
            found.append(" ".join(inline.split()))
    return list(dict.fromkeys(one.replace(".venv/bin/scanner", "scanner") for one in found if one))


def _without_remark(line: str) -> str:
    return re.sub(r"\s+#.*$", "", line).strip()


def filled(command: str) -> str:
    """The command with names for placeholders, and with what is written behind it."""
    text = OTHERWISE.get(command, command)
    words = re.sub(
        r"(?<![\w.=-])(NAME|SCAN|PARAM|EXPERIMENT|DIR|A|B)(?![\w.-])",
        lambda found: STANDS_FOR[found[0]],
        text,
    )
    return f"{words} {ADDED.get(command, '')}".strip()


TYPED = [one for one in commands() if one not in NOT_HERE and one not in APART]


@dataclass(frozen=True)
class Ended:
    """Exit code, what was printed, and the files that were promised with their sizes."""

    code: int
    out: str
    err: str
    files: Mapping[str, int]


def typed(line: str) -> Ended:
    """A line as a shell would run it in this process, with ``> FILE``."""
    command, _, target = line.partition(" > ")
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", shlex.split(command))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main()
            except SystemExit as stop:
                code = int(stop.code or 0)
    if target:
        Path(target).write_text(out.getvalue())
    promised = re.findall(r"(?: -o| --output| >) (\S+)", line)
    promised += re.findall(r"^(?:cube|figure) +(\S+)$", out.getvalue(), flags=re.MULTILINE)
    sizes = {name: Path(name).stat().st_size if Path(name).exists() else 0 for name in promised}
    return Ended(code, out.getvalue(), err.getvalue(), sizes)


def written(start: str, language: str = "toml") -> str:
    """The text of a block of the README, from its comment with the file name on."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    [found] = [text for text in blocks if text.startswith(f"# {start}")]
    return found


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the two texts that the README shows, and a home that is empty."""
    folder = tmp_path_factory.mktemp("reader")
    text = written("universal.toml")
    for usual, small in SMALLER.items():
        assert text.count(usual) == 1
        text = text.replace(usual, small)
    (folder / "universal.toml").write_text(text)
    (folder / "my_detector.toml").write_text(written("my_detector.toml"))
    (folder / "up_vector.py").write_text(written("up_vector.py", "python"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in [n for n in os.environ if n.startswith("XDG_") or n == "SCANNER_STORE"]:
            patch.delenv(name)
        patch.setenv("HOME", str(folder / "home"))
        (folder / "home").mkdir()
        yield folder


@pytest.fixture(scope="module")
def ended(reader: Path) -> dict[str, Ended]:
    """What became of every command, one after the other in one folder and one store."""
    outcomes = {}
    for command in TYPED:
        before = {line: typed(line) for line in BEFORE.get(command, ())}
        assert {line: done.err for line, done in before.items() if done.code} == {}
        outcomes[command] = typed(filled(command))
    return outcomes


@pytest.mark.parametrize("command", TYPED)
def test_a_command_does_what_is_said_of_it(reader, ended, command):
    line, done = filled(command), ended[command]
    assert done.code == ENDS.get(command, 0), (line, done.out[-300:], done.err)
    assert SAYS.get(command, "") in done.out + done.err
    assert all(done.files.values()), done.files
    assert done.files or done.out


def test_every_command_is_typed_somewhere():
    found = set(commands())
    assert len(TYPED) > 45
    for table in (ADDED, OTHERWISE, BEFORE, ENDS, SAYS, NOT_HERE, APART):
        assert set(table) <= found, set(table) - found  # no entry is stale
    for command in found - set(NOT_HERE) - set(APART):
        assert command.startswith("scanner "), f"no test types {command!r}"
    for path, said in NOT_HERE.values():
        assert said in (ROOT / path).read_text(), (path, said)
    assert all(name in globals() for name in APART.values())


def test_the_main_job_ends_with_the_figure(ended):
    [cube, figure] = ended["scanner run light_vector_universal"].files
    assert re.search(r"/scans/[0-9a-f]{16}/cube\.zarr$", cube)
    assert re.search(r"/scans/[0-9a-f]{16}/figure\.png$", figure)
    assert Path(figure).read_bytes().startswith(b"\x89PNG")


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The address of a service over the reader's store."""
    line = filled("scanner serve --store /shared/scans").replace("/shared/scans", "scans")
    process = subprocess.Popen(
        [SCANNER, *shlex.split(line)[1:], "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        told = iter(process.stdout.readline, "")
        yield next(found[0] for text in told if (found := re.findall(r"http://[\d.:]+", text)))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        process.stdout.close()


def test_a_store_is_served(reader, ended):
    with served() as url:
        scans = httpx.get(f"{url}/api/v1/scans", timeout=30).json()
        assert "universal" in str(scans)
        assert httpx.get(f"{url}/api/v1/openapi.json", timeout=30).json()["openapi"]
        assert "<!doctype html>" in httpx.get(url, timeout=30).text


PYTHON = [
    text
    for text in re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    if not text.startswith("# up_vector.py")  # a file: tests/test_readme.py
]
SERVED = "http://127.0.0.1:8642"


def python(text: str, folder: Path) -> str:
    """What a file with that text prints, in a process of its own."""
    (folder / "shown.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "shown.py"], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_scan_is_run_from_python_as_shown(reader, ended):
    [text] = [one for one in PYTHON if "Scan.of(" in one]
    assert "coupling < 1.83e-05" in python(f"{text}    print(chi2.dims)\n", reader)


def test_a_service_is_asked_from_python_as_shown(reader, ended):
    [text] = [one for one in PYTHON if "scanner.connect(" in one]
    with served() as url:
        said = python(f"{text}print(dict(cube.sizes))\n".replace(SERVED, url), reader)
    assert "coupling < 1.8" in said
    assert "'mass': 60, 'coupling': 400" in said


def test_a_likelihood_is_asked_from_python_as_shown(reader):
    [text] = [one for one in PYTHON if "scanner.likelihood(" in one]
    assert float(python(f"{text}print(best.chi2)\n", reader)) > 0.0


def test_no_python_is_shown_that_is_not_run():
    assert len(PYTHON) == 3


def test_a_bucket_is_tried(s3_root):
    done = typed(f"scanner doctor --store {s3_root}")
    assert done.code == 0, done.err
    assert s3_root in done.out


def test_a_table_is_rebuilt(reader, releases):
    done = typed(f"scanner data build coherent_csi_2021 --release {releases} --output built")
    assert done.code == 0, done.err
    shipped = ROOT / "scanner" / "experiments" / "data" / "coherent_csi_2021"
    built = {path.name: path.read_bytes() for path in (reader / "built").rglob("*.csv")}
    assert built == {path.name: path.read_bytes() for path in shipped.glob("*.csv")}


def test_the_software_and_the_data_can_be_cited(ended):
    record = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"cff-version", "message", "title", "authors"} <= set(record)  # those that must be there
    assert (record["cff-version"], record["type"]) == ("1.2.0", "software")
    assert (record["version"], record["license"]) == (project["version"], project["license"])
    assert record["title"] in ended["scanner bib SCAN"].out
    assert all(one["name"] in ended["scanner bib SCAN"].out for one in record["authors"])
    assert "10.1103/PhysRevLett.129.081801" in ended["scanner bib SCAN"].out  # the data
    assert "[CITATION.cff](CITATION.cff)" in README
