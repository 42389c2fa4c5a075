"""Chi2 and Delta chi2 at named values, for each experiment and combined."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypedDict, Unpack

import xarray as xr

from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits.interval import level_of
from scanner.limits.layers import chosen_experiments, layer_names, summed_layers
from scanner.limits.minimum import COMBINED, stored_minimum
from scanner.limits.reference import Minimum, reference
from scanner.limits.space import Space
from scanner.limits.surface import Surface, number, plain
from scanner.statistics import levels

TOLD = 0.90
"""Confidence level of the answer in words."""
SpaceOf = Callable[[Sequence[str], Mapping[str, float]], Space]


@dataclass(frozen=True)
class Answer:
    """One experiment, or the combination, at the named values.

    ``excluded`` says for each usual confidence level whether the point lies above it.
    """

    chi2: float
    chi2_reference: float
    dof: int
    profiled: Mapping[str, float]

    @property
    def delta_chi2(self) -> float:
        """Chi2 above the reference."""
        return self.chi2 - self.chi2_reference

    @property
    def excluded(self) -> dict[str, bool]:
        """Confidence level in words -> excluded or not."""
        return {
            levels.percent(cl): self.delta_chi2 > level_of(cl, self.dof)
            for cl in levels.USUAL_LEVELS
        }

    @property
    def sigma(self) -> float:
        """Delta chi2 in two-sided standard deviations."""
        return float(levels.sigmas(self.delta_chi2, self.dof))

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, for JSON."""
        return {
            "chi2": plain(self.chi2),
            "chi2_reference": plain(self.chi2_reference),
            "delta_chi2": plain(self.delta_chi2),
            "confidence_level": plain(float(levels.confidence_level(self.delta_chi2, self.dof))),
            "sigma": plain(self.sigma),
            "excluded": self.excluded,
            "profiled": {name: plain(value) for name, value in self.profiled.items()},
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any], dof: int) -> Answer:
        """Inverse of `to_dict`, to the last bit."""
        profiled = {name: number(value) for name, value in record["profiled"].items()}
        return cls(number(record["chi2"]), number(record["chi2_reference"]), dof, profiled)


@dataclass(frozen=True)
class Query:
    """Answers at the named values.

    Parameters
    ----------
    at : mapping
        The named values.
    dof : int
        Degrees of freedom of the levels.
    kind : str
        Reference that Delta chi2 is counted from.
    answers : mapping
        Experiment, and ``combined``, -> Answer.
    """

    at: Mapping[str, float]
    dof: int
    kind: str
    answers: Mapping[str, Answer]

    @property
    def excluded_by(self) -> dict[str, list[str]]:
        """Confidence level in words -> what excludes the point: experiments and ``combined``."""
        usual = [levels.percent(cl) for cl in levels.USUAL_LEVELS]
        return {cl: [n for n, a in self.answers.items() if a.excluded[cl]] for cl in usual}

    def text(self) -> str:
        """Whether the point is excluded, by whom and by how much, in words.

        Examples
        --------
        ``excluded at 90 % by a (Delta chi2 = 7.3, 2.2 sigma); allowed by b (Delta chi2 = ...)``
        """
        # one experiment is its own combination
        said = [name for name in self.answers if name != COMBINED or len(self.answers) > 2]
        if any(math.isnan(self.answers[name].chi2) for name in said):
            return f"not known: no usable point of {_listed(said)}"
        level = levels.percent(TOLD)
        out = [self._in_words(n) for n in said if self.answers[n].excluded[level]]
        kept = [self._in_words(n) for n in said if not self.answers[n].excluded[level]]
        if not out:
            return f"allowed at {level} by {_listed(kept)}"
        rest = f"; allowed by {_listed(kept)}" if kept else ""
        return f"excluded at {level} by {_listed(out)}{rest}"

    def _in_words(self, name: str) -> str:
        answer = self.answers[name]
        return f"{name} (Delta chi2 = {answer.delta_chi2:.1f}, {answer.sigma:.1f} sigma)"

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, for JSON."""
        answers = {name: answer.to_dict() for name, answer in self.answers.items()}
        combined = answers.pop(COMBINED)
        return {
            "at": dict(self.at),
            "dof": self.dof,
            "reference": self.kind,
            "experiments": answers,
            COMBINED: combined,
            "excluded_by": self.excluded_by,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Query:
        """Inverse of `to_dict`, to the last bit.

        Raises
        ------
        KeyError
            An entry is missing.
        """
        dof = int(record["dof"])
        told = {**record["experiments"], COMBINED: record[COMBINED]}
        answers = {name: Answer.from_dict(answer, dof) for name, answer in told.items()}
        return cls(dict(record["at"]), dof, record["reference"], answers)


class Asked(TypedDict, total=False):
    """Further arguments of `query_spaces`."""

    experiments: Sequence[str] | None
    dof: int | None
    kind: str
    minima: Mapping[str, Minimum] | None
    chi2_sm: Mapping[str, float] | None


def query(
    dataset: xr.Dataset, axes: Sequence[Axis], at: Mapping[str, float], **asked: Unpack[Asked]
) -> Query:
    """`query_spaces` of a dataset.

    Parameters
    ----------
    dataset, axes
        As for `Surface.from_dataset`.
    """

    def space(subset: Sequence[str], held: Mapping[str, float]) -> Space:
        return Surface.from_dataset(dataset, axes, subset, held)

    return query_spaces(layer_names(dataset), axes, space, at, **asked)


def query_spaces(
    layers: Sequence[str],
    axes: Sequence[Axis],
    space: SpaceOf,
    at: Mapping[str, float],
    *,
    experiments: Sequence[str] | None = None,
    dof: int | None = None,
    kind: str = "global",
    minima: Mapping[str, Minimum] | None = None,
    chi2_sm: Mapping[str, float] | None = None,
) -> Query:
    """Chi2 interpolated at the named values and profiled over the axes that are not named.

    Parameters
    ----------
    layers : sequence of str
        First dimension of the cube.
    axes : sequence of Axis
        Axes of the scan.
    space : callable
        ``space(experiments, held)`` -> chi2 of some experiments with some axes held.
    at : mapping
        Values of some or all axes.
    dof : int, optional
        Degrees of freedom; the number of named values by default, at least 1.
    minima : mapping, optional
        Minima of the whole scan as `find_minima` returns them.
    kind : str
        Reference; with ``raster`` the last named axis runs and the other named ones are held.
    chi2_sm : mapping, optional
        Chi2 of the Standard Model in each layer, for ``kind = "sm"``.

    Raises
    ------
    DefinitionError
        An unknown axis or experiment, a value outside its axis, no Standard Model chi2.
    """
    names = chosen_experiments(layers, experiments)
    degrees = max(len(at), 1) if dof is None else dof
    # with nothing held the lowest of the line is the lowest of all
    counted = "global" if kind == "raster" and len(at) <= 1 else kind
    subsets = {name: (name,) for name in names} | {COMBINED: names}
    answers = {}
    for label, subset in subsets.items():
        here = space(subset, at)
        lowest = here.profile()
        minimum = stored_minimum(minima or {}, subset, chosen_experiments(layers))
        if counted == "raster":
            near = _raster_line(axes, at, partial(space, subset))
        else:
            # only a minimum that is not known yet needs the whole scan
            needs_all = counted == "global" and minimum is None
            near = space(subset, {}) if needs_all else here
        summed = summed_layers(layers, subset)
        zero = reference(near, counted, minimum=minimum, chi2_sm=_summed(chi2_sm, summed))
        profiled = {name: float(value) for name, value in lowest.profiled.items()}
        answers[label] = Answer(float(lowest.chi2), float(zero.chi2), degrees, profiled)
    return Query(dict(at), degrees, kind, answers)


def point(at: Mapping[str, float] | None, values: Mapping[str, float]) -> dict[str, float]:
    """A point that is given as a mapping, by name, or in part each.

    Raises
    ------
    DefinitionError
        Nothing is given, or a name twice.

    Examples
    --------
    >>> point(None, {"mass": 10}), point({"mass": 10}, {"coupling": 5e-5})
    ({'mass': 10}, {'mass': 10, 'coupling': 5e-05})
    """
    if at is None and not values:
        raise DefinitionError("query: no point is given: write query(mass=10)")
    if twice := sorted(set(at or {}) & set(values)):
        raise DefinitionError(f"query: {twice[0]} is given twice: once in at, once by name")
    return {**(at or {}), **values}


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _raster_line(
    axes: Sequence[Axis], at: Mapping[str, float], space: Callable[[Mapping[str, float]], Space]
) -> Space:
    """The line a ``raster`` minimum is taken on: all named axes but the last are held."""
    named = [axis.name for axis in axes if axis.name in at]
    held = {name: at[name] for name in named[:-1]}
    return space(held).profile(named[-1:])


def _summed(chi2_sm: Mapping[str, float] | None, layers: Sequence[str]) -> float | None:
    if chi2_sm is None or any(name not in chi2_sm for name in layers):
        return None
    return sum(chi2_sm[name] for name in layers)
