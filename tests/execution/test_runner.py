"""Runs with real worker processes: what is missing is computed, once; see tests/faults, too."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import stand_in

from scanner.definition import load
from scanner.errors import IncompleteScanError, StoreError
from scanner.evaluate import Evaluator
from scanner.execution import runner
from scanner.execution.runner import run
from scanner.grid import Axis, Grid
from scanner.scan import Scan

pytestmark = pytest.mark.cluster
SMOOTH, SLOW = "stand_in:Smooth", "stand_in:Slow"


def test_run_then_run_again(client, stored, unbroken, same_bytes) -> None:
    seen = []
    report = run(stored, client, evaluator=SMOOTH, progress=seen.append)
    assert (report.computed, report.skipped, report.missing) == (12, 0, 0)
    assert report.points == 960
    assert report.status == {1: 1860, 3: 60}
    assert all(1e7 < peak < 1e11 for peak in report.peak_memory_bytes.values())
    assert (seen[-1].done, seen[-1].points_done, seen[-1].workers) == (12, 960, 2)
    same_bytes(stored, unbroken)
    assert stored.verify() == []

    again = run(stored, client, evaluator="no_such_module:Evaluator")
    assert (again.computed, again.skipped, again.missing) == (0, 12, 0)
    assert again.complete


def test_a_complete_scan_needs_no_writable_store(client, unbroken) -> None:
    before = {p: p.stat().st_mtime_ns for p in unbroken.path.rglob("*")}
    run(unbroken, client)
    assert {p: p.stat().st_mtime_ns for p in unbroken.path.rglob("*")} == before


def test_only_what_is_missing_is_computed(client, unbroken, same_bytes, stored) -> None:
    run(stored, client, evaluator=SMOOTH)
    unbroken.discard([0, 7])
    report = run(unbroken, client, evaluator=SMOOTH)
    assert (report.computed, report.skipped) == (2, 10)
    same_bytes(unbroken, stored)


def test_chunks_of_other_versions_are_told_when_a_run_adds_to_them(client, unbroken) -> None:
    unbroken.discard([0])
    for number, marker in unbroken.finished().items():
        other = {
            1: {"versions": {**marker.versions, "numpy": "1.0"}, "instruction_set": "x86_64 SSE2"},
            2: {"instruction_set": "aarch64 SVE"},
            3: {"instruction_set": "aarch64 SVE"},
        }
        unbroken.ledger.write(dataclasses.replace(marker, **other.get(number, {})))
    report = run(unbroken, client, evaluator=SMOOTH)
    end = r": the cube agrees to 1e-9, not bit for bit"
    one, two = sorted(report.notes)
    assert re.fullmatch(rf"1 chunk was .* numpy 1\.0 \(here .*\) on x86_64 SSE2 .*{end}", one)
    assert re.fullmatch(rf"2 chunks were computed on aarch64 SVE \(here .*\){end}", two)
    assert run(unbroken, client, evaluator=SMOOTH).notes == ()  # nothing to add


def test_failing_evaluation_is_reported_with_its_chunk(client, stored) -> None:
    report = run(stored, client, evaluator="stand_in:Failing")
    assert report.failed == {2: "ZeroDivisionError: no events in the window"}
    assert stored.missing() == [2]


def test_evaluation_that_always_fails_ends_early(client, stored) -> None:
    report = run(stored, client, evaluator="no_such_module:Evaluator")
    assert 3 <= len(report.failed) < 12
    assert stored.missing() == list(range(12))


@pytest.mark.parametrize("how", ["argument", "store"])
def test_stop_and_go_on(client, stored, unbroken, same_bytes, how: str) -> None:
    def progress(state) -> None:
        if how == "store" and state.done:
            stored.request_stop()

    stop = (lambda: bool(stored.done())) if how == "argument" else None
    report = run(stored, client, evaluator=SLOW, should_stop=stop, progress=progress)
    assert report.stopped
    assert 0 < report.computed < 12
    assert report.computed == len(stored.done())
    assert run(stored, client, evaluator=SMOOTH).complete
    same_bytes(stored, unbroken)


def test_many_markers_are_packed(client, archive) -> None:
    axes = (Axis("a", "linear", 0.0, 1.0, 20), Axis("b", "linear", 0.0, 1.0, 60))
    made = archive.create(stand_in.make_definition(axes), Grid(axes, (1, 1)))
    for chunk in made.grid:
        if chunk.number >= 60:
            block = stand_in.Smooth(made.definition).block(made.grid, chunk)
            made.commit(chunk, block.chi2, block.status)
    report = run(made, client, evaluator=SMOOTH)
    assert (report.computed, report.skipped, report.ignored_markers) == (60, 1140, 0)
    assert len(made.ledger.folder.names()) == 1
    assert made.missing() == []


def test_a_real_scan_equals_its_evaluation_in_one_process(client, archive) -> None:
    overrides = ["axes.mass.n=4", "axes.coupling.n=70"]
    definition = load("light_vector_universal", overrides)
    made = archive.create(definition, Grid(definition.axes, (2, 40)))
    assert run(made, client).complete
    evaluator = Evaluator(definition)
    for chunk in made.grid:
        block = evaluator.block(made.grid, chunk)
        chi2, status = made.cube.read(chunk)
        assert chi2.tobytes() == block.chi2.tobytes()
        assert status.tobytes() == block.status.tobytes()
    assert made.state().status.keys() <= {"ok", "refined"}


def test_the_first_full_store_ends_the_run(stored, client) -> None:
    with pytest.raises(StoreError, match="no room"):
        run(stored, client, evaluator="stand_in:NoRoom")


def test_a_chunk_that_lands_after_the_run_is_nobodys(stored, client) -> None:
    """Its future calls back when nobody fetches receipts any more."""
    over = runner._Run(stored, client, SMOOTH, stored.finished())
    over.cancel()
    over.landing(client.submit(int))  # distributed would log what this raises
    assert over.landed.empty()


@pytest.mark.parametrize(
    ("cluster", "named"),
    [
        ({"cluster": "my site.toml", "workers": 4}, " --cluster 'my site.toml'"),
        ({"scheduler": "tls://host:8786", "cluster": None}, " --scheduler tls://host:8786"),
        ({"scheduler_file": Path("s.json")}, " --scheduler-file s.json"),
        ({"workers": 2}, ""),
    ],
)
def test_a_stopped_run_is_resumed_where_it_was(client, stored, cluster, named: str) -> None:
    """And not on the login node."""
    scan = Scan(stored)._on(cluster, lambda _: None)
    report = run(scan.stored, client, evaluator=SMOOTH, should_stop=lambda: True)
    with pytest.raises(IncompleteScanError) as caught:
        report.raise_if_incomplete()
    assert f"go on with `scanner resume {stored.words}{named}`" in str(caught.value)
    assert scan.stored.words == stored.words  # what other verbs take
