"""Weak charges, pinned per named scheme (trap 7)."""

from __future__ import annotations

import pytest

from scanner.physics.charges import (
    CHARGE_RADIUS_STRENGTH,
    SCALAR_CHARGES,
    SM_CHARGE_RADIUS,
    TENSOR_CHARGES,
    WEAK_COUPLINGS,
    tensor_charges,
    weak_couplings,
)

PINNED = {
    "AC22": ({"e": 0.0382, "mu": 0.0300, "tau": 0.0256}, -0.5117),
    "C20": ({"e": 0.0401, "mu": 0.0318}, -0.5094),
    "tree": ({"e": 0.02286, "mu": 0.02286, "tau": 0.02286}, -0.5),
}


def test_every_scheme_is_pinned():
    assert set(WEAK_COUPLINGS) == set(PINNED)


@pytest.mark.parametrize("scheme", PINNED)
def test_couplings(scheme):
    proton, neutron = PINNED[scheme]
    found = weak_couplings(scheme)
    assert found.neutron == neutron
    assert dict(found.proton) == pytest.approx(proton, abs=1e-12)
    assert "arXiv" in found.source


def test_unknown_scheme_names_the_known_ones():
    with pytest.raises(ValueError, match=r"did you mean 'AC22'.*C20"):
        weak_couplings("AC2")


ELECTRON = {
    "AC22": {"e": (0.9521, 0.4938), "mu": (-0.0397, -0.5062), "tau": (-0.0353, -0.5062)},
    "C20": {"e": (0.9521, 0.4938), "mu": (-0.0397, -0.5062), "tau": (-0.0353, -0.5062)},
    "tree": {"e": (0.97714, 0.5), "mu": (-0.02286, -0.5), "tau": (-0.02286, -0.5)},
}


@pytest.mark.parametrize("scheme", PINNED)
def test_couplings_of_the_electron(scheme):
    found = weak_couplings(scheme).electron
    assert set(found) == {"e", "mu", "tau"}
    for flavor, pair in ELECTRON[scheme].items():
        assert found[flavor] == pytest.approx(pair, abs=1e-12)
    # the charged current adds 1 to both couplings of nu_e; radiative corrections move it by 1 %
    for i in range(2):
        assert found["e"][i] - found["mu"][i] == pytest.approx(1.0, abs=0.01)


def test_strength_of_a_charge_radius():
    # sqrt2 pi alpha/(3 G_F) = 2.3796e30 cm^-2
    assert pytest.approx(2.3796e-2, rel=1e-4) == CHARGE_RADIUS_STRENGTH


def test_radii_of_the_standard_model_are_inside_the_couplings():
    assert dict(SM_CHARGE_RADIUS) == {"e": -0.83, "mu": -0.48, "tau": -0.30}
    # the couplings of the flavours differ by their radii and by nothing else (2e-4: rounding)
    corrected = weak_couplings("AC22")
    for one, other in (("e", "mu"), ("mu", "tau")):
        radii = SM_CHARGE_RADIUS[one] - SM_CHARGE_RADIUS[other]
        proton = corrected.proton[one] - corrected.proton[other]
        assert proton == pytest.approx(-CHARGE_RADIUS_STRENGTH * radii, abs=2e-4)
    electron = corrected.electron["mu"][0] - corrected.electron["tau"][0]
    radii = SM_CHARGE_RADIUS["mu"] - SM_CHARGE_RADIUS["tau"]
    assert electron == pytest.approx(CHARGE_RADIUS_STRENGTH * radii, abs=2e-4)
    # without radius: 0.0184 for nu_e, 0.0186 for nu_mu
    for flavor, bare in (("e", 0.0184), ("mu", 0.0186)):
        radius = CHARGE_RADIUS_STRENGTH * SM_CHARGE_RADIUS[flavor]
        assert corrected.proton[flavor] + radius == pytest.approx(bare, abs=1e-4)


def test_scalar_charges():
    assert set(SCALAR_CHARGES) == {"sigma_term", "quark_content"}
    assert SCALAR_CHARGES["sigma_term"] == pytest.approx((17.28, 17.28), abs=0.01)
    assert SCALAR_CHARGES["quark_content"] == (15.1, 14.0)
    # sum over u and d of f_Tq m_N/m_q with quark masses of 2.16 and 4.67 MeV
    proton = 938.27 * (0.0208 / 2.16 + 0.0411 / 4.67)
    neutron = 939.57 * (0.0189 / 2.16 + 0.0451 / 4.67)
    assert SCALAR_CHARGES["sigma_term"] == pytest.approx((proton, neutron), rel=0.08)


def test_tensor_charges():
    assert dict(TENSOR_CHARGES) == {"u": 0.54, "d": -0.23}
    assert tensor_charges(1.0, 0.0) == pytest.approx((0.54, -0.23))
    assert tensor_charges(0.0, 1.0) == pytest.approx((-0.23, 0.54))
    assert tensor_charges(1.0, 1.0) == pytest.approx((0.31, 0.31))
