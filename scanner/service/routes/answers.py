"""Questions to a scan: point lookup, interval, contour, profile, slice, and a point explained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from scanner.errors import DefinitionError
from scanner.limits.export.content import Question, content
from scanner.limits.export.writer import as_text
from scanner.service.asked import (
    Asked,
    At,
    Degrees,
    Keep,
    Level,
    Levels,
    Open,
    Partial,
    point_values,
    values,
    whole,
)
from scanner.service.desk import Answer
from scanner.service.records import explained, geojson, overlay_records, surface_record
from scanner.service.refusals import sent
from scanner.service.replies import as_json, reply
from scanner.service.shelf import Held

router = APIRouter(tags=["answers"])
MOST_POINTS = 1000

Most = Annotated[
    int, Query(ge=2, le=MOST_POINTS, description="Points told of an axis at most; thinned evenly.")
]
Digits = Annotated[
    int | None, Query(ge=2, le=17, description="Significant digits on the grid; default: all.")
]
Sided = Annotated[Literal["two", "one"], Query(description="An interval, or an upper limit.")]
Form = Annotated[Literal["json", "geojson", "csv"], Query(alias="format")]


def _headed(held: Held, record: dict[str, Any]) -> Answer:
    scan = held.scan
    return as_json({"scan": scan.id, "digest": scan.stored.digest, **record})


@router.get("/scans/{scan}/query", response_class=Response, responses=sent("application/json"))
async def query(
    request: Request, held: Open, asked: Asked, dof: Degrees = None, partial: Partial = False
) -> Response:
    """chi2 and Delta chi2 at a point, for each experiment and combined: who excludes it.

    Interpolated in axis scale, profiled over the axes that are not held.
    """
    scan = whole(held, partial).scan
    at = asked.pop("at")
    return await reply(
        request, held, lambda: _headed(held, scan.query(at, dof=dof, **asked).to_dict())
    )


@router.get("/scans/{scan}/interval", response_class=Response, responses=sent("application/json"))
async def interval(
    request: Request,
    held: Open,
    asked: Asked,
    parameter: Annotated[str, Query(max_length=100, description="An axis of the scan.")],
    cl: Level = 0.9,
    dof: Degrees = None,
    sided: Sided = "two",
    exact: Annotated[bool, Query(description="Ends by root search on the likelihood.")] = False,
    partial: Partial = False,
) -> Response:
    """Allowed intervals of one parameter, profiled over the axes that are not held."""
    scan = whole(held, partial).scan

    def work() -> Answer:
        found = scan.interval(parameter, cl=cl, dof=dof or 1, sided=sided, exact=exact, **asked)
        return _headed(held, found.to_dict())

    return await reply(request, held, work)


@router.get(
    "/scans/{scan}/contour", response_class=Response, responses=sent("application/json", "text/csv")
)
async def contour(
    request: Request,
    held: Open,
    asked: Asked,
    keep: Keep = None,
    cl: Levels = None,
    dof: Degrees = None,
    form: Form = "json",
    partial: Partial = False,
) -> Response:
    """Contours of two parameters: polylines, open or closed, islands and holes."""
    scan = whole(held, partial).scan
    cls = tuple(cl or (0.9,))

    def work() -> Answer:
        if form == "csv":
            made = content(
                scan, "contour", Question(keep=tuple(keep or ()), cls=cls, dof=dof, **asked)
            )
            name = held.file_name("_contour.csv")
            return Answer(as_text(made, "csv").encode(), "text/csv; charset=utf-8", name)
        found = scan.contour(keep, cls=cls, dof=dof or 2, **asked)
        return _headed(held, geojson(found) if form == "geojson" else found.to_dict())

    return await reply(request, held, work)


@router.get("/scans/{scan}/profile", response_class=Response, responses=sent("application/json"))
async def profile(
    request: Request,
    held: Open,
    asked: Asked,
    keep: Keep = None,
    most: Most = 400,
    digits: Digits = None,
    partial: Partial = False,
) -> Response:
    """chi2 and Delta chi2 over one or two kept axes, profiled over those that are not held."""
    scan = whole(held, partial).scan
    kept = keep or list(scan.default_plane(asked["at"]))
    return await reply(request, held, lambda: _surface(held, kept, (most, digits), asked))


@router.get("/scans/{scan}/slice", response_class=Response, responses=sent("application/json"))
async def slice_(
    request: Request,
    held: Open,
    asked: Asked,
    keep: Keep = None,
    most: Most = 400,
    digits: Digits = None,
    partial: Partial = False,
) -> Response:
    """The same with every other axis held at a value: nothing is profiled."""
    scan = whole(held, partial).scan
    kept = keep or list(scan.default_plane(asked["at"]))
    free = {axis.name for axis in scan.definition.axes} - {*kept, *asked["at"]}
    if free:
        raise DefinitionError(
            f"slice: {', '.join(sorted(free))} has no value: hold it with at=NAME=VALUE, keep it, "
            "or ask for the `profile`"
        )
    return await reply(request, held, lambda: _surface(held, kept, (most, digits), asked))


def _surface(
    held: Held, keep: list[str], told: tuple[int, int | None], asked: dict[str, Any]
) -> Answer:
    """Surface over the kept axes; `told` is how many points of an axis and how many digits."""
    if not 1 <= len(keep) <= 2:
        raise DefinitionError(f"keep={','.join(keep)}: keep one axis or two")
    scan = held.scan
    reference = asked["reference"]
    rest = {key: value for key, value in asked.items() if key != "reference"}
    delta = scan.delta_chi2(keep, **asked)
    record = surface_record(scan, scan.profile(keep, **rest), delta.chi2, *told)
    return _headed(held, {**record, "reference": reference})


@router.get("/scans/{scan}/explain", response_class=Response, responses=sent("application/json"))
async def explain(
    request: Request, held: Open, at: At = None, partial: Partial = False
) -> Response:
    """One point explained: counts, pulls, residuals and spectra of every experiment.

    Evaluated anew with the likelihood; axes without a value are where chi2 is least.
    """
    scan = whole(held, partial).scan
    given = values(at)
    return await reply(
        request, held, lambda: _headed(held, explained(scan, point_values(held, given)))
    )


@router.get("/scans/{scan}/overlays", response_class=Response, responses=sent("application/json"))
async def overlays(request: Request, held: Open, keep: Keep = None) -> Response:
    """Published limits that hold for the scan's model and lie in the plane, with their regions."""
    scan = held.scan
    kept = keep or list(scan.default_plane())
    return await reply(
        request, held, lambda: _headed(held, {"overlays": overlay_records(scan, kept)})
    )
