"""Poisson chi2 of many lines by a compiled kernel; what is hard for it goes the plain way.

Each step of the kernel is a Newton step with all sums made in one pass over the bins. The fit of a
point starts from those of its neighbours, extrapolated, and mostly ends after one step: half of
chi2 is a self-concordant function of the pulls (where bins with events have at least one), so that
a full step at a Newton decrement d leaves chi2 above its minimum by at most (d/(1 - d))^4. From
far a damped step is taken, which always descends and stays where predictions are positive
(Nesterov and Nemirovskii, Interior-Point Polynomial Algorithms, section 2.2; Boyd and Vandenberghe,
Convex Optimization, section 9.6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from scanner.compiled import compiled
from scanner.statistics.lines import Lines
from scanner.statistics.poisson import PoissonLikelihood
from scanner.statistics.poisson_source import Structure, kernel_source
from scanner.statistics.pulls import OK, LinearPulls, Status, fill

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

DECREMENT = 1e-5
"""Squared Newton decrement before the last step: chi2 is then at its minimum to 1e-10."""
LANES = 8
"""Numbers in the widest vector registers: bins are filled up to a multiple of them."""


@dataclass(frozen=True)
class PoissonKernel:
    """A Poisson likelihood as machine code: the same chi2, to 1e-10, along lines."""

    plain: PoissonLikelihood

    def scan(self, templates: Array, lines: Lines) -> tuple[Array, Status]:
        """chi2 and status, each (n_shapes, n_lines, n_points).

        Parameters
        ----------
        templates : array (n_shapes, n_terms, n_bins)
            Counts per unit coefficient.
        lines : Lines
            Coefficients, the same for every shape.
        """
        shape = (len(templates), *lines.shape)
        chi2, hard = np.full(shape, np.nan), np.zeros(shape, np.uint8)
        # templates of one power of z stand together
        order = np.argsort(lines.powers, kind="stable")
        ends = np.searchsorted(lines.powers[order], np.arange(lines.degree + 1), side="right")
        _function(replace(self._structure, degree=lines.degree))(
            self._arranged(templates[:, order]),
            np.ascontiguousarray(np.abs(templates[:, order]).sum(axis=2)),
            np.ascontiguousarray(lines.outer[:, order]),
            ends,
            lines.z,
            *self._arguments,
            chi2,
            hard,
        )
        status = np.full(shape, OK, np.uint8)
        left = hard.astype(np.bool_)
        fill(chi2, status, left, lambda i, k: self.plain.profile(lines.at(k) @ templates[i]))
        return chi2, status

    @cached_property
    def _pulls(self) -> LinearPulls:
        return self.plain.pulls

    @cached_property
    def _structure(self) -> Structure:
        signal, background = self._pulls.turned
        alike = tuple(bool(np.all(d == d[0]) and d[0] != 0.0) for d in signal)
        return Structure(
            normalisation=alike,
            shape=tuple(bool(d.any()) and not a for d, a in zip(signal, alike, strict=True)),
            background=tuple(bool(r.any()) for r in background),
            direct=bool(self._pulls.direct),
            degree=0,
        )

    @cached_property
    def _order(self) -> tuple[Index, ...]:
        """Bins with events, and bins without; each filled up to whole vectors by -1."""
        seen = self.plain.observed > 0.0
        parts = (np.flatnonzero(seen), np.flatnonzero(~seen))
        return tuple(np.concatenate([p, np.full(-len(p) % LANES, -1)]) for p in parts)

    def _filled(self, values: Array, filling: float) -> Array:
        """Values (..., n_bins) in that order."""
        order = np.concatenate(self._order)
        return np.ascontiguousarray(np.where(order < 0, filling, values[..., order]))

    def _arranged(self, templates: Array) -> Array:
        """Templates as the kernel wants them: bins, then the sums that its gradient needs."""
        signal, _ = self._pulls.turned
        rows = [signal[list(self._structure.signal)]]
        if self._structure.direct:
            rows.append(np.ones((1, signal.shape[1])))
        sums = templates @ np.concatenate(rows).T
        both = np.concatenate([self._filled(templates, 0.0), sums], axis=-1)
        return np.ascontiguousarray(both)

    @cached_property
    def _arguments(self) -> tuple[Array | float | int, ...]:
        """What the kernel takes between the lines and its results."""
        pulls, likelihood = self._pulls, self.plain
        signal, background = pulls.turned
        seen = likelihood.observed > 0.0
        return (
            self._filled(likelihood.observed, 0.0),
            self._filled(pulls.offset, 1.0),
            self._filled(pulls.expected, 1.0),
            self._filled(signal, 0.0),
            self._filled(background, 0.0),
            len(self._order[0]),
            background.sum(axis=1),
            likelihood.centre,
            float(np.sum(pulls.offset + likelihood.saturated)),
            self._filled(likelihood.weights, 0.0),
            float(pulls.direct),
            # with bins of less than one event half of chi2 is self-concordant on another scale
            DECREMENT * np.sqrt(min(1.0, np.min(likelihood.observed, where=seen, initial=1.0))),
        )


@lru_cache
def _function(structure: Structure) -> Callable[..., None]:
    return compiled(kernel_source(structure), "scan")
