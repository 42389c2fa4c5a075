"""Real servers of tests: a missing one is a failure in CI, a skip with its reason elsewhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

SERVERS = Path(__file__).parents[1] / ".ci"
HOW = "run .ci/servers.sh as root"


def missing(what: str, how: str = HOW) -> NoReturn:
    """End the test: `what` is not here, and `how` to have it."""
    said = f"{what} is missing: {how}"
    if os.environ.get("CI"):
        pytest.fail(said, pytrace=False)
    pytest.skip(said)


def need(found: object, what: str, how: str = HOW) -> None:
    """Go on if `found`; else fail in CI (environment ``CI`` not empty), skip elsewhere.

    Parameters
    ----------
    found : object
        Such as ``shutil.which("slurmctld")``.
    what, how : str
        What is missing, and the command that mends it.
    """
    if not found:
        missing(what, how)
