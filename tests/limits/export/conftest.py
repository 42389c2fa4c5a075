"""A stored scan with islands, a hole, missing points and two experiments, to be exported."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from scanner.grid import Axis
from scanner.limits.answers import Answers

sys.path.insert(0, str(Path(__file__).parents[1]))
store = importlib.import_module("store")

AXES = (Axis("mass", "log", 0.1, 1e3, 25, "MeV"), Axis("coupling", "log", 1e-6, 1e-2, 27))


@pytest.fixture(scope="session")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Delta chi2 of a: a ring (an excluded hole); of b: a valley that runs out of the plane."""
    m, g = np.meshgrid(*(np.log10(axis.coordinates) for axis in AXES), indexing="ij")
    ring = 12.0 * (np.hypot(m - 1.0, g + 4.0) - 1.1) ** 2
    valley = 1.7 * (g + 4.0 - 0.3 * m) ** 2
    chi2 = np.stack([ring + 10.0, valley + 20.0])
    chi2[:, -2:, :3] = np.nan
    return Answers(store.write_scan(tmp_path_factory.mktemp("scans"), AXES, (10, 27), chi2))
