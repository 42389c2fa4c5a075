"""What the data of one experiment say of the Standard Model: counts, strength, rejection."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import STANDARD_MODEL, ExperimentModel, likelihood
from scanner.experiment import BinAxis, Experiment
from scanner.physics.fluxes.flux import Flux
from scanner.statistics.levels import delta_chi2

Array = npt.NDArray[np.float64]
Ends = tuple[float | None, float | None]
Said = tuple[float | None, tuple[Ends, ...]]
"""Best value and allowed intervals; an end that there is none of is None."""

STRENGTHS = np.concatenate([np.linspace(0.0, 2.0, 2001), np.linspace(2.01, 8.0, 600)])
"""Signals over that of the Standard Model."""


@cache
def standard_model(
    name: str, choices: tuple[tuple[str, object], ...] = (), conventions: Conventions | None = None
) -> ExperimentModel:
    """The Standard Model in an experiment of the catalogue.

    Raises
    ------
    CatalogError, DefinitionError
        There is no such experiment, or it has no such choice.
    """
    experiment = catalog.experiment(name, dict(choices))
    return ExperimentModel(STANDARD_MODEL, experiment, conventions or Conventions(), {}, ())


def prediction(model: ExperimentModel) -> float:
    """Counts of the Standard Model."""
    return float(model.standard_model().sum())


def observed(model: ExperimentModel) -> float:
    """Counts of the data."""
    return float(model.experiment.data.sum())


def chi2_of(model: ExperimentModel, strength: float) -> float:
    """chi2 of the Standard Model's signal times a number, pulls profiled."""
    signal = strength * model.standard_model()
    return float(model.likelihood.profile(signal[np.newaxis]).chi2[0])


def strength(model: ExperimentModel, cl: float) -> Said:
    """Signal over that of the Standard Model, every pull acting on top; 1 dof."""
    return _interval(_strengths(model), cl)


def counts(model: ExperimentModel, cl: float) -> Said:
    """Fitted number of events; what moves the signal's norm alone has no part in it; 1 dof."""
    kept = [p for p in model.experiment.pulls if p.backgrounds or np.ndim(p.signal)]
    freed = replace(model.experiment, pulls=tuple(kept))
    signal = STRENGTHS[:, np.newaxis] * model.standard_model()
    best, intervals = _interval(likelihood(freed).profile(signal).chi2, cl)
    return times((best, intervals), float(model.standard_model().sum()))


def fitted(model: ExperimentModel) -> float:
    """Counts of the signal at the lowest chi2, scaled freely."""
    # the pull on the normalisation acts on top: at the minimum it is at zero
    best = int(np.argmin(_strengths(model)))
    return float(STRENGTHS[best]) * prediction(model)


def chi2_min(model: ExperimentModel) -> float:
    """Lowest chi2 of a signal that is scaled freely."""
    return float(_strengths(model).min())


def rejection(model: ExperimentModel) -> float:
    """Square root of the rise of chi2 from the best strength to no signal."""
    chi2 = _strengths(model)
    return math.sqrt(float(chi2[0] - chi2.min()))


def cross_section(experiment: Experiment, conventions: Conventions, component: str = "") -> float:
    """cm^2 per nucleus, averaged over the flux: every recoil is counted once.

    Parameters
    ----------
    experiment : Experiment
        Target and flux.
    conventions : Conventions
        Couplings and form factor.
    component : str
        Only components of the flux with that in their name.
    """
    parts = [c for c in experiment.flux.components if component in c.name]
    counted = replace(
        experiment,
        flux=Flux(tuple(parts)),
        response=lambda recoil: np.ones((1, len(recoil))),
        response_at=None,
        timing=dict.fromkeys((c.name for c in parts), np.ones(1)),
        timing_at=None,
        sorting_at=None,
        bins=(BinAxis("all", "", np.array([0.0, 1.0])),),
        observed=np.zeros(1),
        backgrounds={},
        backgrounds_at=None,
        pulls=(),
        statistic="gaussian",
        variance=np.ones(1),
    )
    target = experiment.target
    nuclei = experiment.mass_kg * sum(map(target.nuclei_per_kg, target.composition))
    fluence = sum(float(c.nodes(np.zeros(1))[1].sum()) for c in parts)
    events = prediction(ExperimentModel(STANDARD_MODEL, counted, conventions, {}, ()))
    return events / (nuclei * fluence)


def times(said: Said, factor: float) -> Said:
    """The same in another unit."""
    best, intervals = said
    return None if best is None else best * factor, tuple(
        (_times(low, factor), _times(high, factor)) for low, high in intervals
    )


def _times(end: float | None, factor: float) -> float | None:
    return None if end is None else end * factor


@cache
def _strengths(model: ExperimentModel) -> Array:
    """chi2 of the Standard Model's signal scaled by `STRENGTHS`, pulls profiled."""
    return model.likelihood.profile(STRENGTHS[:, np.newaxis] * model.standard_model()).chi2


def _interval(chi2: Array, cl: float) -> Said:
    """Where the chi2 of `STRENGTHS` is lowest, and its crossings of the level on both sides."""
    best = int(np.argmin(chi2))
    rise = chi2 - chi2[best] - delta_chi2(cl, 1)
    low = None
    if rise[0] > 0.0:
        low = float(np.interp(0.0, -rise[: best + 1], STRENGTHS[: best + 1]))
    high = float(np.interp(0.0, rise[best:], STRENGTHS[best:])) if rise[-1] > 0.0 else None
    return float(STRENGTHS[best]), ((low, high),)


VALUES: Mapping[str, Callable[[ExperimentModel], float]] = {
    "prediction": prediction,
    "observed": observed,
    "fitted": fitted,
    "chi2_min": chi2_min,
    "rejection": rejection,
    "chi2_sm": lambda model: chi2_of(model, 1.0),
    "chi2_none": lambda model: chi2_of(model, 0.0),
    "unit": lambda _: 1.0,
}
"""Questions with one number for an answer, by name."""

FITS: Mapping[str, Callable[[ExperimentModel, float], Said]] = {
    "strength": strength,
    "counts": counts,
}
"""Questions with a best value and intervals at a confidence level for an answer."""
