"""The entries of the gallery, as ``figures.toml`` lists them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from scanner.errors import CatalogError, unknown


@dataclass(frozen=True)
class Entry:
    """One figure; drawn from a scan, from several, from data, or by a function.

    Parameters
    ----------
    name : str
        Unique; names its files.
    section : str
        Of `sections`.
    title, caption : str
        With formulas between dollars; a scan's own title where there is none.
    scan : str
        Ready-made definition.
    intervals : tuple of str
        Ready-made definitions, one parameter each.
    data : str
        Experiment whose data are drawn beside the Standard Model.
    draws : str
        Name of a function of `scanner.gallery.theory`.
    choices : mapping
        Of the experiment, for `data`.
    overlays : tuple of str
        Limits of others beneath a scan: names, or ``all`` that are of its model.
    drivers : bool
        Whether the combined line is drawn by what contributes most.
    papers : tuple of str
        arXiv numbers of what it is to be compared with.
    compared : tuple of str
        Rows of ``comparisons.toml``.
    """

    name: str
    section: str
    title: str = ""
    caption: str = ""
    scan: str = ""
    intervals: tuple[str, ...] = ()
    data: str = ""
    draws: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    overlays: tuple[str, ...] = ()
    drivers: bool = False
    papers: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()

    @property
    def scans(self) -> tuple[str, ...]:
        """Ready-made definitions that it is drawn from."""
        return (self.scan,) if self.scan else self.intervals

    @property
    def command(self) -> str:
        """What draws the same figure alone, once the scans are run."""
        if self.scan:
            more = "".join(f" --overlay {name}" for name in self.overlays)
            return f"scanner plot {self.scan}{more}{' --drivers' * self.drivers}"
        if self.intervals:
            return f"scanner draw intervals {' '.join(self.intervals)} -o {self.name}.png"
        if self.data:
            more = "".join(f" --option {self.data}.{k}={v}" for k, v in self.choices.items())
            named = f"-e {self.data}{more}"
            return f"scanner draw spectra standard_model {named} -o {self.name}.png"
        return f"scanner gallery --only {self.name}"


@dataclass(frozen=True)
class Section:
    """Figures that belong together."""

    name: str
    title: str
    text: str


@cache
def sections() -> tuple[Section, ...]:
    """In the order of the page."""
    return tuple(Section(**raw) for raw in _listed()["section"])


@cache
def entries() -> Mapping[str, Entry]:
    """All figures by name, in the order of the page."""
    made = [_entry(raw) for raw in _listed()["figure"]]
    return {entry.name: entry for entry in made}


def chosen(names: Sequence[str]) -> tuple[Entry, ...]:
    """Entries of these names, or of these sections; all where none is named.

    Raises
    ------
    CatalogError
        There is neither a figure nor a section of that name.
    """
    known = entries()
    of_section = {
        one.name: [e for e in known.values() if e.section == one.name] for one in sections()
    }
    found: dict[str, Entry] = {}
    for name in names:
        if name not in known and name not in of_section:
            raise CatalogError(unknown("figure", name, [*known, *of_section]))
        found |= {e.name: e for e in of_section.get(name, [])}
        found |= {name: known[name]} if name in known else {}
    return tuple(e for e in known.values() if not names or e.name in found)


def _entry(raw: Mapping[str, Any]) -> Entry:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
    return Entry(**values)


@cache
def _listed() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    text = resources.files(__package__).joinpath("figures.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
