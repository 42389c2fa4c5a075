"""What several tests need: the folder of the experiments' releases, the table of faults."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# `engines`, for all folders; not through the path, on which tests/scenarios would hide scenarios
_spec = importlib.util.spec_from_file_location("engines", Path(__file__).with_name("engines.py"))
sys.modules["engines"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sys.modules["engines"])
# found by the tests of every folder that injects faults
sys.path.insert(0, str(Path(__file__).parent / "faults"))
_faults = importlib.import_module("fault_table")
fault_table, pytest_terminal_summary = _faults.fault_table, _faults.pytest_terminal_summary
pytest_sessionfinish, pytest_testnodedown = (
    _faults.pytest_sessionfinish,
    _faults.pytest_testnodedown,
)

# found by the tests of every folder that needs a server
sys.path.insert(0, str(Path(__file__).parent / "servers"))
_s3 = importlib.import_module("swift_server")
s3_server, s3_root = _s3.s3_server, _s3.s3_root

ALONE = frozenset(("batch", "benchmarks", "deploy", "execution", "faults", "hosts"))
"""Folders of tests that start engines of the whole host, break things, or look at the time."""

BESIDE = Path(__file__).parents[1] / ".." / "shared" / "data"


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Of tests in several processes (``-n``), those of `ALONE` run in one, one after the other.

    The others of a file stay together, for the sake of what they set up.
    """

    def _split_scope(self, nodeid: str) -> str:
        name = nodeid.partition("::")[0]
        return "alone" if set(Path(name).parts[1:2]) <= ALONE else name


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """The order above."""
    return Scheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def kernel_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Kernels are compiled anew, and the user's own are left alone; workers inherit the folder."""
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # that of all processes
    (folder / "kernels").mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCANNER_CACHE", str(folder / "kernels"))
        yield


@pytest.fixture(scope="session")
def releases() -> Path:
    """Folder of the releases: $CEVNS_RELEASES, else ../shared/data beside the project."""
    folder = Path(os.environ.get("CEVNS_RELEASES") or BESIDE).resolve()
    if not folder.is_dir():
        pytest.skip(f"no releases at {folder}: set CEVNS_RELEASES to the folder that holds them")
    return folder
