"""CLs upper limits, asymptotic and with toys.

The statistic of an upper limit is q(mu) = chi2(mu) - min chi2, and 0 where the minimum lies above
mu; the minimum is over the scanned range: q-tilde of arXiv:1007.1727, eq. 16, where that begins at
the Standard Model, else q of eq. 14. CLs = CLs+b/CLb (Read, J. Phys. G 28, 2693 (2002)) is the
p-value of mu over that of the Standard Model; mu is excluded where it falls below 1 - cl. The
asymptotic form takes the spread of q from Asimov's data (secs. 3.5 and 3.6 of arXiv:1007.1727):
good where the parameter enters the counts about linearly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr, ndtr

from scanner.limits.cls_toys import ToyCls, toy_cls
from scanner.limits.curves import Curves
from scanner.limits.expected import BANDS
from scanner.limits.level import level_of, upper_only
from scanner.limits.stretches import Ends, stretches_below
from scanner.limits.surface import plain

Array = npt.NDArray[np.float64]


AT_BOUNDARY = 0.01
"""Delta chi2 of Asimov's data below which the low end of the axis is as good as their minimum."""


@dataclass(frozen=True)
class Cls:
    """CLs limits of one parameter.

    Parameters
    ----------
    bounded : bool
        Whether the axis begins at the Standard Model.
    observed, expected : array (n,), mapping from standard deviations to array (n,)
        -2 ln CLs along the parameter.
    toys : ToyCls or None
        The same with toys.
    """

    curves: Curves
    cl: float
    chi2_min: float
    best: float
    observed: Array
    expected: Mapping[int, Array]
    bounded: bool
    toys: ToyCls | None = None

    @property
    def level(self) -> float:
        """-2 ln(1 - cl)."""
        return float(-2.0 * np.log1p(-self.cl))

    def allowed(self, curve: Array) -> tuple[Ends, ...]:
        """Values that are not excluded."""
        return tuple(s.limits for s in stretches_below(self.curves.axis, curve, self.level))

    def upper(self, curve: Array) -> float | None:
        """The value above which all scanned ones are excluded; None where there is none."""
        allowed = self.allowed(curve)
        return allowed[-1][1] if allowed else None

    def to_dict(self) -> dict[str, Any]:
        """The whole record, for JSON."""
        question = self.curves.bench.question
        record = {k: v for k, v in question.record().items() if k not in ("keep", "construction")}
        return {
            "statistic": f"CLs of {'q-tilde' if self.bounded else 'q'} (arXiv:1007.1727)",
            "parameter": self.curves.parameter,
            "unit": self.curves.axis.unit,
            "cl": self.cl,
            "dof": 1,
            "sided": "one",
            "reference": "minimum of the free parameters",
            "chi2_min": plain(self.chi2_min),
            "minimum_at": {self.curves.parameter: plain(self.best)},
            **record,
            "asymptotic": {
                "observed": self.upper(self.observed),
                "expected": {str(k): self.upper(c) for k, c in self.expected.items()},
                "not_excluded": [list(e) for e in self.allowed(self.observed)],
            },
            "toys": None if self.toys is None else self.toys.to_dict(),
            "n_toys": 0 if self.toys is None else self.toys.n_toys,
        }


def cls_limit(curves: Curves, *, cl: float = 0.9, n_toys: int = 0) -> Cls:
    """CLs limits on the parameter of the curves.

    Parameters
    ----------
    n_toys : int
        Toys of each tested value and of the Standard Model; none for the asymptotic form alone.

    Raises
    ------
    DefinitionError
        A level or a number of toys that makes no sense.
    """
    level_of(cl, 1)
    bench = curves.bench
    truth = bench.standard_model()
    asimov = [
        one.exchanged(one.pulls.at(signal, x))
        for one, signal, x in zip(bench.data, truth.signals, truth.pulls, strict=True)
    ]
    bounded = bool(curves.of(asimov)[0][0, 0] < AT_BOUNDARY)
    fair, _, _ = _statistic(curves, asimov)
    q, lowest, best = _statistic(curves, bench.data)
    found = Cls(
        curves,
        cl,
        lowest,
        best,
        observed=log_cls(q, fair, bounded=bounded),
        expected={k: expected_log_cls(fair, k) for k in BANDS},
        bounded=bounded,
    )
    if not n_toys:
        return found
    made = toy_cls(curves, found.observed, found.expected, found.level, n_toys)
    return replace(found, toys=made)


def _statistic(curves: Curves, data: Any) -> tuple[Array, float, float]:
    """q along the parameter, the minimum and its place."""
    delta, lowest, best = curves.of(data)
    values = curves.axis.coordinates
    one = upper_only(values, delta[0], float(best[0]))
    return np.maximum(one, 0.0), float(lowest[0]), float(best[0])


def log_cls(q: Array, fair: Array, *, bounded: bool = True) -> Array:
    """-2 ln CLs of the statistic q where Asimov's data have `fair`; 0 where that is 0.

    >>> log_cls(np.array([2.706]), np.array([2.706])).round(3)  # 0.05/0.5
    array([4.606])
    """
    root, spread = np.sqrt(q), np.sqrt(np.maximum(fair, 1e-12))
    beyond = bounded & (root > spread)  # the minimum is at the boundary
    signal = np.where(beyond, (q + spread**2) / (2.0 * spread), root)
    background = np.where(beyond, (q - spread**2) / (2.0 * spread), root - spread)
    ratio = -2.0 * (log_ndtr(-signal) - log_ndtr(-background))
    return np.where(fair > 1e-9, np.maximum(ratio, 0.0), 0.0)


def expected_log_cls(fair: Array, sigmas: float) -> Array:
    """-2 ln CLs where the data fluctuate by so many standard deviations towards a signal."""
    ratio = log_ndtr(-(np.sqrt(fair) - sigmas)) - np.log(ndtr(sigmas))
    return np.where(fair > 1e-9, np.maximum(-2.0 * ratio, 0.0), 0.0)
