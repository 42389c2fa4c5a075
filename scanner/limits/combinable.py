"""Whether the chi2 of two scans may be added: the same question, to independent experiments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from scanner import catalog
from scanner.definition import ScanDefinition
from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.known import known_parameters, loaded_experiments


def check_combinable(one: ScanDefinition, other: ScanDefinition) -> None:
    """Refuse two scans whose sum would not be the chi2 of their experiments together.

    Raises
    ------
    DefinitionError
        Names the first reason.
    """
    for reason in _reasons(one, other):
        raise DefinitionError(f"scans {_label(one)} and {_label(other)} do not add up: {reason}")


def _label(definition: ScanDefinition) -> str:
    return f"{definition.name} ({definition.id[:8]})"


def _reasons(one: ScanDefinition, other: ScanDefinition) -> Iterator[str]:
    if one.scenario != other.scenario:
        yield f"their scenarios are {one.scenario} and {other.scenario}"
    yield from _axes(one, other)
    yield from _options(one.options, other.options)
    yield from _experiments(one, other)
    yield from _parameters(one, other)
    yield from _pulls(one, other)


def _axes(one: ScanDefinition, other: ScanDefinition) -> Iterator[str]:
    names = [[axis.name for axis in d.axes] for d in (one, other)]
    if names[0] != names[1]:
        yield f"their axes are {', '.join(names[0])} and {', '.join(names[1])}"
    for a, b in zip(one.axes, other.axes, strict=False):
        if a.logarithmic != b.logarithmic or not np.array_equal(a.coordinates, b.coordinates):
            yield f"axis {a.name} is {_run(a)} in one and {_run(b)} in the other"


def _run(axis: Axis) -> str:
    low, high = axis.coordinates[[0, -1]]
    unit = f" {axis.unit}" if axis.unit else ""
    return f"{low:g} .. {high:g}{unit} ({axis.spacing}, {len(axis)} points)"


def _options(one: Mapping[str, str], other: Mapping[str, str]) -> Iterator[str]:
    for name in dict.fromkeys((*one, *other)):
        if one.get(name) != other.get(name):
            yield f"options.{name} is {one.get(name)!r} in one and {other.get(name)!r} in the other"


def _experiments(one: ScanDefinition, other: ScanDefinition) -> Iterator[str]:
    for name in one.experiments:
        if name in other.experiments:
            yield f"experiment {name} is in both and would count twice"
    for a, b in ((one, other), (other, one)):
        for name in a.experiments:
            for held in catalog.experiment_overlaps(name):
                if held in b.experiments:
                    yield f"{name} holds data of {held}, which would count twice"


def _parameters(one: ScanDefinition, other: ScanDefinition) -> Iterator[str]:
    """Parameters that both know must be treated alike; a profiled one would be fitted twice."""
    known = [set(known_parameters(d)) for d in (one, other)]
    for name in [n for n in known_parameters(one) if n in known[1]]:
        if name in one.profile and name in other.profile:
            yield (
                f"both profile {name}, which is one and the same number: run a scan of "
                f"{', '.join((*one.experiments, *other.experiments))}"
            )
        a, b = _treated(one, name), _treated(other, name)
        if a != b:
            yield f"{name} is {a} in one and {b} in the other"


def _treated(definition: ScanDefinition, name: str) -> str:
    if name in definition.profile:
        return "profiled"
    value: Any = definition.parameters.get(name)
    return "left out" if value is None else str(value)


def _pulls(one: ScanDefinition, other: ScanDefinition) -> Iterator[str]:
    owner = {pull.name: e.name for e in loaded_experiments(one) for pull in e.pulls}
    for experiment in loaded_experiments(other):
        for pull in experiment.pulls:
            if pull.name in owner:
                yield (
                    f"{owner[pull.name]} and {experiment.name} share the pull {pull.name!r}, which "
                    "would be fitted twice"
                )
