"""A storm: drivers, workers and files are hit at random until the scan is complete."""

from __future__ import annotations

import importlib
import os
import random
import signal
import time
from contextlib import suppress

import psutil
import pytest

from scanner.execution.runner import run
from scanner.grid import Grid

fault_table = importlib.import_module("fault_table")
stand_in = importlib.import_module("stand_in")

pytestmark = pytest.mark.cluster
MOST_SECONDS = 200.0


class Storm:
    """Strikes of one seed on one scan and its drivers."""

    def __init__(self, seed: int, stored, drivers, fault) -> None:
        self.draw = random.Random(seed)
        self.stored, self.drivers, self.fault = stored, drivers, fault
        self.running: list[psutil.Popen] = []
        self.struck: dict[str, int] = {}

    def strike(self) -> None:
        """Hit what the dice say."""
        strikes = (self.kill_worker, self.kill_worker, self.kill_driver, self.tell_driver)
        strikes += (self.truncate_chunk, self.truncate_marker, self.remove_marker)
        strikes += (self.stop_flag, self.pack)
        blow = self.draw.choice(strikes)
        if blow():
            self.struck[blow.__name__] = self.struck.get(blow.__name__, 0) + 1
            self.fault.now()

    def keep_driving(self, most: int) -> None:
        """Start drivers where there are none, sometimes a second one beside the first."""
        self.running = [process for process in self.running if process.poll() is None]
        if not self.running or (len(self.running) < most and self.draw.random() < 0.1):
            self.running.append(self.drivers.start(self.stored))

    def kill_worker(self) -> bool:
        workers = [
            child
            for process in self.running
            for child in _below(process.pid)
            if "spawn_main" in " ".join(_line(child))
        ]
        return bool(workers) and _kill(self.draw.choice(workers).pid, signal.SIGKILL)

    def kill_driver(self) -> bool:
        return bool(self.running) and _kill(self.draw.choice(self.running).pid, signal.SIGKILL)

    def tell_driver(self) -> bool:
        return bool(self.running) and _kill(self.draw.choice(self.running).pid, signal.SIGTERM)

    def stop_flag(self) -> bool:
        self.stored.request_stop()
        return True

    def truncate_chunk(self) -> bool:
        place = self.stored.path / "cube.zarr" / self.draw.choice(("chi2", "status")) / "c"
        return self._shorten(sorted(p for p in place.rglob("*") if p.is_file()))

    def truncate_marker(self) -> bool:
        place = self.stored.path / "ledger"
        return self._shorten(sorted(p for p in place.iterdir() if ".partial" not in p.name))

    def remove_marker(self) -> bool:
        place = self.stored.path / "ledger"
        found = sorted(p for p in place.iterdir() if ".partial" not in p.name)
        if found:
            self.draw.choice(found).unlink(missing_ok=True)
        return bool(found)

    def pack(self) -> bool:
        return self.stored.ledger.pack(above=5) > 0

    def _shorten(self, files) -> bool:
        if not files:
            return False
        path = self.draw.choice(files)
        with suppress(FileNotFoundError):
            os.truncate(path, self.draw.randrange(max(path.stat().st_size, 1)))
        return True


def _below(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


def _line(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return process.cmdline()
    return []


def _kill(pid: int, number: signal.Signals) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", fault_table.repeats(1, 10))
def test_storm(client, fault_table, make, drivers, seed) -> None:
    stored, unbroken = make(Grid(stand_in.AXES, (2, 5)), seconds=0.1)  # 96 chunks
    most = int(os.environ.get("SCANNER_STORM_STRIKES", "12"))
    with fault_table.fault("a storm of all these", stored, unbroken) as fault:
        storm = Storm(seed, stored, drivers, fault)
        deadline = time.monotonic() + MOST_SECONDS
        while not stored.state().complete or fault.injected < most:
            assert time.monotonic() < deadline, f"{stored.state()}, struck {storm.struck}"
            storm.keep_driving(2)
            time.sleep(storm.draw.uniform(0.05, 1.0))
            if fault.injected < most:
                storm.strike()
        for process in storm.running:
            _kill(process.pid, signal.SIGTERM)
            process.communicate(timeout=60)
        stored.discard(stored.verify())  # what only reading can tell
        assert run(stored, client, evaluator="faulty:Faulty").complete
        fault.ended = "complete"
