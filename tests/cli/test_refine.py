"""`scanner refine` and `scanner contour --refined`: as a user types them, killed and gone on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.cluster

NAME = "light_vector_universal"
CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"
COARSE = ("--to", "mass=0.06dex", "--to", "coupling=0.03dex")


@pytest.fixture(scope="module")
def refined(store):
    """The small stored scan, refined once by the command in a process of its own."""
    done = _command(store, "refine", NAME, *COARSE, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


PROGRAM = "import sys; from scanner.cli import main; sys.argv[0] = 'scanner'; main()"


def _command(store: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments, "--store", str(store)],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_record_says_what_was_done(refined):
    assert refined["cls"] == [0.9]
    assert refined["dof"] == 2
    assert refined["to"] == {"mass": 0.06, "coupling": 0.03}
    assert refined["evaluated"] == refined["points"] > 0
    assert refined["points"] == sum(level["points"] for level in refined["levels"])
    assert set(refined["references"]) == {CSI, LAR, "combined"}
    assert refined["share"] == pytest.approx(refined["points"] / refined["finest_points"])


def test_a_second_call_computes_nothing(command, store, refined):
    again = command("refine", NAME, *COARSE, "--store", store)
    assert again.code == 0
    assert "nothing to compute" in again.out
    assert refined["folder"] in again.out


def test_contours_come_with_a_bound(command, store, refined):
    record = command("contour", NAME, "--refined", "--store", store, "--json").json
    assert record["refinement"]["key"] == refined["key"]
    [contour] = record["contours"]
    bound = contour["error_bound"]
    assert bound["unevaluated_cells"] == 0
    assert bound["axes"]["mass"]["unit"] == "dex"
    assert 0 < bound["axes"]["mass"]["cell"] <= 0.06
    assert 0 < bound["axes"]["coupling"]["cell"] <= 0.03
    for one in bound["axes"].values():
        assert one["bound"] == one["cell"] + one["interpolation"]
    text = command("contour", NAME, "--refined", "-e", CSI, "--store", store).out
    assert text.startswith(f"# refinement {refined['key']}")
    assert "of the true line" in text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--to", "0.01"], "mass is logarithmic: give it in dex"),
        (["--to", "mass=0.01dex"], "no tolerance for coupling"),
        (["--to", "0.00001dex"], "give a coarser one"),
        (["--to", "0.05dex", "--cl", "90"], "give a fraction, 0.9"),
        (["--to", "0.05dex", "--dof", "0"], "dof = 0"),
        (["--to", "0.05dex", "--at", "mass=1"], "a plane of two"),
        (["--to", "0.05dex", "--keep", "mass,coupla"], "did you mean 'coupling'"),
        (["--to", "0.05dex", "-e", "coherent"], "unknown experiment"),
        (["--to", "0.05dex", "--reference", "best"], "unknown reference"),
        ([], "--to"),
    ],
)
def test_wrong_input_is_one_line_and_nothing_is_written(command, store, refined, given, said):
    before = sorted(Path(refined["folder"]).parent.iterdir())
    answer = command("refine", NAME, *given, "--store", store)
    assert answer.code == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert sorted(Path(refined["folder"]).parent.iterdir()) == before


def test_contours_that_were_not_refined_say_how(command, store, refined):
    answer = command("contour", NAME, "--refined", "--cl", "0.99", "--store", store)
    assert answer.code == 2
    assert "scanner refine" in answer.err
    assert "--cl 0.99" in answer.err


def test_killed_it_goes_on_to_the_same_bytes(store, refined, tmp_path):
    scan = shutil.copytree(Path(refined["folder"]).parents[1], tmp_path / refined["scan"])
    shutil.rmtree(scan / "refined")
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "refine", NAME, *COARSE, "--store", str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    batches = scan / "refined" / refined["key"] / "batches"
    deadline = time.monotonic() + 60.0
    while process.poll() is None and time.monotonic() < deadline:
        if list(batches.glob("*.json")):
            os.killpg(process.pid, signal.SIGKILL)
            break
        time.sleep(0.002)
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"
    assert not (batches.parent / "done.json").exists()
    done = _command(tmp_path, "refine", NAME, *COARSE, "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert 0 < record["evaluated"] < refined["evaluated"]
    assert record["sha256"] == refined["sha256"]
    whole = Path(refined["folder"]) / "batches"
    names = sorted(path.name for path in whole.glob("*.npz"))
    assert names == sorted(path.name for path in batches.glob("*.npz"))
    assert all((batches / n).read_bytes() == (whole / n).read_bytes() for n in names)


def test_the_figure_is_drawn_from_the_refined_points(command, store, refined, tmp_path):
    path = tmp_path / "limit.svg"
    answer = command("refine", NAME, *COARSE, "-o", path, "--store", store)
    assert answer.code == 0
    assert f"figure  {path}" in answer.out
    coarse = tmp_path / "coarse.svg"
    assert command("plot", NAME, "-o", coarse, "--store", store).code == 0
    assert path.read_text().count("<path") > 10
    assert path.read_bytes() != coarse.read_bytes()


def test_a_figure_of_another_kind_is_refused_before_the_work(command, store, refined):
    before = sorted(Path(refined["folder"]).parent.iterdir())
    answer = command("refine", NAME, "--to", "0.05dex", "-o", "limit.gif", "--store", store)
    assert answer.code == 2
    assert ".gif" in answer.err
    assert sorted(Path(refined["folder"]).parent.iterdir()) == before
