"""What a store may make its reader do: read numbers and texts, nothing else.

A store may come from anybody. Zarr's older format names codecs that unpickle, which runs whatever
the bytes say; here only the format, types and codecs that this package writes are read at all.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from scanner.errors import MismatchError
from scanner.store.folder import Folder

METADATA = "zarr.json"
OLD_METADATA = (".zarray", ".zgroup", ".zmetadata")
CODECS = ("bytes", "vlen-utf8", "blosc", "zstd", "crc32c")
TYPES = ("float64", "uint8", "string")
# of a text as JSON in ASCII, where a tabulator and the end of a line look otherwise
_CONTROL = re.compile(r"\\u00(?:[0189]|7f)")
_GROUP_KEYS = frozenset({"zarr_format", "node_type", "attributes"})
_ARRAY_KEYS = _GROUP_KEYS | {
    "shape",
    "data_type",
    "chunk_grid",
    "chunk_key_encoding",
    "fill_value",
    "codecs",
    "dimension_names",
    "storage_transformers",
}


def check_metadata(folder: Folder, shape: Sequence[int]) -> None:
    """Compare the metadata of a cube with what is written here, before Zarr reads any.

    Parameters
    ----------
    folder : Folder
        Place of ``cube.zarr``.
    shape : sequence of int
        Of chi2 and status, as the definition says; their chunks must lie in it.

    Raises
    ------
    MismatchError
        Another format, codec, type or larger chunks; names it.
    """
    if _document(folder, _GROUP_KEYS, "group") is None:
        return  # a cube without metadata is told of where it is opened
    for name in folder.names():
        child = folder.child(name)
        array = _document(child, _ARRAY_KEYS, "array")
        if array is not None:
            _check_array(child, array)
            if name in ("chi2", "status"):
                _check_chunks(child, array, list(shape))


def parsed(text: bytes) -> Any:
    """Value of a JSON text of a store.

    Raises
    ------
    ValueError
        It is none, or nested so deeply that nothing written here is.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def printable(value: Any) -> Any:
    """The value, if no text in it holds what a terminal would take for a command.

    Raises
    ------
    ValueError
        One does.
    """
    if _CONTROL.search(json.dumps(value)):
        raise ValueError("it holds control characters")
    return value


def plain(value: Any) -> Any:
    """A value of a small record as it is told: texts are one line, numbers are finite.

    Raises
    ------
    ValueError
        A number is none.
    """
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, list):
        return tuple(plain(entry) for entry in value)
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value!r} cannot be")
    return value


def _document(folder: Folder, known: frozenset[str], kind: str) -> dict[str, Any] | None:
    """Metadata of a group or an array; None where there is none."""
    if not folder.exists(METADATA):  # such as a file where a folder may be
        if old := [name for name in OLD_METADATA if folder.exists(name)]:
            _refuse(folder, f"{old[0]} of another format of Zarr")
        return None
    try:
        document = parsed(folder.read(METADATA) or b"")
    except ValueError as error:
        _refuse(folder, f"{METADATA}: {error}")
    if not isinstance(document, dict) or document.get("zarr_format") != 3:
        _refuse(folder, "another format of Zarr")
    if document.get("node_type") != kind:
        _refuse(folder, f"{_short(document.get('node_type'))} in place of {kind}")
    if unknown := sorted(document.keys() - known):
        _refuse(folder, f"{_short(unknown[0])} in {METADATA}")
    return document


def _check_array(folder: Folder, array: Mapping[str, Any]) -> None:
    if array.get("data_type") not in TYPES:
        _refuse(folder, f"data type {_short(array.get('data_type'))}")
    if array.get("storage_transformers"):
        _refuse(folder, "storage transformers")
    codecs = array.get("codecs")
    if not isinstance(codecs, list):
        _refuse(folder, f"codecs {_short(codecs)}")
    for codec in codecs:
        name = codec.get("name") if isinstance(codec, dict) else codec
        if name not in CODECS:
            _refuse(folder, f"codec {_short(name)}")


def _check_chunks(folder: Folder, array: Mapping[str, Any], shape: list[int]) -> None:
    """A chunk that is larger than the grid would take memory that nobody expects."""
    try:
        chunk = array["chunk_grid"]["configuration"]["chunk_shape"]
        fits = len(chunk) == len(shape) and all(
            type(c) is int and 1 <= c <= n for c, n in zip(chunk, shape, strict=True)
        )
    except (KeyError, TypeError):
        fits = False
    if not fits:
        _refuse(folder, f"chunks {_short(array.get('chunk_grid'))} of a cube {shape}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _refuse(folder: Folder, what: str) -> NoReturn:
    raise MismatchError(
        f"{folder}: metadata cannot be read ({what}, which this package does not write): if it was "
        "damaged, remove the scan's folder and run again; else it may be hostile"
    )
