"""Which ready-made definitions use a scenario or an experiment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from scanner import catalog, definition
from scanner.gallery.site.html import code, folded, mixed, table

_MANY = 20


@dataclass(frozen=True)
class Use:
    """A ready-made definition: its name and title, what it scans and with which data."""

    name: str
    title: str
    scenarios: tuple[str, ...]
    experiments: tuple[str, ...]
    axes: tuple[str, ...]


@lru_cache(maxsize=1)
def all_uses() -> tuple[Use, ...]:
    """Every ready-made definition."""
    loaded = (definition.load(name) for name in catalog.definition_names())
    return tuple(
        Use(
            one.name,
            one.title,
            catalog.parts_of(one.scenario),
            one.experiments,
            tuple(axis.name for axis in one.axes),
        )
        for one in loaded
    )


def of_scenario(name: str) -> list[Use]:
    """Those that scan this scenario, alone or with another."""
    return [use for use in all_uses() if name in use.scenarios]


def of_experiment(name: str) -> list[Use]:
    """Those that ask this experiment."""
    return [use for use in all_uses() if name in use.experiments]


def commands(uses: Iterable[Use]) -> str:
    """Table of definitions with the command that runs each, folded if long; nothing for none."""
    rows = [
        [
            mixed(use.title),
            ", ".join(code(axis) for axis in use.axes),
            code(f"scanner run {use.name}"),
        ]
        for use in uses
    ]
    made = table(["What", "Axes", "Command"], rows, kind="stacked") if rows else ""
    return folded(f"{len(rows)} definitions", made) if len(rows) > _MANY else made


def example(uses: Iterable[Use], *, alone: Callable[[Use], bool]) -> str:
    """The definition to show: the shortest name of those that hold nothing else, or of all."""
    every = list(uses)
    return min((u.name for u in [u for u in every if alone(u)] or every), key=len, default="")
