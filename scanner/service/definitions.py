"""A definition in the body of a request, JSON or TOML: parsed, bounded, resolved, costed.

Nothing that a request names is opened or imported: scenarios and experiments come from the
catalogue, files and plug-ins (``module:NAME``) are refused.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from fastapi import Request

from scanner import catalog, definition, prepare
from scanner.definition import KEYS, ScanDefinition
from scanner.errors import DefinitionError
from scanner.reading import texts
from scanner.section import Section
from scanner.service.refusals import RefusalError
from scanner.store.archive import Archive

WHERE = "definition"
NESTED = 32  # tables in tables: a definition has five
TOML_LETTERS = 2**18
MOST_BINS = 10_000  # of all described experiments of a definition
_KEY = r"""(?:"[^"\n]*+"|'[^'\n]*+'|[\w-]++)[ \t]*+"""
_LONG_KEY = re.compile(rf"(?<![\w-])(?:{_KEY}\.[ \t]*+){{{NESTED}}}{_KEY}")
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)
JSON_TYPES = ("application/json", "")
TOML_TYPES = ("application/toml", "text/toml", "text/x-toml")

BODY: Mapping[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A scan definition: the keys of a definition's TOML file.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["scenario", "experiments", "axes"],
                    "properties": {
                        "name": {"type": "string", "maxLength": 100},
                        "title": {"type": "string", "maxLength": 1000},
                        "description": {"type": "string", "maxLength": 10000},
                        "scenario": {"type": "string", "maxLength": 200},
                        "experiments": {"type": "array", "items": {"type": "string"}},
                        "axes": {
                            "type": "object",
                            "additionalProperties": {"type": "object"},
                        },
                        "parameters": {"type": "object"},
                        "options": {"type": "object"},
                        "experiment": {"type": "object"},
                        "profile": {"type": "object"},
                        "chunks": {"type": "object"},
                        "store": {"type": "object"},
                    },
                    "additionalProperties": False,
                }
            },
            "application/toml": {"schema": {"type": "string"}},
        },
    }
}


async def resolved(request: Request) -> ScanDefinition:
    """The definition in the body, resolved.

    Raises
    ------
    DefinitionError, CatalogError
        What is wrong with it.
    RefusalError
        413: more points than anybody may ask for; 415: another kind of body.
    """
    body, kind = await request.body(), request.headers.get("content-type", "")
    most: int = request.app.state.settings.most_points
    made: ScanDefinition = await request.app.state.desk.work(
        lambda: resolve(parsed(body, kind), most)
    )
    return made


def parsed(body: bytes, content_type: str) -> dict[str, Any]:
    """Tables of a body.

    Raises
    ------
    DefinitionError
        Not JSON or TOML, or not a table.
    RefusalError
        415: another kind of body.
    """
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind in TOML_TYPES:
            tables: Any = tomllib.loads(_shallow(body.decode()))
        elif kind in JSON_TYPES:
            _check_depth(nesting(body))
            tables = json.loads(body, parse_constant=_no_number)
        else:
            raise RefusalError(
                415, f"content type {kind[:60]!r}: send application/json or application/toml"
            )
    except (ValueError, RecursionError) as error:
        raise DefinitionError(f"{WHERE}: cannot be read: {str(error)[:200]}") from error
    _check_depth(_depth(tables))
    if not isinstance(tables, dict):
        raise DefinitionError(f"{WHERE}: send an object with the keys {', '.join(KEYS)}")
    return tables


def _check_depth(depth: int) -> None:
    if depth > NESTED:
        raise DefinitionError(f"{WHERE}: nested deeper than {NESTED} levels: write it flat")


def _shallow(text: str) -> str:
    """The text of a TOML file, unless the reader would take minutes for its keys.

    Raises
    ------
    DefinitionError
        A key of very many parts: the reader takes the square of their number.
    RefusalError
        413: longer than anybody writes by hand.
    """
    if len(text) > TOML_LETTERS:
        raise RefusalError(
            413, f"{WHERE}: more than {TOML_LETTERS} letters of TOML: send JSON, which reads faster"
        )
    if _LONG_KEY.search(text):
        raise DefinitionError(f"{WHERE}: a key of more than {NESTED} parts: write it flat")
    return text


def _depth(tables: Any) -> int:
    """Levels of tables and lists, counted without recursion; counting ends where it is too deep."""
    depth, level = 0, [tables]
    while level and depth <= NESTED:
        deeper = [e for e in level if isinstance(e, dict | list)]
        level = [v for e in deeper for v in (e.values() if isinstance(e, dict) else e)]
        depth += bool(deeper)
    return depth


def nesting(body: bytes) -> int:
    """Levels of brackets in a text, those inside strings left out.

    >>> nesting(b'{"a": [[1]], "b": "[[[[", "c": {}}')
    3
    """
    depth = deepest = 0
    for found in _BRACKETS.finditer(body):
        if found[0] in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
        elif found[0] in (b"]", b"}"):
            depth -= 1
    return deepest


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a number of JSON")


def resolve(tables: Mapping[str, Any], most_points: int) -> ScanDefinition:
    """Resolved definition; its points are counted before any is made.

    Raises
    ------
    DefinitionError, CatalogError
        What is wrong with it.
    RefusalError
        413: above `most_points`.
    """
    check_points(_wanted(tables), most_points)
    _check_bins(tables)
    texts.check(Section(WHERE, "", tables))
    _check_whole(tables)
    chosen = definition.from_mapping(tables, WHERE, allow_plugins=False)
    check_points(math.prod(len(axis) for axis in chosen.axes), most_points)
    return chosen


def _check_whole(tables: Mapping[str, Any]) -> None:
    """DefinitionError for a name in place of a definition."""
    key = next((key for key in (WHERE, "name") if key in tables), None)
    if "scenario" in tables or key is None or (key == "name" and "axes" in tables):
        return
    name = str(tables[key])
    there = name if name in catalog.definition_names() else "NAME"
    raise DefinitionError(
        f"{key} = {name[:80]!r}: a name is no definition: send the definition itself; GET "
        f"/api/v1/definitions/{there} has it, as `written`"
    )


def _wanted(tables: Mapping[str, Any]) -> int:
    """Points that the axes ask for, as far as they say so; what is no number is told later."""
    return _product(axis.get("n") for axis in _tables(tables.get("axes")))


def _tables(entry: Any) -> list[Mapping[str, Any]]:
    """The tables in a table; none where it is something else, which is told later."""
    entries = entry.values() if isinstance(entry, dict) else ()
    return [one for one in entries if isinstance(one, dict)]


def _product(counts: Iterable[Any]) -> int:
    return math.prod(n for n in counts if isinstance(n, int) and not isinstance(n, bool) and n > 0)


def _check_bins(tables: Mapping[str, Any]) -> None:
    """RefusalError (413) for described experiments that take minutes before any point."""
    bins = sum(_bins(one["bins"]) for one in _tables(tables.get("experiment")) if "bins" in one)
    if bins > MOST_BINS:
        shown = f"{bins:.3g}" if bins < 10**300 else "more than 1e300"
        raise RefusalError(
            413, f"{WHERE}: the experiments have {shown} bins: {MOST_BINS} in all at most"
        )


def _bins(bins: Any) -> int:
    """Bins that a description asks for, as far as it says so."""
    edges = [(axis.get("edges"), axis.get("n")) for axis in _tables(bins)]
    return _product(len(given) if isinstance(given, list) else n for given, n in edges)


def check_points(points: int, most: int) -> None:
    """RefusalError (413) for more points than are allowed."""
    if points > most:
        shown = f"{points:.3g}" if points < 10**300 else "more than 1e300"
        raise RefusalError(
            413,
            f"{WHERE}: axes ask for {shown} points, this service computes {most:.3g} at most: "
            "lower n of an axis, or run it with `scanner submit`",
        )


def costed(chosen: ScanDefinition, root: str, workers: int | None) -> dict[str, Any]:
    """What a scan would cost, and whether it is stored already."""
    cost = prepare.plan(chosen, root, workers)
    return {
        "scan": chosen.id,
        "definition": chosen.to_dict(),
        "cost": asdict(cost),
        "notes": list(prepare.remarks(chosen)),
        "stored": Archive(root).find(chosen) is not None,
    }
