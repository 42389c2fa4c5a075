"""Quenching curves against their formulas, written out."""

from __future__ import annotations

import pytest

from scanner.physics.quenching import lindhard_kevee, linear_kevee, polynomial_kevee


def test_polynomial_takes_mev_and_gives_kevee():
    a, b, c, d = 0.0554628, 4.30681, -111.707, 840.384
    t = 0.02
    expected = 1e3 * (a * t + b * t**2 + c * t**3 + d * t**4)
    assert float(polynomial_kevee(t, (a, b, c, d))) == pytest.approx(expected, rel=1e-14)
    # 8.9 % of 15 keV: the quenching factor of the paper
    assert float(polynomial_kevee(0.015, (a, b, c, d))) / 15.0 == pytest.approx(0.098, abs=0.004)


def test_linear_takes_mev_and_gives_kevee():
    assert float(linear_kevee(0.1, constant=0.246, slope_per_kev=7.8e-4)) == pytest.approx(
        (0.246 + 0.078) * 100.0
    )


def test_lindhard_takes_mev_and_gives_kevee():
    e = 11.5 * 32 ** (-7 / 3) * 1.0
    g = 3 * e**0.15 + 0.7 * e**0.6 + e
    assert float(lindhard_kevee(1e-3, Z=32, k=0.157)) == pytest.approx(0.157 * g / (1 + 0.157 * g))
    # Lindhard et al. (1963): k = 0.133 Z^(2/3) A^(-1/2) is 0.157 for germanium
    theory = 0.133 * 32 ** (2 / 3) / 72.63**0.5
    assert theory == pytest.approx(0.157, abs=5e-4)


def test_lindhard_limits():
    # everything is ionisation for an infinitely strong electronic stopping, nothing for none
    assert float(lindhard_kevee(2e-3, Z=32, k=1e9)) == pytest.approx(2.0, rel=1e-6)
    assert float(lindhard_kevee(2e-3, Z=32, k=0.0)) == 0.0
    assert float(lindhard_kevee(0.0, Z=32, k=0.157)) == 0.0
