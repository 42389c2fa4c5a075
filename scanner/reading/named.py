"""``name=value`` texts of a command line or an address become values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scanner.errors import DefinitionError


def named_values(
    texts: Iterable[str] | None, key: str = "argument", example: str = "mass=10"
) -> dict[str, Any]:
    """``name=value`` texts as a mapping; numbers as floats, the rest as text.

    `key` and `example` are for the error: where the text was given, and a right one.

    Raises
    ------
    DefinitionError
        A text without ``=``, or a name given twice.
    """
    values: dict[str, Any] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise DefinitionError(f"{key} {text!r}: write name=value, such as {example}")
        if name.strip() in values:
            raise DefinitionError(f"{key} {text!r}: {name.strip()} is given twice; give it once")
        values[name.strip()] = number_or_text(value.strip())
    return values


def numbers(texts: Iterable[str] | None) -> dict[str, float]:
    """``name=value`` texts whose values are numbers."""
    values = named_values(texts)
    for name, value in values.items():
        if not isinstance(value, float):
            raise DefinitionError(f"argument {name}={value}: write a number, such as {name}=10")
    return values


def number_or_text(text: str) -> float | str:
    """A float if the text is one."""
    try:
        return float(text)
    except ValueError:
        return text


def axis_names(texts: Iterable[str]) -> list[str]:
    """Names out of repeated options and comma-separated lists.

    >>> axis_names(["mass,coupling", "eps"])
    ['mass', 'coupling', 'eps']
    """
    return [name for text in texts for name in text.replace(",", " ").split()]
