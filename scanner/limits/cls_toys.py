"""CLs with toys, at a few values of the parameter around the asymptotic limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from scanner.chi2 import Likelihood
from scanner.errors import DefinitionError
from scanner.limits.board import Board, fast_of
from scanner.limits.curves import Curves
from scanner.limits.surface import plain
from scanner.limits.toys import Hypothesis, generator, signals_at
from scanner.statistics.toys import TIE

Array = npt.NDArray[np.float64]

VALUES = 9
"""Tested values."""
AROUND = 2.0
"""-2 ln CLs about the level, of the observation and the expectations, that they span."""


@dataclass(frozen=True)
class ToyCls:
    """CLs with toys.

    Parameters
    ----------
    values : array (n,)
        Tested, increasing.
    observed, error : array (n,)
        CLs of the data and its binomial error.
    expected : mapping from standard deviations to array (n,)
        CLs where the data are a quantile of the Standard Model's toys.
    level : float
        -2 ln(1 - cl).
    n_toys : int
        Of each tested value, and of the Standard Model.
    """

    values: Array
    observed: Array
    error: Array
    expected: Mapping[int, Array]
    level: float
    n_toys: int

    def upper(self, cls: Array) -> float | None:
        """Last crossing of 1 - cl, linear in ln CLs; None outside the tested values."""
        y = -2.0 * np.log(np.maximum(cls, 1e-300)) - self.level
        for i in range(len(y) - 1, 0, -1):
            if y[i - 1] <= 0.0 < y[i]:
                share = -y[i - 1] / (min(y[i], 50.0) - y[i - 1])
                return float(self.values[i - 1] + share * (self.values[i] - self.values[i - 1]))
        return None

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        return {
            "observed": self.upper(self.observed),
            "expected": {str(k): self.upper(c) for k, c in self.expected.items()},
            "points": [
                {"value": float(v), "cls": plain(float(c)), "error": plain(float(e))}
                for v, c, e in zip(self.values, self.observed, self.error, strict=True)
            ],
        }


def toy_cls(
    curves: Curves,
    observed: Array,
    expected: Mapping[int, Array],
    level: float,
    n_toys: int,
) -> ToyCls:
    """Toys at the values where the asymptotic curves -2 ln CLs cross the level.

    Raises
    ------
    DefinitionError
        None of them does; a number of toys below 1.
    """
    if n_toys < 1:
        raise DefinitionError(f"toys = {n_toys}: give at least 1")
    values = _around(curves, [observed, *expected.values()], level)
    bench, name = curves.bench, curves.parameter
    question = bench.question
    null = Hypothesis.fitted(bench.standard_model().signals, bench.data, "the Standard Model")
    random = generator(question.definition.digest, question.key, "cls", "background")
    boards = [bench.board({name: value}) for value in values]
    background = [null.drawn(bench.data, random) for _ in range(n_toys)]
    b = np.array([_statistics(curves, boards, values, data) for data in background])
    seen = _statistics(curves, boards, values, bench.data)
    rows = []
    for i, (value, board) in enumerate(zip(values, boards, strict=True)):
        random = generator(question.definition.digest, question.key, "cls", value)
        _, place = board.minimum(bench.fast)
        tested = Hypothesis.fitted(
            signals_at(bench.models, place), bench.data, f"{name} = {value:g}"
        )
        drawn = (tested.drawn(bench.data, random) for _ in range(n_toys))
        s = np.array([_statistics(curves, [board], [value], data)[0] for data in drawn])
        # an upward fluctuation of the data leaves a small statistic: a weak limit
        at = [seen[i], *(np.quantile(b[:, i], ndtr(-k), method="nearest") for k in expected)]
        rows.append([_ratio(s, b[:, i], q) for q in at])
    table = np.array(rows)  # (n_values, 1 + n_bands, 2)
    bands = {k: table[:, 1 + j, 0] for j, k in enumerate(expected)}
    return ToyCls(np.array(values), table[:, 0, 0], table[:, 0, 1], bands, level, n_toys)


def _around(curves: Curves, asymptotic: Sequence[Array], level: float) -> list[float]:
    """Values, even on the axis scale, that span where the curves are near the level."""
    axis = curves.axis
    near = [np.flatnonzero(np.abs(y - level) <= AROUND) for y in asymptotic]
    crossing = [np.flatnonzero((y[:-1] <= level) != (y[1:] <= level)) for y in asymptotic]
    nodes = np.concatenate([*near, *crossing, *(c + 1 for c in crossing)])
    if not nodes.size:
        raise DefinitionError(
            f"no CLs limit on {curves.parameter} inside its axis: widen the axis, or ask without "
            "toys"
        )
    ends = axis.to_scale(axis.coordinates[[nodes.min(), nodes.max()]])
    return [float(v) for v in axis.from_scale(np.linspace(ends[0], ends[1], VALUES))]


def _statistics(
    curves: Curves, boards: Sequence[Board], values: Sequence[float], data: Sequence[Likelihood]
) -> list[float]:
    """q-tilde of each value."""
    bench = curves.bench
    fast = fast_of(bench.models, data)
    lowest, place = bench.everywhere.minimum(fast)
    found = []
    for board, value in zip(boards, values, strict=True):
        there, _ = board.minimum(fast)
        above = place[curves.parameter] > value
        found.append(0.0 if above else max(there - lowest, 0.0))
    return found


def _ratio(signal: Array, background: Array, q: float) -> tuple[float, float]:
    """CLs and its binomial error."""
    one, two = (float(np.mean(toys >= q - TIE)) for toys in (signal, background))
    if not two:
        return float("nan"), float("nan")
    n = len(signal)
    # where no toy counts, or all do, one in n might have
    first, second = (max(p * (1.0 - p), 1.0 / n) / n for p in (one, two))
    return one / two, float(np.sqrt(first / two**2 + one**2 * second / two**4))
