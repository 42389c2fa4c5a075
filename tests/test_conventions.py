"""Scans under several conventions: which there are, what is refused, who comes first."""

from pathlib import Path

import pytest

from scanner.bands import Question, draw_band, measure
from scanner.conventions import MOST_SCANS, run_variants
from scanner.errors import DefinitionError
from scanner.limits.band import Spread

FEW = ["axes.R_n.n=13"]


def test_a_combination_that_makes_no_sense_is_left_out_with_the_reason(tmp_path: Path) -> None:
    done, refused = run_variants(
        "neutron_radius_csi",
        ["options.form_factor=helm,klein_nystrand,klein_nystrand_rms"],
        FEW,
        store=tmp_path,
    )
    assert [one.choices["options.form_factor"] for one in done] == ["helm", "klein_nystrand_rms"]
    [out] = refused
    assert out.choices == {"options.form_factor": "klein_nystrand"}
    assert "it has the one radius" in out.reason
    asked = Question(None, None, 0.9, None, {}, (), "global").check("neutron_radius_csi", FEW)
    assert (asked.parameter, asked.along, asked.dof) == ("R_n", None, 1)
    found = measure(done, asked)
    assert isinstance(found, Spread)
    [[low, high]] = found.ends() or [[None, None]]
    assert low[0] < low[1] < high[0] < high[1]
    assert found.remarks()[0] == f"interval 1, lower end: {low[0]:.4g} to {low[1]:.4g}"
    assert draw_band(done, found, asked, tmp_path / "band.svg").exists()


def test_a_nominal_scan_that_is_refused_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="it has the one radius"):
        run_variants(
            "neutron_radius_csi",
            ["options.couplings"],
            [*FEW, "options.form_factor=klein_nystrand"],
            store=tmp_path,
        )
    assert list(tmp_path.iterdir()) == []


def test_too_many_scans_are_refused_before_any_runs(tmp_path: Path) -> None:
    every = [
        "options.couplings",
        "options.form_factor",
        "experiment.coherent_csi_2021.timing",
        "experiment.coherent_lar_2020.analysis",
        "experiment.coherent_lar_2020.window",
    ]
    with pytest.raises(DefinitionError, match=f"gives 144 scans, above {MOST_SCANS}"):
        run_variants("weak_mixing_angle_coherent", every, store=tmp_path)
    assert list(tmp_path.iterdir()) == []
