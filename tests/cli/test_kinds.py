"""The verbs that draw points, intervals, impacts and bands, as a user calls them."""

import json
from pathlib import Path

import pytest

SMALL = ("--set", "axes.eps_ee_u.n=41")


@pytest.mark.parametrize("kind", ["spectra", "pulls"])
def test_a_point_is_drawn(command, tmp_path: Path, kind: str) -> None:
    target = tmp_path / f"{kind}.svg"
    done = command("draw", kind, "nsi", "eps_ee_u=0.3", "-e", "coherent_csi_2021", "-o", target)
    assert (done.code, done.out.strip()) == (0, str(target))
    assert target.read_bytes()[:5] == b"<?xml"


def test_a_drawn_point_in_json(command, tmp_path: Path) -> None:
    given = ("nsi", "eps_ee_u=0.3", "-e", "coherent_csi_2021")
    done = command("draw", "pulls", *given, "-o", tmp_path / "p.png", "--json")
    drawn = done.json["experiments"]["coherent_csi_2021"]
    told = command("point", *given, "--json").json["experiments"]["coherent_csi_2021"]
    assert drawn["point"]["pulls"] == pytest.approx(told["pulls"], abs=1e-9)
    assert sum(drawn["observed"]) == told["counts"]["observed"]
    assert [len(axis["edges"]) for axis in drawn["observables"]] == [10, 12]
    assert set(drawn["point"]["postfit_widths"]) == set(told["pulls"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("draw", "spectra", "nsi", "eps_ee=1", "-o", "x.png"), "unknown parameter 'eps_ee'"),
        (("draw", "pulls", "nsi", "eps_ee_u=1", "-o", "x.jpg"), "cannot write .jpg"),
        (("impacts", "nsi_ee_u", "eps"), "unknown axis 'eps'"),
        (("impacts", "nsi_ee_u", "eps_ee_u", "-o", "x.gif"), "cannot write .gif"),
        (("band", "nsi_ee_u", "--vary", "options.coupling"), "unknown convention"),
        (("band", "nsi_ee_u", "--vary", "options.couplings=trees"), "unknown value 'trees'"),
        (("band", "nsi_ee_u", "--vary", "options.couplings", "--cl", "90"), "0.9 for 90 %"),
        (("band", "nsi_ee_u", "--vary", "options.couplings", "--limit", "x"), "unknown axis 'x'"),
        (("band", "nsi_ee_u", "--vary", "options.couplings", "--dof", "0"), "dof = 0"),
        (("band", "nsi_ee_u", "--vary", "options.couplings", "-e", "x"), "unknown experiment"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(
    command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments, said
) -> None:
    monkeypatch.chdir(tmp_path)
    done = command(*arguments)
    assert done.code == 2
    assert said in done.err
    assert done.err.strip().count("\n") == 0
    assert list(tmp_path.iterdir()) == []


def test_intervals_of_a_stored_scan(command, store: Path, tmp_path: Path) -> None:
    target = tmp_path / "intervals.png"
    given = ("light_vector_universal:coupling", "--at", "mass=10", "--store", store, "-o", target)
    done = command("draw", "intervals", *given, "--cl", "0.9", "--json")
    [one] = done.json["intervals"]
    assert target.read_bytes()[:4] == b"\x89PNG"
    assert sorted(one["limits"]) == ["COHERENT CsI 2021", "COHERENT LAr 2020", "combined"]
    asked = command(
        *("interval", "light_vector_universal", "coupling", "--at", "mass=10", "--store", store),
        *("--cl", "0.9", "--json"),
    )
    assert one["limits"]["combined"][0]["intervals"] == asked.json["intervals"]
    assert one["standard_model"] == 0.0
    wrong = command("draw", "intervals", *given, "--at", "charge=1")
    assert (wrong.code, "unknown axis 'charge'" in wrong.err) == (2, True)


def test_impacts_in_json_and_as_a_figure(command, tmp_path: Path) -> None:
    target = tmp_path / "impacts.pdf"
    done = command("impacts", "nsi_ee_u", "eps_ee_u", *SMALL, "-o", target, "--json")
    assert target.read_bytes()[:5] == b"%PDF-"
    assert done.json["impacts"][0]["pull"] == "csi_signal"
    assert done.json["sigma"] > done.json["statistical"] > 0.0
    assert "shift at -1 sigma" in command("impacts", "nsi_ee_u", "eps_ee_u", *SMALL).out


def written(store: Path) -> dict[Path, int]:
    """Files of all cubes, and when they were written."""
    files = (path for cube in store.glob("*/cube.zarr") for path in cube.rglob("*"))
    return {path: path.stat().st_mtime_ns for path in files if path.is_file()}


def test_a_band_runs_each_convention_once(command, tmp_path: Path) -> None:
    given = (
        *("band", "nsi_ee_u", *SMALL, "--vary", "options.couplings=AC22"),
        *("--vary", "options.form_factor=helm", "--store", tmp_path / "store", "--json"),
    )
    done = command(*given, "-o", tmp_path / "band.png")
    variants = done.json["variants"]
    assert [tuple(v["choices"].values()) for v in variants] == [
        ("tree", "klein_nystrand"),
        ("tree", "helm"),
        ("AC22", "klein_nystrand"),
        ("AC22", "helm"),
    ]
    assert len({v["scan"] for v in variants}) == 4
    lows = [v["intervals"][0][0] for v in variants]
    assert done.json["ends"][0][0] == [min(lows), max(lows)]
    before = written(tmp_path / "store")
    assert len(before) > 8
    assert command(*given).json["variants"] == variants
    assert written(tmp_path / "store") == before
    asked = command(
        "interval", "nsi_ee_u_AC22_helm", "eps_ee_u", "--store", tmp_path / "store", "--json"
    )
    assert asked.json["intervals"] == variants[3]["intervals"]


def test_a_band_along_the_mass(command, tmp_path: Path) -> None:
    given = ("--set", "axes.mass.n=6", "--set", "axes.coupling.n=60", "--store", tmp_path / "s")
    target = tmp_path / "band.png"
    done = command(
        *("band", "light_vector_universal", *given, "--vary", "options.couplings=tree"),
        # from the Standard Model: six masses are too few to find the minimum in its thin strip
        *("--reference", "sm", "-o", target, "--json"),
    )
    assert target.exists()
    nominal, tree = (curve["limit"] for curve in done.json["curves"])
    assert len(nominal) == 6
    assert all(0.9 < t / n < 1.1 for n, t in zip(nominal, tree, strict=True))
    assert done.json["spread"][0]["lowest"] == min(nominal[0], tree[0])


def test_quick_is_a_scan_of_its_own_that_says_so(command, tmp_path: Path) -> None:
    given = ("light_vector_universal", "--quick", "--store", tmp_path)
    done = command("run", *given)
    assert "preview on 32 x 32 points in place of 200 x 400" in done.out
    assert "allowed coupling" in done.out
    listed = json.loads(command("list", "scans", "--store", tmp_path, "--json").out)
    assert [row["name"] for row in listed] == ["light_vector_universal_preview"]
    assert listed[0]["title"].startswith("Preview: ")
    again = command("run", *given, "--json").json
    assert again["computed_chunks"] == 0
    assert "preview on 32 x 32" in again["remarks"][0]
