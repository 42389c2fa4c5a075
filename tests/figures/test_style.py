"""Axis labels and ticks as the field prints them."""

import pytest
from matplotlib.figure import Figure

from scanner.figures import style
from scanner.figures.lettering import safe
from scanner.grid import Axis


@pytest.mark.parametrize(
    ("unit", "printed"),
    [
        ("MeV", "MeV"),
        ("eV2", "eV$^{2}$"),
        ("cm^2", "cm$^{2}$"),
        ("keV-1", "keV$^{-1}$"),
        ("1e-32 cm2", "$10^{-32}$ cm$^{2}$"),
        ("1e-10 muB", r"$10^{-10}\,\mu_B$"),
        ("1e-8 e", r"$10^{-8}\,e$"),
        ("muB", r"$\mu_B$"),
        ("1e+03 m", "$10^{3}$ m"),
        ("counts/keV", "counts/keV"),
    ],
)
def test_units_are_printed_as_in_a_journal(unit: str, printed: str) -> None:
    text = style.label(r"\mu_{\nu_e}", unit)
    assert text == rf"$\mu_{{\nu_e}}$ [{printed}]"
    assert safe(text) == text  # the maths parses


def test_ticks_of_a_linear_axis_are_round() -> None:
    frame = Figure().add_subplot()
    style.set_scale(frame, "x", Axis("charge", "linear", -17.0, 17.0, 3))
    inside = [tick for tick in frame.get_xticks() if abs(tick) <= 17.0]
    assert inside == pytest.approx([-10.0, 0.0, 10.0])
