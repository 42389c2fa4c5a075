"""Scans that take long enough for a test to come in between."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scanner import definition
from scanner.definition import ScanDefinition

PRELOAD = json.dumps([str(Path(__file__).parent.parent / "execution" / "unhurried.py")])
"""For DASK_DISTRIBUTED__WORKER__PRELOAD: workers take 0.1 s longer for a chunk."""


def small(n: int = 32) -> ScanDefinition:
    """n x 8 points in n chunks: with `PRELOAD` 32 take 3.2 s."""
    wishes = (f"axes.mass.n={n}", "axes.coupling.n=8", "chunks.points=8")
    return definition.load("light_vector_universal", wishes)


def sent_as(chosen: ScanDefinition) -> dict[str, Any]:
    """The definition as a caller sends it: with what it was resolved from, and no more."""
    return {k: v for k, v in chosen.to_dict().items() if k in definition.KEYS}
