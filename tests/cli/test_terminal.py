"""Commands for the terminal in texts of others: made visible, whoever prints them."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.cli.terminal import one_line, visible
from scanner.scan import Scan
from scanner.store.runs import new_run

SCRIPT = Path(sys.executable).parent / "scanner"
NAME = "light_vector_universal"
# clears the screen, sets the title, C1's colour, back to the start of the line, turns the direction
# of writing; and half of a pair, which no stream takes
EVIL = "\x1b[2Jx\x1b]0;owned\x07\x9b31m\rok\u202eevil\ud800"
COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
LIE = f"{EVIL}\nscan 0 is complete"


@pytest.fixture
def forged(store: Path, tmp_path: Path) -> Path:
    """A copy of a store with all texts that can be forged unnoticed."""
    root = tmp_path / "forged"
    shutil.copytree(store, root)
    scan = root / Scan.open(NAME, store=root).id
    change(scan / "definition.json", title="right\u202eto left\nscan 0 is complete")
    change(scan / "cube.zarr" / "zarr.json", attributes={"environment": {"host\x1b[1m": EVIL}})
    add_run(scan, "host", phase="failed", message=LIE, exit_code=5, failed={"3": LIE})
    return root


def change(path: Path, **entries: object) -> None:
    record = json.loads(path.read_text())
    for key, value in entries.items():
        record[key] = {**record[key], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(record))


def add_run(scan: Path, kind, **said: object) -> None:
    """A record of a run on another host."""
    run = new_run(kind)
    texts = dict.fromkeys(("user", "host", "cluster"), LIE)
    record = {**run.to_dict(), "process": "boot/pid:[1] 7 99", **texts, **said}
    (scan / "runs").mkdir(exist_ok=True)
    (scan / "runs" / f"{run.key}.json").write_text(json.dumps(record))


def said_by(*arguments: str | Path) -> str:
    """All that the real command prints."""
    done = subprocess.run(
        [SCRIPT, *map(str, arguments)], capture_output=True, check=False, timeout=120
    )
    said = done.stdout.decode() + done.stderr.decode()
    assert "Traceback" not in said, said
    return said


@pytest.mark.parametrize("verb", ["status", "watch", "list", "show", "verify", "cancel"])
def test_a_forged_store_commands_no_terminal(forged: Path, verb: str) -> None:
    [scan] = forged.iterdir()
    if verb == "watch":  # of a scan that is not complete, since it ends with what became of the run
        shutil.rmtree(scan / "ledger")
        (scan / "ledger").mkdir()
    elif verb != "cancel":
        add_run(scan, "cluster", phase="computing", message=LIE)
    said = said_by(verb, "scans" if verb == "list" else scan.name, "--store", forged)
    assert not COMMANDS.search(said), said
    assert not any(line.startswith("scan 0 is complete") for line in said.splitlines()), said
    shown = {"list": "right\\u202eto left", "verify": "chunks are whole", "cancel": "nobody works"}
    assert shown.get(verb, "\\u001b[2Jx") in said


def test_an_error_commands_no_terminal(tmp_path: Path) -> None:
    said = said_by("run", f"{EVIL[:12]}\x9b.toml", "--store", tmp_path)
    assert "\\u001b[2J" in said
    assert not COMMANDS.search(said), said


def test_json_stays_json(forged: Path) -> None:
    record = json.loads(said_by("status", NAME, "--store", forged, "--json"))
    assert "\x1b[2J" in record["runs"][0]["message"]


BAR = """
import sys
from scanner.cli.output import note
from scanner.cli.progress import progress_bar
from scanner.cli.terminal import shield
from scanner.execution.progress import Progress
shield()
with progress_bar() as update:
    update(Progress(1, 2, 10, 20, 3.0, 4.0, 1))
    note("host \\x1b]0;owned\\x07 \\x9b31m joined")
note("\\x1b[2J after it")
"""


def test_the_bar_draws_and_notes_beside_it_do_not() -> None:
    """On a real terminal, where the bar moves the cursor and takes the streams' place."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(
        [sys.executable, "-c", BAR], stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # how a terminal ends
                break
            said += part
    os.close(ours)
    assert process.returncode == 0, said
    assert b"\x1b[?25l" in said  # the bar hides the cursor
    assert b"1/2 chunks" in said
    assert b"host \\u001b]0;owned\\u0007 \\u009b31m joined" in said
    assert b"\\u001b[2J after it" in said
    assert b"\x1b]0;" not in said


def test_what_is_no_command_stays() -> None:
    harmless = "a\tb\nχ² ν̄ — 測\U0001f600 \\u001b"
    assert visible(harmless) == harmless
    assert one_line("a\nb\x00") == "a\\u000ab\\u0000"
