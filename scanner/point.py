"""One point explained: counts by component, chi2, pulls, excluded or not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import fitted_backgrounds, models
from scanner.definition import ScanDefinition
from scanner.errors import DefinitionError
from scanner.experiment import Experiment
from scanner.fitted import Inputs, Settled, settled, together
from scanner.known import derived_values, idle_notes, known_parameters, profile_notes
from scanner.scenario import call_with
from scanner.statistics import levels

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ExperimentPoint:
    """One experiment at one point.

    Parameters
    ----------
    chi2, chi2_sm : float
        Profiled over the pulls, at the point and at the Standard Model.
    counts : mapping
        ``signal`` (Standard Model + new physics), ``sm_signal`` and each background at nominal
        pulls and inputs, and ``observed``.
    components : mapping from flux component to counts
        Shares of ``signal``.
    counts_fitted : mapping
        ``signal``, each background and ``total`` after profiling.
    pulls, pull_widths : mapping from pull to float
        Fitted pulls in units of their width, and the widths; with those inputs that are profiled
        with a Gaussian constraint.
    inputs : mapping from input to float
        Profiled inputs at their best, in their own units: ``counts_fitted`` is at these values.
    """

    chi2: float
    chi2_sm: float
    counts: Mapping[str, float]
    components: Mapping[str, float]
    counts_fitted: Mapping[str, float]
    pulls: Mapping[str, float]
    pull_widths: Mapping[str, float]
    inputs: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Point:
    """One point of a scenario in one or more experiments; Delta chi2 is counted from the SM."""

    scenario: str
    parameters: Mapping[str, float | str]
    options: Mapping[str, Any]
    experiments: Mapping[str, ExperimentPoint]
    derived: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    joint: tuple[Inputs, Inputs] | None = None

    @property
    def chi2(self) -> float:
        """Sum over the experiments; of their joint fit where they share a profiled input."""
        if self.joint is not None:
            return self.joint[0].chi2
        return sum(e.chi2 for e in self.experiments.values())

    @property
    def chi2_sm(self) -> float:
        """The same for the Standard Model."""
        if self.joint is not None:
            return self.joint[1].chi2
        return sum(e.chi2_sm for e in self.experiments.values())

    def excluded(self, dof: int) -> dict[str, bool | None]:
        """Whether Delta chi2 from the SM lies above each usual confidence level.

        None where an experiment has no fit, here or in the Standard Model.
        """
        delta = self.chi2 - self.chi2_sm
        return {
            levels.percent(cl): delta > levels.delta_chi2(cl, dof) if np.isfinite(delta) else None
            for cl in levels.USUAL_LEVELS
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, for JSON."""
        return {
            "scenario": self.scenario,
            "parameters": dict(self.parameters),
            "options": dict(self.options),
            "chi2": self.chi2,
            "chi2_sm": self.chi2_sm,
            "delta_chi2": self.chi2 - self.chi2_sm,
            "reference": "sm",
            "joint": self.joint is not None,
            "joint_inputs": None if self.joint is None else dict(self.joint[0].values),
            "excluded": {"1 dof": self.excluded(1), "2 dof": self.excluded(2)},
            "derived": dict(self.derived),
            "notes": list(self.notes),
            "experiments": {name: asdict(e) for name, e in self.experiments.items()},
        }


def explain(definition: ScanDefinition, given: Collection[str] = ()) -> Point:
    """Explain the point of a definition without axes.

    Parameters
    ----------
    definition : ScanDefinition
        Resolved with ``point=True``.
    given : collection of str
        Parameters that were set by hand: a note says which of them change nothing.

    Raises
    ------
    CatalogError, DefinitionError, DataError
        As the catalogue does.
    """
    if definition.axes:
        raise ValueError("a point has no axes: resolve it with point=True")
    check_physical(definition)
    found = settled(definition)
    return Point(
        scenario=definition.scenario,
        parameters=definition.parameters,
        options={**definition.options, **definition.choices},
        experiments={one.point.experiment.name: _explain(one) for one in found},
        derived=derived_values(definition),
        notes=(
            *idle_notes(_idle(definition, given), [one.point.experiment for one in found]),
            *profile_notes(definition),
            *_remarks(definition, found, given),
        ),
        joint=together(definition),
    )


def _remarks(
    definition: ScanDefinition, found: Sequence[Settled], given: Collection[str]
) -> Iterator[str]:
    """What a reader of the numbers might miss."""
    for one in found:
        for name in one.inputs.at_end:
            yield (
                f"{one.point.experiment.name}: the fit leaves {name} at an end of its range "
                f"({one.inputs.values[name]:.4g}); a wider constraint would lower chi2"
            )
    own = {p.name for p in catalog.scenario(definition.scenario).parameters}
    known = known_parameters(definition)
    held = [n for n in given if n not in own and definition.parameters.get(n) != known[n].default]
    if held:
        values = ", ".join(f"{name} = {definition.parameters[name]:g}" for name in held)
        yield f"the Standard Model is taken at the same inputs ({values}); scan them to compare"


def check_physical(definition: ScanDefinition) -> None:
    """DefinitionError where the scenario calls the point unphysical."""
    physical = catalog.scenario(definition.scenario).physical
    if physical is not None and not np.all(call_with(physical, values=definition.parameters)):
        values = ", ".join(f"{n} = {v}" for n, v in definition.parameters.items())
        raise DefinitionError(
            f"scenario {definition.scenario}: the point is unphysical ({values}); see the formula "
            f"and parameters in `scanner show {definition.scenario}`"
        )


def _idle(definition: ScanDefinition, given: Collection[str]) -> tuple[str, ...]:
    """Couplings set by hand to something other than zero that change no count."""
    known = known_parameters(definition)
    free = [
        name
        for name in given
        if known[name].role == "coupling" and definition.parameters[name] != 0.0
    ]
    bound = models(
        definition.scenario,
        definition.experiment_options,
        Conventions(**definition.options),
        {n: v for n, v in definition.parameters.items() if n not in free},
        free,
    )
    return tuple(name for name in free if all(name in model.idle({}) for model in bound))


def _explain(found: Settled) -> ExperimentPoint:
    model, nominal = found.point, found.nominal
    signal, sm_signal = model.signal({})[0], found.standard_model.standard_model()
    profile = model.likelihood.profile(signal[np.newaxis])
    standard = found.standard_model.likelihood.profile(sm_signal[np.newaxis])
    experiment = nominal.experiment
    return ExperimentPoint(
        chi2=float(profile.chi2[0]) + found.inputs.penalty,
        chi2_sm=float(standard.chi2[0]) + found.inputs_sm.penalty,
        counts={
            "signal": float(nominal.signal({}).sum()),
            "sm_signal": float(nominal.standard_model().sum()),
            **{name: float(b.sum()) for name, b in experiment.backgrounds.items()},
            "observed": float(model.experiment.data.sum()),
        },
        components=nominal.components(),
        counts_fitted=_fitted(model.experiment, signal, profile.pulls[0]),
        pulls=_named(experiment, profile.pulls[0]) | dict(found.inputs.pulls),
        pull_widths={pull.name: pull.sigma for pull in experiment.pulls}
        | dict.fromkeys(found.inputs.pulls, 1.0),
        inputs=found.inputs.values,
    )


def _named(experiment: Experiment, pulls: Array) -> dict[str, float]:
    return {p.name: float(x) for p, x in zip(experiment.pulls, pulls, strict=True)}


def _fitted(experiment: Experiment, signal: Array, pulls: Array) -> dict[str, float]:
    """Counts after profiling: each contribution with all pulls that act on it."""
    fitted = {"signal": signal.copy(), **fitted_backgrounds(experiment, pulls)}
    for pull, x in zip(experiment.pulls, pulls, strict=True):
        fitted["signal"] += x * pull.sigma * pull.signal * signal
    totals = {name: float(counts.sum()) for name, counts in fitted.items()}
    return {**totals, "total": sum(totals.values())}
