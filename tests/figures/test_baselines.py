"""Exclusion figures look as they did: compared with stored pictures of 100 dots per inch.

``python tests/figures/test_baselines.py`` makes the pictures anew, with the versions pinned in
.ci/constraints.txt; look at them before they are committed.
"""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images

from scanner.figures import style
from scanner.figures.exclusion import Mark, Piece, Planes, Published, exclusion_figure
from scanner.figures.frame import Note
from scanner.figures.profile import profile_figure
from scanner.grid import Axis

BASELINES = Path(__file__).parent / "baselines"
TOLERANCE = 3.0  # root mean square of 0..255: other hardware rounds some pixels otherwise

AXES = (Axis("mass", "log", 0.1, 1e4, 60, "MeV"), Axis("coupling", "log", 1e-6, 1e-2, 120))
M, G = np.meshgrid(*(axis.coordinates for axis in AXES), indexing="ij")
LABELS = (style.label(r"M_{Z'}", "MeV"), style.label(r"g_{Z'}", ""))
PROVENANCE = "scan 0123456789abcdef, B-L, AC22, helm"
RING = np.array([[1.0, 1e-6], [60.0, 1e-6], [9.0, 3e-5], [1.0, 2e-4], [1.0, 1e-6]])
EDGE = np.array([[200.0, 3e-4], [400.0, 1e-4], [700.0, 2e-4], [9000.0, 2e-4]])
BAND = np.array([[0.1, 3e-4], [200.0, 1e-3], [200.0, 2e-3], [0.1, 6e-4], [0.1, 3e-4]])


def growing(scale: float) -> np.ndarray:
    return (G / scale) ** 4 / (1.0 + (M / 50.0) ** 2) ** 2


def published() -> Figure:
    limits = (
        Published("E137", [Piece(RING)], "beam dumps"),
        Published("BaBar", [Piece(EDGE, above=True)], "colliders"),
        Published(r"$(g-2)_\mu$", [Piece(BAND)], "preferred", "preferred"),
    )
    planes = Planes(AXES, growing(3e-5), "combined", {"CsI": growing(4e-5)}, limits)
    return exclusion_figure(planes, note=Note("$B-L$", "sm", PROVENANCE), labels=LABELS)


def levels() -> Figure:
    first, second = Axis("a", "linear", -3.0, 3.0, 50), Axis("b", "linear", -3.0, 3.0, 50)
    a, b = np.meshgrid(first.coordinates, second.coordinates, indexing="ij")
    ring = 8.0 * (np.hypot(a - 0.3, b) - 1.2) ** 2
    marks = (Mark("best fit", (1.5, 0.0)), Mark("Standard Model", (0.0, 0.0)))
    planes = Planes((first, second), ring, "combined", {"LAr": 0.3 * ring}, marks=marks)
    return exclusion_figure(planes, cl=[0.6827, 0.9545], note=Note("Ring", "global", PROVENANCE))


def profile() -> Figure:
    axis = Axis("radius", "linear", 2.0, 9.0, 36, "fm")
    curve = (axis.coordinates - 5.4) ** 2
    return profile_figure(axis, curve, singles={"CsI": 0.7 * curve}, note=Note("Radius"))


FIGURES = {"published": published, "levels": levels, "profile": profile}


def picture(name: str, path: Path) -> Path:
    with style.journal():
        FIGURES[name]().savefig(path, dpi=100.0, metadata={"Software": None})
    return path


@pytest.mark.parametrize("name", FIGURES)
def test_the_figure_looks_as_it_did(name: str, tmp_path: Path) -> None:
    found = picture(name, tmp_path / f"{name}.png")
    told = compare_images(str(BASELINES / f"{name}.png"), str(found), tol=TOLERANCE)
    assert told is None, told


def test_the_comparison_sees_a_moved_line(tmp_path: Path) -> None:
    moved = exclusion_figure(Planes(AXES, growing(3.4e-5)), labels=LABELS)
    other = exclusion_figure(Planes(AXES, growing(3e-5)), labels=LABELS)
    for figure, name in ((moved, "moved"), (other, "other")):
        figure.savefig(tmp_path / f"{name}.png", dpi=100.0)
    paths = [str(tmp_path / f"{name}.png") for name in ("moved", "other")]
    assert compare_images(*paths, tol=TOLERANCE) is not None


if __name__ == "__main__":
    BASELINES.mkdir(exist_ok=True)
    for made in FIGURES:
        print(picture(made, BASELINES / f"{made}.png"))
