"""What a figure of a scan says beside its curves."""

import numpy as np
import pytest

from scanner import drawing
from scanner.grid import Axis
from scanner.limits.surface import Surface


@pytest.mark.parametrize(
    ("lowest", "reference", "said"),
    [(-3.0, "global", True), (-0.01, "global", False), (-3.0, "sm", False)],
)
def test_a_profile_that_falls_below_its_minimum_says_so(monkeypatch, lowest, reference, said):
    axis = Axis("coupling", "linear", 0.0, 1.0, 5)
    curve = Surface((axis,), np.array([1.0, np.nan, lowest, 1.0, 2.0]), ("one",))
    notes = []
    monkeypatch.setattr(drawing, "profile_figure", lambda *_, note, **__: notes.append(note))
    monkeypatch.setattr(drawing, "provenance", lambda *_: "scan 1")
    monkeypatch.setattr(drawing, "axis_label", lambda *_: "g")

    class Scan:
        definition = type("Definition", (), {"title": "toy"})()

    drawing._figure(Scan(), {"one": curve}, ["coupling"], [0.9], 1, reference, ())
    assert ("falls below 0" in notes[0].warning) is said
    assert ("falls below 0" in " ".join(notes[0].heading("1 dof"))) is said
