"""Spectra: what is stacked adds up, errors are the data's, odd shapes are refused."""

import numpy as np
import pytest
from matplotlib.patches import StepPatch

from scanner.experiment import BinAxis
from scanner.figures.spectra import Projection, spectra_figure

EDGES = np.array([0.0, 1.0, 2.0, 4.0])


def projection(**changes: object) -> Projection:
    values = {
        "axis": BinAxis("time", "us", EDGES),
        "observed": np.array([9.0, 16.0, 8.0]),
        "errors": np.ones((2, 3)),
        "backgrounds": {"BRN": np.array([1.0, 2.0, 4.0]), "SSB": np.array([5.0, 5.0, 10.0])},
        "signal": {"nu_mu": np.array([2.0, 6.0, 2.0])},
        "standard_model": np.array([10.0, 12.0, 14.0]),
        **changes,
    }
    return Projection(**values)


def tops(frame):
    return [patch.get_data().values for patch in frame.patches if isinstance(patch, StepPatch)]


def test_the_stack_ends_at_the_prediction_per_unit() -> None:
    whole, signal = spectra_figure({"CsI": [projection()]}).subfigs[0].axes
    assert any(np.array_equal(top, [8.0, 13.0, 8.0]) for top in tops(whole))
    assert any(np.array_equal(top, [2.0, 6.0, 1.0]) for top in tops(signal))
    assert any(np.array_equal(top, [4.0, 5.0, 0.0]) for top in tops(signal))  # SM less backgrounds
    assert whole.get_ylabel() == r"Counts / $\mathrm{\mu}$s"


def test_points_are_data_less_backgrounds_below() -> None:
    whole, signal = spectra_figure({"CsI": [projection()]}).subfigs[0].axes
    np.testing.assert_allclose(whole.lines[0].get_ydata(), [9.0, 16.0, 4.0])
    [points] = [line for line in signal.lines if len(line.get_ydata()) == 3]
    np.testing.assert_allclose(points.get_ydata(), [3.0, 9.0, -3.0])


def test_the_largest_background_lies_at_the_bottom_and_all_are_named() -> None:
    figure = spectra_figure({"CsI": [projection()]})
    names = [text.get_text() for text in figure.subfigs[0].legends[0].get_texts()]
    assert names == ["data", "Standard Model, fitted", r"$\nu_\mu$", "BRN", "SSB"]


def test_without_a_second_prediction_there_is_no_line_for_it() -> None:
    figure = spectra_figure({"CsI": [projection(standard_model=None)]})
    names = [text.get_text() for text in figure.subfigs[0].legends[0].get_texts()]
    assert "Standard Model, fitted" not in names


def test_counts_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"CsI: nu_e has shape \(2,\), observable time has 3"):
        spectra_figure({"CsI": [projection(signal={"nu_e": np.zeros(2)})]})


def test_small_components_are_one_in_all_observables_and_no_colour_is_used_twice() -> None:
    large = {f"{flavour} 8B": np.array([9.0, 9.0, 9.0]) for flavour in ("nu_e", "nu_mu", "nu_tau")}
    small = {f"{flavour} hep": np.array([0.0, 0.1, 0.2]) for flavour in ("nu_e", "nu_mu", "nu_tau")}
    figure = spectra_figure({"Xe": [projection(signal={**large, **small}, data="Asimov data")] * 2})
    [legend] = figure.subfigs[0].legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names[0] == "Asimov data"
    assert names[2:6] == ["hep", r"$\nu_\tau$ 8B", r"$\nu_\mu$ 8B", r"$\nu_e$ 8B"]
    colours = [patch.get_facecolor() for patch in legend.get_patches()]
    assert len(set(colours)) == len(colours)
    for signal in figure.subfigs[0].axes[2:]:
        assert any(np.allclose(top, [27.0, 27.3, 13.8]) for top in tops(signal))


def test_a_small_component_alone_keeps_its_name_and_many_large_ones_are_joined() -> None:
    few = {"nu_e": np.array([9.0, 9.0, 9.0]), "on electrons": np.array([0.1, 0.0, 0.0])}
    many = {f"part {letter}": np.array([1.0, 2.0, 3.0]) for letter in "abcdefg"}
    figure = spectra_figure({"A": [projection(signal=few)], "B": [projection(signal=many)]})
    first, second = (
        [text.get_text() for text in block.legends[0].get_texts()] for block in figure.subfigs
    )
    assert first[2:4] == ["on electrons", r"$\nu_e$"]
    assert second[2:7] == ["other", "part d", "part c", "part b", "part a"]
