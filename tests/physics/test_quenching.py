"""Quenching curves against their formulas, written out."""

from __future__ import annotations

import pytest

from scanner.physics.quenching import linear_kevee, polynomial_kevee


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
