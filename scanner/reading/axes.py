"""Axes as tables: read in any fitting unit, checked, and written in the parameter's own."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from scanner.errors import DefinitionError, unknown
from scanner.grid import Axis, Spacing
from scanner.reading.units import convert
from scanner.scenario import Parameter
from scanner.section import Section, as_number

MAX_AXIS_POINTS = 1_000_000

_ENDS = ("spacing", "start", "stop", "n", "unit")
_AXIS_KEYS: Mapping[Spacing, tuple[str, ...]] = {
    "linear": _ENDS,
    "log": _ENDS,
    "list": ("spacing", "values", "unit"),
}


def read_axes(section: Section, parameters: Mapping[str, Parameter]) -> tuple[Axis, ...]:
    """Axes in the parameters' own units, in the order of the definition."""
    if not section.entries:
        raise DefinitionError(
            f"{section.where}: axes: there is none; give at least one table [axes.NAME] "
            f"with NAME one of: {', '.join(parameters) or 'none'}"
        )
    for name in section.entries:
        if name not in parameters:
            raise DefinitionError(
                f"{section.place(name)}: {unknown('parameter', name, parameters)}"
            )
    return tuple(_axis(table, parameters[name]) for name, table in section.tables())


def _axis(section: Section, parameter: Parameter) -> Axis:
    if parameter.role == "choice":
        raise DefinitionError(
            f"{section.where}: {section.key}: {parameter.name} is a choice: "
            "fix it under [parameters], one scan per choice"
        )
    section.allow((*_ENDS, "values"))
    spacing: Spacing = section.one_of("spacing", tuple(_AXIS_KEYS))  # type: ignore[assignment]
    for name in section.entries:
        if name not in _AXIS_KEYS[spacing]:
            section.fail(name, f"does not belong to an axis with {spacing} spacing; remove it")
    unit = written_unit(section, parameter)
    axis = (
        _list_axis(section, parameter, unit)
        if spacing == "list"
        else _even_axis(section, parameter, unit, spacing)
    )
    with np.errstate(all="ignore"):
        steps = np.diff(axis.coordinates)
    if not np.all(steps > 0) or not np.all(np.isfinite(steps)):
        key = "values" if spacing == "list" else "stop"
        section.fail(
            key, "neighbouring points coincide or overflow; change the range or the points"
        )
    return axis


def written_unit(section: Section, parameter: Parameter) -> str:
    """Unit that the axis or value is written in; must be said if the parameter has one."""
    if not parameter.unit:
        if section.text("unit", "") != "":
            section.fail("unit", f"{parameter.name} has no unit; remove it")
        return ""
    if "unit" not in section:
        section.fail("unit", f'is missing; say which, such as unit = "{parameter.unit}"')
    unit = section.text("unit")
    to_own(section, "unit", 1.0, unit, parameter)
    return unit


def to_own(section: Section, name: str, value: float, unit: str, parameter: Parameter) -> float:
    """`value` in the parameter's own unit; errors name the entry `name`."""
    try:
        return convert(value, unit, parameter.unit)
    except DefinitionError as error:
        section.fail(name, str(error))


def _even_axis(section: Section, parameter: Parameter, unit: str, spacing: Spacing) -> Axis:
    start, stop = (
        to_own(section, end, section.number(end), unit, parameter) for end in ("start", "stop")
    )
    n = section.whole("n")
    runs = f"axis {parameter.name!r} runs {start:g}..{stop:g}{_in(parameter)}"
    if n == 1 or start == stop:
        fixed = f"{parameter.name} = {start:g}"
        section.fail("n" if n == 1 else "stop", f"one value: put it under [parameters] as {fixed}")
    if not 2 <= n <= MAX_AXIS_POINTS:
        section.fail("n", f"write a number of points from 2 to {MAX_AXIS_POINTS}")
    if start > stop:
        section.fail("start", f"{runs}: swap start and stop")
    if spacing == "log" and start <= 0:
        section.fail("start", f"{runs} on a log scale: start above 0")
    for end, value in (("start", start), ("stop", stop)):
        check_range(section, end, value, parameter)
    return Axis(parameter.name, spacing, start, stop, n, parameter.unit)


def _list_axis(section: Section, parameter: Parameter, unit: str) -> Axis:
    values = [
        to_own(section, "values", number, unit, parameter) for number in _finite(section, "values")
    ]
    if len(values) == 1:
        section.fail(
            "values", f"one value: put it under [parameters] as {parameter.name} = {values[0]:g}"
        )
    if not 2 <= len(values) <= MAX_AXIS_POINTS:
        section.fail("values", f"give from 2 to {MAX_AXIS_POINTS} values")
    for low, high in itertools.pairwise(values):
        if not low < high:
            section.fail("values", f"{high:g} follows {low:g}: write each once, in rising order")
    for value in (values[0], values[-1]):
        check_range(section, "values", value, parameter)
    return Axis(
        parameter.name, "list", values[0], values[-1], len(values), parameter.unit, tuple(values)
    )


def _finite(section: Section, name: str) -> list[float]:
    numbers = []
    for i, written in enumerate(section.listed(name)):
        number = as_number(written)
        if number is None or not math.isfinite(number):
            section.fail(name, f"entry {i + 1} is not a finite number")
        numbers.append(number)
    return numbers


def check_range(section: Section, name: str, value: float, parameter: Parameter) -> None:
    """Refuse a value (own unit) outside the parameter's range."""
    if not math.isfinite(value):
        section.fail(name, "write a finite number")
    parameter.check(value, section.place(name))


def _in(parameter: Parameter) -> str:
    return f" {parameter.unit}" if parameter.unit else ""


def axis_entries(axis: Axis) -> dict[str, Any]:
    """Table of an axis, without its name."""
    unit = {"unit": axis.unit} if axis.unit else {}
    if axis.spacing == "list":
        return {"spacing": "list", "values": list(axis.values), **unit}
    return {"spacing": axis.spacing, "start": axis.start, "stop": axis.stop, "n": axis.n, **unit}


def recorded_axes(top: Section) -> tuple[Axis, ...]:
    """Axes of a record, slowest first; only types are checked."""
    axes = []
    for i, entries in enumerate(top.listed("axes")):
        if not isinstance(entries, Mapping):
            top.fail("axes", f"entry {i + 1} is not a table")
        axes.append(_recorded_axis(Section(top.where, f"axes.{i + 1}", entries)))
    return tuple(axes)


def _recorded_axis(axis: Section) -> Axis:
    name, unit = axis.text("name"), axis.text("unit", "")
    spacing: Any = axis.one_of("spacing", ("linear", "log", "list"))
    if spacing != "list":
        return Axis(name, spacing, axis.number("start"), axis.number("stop"), axis.whole("n"), unit)
    numbers = _finite(axis, "values")
    if not numbers:
        axis.fail("values", "is empty; give from 2 values")
    return Axis(name, "list", numbers[0], numbers[-1], len(numbers), unit, tuple(numbers))
