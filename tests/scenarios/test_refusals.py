"""Combinations of parameters that make no sense: refused with the mend, or unphysical points."""

from __future__ import annotations

import numpy as np
import pytest

from scanner import catalog
from scanner.errors import DefinitionError

MIXINGS = {"U_e4_squared": 0.0, "U_mu4_squared": 0.0, "U_tau4_squared": 0.0}

REFUSED = [
    ("light_scalar", {}, "parameter 'coupling' is missing"),
    ("light_scalar", {"neutrino_coupling": 1.0}, "neutrino_coupling with quark_coupling"),
    ("light_scalar", {"coupling": 1.0, "quark_coupling": 1.0}, "give either coupling, or"),
    ("dipole_portal", {"d": 1.0, "d_mu": 2.0}, "parameters d and d_mu: give one dipole"),
    ("generalized_interactions", {"C_A": 0.1}, "no spin structure functions"),
    ("generalized_interactions", {"C_P": -0.1}, "parameter C_P = -0.1: a pseudoscalar current"),
    (
        "nsi",
        {"eps_ee_u": 0.1, "eps_ee_minus_mumu_u": 0.1},
        "eps_ee_minus_mumu_u and eps_ee_u: they are the same freedom",
    ),
    (
        "nsi",
        {"eps_ee_d": 0.1, "eps_ee_minus_mumu_d": 0.0},
        "eps_ee_minus_mumu_d and eps_ee_d: they are the same freedom",
    ),
    ("sterile", MIXINGS | {"U_e4_squared": 0.1, "sin2_2theta": 0.1}, "give either the mixings"),
    ("sterile", MIXINGS | {"U_mu4_squared": 0.1, "sin2_2theta_e": 0.1}, "effective angles"),
    ("sterile", MIXINGS | {"sin2_2theta": 0.1, "sin2_2theta_mu": 0.1}, "one angle for all"),
    (
        "sterile",
        {"U_e4_squared": 0.6, "U_mu4_squared": 0.5, "U_tau4_squared": 0.0},
        r"U_e4_squared \+ U_mu4_squared = 1.1: the mixing matrix is unitary",
    ),
    ("neutron_radius", {"boundary": "none"}, "no radius is given: scan or fix R_n"),
    (
        "neutron_radius",
        {"boundary": "proton_radius", "R_n": 5.0},
        "the proton radii of the nuclei differ; give R_n_Cs, R_n_I or R_n_Ar",
    ),
]

ACCEPTED = [
    ("light_scalar", {"neutrino_coupling": 1.0, "quark_coupling": 1.0}),
    ("light_scalar", {"coupling": 1.0}),
    ("dipole_portal", {"d": 1.0, "d_e": 0.0, "d_mu": 0.0, "d_tau": 0.0}),
    ("dipole_portal", {"d_e": 1.0, "d_mu": 2.0}),
    ("generalized_interactions", {"C_V": 1.0, "C_A": 0.0, "C_P": 0.0}),
    ("nsi", {"eps_ee_u": 0.1, "eps_ee_minus_mumu_d": 0.1}),
    ("nsi", {"eps_ee_u": 0.0, "eps_ee_minus_mumu_u": 0.1}),
    ("sterile", MIXINGS | {"U_e4_squared": 0.5, "U_mu4_squared": 0.5}),
    ("sterile", MIXINGS | {"sin2_2theta_e": 0.1, "sin2_2theta_mu": 0.1}),
    ("sterile", MIXINGS | {"sin2_2theta": 1.0}),
    ("neutron_radius", {"boundary": "none", "R_n": 5.0}),
    ("neutron_radius", {"boundary": "proton_radius", "R_n_Ar": 3.0}),
]


@pytest.mark.parametrize(("name", "values", "said"), REFUSED)
def test_what_makes_no_sense_is_refused(name, values, said):
    with pytest.raises(DefinitionError, match=said):
        catalog.scenario(name).validate(values)


@pytest.mark.parametrize(("name", "values"), ACCEPTED)
def test_what_does_is_not(name, values):
    catalog.scenario(name).validate(values)


def test_mixings_are_unitary():
    physical = catalog.scenario("sterile").physical
    assert physical is not None
    e, mu = np.meshgrid([0.0, 0.5, 1.0], [0.0, 0.4, 1.0], indexing="ij")
    found = physical(U_e4_squared=e, U_mu4_squared=mu, U_tau4_squared=0.1)
    expected = e + mu <= 0.9
    np.testing.assert_array_equal(found, expected)
    # the corner itself is allowed
    assert physical(U_e4_squared=0.5, U_mu4_squared=0.5, U_tau4_squared=0.0)


def test_neutron_skins_are_positive_where_that_is_chosen():
    physical = catalog.scenario("neutron_radius").physical
    assert physical is not None
    radii = np.array([4.5, 4.821, 5.5])
    found = physical(boundary="proton_radius", R_n_Cs=radii)
    np.testing.assert_array_equal(found, [False, True, True])
    assert np.all(physical(boundary="none", R_n_Cs=radii))
    both = physical(boundary="proton_radius", R_n_Cs=radii, R_n_I=np.array([5.0, 4.0, 5.0]))
    np.testing.assert_array_equal(both, [False, False, True])


def test_skins_are_shifts_of_the_radii():
    derived = {(d.name, d.parameter): d for d in catalog.scenario("neutron_radius").derived}
    assert derived["skin_Cs", "R_n_Cs"].shift == -4.821
    assert derived["skin_Ar", "R_n_Ar"].shift == -3.448
    # the common radius has a skin in every element
    assert derived["skin_I", "R_n"].shift == -4.766
    for (name, _), quantity in derived.items():
        assert name == f"skin_{quantity.element}"


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [
        ("sterile", "U_e4_squared", 1.1),
        ("sterile", "dm2_41", -1.0),
        ("magnetic_moment", "mu_nue", -1.0),
        ("dipole_portal", "d_mu", -1.0),
        ("light_tensor", "coupling", -1e-4),
        ("neutron_radius", "R_n_Cs", 1.9),
        ("weak_mixing_angle", "sin2_theta_w", 1.2),
        ("nsi", "mass", -1.0),
    ],
)
def test_values_outside_their_range(name, parameter, value):
    with pytest.raises(DefinitionError, match="choose a value inside"):
        catalog.scenario(name).parameter(parameter).check(value, parameter)
