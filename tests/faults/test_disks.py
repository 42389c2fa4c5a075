"""Disks that are full, read-only or broken."""

from __future__ import annotations

import importlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from scanner.errors import StoreError
from scanner.execution.runner import run
from scanner.store.archive import Archive

fault_table = importlib.import_module("fault_table")
stand_in = importlib.import_module("stand_in")

pytestmark = pytest.mark.cluster
FAULTY = "faulty:Faulty"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs is not permitted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def remount(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(place)], check=True)


def fill(place: Path) -> Path:
    """Leave no byte free."""
    ballast = place / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    return ballast


@pytest.mark.parametrize("when", ["at the start", "in mid-run"])
def test_full_disk(client, fault_table, make, small_disk, when) -> None:
    stored, unbroken = make(root=small_disk, seconds=0.1)
    with fault_table.fault(f"full disk {when}", stored, unbroken) as fault:

        def strike(_: object = None) -> None:
            if not fault.injected:
                fill(small_disk)
                fault.now()

        if when == "at the start":
            strike()
        message = "the scan needs .* are free" if fault.injected else "no space left"
        with pytest.raises(StoreError, match=message) as caught:
            run(stored, client, evaluator=FAULTY, progress=strike)
        fault.ended = f"exit {caught.value.exit_code}, told to free space; resumed"
        assert len(stored.done()) < 12
        with pytest.raises(StoreError, match=r"the scan needs .* are free"):
            run(stored, client, evaluator=FAULTY)
        (small_disk / "ballast").unlink()
        assert run(stored, client, evaluator=FAULTY).complete


def test_full_disk_for_the_markers_alone(client, fault_table, make, tmp_path, small_disk) -> None:
    stored, unbroken = make(seconds=0.1)
    shutil.move(stored.ledger.folder.path, small_disk / "ledger")
    stored.ledger.folder.path.symlink_to(small_disk / "ledger")
    with fault_table.fault("full disk for the markers", stored, unbroken) as fault:
        fill(small_disk)
        fault.now()
        with pytest.raises(StoreError, match="no space left") as caught:
            run(stored, client, evaluator=FAULTY)
        fault.ended = f"exit {caught.value.exit_code}, told to free space; resumed"
        assert stored.missing() == list(range(12))  # data without a marker is not done
        (small_disk / "ballast").unlink()
        assert run(stored, client, evaluator=FAULTY).complete


@pytest.mark.parametrize("when", ["at the start", "in mid-run"])
def test_read_only_store(client, fault_table, make, small_disk, when) -> None:
    stored, unbroken = make(root=small_disk, seconds=0.1)
    with fault_table.fault(f"read-only store {when}", stored, unbroken) as fault:

        def strike(_: object = None) -> None:
            if not fault.injected:
                remount(small_disk, "ro")
                fault.now()

        if when == "at the start":
            strike()
        with pytest.raises(StoreError, match="not writable: make it writable") as caught:
            run(stored, client, evaluator=FAULTY, progress=strike)
        fault.ended = f"exit {caught.value.exit_code}, told to make it writable; resumed"
        assert stored.state().done < 12  # reading goes on
        assert Archive(small_disk).open(stored.id) == stored
        remount(small_disk, "rw")
        assert run(stored, client, evaluator=FAULTY).complete


@pytest.mark.parametrize("what", ["chunk", "marker"])
def test_the_disk_of_a_worker_fails(client, fault_table, make, what) -> None:
    moment = f"with a part of the {what} on disk"
    stored, unbroken = make(act="disk error", moment=moment, chunk=4)
    with fault_table.fault("input/output error in a worker", stored, unbroken) as fault:
        fault.now()
        with pytest.raises(StoreError, match="Input/output error: check the disk") as caught:
            run(stored, client, evaluator=FAULTY)
        fault.ended = f"exit {caught.value.exit_code}, told to check the disk; resumed"
        assert 4 in stored.missing()
        assert run(stored, client, evaluator=FAULTY).complete
