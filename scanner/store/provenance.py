"""What made the numbers: versions, machine, instruction set."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from scanner.definition import ScanDefinition

PACKAGE = "cevns-scanner"
# versions that may change a number or a stored byte
NUMERIC = ("numpy", "scipy", "numba", "zarr", "numcodecs")
_ENVIRONMENT = (*NUMERIC, "dask", "distributed", "xarray")


def package_version(name: str) -> str:
    """Installed version of a distribution, ``""`` if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


@cache
def numeric_versions() -> Mapping[str, str]:
    """Versions of this package and of those that may change a number or a stored byte."""
    found = {name: package_version(name) for name in (PACKAGE, *NUMERIC)}
    return {name: text for name, text in found.items() if text}


@cache
def instruction_set() -> str:
    """Machine type and the widest vector extension numpy uses here, such as "x86_64 AVX2"."""
    found = np.show_config(mode="dicts").get("SIMD Extensions", {}).get("found", [])
    return " ".join([platform.machine(), *found[-1:]])


@cache
def hostname() -> str:
    """Name of this host."""
    return socket.gethostname()


def now_utc() -> str:
    """Time now, UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def environment() -> dict[str, Any]:
    """Versions, platform and processor of this process, JSON-able."""
    found = {name: package_version(name) for name in _ENVIRONMENT}
    return {
        "python": platform.python_version(),
        **{name: text for name, text in found.items() if text},
        "platform": platform.platform(),
        "cpu": _cpu_model(),
        "cpus": os.cpu_count(),
        "instruction_set": instruction_set(),
    }


def root_attributes(definition: ScanDefinition, references: Sequence[str]) -> dict[str, Any]:
    """Root attributes of a new cube: everything needed to say what it is and to make it again.

    Parameters
    ----------
    definition : ScanDefinition
        The resolved definition.
    references : sequence of str
        Citations owed by whoever uses the result.
    """
    return {
        "title": definition.title,
        "scan": definition.id,
        "digest": definition.digest,
        "definition": definition.to_dict(),
        "created": now_utc(),
        "versions": {
            PACKAGE: package_version(PACKAGE),
            "engine": definition.engine_version,
            "data": dict(definition.sources),
        },
        "environment": environment(),
        "references": list(references),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()
