"""Damage to what lies in the store: chunks, markers, segments, drafts."""

from __future__ import annotations

import importlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from scanner.execution.runner import run
from scanner.store.audit import audit

fault_table = importlib.import_module("fault_table")
stand_in = importlib.import_module("stand_in")

pytestmark = pytest.mark.cluster
FAULTY = "faulty:Faulty"


def stored_chunk(stored, number: int, variable: str = "chi2"):
    place = stored.path / "cube.zarr" / variable / "c" / "0"
    return place.joinpath(*map(str, stored.grid.block_index(number)))


def flip(stored) -> None:
    path = stored_chunk(stored, 5)
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)


def truncate(stored) -> None:
    path = stored_chunk(stored, 5)
    path.write_bytes(path.read_bytes()[:-7])


def empty(stored) -> None:
    stored_chunk(stored, 5).write_bytes(b"")


def lose_status(stored) -> None:
    stored_chunk(stored, 5, "status").unlink()


def swap(stored) -> None:
    """Another chunk's bytes, whole and with a right checksum of their own."""
    stored_chunk(stored, 5).write_bytes(stored_chunk(stored, 6).read_bytes())


CHUNKS = {
    "a flipped bit in a chunk": (flip, True),
    "a truncated chunk": (truncate, False),
    "a chunk of zero length": (empty, False),
    "status of a chunk deleted": (lose_status, False),
    "a chunk with the bytes of another": (swap, True),
}


@pytest.mark.parametrize("fault", CHUNKS)
def test_damaged_chunk(client, fault_table, pair, fault) -> None:
    stored, unbroken = pair
    damage, hidden = CHUNKS[fault]
    run(stored, client, evaluator=FAULTY)
    with fault_table.fault(fault, stored, unbroken) as measured:
        damage(stored)
        measured.now()
        assert stored.verify() == [5]
        if hidden and 5 not in stored.missing():  # of the same size: only reading tells
            stored.discard(stored.verify())
            measured.ended = "found by --verify, computed again"
        else:
            measured.ended = "found by its size, computed again"
        assert run(stored, client, evaluator=FAULTY).computed == 1


def changed(**changes: object) -> Callable[[bytes], bytes]:
    return lambda data: json.dumps({**json.loads(data), **changes}).encode()


MARKERS: dict[str, Callable[[bytes], bytes | None]] = {
    "truncated": lambda data: data[:50],
    "empty": lambda data: b"",
    "missing": lambda data: None,
    "of another scan": changed(digest="f" * 64),
    "of another chunk": changed(chunk=6),
    "of another place": changed(start=[0, 0]),
    "that is no text": lambda data: b"\\xff\\xfe\\x00",
    "of brackets": lambda data: b"[" * 100_000,
    "with a status that does not exist": changed(status={"9": 160}),
    "with a status that is no number": changed(status={"ok": 160}),
    "with points that are none": changed(points="80"),
    "with seconds that are none": changed(seconds=None),
    "with versions that are none": changed(versions=[]),
    "with a time that is none": changed(written=0),
    "with a chunk out of this world": changed(chunk=10**40),
}


@pytest.mark.parametrize("form", MARKERS)
def test_forged_marker(client, fault_table, pair, form) -> None:
    stored, unbroken = pair
    run(stored, client, evaluator=FAULTY)
    folder = stored.ledger.folder
    with fault_table.fault("a marker truncated, missing or forged", stored, unbroken) as fault:
        data = MARKERS[form](folder.read("000000005.json"))
        folder.remove(["000000005.json"])
        if data is not None:
            folder.write("000000005.json", data)
        fault.now()
        assert stored.state().done == 11
        assert stored.state().ignored_markers == (data is not None)
        assert audit(stored).missing == (5,)
        report = run(stored, client, evaluator=FAULTY)
        assert report.computed == 1
        assert report.ignored_markers == (data is not None)
        fault.ended = "ignored and told, computed again"


def test_forged_marker_in_the_right_form_is_found_by_reading_alone(
    client, fault_table, pair
) -> None:
    stored, unbroken = pair
    run(stored, client, evaluator=FAULTY)
    folder = stored.ledger.folder
    with fault_table.fault("a marker forged in the right form", stored, unbroken) as fault:
        forged = changed(sha256="0" * 64)(folder.read("000000005.json"))
        folder.write("000000005.json", forged)
        fault.now()
        assert stored.state().complete  # nothing but reading can tell
        assert audit(stored).damaged == {5: "holds other values than were written (sha256)"}
        stored.discard(stored.verify())
        assert run(stored, client, evaluator=FAULTY).computed == 1
        fault.ended = "found by --verify alone, computed again"


def test_duplicated_marker(client, fault_table, pair) -> None:
    stored, unbroken = pair
    run(stored, client, evaluator=FAULTY)
    folder = stored.ledger.folder
    with fault_table.fault("a marker twice, or under another name", stored, unbroken) as fault:
        data = folder.read("000000005.json")
        folder.write("segment-00000000000000000001-00.jsonl", data * 2)
        folder.write("000000007 (copy).json", data)
        fault.now()
        assert stored.state().complete
        assert stored.state().ignored_markers == 1
        folder.remove(["000000007 (copy).json"])
        assert run(stored, client, evaluator=FAULTY).computed == 0
        fault.ended = "one of them counts, the other is told"


def test_truncated_segment(client, fault_table, pair) -> None:
    stored, unbroken = pair
    run(stored, client, evaluator=FAULTY)
    assert stored.ledger.pack(above=0) == 12
    [segment] = stored.ledger.folder.names()
    with fault_table.fault("a truncated segment of markers", stored, unbroken) as fault:
        data = stored.ledger.folder.read(segment)
        stored.ledger.folder.write(segment, data[: len(data) // 2])
        fault.now()
        report = run(stored, client, evaluator=FAULTY)
        assert report.ignored_markers == 1
        assert 5 <= report.computed <= 7
        fault.ended = "what is left of it counts, the rest computed again"


PACK = """
import os, signal, sys
from scanner.store.files import DiskFolder
from scanner.store.stored import StoredScan

stored = StoredScan.open(sys.argv[1])
removed, remove = [], DiskFolder.remove


def killed(self, names):
    names = list(names)
    remove(self, names[: int(sys.argv[2])])
    os.kill(os.getpid(), signal.SIGKILL)


DiskFolder.remove = killed
stored.ledger.pack(above=0)
"""


@pytest.mark.parametrize("removed", [0, 5])
def test_killed_while_markers_are_packed(client, fault_table, pair, removed) -> None:
    stored, unbroken = pair
    run(stored, client, evaluator=FAULTY)
    with fault_table.fault("SIGKILL while markers are packed", stored, unbroken) as fault:
        command = [sys.executable, "-c", PACK, str(stored.path), str(removed)]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        fault.now()
        assert len(stored.ledger.folder.names()) == 1 + 12 - removed
        assert stored.state().complete
        assert stored.state().ignored_markers == 0
        assert run(stored, client, evaluator=FAULTY).computed == 0
        assert stored.ledger.pack(above=0) == 12 - removed
        assert stored.state().complete
        fault.ended = "both count once"


@pytest.mark.parametrize("how", ["deleted", "truncated"])
def test_chunk_lost_under_a_running_scan(client, fault_table, make, how) -> None:
    stored, unbroken = make(seconds=0.1)
    with fault_table.fault(f"a chunk {how} under a running scan", stored, unbroken) as fault:

        def strike(state) -> None:
            if state.done >= 3 and not fault.injected:
                number = min(stored.done())
                if how == "deleted":
                    stored_chunk(stored, number).unlink()
                else:
                    path = stored_chunk(stored, number)
                    path.write_bytes(path.read_bytes()[:-7])
                fault.now()

        report = run(stored, client, evaluator=FAULTY, progress=strike)
        assert report.complete
        assert stored.missing() == []
        assert any("lost" in note for note in report.notes)
        fault.ended = "found at the end, told, computed again"


def test_what_a_killed_probe_leaves_is_swept(stored) -> None:
    """Probes of the clock and of writing are swept like every other unfinished file."""
    folder = stored.folder
    script = (
        "import os, pathlib, signal, sys\n"
        "from scanner.store.files import DiskFolder\n"
        "pathlib.Path.unlink = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
        "getattr(DiskFolder(pathlib.Path(sys.argv[1])), sys.argv[2])()\n"
    )
    for probe in ("clock", "check_writable"):
        command = [sys.executable, "-c", script, str(folder), probe]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    left = set(folder.names()) - {"definition.json", "definition.toml", "cube.zarr", "ledger"}
    assert len(left) == 2
    assert folder.sweep(0.0) == 2
