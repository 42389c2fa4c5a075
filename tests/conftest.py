"""What several tests need: the folder of the experiments' releases, the table of faults."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

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

ALONE = frozenset(
    ("batch", "benchmarks", "cli", "client", "deploy", "execution", "faults", "hosts", "service")
)
"""Folders of tests that start servers and clusters, or kill them."""
SERVERS = frozenset(("client", "s3_root", "s3_server", "served"))
"""Fixtures that do."""

BESIDE = Path(__file__).parents[1] / ".." / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of tests in several processes (``-n``), those with servers run in one, one after the other.

    The others of a file stay together, for the sake of what they set up.
    """
    here = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(here).parts[0] if item.path.is_relative_to(here) else ""
        named = set(getattr(item, "fixturenames", ()))
        alone = folder in ALONE or item.get_closest_marker("cluster") or named & SERVERS
        group = "with servers" if alone else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


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
