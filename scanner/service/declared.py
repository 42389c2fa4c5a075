"""Declared: the query keys that a route knows; a request with another one is refused.

An argument that is dropped in silence is an answer to another question than the one asked.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from fastapi import FastAPI, Request

from scanner.errors import DefinitionError, ScannerError, unknown
from scanner.service.shelf import Shelf

POINT = "at"
"""Key that holds an axis at a value."""
SHOWN = 80
"""Characters of a key or a value that are repeated."""


def only_declared(prefix: str) -> Callable[..., Coroutine[Any, Any, None]]:
    """Dependency of the routes below a prefix: no query key but those their document names.

    Raises
    ------
    DefinitionError
        Another key: names it, its value, and what to write instead.
    """

    async def looked(request: Request) -> None:
        given = request.query_params
        if not given:
            return
        route: str = request.scope["route"].path_format  # with or without the prefix
        known = keys(request.app, request.method, prefix + route.removeprefix(prefix))
        for key, value in given.multi_items():
            if key not in known:
                names = await request.app.state.desk.look(partial(_names, request))
                raise DefinitionError(mend(key[:SHOWN], value[:SHOWN], known, *names))

    return looked


def keys(app: FastAPI, method: str, path: str) -> tuple[str, ...]:
    """Query keys of the route at a path, as the OpenAPI document has them."""
    operation = app.openapi()["paths"][path]["get" if method == "HEAD" else method.lower()]
    return tuple(one["name"] for one in operation.get("parameters", ()) if one["in"] == "query")


def _names(request: Request) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Axes and other parameters of the scan that is asked; none where it cannot be opened."""
    shelf: Shelf = request.app.state.shelf
    with suppress(ScannerError):
        definition = shelf.scan(request.path_params.get("scan", "")).scan.definition
        axes = tuple(axis.name for axis in definition.axes)
        return axes, tuple(name for name in definition.parameters if name not in axes)
    return (), ()


def mend(
    key: str, value: str, known: Sequence[str], axes: Sequence[str], others: Sequence[str]
) -> str:
    """What to say of a key that is not known.

    Parameters
    ----------
    known : sequence of str
        Keys that the route takes.
    axes, others : sequence of str
        Axes of the scan, and the parameters that it holds at one value.

    Examples
    --------
    >>> mend("mass", "10", ("at", "dof"), ("mass",), ())
    "query key 'mass' = '10': mass is an axis of the scan: write at=mass=10"
    >>> mend("clevel", "0.5", ("at", "cl"), ("mass",), ())
    "query key 'clevel' = '0.5': unknown key 'clevel': did you mean 'cl'? (known: at, cl)"
    """
    said = f"query key {key!r} = {value!r}: "
    if key in axes and POINT in known:
        return f"{said}{key} is an axis of the scan: write {POINT}={key}={value}"
    if key in axes:
        return f"{said}this question holds no axis (known: {', '.join(known) or 'none'})"
    if key in others:
        return f"{said}{key} has one value in this scan: leave it out, or scan it as an axis"
    return said + unknown("key", key, known)
