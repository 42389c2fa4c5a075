"""How fine: dex for logarithmic axes, plain numbers for linear ones, and one clear error."""

import pytest

from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits.refinement.tolerance import mesh_of, tolerances

MASS = Axis("mass", "log", 0.1, 1e4, 32, "MeV")
COUPLING = Axis("coupling", "log", 1e-6, 1e-2, 32)
EPS = Axis("eps", "linear", -1.0, 1.0, 21)


@pytest.mark.parametrize(
    ("to", "axes", "wanted"),
    [
        ("0.005dex", (MASS, COUPLING), {"mass": 0.005, "coupling": 0.005}),
        (["mass=0.01dex", "0.002dex"], (MASS, COUPLING), {"mass": 0.01, "coupling": 0.002}),
        (["0.01dex", "0.1"], (MASS, EPS), {"mass": 0.01, "eps": 0.1}),
        ({"mass": "0.01dex", "eps": 0.1}, (MASS, EPS), {"mass": 0.01, "eps": 0.1}),
        (0.1, (EPS, EPS), {"eps": 0.1}),
    ],
)
def test_tolerances_are_read(to, axes, wanted):
    assert tolerances(to, axes) == wanted


@pytest.mark.parametrize(
    ("to", "axes", "said"),
    [
        ("0.005", (MASS, COUPLING), "mass is logarithmic: give it in dex"),
        ("0.005dex", (EPS, EPS), "eps is linear: give a plain number"),
        ("0.005dex", (MASS, EPS), "no tolerance for eps"),
        ("mass=0.01", (MASS, EPS), "mass is logarithmic"),
        (["mass=0.01dex", "eps=0.1dex"], (MASS, EPS), "eps is linear"),
        (["mass=0.01dex", "epsilon=0.1"], (MASS, EPS), "did you mean 'eps'"),
        (["0.01dex", "0.02dex"], (MASS, COUPLING), "second tolerance"),
        ("0dex", (MASS, COUPLING), "above 0"),
        ("fine", (EPS, EPS), "above 0"),
        ("-1dex", (MASS, COUPLING), "above 0"),
        ("nandex", (MASS, COUPLING), "above 0"),
    ],
)
def test_wrong_tolerances_are_told_in_one_line(to, axes, said):
    with pytest.raises(DefinitionError, match=said):
        tolerances(to, axes)


def test_the_finest_cells_are_not_larger_than_wanted():
    mesh = mesh_of((MASS, COUPLING), {"mass": 0.005, "coupling": 0.005})
    assert mesh.halvings == (6, 5)
    assert max(mesh.cells(mesh.levels)) <= 0.005
    assert mesh_of((MASS, COUPLING), {"mass": 1.0, "coupling": 1.0}).halvings == (0, 0)


@pytest.mark.parametrize("wanted", [1e-5, 1e-12, 1e-300])
def test_too_fine_is_refused(wanted):
    with pytest.raises(DefinitionError, match="coarser"):
        mesh_of((MASS, COUPLING), {"mass": wanted, "coupling": wanted})
