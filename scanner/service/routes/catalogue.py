"""The catalogue: scenarios, experiments, definitions, conventions and published limits."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from scanner import catalog, definition, inventory
from scanner.overlays import shelf
from scanner.reading import document
from scanner.service.replies import as_json

router = APIRouter(tags=["catalogue"])
Name = Annotated[str, Path(max_length=200, pattern="^[A-Za-z0-9_.+-]+$")]


async def _said(request: Request, work: Callable[[], Any]) -> Response:
    made: bytes = await request.app.state.desk.look(lambda: as_json(work()).content)
    return Response(made, media_type="application/json")


_LONG = ("written", "text", "resolved")
"""Entries of a definition that a list leaves out."""


@lru_cache(maxsize=1)
def _scenarios() -> list[dict[str, Any]]:
    return [_scenario(name) for name in catalog.scenario_names()]


@lru_cache(maxsize=256)
def _scenario(name: str) -> dict[str, Any]:
    return inventory.scenario_record(name, catalog.scenario(name, allow_plugins=False))


@lru_cache(maxsize=256)
def _experiment(name: str) -> dict[str, Any]:
    form = catalog.experiment(name)
    choices = {key: list(values) for key, values in catalog.experiment_choices(name).items()}
    return {**inventory.experiment_record(form), "all_choices": choices}


@lru_cache(maxsize=1)
def _definitions() -> list[dict[str, Any]]:
    return [
        {key: record for key, record in _definition(name).items() if key not in _LONG}
        for name in catalog.definition_names()
    ]


@lru_cache(maxsize=256)
def _definition(name: str) -> dict[str, Any]:
    path = catalog.definition_path(name)
    resolved = definition.load(name, allow_plugins=False)
    return {
        "name": name,
        "title": resolved.title,
        "description": resolved.description,
        "scan": resolved.id,
        "scenario": resolved.scenario,
        "experiments": list(resolved.experiments),
        "written": document.read(path),
        "text": path.read_text(),
        "resolved": resolved.to_dict(),
    }


@lru_cache(maxsize=1)
def _overlays() -> list[dict[str, Any]]:
    return [{**one.record(), "name": name} for name, one in shelf.shipped().items()]


@router.get("/scenarios")
async def scenarios(request: Request) -> Response:
    """Every scenario: formula, parameters with units and ranges, references."""
    return await _said(request, _scenarios)


@router.get("/scenarios/{name}")
async def scenario(request: Request, name: Name) -> Response:
    """One scenario; several joined by `+` are composed."""
    return await _said(request, lambda: _scenario(name))


@router.get("/experiments")
async def experiments(request: Request) -> Response:
    """Name, title and choices of every experiment."""
    return await _said(request, inventory.experiments)


@router.get("/experiments/{name}")
async def experiment(request: Request, name: Name) -> Response:
    """One experiment: source, target, exposure, pulls, choices, provenance of its data."""
    return await _said(request, lambda: _experiment(name))


@router.get("/definitions")
async def definitions(request: Request) -> Response:
    """Every ready-made definition: title, scenario, experiments, and the id of its scan."""
    return await _said(request, _definitions)


@router.get("/definitions/{name}")
async def one_definition(request: Request, name: Name) -> Response:
    """One ready-made definition, as it is written and resolved."""
    return await _said(request, lambda: _definition(name))


@router.get("/options")
async def options(request: Request) -> Response:
    """Physics conventions and their values, the default first."""
    return await _said(request, lambda: {k: list(v) for k, v in _options().items()})


def _options() -> dict[str, tuple[str, ...]]:
    from scanner.reading.resolve import OPTIONS

    return dict(OPTIONS)


@router.get("/overlays")
async def overlays(request: Request) -> Response:
    """Every published limit that is shipped: parameters, models, level, credit."""
    return await _said(request, _overlays)
