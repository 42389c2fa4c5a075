"""One home for every constant (trap 30), and the numbers that hang together."""

from __future__ import annotations

import io
import math
import re
import tokenize
from pathlib import Path

import pytest

import scanner
import scenarios
from scanner.physics import constants

SOURCES = [
    path
    for package in (scanner, scenarios)
    for path in Path(next(iter(package.__path__))).rglob("*.py")
    if path.name != "constants.py"
]
# first digits of what must not be typed in again: G_F, alpha, hbar c and its square, u, N_A,
# masses, lifetimes, sin^2 theta_W
DIGITS = (
    *(
        "116637",
        "137035",
        "137036",
        "729735",
        "197326",
        "197327",
        "3893",
        "3894",
        "93149",
        "602214",
    ),
    *("510998", "105658", "10566", "17768", "17769", "13957", "26033", "219698", "2197"),
    *("23857", "23863", "23868"),
)


def _numbers(path: Path) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
    return [t.string for t in tokens if t.type == tokenize.NUMBER]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.stem)
def test_no_constant_is_typed_in_again(path):
    for number in _numbers(path):
        digits = re.sub(r"[_.]|e[-+]?\d+$", "", number.lower()).lstrip("0").rstrip("0")
        assert not digits.startswith(DIGITS), f"{path.name}: {number} lives in physics/constants.py"


def test_hbar_c_squared():
    assert math.isclose(constants.MEV2_CM2, 3.893793721e-22, rel_tol=1e-9)


def test_elementary_charge_is_heaviside_lorentz():
    assert constants.ELEMENTARY_CHARGE**2 / (4 * math.pi) == pytest.approx(1 / 137.036, rel=1e-14)


def test_fermi_constant_agrees_with_the_muon_lifetime():
    # Gamma = G_F^2 m^5/(192 pi^3) x (1 - 8 (m_e/m_mu)^2) (1 - 4.2e-3); hbar = 6.582e-22 MeV s
    m = constants.MUON_MASS
    width = constants.FERMI_CONSTANT**2 * m**5 / (192 * math.pi**3)
    width *= (1 - 8 * (constants.ELECTRON_MASS / m) ** 2) * (1 - 4.2e-3)
    assert 6.582119569e-16 / width == pytest.approx(constants.MUON_LIFETIME_US, rel=1e-4)


def test_atomic_mass_unit_agrees_with_avogadro():
    # u = 1 g/N_A to 1e-9, with 1 MeV/c^2 = 1.78266192e-27 g
    grams = constants.ATOMIC_MASS_UNIT * 1.78266192e-27
    assert grams * constants.AVOGADRO == pytest.approx(1.0, rel=1e-8)


def test_lepton_masses_by_flavour():
    assert list(constants.LEPTON_MASSES) == ["e", "mu", "tau"]
    assert sorted(constants.LEPTON_MASSES.values()) == list(constants.LEPTON_MASSES.values())
