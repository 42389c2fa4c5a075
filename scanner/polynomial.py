"""Polynomials in the scanned couplings, so that counts are folded once per monomial.

A scenario writes its coefficients as ordinary arithmetic (``coupling**2 * charge``). Given
numbers it gets numbers; given these polynomials it gets the exact list of monomials.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NotImplementedType
from typing import Any

import numpy as np

Exponents = tuple[int, ...]
Number = Any  # int, float, complex, or an array of them


@dataclass(frozen=True, eq=False)
class Polynomial:
    """Sum over monomials of coefficient x product of variables.

    Parameters
    ----------
    variables : tuple of str
        Names of the variables, the same for all polynomials that are combined.
    terms : mapping from exponents to coefficient
        Coefficients are real or complex numbers, or arrays that broadcast with each other (one
        value per grid point of the shape parameters).
    """

    variables: tuple[str, ...]
    terms: Mapping[Exponents, Number] = field(default_factory=dict)

    # keeps numpy from distributing `array * polynomial` over the array's elements
    __array_ufunc__ = None

    @classmethod
    def variable(cls, name: str, variables: tuple[str, ...]) -> Polynomial:
        """The polynomial that is one variable."""
        return cls(variables, {tuple(int(name == v) for v in variables): 1.0})

    def _lift(self, other: Polynomial | Number) -> Polynomial:
        if isinstance(other, Polynomial):
            return other
        if np.ndim(other) == 0 and other == 0.0:
            return Polynomial(self.variables)  # what a scenario switches off makes no monomial
        return Polynomial(self.variables, {(0,) * len(self.variables): other})

    def __add__(self, other: Polynomial | Number) -> Polynomial:
        terms = dict(self.terms)
        for exponents, value in self._lift(other).terms.items():
            terms[exponents] = terms[exponents] + value if exponents in terms else value
        return Polynomial(self.variables, terms)

    def __mul__(self, other: Polynomial | Number) -> Polynomial:
        terms: dict[Exponents, Number] = {}
        for left, a in self.terms.items():
            for right, b in self._lift(other).terms.items():
                exponents = tuple(i + j for i, j in zip(left, right, strict=True))
                value = a * b
                terms[exponents] = terms[exponents] + value if exponents in terms else value
        return Polynomial(self.variables, terms)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Polynomial:
        return self.__mul__(-1.0)

    def __sub__(self, other: Polynomial | Number) -> Polynomial:
        return self.__add__(self._lift(other).__mul__(-1.0))

    def __rsub__(self, other: Number) -> Polynomial:
        return self.__mul__(-1.0).__add__(other)

    def __truediv__(self, other: Number) -> Polynomial | NotImplementedType:
        if isinstance(other, Polynomial):
            return NotImplemented
        return self.__mul__(1.0 / other)

    def __pow__(self, power: int) -> Polynomial | NotImplementedType:
        if not isinstance(power, int) or power < 0:
            return NotImplemented
        result = self._lift(1.0)
        for _ in range(power):
            result = result.__mul__(self)
        return result

    def conjugate(self) -> Polynomial:
        """Complex conjugate for real variables."""
        return Polynomial(self.variables, {e: np.conjugate(c) for e, c in self.terms.items()})

    @property
    def real(self) -> Polynomial:
        """Real part for real variables."""
        return Polynomial(self.variables, {e: np.real(c) for e, c in self.terms.items()})


def as_polynomial(value: Polynomial | Number, variables: tuple[str, ...]) -> Polynomial:
    """`value` as a polynomial in `variables` (a number becomes its constant term)."""
    return Polynomial(variables)._lift(value)
