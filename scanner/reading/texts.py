"""Texts, names and whole numbers of a definition that nothing further down could hold.

A record that is read again is refused with control characters in it (`scanner.store.trust`), so
none may be written; a figure takes minutes for a title of a million letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scanner.errors import DefinitionError
from scanner.section import Section

MOST_LETTERS = {"title": 1000, "description": 10_000}
"""Of texts with a bound of their own; any other text may be as long as a description."""
LONGEST_KEY = 200
MOST_DIGITS = 4000
"""Of a whole number: Python prints none that has many more."""
_TOO_LARGE = 10**MOST_DIGITS
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def check(top: Section) -> None:
    """Refuse what cannot be stored, drawn or told.

    Raises
    ------
    DefinitionError
        A text with control characters or halves of letters, one that is far too long, a whole
        number of thousands of digits; names the key.
    """
    for path, value in _entries(top.entries):
        key = ".".join(path)
        place = f"{top.where}: {_printable(key)}" if top.where else _printable(key)
        if _UNPRINTABLE.search(key) or len(path[-1]) > LONGEST_KEY:
            raise DefinitionError(
                f"{place}: use printable names of at most {LONGEST_KEY} letters as keys"
            )
        if isinstance(value, str):
            _check_text(place, value, MOST_LETTERS.get(key, MOST_LETTERS["description"]))
        elif isinstance(value, int) and abs(value) >= _TOO_LARGE:
            raise DefinitionError(
                f"{place}: has more than {MOST_DIGITS} digits: write a smaller number"
            )


def _check_text(place: str, text: str, most: int) -> None:
    if (found := _UNPRINTABLE.search(text)) is not None:
        raise DefinitionError(
            f"{place} = {_printable(text)!r}: holds the control character {found[0]!a}: "
            "write printable text"
        )
    if len(text) > most:
        raise DefinitionError(
            f"{place} = {text[:40]!r}...: has {len(text)} letters: write at most {most}"
        )


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("?", text)[:LONGEST_KEY]


def _entries(tables: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every entry however deep, with its keys; those of a list by their number."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((str(k),), v) for k, v in tables.items()]
    while waiting:
        path, value = waiting.pop()
        yield path, value
        if isinstance(value, Mapping):
            waiting += [((*path, str(k)), v) for k, v in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, str(i)), v) for i, v in enumerate(value)]
