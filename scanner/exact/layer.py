"""One experiment at any point: profiled chi2, pulls, and the slope of chi2 along the couplings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from scanner.chi2 import ExperimentModel
from scanner.exact.counts import Counts
from scanner.exact.single import Fitted, single

Array = npt.NDArray[np.float64]


class Layer:
    """A scenario in one experiment.

    Parameters
    ----------
    model : ExperimentModel
        Without profiled inputs.
    """

    def __init__(self, model: ExperimentModel) -> None:
        self.name = model.experiment.name
        self.counts = Counts(model)
        self.pull_names = tuple(pull.name for pull in model.experiment.pulls)
        self._careful = model.likelihood
        self._single = single(model.likelihood)
        self._pulls = self._single.pulls

    def fit(self, values: Mapping[str, Array]) -> Fitted:
        """Profiled points (n,) given by all free parameters, each (n,)."""
        signal = self.counts.signal(values)
        found = self._single.at(signal[0]) if len(signal) == 1 else None
        return self._fit_carefully(signal) if found is None else found

    @np.errstate(over="ignore", invalid="ignore")  # such points have no chi2
    def _fit_carefully(self, signal: Array) -> Fitted:
        profile = self._careful.profile(signal)
        x = profile.pulls
        return Fitted(profile.chi2, x, self._pulls.at(signal, x))

    def slopes(self, values: Mapping[str, Array], fitted: Fitted) -> Array:
        """Derivatives of the profiled chi2 by the couplings, (n, n_couplings).

        At the fitted pulls chi2 has no slope along them, so they may be held (the envelope
        theorem): d chi2/d c = sum over bins of d chi2/d mu (1 + sum_j x_j D_j) dS/dc.
        """
        by_prediction = self._single.slope(fitted.prediction)
        by_signal = by_prediction * (1.0 + fitted.pulls @ self._pulls.signal)
        return np.asarray(np.einsum("ncb,nb->nc", self.counts.slopes(values), by_signal))
