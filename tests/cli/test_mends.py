"""Commands that messages tell people to type exist, and do what they are said to do."""

import ast
import re
import shlex
from pathlib import Path

import pytest
import typer

from scanner.cli.app import app
from scanner.scan import Scan

ROOT = Path(__file__).parents[2]
NAME = "light_vector_universal"
TINY = ("axes.mass.n=4", "axes.coupling.n=30", "chunks.points=30")


def texts(tree):
    """Every string of a syntax tree, the values of an f-string as X."""
    inside = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(part) for part in node.values}
            parts = [p.value if isinstance(p, ast.Constant) else "X" for p in node.values]
            yield "".join(parts)
        elif isinstance(node, ast.Constant) and id(node) not in inside:
            yield str(node.value)


def quoted_commands(folder=ROOT):
    """`scanner VERB ...` between backticks, wherever the sources say it."""
    files = [p for place in ("scanner", "scenarios") for p in (folder / place).rglob("*.py")]
    sources = [text for path in files for text in texts(ast.parse(path.read_text()))]
    sources.append((folder / "README.md").read_text())
    return sorted({found for text in sources for found in re.findall(r"`scanner ([^`]+)", text)})


def wrong_with(command):
    """What of a command the application does not have."""
    verb = typer.main.get_command(app)
    words = command.split()
    while words and hasattr(verb, "commands"):
        name = words.pop(0)
        if name not in verb.commands:
            return f"no verb {name}"
        verb = verb.commands[name]
    known = {option for parameter in verb.params for option in parameter.opts}
    return next((f"no option {w}" for w in words if w.startswith("-") and w not in known), "")


def test_quoted_commands_exist():
    commands = quoted_commands()
    assert "resume X --verify" in commands
    assert {command: wrong for command in commands if (wrong := wrong_with(command))} == {}


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ('f"`scanner forget {name}`"', "no verb forget"),
        ('f"`scanner {mend.format(name)}"', "no verb X"),
        ('"`scanner resume " "ID --verfy`"', "no option --verfy"),
        ('"`scanner data build X --output Y`"', ""),
    ],
)
def test_the_finder_finds_what_does_not_exist(source, wrong, tmp_path):
    (tmp_path / "scanner").mkdir()
    (tmp_path / "scanner" / "module.py").write_text(source)
    (tmp_path / "README.md").write_text("the scanner reads")
    [command] = quoted_commands(tmp_path)
    assert wrong_with(command) == wrong


@pytest.mark.cluster
def test_flipped_byte_is_told_and_mended_by_the_command_that_is_told(
    command, tmp_path, monkeypatch
):
    monkeypatch.setenv("SCANNER_STORE", str(tmp_path))
    scan = Scan.of(NAME, TINY)
    scan.run(workers=1)
    before = files(scan)
    path = scan.stored.path / "cube.zarr" / "chi2" / "c" / "0" / "1" / "0"
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)

    asked = command("interval", scan.id, "coupling")
    assert (asked.code, asked.out) == (4, "")
    assert asked.err.startswith("error: ")
    assert asked.err.count("\n") == 1
    [told] = re.findall(r"`scanner ([^`]+)`", asked.err)
    mended = command(*shlex.split(told), "--workers", "1", "--json")
    assert mended.code == 0, mended.err
    assert f"1 of {scan.stored.grid.n_chunks} chunks are damaged" in mended.err
    assert mended.json["computed_chunks"] == 1
    assert files(scan) == before
    assert command("interval", scan.id, "coupling").code == 0


@pytest.mark.cluster
def test_verify_of_a_sound_scan_computes_nothing(command, store):
    scan = Scan.open(NAME, store=store)
    before = files(scan)
    answer = command("resume", scan.id, "--verify", "--store", store)
    assert answer.code == 0, answer.err
    assert f"0 of {scan.stored.grid.n_chunks} chunks are damaged" in answer.err
    assert "nothing to compute" in answer.out
    assert files(scan) == before


def files(scan):
    """Cube and summary, byte for byte."""
    paths = [p for p in (scan.stored.path / "cube.zarr").rglob("*") if p.is_file()]
    return {p: p.read_bytes() for p in [*paths, scan.stored.path / "summary.json"]}
