"""The Zarr cube itself, so that ``xarray.open_zarr(URL)`` works from a notebook.

The metadata of the group are told with those of its arrays inside (consolidated): over HTTP nobody
can list a folder. They are put together here; the cube in the store has none.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from scanner.errors import MismatchError
from scanner.service.asked import Open
from scanner.service.refusals import RefusalError, sent
from scanner.service.shelf import Held
from scanner.store.folder import Folder
from scanner.store.layout import CUBE

router = APIRouter(tags=["cube"])

METADATA = "zarr.json"
KEY = re.compile(r"(?:(?P<array>\w{1,64})/)?(?:zarr\.json|c(?:/(?:0|[1-9]\d{0,8})){1,16})")
"""All that a cube has: nothing else becomes part of a path."""
CHUNKED = ("chi2", "status")
"""Arrays over the experiments and all axes; the others have one dimension."""

Key = Annotated[str, Path(max_length=200, description="Key of a Zarr store, such as chi2/c/0/0/0.")]


@router.head("/scans/{scan}/cube.zarr/{key:path}", include_in_schema=False)
@router.get(
    "/scans/{scan}/cube.zarr/{key:path}",
    response_class=Response,
    responses=sent("application/json", "application/octet-stream"),
)
async def cube(request: Request, held: Open, key: Key) -> Response:
    """One object of the cube: metadata, or a chunk as it is stored.

    Of a scan that is growing, chunks that are not there yet are 404: readers see the fill value.
    """
    data: bytes | None = await request.app.state.desk.look(lambda: _read(held, key))
    if data is None:
        raise RefusalError(404, f"the cube has no {key[:100]!r}")
    etag = f'"{sha256(data).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Accept-Ranges": "none"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    kind = "application/json" if key.endswith(METADATA) else "application/octet-stream"
    if request.method == "HEAD":
        return Response(headers={**headers, "Content-Length": str(len(data))}, media_type=kind)
    return Response(data, media_type=kind, headers=headers)


def _read(held: Held, key: str) -> bytes | None:
    found = KEY.fullmatch(key)
    names = arrays(held)
    if found is None or (found["array"] and found["array"] not in names):
        return None
    folder = held.scan.stored.folder.child(CUBE)
    if key == METADATA:
        return consolidated(folder, names)
    if found["array"] is None:
        return None
    dimensions = len(held.scan.definition.axes) + 1 if found["array"] in CHUNKED else 1
    if not key.endswith(METADATA) and key.count("/") != dimensions + 1:
        return None
    return _inside(folder, key)


def arrays(held: Held) -> tuple[str, ...]:
    """Names of the cube's arrays."""
    axes = (axis.name for axis in held.scan.definition.axes)
    return (*CHUNKED, "experiment", *axes)


def _inside(folder: Folder, key: str) -> bytes | None:
    *folders, name = key.split("/")
    for part in folders:
        folder = folder.child(part)
    return folder.read(name)


def consolidated(folder: Folder, names: tuple[str, ...]) -> bytes:
    """Metadata of the group with those of its arrays, as zarr-python writes them."""
    group = _metadata(folder, METADATA)
    members = {name: _metadata(folder, f"{name}/{METADATA}") for name in names}
    inline = {"kind": "inline", "must_understand": False, "metadata": members}
    return json.dumps({**group, "consolidated_metadata": inline}).encode()


def _metadata(folder: Folder, key: str) -> dict[str, Any]:
    data = _inside(folder, key)
    try:
        found = json.loads(data or b"")
    except ValueError as error:
        raise MismatchError(f"{folder}/{key} cannot be read ({error}): run again") from error
    if not isinstance(found, dict):
        raise MismatchError(f"{folder}/{key} is no metadata: run again")
    return found
