"""One table that a person wrote and where it stands: typed reads, errors that name the key."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from scanner.errors import DefinitionError, unknown


@dataclass(frozen=True)
class Section:
    """Entries of one table.

    Parameters
    ----------
    where : str
        File, or another name of the whole.
    key : str
        Dotted path of the table, ``""`` for the top.
    entries : mapping
        What was read.
    """

    where: str
    key: str
    entries: Mapping[str, Any]

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def place(self, name: str) -> str:
        """File and dotted key of an entry, as errors show it."""
        key = f"{self.key}.{name}" if self.key else name
        return f"{self.where}: {key}" if self.where else key

    def fail(self, name: str, mend: str) -> NoReturn:
        """Raise a DefinitionError for an entry, showing its value if there is one."""
        value = f" = {shown(self.entries[name])}" if name in self.entries else ""
        raise DefinitionError(f"{self.place(name)}{value}: {mend}")

    def allow(self, known: Iterable[str]) -> None:
        """Refuse entries of any other name."""
        names = tuple(known)
        for name in self.entries:
            if name not in names:
                raise DefinitionError(f"{self.place(name)}: {unknown('key', name, names)}")

    def text(self, name: str, default: str | None = None) -> str:
        """A string; `default` if there is no such entry, an error if there is no default."""
        value = self._get(name, default, "a text in quotes")
        if not isinstance(value, str):
            self.fail(name, "write a text in quotes")
        return value

    def one_of(self, name: str, known: tuple[str, ...], default: str | None = None) -> str:
        """A string out of `known`."""
        value = self.text(name, default)
        if value not in known:
            raise DefinitionError(f"{self.place(name)}: {unknown(name, value, known)}")
        return value

    def number(self, name: str) -> float:
        """A finite number."""
        value = self._get(name, None, "a number")
        number = as_number(value)
        if number is None:
            self.fail(name, "write a number, without quotes")
        if not math.isfinite(number):
            self.fail(name, "write a finite number")
        return number

    def whole(self, name: str) -> int:
        """A whole number."""
        value = self._get(name, None, "a whole number")
        if isinstance(value, bool) or not isinstance(value, int):
            self.fail(name, "write a whole number, such as 60")
        return value

    def listed(self, name: str) -> list[Any]:
        """A list."""
        value = self._get(name, None, "a list")
        if not isinstance(value, list):
            self.fail(name, f"give a list: {name} = [{shown(value)}]")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of strings."""
        values = self.listed(name)
        if not all(isinstance(value, str) for value in values):
            self.fail(name, "write the names in quotes")
        return values

    def all_texts(self) -> dict[str, str]:
        """All entries, each of which must be a string."""
        return {name: self.text(name) for name in self.entries}

    def table(self, name: str) -> Section:
        """A table, empty if absent."""
        value = self.entries.get(name, {})
        if not isinstance(value, Mapping):
            header = f"{self.key}.{name}" if self.key else name
            self.fail(name, f"write a table [{header}]")
        return Section(self.where, f"{self.key}.{name}" if self.key else name, value)

    def tables(self) -> Iterator[tuple[str, Section]]:
        """All entries, each of which must be a table."""
        return ((name, self.table(name)) for name in self.entries)

    def _get(self, name: str, default: Any, form: str) -> Any:
        if name not in self.entries and default is None:
            self.fail(name, f"is missing; give {form}")
        return self.entries.get(name, default)


def as_number(value: object) -> float | None:
    """`value` as a float (never -0.0), None if it is not a number; too large a whole is inf."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) + 0.0
    except OverflowError:
        return math.inf


def shown(value: object) -> str:
    """A value for a message: as in JSON, and not longer than a line.

    >>> shown([1, "a"])
    '[1, "a"]'
    """
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
