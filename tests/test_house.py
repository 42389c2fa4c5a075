"""The house keeps its own rules: imports run down, lint, format and types are clean."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ("lint-imports",),
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
    ],
    ids=lambda command: " ".join(command),
)
def test_clean(command):
    done = subprocess.run(
        [BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def rooms():
    """Modules and packages directly below scanner/, and scenarios."""
    entries = (p for p in (ROOT / "scanner").iterdir() if not p.name.startswith("_"))
    names = {p.stem for p in entries if p.suffix == ".py" or (p / "__init__.py").exists()}
    return {f"scanner.{name}" for name in names} | {"scenarios"}


def contracts():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return pyproject["tool"]["importlinter"]["contracts"]


def test_every_room_has_its_floor():
    [layers] = [c["layers"] for c in contracts() if c["type"] == "layers"]
    assert {name for layer in layers for name in layer.split(" | ")} == rooms()


def test_every_door_has_one_room_behind_it():
    doors = {c["name"]: set(c["source_modules"]) for c in contracts() if c["type"] == "forbidden"}
    behind = {name: rooms() - sources for name, sources in doors.items()}
    assert {name: len(found) for name, found in behind.items()} == dict.fromkeys(doors, 1)


def test_no_source_file_has_found_a_second_idea():
    long = {
        str(path.relative_to(ROOT)): n
        for folder in ("scanner", "scenarios")
        for path in (ROOT / folder).rglob("*.py")
        if (n := len(path.read_text().splitlines())) > 400
    }
    assert long == {}
