"""The fit of a background curve: heights eliminated, shapes by guarded Newton steps.

See `scanner.statistics.background` for what is minimised.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from scanner.statistics.pulls import solve_scaled

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

FAST_STEPS, MAX_STEPS = 20, 100
"""Gauss-Newton steps, and steps in all: a fit that leaves much of the data over has a curvature of
its own, and the steps after the first ones are Newton's."""
DIFFERENCE = 0.01
"""Of the shape parameters in their steps, for the curvature by differences."""
TOLERANCE = 1e-9
"""Promised fall of chi2 at which a fit ends."""
ROUNDING = 1e-13
"""The same relative to chi2: no smaller fall can be seen."""
DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-3, 1e-9, 1e12
"""Of the Gauss-Newton matrix, relative to its diagonal: at first, and its ends."""
SINGULAR = 1e-12
"""Relative pivot below which a set of forms is not independent."""


class Number(Protocol):
    """A free number; see `scanner.statistics.background.Free`."""

    @property
    def low(self) -> float:
        """Lower end of its range."""

    @property
    def high(self) -> float:
        """Upper end."""

    @property
    def measured(self) -> bool:
        """Whether it has a prior of unit width in steps."""


class Curve(Protocol):
    """What is fitted; see `scanner.statistics.background.BackgroundCurve`."""

    @property
    def heights(self) -> Sequence[Number]:
        """Linear parameters, at least 0."""

    @property
    def shapes(self) -> Sequence[Number]:
        """Parameters theta of the forms."""

    @property
    def nominal(self) -> Array:
        """Usual values of all parameters, heights first."""

    @property
    def step(self) -> Array:
        """Their usual steps."""

    @property
    def starts(self) -> Array:
        """Places (n_starts, n_shapes) where a fit may begin."""

    def forms(self, theta: Array, /) -> Array:
        """Counts per unit height, (n, n_heights, n_bins)."""

    def slopes(self, theta: Array, heights: Array, /) -> Array:
        """Derivatives of the curve by theta, (n, n_shapes, n_bins)."""


@dataclass(frozen=True)
class State:
    """Fits at some shape parameters: chi2 (n,), heights (n, n_heights), residuals, forms in use.

    `residual` (n, n_bins) is in standard deviations, `forms` (n, n_heights, n_bins) too, with zeros
    for those whose height is zero.
    """

    u: Array
    chi2: Array
    heights: Array
    residual: Array
    forms: Array

    def where(self, better: Mask, other: State) -> State:
        """The other one where it is better."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return State(*(np.where(better.reshape(-1, *[1] * (a.ndim - 1)), b, a) for a, b in pairs))

    def part(self, index: Mask | npt.NDArray[np.intp]) -> State:
        """Some of the points."""
        return State(*(values[index] for values in vars(self).values()))


class CurveFit:
    """Minimises over the shapes, in steps u = (theta - nominal)/step.

    Parameters
    ----------
    curve : Curve
        The background.
    variance : array (n_bins,)
        Of the data.
    measured : array (n_free,) or None
        What was found of the measured parameters, in steps.
    """

    def __init__(self, curve: Curve, variance: Array, measured: Array | None) -> None:
        self._curve, self._error = curve, np.sqrt(variance)
        n = len(curve.heights)
        self._nominal, self._step = curve.nominal[n:], curve.step[n:]
        ends = np.array([[s.low, s.high] for s in curve.shapes]).reshape(-1, 2)
        self._low, self._high = ((ends.T - self._nominal) / self._step).reshape(2, -1)
        self._known = np.array([s.measured for s in curve.shapes], dtype=np.float64)
        self._mean = np.zeros(len(curve.shapes)) if measured is None else measured[n:]
        sets = itertools.product((False, True), repeat=n)
        self._sets = [np.flatnonzero(chosen) for chosen in sets if any(chosen)]

    def minimise(self, target: Array) -> tuple[Array, Array, Mask]:
        """chi2 (n,), all parameters (n, n_free), and whether the fit arrived."""
        state = self._start(target)
        arrived = np.zeros(len(target), dtype=np.bool_)
        damping = np.full(len(target), DAMPING)
        active = np.arange(len(target))
        for i in range(MAX_STEPS):
            if not active.size:
                break
            here = state.part(active)
            curved = self._gauss_newton if i < FAST_STEPS else self._newton
            slope, matrix = curved(here, target[active])
            step, promised = self._step_of(here, slope, matrix, damping[active])
            there = self._at(here.u + step, target[active])
            better = there.chi2 < here.chi2
            for name, values in vars(here.where(better, there)).items():
                getattr(state, name)[active] = values
            damping[active] *= np.where(better, 0.1, 10.0)
            damping[active] = np.clip(damping[active], LEAST_DAMPING, MOST_DAMPING)
            least = np.maximum(TOLERANCE, ROUNDING * here.chi2)
            # at the largest damping no way leads down: the place is a minimum to rounding
            done = (promised < least) & (damping[active] <= 1.0)
            done |= damping[active] >= MOST_DAMPING
            arrived[active[done]] = True
            active = active[~done]
        values = np.concatenate([state.heights, self._theta(state.u)], axis=1)
        return state.chi2, values, arrived

    def _theta(self, u: Array) -> Array:
        return np.asarray(self._nominal + self._step * u)

    def _start(self, target: Array) -> State:
        """Fits at the best of the places where a fit may begin."""
        best, most = np.zeros(len(target), np.intp), np.full(len(target), -np.inf)
        starts = (self._curve.starts - self._nominal) / self._step
        for i, (forms, u) in enumerate(zip(self._forms(starts), starts, strict=True)):
            _, explained = self._heights((forms @ forms.T)[np.newaxis], target @ forms.T)
            gained = explained - np.sum(self._known * (u - self._mean) ** 2)
            better = gained > most
            best[better], most[better] = i, gained[better]
        return self._at(starts[best], target)

    def _forms(self, u: Array) -> Array:
        """Forms (n, n_heights, n_bins) in standard deviations of the data."""
        return np.asarray(self._curve.forms(self._theta(u)) / self._error)

    def _at(self, u: Array, target: Array) -> State:
        """The heights that fit best at some shapes."""
        forms = self._forms(u)
        vector = np.einsum("nlb,nb->nl", forms, target)
        heights, _ = self._heights(forms @ forms.swapaxes(1, 2), vector)
        residual = target - np.einsum("nl,nlb->nb", heights, forms)
        prior = np.sum(self._known * (u - self._mean) ** 2, axis=1)
        used = forms * (heights > 0.0)[:, :, np.newaxis]
        return State(u, np.sum(residual**2, axis=1) + prior, heights, residual, used)

    def _heights(self, gram: Array, vector: Array) -> tuple[Array, Array]:
        """Least squares (n, n_heights) without negative heights, and what they explain of chi2.

        The set of forms of the minimum is among those whose own solution is positive, and no other
        of these explains more.
        """
        best, most = np.zeros_like(vector), np.zeros(len(vector))
        for chosen in self._sets:
            solved = _solved(gram[:, chosen][:, :, chosen], vector[:, chosen])
            explained = np.sum(solved * vector[:, chosen], axis=1)
            better = np.flatnonzero(np.all(solved >= 0.0, axis=1) & (explained > most))
            best[better] = 0.0
            best[np.ix_(better, chosen)] = solved[better]
            most[better] = explained[better]
        return best, most

    def _slope(self, state: State) -> tuple[Array, Array]:
        """Minus half the slope of chi2 by u, (n, n_shapes), and the curve's slopes in sigma."""
        rows = self._curve.slopes(self._theta(state.u), state.heights)
        rows = rows * self._step[:, np.newaxis] / self._error
        slope = np.einsum("nkb,nb->nk", rows, state.residual)
        return np.asarray(slope - self._known * (state.u - self._mean)), rows

    def _gauss_newton(self, state: State, target: Array) -> tuple[Array, Array]:
        """Minus half the slope, and half the curvature without that of the curve itself."""
        del target
        slope, rows = self._slope(state)
        matrix = rows @ rows.swapaxes(1, 2) - self._followed(rows, state.forms)
        diagonal = np.arange(rows.shape[1])
        matrix[:, diagonal, diagonal] += self._known
        return slope, matrix

    def _newton(self, state: State, target: Array) -> tuple[Array, Array]:
        """The same with the whole curvature, from differences of slopes; made positive."""
        slope, _ = self._slope(state)
        n = state.u.shape[1]
        matrix = np.empty((len(state.u), n, n))
        for k in range(n):
            move = np.where(np.arange(n) == k, DIFFERENCE, 0.0)
            above, below = (self._slope(self._at(state.u + h, target))[0] for h in (move, -move))
            matrix[:, k] = (below - above) / (2.0 * DIFFERENCE)
        sizes, vectors = np.linalg.eigh(0.5 * (matrix + matrix.swapaxes(1, 2)))
        return slope, np.einsum("nik,nk,njk->nij", vectors, np.abs(sizes), vectors)

    def _step_of(
        self, state: State, slope: Array, matrix: Array, damping: Array
    ) -> tuple[Array, Array]:
        """A damped step (n, n_shapes) inside the ranges, and the fall of chi2 that it promises."""
        # at the end of its range, and pushed on: such a parameter stays
        held = ((state.u <= self._low) & (slope < 0.0)) | ((state.u >= self._high) & (slope > 0.0))
        slope = np.where(held, 0.0, slope)
        matrix = np.where(held[:, :, np.newaxis] | held[:, np.newaxis, :], 0.0, matrix)
        diagonal = np.arange(slope.shape[1])
        size = np.maximum(matrix[:, diagonal, diagonal], 0.0)
        size = np.where(size > 0.0, size, 1.0)
        matrix[:, diagonal, diagonal] += (damping[:, np.newaxis] + LEAST_DAMPING + held) * size
        moved = state.u + solve_scaled(matrix, slope)
        moved = np.clip(moved, self._low, self._high) - state.u
        return moved, np.abs(np.sum(slope * moved, axis=1))

    def _followed(self, rows: Array, forms: Array) -> Array:
        """What the heights that follow take off the curvature, (n, n_shapes, n_shapes)."""
        gram = forms @ forms.swapaxes(1, 2)
        diagonal = np.arange(forms.shape[1])
        unused = gram[:, diagonal, diagonal] == 0.0
        gram[:, diagonal, diagonal] += np.where(unused, 1.0, 0.0)
        mixed = forms @ rows.swapaxes(1, 2)
        scale = 1.0 / np.sqrt(gram[:, diagonal, diagonal])
        scaled = gram * scale[:, :, np.newaxis] * scale[:, np.newaxis, :]
        scaled[:, diagonal, diagonal] += SINGULAR
        mixed = mixed * scale[:, :, np.newaxis]
        return np.asarray(mixed.swapaxes(1, 2) @ np.linalg.solve(scaled, mixed))


def _solved(gram: Array, vector: Array) -> Array:
    """Solutions (n, k) of the normal equations of a few forms; a hair of damping if they agree."""
    scale = 1.0 / np.sqrt(np.maximum(np.einsum("nii->ni", gram), np.finfo(np.float64).tiny))
    scaled = gram * scale[:, :, np.newaxis] * scale[:, np.newaxis, :]
    diagonal = np.arange(scaled.shape[1])
    scaled[:, diagonal, diagonal] += SINGULAR
    solution = np.linalg.solve(scaled, (vector * scale)[..., np.newaxis])[..., 0]
    return np.asarray(solution * scale)
