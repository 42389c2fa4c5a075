from __future__ import annotations

import dataclasses

import pytest

from scanner.errors import IncompleteScanError
from scanner.execution.progress import Meter, Report


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _meter(clock: Clock) -> Meter:
    return Meter(total=10, points=1000, done=2, points_done=200, clock=clock)


def test_no_rate_before_the_first_chunk() -> None:
    clock = Clock()
    meter = _meter(clock)
    clock.now = 5.0
    progress = meter.progress(workers=3)
    assert (progress.done, progress.total, progress.points_done) == (2, 10, 200)
    assert progress.points_per_second == 0.0
    assert progress.eta_seconds is None
    assert progress.workers == 3


def test_rate_counts_only_this_run() -> None:
    clock = Clock()
    meter = _meter(clock)
    clock.now = 2.0
    meter.add(100)
    progress = meter.progress(workers=1)
    assert progress.points_per_second == 50.0
    assert progress.eta_seconds == 14.0
    clock.now = 4.0  # no news: the estimate grows
    assert meter.progress(workers=1).eta_seconds == 28.0


def test_rate_is_that_of_the_last_minute() -> None:
    clock = Clock()
    meter = Meter(total=10**6, points=10**9, clock=clock)
    for _ in range(100):  # slow
        clock.now += 10.0
        meter.add(10)
    for _ in range(1000):  # fast
        clock.now += 0.1
        meter.add(10)
    assert meter.progress(workers=1).points_per_second == pytest.approx(100.0)


def _report(**changes: object) -> Report:
    report = Report(
        scan="0123456789abcdef",
        computed=6,
        skipped=1,
        missing=3,
        points=600,
        seconds=2.0,
        cpu_seconds=3.0,
        write_seconds=0.5,
        peak_memory_bytes={},
        status={1: 600},
        quarantined=(),
        failed={},
        stopped=False,
        ignored_markers=0,
    )
    return dataclasses.replace(report, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stopped": True}, "the run was stopped"),
        ({"quarantined": (4, 7)}, "chunks 4, 7 killed three workers"),
        (
            {"failed": {2: "ValueError: x", 5: "ValueError: y"}},
            r"2 failed \(chunks 2, 5\), chunk 2: ValueError: x",
        ),
        ({}, "discarded meanwhile"),
    ],
)
def test_incomplete_says_why_and_how_to_go_on(changes: dict, words: str) -> None:
    with pytest.raises(IncompleteScanError, match=words) as caught:
        _report(**changes).raise_if_incomplete()
    assert "7 of 10 chunks" in str(caught.value)
    assert "scanner resume 0123456789abcdef" in str(caught.value)


def test_complete_report() -> None:
    report = _report(missing=0)
    report.raise_if_incomplete()
    assert report.complete
    assert report.points_per_second == 300.0
