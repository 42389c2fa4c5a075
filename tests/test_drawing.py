"""What a figure of a scan says beside its curves."""

import numpy as np
import pytest

from scanner import drawing
from scanner.definition import from_mapping
from scanner.figures import imprint
from scanner.grid import Axis
from scanner.limits.surface import Surface
from scanner.scan import Scan


@pytest.mark.parametrize(
    ("lowest", "reference", "said"),
    [(-3.0, "global", True), (-0.01, "global", False), (-3.0, "sm", False)],
)
def test_a_profile_that_falls_below_its_minimum_says_so(monkeypatch, lowest, reference, said):
    axis = Axis("coupling", "linear", 0.0, 1.0, 5)
    curve = Surface((axis,), np.array([1.0, np.nan, lowest, 1.0, 2.0]), ("one",))
    monkeypatch.setattr(drawing, "provenance", lambda *_: "scan 1")

    class Scan:
        definition = type("Definition", (), {"title": "toy"})()

    note = drawing._note(Scan(), [curve], ["coupling"], reference, (), bare=False)
    assert bool(note.warnings) is said
    assert ("falls below 0" in " ".join(note.heading("1 dof"))) is said


@pytest.mark.parametrize(
    ("name", "axes", "open_ends"),
    [
        # at the bounds of both moments, and at the Standard Model
        ("magnetic_moment", ("mu_nue", "mu_numu"), []),
        # heavier or lighter ones than the range fit as well
        ("light_scalar_universal", ("mass", "coupling"), ["mass"]),
    ],
)
def test_a_best_fit_at_the_end_of_a_range_is_told(tmp_path, name, axes, open_ends):
    scan = Scan.of(name, [f"axes.{axis}.n=9" for axis in axes], store=tmp_path)
    scan.run()
    assert drawing._open_ends(scan, scan.profile(axes)) == open_ends
    said = drawing._warnings(scan, [scan.profile(axes)], axes, "global")
    assert said == (("best fit at the edge",) if open_ends else ())


class Asked:
    """A scan of some experiments, as far as subsets need it."""

    def __init__(self, experiments, **choices):
        record = {"scenario": "standard_model", "experiments": experiments, **choices}
        self.definition = from_mapping(record, "test", point=True)


CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"


def test_the_region_of_a_figure_is_that_of_the_measurements():
    found = drawing._subsets(Asked([CSI, "csi_ess", LAR]), None)
    assert list(found.items()) == [
        ("measurements combined", (CSI, LAR)),
        ("COHERENT CsI 2021", (CSI,)),
        ("CsI at the ESS (expected)", ("csi_ess",)),
        ("COHERENT LAr 2020", (LAR,)),
    ]
    [(label, first), (other, second)] = drawing._subsets(Asked(["csi_ess", CSI]), None).items()
    assert (label, first) == ("COHERENT CsI 2021", (CSI,))
    assert (other, second) == ("CsI at the ESS (expected)", ("csi_ess",))


def test_what_is_profiled_jointly_or_only_expected_is_combined_as_a_whole():
    shared = {"experiment": {CSI: {"flux_error": "shared"}}}
    jointly = drawing._subsets(Asked([CSI, "coherent_lar_610kg"], **shared), None)
    assert next(iter(jointly.items())) == (
        "combined (partly expected)",
        (CSI, "coherent_lar_610kg"),
    )
    expected = drawing._subsets(Asked(["csi_ess", "nucleus_10g"]), None)
    assert next(iter(expected.items())) == ("combined (expected)", ("csi_ess", "nucleus_10g"))
    assert list(drawing._subsets(Asked([CSI, LAR]), [LAR])) == ["COHERENT LAr 2020"]


def test_what_is_unusual_stands_first_below_a_figure_and_is_never_cut_away():
    choices = {CSI: {"flux_error": "shared"}, LAR: {"flux_error": "shared"}}
    scan = Asked([CSI, LAR], experiment=choices)
    scan.id = "0123456789abcdef"
    axis = Axis("coupling", "linear", 0.0, 1.0, 5)
    made = drawing.provenance(scan, Surface((axis,), np.zeros(5), (CSI, LAR)))
    assert made.split(", ")[1] == f"{CSI} and {LAR}: flux_error=shared"
    assert "gaussian_500ns" in made
    long = ", ".join([made, *(f"another_input_{i} = 1 +- 0.1 profiled" for i in range(9))])
    told, _ = imprint._fitted(long, 2.0, 3.6)
    assert "..." in told
    assert f"{CSI} and {LAR}: flux_error=shared" in " ".join(told.split("\n"))
    alone = drawing.provenance(scan, Surface((axis,), np.zeros(5), (LAR,)))
    assert f", {LAR}: flux_error=shared" in alone
    assert CSI not in alone
