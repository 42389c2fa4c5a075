"""Put an exported file or folder in place: whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scanner.errors import DefinitionError, StoreError, missing_folder


def put_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file under another name beside `path`, then rename it.

    Raises
    ------
    DefinitionError
        `path` is a directory.
    StoreError
        The folder does not exist, or the file cannot be written.
    """
    if path.is_dir():
        raise DefinitionError(f"--output {path}: is a folder: name a file in it")
    _check_parent(path)
    temporary = path.with_name(f".{path.name}.partial")
    with _told(path):
        try:
            write(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def put_folder(path: Path, write: Callable[[Path], object], mark: str) -> None:
    """Let `write` fill a folder beside `path`, then rename it; an older export is replaced.

    Parameters
    ----------
    mark : str
        A file by which an older export is known; another folder with content is refused.

    Raises
    ------
    DefinitionError
        `path` is a file, or a folder of something else.
    StoreError
        The folder above does not exist, or cannot be written.
    """
    if path.exists() and not path.is_dir():
        raise DefinitionError(f"--output {path}: is a file: name a folder, .zip or .tar.gz")
    if path.is_dir() and any(path.iterdir()) and not (path / mark).is_file():
        raise DefinitionError(f"--output {path}: is a folder without {mark}: name a new one")
    _check_parent(path)
    with _told(path), _draft(path) as draft:
        write(draft)
        if path.is_dir():
            # aside first: a rename onto a filled folder fails, and half a folder is never seen
            old = draft.with_name("old")
            path.rename(old)
        draft.rename(path)


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    around = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    draft = around / "new"
    draft.mkdir()
    try:
        yield draft
    finally:
        shutil.rmtree(around, ignore_errors=True)


def _check_parent(path: Path) -> None:
    if not path.absolute().parent.is_dir():
        raise StoreError(f"--output {missing_folder(str(path), str(path.parent))}")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error.strerror}): choose another --output"
        ) from error
