"""The stored grids of the notebooks are what today's code computes."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from scanner import definition
from scanner.limits.campaign import make_batch
from scanner.scan import Scan
from scanner.store.audit import audit
from scanner.store.toys import ToyFolder

FOLDER = Path(__file__).parents[2] / "notebooks"
GRIDS = FOLDER / "grids"
MEND = "remove notebooks/grids, run the commands of notebooks/README.md, store the notebooks again"
EXACT = 1e-9
"""Largest difference of chi2 between the ways and machines that it is computed on."""
FITTED, MOST_ALIKE = 1e-6, 0.99
"""The same of a toy's fit, and the share of toys that keep to it."""
MOST_BYTES = 2_000_000


def commands(verb: str) -> list[list[str]]:
    """Arguments of the commands of that verb that the README makes the grids with."""
    block = (FOLDER / "README.md").read_text().partition("<!-- grids -->")[2].partition("```\n")[0]
    lines = [shlex.split(line) for line in block.splitlines() if line.startswith("scanner")]
    return [words[2:] for words in lines if words[1] == verb]


def overrides(words: list[str]) -> list[str]:
    """What follows each `--set`."""
    return [value for key, value in pairwise(words) if key == "--set"]


def opened(words: list[str]) -> Scan:
    """The stored scan that a command makes today."""
    return stored(definition.load(words[0], overrides(words)))


def stored(chosen: definition.ScanDefinition) -> Scan:
    """The stored scan of a definition."""
    assert (GRIDS / chosen.id).is_dir(), f"{chosen.name} is scan {chosen.id} today: {MEND}"
    return Scan.open(chosen.id, store=GRIDS)


@pytest.fixture(params=commands("run"), ids=lambda words: words[0])
def scan(request: pytest.FixtureRequest) -> Scan:
    return opened(request.param)


def test_every_stored_scan_is_told() -> None:
    assert {path.name for path in GRIDS.iterdir()} == {opened(w).id for w in commands("run")}, MEND


def test_another_engine_is_told_with_the_mend(scan: Scan) -> None:
    later = replace(scan.definition, engine_version=definition.ENGINE_VERSION + 1)
    with pytest.raises(AssertionError, match="run the commands"):
        stored(later)


def test_it_is_the_definition_of_today_and_whole(scan: Scan) -> None:
    assert scan.stored.cube.attributes["digest"] == scan.definition.digest
    scan.definition.check_sources()
    assert audit(scan.stored).exit_code == 0
    assert scan.state().complete
    assert set(scan.minima) >= set(scan.definition.experiments)


def test_chunks_computed_anew_are_the_stored_ones(scan: Scan) -> None:
    grid, allowed = scan.stored.grid, (scan.definition.largest_error or 0.0) + EXACT
    for number in {0, grid.n_chunks // 2}:
        chi2, status = scan.stored.cube.read(grid.chunk(number))
        fresh = scan.evaluator.block(grid, grid.chunk(number))
        assert np.array_equal(status, fresh.status), MEND
        assert np.nanmax(np.abs(chi2 - fresh.chi2)) <= allowed, MEND


def test_the_minima_are_those_of_today(scan: Scan) -> None:
    best = scan.minima["combined"]
    point = {axis.name: np.array([best.at[axis.name]]) for axis in scan.definition.axes}
    assert scan.evaluator.chi2_at(point).sum() == pytest.approx(best.chi2, abs=1e-6), MEND


def test_toys_made_anew_are_the_stored_ones(tmp_path: Path) -> None:
    [words] = commands("toys")
    asked = dict(zip(words[1::2], words[2::2], strict=True))
    [made] = [opened(run) for run in commands("run") if run[0] == words[0]]
    shutil.copytree(GRIDS / made.id, tmp_path / made.id)
    copy, most = Scan.open(made.id, store=tmp_path), int(asked["--max"])
    found = copy.feldman_cousins(cl=float(asked["--cl"]), points=int(asked["--points"]), most=most)
    tested, campaign = found.tested[len(found.tested) // 2], found.campaign
    fresh, _ = make_batch(campaign.question.text(), tested.point, 0, campaign.effort.per_batch)
    old = ToyFolder.of(made.stored.folder, campaign.question.key).read(tested.point, 0)
    assert old is not None, MEND
    assert campaign.effort.per_batch == int(asked["--per-batch"])
    # counts are drawn from expectations whose last bits may differ elsewhere: few toys may jump
    assert np.mean(np.abs(fresh - old) <= FITTED) >= MOST_ALIKE, MEND


def test_they_are_small_and_tell_nothing_of_the_machine() -> None:
    files = [path for path in GRIDS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MOST_BYTES
    assert len(files) < 120
    assert not list(GRIDS.glob("*/runs")), "remove them: they tell of a user and a process"
    texts = [path.read_text() for path in files if path.suffix in (".json", ".toml")]
    assert not [text for text in texts if re.search(r"/(tmp|home|root|work)/", text)]
