"""A point with its inputs at their best: what each experiment, and all together, make of them.

Where inputs are profiled, a point of the couplings is explained at the values of the inputs that
fit best there; the Standard Model has its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel, models
from scanner.definition import ScanDefinition
from scanner.errors import DefinitionError
from scanner.evaluate import Evaluator
from scanner.parameter import Constraint
from scanner.profiling import Counts, Layer

Array = npt.NDArray[np.float64]

STEP = 0.1
"""Of the differences that give the width of an input after the fit, in standard deviations."""


@dataclass(frozen=True)
class Inputs:
    """Profiled inputs at their best.

    Parameters
    ----------
    chi2 : float
        With the constraints.
    values : mapping from input to float
        In its own unit.
    pulls, widths : mapping from input to float
        Distance from its mean and width after the fit, in standard deviations; of those inputs
        that have a Gaussian constraint.
    at_end : tuple of str
        Inputs that the fit leaves at an end of their range: chi2 would be lower beyond.
    """

    chi2: float = 0.0
    values: Mapping[str, float] = field(default_factory=dict)
    pulls: Mapping[str, float] = field(default_factory=dict)
    widths: Mapping[str, float] = field(default_factory=dict)
    at_end: tuple[str, ...] = ()

    @property
    def penalty(self) -> float:
        """What the constraints add to chi2."""
        return float(sum(x**2 for x in self.pulls.values()))


@dataclass(frozen=True)
class Settled:
    """One experiment with its inputs fixed at their best.

    Parameters
    ----------
    point, standard_model : ExperimentModel
        Without scanned or profiled parameters.
    nominal : ExperimentModel
        The point with the inputs at the means of their constraints.
    inputs, inputs_sm : Inputs
        Of the point and of the Standard Model.
    """

    point: ExperimentModel
    standard_model: ExperimentModel
    nominal: ExperimentModel
    inputs: Inputs
    inputs_sm: Inputs


def settled(definition: ScanDefinition) -> tuple[Settled, ...]:
    """Every experiment by itself at the point of a definition without axes.

    Raises
    ------
    CatalogError, DefinitionError, DataError
        As the catalogue does; and where nothing fits the point.
    """
    if not definition.profile:
        bound = _models(definition, definition.experiments, {})
        return tuple(Settled(model, model, model, Inputs(), Inputs()) for model in bound)
    evaluator = Evaluator(definition)
    means = {n: Constraint.of_record(c).mean for n, c in definition.profile.items()}
    found = []
    for row, name in enumerate(definition.experiments):
        point, usual = (
            fitted(definition, [bound[row]])
            for bound in (evaluator.models, evaluator.standard_models())
        )
        at = [_models(definition, [name], v)[0] for v in (point.values, usual.values, means)]
        found.append(Settled(at[0], at[1], at[2], point, usual))
    return tuple(found)


def together(definition: ScanDefinition) -> tuple[Inputs, Inputs] | None:
    """The joint fit of the point and of the SM; None where the experiments share no input."""
    if not definition.joint:
        return None
    evaluator = Evaluator(definition)
    point = fitted(definition, evaluator.models)
    return point, fitted(definition, evaluator.standard_models())


def _models(
    definition: ScanDefinition, names: Sequence[str], inputs: Mapping[str, float]
) -> tuple[ExperimentModel, ...]:
    return models(
        definition.scenario,
        {name: definition.experiment_options[name] for name in names},
        Conventions(**definition.options),
        {**definition.parameters, **inputs},
        (),
        data_at=definition.parameters,
    )


def fitted(definition: ScanDefinition, bound: Sequence[ExperimentModel]) -> Inputs:
    """Inputs that fit best to some experiments together, at a point without scanned parameters.

    Raises
    ------
    DefinitionError
        No value of the inputs fits the point.
    """
    known = {name: Constraint.of_record(c) for name, c in definition.profile.items()}
    one = np.zeros(1, np.intp)
    layer = Layer([Counts(model, {}, one, {}) for model in bound], known)
    found = layer.minimum(one)
    if not np.isfinite(found.value[0]):
        names = ", ".join(model.experiment.name for model in bound)
        raise DefinitionError(
            f"{names}: no value of {', '.join(layer.names)} and no pulls fit this point to the "
            "data: choose smaller couplings"
        )
    values = {name: float(v[0]) for name, v in layer.inputs(found.u).items()}
    gaussian = [j for j, name in enumerate(layer.names) if np.isfinite(known[name].sigma)]
    widths = _widths(layer, found.u[0])
    return Inputs(
        float(found.value[0]),
        values,
        {layer.names[j]: float(found.u[0, j]) for j in gaussian},
        {layer.names[j]: float(widths[j]) for j in gaussian},
        tuple(name for name, out in zip(layer.names, layer.at_end(found.u[0]), strict=True) if out),
    )


def _widths(layer: Layer, u: Array) -> Array:
    """Width of each input after the fit, from the bend of chi2 profiled over the pulls.

    NaN where chi2 does not bend upwards, or has no value beside the minimum.
    """
    m = len(u)
    if not m:
        return np.empty(0)
    moves = np.vstack([np.zeros(m), *(s * STEP * np.eye(m) for s in (1.0, -1.0))])
    pairs = list(itertools.combinations(range(m), 2))
    moves = np.vstack([moves, *(STEP * (np.eye(m)[i] + np.eye(m)[j]) for i, j in pairs)])
    chi2 = layer.chi2(u + moves)
    middle, up, down = chi2[0], chi2[1 : m + 1], chi2[m + 1 : 2 * m + 1]
    bend = np.diag((up - 2.0 * middle + down) / STEP**2)
    for (i, j), both in zip(pairs, chi2[2 * m + 1 :], strict=True):
        bend[i, j] = bend[j, i] = (both - up[i] - up[j] + middle) / STEP**2
    if not np.isfinite(bend).all() or np.linalg.eigvalsh(bend)[0] <= 0.0:
        return np.full(m, np.nan)
    return np.sqrt(np.diag(np.linalg.inv(0.5 * bend)))
