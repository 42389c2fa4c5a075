"""`combine`, `interval --exact` and the words of `query` on the command line."""

import re
import shutil

import pytest

from scanner.scan import Scan

pytestmark = pytest.mark.cluster

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"
BOTH = "light_vector_universal"
SMALL = ("axes.mass.n=16", "axes.coupling.n=90")


@pytest.fixture(scope="module")
def apart(store, tmp_path_factory):
    """A copy of `store`, with its scan once more for each experiment alone."""
    root = shutil.copytree(store, tmp_path_factory.mktemp("apart") / "store")
    for name, experiment in (("csi", CSI), ("lar", LAR)):
        Scan.launch(BOTH, [*SMALL, f"experiments=['{experiment}']", f"name={name}"], store=root)
    return root


def test_combine_gives_the_limits_of_both(command, apart):
    both = command("combine", "csi", "lar", "--cl", "0.9", "--store", apart, "--json").json
    whole = command("contour", BOTH, "--cl", "0.9", "--store", apart, "--json").json
    assert both["experiments"] == [CSI, LAR]
    assert len(both["scans"]) == 2
    assert both["minimum"]["source"] == "exact"
    lines = [len(contour["lines"]) for contour in both["contours"]]
    assert lines == [len(contour["lines"]) for contour in whole["contours"]]

    asked = ("--at", "mass=1", "--dof", "2", "--store", apart)
    sum_of_both = command("combine", "csi", "lar", *asked, "--json").json
    one = command("interval", BOTH, "coupling", *asked, "--json").json
    assert sum_of_both["parameter"] == "coupling"
    assert sum_of_both["intervals"][0][1] == pytest.approx(one["intervals"][0][1], rel=0.05)
    text = command("combine", "csi", "lar", *asked).out
    assert text.startswith("coupling < ")
    assert f"{CSI} + {LAR}, mass = 1 MeV" in text


@pytest.mark.parametrize(
    ("asked", "texts"),
    [
        ((), ("excluded at 90 % CL, 2 dof", "from the global minimum")),
        (("--at", "mass=1"), ("1 dof, ", "68.27 %", "mass = 1")),
        (("-p", "coupling", "--dof", "2", "--cl", "0.9"), ("2 dof, ", "90 %")),
        (("--reference", "raster"), ("minimum of each column",)),
    ],
)
def test_a_figure_shows_the_sum_and_each_scan(command, apart, tmp_path, asked, texts):
    path = tmp_path / "both.svg"
    answer = command("combine", "csi", "lar", *asked, "-o", path, "--store", apart)
    assert (answer.code, answer.out.splitlines()[-1]) == (0, str(path))
    drawn = path.read_text()
    written = " ".join(re.findall("<!-- (.*?) -->", drawn))
    ids = command("combine", "csi", "lar", "--store", apart, "--json").json["scans"]
    for text in ("combined", "COHERENT CsI 2021", "COHERENT LAr 2020", *texts):
        assert text in written
    assert all(scan in drawn for scan in ids)


@pytest.mark.parametrize(
    ("asked", "said"),
    [(("-o", "both.gif"), ".pdf"), (("-o", "both.pdf", "--cl", "90"), "cl = 90")],
)
def test_what_cannot_be_drawn_leaves_no_file(command, apart, tmp_path, monkeypatch, asked, said):
    monkeypatch.chdir(tmp_path)
    answer = command("combine", "csi", "lar", *asked, "--store", apart)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("csi",), "give at least two scans"),
        (("csi", "csi"), f"experiment {CSI} is in both and would count twice"),
        (("csi", BOTH), f"experiment {CSI} is in both"),
        (("csi", "lar", "--cl", "90"), "cl = 90: give a fraction, 0.9 for 90 %"),
        (("csi", "lar", "--dof", "0"), "dof = 0"),
        (("csi", "lar", "-p", "couplng"), "did you mean 'coupling'"),
        (("csi", "nosuch"), "unknown scan 'nosuch'"),
    ],
)
def test_wrong_combinations_are_refused_in_one_line(command, apart, arguments, said):
    answer = command("combine", *arguments, "--store", apart)
    assert answer.code == 2
    assert said in answer.err
    assert answer.err.strip().count("\n") == 0
    assert answer.out == ""


def test_interval_with_exact_ends(command, store):
    asked = ("interval", BOTH, "coupling", "--at", "mass=30", "--store", store, "--exact")
    record = command(*asked, "--json").json
    assert record["source"] == "exact"
    assert len(record["grid_intervals"]) == len(record["intervals"])
    text = command(*asked).out
    assert "roots of the likelihood: - .. " in text
    assert "interpolated on the grid: - .. " in text


def test_query_says_by_whom_a_point_is_excluded(command, store):
    asked = ("query", BOTH, "mass=1", "coupling=3e-5", "--store", store)
    record = command(*asked, "--json").json
    last = command(*asked).out.strip().splitlines()[-1]
    assert last.startswith("excluded at 90 % by ")
    for name in record["excluded_by"]["90 %"]:
        assert name in last.partition("; allowed by ")[0]
