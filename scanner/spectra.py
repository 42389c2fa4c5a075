"""What was seen and what is expected, bin by bin: a point and the Standard Model, both fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.chi2 import ExperimentModel, fitted_backgrounds
from scanner.definition import ScanDefinition
from scanner.errors import DefinitionError
from scanner.experiment import Experiment
from scanner.fitted import Inputs, Settled, settled
from scanner.moving import linear_pulls
from scanner.point import check_physical
from scanner.statistics import postfit
from scanner.statistics.background import CurveLikelihood
from scanner.statistics.pulls import OK

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """A prediction at its best pulls.

    Parameters
    ----------
    chi2 : float
        Profiled over the pulls.
    signal, backgrounds : mapping from flux component or background to array (n_bins,)
        Fitted counts.
    pulls, widths : mapping from pull to float
        Fitted values and post-fit widths, in units of the prior width.
    """

    chi2: float
    signal: Mapping[str, Array]
    backgrounds: Mapping[str, Array]
    pulls: Mapping[str, float]
    widths: Mapping[str, float]

    @property
    def background(self) -> Array:
        """All backgrounds, (n_bins,)."""
        return np.asarray(sum(self.backgrounds.values(), np.zeros(())))

    @property
    def total(self) -> Array:
        """Signal and backgrounds, (n_bins,)."""
        return np.asarray(sum(self.signal.values(), self.background))

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, for JSON; counts are lists (n_bins,)."""
        return {
            "chi2": self.chi2,
            "signal": {name: counts.tolist() for name, counts in self.signal.items()},
            "backgrounds": {name: counts.tolist() for name, counts in self.backgrounds.items()},
            "pulls": dict(self.pulls),
            "postfit_widths": dict(self.widths),
        }


@dataclass(frozen=True)
class Spectra:
    """One experiment's bins with the point and the Standard Model fitted to them."""

    experiment: Experiment
    point: Fit
    standard_model: Fit

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, for JSON; bins in C order of the observables."""
        return {
            "observables": [
                {"name": axis.name, "unit": axis.unit, "edges": axis.edges.tolist()}
                for axis in self.experiment.bins
            ],
            "observed": self.experiment.data.tolist(),
            "point": self.point.to_dict(),
            "standard_model": self.standard_model.to_dict(),
        }

    def projected(self, counts: Array, axis: int) -> Array:
        """Counts (n_bins,) summed over all observables but one."""
        shape = tuple(b.n for b in self.experiment.bins)
        others = tuple(i for i in range(len(shape)) if i != axis)
        return np.asarray(np.sum(counts.reshape(shape), axis=others))


def spectra(definition: ScanDefinition) -> dict[str, Spectra]:
    """Spectra of every experiment at the point of a definition without axes.

    Parameters
    ----------
    definition : ScanDefinition
        Resolved with ``point=True``.

    Raises
    ------
    CatalogError, DefinitionError, DataError
        As the catalogue does, and where the scenario calls the point unphysical.
    """
    if definition.axes:
        raise ValueError("a point has no axes: resolve it with point=True")
    check_physical(definition)
    return {one.point.experiment.name: _spectra(one) for one in settled(definition)}


def _spectra(found: Settled) -> Spectra:
    usual = found.standard_model.standard_model_bins()
    return Spectra(
        experiment=found.point.experiment,
        point=_fit(found.point, found.point.component_bins(), found.inputs),
        standard_model=_fit(found.standard_model, usual, found.inputs_sm),
    )


def _fit(model: ExperimentModel, components: Mapping[str, Array], inputs: Inputs) -> Fit:
    """Fitted contributions: every one with all pulls that act on it."""
    experiment, responses = model.experiment, linear_pulls(model.experiment)
    signal = np.sum(list(components.values()), axis=0)
    found = model.likelihood.profile(signal[np.newaxis])
    if found.status[0] != OK:
        raise DefinitionError(
            f"{experiment.name}: no pulls fit this point to the data (its signal is "
            f"{signal.sum():.3g} counts): choose smaller couplings"
        )
    x = found.pulls[0]
    scale = 1.0 + x @ responses.signal
    widths = np.sqrt(np.diag(_covariance(model, signal, x)))
    names = [pull.name for pull in experiment.pulls]
    return Fit(
        chi2=float(found.chi2[0]) + inputs.penalty,
        signal={name: counts * scale for name, counts in components.items()},
        backgrounds=fitted_backgrounds(experiment, x),
        pulls=dict(zip(names, x.tolist(), strict=True)) | dict(inputs.pulls),
        widths=dict(zip(names, widths.tolist(), strict=True)) | dict(inputs.widths),
    )


def _covariance(model: ExperimentModel, signal: Array, x: Array) -> Array:
    """Covariance (n_pulls, n_pulls) of the fitted pulls x, in units of their widths."""
    experiment, found = model.experiment, model.likelihood
    if isinstance(found, CurveLikelihood):
        return found.covariance(x)
    mu = postfit.counts_at(found.pulls, signal, x)
    weight = postfit.weights(experiment.data, mu, experiment.variance)
    return postfit.covariance(found.pulls, signal, weight)
