"""DiskFolder: a store in the directories of a file system.

Every write is atomic (a partial file beside the target, then a rename), and every failure of the
file system becomes a StoreError of one line. Nothing is fsynced: a killed process leaves nothing
torn; after a power cut the sizes in the markers tell.
"""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from scanner import regular
from scanner.errors import StoreError
from scanner.store.folder import PARTIAL as PARTIAL
from scanner.store.folder import Folder as Folder
from scanner.store.local import RegularStore

_DRAFT_AGE = 600.0  # s; an empty scan is made in less
_ASIDE = f".removed{PARTIAL}"

_FULL = "no space left: free some, then run the same command again (finished chunks are kept)"
_READ_ONLY = "not writable: make it writable, or choose another root with --store"
_REASONS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: "permission denied: change its permissions, or choose another root with --store",
    errno.EPERM: "permission denied: change its permissions, or choose another root with --store",
    errno.ENOTDIR: "not a directory: choose another root with --store",
    errno.EEXIST: "not a directory: choose another root with --store",
    errno.ENOENT: "does not exist: check --store and $SCANNER_STORE",
}


@contextmanager
def store_errors(path: Path | str) -> Iterator[None]:
    """Turn the failures of the file system below `path` into StoreErrors of one line.

    Raises
    ------
    StoreError
        Names `path` and the mend.
    """
    try:
        yield
    except regular.IrregularFileError as error:
        raise StoreError(
            f"store: {error.filename} is {error.strerror}: it may be hostile; remove it"
        ) from error
    except OSError as error:
        reason = _REASONS.get(error.errno or 0)
        if reason is None:
            reason = f"{error.strerror or error}: check the disk, or choose another root"
        raise StoreError(f"store {path}: {reason}") from error


@dataclass(frozen=True)
class DiskFolder(Folder):
    """A directory.

    Parameters
    ----------
    path : Path
        Absolute path; it need not exist yet.
    """

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def location(self) -> str:
        """The path."""
        return str(self.path)

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.name

    @property
    def parent(self) -> DiskFolder:
        """The directory that this one is in."""
        return DiskFolder(self.path.parent)

    def child(self, name: str) -> DiskFolder:
        """Directory of that name inside this one."""
        return DiskFolder(self.path / name)

    def errors(self) -> AbstractContextManager[None]:
        """As `store_errors`."""
        return store_errors(self.path)

    def exists(self, name: str = "") -> bool:
        """Whether that file or directory (by default the folder itself) is there."""
        with store_errors(self.path):
            return (self.path / name).exists()

    def make(self) -> None:
        """Make the directory and its parents; no error where it exists."""
        with store_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)

    def read(self, name: str) -> bytes | None:
        """Contents of a file; None where there is none (another process may have removed it)."""
        with store_errors(self.path):
            try:
                return regular.read_bytes(self.path / name, _most(name))
            except FileNotFoundError:
                return None

    def write(self, name: str, data: bytes) -> None:
        """Put a file in place: readers see the old one or the new one, never a part."""
        target = self.path / name
        partial = self.path / f"{name}.{uuid.uuid4().hex}{PARTIAL}"
        with store_errors(self.path):
            try:
                partial.write_bytes(data)
                partial.replace(target)
            except BaseException:
                with suppress(OSError):
                    partial.unlink(missing_ok=True)
                raise

    def write_new(self, name: str, data: bytes) -> bool:
        """Put a file in place unless there is one; whether the one that is there now is ours."""
        target = self.path / name
        partial = self.path / f"{name}.{uuid.uuid4().hex}{PARTIAL}"
        with store_errors(self.path):
            try:
                partial.write_bytes(data)
                try:
                    target.hardlink_to(partial)  # a rename would replace
                except FileExistsError:
                    return regular.read_bytes(target, _most(name)) == data
                return True
            finally:
                partial.unlink(missing_ok=True)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files; those already gone do not matter."""
        with store_errors(self.path):
            for name in names:
                (self.path / name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Names of what is directly inside, sorted; empty where the folder does not exist."""
        with store_errors(self.path):
            try:
                return sorted(entry.name for entry in self.path.iterdir())
            except FileNotFoundError:
                return []

    def size(self, name: str) -> int:
        """Size in bytes of a file, 0 where there is none."""
        with store_errors(self.path):
            try:
                return (self.path / name).stat().st_size
            except FileNotFoundError:
                return 0

    def modified(self, name: str) -> float | None:
        """When a file was written, by the clock of `clock`; None where there is none."""
        with store_errors(self.path):
            try:
                return (self.path / name).stat().st_mtime
            except FileNotFoundError:
                return None

    def sizes(self) -> dict[str, int]:
        """Size in bytes of every file below, by its relative name with ``/``."""
        with store_errors(self.path):
            return dict(_walk(self.path, ""))

    def each_size(self) -> Iterator[tuple[str, int]]:
        """As `sizes`, one after the other: for a million files."""
        with store_errors(self.path):
            yield from _walk(self.path, "")

    def written(self) -> tuple[int, float]:
        """Bytes of all files below, and seconds since the last was written, by `clock`."""
        size, newest = 0, 0.0
        with store_errors(self.path):
            for place, _, files in os.walk(self.path):
                for name in files:
                    with suppress(FileNotFoundError):  # partial files come and go
                        found = (Path(place) / name).stat()
                        size, newest = size + found.st_size, max(newest, found.st_mtime)
        return size, max(self.clock() - newest, 0.0)

    def zarr_store(self, *, read_only: bool) -> RegularStore:
        """The folder as a zarr store."""
        return RegularStore(self.path, read_only=read_only)

    def free_bytes(self) -> int:
        """Free space for an unprivileged writer, at this folder or its nearest existing parent."""
        with store_errors(self.path):
            place = self.path
            while not place.exists():
                place = place.parent
            return shutil.disk_usage(place).free

    def standing(self) -> Folder:
        """This folder, or where it does not exist yet its nearest parent that does."""
        with store_errors(self.path):
            place = self.path
            while not place.exists():
                place = place.parent
            return DiskFolder(place)

    def check_writable(self) -> None:
        """Write, rename and remove a small file; StoreError where that fails."""
        self.make()
        name = f"write-test.{uuid.uuid4().hex}{PARTIAL}"
        self.write(name, b"x" * 4096)  # a whole block: a full disk still takes an empty file
        self.remove([name])

    def check_makeable(self) -> None:
        """StoreError if the folder is not there and could not be made; makes nothing."""
        with store_errors(self.path):
            place = self.path
            while not place.exists():
                place = place.parent
            if not place.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            if not os.access(place, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def published(self, name: str, last: str) -> bool:  # noqa: ARG002
        """Whether there is anything of that name: a directory comes and goes whole."""
        return self.exists(name)

    def publish(
        self, name: str, files: Mapping[str, bytes], last: str, folders: Iterable[str] = ()
    ) -> None:
        """Make a child folder by one rename."""
        ordered = [*(file for file in files if file != last), last]
        with self.staged(name) as draft:
            for place in dict.fromkeys([*(str(Path(f).parent) for f in ordered), *folders]):
                draft.child(place).make()
            for file in ordered:
                draft.write(file, files[file])

    def withdraw(self, name: str, first: Iterable[str] = ()) -> bool:  # noqa: ARG002
        """Take a child out of sight by one rename, then away, with what killed ones left."""
        aside = self.path / f".{name}.{uuid.uuid4().hex}{_ASIDE}"
        with store_errors(self.path):
            try:
                (self.path / name).rename(aside)
            except FileNotFoundError:
                return False
            for left in self.path.glob(f".*{_ASIDE}"):
                shutil.rmtree(left, ignore_errors=left != aside)
        return True

    @contextmanager
    def staged(self, name: str) -> Iterator[DiskFolder]:
        """Build a child folder out of sight and rename it to `name` when it is complete.

        Where another process was faster, its folder stays and ours is dropped.
        """
        draft = self.child(f".{name}.{uuid.uuid4().hex}{PARTIAL}")
        draft.make()
        self._sweep_drafts()
        try:
            yield draft
            with store_errors(self.path), suppress(FileExistsError):
                _rename_new(draft.path, self.path / name)
        finally:
            shutil.rmtree(draft.path, ignore_errors=True)

    def sweep(self, older_than: float) -> int:
        """Remove partial files and drafts left by killed processes; returns how many.

        Only those untouched for `older_than` seconds: a younger one may be a write of another
        run on the same store. The age is taken against a file written now, not against this
        host's clock, which on a network file system may differ.
        """
        if not self.exists():
            return 0
        now = self.clock()
        swept = 0
        with store_errors(self.path):
            for place, folders, files in os.walk(self.path):
                for name in [n for n in (*folders, *files) if n.endswith(PARTIAL)]:
                    swept += _remove_old(Path(place) / name, now - older_than)
        return swept

    def _sweep_drafts(self) -> None:
        """Remove what killed builders of folders left here long ago."""
        now = self.clock()
        with store_errors(self.path):
            for name in self.names():
                if name.startswith(".") and name.endswith(PARTIAL):
                    _remove_old(self.path / name, now - _DRAFT_AGE)

    def clock(self) -> float:
        """Time now by the clock of the file system, which may differ from this host's."""
        probe = self.path / f"clock.{uuid.uuid4().hex}{PARTIAL}"
        with store_errors(self.path):
            probe.touch()
            now = probe.stat().st_mtime
            probe.unlink()
        return now

    def describe(self) -> str:
        """Free space of a directory that is writable, or can be made; what was made is gone."""
        made = list(self._missing())
        try:
            self.check_writable()
            free = f"rename is atomic, {self.free_bytes() / 1e9:.1f} GB free"
        finally:
            for place in made:
                with suppress(OSError):  # not made, or another has put something there
                    place.rmdir()
        return f"{'not there yet, can be made' if made else 'writable'}, {free}"

    def _missing(self) -> Iterator[Path]:
        """This directory and its parents as far as they do not exist, the innermost first."""
        with store_errors(self.path):
            place = self.path
            while not place.exists():
                yield place
                place = place.parent


def _most(name: str) -> int:
    """Bytes of a file that are read at most: a record says something, the rest holds data."""
    return regular.TEXT_BYTES if name.endswith(".json") else regular.DATA_BYTES


def _rename_new(source: Path, target: Path) -> None:
    """Rename a directory; FileExistsError where the target is there."""
    try:
        source.rename(target)
    except OSError as error:  # a non-empty target is ENOTEMPTY or EEXIST, as the system likes
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise FileExistsError(error.errno, error.strerror, str(target)) from error
        raise


def _walk(path: Path, prefix: str) -> Iterator[tuple[str, int]]:
    try:
        entries = list(os.scandir(path))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{prefix}{entry.name}/")
        else:
            with suppress(FileNotFoundError):  # a partial file may be renamed under our eyes
                yield f"{prefix}{entry.name}", entry.stat().st_size


def _remove_old(path: Path, before: float) -> int:
    try:
        if path.stat().st_mtime > before:
            return 0
    except FileNotFoundError:
        return 0
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return 1
