"""Polynomial arithmetic against numbers: what a scenario writes is what is folded."""

from __future__ import annotations

import numpy as np
import pytest

from scanner.polynomial import Polynomial, as_polynomial

NAMES = ("g", "h")
G, H = (Polynomial.variable(n, NAMES) for n in NAMES)


def value(polynomial, g, h):
    return sum(c * g**i * h**j for (i, j), c in polynomial.terms.items())


EXPRESSIONS = {
    "sum": lambda g, h: g + h + 2.0,
    "difference": lambda g, h: 3.0 - g - (h - 1),
    "product": lambda g, h: (g + 2) * (h - 3.0) * 0.5,
    "power": lambda g, h: (g - 2 * h) ** 3 + g**0,
    "quotient": lambda g, h: (g**2 + h) / 4.0,
    "negative": lambda g, h: -(g * h),
    "array": lambda g, h: (
        np.array([1.0, 2.0]) * g + h * np.array([3.0, 4.0]) + np.array([0.5, 0.0])
    ),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_arithmetic(name):
    expression = EXPRESSIONS[name]
    for g, h in ((0.0, 0.0), (1.5, -2.0), (0.3, 7.0)):
        np.testing.assert_allclose(value(expression(G, H), g, h), expression(g, h), rtol=1e-14)


def test_monomials_are_collected():
    assert ((G + H) * (G - H)).terms == {(2, 0): 1.0, (1, 1): 0.0, (0, 2): -1.0}
    assert (G * H - G * H).terms == {(1, 1): 0.0}


def test_a_scalar_zero_makes_no_monomial_and_an_array_of_zeros_does():
    assert (G**2 * 2.0 + 0.0 * 3).terms == {(2, 0): 2.0}
    assert (G * (G + 0)).terms == {(2, 0): 1.0}
    assert as_polynomial(0.0, NAMES).terms == {}
    assert list((G + np.zeros(2)).terms) == [(1, 0), (0, 0)]


def test_modulus_squared_of_a_complex_amplitude():
    amplitude = 1.0 + (2.0 + 1.0j) * G
    square = (amplitude * amplitude.conjugate()).real
    assert value(square, 3.0, 0.0) == pytest.approx(abs(1 + (2 + 1j) * 3) ** 2)
    assert all(np.isrealobj(c) for c in square.terms.values())


@pytest.mark.parametrize("bad", [lambda: 1.0 / G, lambda: G / H, lambda: G**-1, lambda: G**0.5])
def test_what_is_no_polynomial_is_a_type_error(bad):
    with pytest.raises(TypeError):
        bad()


def test_numpy_does_not_take_it_apart():
    assert isinstance(np.float64(2.0) * G, Polynomial)
    assert isinstance(np.ones(3) * G, Polynomial)
    with pytest.raises(TypeError):
        np.sqrt(G)
