"""Experiments whose inputs are profiled, in the form in which toys are made and fitted.

A profiled input is one more nuisance parameter with an auxiliary measurement: in a toy its mean is
drawn about the value that the toy is made at. Between nodes of the inputs counts are interpolated,
so a "signal" is here the counts at all nodes, one behind the other, and the likelihood fits the
inputs with the pulls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from scanner.chi2 import ExperimentModel, Likelihood
from scanner.morph import Morph
from scanner.parameter import Constraint
from scanner.statistics.constrained import minimise
from scanner.statistics.lines import Lines
from scanner.statistics.pulls import Profile, Status
from scanner.statistics.sloped import Slopes, descend
from scanner.statistics.tangent import Sloped
from scanner.templates import Templates

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

COUPLING_NODES = 5
"""Of an input in which counts are a polynomial: at most of the fourth degree."""
NUMBERS_AT_ONCE = 2**23
"""Counts at nodes that are fitted at once: bounds their memory to 64 MB."""


@dataclass(frozen=True)
class Inputs:
    """Inputs of one experiment: nodes, and what is known of each.

    Parameters
    ----------
    morph : Morph
        Interpolation between the nodes.
    mean, scale, weight, low, high : arrays (m,)
        Place u = (input - mean)/scale, its constraint weight x u^2 and its ends in u.
    """

    morph: Morph
    mean: Array
    scale: Array
    weight: Array
    low: Array
    high: Array

    @classmethod
    def of(
        cls, morph: Morph, known: Mapping[str, Constraint], ends: Mapping[str, tuple[float, float]]
    ) -> Inputs:
        """Of the named inputs of a morph."""
        chosen = [known[name] for name in morph.names]
        mean, scale = np.array([(c.mean, c.scale) for c in chosen]).reshape(-1, 2).T
        weight = np.array([float(np.isfinite(c.sigma)) for c in chosen])
        low, high = np.array([ends[name] for name in morph.names]).reshape(-1, 2).T
        return cls(morph, mean, scale, weight, (low - mean) / scale, (high - mean) / scale)

    @property
    def n(self) -> int:
        """Number of inputs."""
        return len(self.mean)

    def counts(self, signal: Array, u: Array, by: Sequence[int] = ()) -> Array:
        """Counts (n, n_bins) at places u (n, m), or their derivative by some places.

        Parameters
        ----------
        signal : array (n, n_nodes x n_bins)
            Counts at the nodes.
        """
        values = dict(zip(self.morph.names, (self.mean + self.scale * u).T, strict=True))
        orders = {self.morph.names[j]: list(by).count(j) for j in by}
        weights = self.morph.weights(values, orders) * np.prod(self.scale[list(by)])
        nodes = signal.reshape(len(signal), self.morph.n, -1)
        return np.asarray((weights[:, np.newaxis] @ nodes)[:, 0])


@dataclass(frozen=True)
class InputPulls:
    """What toys ask of pulls: those of the likelihood, then the inputs."""

    likelihood: InputLikelihood

    @property
    def n(self) -> int:
        """Number of pulls and inputs."""
        return self.likelihood.plain.pulls.n + self.likelihood.inputs.n

    def at(self, signal: Array, x: Array) -> Array:
        """mu (n_bins,) of counts at nodes at pulls and inputs x, in units of their widths."""
        m = self.likelihood.inputs.n
        counts = self.likelihood.inputs.counts(signal[np.newaxis], x[np.newaxis, -m:])[0]
        return self.likelihood.plain.pulls.at(counts, x[:-m])


@dataclass(frozen=True)
class InputLikelihood:
    """A likelihood that is profiled over inputs as well; signals are counts at their nodes.

    Parameters
    ----------
    plain : Likelihood
        At given inputs.
    inputs : Inputs
        At least one.
    measured : array (m,), optional
        What the auxiliary measurements of the inputs found, as places u; 0 in the real experiment.
    """

    plain: Likelihood
    inputs: Inputs
    measured: Array = field(default_factory=lambda: np.zeros(1))

    @property
    def pulls(self) -> InputPulls:
        """Pulls and inputs together."""
        return InputPulls(self)

    def exchanged(self, observed: Array, measured: Array | None = None) -> InputLikelihood:
        """The same with other counts and auxiliary measurements of pulls and inputs."""
        m = self.inputs.n
        if measured is None:
            return replace(self, plain=self.plain.exchanged(observed), measured=np.zeros(m))
        plain = self.plain.exchanged(observed, measured[:-m])
        return replace(self, plain=plain, measured=measured[-m:])

    def drawn(self, signal: Array, x: Array, random: np.random.Generator) -> InputLikelihood:
        """A toy experiment: counts and auxiliary measurements about a signal, pulls and inputs."""
        m = self.inputs.n
        counts = self.inputs.counts(signal[np.newaxis], x[np.newaxis, -m:])[0]
        plain = self.plain.drawn(counts, x[:-m], random)
        measured = random.normal(x[-m:]) * self.inputs.weight
        return replace(self, plain=plain, measured=measured)

    def profile(self, signal: Array) -> Profile:
        """Minimum over pulls and inputs for counts at nodes (n, n_nodes x n_bins)."""
        at_once = max(1, NUMBERS_AT_ONCE // signal.shape[1])
        parts = [self._profile(signal[i : i + at_once]) for i in range(0, len(signal), at_once)]
        return Profile(
            np.concatenate([p.chi2 for p in parts]),
            np.concatenate([p.pulls for p in parts]),
            np.concatenate([p.status for p in parts]),
        )

    def _profile(self, signal: Array) -> Profile:
        inputs, middle = self.inputs, np.broadcast_to(self.measured, self.inputs.mean.shape)

        def value(points: Index, v: Array) -> Array:
            return self.plain.profile(inputs.counts(signal[points], middle + v)).chi2

        ends = (len(signal), inputs.low - middle, inputs.high - middle, inputs.weight)
        if isinstance(self.plain, Sloped):
            found = descend(value, lambda k, v: self._slopes(signal[k], middle + v), *ends)
        else:
            found = minimise(value, *ends)
        u = middle + np.where(np.isfinite(found.u), found.u, 0.0)
        fitted = self.plain.profile(inputs.counts(signal, u))
        return Profile(found.value, np.hstack([fitted.pulls, u]), fitted.status)

    def _slopes(self, signal: Array, u: Array) -> Slopes:
        assert isinstance(self.plain, Sloped)
        m, counts = self.inputs.n, self.inputs.counts
        moves = np.stack([counts(signal, u, [j]) for j in range(m)], axis=1)
        found = self.plain.tangent(counts(signal, u), moves)
        hessian = found.bend.copy()
        for i in range(m):
            for j in range(m):
                hessian[:, i, j] += np.sum(found.slope * counts(signal, u, [i, j]), axis=1)
        return Slopes(found.chi2, np.einsum("nmb,nb->nm", moves, found.slope), hessian)

    def scan(self, templates: Array, lines: Lines) -> tuple[Array, Status]:
        """chi2 and status of a grid, each (n_shapes, n_lines, n_points)."""
        shape = (len(templates), *lines.shape)
        chi2, status = np.empty(shape), np.empty(shape, np.uint8)
        at_once = max(1, NUMBERS_AT_ONCE // templates.shape[-1])
        points = np.arange(lines.shape[0] * lines.shape[1])
        for i, rows in enumerate(templates):
            for start in range(0, len(points), at_once):
                part = points[start : start + at_once]
                found = self.profile(lines.at(part) @ rows)
                chi2[i].reshape(-1)[part] = found.chi2
                status[i].reshape(-1)[part] = found.status
        return chi2, status


class ProfiledModel:
    """An experiment with profiled inputs, as boards and toys ask for one.

    Parameters
    ----------
    model : ExperimentModel
        With profiled inputs.
    known : mapping from input to Constraint
        What is known of them.
    """

    def __init__(self, model: ExperimentModel, known: Mapping[str, Constraint]) -> None:
        self._model = model
        self.experiment = model.experiment
        self.shapes, self.couplings = model.shapes, model.couplings
        free = [name for name in model.profiled if name not in model.morph.names]
        own = dict.fromkeys(free, COUPLING_NODES)
        self._free = Morph({n: model.ranges[n] for n in free}, own)
        names = (*free, *model.morph.names)
        nodes = {**model.experiment.nodes, **own}
        morph = Morph({n: model.ranges[n] for n in names}, nodes)
        inputs = Inputs.of(morph, known, model.ranges)
        self.likelihood = InputLikelihood(model.likelihood, inputs, np.zeros(inputs.n))

    def fast(self, data: Likelihood) -> Likelihood:
        """What evaluates grids of that likelihood: itself."""
        return data

    def templates(self, shapes: Array) -> Templates:
        """Templates at shape values (n, n_shapes): counts (n_rows, n, n_nodes x n_bins)."""
        made = self._model.templates(shapes)
        n = len(self.couplings)
        variables, free = made.variables[:n], made.variables[n:]
        assert set(variables) == set(self.couplings)
        nodes = self._free.nodes()
        counts = made.counts.reshape(*made.counts.shape[:2], 1, -1)
        rows: dict[tuple[int, ...], Array] = {}
        for powers, one in zip(made.exponents, counts, strict=True):
            values = [nodes[name] ** p for name, p in zip(free, powers[n:], strict=True)]
            factor = np.prod(values, axis=0) if values else np.ones(1)
            term = one * np.broadcast_to(factor, (self._free.n,))[:, np.newaxis]
            rows[powers[:n]] = rows[powers[:n]] + term if powers[:n] in rows else term
        stacked = np.stack(list(rows.values()))
        return Templates(variables, tuple(rows), stacked.reshape(*stacked.shape[:2], -1))

    def signal(self, values: Mapping[str, Array]) -> Array:
        """Counts at all nodes (n, n_nodes x n_bins) at points."""
        columns = [np.atleast_1d(values[name]) for name in self.shapes]
        length = max([1, *(np.size(v) for v in values.values())])
        rows = np.stack(columns, axis=1) if columns else np.empty((1, 0))
        unique, index = np.unique(rows, axis=0, return_inverse=True)
        made = self.templates(unique)
        monomials = made.monomials({n: values[n] for n in self.couplings})
        monomials = np.broadcast_to(monomials, (length, len(made.exponents)))
        counts = made.counts[:, np.broadcast_to(index.ravel(), (length,))]
        return np.asarray(np.einsum("nk,knb->nb", monomials, counts))
