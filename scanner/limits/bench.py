"""Bench: what is tested in a stored scan, and its likelihoods ready for other data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import WORTH_COMPILING, ExperimentModel, models
from scanner.definition import ScanDefinition
from scanner.errors import DefinitionError, unknown
from scanner.grid import Axis
from scanner.inputs import usual_values
from scanner.known import known_parameters
from scanner.limits.board import Board, Fast, Sound, fast_of
from scanner.limits.profiled import ProfiledModel, grouped
from scanner.limits.surface import check_kept
from scanner.limits.toys import Hypothesis, Trial
from scanner.parameter import Constraint
from scanner.scenario import call_with

Array = npt.NDArray[np.float64]
Point = tuple[int, ...]

CONSTRUCTION = "profiled-1"
"""How toys are made: a change of it makes other toys."""
FIT_POINTS = 4096
"""Points of the grid on which the minimum of a toy is looked for, by default."""
MANY_TOYS = 1000
"""Toys that a grid is thought to be evaluated for: then it is worth a kernel from 262 points."""


@dataclass(frozen=True)
class Question:
    """What is tested.

    Parameters
    ----------
    definition : ScanDefinition
        Of the scan.
    keep : tuple of str
        Tested axes; the others that are not held are profiled over, in data and toys.
    at : mapping
        Axes held at a value: they are no parameters of the test, its minimum is at these values.
    experiments : tuple of str
        Combined.
    seed : int
        Another one makes other toys.
    fit_points : int
        At most so many points of the grid are evaluated in the search for a minimum.

    Raises
    ------
    DefinitionError
        An unknown axis or experiment, a value outside its axis.
    """

    definition: ScanDefinition
    keep: tuple[str, ...]
    at: Mapping[str, float] = field(default_factory=dict)
    experiments: tuple[str, ...] = ()
    seed: int = 0
    fit_points: int = FIT_POINTS

    def __post_init__(self) -> None:
        for name, value in self.at.items():
            self._check_held(name, value)
        check_kept(self.keep, [axis.name for axis in self.axes])
        for name in self.experiments:
            if name not in self.definition.experiments:
                raise DefinitionError(unknown("experiment", name, self.definition.experiments))
        if self.fit_points < 2 ** len(self.axes):
            raise DefinitionError(
                f"fit points = {self.fit_points}: give at least {2 ** len(self.axes)}"
            )

    def _check_held(self, name: str, value: float) -> None:
        names = [axis.name for axis in self.definition.axes]
        if name not in names:
            raise DefinitionError(unknown("axis", name, names))
        ends = self.definition.axes[names.index(name)].coordinates[[0, -1]]
        if not ends[0] <= value <= ends[1]:
            raise DefinitionError(
                f"{name} = {value:g} is outside the scanned {ends[0]:g} .. {ends[1]:g}; choose a "
                "value inside or scan further"
            )

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Free parameters: those that are not held."""
        return tuple(axis for axis in self.definition.axes if axis.name not in self.at)

    @property
    def chosen(self) -> tuple[str, ...]:
        """Experiments that are combined, in the order of the scan."""
        known = self.definition.experiments
        return tuple(e for e in known if not self.experiments or e in self.experiments)

    def record(self) -> dict[str, Any]:
        """What makes the toys, for JSON."""
        return {
            "construction": CONSTRUCTION,
            "digest": self.definition.digest,
            "keep": list(self.keep),
            "at": {name: float(v) for name, v in sorted(self.at.items())},
            "experiments": list(self.chosen),
            "seed": self.seed,
            "fit_points": self.fit_points,
        }

    @cached_property
    def key(self) -> str:
        """Folder of the toys: 16 characters of the sha256 of the record."""
        return sha256(json.dumps(self.record(), sort_keys=True).encode()).hexdigest()[:16]

    def text(self) -> str:
        """The question for a worker."""
        own = {k: v for k, v in asdict_shallow(self).items() if k != "definition"}
        return json.dumps({"definition": self.definition.to_dict(), **own})

    @classmethod
    def from_text(cls, text: str) -> Question:
        """Inverse of `text`."""
        found = json.loads(text)
        definition = ScanDefinition.from_dict(found.pop("definition"))
        found["keep"], found["experiments"] = tuple(found["keep"]), tuple(found["experiments"])
        return cls(definition, **found)


def asdict_shallow(question: Question) -> dict[str, Any]:
    """Fields by name."""
    return {name: getattr(question, name) for name in question.__dataclass_fields__}


class Bench:
    """Likelihoods of a question, whose data can be exchanged."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.axes = question.axes
        bound = self._bound(question.definition.scenario, [a.name for a in self.axes])
        self._inputs = {p.name: p.default for m in bound for p in m.experiment.inputs}
        self.models = grouped(bound, self._known)
        self.data = [model.likelihood for model in self.models]

    @property
    def _known(self) -> dict[str, Constraint]:
        """What is known of the profiled inputs."""
        profile = self.question.definition.profile
        return {name: Constraint.of_record(record) for name, record in profile.items()}

    def _bound(self, scenario: str | None, scanned: Sequence[str]) -> tuple[ExperimentModel, ...]:
        """One model for each experiment; without a scenario the Standard Model."""
        definition, at = self.question.definition, dict(self.question.at)
        fixed = {**definition.parameters, **at}
        if scenario is None:
            fixed = usual_values(catalog.scenario(definition.scenario), fixed)
        thinned = min(int(np.prod([len(a) for a in self.axes])), self.question.fit_points)
        parameters = known_parameters(definition)
        return models(
            scenario,
            {e: definition.experiment_options[e] for e in self.question.chosen},
            Conventions(**definition.options),
            fixed,
            scanned,
            {name: c.ends(parameters[name]) for name, c in self._known.items()},
            compiled=thinned * MANY_TOYS >= WORTH_COMPILING,
            data_at=definition.parameters,
        )

    @cached_property
    def _sound(self) -> Sound | None:
        definition = self.question.definition
        physical = catalog.scenario(definition.scenario).physical
        if physical is None:
            return None
        fixed = {**definition.parameters, **self.question.at}

        def sound(mesh: Mapping[str, Array]) -> npt.NDArray[np.bool_]:
            found = np.asarray(call_with(physical, values={**fixed, **mesh}), dtype=np.bool_)
            return np.broadcast_to(found, np.broadcast_shapes(*(v.shape for v in mesh.values())))

        return sound

    @cached_property
    def everywhere(self) -> Board:
        """All free axes, thinned to the points of a fit."""
        return self.board({})

    def board(self, held: Mapping[str, float]) -> Board:
        """The free axes, thinned, some held."""
        values = {name: np.array([value]) for name, value in held.items()}
        free = [axis for axis in self.axes if axis.name not in held]
        for axis, n in zip(free, _thinned(free, self.question.fit_points), strict=True):
            chosen = np.unique(np.linspace(0, len(axis) - 1, n).round().astype(np.intp))
            values[axis.name] = axis.coordinates[chosen]
        return Board.of(
            self.models, self.axes, {a.name: values[a.name] for a in self.axes}, self._sound
        )

    @cached_property
    def fast(self) -> Fast:
        """What evaluates grids of the observed data."""
        return fast_of(self.models, self.data)

    def place(self, point: Point) -> dict[str, float]:
        """Values of the tested axes at a point of the stored grid."""
        axes = {axis.name: axis for axis in self.axes}
        return {
            n: float(axes[n].coordinates[i]) for n, i in zip(self.question.keep, point, strict=True)
        }

    def trial(self, held: Mapping[str, float]) -> Trial:
        """The test of a point."""
        return Trial(self.models, self.everywhere, self.board(held), self.data)

    def standard_model(self) -> Hypothesis:
        """Backgrounds and the Standard Model at nominal pulls and inputs."""
        inputs = self._inputs
        moved = {a.name: np.array([inputs[a.name]]) for a in self.axes if a.name in inputs}
        twins = grouped(self._bound(None, list(moved)), self._known) if self._known else self.models
        signals = tuple(
            twin.signal(moved)[0] if isinstance(model, ProfiledModel) else model.standard_model()
            for model, twin in zip(self.models, twins, strict=True)
        )
        return Hypothesis(signals, tuple(np.zeros(one.pulls.n) for one in self.data))


def _thinned(axes: Sequence[Axis], most: int) -> list[int]:
    """Points along the axes, at least 2 each, with at most `most` in all."""
    lengths = [len(axis) for axis in axes]
    while np.prod(lengths) > most and max(lengths) > 2:
        longest = int(np.argmax(lengths))
        lengths[longest] = max(2, int(lengths[longest] * 0.9))
    return lengths


@lru_cache(maxsize=2)
def bench_of(text: str) -> Bench:
    """The bench of a question, made once per process."""
    return Bench(Question.from_text(text))
