"""`list` and `show`: what there is."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from scanner.cli.options import Json, OverlayFolder, Store
from scanner.cli.output import note, show_json, show_table

WIDTH = 100
MACHINE_ONLY = ("baseline_m",)
"""Entries of a record that have another form for people beside them."""


class Kind(StrEnum):
    """What can be listed."""

    SCENARIOS = "scenarios"
    EXPERIMENTS = "experiments"
    DEFINITIONS = "definitions"
    OPTIONS = "options"
    OVERLAYS = "overlays"
    SCANS = "scans"


def list_(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    store: Store = None,
    overlay_dir: OverlayFolder = None,
    json: Json = False,
) -> None:
    """List scenarios, experiments, definitions, options, published limits or stored scans."""
    from scanner import inventory

    listing: dict[Kind, Callable[[], list[inventory.Record]]] = {
        Kind.SCENARIOS: inventory.scenarios,
        Kind.EXPERIMENTS: inventory.experiments,
        Kind.DEFINITIONS: inventory.definitions,
        Kind.OPTIONS: inventory.options,
        Kind.OVERLAYS: lambda: inventory.overlays(overlay_dir),
        Kind.SCANS: lambda: inventory.scans(store),
    }
    rows = listing[kind]()
    if kind is Kind.SCANS and not rows:
        note(inventory.no_scans(store))
    if json:
        show_json(rows)
    else:
        show_table([list(row.values()) for row in rows])


def show(
    name: Annotated[str, typer.Argument(help="Scenario, experiment, definition, overlay or scan.")],
    store: Store = None,
    overlay_dir: OverlayFolder = None,
    json: Json = False,
) -> None:
    """Show one entry: parameters, formula, data provenance, pulls, or a scan's provenance."""
    from scanner import inventory

    record = inventory.describe(name, store, overlay_dir)
    if json:
        show_json(record)
    else:
        _print(record)


def _print(record: dict[str, Any], indent: str = "") -> None:
    """Nested record as indented lines; lists of alike records as tables."""
    for key, value in record.items():
        if key in MACHINE_ONLY:
            continue
        if isinstance(value, dict) and value:
            print(f"{indent}{key}:")
            _print(value, indent + "  ")
        elif isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
            print(f"{indent}{key}:")
            heads = list(value[0])
            show_table(
                [heads, *([_cell(row.get(h)) for h in heads] for row in value)], indent + "  "
            )
        elif isinstance(value, (list, tuple)) and any(" " in str(v) for v in value):
            print(f"{indent}{key}:")
            for entry in value:
                print(_wrapped(str(entry), indent + "  "))
        elif isinstance(value, (list, tuple)):
            print(f"{indent}{key}: {', '.join(str(v) for v in value)}")
        else:
            print(_wrapped(f"{key}: {_cell(value)}", indent))


def _wrapped(text: str, indent: str) -> str:
    """Lines of at most `WIDTH` letters; a text that has lines of its own keeps them."""
    if "\n" in text or text.startswith(" "):
        return textwrap.indent(text, indent)
    hanging = indent + "  "
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return " | ".join(_cell(v) for v in value)
    return str(value)


VERBS: tuple[Callable[..., None], ...] = (list_, show)
