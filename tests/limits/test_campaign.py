"""Toys of a real scan: the same whoever makes them, appendable, and whole after a kill."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scanner.errors import DefinitionError, IncompleteScanError
from scanner.execution.clusters import connect
from scanner.limits import campaign
from scanner.limits.campaign import Effort
from scanner.limits.feldman_cousins import near_level
from scanner.limits.workers import Workers
from scanner.scan import Scan

CLI = "from scanner.cli import main; main()"
SMALL = ("axes.eps_ee_u.n=9", "axes.eps_mumu_u.n=9", "experiments=['coherent_csi_2021']")
FEW = {"per_batch": 5, "most": 10, "points": 12, "at": None}


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    made = Scan.of("nsi_ee_mumu_u", SMALL, store=tmp_path_factory.mktemp("store"))
    with connect(cpu_seconds=0.0) as connection:
        made.run(connection.client)
    return made


@pytest.fixture(scope="module")
def here(scan: Scan) -> Iterator[Scan]:
    with connect(cpu_seconds=0.0) as connection:
        yield replace(scan, workers=Workers(client=connection.client))


def batches(scan: Scan) -> dict[str, list[float]]:
    files = sorted(scan.stored.path.glob("toys/*/*.batch.json"))
    return {f"{f.parent.name}/{f.name}": json.loads(f.read_text())["delta_chi2"] for f in files}


@pytest.mark.cluster
def test_toys_do_not_depend_on_who_makes_them(here: Scan):
    alone = here.feldman_cousins(**FEW)
    made = batches(here)
    for file in here.stored.path.glob("toys/*/*.batch.json"):
        file.unlink()
    with connect(workers=2) as connection:
        away = replace(here, workers=Workers(client=connection.client))
        assert away.feldman_cousins(**FEW).to_dict() == alone.to_dict()
    assert batches(here) == made
    assert len(made) > len(alone.tested)  # some points needed their second batch


def test_more_toys_are_added_and_damaged_ones_made_again(here: Scan):
    first = here.feldman_cousins(**FEW)
    before = batches(here)
    folder = here.stored.path / "toys" / first.campaign.question.key
    damaged = sorted(folder.glob("*.batch.json"))[0]
    damaged.write_text(damaged.read_text().replace('"delta_chi2": [', '"delta_chi2": [ 1.0, ', 1))
    more = here.feldman_cousins(**{**FEW, "most": 15})
    after = batches(here)
    assert {name: after[name] for name in before} == before
    assert more.n_toys > first.n_toys
    assert json.loads(json.dumps(more.to_dict()))["n_toys"] == more.n_toys
    with pytest.raises(DefinitionError, match="batches of 5"):
        here.feldman_cousins(**{**FEW, "per_batch": 7})


def test_a_long_round_says_how_far_it_is(here: Scan, monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    monkeypatch.setattr(campaign, "TOLD_EVERY", 0.0)
    told = replace(here, workers=replace(here.workers, told=said.append))
    told.feldman_cousins(**FEW, seed=77)
    first, *others = said
    assert first.endswith(" batches to make")
    total = first.split(", ")[1].split()[0]
    assert re.fullmatch(rf"1 of {total} batches made, some \d+ s to go", others[0])


def test_another_seed_makes_other_toys(here: Scan):
    one = here.feldman_cousins(**{**FEW, "most": 5})
    two = here.feldman_cousins(**{**FEW, "most": 5, "seed": 1})
    assert one.campaign.question.key != two.campaign.question.key
    assert [t.delta_chi2 for t in one.tested] == [t.delta_chi2 for t in two.tested]
    assert [t.tally for t in one.tested] != [t.tally for t in two.tested]


def test_the_observed_statistic_is_that_of_the_cube(here: Scan):
    found = here.feldman_cousins(**{**FEW, "most": 5})
    cube = here.delta_chi2(found.campaign.question.keep)
    for tested in found.tested:
        # the search for the minimum ends a little above the descent that the scan stores
        assert tested.delta_chi2 == pytest.approx(float(cube.chi2[tested.point]), abs=0.01)


def test_one_axis_with_the_other_held_or_profiled(here: Scan):
    held = here.feldman_cousins(["eps_ee_u"], **{**FEW, "most": 5, "at": {"eps_mumu_u": 0.0}})
    free = here.feldman_cousins(["eps_ee_u"], **{**FEW, "most": 5})
    assert held.to_dict()["reference"] == "minimum at the held values"
    assert free.to_dict()["reference"] == "global"
    assert free.dof == held.dof == 1
    assert free.chi2_min <= held.chi2_min + 1e-3
    assert len(free.to_dict()["intervals"]) >= 1


@pytest.mark.cluster
def test_a_killed_campaign_goes_on(scan: Scan, here: Scan):
    how = ["--seed", "9", "--per-batch", "10", "--max", "20", "--points", "12", "--workers", "1"]
    command = [sys.executable, "-c", CLI, "toys", scan.id, *how]
    command += ["--store", str(scan.stored.path.parent), "--json"]
    before = set(batches(scan))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    until = time.monotonic() + 120.0
    while set(batches(scan)) == before:
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    left = {name: values for name, values in batches(scan).items() if name not in before}
    resumed = here.feldman_cousins(**{**FEW, "per_batch": 10, "most": 20, "seed": 9})
    after = batches(scan)
    assert {name: after[name] for name in left} == left
    assert len(left) < len(after) - len(before)
    for name in set(after) - before:
        (scan.stored.path / "toys" / name).unlink()
    unbroken = here.feldman_cousins(**{**FEW, "per_batch": 10, "most": 20, "seed": 9})
    assert unbroken.to_dict() == resumed.to_dict()
    assert batches(scan) == after


def test_wrong_questions_are_refused(here: Scan, tmp_path: Path):
    with pytest.raises(DefinitionError, match="90 %"):
        here.feldman_cousins(cl=90.0)
    with pytest.raises(DefinitionError, match="dof = 0"):
        here.feldman_cousins(dof=0)
    with pytest.raises(DefinitionError, match="unknown axis 'eps'"):
        here.feldman_cousins(["eps"])
    with pytest.raises(DefinitionError, match="outside"):
        here.feldman_cousins(at={"eps_ee_u": 7.0})
    with pytest.raises(DefinitionError, match="unknown experiment"):
        here.feldman_cousins(experiments=["csi"])
    with pytest.raises(DefinitionError, match="no grid point near"):
        here.feldman_cousins(cl=1e-9, near=0.0)
    with pytest.raises(DefinitionError, match="at least 1"):
        here.feldman_cousins(most=0)
    assert not list(here.stored.path.glob("toys/*/*.partial"))
    fresh = Scan.of("nsi_ee_mumu_u", [*SMALL, "axes.eps_ee_u.n=8"], store=tmp_path)
    with pytest.raises(IncompleteScanError, match="not complete"):
        fresh.feldman_cousins()


def test_experiments_that_share_an_input_have_toys(tmp_path: Path):
    profile = "profile.sin2_theta_w={mean=0.23857,sigma=0.02}"
    axes = ("axes.eps_ee_u.n=9", "axes.eps_mumu_u.n=3")
    made = Scan.of("nsi_ee_mumu_u", [*axes, profile], store=tmp_path)
    assert made.definition.joint
    with connect(cpu_seconds=0.0) as connection:
        made.run(connection.client)
        local = replace(made, workers=Workers(client=connection.client))
        few = {"per_batch": 2, "most": 2, "points": 9, "near": 30.0}
        few |= {"at": {"eps_mumu_u": 0.0}}
        found = local.feldman_cousins(["eps_ee_u"], **few)
        again = local.feldman_cousins(["eps_ee_u"], **few)
    assert found.to_dict() == again.to_dict()
    assert found.tested
    for tested in found.tested:
        assert tested.tally.n_toys == 2
        assert tested.tally.n_failed == 0


def test_rounds_double_and_points_are_thinned():
    assert Effort(0.9, most=450, per_batch=100).rounds == (1, 2, 4, 5)
    assert Effort(0.9, most=50, per_batch=100).rounds == (1,)
    x = np.linspace(-3.0, 3.0, 31)
    bowl = x[:, np.newaxis] ** 2 + x**2
    every, one = near_level(bowl, 4.6, 1.0, 1000)
    some, step = near_level(bowl, 4.6, 1.0, 40)
    assert one == 1 < step
    assert len(some) <= 40 < len(every)
    assert all(i % step == 0 and j % step == 0 for i, j in some)


def test_critical_values_between_points_follow_those_with_more_toys(here: Scan):
    found = here.feldman_cousins(**{**FEW, "most": 5})
    low, high = found.tested[0], found.tested[-1]
    sure = replace(low, tally=replace(low.tally, critical=3.0, n_toys=20))
    unsure = replace(high, tally=replace(high.tally, critical=9.0, n_toys=5))
    made = replace(found, tested=(sure, unsure))
    steps = np.sum(((np.array(low.point) - high.point) / found.stride) ** 2)
    far = np.exp(-0.5 * steps) * 0.25  # 5/20
    assert made.critical[low.point] == pytest.approx((3.0 + 9.0 * far) / (1.0 + far))
    assert 3.0 < made.critical.min() < made.critical.max() < 9.0
    same = replace(found, tested=tuple(replace(t, tally=sure.tally) for t in found.tested))
    np.testing.assert_allclose(same.critical, 3.0)
    np.testing.assert_allclose(same.adjusted, found.delta_chi2 * found.level / 3.0)


def test_the_contour_of_an_unchanged_critical_value_is_that_of_wilks(here: Scan):
    found = here.feldman_cousins(**{**FEW, "most": 5})
    tested = tuple(
        replace(t, tally=replace(t.tally, critical=found.level, critical_error=0.1))
        for t in found.tested
    )
    same = replace(found, tested=tested)
    one, two = same.contour(), same.contour(wilks=True)
    assert len(one.lines) == len(two.lines) > 0
    for a, b in zip(one.lines, two.lines, strict=True):
        np.testing.assert_allclose(a.vertices, b.vertices, atol=1e-9)
