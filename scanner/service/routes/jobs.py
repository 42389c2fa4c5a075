"""Jobs: scans that are asked for, cancelled, resumed, and followed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from scanner.definition import ScanDefinition
from scanner.errors import CatalogError, ScannerError
from scanner.service.access.guard import Caller, Reader, Submitter
from scanner.service.access.streams import Streams
from scanner.service.asked import ScanId
from scanner.service.definitions import BODY, resolved
from scanner.service.jobs.dispatcher import Dispatcher
from scanner.service.jobs.job import STATES, Job, State
from scanner.service.jobs.news import ENDS, News
from scanner.service.jobs.queue import Queue
from scanner.service.refusals import RefusalError, sent
from scanner.service.replies import as_json, plain
from scanner.service.shelf import Shelf

router = APIRouter(tags=["jobs"])

HIGHEST = 100  # priority
TICK = 1.0  # s between looks for listeners
SILENCE = 15.0  # s after which a line is sent that says nothing, lest a proxy ends the stream

Priority = Annotated[
    int, Query(ge=-HIGHEST, le=HIGHEST, description="The higher is begun first; above 0 for admin.")
]
JobId = Annotated[int, Path(ge=1, le=2**53)]


@router.post(
    "/scans",
    openapi_extra=dict(BODY),
    response_class=Response,
    status_code=201,
    responses={200: {"description": "the same definition is the same scan: it was there"}},
)
async def submit(request: Request, caller: Submitter, priority: Priority = 0) -> Response:
    """Ask for the scan of a definition: the same definition is the same scan, computed once."""
    if priority > 0 and not caller.may("admin"):
        raise RefusalError(403, f"priority {priority}: above 0 needs the scope admin")
    chosen = await resolved(request)
    desk = request.app.state.desk
    shelf: Shelf = request.app.state.shelf
    dispatcher: Dispatcher = request.app.state.dispatcher

    def work() -> tuple[Job | None, bool]:
        if _settled(shelf, chosen):
            return None, False
        return dispatcher.add(chosen, priority, caller.name, caller.quota)

    job, new = await desk.look(work)
    record = {"scan": chosen.id, "job": job and job.to_dict(), "state": _now(chosen, job)}
    return Response(as_json(record).content, 201 if new else 200, media_type="application/json")


def _settled(shelf: Shelf, chosen: ScanDefinition) -> bool:
    """Whether the scan is there, complete."""
    try:
        return shelf.scan(chosen.id).settled
    except CatalogError:
        return False


def _now(chosen: ScanDefinition, job: Job | None) -> dict[str, Any]:
    """What is known without a look at the store, which may be away: the job waits for it."""
    if job is None:
        return {"scan": chosen.id, "phase": "complete", "message": ""}
    return {"scan": chosen.id, "phase": job.state, "message": job.message}


async def _news(request: Request, scan: str, *, anew: bool = False) -> dict[str, Any]:
    news: News = request.app.state.news
    told: dict[str, Any] = await request.app.state.desk.look(lambda: news.of(scan, anew=anew))
    return told


@router.get("/scans/{scan}/state", response_class=Response, responses=sent("application/json"))
async def state(request: Request, scan: ScanId) -> Response:
    """How far a scan is, once; `events` tells it again and again."""
    return Response(as_json(await _news(request, scan)).content, media_type="application/json")


@router.get(
    "/scans/{scan}/events",
    response_class=StreamingResponse,
    responses=sent("text/event-stream", of_scan=False),
)
async def events(request: Request, caller: Reader, scan: ScanId) -> StreamingResponse:
    """How far a scan is, whenever that changes (server-sent events), until it ends.

    Each event is called `state`; the last one has the phase complete, failed, cancelled or
    incomplete (nobody works on it).
    """
    first = await _news(request, scan)  # an unknown scan is refused in the usual form
    streams: Streams = request.app.state.streams
    streams.admit(caller.name)  # nothing is waited for between this and the answer
    return _Held(
        _told(request, scan, first),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    ).counted(streams, caller.name)


class _Held(StreamingResponse):
    """A stream that counts for its caller, however it ends."""

    def counted(self, streams: Streams, caller: str) -> _Held:
        self._streams, self._caller = streams, caller
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._streams.held(self._caller):
            await super().__call__(scope, receive, send)


async def _told(request: Request, scan: str, told: dict[str, Any]) -> AsyncIterator[bytes]:
    last: dict[str, Any] = {}
    silent = 0.0
    while True:
        if told != last:
            yield f"event: state\ndata: {json.dumps(plain(told))}\n\n".encode()
            last, silent = told, 0.0
        elif silent >= SILENCE:
            yield b": still here\n\n"
            silent = 0.0
        if told["phase"] in ENDS or await request.is_disconnected():
            return
        await asyncio.sleep(TICK)
        silent += TICK
        try:
            told = await _news(request, scan)
        except CatalogError as error:
            told = {**last, "phase": "failed", "message": str(error)}
        except ScannerError as error:  # the store is away; its jobs wait, and so do listeners
            told = {**last, "message": str(error)}


@router.post("/scans/{scan}/cancel", response_class=Response, responses=sent("application/json"))
async def cancel(request: Request, caller: Submitter, scan: ScanId) -> Response:
    """Ask whoever works on a scan to end after the running chunks; what is done stays."""
    queue: Queue = request.app.state.queue
    dispatcher: Dispatcher = request.app.state.dispatcher

    def work() -> Job:
        job = _owned(queue.of_scan(scan), scan, caller)
        return dispatcher.cancel(job.id) if job.active else job

    job = await request.app.state.desk.look(work)
    return await _answered(request, scan, job)


@router.post("/scans/{scan}/resume", response_class=Response, responses=sent("application/json"))
async def resume(request: Request, caller: Submitter, scan: ScanId) -> Response:
    """Go on with a scan: only what is missing is computed."""
    shelf: Shelf = request.app.state.shelf
    queue: Queue = request.app.state.queue
    dispatcher: Dispatcher = request.app.state.dispatcher

    def work() -> Job | None:
        held = None
        try:
            held = shelf.scan(scan)
        except CatalogError:
            if (job := queue.of_scan(scan)) is None:
                raise
            chosen = ScanDefinition.from_dict(dict(job.definition))
        else:
            chosen = held.scan.definition
        if held is not None and held.settled:
            return None
        return dispatcher.add(chosen, 0, caller.name, caller.quota)[0]

    job = await request.app.state.desk.look(work)
    return await _answered(request, scan, job)


def _owned(job: Job | None, scan: str, caller: Caller) -> Job:
    """The job of a scan, if the caller may end it.

    Raises
    ------
    CatalogError
        There is none.
    RefusalError
        403: somebody else's.
    """
    if job is None:
        raise CatalogError(f"no job of scan {scan}: it was not asked for here")
    if job.token != caller.name and not caller.may("admin"):
        raise RefusalError(
            403, f"scan {scan} was asked for by {job.token!r}: they, or admin, end it"
        )
    return job


async def _answered(request: Request, scan: str, job: Job | None) -> Response:
    told = await _news(request, scan, anew=True)
    record = {"scan": scan, "job": job and job.to_dict(), "state": told}
    return Response(as_json(record).content, media_type="application/json")


@router.get("/jobs", response_class=Response, responses=sent("application/json", of_scan=False))
async def jobs(
    request: Request,
    state: Annotated[State | None, Query(description="Only those in this state.")] = None,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Jobs, the last asked for first, and how many there are in each state."""
    queue: Queue = request.app.state.queue

    def work() -> bytes:
        found = [job.to_dict() for job in queue.list(state, offset, limit)]
        return as_json(
            {"jobs": found, "counts": {s: queue.counts().get(s, 0) for s in STATES}}
        ).content

    return Response(await request.app.state.desk.look(work), media_type="application/json")


@router.get(
    "/jobs/{number}", response_class=Response, responses=sent("application/json", of_scan=False)
)
async def job(request: Request, number: JobId) -> Response:
    """One job."""
    queue: Queue = request.app.state.queue
    made = await request.app.state.desk.look(lambda: as_json(queue.get(number).to_dict()).content)
    return Response(made, media_type="application/json")
