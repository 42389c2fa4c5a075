"""Experiments whose inputs are profiled, in the form in which toys are made and fitted.

Experiments that share a profiled input are one model: their inputs are fitted together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from scanner.chi2 import ExperimentModel, Likelihood
from scanner.limits.input_fit import InputLikelihood, Inputs, Member
from scanner.morph import Morph
from scanner.parameter import Constraint
from scanner.templates import Templates

Array = npt.NDArray[np.float64]

COUPLING_NODES = 5
"""Of an input in which counts are a polynomial: at most of the fourth degree."""
NORMALISATION_NODES = 2
"""Of an input that scales a flux: counts are linear in it."""


def grouped(
    bound: Sequence[ExperimentModel], known: Mapping[str, Constraint]
) -> tuple[ExperimentModel | ProfiledModel, ...]:
    """Models without profiled inputs as they are; those that share some, by a chain too, as one.

    Parameters
    ----------
    known : mapping from input to Constraint
        What is known of the profiled inputs.
    """
    groups: list[list[ExperimentModel]] = []
    for model in bound:
        linked = [g for g in groups if any({*model.profiled} & {*m.profiled} for m in g)]
        merged = [*(m for group in linked for m in group), model]
        place = groups.index(linked[0]) if linked else len(groups)
        groups = [g for g in groups if g not in linked]
        groups.insert(place, merged)
    return tuple(ProfiledModel(g, known) if g[0].profiled else g[0] for g in groups)


class ProfiledModel:
    """Experiments with profiled inputs, as boards and toys ask for one.

    Parameters
    ----------
    bound : sequence of ExperimentModel
        With profiled inputs; each shares one with another, if there are more than one.
    known : mapping from input to Constraint
        What is known of them.
    """

    def __init__(self, bound: Sequence[ExperimentModel], known: Mapping[str, Constraint]) -> None:
        self._parts = [_Part(model) for model in bound]
        self.shapes = tuple(dict.fromkeys(n for m in bound for n in m.shapes))
        self.couplings = tuple(dict.fromkeys(n for m in bound for n in m.couplings))
        ends = {name: m.ranges[name] for m in bound for name in m.profiled}
        inputs = Inputs.of(known, ends)
        self.likelihood = InputLikelihood(
            tuple(model.likelihood for model in bound),
            tuple(part.member for part in self._parts),
            inputs,
            np.zeros(inputs.n),
        )

    def fast(self, data: Likelihood) -> Likelihood:
        """What evaluates grids of that likelihood: itself."""
        return data

    def templates(self, shapes: Array) -> Templates:
        """Templates at shape values (n, n_shapes): counts (n_rows, n, n_columns)."""
        made = [part.templates(shapes, self.shapes, self.couplings) for part in self._parts]
        exponents = tuple(dict.fromkeys(e for rows in made for e in rows))
        ends = np.cumsum([0, *(part.member.n_columns for part in self._parts)])
        counts = np.zeros((len(exponents), len(shapes), ends[-1]))
        for rows, a, b in zip(made, ends[:-1], ends[1:], strict=True):
            for powers, own in rows.items():
                counts[exponents.index(powers), :, a:b] = own
        return Templates(self.couplings, exponents, counts)

    def signal(self, values: Mapping[str, Array]) -> Array:
        """Counts at all nodes (n, n_columns) at points."""
        columns = [np.atleast_1d(values[name]) for name in self.shapes]
        length = max([1, *(np.size(v) for v in values.values())])
        rows = np.stack(columns, axis=1) if columns else np.empty((1, 0))
        unique, index = np.unique(rows, axis=0, return_inverse=True)
        made = self.templates(unique)
        monomials = made.monomials({n: values[n] for n in self.couplings})
        monomials = np.broadcast_to(monomials, (length, len(made.exponents)))
        counts = made.counts[:, np.broadcast_to(index.ravel(), (length,))]
        return np.asarray(np.einsum("nk,knb->nb", monomials, counts))


class _Part:
    """One experiment of a model: inputs that are couplings have nodes here, as all others have."""

    def __init__(self, model: ExperimentModel) -> None:
        self._model = model
        free = [name for name in model.profiled if name not in model.morph.names]
        scaling = model.experiment.normalisations
        own = {n: NORMALISATION_NODES if n in scaling else COUPLING_NODES for n in free}
        self._free = Morph({n: model.ranges[n] for n in free}, own)
        names = (*free, *model.morph.names)
        morph = Morph({n: model.ranges[n] for n in names}, {**model.experiment.nodes, **own})
        self.member = Member(morph, model.experiment.n_bins, model.n_counts)

    def templates(
        self, shapes: Array, names: Sequence[str], couplings: Sequence[str]
    ) -> dict[tuple[int, ...], Array]:
        """Counts (n, n_columns) at the nodes by powers of the couplings."""
        columns = shapes[:, [names.index(name) for name in self._model.shapes]]
        unique, index = np.unique(columns, axis=0, return_inverse=True)
        made = self._model.templates(unique)
        nodes = self._free.nodes()
        counts = made.counts.reshape(*made.counts.shape[:2], 1, -1)
        rows: dict[tuple[int, ...], Array] = {}
        for exponents, one in zip(made.exponents, counts, strict=True):
            power = dict(zip(made.variables, exponents, strict=True))
            factor = np.prod([nodes[n] ** power[n] for n in nodes], axis=0) * np.ones(self._free.n)
            term = (one * factor[:, np.newaxis]).reshape(len(one), -1)
            scanned = tuple(power.get(name, 0) for name in couplings)
            rows[scanned] = rows.get(scanned, 0.0) + term
        return {powers: term[index.ravel()] for powers, term in rows.items()}
