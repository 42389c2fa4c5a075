"""Figures, exports and references of a scan, as files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from scanner import bibliography
from scanner.drawing import draw
from scanner.service.asked import Asked, Degrees, Keep, Levels, Open, Partial, whole
from scanner.service.desk import Answer
from scanner.service.refusals import sent
from scanner.service.replies import reply
from scanner.service.shelf import Held

router = APIRouter(tags=["figures and exports"])

Suffix = Literal["png", "svg", "pdf"]
MEDIA = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
Overlay = Annotated[
    list[Annotated[str, Query(max_length=100)]] | None,
    Query(max_length=64, description="Published limit to draw beneath: a name, pattern or `all`."),
]
EXPORTS = {
    "csv": (".csv", "text/csv; charset=utf-8"),
    "json": (".json", "application/json"),
    "hepdata": (".tar.gz", "application/gzip"),
    "netcdf": (".nc", "application/x-netcdf"),
}


@router.get(
    "/scans/{scan}/figure.{suffix}", response_class=Response, responses=sent(*MEDIA.values())
)
async def figure(
    request: Request,
    held: Open,
    suffix: Suffix,
    asked: Asked,
    keep: Keep = None,
    cl: Levels = None,
    dof: Degrees = None,
    overlay: Overlay = None,
    look: Annotated[Literal["journal", "wide", "talk"], Query()] = "journal",
    drivers: Annotated[bool, Query(description="Shade the line by who drives it.")] = False,
    bare: Annotated[bool, Query(description="No title and no line of provenance.")] = False,
    partial: Partial = False,
) -> Response:
    """The exclusion figure, as `scanner plot` draws it."""
    whole(held, partial)
    how: dict[str, Any] = {
        **asked,
        "keep": keep,
        "cl": cl,
        "dof": dof,
        "overlays": overlay or (),
        "look": look,
        "driven": drivers,
        "bare": bare,
    }
    return await reply(request, held, lambda: _drawn(held, suffix, **how), drawing=True)


@router.get("/scans/{scan}/thumbnail.png", response_class=Response, responses=sent("image/png"))
async def thumbnail(request: Request, held: Open) -> Response:
    """A small figure for lists; of a scan that is growing, what is there."""
    return await reply(request, held, lambda: _drawn(held, "png"), drawing=True)


def _drawn(held: Held, suffix: str, **how: Any) -> Answer:
    with tempfile.TemporaryDirectory() as place:
        made = draw(held.scan, Path(place) / f"figure.{suffix}", **how)
        name = "" if suffix == "png" else held.file_name(f".{suffix}")
        return Answer(made.read_bytes(), MEDIA[suffix], name)


@router.get(
    "/scans/{scan}/export",
    response_class=Response,
    responses=sent(*(media for _, media in EXPORTS.values())),
)
async def export(
    request: Request,
    held: Open,
    asked: Asked,
    form: Annotated[Literal["csv", "json", "hepdata", "netcdf"], Query(alias="format")],
    what: Annotated[Literal["contour", "profile", "interval", "cube"] | None, Query()] = None,
    keep: Keep = None,
    cl: Levels = None,
    dof: Degrees = None,
    partial: Partial = False,
) -> Response:
    """Limits, or the cube, for others: as `scanner export` writes it."""
    whole(held, partial)
    question = {**asked, "keep": tuple(keep or ()), "cls": tuple(cl or (0.9,)), "dof": dof}
    return await reply(request, held, lambda: _exported(held, form, what, question))


def _exported(held: Held, form: str, what: str | None, question: dict[str, Any]) -> Answer:
    suffix, media = EXPORTS[form]
    name = held.file_name(suffix)
    with tempfile.TemporaryDirectory() as place:
        made = held.scan.export(Path(place) / name, form, what, **question)
        return Answer(made.read_bytes(), media, name)


@router.get(
    "/scans/{scan}/references", response_class=Response, responses=sent("application/x-bibtex")
)
async def references(request: Request, held: Open) -> Response:
    """What a result of the scan cites, as BibTeX."""

    def work() -> Answer:
        text = bibliography.bibtex(held.scan.bibliography())
        name = held.file_name(".bib")
        return Answer(text.encode(), "application/x-bibtex; charset=utf-8", name)

    return await reply(request, held, work)
