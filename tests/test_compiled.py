"""Compiled kernels: kept, shared, and mended when what is kept is broken."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.compiled import CACHE_VARIABLE, cache_folder

PROGRAM = """
from scanner.compiled import compiled
import numpy as np
text = '''
from numba import njit
@njit("void(float64[::1])", cache=True)
def double(x):
    for i in range(len(x)):
        x[i] = 2.0 * x[i]
'''
x = np.arange(3.0)
compiled(text, "double")(x)
print(x.tolist())
"""


def start(folder):
    environment = {**os.environ, CACHE_VARIABLE: str(folder)}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, text=True
    )


def answer(process):
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return said.strip()


def kept(folder):
    return {p: p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}


def test_compiled_once_and_kept(tmp_path):
    assert answer(start(tmp_path)) == "[0.0, 2.0, 4.0]"
    files = kept(tmp_path)
    assert {p.suffix for p in files} == {".py", ".nbi", ".nbc"}
    times = {p: p.stat().st_mtime_ns for p in files}
    assert answer(start(tmp_path)) == "[0.0, 2.0, 4.0]"
    assert {p: p.stat().st_mtime_ns for p in kept(tmp_path)} == times


def test_many_processes_at_once(tmp_path):
    processes = [start(tmp_path) for _ in range(6)]
    assert [answer(p) for p in processes] == ["[0.0, 2.0, 4.0]"] * 6
    assert not list(tmp_path.rglob("*.partial"))
    assert len(list(tmp_path.rglob("kernel.py"))) == 1


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("content", [b"", b"rubbish"])
def test_broken_machine_code_is_made_again(tmp_path, suffix, content):
    answer(start(tmp_path))
    for path in tmp_path.rglob(f"*{suffix}"):
        path.write_bytes(content)
    assert answer(start(tmp_path)) == "[0.0, 2.0, 4.0]"


def test_a_folder_that_cannot_be_made(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert answer(start(blocked)) == "[0.0, 2.0, 4.0]"


def test_where_kernels_are_kept(monkeypatch, tmp_path):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv(CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "cevns-scanner"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path("~/.cache/cevns-scanner").expanduser()


def test_a_folder_that_takes_the_source_and_no_machine_code(tmp_path):
    """A full disk: what cannot be kept is compiled by the process for itself."""
    answer(start(tmp_path))
    [code] = tmp_path.rglob("__pycache__")
    for path in code.iterdir():
        path.unlink()
    code.rmdir()
    code.write_text("in the way")
    assert answer(start(tmp_path)) == "[0.0, 2.0, 4.0]"
