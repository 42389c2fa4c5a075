"""Natural composition of elements and formulas."""

from __future__ import annotations

import pytest

from scanner.physics.isotopes import element, elements, material
from scanner.physics.nuclei import AR40, ARGON, CS133, CSI


@pytest.mark.parametrize("symbol", elements())
def test_abundances_and_masses_are_those_of_the_evaluation(releases, symbol):
    isotopes = element(symbol)
    assert sum(share for _, share in isotopes) == pytest.approx(1.0, abs=2e-4)
    table = releases / "nuclear_tables" / "mass_1.mas20.txt"
    if not table.is_file():
        pytest.skip(f"{table.name} is not among the releases")
    masses = {}
    for line in table.read_text().splitlines()[36:]:
        micro_u = float(line[106:109].strip() + line[110:123].strip().replace("#", ""))
        masses[int(line[9:14]), int(line[14:19])] = (line[20:22].strip(), micro_u * 1e-6)
    for isotope, _ in isotopes:
        name, mass = masses[isotope.Z, isotope.A]
        assert name == symbol
        assert isotope.atomic_mass_u == pytest.approx(mass, abs=1e-9)


@pytest.mark.parametrize(
    ("formula", "molar_mass"),
    [("Ge", 72.630), ("Xe", 131.293), ("Si", 28.085), ("CaWO4", 287.92), ("Al2O3", 101.961),
     ("NaI", 149.894)],
)  # fmt: skip
def test_molar_masses_are_the_standard_ones(formula, molar_mass):
    assert material(formula).molar_mass == pytest.approx(molar_mass, rel=2e-4)


def test_nuclei_are_counted_by_formula_units():
    alumina = material("Al2O3")
    by_symbol = {}
    for isotope in alumina.composition:
        n = alumina.nuclei_per_kg(isotope)
        by_symbol[isotope.symbol] = by_symbol.get(isotope.symbol, 0.0) + n
    assert by_symbol["O"] / by_symbol["Al"] == pytest.approx(1.5, rel=1e-12)
    mass = sum(n * i.atomic_mass_u for i, n in alumina.composition.items())
    assert mass == pytest.approx(alumina.molar_mass, rel=1e-12)


def test_known_targets_are_the_ones_of_the_published_analyses():
    assert material("CsI") is CSI
    assert material("Ar") is ARGON
    assert element("Cs") == ((CS133, 1.0),)


def test_radii_follow_the_convention_of_the_known_nuclei():
    # the charge radius of Ar-40 and the convention give the proton radius of `nuclei`
    assert pytest.approx(AR40.proton_radius, abs=2e-3) == (3.4274**2 + 22 / 18 * 0.1161) ** 0.5
    for isotope, _ in element("Ge"):
        assert 4.05 < isotope.proton_radius < 4.12
        assert 0.0 < isotope.neutron_radius - isotope.proton_radius < 0.15


@pytest.mark.parametrize("formula", ["", "cswo4", "CaW O4", "Ge0", "3Ge", "Ca(WO4)"])
def test_what_is_no_formula(formula):
    with pytest.raises(ValueError, match="is not a chemical formula; write symbols and numbers"):
        material(formula)


def test_an_unknown_element_is_named():
    with pytest.raises(ValueError, match="unknown element 'Gd'"):
        material("Gd2O3")
