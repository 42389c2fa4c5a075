"""Regular files, read whole and within a limit.

Where a file is expected, others may have put a pipe, which keeps its reader waiting for ever, or a
link to a device without an end, which fills the memory. Neither is read here.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

TEXT_BYTES = 16 * 10**6
"""Largest text that people write, or that says something of a scan."""
DATA_BYTES = 2 * 10**9
"""Largest file of data: tables, markers, arrays."""

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class IrregularFileError(OSError):
    """There is something else than a regular file, or more of it than is read; `strerror` says."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(None, why, str(path))

    def __str__(self) -> str:
        return str(self.strerror)


def read_bytes(path: Path, most: int = TEXT_BYTES) -> bytes:
    """Contents of a regular file, or of one that a link leads to.

    Parameters
    ----------
    path : Path
        Of the file.
    most : int
        Bytes that it may have.

    Raises
    ------
    IrregularFileError
        It is no regular file, or larger.
    OSError
        It cannot be read.
    """
    with open(path, "rb", opener=_opened) as stream:
        found = os.fstat(stream.fileno())
        _check(path, found, most)
        data = stream.read(found.st_size + 1)  # not `most`: that memory would be taken at once
        if len(data) > found.st_size:  # it grew
            data += stream.read(most + 1 - len(data))
    if len(data) > most:
        raise IrregularFileError(path, _too_large(most))
    return data


def read_text(path: Path, most: int = TEXT_BYTES) -> str:
    """As `read_bytes`, of a text in UTF-8; UnicodeDecodeError if it is none."""
    text = read_bytes(path, most).decode("utf-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check(path: Path, most: int = DATA_BYTES) -> None:
    """As `read_bytes`, before another reads the file; it may be missing, or a folder.

    Raises
    ------
    IrregularFileError
        It is no regular file, or larger.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return
    if not stat.S_ISDIR(found.st_mode):
        _check(path, found, most)


def _opened(path: str, flags: int) -> int:
    """A pipe does not wait for its writer, a terminal does not become that of this process."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _check(path: Path, found: os.stat_result, most: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise IrregularFileError(path, f"{kind}, not a regular file")
    if found.st_size > most:
        raise IrregularFileError(path, _too_large(most))


def _too_large(most: int) -> str:
    return f"larger than the {most / 1e6:g} MB that are read of such a file"
