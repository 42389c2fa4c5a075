"""Nuclides, materials and their form factors (traps 9 and 18)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scanner.physics.formfactors import helm, klein_nystrand_box
from scanner.physics.nuclei import (
    AR40,
    ARGON,
    CS133,
    CSI,
    FORM_FACTORS,
    I127,
    ElectronTarget,
    nucleus,
)

ISOTOPES = pytest.mark.parametrize("isotope", [CS133, I127, AR40], ids=lambda i: i.symbol)


@ISOTOPES
def test_atomic_mass_against_the_evaluation(releases, isotope):
    table = releases / "nuclear_tables" / "mass_1.mas20.txt"
    if not table.is_file():
        pytest.skip(f"{table.name} is not among the releases")
    for line in table.read_text().splitlines()[36:]:
        if int(line[9:14]) == isotope.Z and int(line[14:19]) == isotope.A:
            break
    assert line[20:22].strip() == isotope.symbol
    micro_u = float(line[106:109].strip() + line[110:123].strip().replace("#", ""))
    assert isotope.atomic_mass_u == pytest.approx(micro_u * 1e-6, abs=5e-10)


@ISOTOPES
def test_nuclear_mass_lies_below_the_atomic_mass_by_the_electrons(isotope):
    atom = isotope.atomic_mass_u * 931.49410242
    assert (atom - isotope.mass) / 0.51099895 == pytest.approx(isotope.Z, abs=1e-6)
    assert isotope.N + isotope.Z == isotope.A


def test_nuclei_per_kg_count_formula_units():
    # one Cs and one I in 259.81 g, whatever their masses
    assert CSI.nuclei_per_kg(CS133) == CSI.nuclei_per_kg(I127)
    assert 14.6 * CSI.nuclei_per_kg(CS133) == pytest.approx(3.384e25, rel=1e-4)
    assert ARGON.nuclei_per_kg(AR40) == pytest.approx(6.02214076e26 / 39.95)


def test_molar_mass_is_the_sum_of_its_atoms():
    assert CSI.molar_mass == pytest.approx(CS133.atomic_mass_u + I127.atomic_mass_u, rel=1e-5)
    assert ARGON.molar_mass == pytest.approx(AR40.atomic_mass_u, rel=5e-4)


@ISOTOPES
@pytest.mark.parametrize("name", FORM_FACTORS)
def test_form_factors_of_protons_and_neutrons(isotope, name):
    target = nucleus(isotope, name)
    q2 = np.array([0.0, 1000.0, 2500.0])
    proton, neutron = target.proton_form_factor(q2), target.neutron_form_factor(q2)
    assert proton[0] == neutron[0] == 1.0
    assert np.all(np.diff(proton) < 0.0)
    if name == "klein_nystrand":
        np.testing.assert_array_equal(proton, neutron)
    else:
        assert np.all(neutron[1:] < proton[1:])  # the neutron skin


def test_helm_uses_each_radius_where_it_belongs():
    target = nucleus(CS133, "helm")
    assert target.proton_form_factor(2000.0) == helm(2000.0, 4.821)
    assert target.neutron_form_factor(2000.0) == helm(2000.0, 5.09)


def test_klein_nystrand_has_the_box_radius_of_the_mass_number():
    target = nucleus(AR40, "klein_nystrand")
    assert target.neutron_form_factor(2000.0) == klein_nystrand_box(2000.0, 1.23 * 40 ** (1 / 3))


def test_unknown_form_factor():
    with pytest.raises(ValueError, match="did you mean 'helm'"):
        nucleus(CS133, "helmm")


# --- another neutron radius -----------------------------------------------------------------------

RMS_FORMS = ("helm", "klein_nystrand_rms", "symmetrised_fermi")


@ISOTOPES
@pytest.mark.parametrize("name", RMS_FORMS)
def test_a_given_neutron_radius_moves_the_neutrons_alone(isotope, name):
    usual = nucleus(isotope, name)
    larger = nucleus(isotope, name, isotope.neutron_radius + 0.5)
    q2 = np.linspace(50.0, 2500.0, 9)
    np.testing.assert_array_equal(larger.proton_form_factor(q2), usual.proton_form_factor(q2))
    assert np.all(larger.neutron_form_factor(q2) < usual.neutron_form_factor(q2))
    again = nucleus(isotope, name, isotope.neutron_radius)
    np.testing.assert_array_equal(again.neutron_form_factor(q2), usual.neutron_form_factor(q2))
    # the radius is the rms one (trap 8)
    small = 0.5
    slope = 1.0 - float(larger.neutron_form_factor(small))
    expected = small * (isotope.neutron_radius + 0.5) ** 2 / (6 * 197.3269804**2)
    assert slope == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", RMS_FORMS)
def test_radii_are_broadcast_with_the_momentum_transfer(name):
    radii, q2 = np.array([[2.0], [4.7], [8.0]]), np.linspace(0.0, 3000.0, 50)
    found = nucleus(CS133, name, radii).neutron_form_factor(q2)
    assert found.shape == (3, 50)
    for i, radius in enumerate(radii[:, 0].tolist()):
        alone = nucleus(CS133, name, radius).neutron_form_factor(q2)
        np.testing.assert_allclose(found[i], alone, rtol=1e-14)
        assert found[i, 0] == 1.0
        assert np.all(np.isfinite(found[i]))


def test_one_radius_for_both_takes_none_for_the_neutrons():
    with pytest.raises(ValueError, match="klein_nystrand has one radius for protons and neutrons"):
        nucleus(CS133, "klein_nystrand", 5.0)


def test_electron_as_a_target():
    electron = ElectronTarget()
    assert (electron.Z, electron.N, electron.mass) == (-1, 0, 0.51099895)
    q2 = np.linspace(0.0, 100.0, 5).reshape(5, 1)
    np.testing.assert_array_equal(electron.proton_form_factor(q2), np.ones((5, 1)))
    np.testing.assert_array_equal(electron.neutron_form_factor(q2), np.ones((5, 1)))


@pytest.mark.parametrize("name", FORM_FACTORS)
def test_scaled_radii_are_another_nucleus(name):
    q2 = np.linspace(0.0, 80.0**2, 7)
    scale = np.array([[0.9], [1.0], [1.1]])
    made = nucleus(CS133, name, None, scale)
    if name == "klein_nystrand":
        box = 1.23 * 133 ** (1 / 3)
        expected = klein_nystrand_box(q2, box * scale)
        np.testing.assert_array_equal(made.proton_form_factor(q2), expected)
        np.testing.assert_array_equal(made.neutron_form_factor(q2), expected)
        return
    for row, factor in enumerate(scale[:, 0].tolist()):
        other = replace(
            CS133,
            proton_radius=factor * CS133.proton_radius,
            neutron_radius=factor * CS133.neutron_radius,
        )
        for found, alone in (
            (made.proton_form_factor, nucleus(other, name).proton_form_factor),
            (made.neutron_form_factor, nucleus(other, name).neutron_form_factor),
        ):
            np.testing.assert_allclose(found(q2)[row], alone(q2), rtol=1e-13)
