"""Versions that must be the same in every process that computes chunks of one scan."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from scanner.definition import ENGINE_VERSION
from scanner.store.provenance import numeric_versions


def worker_versions() -> dict[str, str]:
    """Versions that must be the same everywhere."""
    major, minor, _ = platform.python_version_tuple()
    return {**numeric_versions(), "engine": str(ENGINE_VERSION), "python": f"{major}.{minor}"}


def difference(there: Mapping[str, str], here: Mapping[str, str]) -> str:
    """What a worker has otherwise than the process that drives the run; ``""`` if nothing.

    >>> difference({"numpy": "1.0"}, {"numpy": "2.4", "scipy": "1.17"})
    'has numpy 1.0, the driver has 2.4: install the same versions on all workers'
    """
    for name in sorted(here.keys() | there.keys()):
        if here.get(name) != there.get(name):
            return (
                f"has {name} {there.get(name, 'not installed')}, the driver has "
                f"{here.get(name, 'not installed')}: install the same versions on all workers"
            )
    return ""
