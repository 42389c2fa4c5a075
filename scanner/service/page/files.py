"""Files of the page, as they are sent: a table that is made once, so that no path is opened later.

Addresses carry a digest of all files: what a browser has kept is either right or not asked for.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
INDEX = "index.html"
VERSION = "@VERSION@"  # in index.html, as the next
MODULES = "@MODULES@"
MODULE = '<link rel="modulepreload" href="static/{version}/{name}">'
MEDIA = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
}
LEAST_ZIPPED = 512  # bytes; what is smaller gains nothing

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",  # plotly places and sizes its labels by style attributes
        "img-src 'self' blob: data:",  # figures fetched with a token; plotly draws heat maps so
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content security policy of the page: nothing from elsewhere, no script or style within it."""


@dataclass(frozen=True)
class File:
    """One file as it is sent.

    Parameters
    ----------
    content, zipped : bytes
        As it is, and with gzip; `zipped` is empty where that gains nothing.
    media_type, digest : str
        What it is, and of its content.
    """

    content: bytes
    zipped: bytes
    media_type: str
    digest: str


@lru_cache(maxsize=1)
def table() -> Mapping[str, File]:
    """Every file by its path below the page: ``""`` and ``static/DIGEST/...``."""
    found = {
        path.relative_to(FOLDER).as_posix(): path.read_bytes()
        for path in sorted(FOLDER.rglob("*"))
        if path.suffix in MEDIA
    }
    version = digest(found)
    index = found.pop(INDEX).decode().replace(MODULES, _modules(found, version))
    files = {"": _file(INDEX, index.replace(VERSION, version).encode())}
    return files | {f"static/{version}/{name}": _file(name, data) for name, data in found.items()}


def _modules(names: Iterable[str], version: str) -> str:
    """Elements that let a browser fetch all modules at once, rather than as each names others."""
    own = (name for name in names if name.startswith("app/"))
    return "\n".join(MODULE.format(version=version, name=name) for name in own)


def digest(files: Mapping[str, bytes]) -> str:
    """Of names and contents together, 16 hexadecimal digits.

    >>> digest({"a": b"1"}) == digest({"a": b"2"})
    False
    """
    parts = (f"{name} {sha256(data).hexdigest()}\n" for name, data in sorted(files.items()))
    return sha256("".join(parts).encode()).hexdigest()[:16]


def _file(name: str, data: bytes) -> File:
    zipped = gzip.compress(data, 9, mtime=0) if len(data) >= LEAST_ZIPPED else b""
    return File(data, zipped, MEDIA[Path(name).suffix], sha256(data).hexdigest()[:32])
