"""What several tests need: the folder of the experiments' releases."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[1] / ".." / "shared" / "data"


@pytest.fixture(scope="session")
def releases() -> Path:
    """Folder of the releases: $CEVNS_RELEASES, else ../shared/data beside the project."""
    folder = Path(os.environ.get("CEVNS_RELEASES") or BESIDE).resolve()
    if not folder.is_dir():
        pytest.skip(f"no releases at {folder}: set CEVNS_RELEASES to the folder that holds them")
    return folder
