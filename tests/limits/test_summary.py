"""The lines that end a run."""

import json
from collections.abc import Callable

import numpy as np
import xarray as xr

from scanner.grid import Axis
from scanner.limits.summary import round_values, summary
from scanner.limits.surface import Surface

MASS = Axis("mass", "log", 0.1, 1e4, 41, "MeV")
G = Axis("coupling", "log", 1e-6, 1e-2, 81)


def test_a_plane_is_cut_at_round_masses_with_two_dof(
    make_cube: Callable[..., xr.Dataset],
) -> None:
    def chi2(m: np.ndarray, g: np.ndarray) -> np.ndarray:
        return 80.0 + (g / (2e-5 * np.sqrt(1.0 + (m / 50.0) ** 2))) ** 4

    surface = Surface.from_dataset(make_cube((MASS, G), csi=chi2), (MASS, G))
    found = summary(surface, kind="sm", chi2_sm=80.0)
    assert [i.fixed["mass"] for i in found.intervals[::2]] == [0.1, 1.0, 10.0, 1000.0, 10000.0]
    assert {i.dof for i in found.intervals} == {2}
    head, *rows = found.lines()
    assert head == (
        "allowed coupling, csi, 2 dof, Delta chi2 from the Standard Model (chi2 = 80.00)"
    )
    assert rows[2] == "  mass = 1 MeV, 90 %: coupling < 2.93e-05"
    assert rows[3] == "  mass = 1 MeV, 95.45 %: coupling < 3.15e-05"
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False)) == found.to_dict()


def test_one_axis_is_one_limit_with_one_dof(make_cube: Callable[..., xr.Dataset]) -> None:
    axis = Axis("radius", "linear", 2.0, 8.0, 61, "fm")
    surface = Surface.from_dataset(
        make_cube((axis,), csi=lambda r: ((r - 5.5) / 0.4) ** 2), (axis,)
    )
    found = summary(surface, cls=[0.6826895])
    assert found.lines()[0].startswith("allowed radius in fm, csi, 1 dof, Delta chi2 from the min")
    assert found.lines()[1] == "  68.2689 %: 5.1 < radius < 5.9"


def test_notes_are_said_once(make_cube: Callable[..., xr.Dataset]) -> None:
    data = make_cube((MASS, G), csi=lambda m, g: (g / 1e-4) ** 2)
    data["status"][:, 30:, 40:] = 0
    lines = summary(Surface.from_dataset(data, (MASS, G))).lines()
    assert sum("of the grid computed" in line for line in lines) == 1


def test_round_values() -> None:
    assert round_values(Axis("m", "log", 1.0, 1000.0, 5)) == [1.0, 10.0, 100.0, 1000.0]
    narrow = round_values(Axis("m", "log", 2.0, 8.0, 5))
    assert (len(narrow), narrow[0]) == (5, 2.0)
    assert round_values(Axis("m", "linear", 0.0, 8.0, 9)) == [0.0, 2.0, 4.0, 6.0, 8.0]
