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
_LIKE_A_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)
_SLASHES_LOST = re.compile(rf"({'|'.join(SCHEMES)}):/(?!/)")  # by pathlib


def folder_at(location: str | Path) -> Folder:
    """Folder at a path or URL: ``scans``, ``~/scans``, ``file:///data/scans``, ``s3://bucket/x``.

    Raises
    ------
    DefinitionError
        An unknown scheme, that of a service, a URL without one of its slashes, or credentials in
        the URL (which is then not repeated).
    """
    text = str(location)
    if isinstance(location, Path):
        text = _SLASHES_LOST.sub(lambda lost: f"{lost[1]}:{SCHEMES[lost[1]]}", text)
    found = _SCHEME.match(text)
    if not found:
        _check_no_url(text)
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
        from scanner.store import s3
        from scanner.store.objects import ObjectFolder

        return ObjectFolder(*s3.bucket_and_prefix(rest))
    if not rest.startswith("/"):
        raise DefinitionError(f"--store {text}: write file:///PATH with an absolute path")
    return _on_disk(Path(unquote(rest)))


def _check_no_url(text: str) -> None:
    """DefinitionError for a URL that lost a slash: a folder of that name would be made unseen."""
    like = _LIKE_A_URL.fullmatch(text)
    if not like:
        return
    scheme, rest = like[1].lower(), like[2]
    if scheme not in SCHEMES and not rest.startswith("/"):
        return
    if "@" in rest:  # perhaps credentials, which are not repeated
        text, rest = f"{like[1]}:...", "/..."
    folder = f"a folder of that name is ./{text}"
    if scheme not in SCHEMES:
        raise DefinitionError(f"--store {text}: {unknown('scheme', scheme, SCHEMES)}; {folder}")
    meant = f"{scheme}:{SCHEMES[scheme]}{rest.lstrip('/')}"
    raise DefinitionError(f"--store {text}: did you mean {meant}? ({folder})")


def _on_disk(path: Path) -> Folder:
    return DiskFolder(path.absolute())
