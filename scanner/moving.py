"""Backgrounds that change with an input of the detector, as parts of the counts of a point."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from scanner.experiment import Experiment
from scanner.scenario import Value, named_parameters
from scanner.shapes import alike
from scanner.statistics.parts import PartedPulls
from scanner.statistics.pulls import LinearPulls
from scanner.templates import Templates

Array = npt.NDArray[np.float64]


def at_fixed(experiment: Experiment, fixed: Mapping[str, Value]) -> Experiment:
    """The experiment with the backgrounds of its inputs that are fixed elsewhere than usual."""
    at = experiment.backgrounds_at
    usual = {p.name: p.default for p in experiment.inputs}
    own = {n: v for n, v in fixed.items() if n in usual and v != usual[n]}
    names = named_parameters(at, own) if at is not None else []
    if at is None or not names:
        return experiment
    moved = at(**{name: own[name] for name in names})
    return replace(experiment, backgrounds={**experiment.backgrounds, **moved})


def linear_pulls(experiment: Experiment, moving: Iterable[str] = ()) -> LinearPulls:
    """Responses of all pulls, one sigma each, in all bins; with parts for moving backgrounds."""
    n_bins, still = experiment.n_bins, dict(experiment.backgrounds)
    moved = {name: still.pop(name) for name in moving}
    parts = [np.array([np.full(n_bins, p.sigma) * p.signal for p in experiment.pulls])]
    for name in moved:
        relative = [p.sigma * p.backgrounds.get(name, 0.0) for p in experiment.pulls]
        parts.append(np.array([np.full(n_bins, 1.0) * r for r in relative]))
    background = np.zeros((len(experiment.pulls), n_bins))
    for row, pull in zip(background, experiment.pulls, strict=True):
        for name in pull.backgrounds:
            if name in still:
                row += pull.sigma * pull.backgrounds[name] * still[name]
    expected = np.sum([np.zeros(n_bins), *still.values()], axis=0)
    signal = np.hstack([part.reshape(-1, n_bins) for part in parts])
    if not moved:
        return LinearPulls(signal, background, expected)
    return PartedPulls(signal, background, expected, np.sum(list(moved.values()), axis=0))


class Moving:
    """Backgrounds of one experiment that change with inputs that are scanned or profiled.

    Parameters
    ----------
    experiment : Experiment
        Its `backgrounds_at` names the inputs; what it gives is what moves.
    varied : iterable of str
        Inputs that are scanned or profiled.
    """

    def __init__(self, experiment: Experiment, varied: Iterable[str]) -> None:
        self._experiment = experiment
        at = experiment.backgrounds_at
        self._inputs = [] if at is None else named_parameters(at, dict.fromkeys(varied))
        self.names = tuple(at()) if at is not None and self._inputs else ()

    def added(self, templates: Templates, shapes: Mapping[str, Array]) -> Templates:
        """Templates with a part for each moving background behind the signal.

        Parameters
        ----------
        templates : Templates
            Signal counts (n_rows, *shape lengths, n_bins).
        shapes : mapping from shape parameter to array
            Where they were made.
        """
        if not self.names:
            return templates
        counts = templates.counts
        lengths, n_bins = counts.shape[1:-1], counts.shape[-1]
        made = np.zeros((len(counts), *lengths, 1 + len(self.names), n_bins))
        made[..., 0, :] = counts
        constant = templates.exponents.index((0,) * len(templates.variables))
        made[constant, ..., 1:, :] = self._at(shapes, lengths)
        return replace(templates, counts=made.reshape(len(counts), *lengths, -1))

    def usual(self, signal: Array) -> Array:
        """A signal (n_bins,) with the backgrounds where no input is moved."""
        return np.concatenate([signal, *(self._experiment.backgrounds[n] for n in self.names)])

    def _at(self, shapes: Mapping[str, Array], lengths: tuple[int, ...]) -> Array:
        """Backgrounds (*shape lengths, n_moving, n_bins); what no shape says is as usual."""
        at = self._experiment.backgrounds_at
        assert at is not None
        given = {
            n: np.broadcast_to(shapes[n], lengths).ravel() for n in self._inputs if n in shapes
        }
        made = np.empty((math.prod(lengths), len(self.names), self._experiment.n_bins))
        for where, values in alike(given, list(given)):
            moved = at(**values)
            made[where if given else ...] = [moved[name] for name in self.names]
        return made.reshape(*lengths, *made.shape[1:])
