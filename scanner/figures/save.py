"""Write a figure: whole or not at all, and the same bytes for the same figure."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from scanner.errors import DefinitionError, StoreError, missing_folder
from scanner.figures import style

# a date in the file would make every run differ
_METADATA: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "ModDate": None},
    "png": {},
    "svg": {"Date": None},
}
_PROVENANCE = {"pdf": "Subject", "png": "Description", "svg": "Description"}


def check_path(path: str | Path) -> Path:
    """The path if a figure can go there: asked before the work, not after it.

    Raises
    ------
    DefinitionError
        A suffix that is not one of pdf, png, svg.
    StoreError
        The folder does not exist.
    """
    target = Path(path)
    if target.suffix[1:].lower() not in _METADATA:
        raise DefinitionError(
            f"{target}: cannot write {target.suffix or 'a file without suffix'};"
            f" end the name in .{', .'.join(_METADATA)}"
        )
    if not target.absolute().parent.is_dir():
        raise StoreError(missing_folder(str(target), str(target.parent)))
    return target


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure under a temporary name beside `path`, then put it in place.

    Its provenance, whole, stands in the file too: ``Subject`` of a pdf, ``Description`` of others.

    Raises
    ------
    DefinitionError
        A suffix that is not pdf, png or svg.
    StoreError
        The folder does not exist or cannot be written.
    """
    target = check_path(path)
    kind = target.suffix[1:].lower()
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise StoreError(f"{target}: cannot write there ({error.strerror})") from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream, style.journal():
            figure.savefig(stream, format=kind, metadata=_metadata(figure, kind))
        # mkstemp makes private files; a figure is for others
        temporary.chmod(0o644)
        temporary.replace(target)
    except OSError as error:
        raise StoreError(f"{target}: cannot write there ({error.strerror})") from None
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _metadata(figure: Figure, kind: str) -> dict[str, Any]:
    provenance = str(figure.get_label())
    return _METADATA[kind] | ({_PROVENANCE[kind]: provenance} if provenance else {})
