"""Profiled inputs: the minimum of chi2 over them, of each experiment and of all that share one.

At every point the counts are an interpolation between template nodes (`scanner.morph`) times
monomials, so their slopes by the inputs are known; those of chi2 follow from the fit of the pulls
(`scanner.statistics.tangent`). A likelihood that does not say its slopes is taken by differences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from scanner.chi2 import ExperimentModel
from scanner.morph import Between
from scanner.parameter import Constraint
from scanner.statistics.constrained import Minimum, minimise
from scanner.statistics.pulls import NOT_CONVERGED, OK, Status
from scanner.statistics.sloped import Slopes, descend
from scanner.statistics.tangent import Sloped

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

PROFILED_AT_ONCE = 1024
"""Points whose inputs are profiled together."""
NUMBERS_AT_ONCE = 2**24
"""Of the factors of templates that are made at once: bounds their memory to 128 MB."""


class Layers:
    """Experiments whose inputs are profiled: each alone, and all together where that differs.

    Parameters
    ----------
    bound : sequence of ExperimentModel
        The experiments.
    profile : mapping from input to Constraint
        What constrains the inputs that are profiled.
    joint : bool
        Whether all experiments together are a layer of their own, the last one.
    """

    def __init__(
        self,
        bound: Sequence[ExperimentModel],
        profile: Mapping[str, Constraint],
        joint: bool,
    ) -> None:
        self._profile = profile
        self._layers = [(model,) for model in bound] + ([tuple(bound)] if joint else [])

    def at(
        self,
        shapes: Mapping[str, Array],
        index: Index,
        couplings: Mapping[str, Array],
        rows: Sequence[int] | None = None,
    ) -> tuple[Array, Status]:
        """chi2 and status (n_layers, n) of points.

        Parameters
        ----------
        shapes : mapping from shape parameter to array (n_shapes,)
            Their values.
        index : array (n,)
            Which of them each point has.
        couplings : mapping from coupling to array (n,)
            The other scanned parameters.
        rows : sequence of int
            Numbers of the layers; all by default.
        """
        n = len(index)
        wanted = self._layers if rows is None else [self._layers[row] for row in rows]
        chi2, status = np.empty((len(wanted), n)), np.empty((len(wanted), n), np.uint8)
        for row, layer in enumerate(wanted):
            counts = [Counts(model, shapes, index, couplings) for model in layer]
            own = Layer(counts, self._profile)
            at_once = min([PROFILED_AT_ONCE, *(one.at_once for one in counts)])
            for i in range(0, n, at_once):
                part = np.arange(i, min(i + at_once, n))
                found = own.minimum(part)
                chi2[row, part] = found.value
                status[row, part] = np.where(np.isfinite(found.value), OK, NOT_CONVERGED)
        return chi2, status


class Layer:
    """Experiments whose chi2 are added up before the inputs are profiled.

    Parameters
    ----------
    counts : sequence of Counts
        Of the experiments.
    profile : mapping from input to Constraint
        Those that no experiment depends on are passed over.
    """

    def __init__(self, counts: Sequence[Counts], profile: Mapping[str, Constraint]) -> None:
        self._counts = counts
        models = [one.model for one in counts]
        self.names = tuple(n for n in profile if any(n in m.profiled for m in models))
        known = [profile[name] for name in self.names]
        self._mean, self._scale = np.array([(c.mean, c.scale) for c in known]).reshape(-1, 2).T
        self._weight = np.array([float(np.isfinite(c.sigma)) for c in known])
        ranges = [next(m.ranges[n] for m in models if n in m.ranges) for n in self.names]
        ends = np.array(ranges).reshape(-1, 2).T
        self._low, self._high = ((end - self._mean) / self._scale for end in ends)
        self._sloped = all(isinstance(m.likelihood, Sloped) for m in models)

    def inputs(self, u: Array) -> dict[str, Array]:
        """Values (k,) of the inputs at places u (k, m)."""
        return dict(zip(self.names, (self._mean + self._scale * u).T, strict=True))

    def at_end(self, u: Array) -> npt.NDArray[np.bool_]:
        """Whether each input (m,) lies at an end of its range."""
        reach = 1e-6 * (self._high - self._low)
        return np.asarray((u <= self._low + reach) | (u >= self._high - reach))

    def chi2(self, u: Array) -> Array:
        """chi2 (k,) of the first point at places u (k, m), with the constraints."""
        points, inputs = np.zeros(len(u), np.intp), self.inputs(u)
        value = np.sum([one.chi2(points, inputs) for one in self._counts], axis=0)
        return np.asarray(value + np.sum(self._weight * u**2, axis=1))

    def minimum(self, part: Index) -> Minimum:
        """Lowest chi2 over the inputs at those points (n,), and where, in units of their scale."""

        def value(points: Index, u: Array) -> Array:
            at, inputs = part[points], self.inputs(u)
            return np.asarray(np.sum([one.chi2(at, inputs) for one in self._counts], axis=0))

        ends = (len(part), self._low, self._high, self._weight)
        if not self._sloped:
            return minimise(value, *ends)
        return descend(value, lambda points, u: self._slopes(part[points], u), *ends)

    def _slopes(self, points: Index, u: Array) -> Slopes:
        """chi2 of all experiments together, and its slopes by u."""
        m = len(self.names)
        total = Slopes(np.zeros(len(u)), np.zeros((len(u), m)), np.zeros((len(u), m, m)))
        for one in self._counts:
            found = one.slopes(points, self.inputs(u), self.names)
            total.value[:] += found.value
            total.gradient[:] += found.gradient * self._scale
            total.hessian[:] += found.hessian * np.outer(self._scale, self._scale)
        return total


class Counts:
    """Counts of one experiment at points of a block, for any value of the profiled inputs."""

    def __init__(
        self,
        model: ExperimentModel,
        shapes: Mapping[str, Array],
        index: Index,
        couplings: Mapping[str, Array],
    ) -> None:
        self.model = model
        own = [shapes[n] for n in model.shapes]
        rows = np.stack(own, axis=1) if own else np.empty((1, 0))
        self._index = index if own else np.zeros_like(index)
        self._templates = model.templates(rows)
        # (n_shapes, n_rows x n_nodes, n_bins)
        counts = np.moveaxis(self._templates.counts, 1, 0)
        self._counts = counts.reshape(len(counts), -1, counts.shape[-1])
        self._couplings = {n: couplings[n] for n in model.couplings}

    @property
    def at_once(self) -> int:
        """Points whose factors may be made at once."""
        m = len(self.model.profiled)
        made = (1 + m + m * (m + 1) // 2) * self._counts.shape[1]
        return max(1, NUMBERS_AT_ONCE // made)

    def chi2(self, points: Index, inputs: Mapping[str, Array]) -> Array:
        """Profiled over the pulls, (k,), at those points and inputs (k,)."""
        factors = self._factors(points, inputs, self.model.morph.at(inputs))
        signal = self._contracted(points, factors[:, np.newaxis])[:, 0]
        return self.model.likelihood.profile(signal).chi2

    def slopes(self, points: Index, inputs: Mapping[str, Array], names: Sequence[str]) -> Slopes:
        """chi2 profiled over the pulls, and its derivatives by the named inputs."""
        own = [j for j, name in enumerate(names) if name in self.model.profiled]
        pairs = [(i, k) for i in range(len(own)) for k in range(i + 1)]
        orders: list[tuple[int, ...]] = [(), *((j,) for j in own)]
        orders += [(own[i], own[k]) for i, k in pairs]
        between = self.model.morph.at(inputs)
        factors = [self._factors(points, inputs, between, [names[j] for j in by]) for by in orders]
        made = self._contracted(points, np.stack(factors, axis=1))
        moves = np.ascontiguousarray(made[:, 1 : 1 + len(own)])
        likelihood = self.model.likelihood
        assert isinstance(likelihood, Sloped)
        found = likelihood.tangent(np.ascontiguousarray(made[:, 0]), moves)
        gradient = np.zeros((len(points), len(names)))
        hessian = np.zeros((len(points), len(names), len(names)))
        gradient[:, own] = np.einsum("kmb,kb->km", moves, found.slope)
        curved = np.einsum("kpb,kb->kp", made[:, 1 + len(own) :], found.slope)
        for p, (i, k) in enumerate(pairs):
            bend = found.bend[:, i, k] + curved[:, p]
            hessian[:, own[i], own[k]] = hessian[:, own[k], own[i]] = bend
        return Slopes(found.chi2, gradient, hessian)

    def _factors(
        self,
        points: Index,
        inputs: Mapping[str, Array],
        between: Between,
        by: Sequence[str] = (),
    ) -> Array:
        """Factor (k, n_rows x n_nodes) of every template, differentiated by some inputs."""
        templates = self._templates
        free = {n: inputs[n] for n in templates.variables if n in inputs}
        values = {**{n: v[points] for n, v in self._couplings.items()}, **free}
        orders = {name: list(by).count(name) for name in by}
        monomials = np.broadcast_to(
            templates.monomials(values, orders), (len(points), len(templates.exponents))
        )
        weights = between.weights(orders)
        return (monomials[:, :, np.newaxis] * weights[:, np.newaxis, :]).reshape(len(points), -1)

    def _contracted(self, points: Index, factors: Array) -> Array:
        """Counts (k, n_factors, n_bins) of factors (k, n_factors, n_rows x n_nodes)."""
        made = np.empty((*factors.shape[:2], self._counts.shape[-1]))
        shape = self._index[points]
        for row in np.unique(shape):
            same = np.flatnonzero(shape == row)
            made[same] = factors[same] @ self._counts[row]
        return made
