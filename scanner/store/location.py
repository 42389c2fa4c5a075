"""Locations: the text that names a place of a store, and the folder it leads to."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from scanner.errors import DefinitionError, unknown
from scanner.store.files import DiskFolder
from scanner.store.folder import Folder

SCHEMES = {"file": "///", "s3": "//"}
"""Known schemes, and the slashes after them."""

SERVED = ("http", "https")
"""Schemes of a service (`scanner serve`), which is no store."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SLASHES_LOST = re.compile(rf"({'|'.join(SCHEMES)}):/(?!/)")  # by pathlib


def folder_at(location: str | Path) -> Folder:
    """Folder at a path or URL: ``scans``, ``~/scans``, ``file:///data/scans``, ``s3://bucket/x``.

    Raises
    ------
    DefinitionError
        An unknown scheme, that of a service, or credentials in the URL (which is not repeated).
    """
    text = str(location)
    if isinstance(location, Path):
        text = _SLASHES_LOST.sub(lambda lost: f"{lost[1]}:{SCHEMES[lost[1]]}", text)
    found = _SCHEME.match(text)
    if not found:
        return _on_disk(Path(text).expanduser())
    scheme, rest = found[1].lower(), text[found.end() :]
    if scheme in SERVED:
        raise DefinitionError(
            f"--store {scheme}://...: that is a service, no store: ask it from Python with "
            "scanner.connect(URL), or name the store behind it"
        )
    if scheme not in SCHEMES:
        raise DefinitionError(f"--store {scheme}://...: {unknown('scheme', scheme, SCHEMES)}")
    if scheme == "s3":
        from scanner.store.objects import object_folder

        return object_folder(rest)
    if not rest.startswith("/"):
        raise DefinitionError(f"--store {text}: write file:///PATH with an absolute path")
    return _on_disk(Path(unquote(rest)))


def _on_disk(path: Path) -> Folder:

    return DiskFolder(path.absolute())
