"""What is asked of a scan, as the arguments of an address."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Depends, Path, Query, Request

from scanner.errors import DefinitionError, IncompleteScanError
from scanner.reading.named import numbers
from scanner.service.shelf import Held, Shelf

MOST_NAMES = 64

ScanId = Annotated[
    str, Path(pattern="^[0-9a-f]{16}$", description="Id of a scan: 16 hexadecimal digits.")
]
At = Annotated[
    list[str] | None,
    Query(
        max_length=MOST_NAMES,
        description="Hold an axis at a value: `at=mass=10`; repeat for several.",
        examples=["mass=10"],
    ),
]
Experiments = Annotated[
    list[str] | None,
    Query(
        alias="experiment", max_length=MOST_NAMES, description="Repeat for several; default: all."
    ),
]
Keep = Annotated[
    list[str] | None,
    Query(max_length=MOST_NAMES, description="Axis to keep; repeat. Default: first and last."),
]
Reference = Annotated[
    Literal["global", "sm", "raster"], Query(description="What Delta chi2 counts from.")
]
Level = Annotated[float, Query(gt=0.0, lt=1.0, description="Confidence level, a fraction.")]
Levels = Annotated[
    list[Annotated[float, Query(gt=0.0, lt=1.0)]] | None,
    Query(alias="cl", max_length=8, description="Confidence level, a fraction; repeat."),
]
Degrees = Annotated[int | None, Query(ge=1, le=100, description="Degrees of freedom.")]
Partial = Annotated[
    bool, Query(description="Ask a scan that is not complete yet: what is there is answered.")
]


async def _held(request: Request, scan: ScanId) -> Held:
    shelf: Shelf = request.app.state.shelf
    held: Held = await request.app.state.desk.look(lambda: shelf.scan(scan))
    return held


Open = Annotated[Held, Depends(_held)]


def whole(held: Held, partial: bool) -> Held:
    """The scan, if it is complete or may be asked before it is.

    Raises
    ------
    IncompleteScanError
        It is not; says how far it is.
    """
    if not held.settled and not partial:
        state = held.state
        raise IncompleteScanError(
            f"scan {held.scan.id}: {state.done} of {state.total} chunks done"
            f"{', the minima are being looked for' if state.complete else ''}: ask again when it "
            "is complete (`events` tells), or add partial=true"
        )
    return held


def question(
    at: At = None, experiment: Experiments = None, reference: Reference = "global"
) -> dict[str, Any]:
    """Arguments that all questions share."""
    return {"at": values(at), "experiments": experiment, "reference": reference}


Asked = Annotated[dict[str, Any], Depends(question)]


def values(at: list[str] | None) -> dict[str, float]:
    """``name=value`` texts; DefinitionError for one that is none."""
    return numbers(at)


def point_values(held: Held, at: dict[str, float]) -> dict[str, float]:
    """Values of every axis: the named ones, the others where chi2 of all experiments is least.

    Raises
    ------
    DefinitionError
        An unknown axis, or a value outside its range.
    """
    scan = held.scan
    unknown = set(at) - {axis.name for axis in scan.definition.axes}
    if unknown:
        raise DefinitionError(
            f"at={sorted(unknown)[0]}: the scan has the axes "
            f"{', '.join(axis.name for axis in scan.definition.axes)}"
        )
    found = scan.query(at).answers["combined"].profiled
    return {**at, **found}
