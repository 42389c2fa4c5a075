"""Workers with other versions of code or data, and workers whose clock is wrong."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from scanner.definition import load
from scanner.errors import MismatchError
from scanner.evaluate import Evaluator
from scanner.execution import pool
from scanner.execution.runner import run
from scanner.grid import Grid
from scanner.store.archive import Archive

fault_table = importlib.import_module("fault_table")
stand_in = importlib.import_module("stand_in")

pytestmark = pytest.mark.cluster
FAULTY = "faulty:Faulty"
ODD = str(Path(__file__).with_name("odd.py"))

OTHERS = {
    "numpy": ("numpy=1.0", r"numpy 1\.0, the driver has"),
    "code": ("cevns-scanner=0.0.1", r"cevns-scanner 0\.0\.1, the driver has"),
    "engine": ("engine=3", r"engine 3, the driver has 4"),
}


@pytest.mark.parametrize("what", [list(OTHERS)[i] for i in fault_table.repeats(1, 3)])
def test_a_worker_of_another_version_at_the_start(foreign, fault_table, make, what) -> None:
    stored, unbroken = make()
    value, message = OTHERS[what]
    foreign.start().work("--no-nanny", "--preload", ODD, SCANNER_ODD=value)
    name = "a worker of another version at the start"
    with fault_table.fault(name, stored, unbroken) as fault, foreign.connected() as remote:
        fault.now()
        with pytest.raises(MismatchError, match=rf"worker tcp://.* has {message}") as caught:
            run(stored, remote, evaluator=FAULTY)
        fault.ended = f"exit {caught.value.exit_code}, named; computed with a right one"
        assert stored.state().done == 0
        [wrong] = remote.nthreads()
        foreign.work("--no-nanny")
        remote.wait_for_workers(2, timeout=30)
        remote.retire_workers([wrong])
        assert run(stored, remote, evaluator=FAULTY).complete


def test_a_worker_of_another_version_that_joins_later(foreign, fault_table, make) -> None:
    """The run goes on with those that fit; every chunk is of their making."""
    stored, unbroken = make(seconds=0.4)
    foreign.start().work("--no-nanny")
    with (
        fault_table.fault("a worker of another version joins", stored, unbroken) as fault,
        foreign.connected() as remote,
    ):
        [right] = remote.nthreads()

        def strike(state) -> None:
            if not fault.injected:
                foreign.work("--no-nanny", "--preload", ODD, SCANNER_ODD="numpy=1.0")
                fault.now()

        report = run(stored, remote, evaluator=FAULTY, progress=strike)
        assert report.complete
        assert len(remote.nthreads()) == 2  # it did join, and is left alone
        [wrong] = remote.nthreads().keys() - {right}
        [note] = report.notes
        assert note.startswith(f"worker {wrong} gets no chunks: has numpy 1.0, the driver has")
        assert {m.versions["numpy"] for m in stored.ledger.markers().values()} != {"1.0"}
        assert len({m.pid for m in stored.ledger.markers().values()}) == 1
        fault.ended = "told, it got no chunks; complete"


def test_no_worker_is_left_that_fits(foreign, monkeypatch, make, client, fault_table) -> None:
    monkeypatch.setattr(pool, "NO_WORKERS", 3.0)
    stored, unbroken = make(seconds=0.3)
    right = foreign.start().work("--no-nanny")
    with fault_table.fault("only a worker of another version is left", stored, unbroken) as fault:

        def strike(state) -> None:
            if not fault.injected:
                foreign.work("--no-nanny", "--preload", ODD, SCANNER_ODD="numpy=1.0")
                fault.now()
            if len(remote.nthreads()) == 2:
                right.kill()

        with (
            foreign.connected() as remote,
            pytest.raises(
                MismatchError, match=r"no worker is left that fits .*numpy 1\.0"
            ) as error,
        ):
            run(stored, remote, evaluator=FAULTY, progress=strike)
        fault.ended = f"exit {error.value.exit_code}, named; resumed"
        assert run(stored, client, evaluator=FAULTY).complete


def test_a_worker_of_other_data_that_joins_later(foreign, fault_table, tmp_path) -> None:
    """A real definition, whose sources every worker compares for itself."""
    definition = load("light_vector_universal", ["axes.mass.n=4", "axes.coupling.n=640"])
    grid = Grid(definition.axes, (1, 32))
    stored = Archive(tmp_path / "root").create(definition, grid)
    unbroken = Archive(tmp_path / "unbroken").create(definition, grid)
    evaluator = Evaluator(definition)
    for chunk in grid:
        block = evaluator.block(grid, chunk)
        unbroken.commit(chunk, block.chi2, block.status)
    (tmp_path / "log").touch()
    foreign.start().work("--no-nanny")
    with (
        fault_table.fault("a worker of other data joins", stored, unbroken, tmp_path / "log") as f,
        foreign.connected() as remote,
    ):

        def strike(state) -> None:
            if not f.injected:
                value = "data=coherent_csi_2021"
                foreign.work("--no-nanny", "--preload", ODD, SCANNER_ODD=value)
                remote.wait_for_workers(2, timeout=30)
                f.now()

        report = run(stored, remote, progress=strike)
        assert report.complete
        [note] = report.notes
        assert "gets no chunks: scan" in note
        assert "was computed with other versions of coherent_csi_2021" in note
        f.ended = "told, it got no chunks; complete"


FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def clock(hours: float) -> tuple[list[str], dict[str, str]]:
    """Options and environment of a worker whose clock is wrong: the whole process, if possible."""
    if Path(FAKETIME).exists():
        sign = "+" if hours > 0 else "-"
        fake = {"LD_PRELOAD": FAKETIME, "FAKETIME": f"{sign}{abs(hours)}h"}
        return [], {**fake, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1"}
    return ["--preload", ODD], {"SCANNER_ODD": f"hours={hours}"}


def test_clocks_that_are_hours_off(foreign, fault_table, make) -> None:
    stored, unbroken = make(seconds=0.2)
    foreign.start()
    for hours in (-7.0, 9.0):
        options, environment = clock(hours)
        foreign.work("--no-nanny", *options, **environment)
    with (
        fault_table.fault("clocks of two workers -7 h and +9 h off", stored, unbroken) as fault,
        foreign.connected(workers=2) as remote,
    ):
        fault.now(2)
        living = stored.path / "cube.zarr" / "chi2" / "c" / "0" / "9" / "9.0.partial"
        living.parent.mkdir(parents=True)
        living.touch()  # of a writer that is at work, whatever the clocks say
        report = run(stored, remote, evaluator=FAULTY)
        assert report.complete
        written = [m.written for m in stored.ledger.markers().values()]
        assert max(written)[:13] != min(written)[:13]  # they do lie
        assert stored.state().last_written == max(written)
        stored.sweep()
        assert living.exists()
        living.unlink()
        living.parent.rmdir()
        fault.ended = "complete; times in markers are those of the workers"
