"""Lines: many points that differ in one coupling only, in the form that likelihoods scan.

Counts are a polynomial in the couplings. Along a line all but one coupling are held, and counts
are a polynomial of low degree in that one, whose coefficients (in every bin) are made once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]
Powers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Lines:
    """Coefficients c of templates at n_lines x n_points points: c_k = outer_k z^power_k.

    Parameters
    ----------
    outer : array (n_lines, n_terms)
        Product of the held couplings of each term.
    powers : array (n_terms,)
        Power of z in each term.
    z : array (n_points,)
        The coupling along the line, or a power of it.
    """

    outer: Array
    powers: Powers
    z: Array

    @classmethod
    def of_couplings(
        cls,
        exponents: Sequence[Sequence[int]],
        held: Sequence[Array],
        along: Array,
    ) -> Lines:
        """Lines of monomials.

        Parameters
        ----------
        exponents : sequence of tuple of int
            Powers of all couplings in each term, the one along the line last.
        held : sequence of array (n_lines,)
            Values of the other couplings.
        along : array (n_points,)
            Values along the line.
        """
        table = np.asarray(exponents, dtype=np.int64).reshape(len(exponents), len(held) + 1)
        outer = np.ones((len(held[0]) if held else 1, len(table)))
        for values, power in zip(held, table[:, :-1].T, strict=True):
            outer *= values[:, np.newaxis] ** power
        step = math.gcd(*(int(n) for n in table[:, -1])) or 1
        return cls(outer, table[:, -1] // step, along**step)

    @classmethod
    def single(cls, n_terms: int) -> Lines:
        """One point whose coefficients are all 1."""
        return cls(np.ones((1, n_terms)), np.zeros(n_terms, np.int64), np.ones(1))

    @property
    def degree(self) -> int:
        """Largest power of z."""
        return int(self.powers.max())

    @property
    def shape(self) -> tuple[int, int]:
        """Lines, and points on each."""
        return len(self.outer), len(self.z)

    def blocks(self, points: int) -> Iterator[tuple[slice, Lines]]:
        """Parts of about `points` points: whole lines, and where in `self` they are."""
        step = max(1, points // len(self.z))
        for start in range(0, len(self.outer), step):
            part = slice(start, min(start + step, len(self.outer)))
            yield part, Lines(self.outer[part], self.powers, self.z)

    def contract(self, templates: Array) -> Array:
        """Polynomials along the lines: (..., n_lines, degree + 1, n) of (..., n_terms, n)."""
        powers = [np.flatnonzero(self.powers == d) for d in range(self.degree + 1)]
        parts = [self.outer[:, k] @ templates[..., k, :] for k in powers]
        return np.stack(parts, axis=-2)

    def sizes(self, norms: Array) -> Array:
        """Bound of what `contract` sums up: (..., n_lines, degree + 1) of norms (..., n_terms)."""
        powers = [np.flatnonzero(self.powers == d) for d in range(self.degree + 1)]
        outer = np.abs(self.outer)
        return np.stack([norms[..., k] @ outer[:, k].T for k in powers], axis=-1)

    def at(self, points: Index) -> Array:
        """c of some points (k,), counted along the lines one after the other: (k, n_terms)."""
        line, place = np.divmod(points, len(self.z))
        return np.asarray(self.outer[line] * self.z[place, np.newaxis] ** self.powers)

    def coefficients(self) -> Array:
        """c of all points, (n_lines x n_points, n_terms), the lines slowest."""
        return self.at(np.arange(math.prod(self.shape)))
