"""Hashes of what was loaded: helpers beside a scenario count, and edits behind Python's back."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

HELPER = "FACTOR = {factor}\n"
SCENARIO = """
from deep.helper import FACTOR
import other_folder_module
from scanner.scenario import Scenario

SCENARIO = Scenario(str(FACTOR), "", references=(), parameters=())
"""
PROGRAM = """
import sys
sys.path[:0] = {path!r}
from scanner import catalog
print(catalog.source_hashes("mine:SCENARIO", [])["scenario"])
"""


@pytest.fixture
def folder(tmp_path):
    """A plug-in with a helper in a package below it, and a module of another folder."""
    (tmp_path / "here" / "deep").mkdir(parents=True)
    (tmp_path / "there").mkdir()
    (tmp_path / "here" / "mine.py").write_text(SCENARIO)
    (tmp_path / "here" / "deep" / "helper.py").write_text(HELPER.format(factor=1))
    (tmp_path / "there" / "other_folder_module.py").write_text("A = 1\n")
    return tmp_path


def fresh_hash(folder: Path) -> str:
    """The plug-in's hash in a new process."""
    path = [str(folder / "here"), str(folder / "there")]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(path=path)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_helper_beside_the_scenario_counts(folder):
    before = fresh_hash(folder)
    assert fresh_hash(folder) == before
    (folder / "here" / "deep" / "helper.py").write_text(HELPER.format(factor=100))
    assert fresh_hash(folder) != before


def test_a_module_of_another_folder_does_not(folder):
    before = fresh_hash(folder)
    (folder / "there" / "other_folder_module.py").write_text("A = 2\n")
    assert fresh_hash(folder) == before


ASKING = """
from scanner import catalog
from scanner.errors import MismatchError


def hash_or_error():
    try:
        return catalog.source_hashes("mine:SCENARIO", [])["scenario"]
    except MismatchError as error:
        return str(error)
"""


@pytest.mark.cluster
def test_a_worker_that_lives_on_notices_an_edit(folder, monkeypatch):
    from scanner.execution.clusters import connect

    # a module of its own: test modules cannot be imported by workers, which get our sys.path
    (folder / "there" / "asking_for_a_hash.py").write_text(ASKING)
    for name in ("here", "there"):
        monkeypatch.syspath_prepend(folder / name)
    ask = importlib.import_module("asking_for_a_hash").hash_or_error
    with connect(workers=1) as connection:
        client = connection.client
        assert client.submit(ask, pure=False).result() == fresh_hash(folder)
        (folder / "here" / "deep" / "helper.py").write_text(HELPER.format(factor=100))
        said = client.submit(ask, pure=False).result()
    assert "helper.py was changed after it was loaded" in said


IN_THREADS = """
import gc, sys, threading
from scanner import catalog

gc.set_threshold(5)
gc.callbacks.append(lambda *_: sum(range(50)))  # as Dask's: Python code in the middle of anything
sys.setswitchinterval(1e-6)
sys.path[:0] = {path!r}
found = []


def ask(depth):
    if depth:
        return ask(depth - 1)
    for _ in range(30):
        found.append(catalog.source_hashes("mine:SCENARIO", [])["scenario"])


threads = [threading.Thread(target=ask, args=(depth,)) for depth in (1, 15, 40)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(found), *set(found))
"""


def test_threads_that_ask_at_once_get_the_same_answer(folder):
    path = [str(folder / "here"), str(folder / "there")]
    done = subprocess.run(
        [sys.executable, "-c", IN_THREADS.format(path=path)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["90", fresh_hash(folder)], done.stderr


def test_an_import_counts_wherever_it_stands(folder):
    hidden = "def later(now):\n    if now:\n        from .deep import helper\n"
    package = folder / "here" / "whole"
    (package / "deep").mkdir(parents=True)
    (package / "deep" / "helper.py").write_text("A = 1\n")
    (package / "__init__.py").write_text("")
    (package / "main.py").write_text(hidden)
    code = (
        "import sys\nsys.path.insert(0, 'here')\nimport whole.main, whole.deep.helper\n"
        "from scanner import sources\n"
        "print(*(path.name for path in sources.source_files(whole.main)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["main.py", "helper.py"]
