"""Folder: the one way to what a store holds, whether it lies on a disk or in a bucket.

`location.folder_at` is the door. Every write is atomic (readers see the old contents or the new
ones, never a part), and every failure of the storage becomes a StoreError of one line.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeVar

from scanner.errors import StoreError

if TYPE_CHECKING:
    from zarr.abc.store import Store

T = TypeVar("T")
R = TypeVar("R")

PARTIAL = ".partial"


class Folder(ABC):
    """A place of a store and what may be done in it. It need not exist yet.

    Equal to another one of the same location; safe to send to another process, which opens the
    storage for itself.
    """

    @property
    @abstractmethod
    def location(self) -> str:
        """Path or URL, for `folder_at` in any process."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Last part of the location."""

    @property
    @abstractmethod
    def parent(self) -> Folder:
        """The folder that this one is in."""

    @abstractmethod
    def child(self, name: str) -> Folder:
        """Folder of that name inside this one."""

    @abstractmethod
    def errors(self) -> AbstractContextManager[None]:
        """Turn the failures of the storage below this folder into StoreErrors of one line."""

    @abstractmethod
    def exists(self, name: str = "") -> bool:
        """Whether that file (by default the folder itself) is there."""

    @abstractmethod
    def make(self) -> None:
        """Make the folder and its parents, where folders are made; no error where it exists."""

    @abstractmethod
    def read(self, name: str) -> bytes | None:
        """Contents of a file; None where there is none (another process may have removed it)."""

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Names and contents of files in the order given, as `read`."""
        return ((name, self.read(name)) for name in names)

    def together(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Results of work on the storage, done side by side where waiting is what takes long."""
        return [work(item) for item in items]

    @abstractmethod
    def write(self, name: str, data: bytes) -> None:
        """Put a file in place: readers see the old one or the new one, never a part."""

    @abstractmethod
    def write_new(self, name: str, data: bytes) -> bool:
        """Put a file in place unless there is one; whether the one that is there now is ours.

        Two writers end with one file; at the very same time both may be told that it is theirs
        (some object stores), and always so with the same bytes.
        """

    @abstractmethod
    def remove(self, names: Iterable[str]) -> None:
        """Remove files; those already gone do not matter."""

    @abstractmethod
    def names(self) -> list[str]:
        """Names of what is directly inside, sorted; empty where the folder does not exist."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Size in bytes of a file, 0 where there is none."""

    @abstractmethod
    def modified(self, name: str) -> float | None:
        """When a file was written, by the clock of `clock`; None where there is none."""

    @abstractmethod
    def sizes(self) -> dict[str, int]:
        """Size in bytes of every file below, by its relative name with ``/``."""

    @abstractmethod
    def each_size(self) -> Iterator[tuple[str, int]]:
        """As `sizes`, one after the other: of a million files."""

    @abstractmethod
    def written(self) -> tuple[int, float]:
        """Bytes of all files below, and seconds since the last was written, by `clock`."""

    @abstractmethod
    def zarr_store(self, *, read_only: bool) -> Store:
        """The folder as a zarr store."""

    @abstractmethod
    def free_bytes(self) -> int | None:
        """Free space; None where nobody can tell."""

    @abstractmethod
    def standing(self) -> Folder:
        """This folder, or where it does not exist yet its nearest parent that does."""

    @abstractmethod
    def check_writable(self) -> None:
        """Write and remove a small file; StoreError where that fails."""

    @abstractmethod
    def check_makeable(self) -> None:
        """StoreError if the folder is not there and could not be made; makes nothing."""

    def check_space(self, needed: int) -> None:
        """StoreError if fewer than `needed` bytes are free, as far as that is known."""
        free = self.free_bytes()
        if free is not None and needed > free:
            raise StoreError(
                f"store {self}: the scan needs {_size(needed)} and {_size(free)} are free: "
                "free some space, scan fewer points, or choose another root with --store"
            )

    @abstractmethod
    def published(self, name: str, last: str) -> bool:
        """Whether the child of that name is there, see `publish`; a damaged one is there, too."""

    @abstractmethod
    def publish(
        self, name: str, files: Mapping[str, bytes], last: str, folders: Iterable[str] = ()
    ) -> None:
        """Make a child folder that others see whole or not at all.

        Two makers at the same time end with the files of one of them, whichever.

        Parameters
        ----------
        name : str
            Of the child.
        files : mapping from relative name to contents
            Small: a new scan before its first chunk.
        last : str
            The one of them by which readers know that the child is there.
        folders : iterable of str
            Empty folders to make, where folders are made.
        """

    @abstractmethod
    def withdraw(self, name: str, first: Iterable[str] = ()) -> bool:
        """Remove a child so that nothing half removed is found by its name; False if it is gone.

        What killed withdrawals left in this folder goes with it.

        Parameters
        ----------
        name : str
            Of the child.
        first : iterable of str
            What of it, files and folders, must not outlive the rest, where that needs an order.
        """

    @abstractmethod
    def sweep(self, older_than: float) -> int:
        """Remove what killed writers left more than `older_than` seconds ago; returns how many."""

    @abstractmethod
    def clock(self) -> float:
        """Time now by the clock of the storage, which may differ from this host's."""

    @abstractmethod
    def describe(self) -> str:
        """What a writable folder can do, for people; StoreError where it is not writable."""


def _size(n_bytes: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} GB"
