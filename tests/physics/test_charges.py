"""Weak charges, pinned per named scheme (trap 7)."""

from __future__ import annotations

import pytest

from scanner.physics.charges import WEAK_COUPLINGS, weak_couplings

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
