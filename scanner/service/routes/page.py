"""The page: files that the package ships, from a fixed table."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from scanner.service.page.files import POLICY, File, table
from scanner.service.refusals import RefusalError

router = APIRouter(include_in_schema=False)

LASTING = "public, max-age=31536000, immutable"  # its address changes with it
HEADERS = {
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
}


@router.head("/")
@router.get("/")
async def index(request: Request) -> Response:
    """The page itself."""
    return _sent(request, table()[""], "no-cache")


@router.head("/static/{path:path}")
@router.get("/static/{path:path}")
async def static(request: Request, path: str) -> Response:
    """A file of the page; 404 for what is not in its table."""
    file = table().get(f"static/{path}")
    if file is None:
        raise RefusalError(404, f"the page has no file {path[:100]!r}: load it anew")
    return _sent(request, file, LASTING)


def _sent(request: Request, file: File, lasting: str) -> Response:
    zipped = bool(file.zipped) and "gzip" in request.headers.get("accept-encoding", "")
    content = file.zipped if zipped else file.content
    etag = f'"{file.digest}-gzip"' if zipped else f'"{file.digest}"'
    headers = {**HEADERS, "ETag": etag, "Cache-Control": lasting}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    headers |= {"Content-Encoding": "gzip"} if zipped else {}
    if request.method == "HEAD":
        headers["Content-Length"] = str(len(content))
        return Response(media_type=file.media_type, headers=headers)
    return Response(content, media_type=file.media_type, headers=headers)
