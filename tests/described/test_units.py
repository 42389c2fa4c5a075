"""Units of described experiments: sizes, products, and dimensions that do not mix."""

from __future__ import annotations

import pytest

from scanner.described import units
from scanner.errors import DefinitionError


@pytest.mark.parametrize(
    ("unit", "own", "expected"),
    [
        ("g", "kg", 1e-3),
        ("t", "kg", 1e3),
        ("GW", "MW", 1e3),
        ("eVnr", "keVnr", 1e-3),
        ("days", "s", 86400.0),
        ("yr", "days", 365.25),
        ("ns", "us", 1e-3),
        ("counts/(keV kg day)", "1/(keV kg day)", 1.0),
        ("keV-1 kg-1 day-1", "1/(keV kg day)", 1.0),
        ("1/(MeV t yr)", "1/(keV kg day)", 1.0 / (1e3 * 1e3 * 365.25)),
        ("PE/keVee", "PE/keVee", 1.0),
        ("PE/eVee", "PE/keVee", 1e3),
    ],
)
def test_a_number_is_converted(unit, own, expected):
    assert units.factor(unit, own) == pytest.approx(expected, rel=1e-13)


def test_powers_of_ten_are_exact():
    assert units.factor("eVnr", "keVnr") == 1e-3
    assert units.factor("us", "s") == 1e-6


@pytest.mark.parametrize(
    ("unit", "own", "said"),
    [
        ("m", "kg", "unit 'm' does not convert into 'kg': give one of mg, g, kg, t"),
        ("keVnr", "keVee", "give one of eVee, keVee, MeVee"),
        ("keV", "keVee", "does not convert into 'keVee'"),
        ("kgs", "kg", "unknown unit 'kgs': did you mean 'kg'"),
        ("1/keV", "1/(keV kg day)", "does not convert into"),
        ("", "kg", "unknown unit ''"),
        ("kg/", "kg", "unknown unit 'kg/'"),
    ],
)
def test_other_dimensions_and_spellings_are_refused(unit, own, said):
    with pytest.raises(DefinitionError) as caught:
        units.factor(unit, own)
    assert said in str(caught.value)
