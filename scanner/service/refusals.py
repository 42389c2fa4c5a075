"""Errors of the scanner as answers of HTTP; every refusal has the same form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from scanner.errors import (
    CatalogError,
    ClusterError,
    DefinitionError,
    IncompleteScanError,
    MismatchError,
    ScannerError,
    StoreError,
)

KINDS: Mapping[type[ScannerError], tuple[int, str]] = {
    CatalogError: (404, "unknown"),
    DefinitionError: (422, "definition"),
    IncompleteScanError: (409, "incomplete"),
    MismatchError: (409, "mismatch"),
    ClusterError: (503, "cluster"),
    StoreError: (503, "store"),
}
BY_STATUS: Mapping[int, str] = {
    400: "request",
    401: "unauthorised",
    403: "forbidden",
    404: "unknown",
    405: "method",
    408: "slow",
    409: "conflict",
    413: "too_large",
    415: "media_type",
    422: "definition",
    429: "too_many",
    503: "busy",
}


class RefusalError(Exception):
    """A request that is refused with an HTTP status of its own."""

    def __init__(
        self, status: int, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})


class Problem(BaseModel):
    """Why a request was refused, and how to mend it."""

    kind: str
    message: str
    exit_code: int | None = None


class Refused(BaseModel):
    """Body of every answer that is an error."""

    error: Problem


def body(kind: str, message: str, exit_code: int | None = None) -> dict[str, Any]:
    """Body of a refusal.

    >>> body("too_many", "wait a second")
    {'error': {'kind': 'too_many', 'message': 'wait a second', 'exit_code': None}}
    """
    return {"error": {"kind": kind, "message": message, "exit_code": exit_code}}


def status_of(error: ScannerError) -> tuple[int, str]:
    """HTTP status and kind of an error; of a kind that is not known those of its parent."""
    for kind in type(error).__mro__:
        if kind in KINDS:
            return KINDS[kind]
    return 500, "error"


def install(app: FastAPI) -> None:
    """Let every error of the application be answered in one form."""

    @app.exception_handler(ScannerError)
    async def _scanner(_: Request, error: ScannerError) -> JSONResponse:
        status, kind = status_of(error)
        return JSONResponse(body(kind, str(error), error.exit_code), status)

    @app.exception_handler(RefusalError)
    async def _refusal(_: Request, error: RefusalError) -> JSONResponse:
        kind = BY_STATUS.get(error.status, "error")
        return JSONResponse(body(kind, str(error)), error.status, headers=error.headers)

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        kind = BY_STATUS.get(error.status_code, "error")
        return JSONResponse(body(kind, str(error.detail)), error.status_code, headers=error.headers)

    @app.exception_handler(Exception)
    async def _fault(_: Request, __: Exception) -> JSONResponse:
        return JSONResponse(body("error", "a fault of this service: its log says which"), 500)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse(body("definition", _in_words(error)), 422)


def _in_words(error: RequestValidationError) -> str:
    """What is wrong with the arguments of a request: place, value, what is wanted."""
    said = []
    for one in error.errors():
        place = ".".join(str(part) for part in one["loc"])
        value = repr(one.get("input"))
        shown = f" = {value}" if len(value) <= 80 and one["type"] != "missing" else ""
        said.append(f"{place}{shown}: {one['msg'].lower()}")
    return "; ".join(said)


REFUSED: Mapping[int | str, dict[str, Any]] = {
    status: {"model": Refused, "description": BY_STATUS[status].replace("_", " ")}
    for status in (400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 503)
}
"""What any question may be answered with, for the OpenAPI document."""


def sent(*media_types: str, of_scan: bool = True) -> dict[int | str, dict[str, Any]]:
    """What a question is answered with when all is well, for the OpenAPI document.

    Parameters
    ----------
    media_types : str
        Kinds of its answer.
    of_scan : bool
        Whether it is asked of a scan: an answer may not have changed (304), or take longer (202).
    """
    answer = {"description": "the answer", "content": {kind: {} for kind in media_types}}
    if not of_scan:
        return {200: answer}
    return {
        200: answer,
        202: {
            "description": "is being worked out: ask again after Retry-After seconds",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        304: {"description": "did not change since the ETag that was sent along"},
    }
