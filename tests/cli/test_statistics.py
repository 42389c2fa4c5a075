"""`toys`, `expected`, `cls`, `marginal` on the command line: JSON shapes, exit codes, one line."""

import json

import pytest

pytestmark = pytest.mark.cluster

NAME = "light_vector_universal"
AT = ("--at", "mass=1")
ALWAYS = {"statistic", "cl", "dof", "sided", "reference", "chi2_min", "minimum_at", "digest"}
ALWAYS |= {"n_toys", "seed", "scan"}


def test_toys_of_one_axis(command, store, tmp_path):
    how = ("--max", "5", "--per-batch", "5", "--points", "4", "-e", "coherent_csi_2021")
    first = command("toys", NAME, *AT, *how, "--store", store, "--workers", "1", "--json")
    assert first.code == 0
    record = first.json
    assert set(record) >= ALWAYS
    assert record["n_toys"] == 5 * len(record["points"])
    # everything is there: read again, nothing is made and no worker is started
    figure = tmp_path / "toys.png"
    again = command("toys", NAME, *AT, *how, "--store", store, "-o", figure)
    assert figure.stat().st_size > 10_000
    wrong = command("toys", NAME, *AT, *how, "--store", store, "-o", tmp_path / "toys.doc")
    assert (wrong.code, wrong.out) == (2, "")
    assert "toys.doc" in wrong.err
    assert "no cluster given" not in again.err
    assert "Feldman-Cousins: coupling <" in again.out
    assert f"{record['n_toys']} toys in" in again.out


def test_expected_as_json_and_csv(command, store, tmp_path):
    shown = command("expected", NAME, "coupling", *AT, "--toys", "3", "--store", store, "--json")
    assert set(shown.json) >= ALWAYS
    file = tmp_path / "band.csv"
    how = ("--along", "mass", "--toys", "2", "-o", file, "--store", store)
    assert command("expected", NAME, "coupling", *how).code == 0
    table = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    assert table[0].startswith("mass,observed,asimov,expected_-2_sigma")
    assert len(table) == 17
    assert "upper limits on coupling" in command(
        "expected", NAME, "coupling", *AT, "--toys", "3", "--sided", "one", "--store", store
    ).out  # fmt: skip


def test_cls_and_marginal(command, store):
    record = command("cls", NAME, "coupling", *AT, "--store", store, "--json").json
    assert set(record) >= ALWAYS
    expected = record["asymptotic"]["expected"]
    assert expected["-2"] < expected["0"] < expected["2"]
    how = ("--keep", "coupling", "--prior", "coupling=log", *AT, "--store", store)
    record = command("marginal", NAME, *how, "--json").json
    assert set(record) >= ALWAYS
    assert json.dumps(record["priors"]) == '{"coupling": "log"}'
    assert "90 % credible" in command("marginal", NAME, *how).out


def test_one_sided_interval(command, store):
    one = command("interval", NAME, "coupling", *AT, "--sided", "one", "--store", store, "--json")
    line = ("--reference", "raster")  # at a held mass an upper limit counts from its best value
    two = command("interval", NAME, "coupling", *AT, *line, "--store", store, "--json")
    assert one.json["sided"] == "one"
    assert one.json["reference"]["kind"] == two.json["reference"]["kind"] == "raster"
    assert one.json["delta_chi2"] == pytest.approx(1.6424, abs=1e-4)
    assert one.json["intervals"][0][1] < two.json["intervals"][0][1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("toys", NAME, "--cl", "90"), "0.9 for 90 %"),
        (("toys", NAME, "--keep", "masss"), "did you mean 'mass'"),
        (("toys", NAME, "--max", "0"), "give at least 1"),
        (("toys", NAME, "--near", "-1"), "at least 0"),
        (("toys", NAME, "--at", "mass=1e9"), "outside the scanned"),
        (("expected", NAME, "coupling", "--dof", "0"), "dof = 0"),
        (("expected", NAME, "coupling", "--toys", "0"), "toys = 0"),
        (("expected", NAME, "coupling", *AT, "--toys", "1", "-o", "x.pdf"), "end the name in"),
        (("cls", NAME, "couplin"), "did you mean 'coupling'"),
        (("cls", NAME, "coupling", *AT, "--toys", "-2"), "give at least 1"),
        (("marginal", NAME, "--keep", "coupling", "--prior", "coupling=flatt"), "'flat'"),
        (("marginal", NAME, "--keep", "coupling", "--prior", "log"), "--prior 'log': write name="),
        (("marginal", NAME, "--keep", "coupling", "--cl", "90"), "0.9 for 90 %"),
        (("interval", NAME, "coupling", "--sided", "upper"), "unknown kind 'upper'"),
    ],
)
def test_wrong_questions_get_one_line(command, store, arguments, said):
    outcome = command(*arguments, "--store", store)
    assert outcome.code == 2
    assert outcome.out == ""
    assert said in outcome.err
    assert len([line for line in outcome.err.splitlines() if line.startswith("error: ")]) == 1
