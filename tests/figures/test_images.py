"""Figures against stored images: nothing moves, vanishes or changes its colour unseen.

    python tests/figures/test_images.py

makes the images in tests/figures/baseline anew; look at them before they are committed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images

from scanner.experiment import BinAxis
from scanner.figures import style
from scanner.figures.band import Line, band_figure
from scanner.figures.bars import Bar
from scanner.figures.impacts import ImpactRow, impacts_figure
from scanner.figures.intervals import Row, intervals_figure
from scanner.figures.pulls import PullRow, Residuals, point_figure
from scanner.figures.spectra import Projection, spectra_figure
from scanner.grid import Axis

BASELINE = Path(__file__).parent / "baseline"
TOLERANCE = 3.0
"""Root mean square of the difference of grey levels (0 to 255): what renderers differ by."""
DPI = 60

ENERGY = BinAxis("energy", "PE", np.array([0.0, 8.0, 16.0, 24.0, 40.0]))
SPECTRUM = Projection(
    axis=ENERGY,
    observed=np.array([12.0, 90.0, 70.0, 60.0]),
    errors=np.sqrt([[12.0, 90.0, 70.0, 60.0], [12.0, 90.0, 70.0, 60.0]]),
    backgrounds={"SSB": np.array([5.0, 40.0, 40.0, 50.0]), "BRN": np.array([1.0, 4.0, 4.0, 5.0])},
    signal={"nu_mu": np.array([2.0, 15.0, 8.0, 2.0]), "nu_e": np.array([3.0, 20.0, 15.0, 4.0])},
    standard_model=np.array([11.0, 95.0, 75.0, 63.0]),
)
EPS = Axis("eps", "linear", -1.0, 1.0, 11)
BARS = [
    Bar("combined", {0.9: [(-0.1, 0.1), (0.3, 0.4)], 0.6827: [(-0.05, 0.05)]}, 0.0),
    Bar("CsI", {0.9: [(None, 0.2)]}, -0.3),
]
SHIFTS = [
    ImpactRow(PullRow("csi_signal", -0.2, 0.9), (0.02, -0.017), (0.03, -0.02)),
    ImpactRow(PullRow("csi_brn", 1.4, 0.3), (-0.001, -0.004), (-0.01, -0.012)),
]
MASS = Axis("mass", "log", 1.0, 1e3, 4, "MeV")
LIMIT = np.array([1e-5, 2e-5, 1e-4, 1e-3])

FIGURES: dict[str, Callable[[], Figure]] = {
    "spectra": lambda: spectra_figure({"CsI": [SPECTRUM]}, title="A point", provenance="scan 1"),
    "pulls": lambda: point_figure(
        {"CsI": [PullRow("csi_signal", 0.5, 0.4, (1.0, 0.3)), PullRow("csi_brn", -2.5, 1.0)]},
        {"CsI": [Residuals(ENERGY, np.array([1.0, -2.5, 0.3, 0.8]), np.zeros(4))]},
    ),
    "intervals": lambda: intervals_figure(
        [Row(r"$\varepsilon$", EPS, BARS, standard_model=0.02)], heading="1 dof"
    ),
    "impacts": lambda: impacts_figure(SHIFTS, label="shift", heading=r"$\theta = 1 \pm 0.1$"),
    "band": lambda: band_figure(
        MASS,
        [Line(LIMIT, "AC22", "helm"), Line(1.1 * LIMIT, "tree", "Klein-Nystrand")],
        labels=("$M$ [MeV]", "$g$"),
    ),
}


def write(figure: Figure, path: Path) -> Path:
    with style.journal():
        figure.savefig(path, dpi=DPI)
    return path


@pytest.mark.parametrize("name", FIGURES)
def test_the_figure_is_the_stored_one(name: str, tmp_path: Path) -> None:
    made = write(FIGURES[name](), tmp_path / f"{name}.png")
    stored = tmp_path / f"{name}_stored.png"
    # the comparison writes beside its first argument
    stored.write_bytes((BASELINE / f"{name}.png").read_bytes())
    assert compare_images(str(stored), str(made), TOLERANCE) is None


def test_a_bin_that_moves_is_seen(tmp_path: Path) -> None:
    moved = replace(SPECTRUM, observed=np.array([12.0, 60.0, 70.0, 60.0]))
    figure = spectra_figure({"CsI": [moved]}, title="A point", provenance="scan 1")
    made = write(figure, tmp_path / "moved.png")
    stored = tmp_path / "stored.png"
    stored.write_bytes((BASELINE / "spectra.png").read_bytes())
    assert compare_images(str(stored), str(made), TOLERANCE) is not None


if __name__ == "__main__":
    BASELINE.mkdir(exist_ok=True)
    for name, make in FIGURES.items():
        print(write(make(), BASELINE / f"{name}.png"))
