"""The fit of profiled inputs to whatever data, of experiments that share some of them.

A profiled input is one more nuisance parameter with an auxiliary measurement: in a toy its mean is
drawn about the value that the toy is made at. Between nodes of the inputs counts are interpolated,
so a "signal" is here the counts of the experiments at all of their nodes, one behind the other, and
the likelihood fits the inputs with the pulls.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scanner.chi2 import Likelihood
from scanner.morph import Morph
from scanner.parameter import Constraint
from scanner.statistics.constrained import Minimum, minimise
from scanner.statistics.lines import Lines
from scanner.statistics.pulls import NOT_CONVERGED, OK, Profile, Status
from scanner.statistics.sloped import Slopes, descend
from scanner.statistics.tangent import Sloped

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

FITTED_AT_ONCE = 1024
"""Points whose inputs are fitted together."""
NUMBERS_AT_ONCE = 2**23
"""Of the factors of templates that are made at once: bounds their memory to 64 MB."""


@dataclass(frozen=True)
class Inputs:
    """Inputs that are fitted, and what is known of each.

    Parameters
    ----------
    names : tuple of str
        At least one.
    mean, scale, weight, low, high : arrays (m,)
        Place u = (input - mean)/scale, its constraint weight x u^2 and its ends in u.
    """

    names: tuple[str, ...]
    mean: Array
    scale: Array
    weight: Array
    low: Array
    high: Array

    @classmethod
    def of(cls, known: Mapping[str, Constraint], ends: Mapping[str, tuple[float, float]]) -> Inputs:
        """Of the inputs with those ends."""
        chosen = [known[name] for name in ends]
        mean, scale = np.array([(c.mean, c.scale) for c in chosen]).T
        weight = np.array([float(np.isfinite(c.sigma)) for c in chosen])
        low, high = np.array(list(ends.values())).T
        return cls(tuple(ends), mean, scale, weight, (low - mean) / scale, (high - mean) / scale)

    @property
    def n(self) -> int:
        """Number of inputs."""
        return len(self.names)

    def weights(self, morph: Morph, u: Array, by: Sequence[int] = ()) -> Array:
        """Weight (k, n_nodes) of the nodes of a morph at places u (k, m), or a derivative of it."""
        values = dict(zip(self.names, (self.mean + self.scale * u).T, strict=True))
        orders = {self.names[j]: list(by).count(j) for j in by}
        return np.asarray(morph.weights(values, orders) * np.prod(self.scale[list(by)]))


@dataclass(frozen=True)
class Member:
    """One experiment of a fit.

    Parameters
    ----------
    morph : Morph
        Interpolation between the nodes of its inputs.
    n_bins, n_counts : int
        Bins, and counts at one node: more, where backgrounds change with an input.
    """

    morph: Morph
    n_bins: int
    n_counts: int

    @property
    def n_columns(self) -> int:
        """Counts at all nodes."""
        return self.morph.n * self.n_counts


class Rows:
    """Counts at nodes of many points, which are few templates times coefficients.

    Parameters
    ----------
    members : sequence of Member
        Their columns stand behind each other.
    templates : array (n_shapes, n_terms, n_columns)
        Counts at the nodes.
    index : array (n,)
        Which of the shapes each point has.
    coefficients : array (n, n_terms)
        Of the templates.
    """

    def __init__(
        self, members: Sequence[Member], templates: Array, index: Index, coefficients: Array
    ) -> None:
        self.index, self.coefficients = index, coefficients
        ends = np.cumsum([0, *(member.n_columns for member in members)])
        columns = itertools.pairwise(ends)
        self._templates = [
            np.ascontiguousarray(templates[:, :, a:b]).reshape(len(templates), -1, m.n_counts)
            for m, (a, b) in zip(members, columns, strict=True)
        ]

    def counts(self, member: int, points: Index, weights: Array) -> Array:
        """Counts (k, n_factors, n_counts) for weights (k, n_factors, n_nodes) of the nodes."""
        templates = self._templates[member]
        own = self.coefficients[points][:, np.newaxis, :, np.newaxis]
        factors = (own * weights[:, :, np.newaxis]).reshape(*weights.shape[:2], -1)
        made = np.empty((*weights.shape[:2], templates.shape[-1]))
        shape = self.index[points]
        for row in np.unique(shape):
            same = np.flatnonzero(shape == row)
            flat = factors[same].reshape(-1, factors.shape[-1]) @ templates[row]
            made[same] = flat.reshape(len(same), -1, templates.shape[-1])
        return made


@dataclass(frozen=True)
class InputPulls:
    """What toys ask of pulls: those of the likelihoods, then the inputs."""

    likelihood: InputLikelihood

    @property
    def n(self) -> int:
        """Number of pulls and inputs."""
        return sum(one.pulls.n for one in self.likelihood.plain) + self.likelihood.inputs.n

    def at(self, signal: Array, x: Array) -> Array:
        """mu (n_bins,) of all experiments, for counts at nodes, at pulls and inputs x."""
        parts = self.likelihood.parted(signal, x)
        return np.concatenate([one.pulls.at(counts, own) for one, counts, own in parts])


@dataclass(frozen=True)
class InputLikelihood:
    """Likelihoods that are profiled over inputs together; signals are counts at their nodes.

    Parameters
    ----------
    plain : tuple of Likelihood
        Of the experiments, at given inputs.
    members : tuple of Member
        The experiments.
    inputs : Inputs
        Of all of them.
    measured : array (m,)
        What the auxiliary measurements of the inputs found, as places u; 0 in the real experiment.
    """

    plain: tuple[Likelihood, ...]
    members: tuple[Member, ...]
    inputs: Inputs
    measured: Array

    @property
    def pulls(self) -> InputPulls:
        """Pulls and inputs together."""
        return InputPulls(self)

    def exchanged(self, observed: Array, measured: Array | None = None) -> InputLikelihood:
        """The same with other counts and auxiliary measurements of pulls and inputs."""
        counts = np.split(observed, np.cumsum([m.n_bins for m in self.members])[:-1])
        pairs = zip(self.plain, counts, strict=True)
        if measured is None:
            plain = tuple(one.exchanged(n) for one, n in pairs)
            return replace(self, plain=plain, measured=np.zeros(self.inputs.n))
        *own, found = self._split(measured)
        plain = tuple(one.exchanged(n, x) for (one, n), x in zip(pairs, own, strict=True))
        return replace(self, plain=plain, measured=found)

    def drawn(self, signal: Array, x: Array, random: np.random.Generator) -> InputLikelihood:
        """A toy experiment: counts and auxiliary measurements about a signal, pulls and inputs.

        What is only known to lie between two ends has no auxiliary measurement.
        """
        parts = self.parted(signal, x)
        plain = tuple(one.drawn(counts, own, random) for one, counts, own in parts)
        measured = random.normal(x[-self.inputs.n :]) * self.inputs.weight
        return replace(self, plain=plain, measured=measured)

    def _split(self, x: Array) -> list[Array]:
        """Pulls of each experiment, then the inputs."""
        return np.split(x, np.cumsum([one.pulls.n for one in self.plain]))

    def parted(self, signal: Array, x: Array) -> Iterator[tuple[Likelihood, Array, Array]]:
        """Each likelihood with its counts and pulls, for counts at nodes and x (n_pulls + m,)."""
        *own, u = self._split(x)
        rows, here = self._alone(signal[np.newaxis]), np.zeros(1, np.intp)
        for i, (member, one) in enumerate(zip(self.members, self.plain, strict=True)):
            weights = self.inputs.weights(member.morph, u[np.newaxis])
            yield one, rows.counts(i, here, weights[:, np.newaxis])[0, 0], own[i]

    def _alone(self, signal: Array) -> Rows:
        """Points (n,) with counts at nodes of their own."""
        n = len(signal)
        return Rows(self.members, signal[:, np.newaxis], np.arange(n), np.ones((n, 1)))

    def profile(self, signal: Array) -> Profile:
        """Minimum over pulls and inputs for counts at nodes (n, n_columns)."""
        rows = self._alone(signal)
        points = np.arange(len(signal))
        found = self._minimum(rows, points)
        u = np.where(np.isfinite(found.u), found.u + self.measured, 0.0)
        counts = self._counts(rows, points, u)
        fitted = [one.profile(n) for one, n in zip(self.plain, counts, strict=True)]
        return Profile(
            found.value,
            np.hstack([*(fit.pulls for fit in fitted), u]),
            np.where(np.isfinite(found.value), OK, NOT_CONVERGED).astype(np.uint8),
        )

    def scan(self, templates: Array, lines: Lines) -> tuple[Array, Status]:
        """chi2 and status of a grid, each (n_shapes, n_lines, n_points)."""
        shape = (len(templates), *lines.shape)
        each = math.prod(lines.shape)
        coefficients = np.tile(lines.coefficients(), (len(templates), 1))
        rows = Rows(
            self.members, templates, np.repeat(np.arange(len(templates)), each), coefficients
        )
        chi2 = np.empty(len(coefficients))
        at_once = self._at_once(coefficients.shape[1])
        for start in range(0, len(chi2), at_once):
            part = np.arange(start, min(start + at_once, len(chi2)))
            chi2[part] = self._minimum(rows, part).value
        status = np.where(np.isfinite(chi2), OK, NOT_CONVERGED).astype(np.uint8)
        return chi2.reshape(shape), status.reshape(shape)

    def _at_once(self, n_terms: int) -> int:
        """Points whose factors may be made at once."""
        m = self.inputs.n
        nodes = max(member.morph.n for member in self.members)
        made = (1 + m + m * (m + 1) // 2) * n_terms * nodes
        return max(1, min(FITTED_AT_ONCE, NUMBERS_AT_ONCE // made))

    def _minimum(self, rows: Rows, part: Index) -> Minimum:
        """Lowest chi2 over the inputs at those points, and where: places from `measured`."""
        middle, inputs = self.measured, self.inputs

        def value(points: Index, v: Array) -> Array:
            counts = self._counts(rows, part[points], middle + v)
            pairs = zip(self.plain, counts, strict=True)
            return np.asarray(np.sum([one.profile(n).chi2 for one, n in pairs], axis=0))

        ends = (len(part), inputs.low - middle, inputs.high - middle, inputs.weight)
        if not all(isinstance(one, Sloped) for one in self.plain):
            return minimise(value, *ends)
        return descend(value, lambda k, v: self._slopes(rows, part[k], middle + v), *ends)

    def _counts(self, rows: Rows, points: Index, u: Array) -> list[Array]:
        """Counts (k, n_counts) of each experiment at places u (k, m)."""
        weights = [self.inputs.weights(member.morph, u) for member in self.members]
        return [rows.counts(i, points, w[:, np.newaxis])[:, 0] for i, w in enumerate(weights)]

    def _slopes(self, rows: Rows, points: Index, u: Array) -> Slopes:
        """chi2 of all experiments together, and its slopes by u."""
        m = self.inputs.n
        total = Slopes(np.zeros(len(u)), np.zeros((len(u), m)), np.zeros((len(u), m, m)))
        for i, (member, one) in enumerate(zip(self.members, self.plain, strict=True)):
            own = [j for j, name in enumerate(self.inputs.names) if name in member.morph.names]
            pairs = [(a, b) for a in range(len(own)) for b in range(a + 1)]
            orders = [(), *((j,) for j in own), *((own[a], own[b]) for a, b in pairs)]
            weights = [self.inputs.weights(member.morph, u, by) for by in orders]
            made = rows.counts(i, points, np.stack(weights, axis=1))
            moves = np.ascontiguousarray(made[:, 1 : 1 + len(own)])
            assert isinstance(one, Sloped)
            found = one.tangent(np.ascontiguousarray(made[:, 0]), moves)
            total.value[:] += found.chi2
            total.gradient[:, own] += np.einsum("kmb,kb->km", moves, found.slope)
            curved = np.einsum("kpb,kb->kp", made[:, 1 + len(own) :], found.slope)
            for p, (a, b) in enumerate(pairs):
                bend = found.bend[:, a, b] + curved[:, p]
                total.hessian[:, own[a], own[b]] += bend
                if a != b:
                    total.hessian[:, own[b], own[a]] += bend
        return total
