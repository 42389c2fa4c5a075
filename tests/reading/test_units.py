"""Conversion into a parameter's own unit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.errors import DefinitionError
from scanner.reading.units import compatible_units, convert


@pytest.mark.parametrize(
    ("value", "unit", "own", "expected"),
    [
        (0.1, "GeV", "MeV", 100.0),
        (0.0023, "GeV", "MeV", 2.3),  # 0.0023 * 1000 is 2.3000000000000003 at worst
        (2.0, "TeV", "eV", 2e12),
        (1.0, "keV2", "eV2", 1e6),
        (1.0, "eV^2", "eV2", 1.0),
        (19.3, "m", "km", 0.0193),
        (4.7, "fm", "cm", 4.7e-13),
        (-0.83, "1e-32 cm2", "cm2", -0.83e-32),
        (3.0, "1e-11 muB", "1e-10muB", 0.3),
        (6.24e-6, "GeV-1", "MeV^-1", 6.24e-9),
    ],
)
def test_convert(value, unit, own, expected):
    assert convert(value, unit, own) == expected


@pytest.mark.parametrize(
    ("unit", "own", "message"),
    [
        ("km", "MeV", "does not convert into 'MeV': give one of eV, keV, MeV, GeV, TeV"),
        ("MeV2", "MeV", "does not convert"),
        ("Mev", "MeV", "did you mean 'MeV'"),
        ("", "MeV", "known: eV, keV, MeV, GeV, TeV"),
        ("MeV", "furlong", "known: furlong"),
    ],
)
def test_refused_units(unit, own, message):
    with pytest.raises(DefinitionError, match=message):
        convert(1.0, unit, own)


def test_unknown_own_unit_accepts_only_itself():
    assert convert(3.0, "furlong", "furlong") == 3.0
    assert compatible_units("furlong") == ("furlong",)


digits = st.integers(min_value=1, max_value=10**15 - 1)


@given(digits=digits, ten=st.integers(-20, 20), unit=st.sampled_from(compatible_units("MeV")))
def test_spelling_of_the_unit_does_not_change_the_number(digits, ten, unit):
    shift = {"eV": 6, "keV": 3, "MeV": 0, "GeV": -3, "TeV": -6}[unit]
    written = float(f"{digits}e{ten + shift}")
    assert convert(written, unit, "MeV") == float(f"{digits}e{ten}")
