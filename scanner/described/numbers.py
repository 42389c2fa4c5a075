"""Typed reads of the tables of a description: quantities with their unit, curves, lists."""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt

from scanner.described import units
from scanner.errors import DefinitionError
from scanner.section import Section, as_number

Array = npt.NDArray[np.float64]


def need(section: Section, name: str, what: str) -> Section:
    """A table that must be there."""
    if name not in section:
        section.fail(name, f"is missing; give a table [{_header(section, name)}] with {what}")
    return section.table(name)


def _header(section: Section, name: str) -> str:
    return f"{section.key}.{name}" if section.key else name


def quantity(section: Section, name: str, own: str, *, zero: bool = False) -> float:
    """A number above zero (or also zero) with its unit, in the unit `own`.

    Written ``name = { value = 610, unit = "kg" }``.
    """
    value = signed(section, name, own)
    if value < 0.0 or (value == 0.0 and not zero):
        section.fail(name, f"write a value {'of 0 or above' if zero else 'above 0'}")
    return value


def signed(section: Section, name: str, own: str) -> float:
    """A number of any sign with its unit, in the unit `own`."""
    form = f'{name} = {{ value = ..., unit = "{own}" }}'
    if name not in section:
        section.fail(name, f"is missing; write {form}")
    if as_number(section.entries[name]) is not None:
        section.fail(name, f"has no unit; write {form}")
    table = section.table(name)
    table.allow(("value", "unit"))
    return table.number("value") * unit_factor(table, own)


def unit_factor(section: Section, own: str) -> float:
    """Factor from the unit that a table says into `own`."""
    if "unit" not in section:
        section.fail("unit", f'is missing; say which, such as unit = "{own}"')
    written = section.text("unit")
    try:
        return units.factor(written, own)
    except DefinitionError as error:
        section.fail("unit", str(error))


def plain(section: Section, name: str, default: float | None = None) -> float:
    """A number of any sign without a unit; `default` if there is no such entry."""
    if name not in section and default is not None:
        return default
    return section.number(name)


def positive(section: Section, name: str, default: float | None = None) -> float:
    """A number above zero without a unit."""
    value = plain(section, name, default)
    if value <= 0.0:
        section.fail(name, "write a number above 0")
    return value


def not_negative(section: Section, name: str, default: float | None = None) -> float:
    """A number of 0 or above without a unit."""
    value = plain(section, name, default)
    if value < 0.0:
        section.fail(name, "write a number of 0 or above")
    return value


def share(section: Section, name: str, default: float | None = None) -> float:
    """A number from 0 to 1 without a unit."""
    value = plain(section, name, default)
    check_share(section, name, value)
    return value


def check_share(section: Section, name: str, value: float) -> None:
    """Refuse a share outside 0 .. 1."""
    if not 0.0 <= value <= 1.0:
        section.fail(name, f"{value:g} is outside 0 .. 1; a share of 85 % is 0.85")


def listed(section: Section, name: str, what: str = "numbers") -> Array:
    """A list of finite numbers."""
    if name not in section:
        section.fail(name, f"is missing; give a list of {what}")
    found = []
    for i, written in enumerate(section.listed(name)):
        number = as_number(written)
        if number is None or not math.isfinite(number):
            section.fail(name, f"entry {i + 1} is not a finite number")
        found.append(number)
    return np.array(found, dtype=np.float64)


def increasing(section: Section, name: str, at_least: int = 2) -> Array:
    """A list of numbers, each above the one before."""
    found = listed(section, name, "increasing numbers")
    if len(found) < at_least:
        section.fail(name, f"give at least {at_least} numbers")
    for low, high in itertools.pairwise(found.tolist()):
        if not low < high:
            section.fail(name, f"{high:g} follows {low:g}; write them in rising order, each once")
    return found


def curve(section: Section, x: str, y: str, own: str) -> tuple[Array, Array]:
    """Two lists of one length, x increasing and in the unit `own`; y as written."""
    first, second = increasing(section, x), listed(section, y)
    if len(first) != len(second):
        section.fail(y, f"has {len(second)} numbers for {len(first)} of {x}; give as many")
    return first * unit_factor(section, own), second
