"""Scans: list them, and what one is."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from scanner import inventory
from scanner.errors import ScannerError
from scanner.known import experiment_title
from scanner.service.asked import Open
from scanner.service.definitions import BODY, costed, resolved
from scanner.service.desk import Answer
from scanner.service.records import axis_record
from scanner.service.refusals import sent
from scanner.service.replies import as_json, reply
from scanner.service.settings import Settings
from scanner.service.shelf import Held, Shelf

router = APIRouter(tags=["scans"])
MOST_LISTED = 200


def entry(held: Held) -> dict[str, Any]:
    """One line of the list: what a scan is and how far."""
    scan, state = held.scan, held.state
    definition = scan.definition
    return {
        "id": scan.id,
        "name": definition.name,
        "title": definition.title,
        "description": definition.description,
        "scenario": definition.scenario,
        "experiments": list(definition.experiments),
        "axes": [axis_record(scan, axis) for axis in definition.axes],
        "points": state.points,
        "phase": "complete" if held.settled else "incomplete",
        "fraction": state.fraction_done,
        "created": scan.stored.cube.attributes.get("created", ""),
        "last_written": state.last_written,
    }


@router.post("/plan", openapi_extra=dict(BODY))
async def plan(request: Request) -> Response:
    """What a definition resolves to and what its scan would cost; computes a timed probe only."""
    chosen = await resolved(request)
    settings: Settings = request.app.state.settings
    workers = settings.cluster.get("workers")
    record = await request.app.state.desk.work(lambda: costed(chosen, settings.root, workers))
    return Response(as_json(record).content, media_type="application/json")


@router.get("/scans")
async def scans(
    request: Request,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
) -> Response:
    """All scans of the store, newest last written first."""
    shelf: Shelf = request.app.state.shelf

    def work() -> bytes:
        rows = list(_entries(shelf))
        rows.sort(key=lambda row: row["last_written"], reverse=True)
        page = rows[offset : offset + limit]
        return as_json({"scans": page, "total": len(rows), "offset": offset}).content

    made: bytes = await request.app.state.desk.look(work)
    return Response(made, media_type="application/json")


def _entries(shelf: Shelf) -> Any:
    for name in shelf.names():
        try:
            yield entry(shelf.scan(name))
        except ScannerError:  # told when it is asked for by its id
            continue


@router.get("/scans/{scan}", response_class=Response, responses=sent("application/json"))
async def scan_(request: Request, held: Open) -> Response:
    """One scan: definition, provenance, progress, minima."""

    def work() -> Answer:
        scan = held.scan
        return as_json(
            {
                **entry(held),
                "digest": scan.stored.digest,
                "titles": {
                    n: experiment_title(scan.definition, n) for n in scan.definition.experiments
                },
                "definition": scan.definition.to_dict(),
                "provenance": inventory.scan_record(scan.stored),
                "state": asdict(held.state),
                "minima": {n: m.to_dict() for n, m in scan.minima.items()},
            }
        )

    return await reply(request, held, work)
