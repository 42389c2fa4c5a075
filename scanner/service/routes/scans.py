"""Scans: list them, and what one is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated, Any, cast

from fastapi import APIRouter, Query, Request, Response

from scanner import inventory
from scanner.definition import ScanDefinition
from scanner.errors import CatalogError, ScannerError
from scanner.inventory import differences
from scanner.known import experiment_title
from scanner.service.asked import ScanId
from scanner.service.definitions import BODY, costed, resolved
from scanner.service.desk import Answer
from scanner.service.jobs.job import ACTIVE, Job
from scanner.service.jobs.news import News
from scanner.service.jobs.queue import Queue
from scanner.service.records import axis_record, plain_axis
from scanner.service.refusals import sent
from scanner.service.replies import as_json, reply
from scanner.service.settings import Settings
from scanner.service.shelf import Held, Shelf

router = APIRouter(tags=["scans"])
MOST_LISTED = 200


def entry(held: Held, phase: str) -> dict[str, Any]:
    """One line of the list: what a scan is and how far."""
    scan, state = held.scan, held.state
    return {
        **_said(scan.definition),
        "axes": [axis_record(scan, axis) for axis in scan.definition.axes],
        "points": state.points,
        "phase": phase,
        "fraction": state.fraction_done,
        "created": scan.stored.cube.attributes.get("created", ""),
        "last_written": state.last_written,
    }


def waiting_entry(job: Job) -> dict[str, Any]:
    """The same of a scan that was asked for and is not made yet."""
    definition = ScanDefinition.from_dict(dict(job.definition))
    return {
        **_said(definition),
        "axes": [plain_axis(axis) for axis in definition.axes],
        "points": job.points,
        "phase": job.state,
        "fraction": 0.0,
        "created": job.created,
        "last_written": "",
    }


def _said(definition: ScanDefinition) -> dict[str, Any]:
    return {
        "id": definition.id,
        "name": definition.name,
        "title": definition.title,
        "description": definition.description,
        "scenario": definition.scenario,
        "experiments": list(definition.experiments),
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
    """All scans of the store and those that wait to be made, the youngest first."""
    state = request.app.state

    def work() -> bytes:
        found = list(_entries(state.shelf, state.queue, state.news))
        told = differences([definition for definition, _ in found])
        rows = [{**row, "apart": told[row["id"]]} for _, row in found]
        rows.sort(key=lambda row: row["last_written"] or row["created"], reverse=True)
        page = rows[offset : offset + limit]
        return as_json({"scans": page, "total": len(rows), "offset": offset}).content

    made: bytes = await state.desk.look(work)
    return Response(made, media_type="application/json")


def _entries(
    shelf: Shelf, queue: Queue, news: News
) -> Iterator[tuple[ScanDefinition, dict[str, Any]]]:
    there = shelf.names()
    for name in there:
        with suppress(ScannerError):  # told when it is asked for by its id
            held = shelf.scan(name)
            yield held.scan.definition, entry(held, phase_of(held, news))
    for state in ACTIVE:
        for job in queue.list(state, limit=MOST_LISTED):
            if job.scan not in there:
                yield job.resolved(), waiting_entry(job)


def phase_of(held: Held, news: News) -> str:
    """Whether a scan is complete, runs, waits, or nobody works on it."""
    return "complete" if held.settled else str(news.of(held.scan.id)["phase"])


@router.get("/scans/{scan}", response_class=Response, responses=sent("application/json"))
async def scan_(request: Request, scan: ScanId) -> Response:
    """One scan: definition, provenance, progress, minima; of one that waits, what it will be."""
    state = request.app.state

    def look() -> Held | bytes:
        try:
            return cast("Held", state.shelf.scan(scan))
        except CatalogError:
            job = state.queue.of_scan(scan)
            if job is None or not job.active:
                raise
            return as_json({**waiting_entry(job), "definition": dict(job.definition)}).content

    held = await state.desk.look(look)
    if isinstance(held, bytes):
        return Response(held, media_type="application/json")
    return await reply(request, held, lambda: _whole(held, phase_of(held, state.news)))


def _whole(held: Held, phase: str) -> Answer:
    scan = held.scan
    definition = scan.definition
    return as_json(
        {
            **entry(held, phase),
            "digest": scan.stored.digest,
            "titles": {n: experiment_title(definition, n) for n in definition.experiments},
            "definition": definition.to_dict(),
            "provenance": inventory.scan_record(scan.stored),
            "state": asdict(held.state),
            "minima": {n: m.to_dict() for n, m in scan.minima.items()},
        }
    )
