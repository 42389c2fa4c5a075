"""The application: settings in, routes and their shared state out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI

from scanner.definition import ENGINE_VERSION
from scanner.service import refusals
from scanner.service.access import guard
from scanner.service.access.gate import Gate
from scanner.service.access.guard import needs
from scanner.service.access.streams import Streams
from scanner.service.declared import only_declared
from scanner.service.desk import Desk
from scanner.service.jobs.dispatcher import Dispatcher
from scanner.service.jobs.news import News
from scanner.service.jobs.queue import Queue
from scanner.service.routes import answers, catalogue, cube, figures, jobs, page, scans
from scanner.service.settings import Settings, make_private
from scanner.service.shelf import Shelf
from scanner.store.provenance import PACKAGE, package_version

API = "/api/v1"
TITLE = "CEvNS scanner"
JOBS = "jobs.sqlite"


def create_app(settings: Settings) -> FastAPI:
    """Application of a service; nothing runs before it is started.

    Parameters
    ----------
    settings : Settings
        What it serves.
    """

    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        begin(app)
        app.state.desk = Desk(settings)
        app.state.desk.warm()
        try:
            yield
        finally:
            app.state.dispatcher.stop()
            app.state.desk.close()
            app.state.queue.close()

    app = FastAPI(
        title=TITLE,
        summary="Parameter scans and exclusion limits for coherent elastic neutrino-nucleus "
        "scattering.",
        version=package_version(PACKAGE) or "0",
        license_info={"name": "MIT", "identifier": "MIT"},
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        lifespan=alive,
    )
    app.state.settings = settings
    app.state.shelf = Shelf(settings.root, settings.scan_bytes)
    refusals.install(app)
    app.state.streams = Streams()
    guard.install(app, settings)
    app.add_middleware(Gate, settings=settings)
    app.include_router(
        _about(settings),
        prefix=API,
        tags=["service"],
        responses={422: refusals.REFUSED[422]},
        dependencies=[Depends(only_declared(API))],
    )
    for routes in (catalogue, scans, jobs, answers, figures, cube):
        app.include_router(
            routes.router,
            prefix=API,
            responses=dict(refusals.REFUSED),
            dependencies=[Depends(needs("read")), Depends(only_declared(API))],
        )
    app.include_router(page.router)
    return app


def begin(app: FastAPI) -> None:
    """Start the jobs of an application, unless that was done; its own start does it otherwise.

    Raises
    ------
    StoreError
        The folder of the service's own files cannot be made or written.
    DefinitionError
        Another service works there.
    """
    if getattr(app.state, "dispatcher", None) is not None:
        return
    settings: Settings = app.state.settings
    make_private(settings.state)
    app.state.queue = Queue(settings.state / JOBS)
    app.state.news = News(app.state.queue, settings.root)
    dispatcher = Dispatcher(app.state.queue, settings)
    dispatcher.start()
    app.state.dispatcher = dispatcher


def _about(settings: Settings) -> APIRouter:
    router = APIRouter()

    @router.get("/")
    async def about() -> dict[str, Any]:
        """What this service is, who may ask, and how much."""
        return {
            "name": TITLE,
            "version": package_version(PACKAGE),
            "engine_version": ENGINE_VERSION,
            "access": settings.access,
            "limits": {
                "points": settings.most_points,
                "body_bytes": settings.body_bytes,
                "requests_per_second": settings.requests_per_second,
            },
        }

    @router.get("/health")
    async def health() -> dict[str, str]:
        """Whether the service answers."""
        return {"status": "ok"}

    return router
