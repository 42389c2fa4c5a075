"""ObjectFolder: a store in a bucket of an object store that speaks S3.

There are no folders and no renames; a write is atomic by itself. A new child is published by a
claim, an object that only one maker can create and that holds all its files: everybody puts
those same bytes in place, the last one last, and so finishes what a killed maker began. Some
servers look for an object only as a request begins, so makers who meet take turns as well. A child
that is being removed bears a tombstone, which keeps makers away until the removal is finished.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.errors import StoreError
from scanner.store import s3
from scanner.store.folder import Folder, R, T
from scanner.store.naming import words
from scanner.store.refusals import code_of, object_errors
from scanner.store.trust import parsed
from scanner.store.waiting import at_once, persistent

if TYPE_CHECKING:
    from zarr.abc.store import Store

CLAIM = "claim.json"
MAKERS = "makers"
TOMBSTONE = "removing"
TURN_SECONDS = 1.0  # a claim is visible by then
REFUSED = "status code: 4"
"""In the text of an error: the server answered, and will not."""
MOST_REMOVED = 100  # by one request: some servers remove one after the other
REMOVALS_AT_ONCE = 4


@dataclass(frozen=True)
class ObjectFolder(Folder):
    """All objects of a bucket whose names begin alike.

    Parameters
    ----------
    bucket : str
        Name of the bucket.
    prefix : str
        Without slashes at its ends; ``""`` for the whole bucket.
    """

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return self.location

    @property
    def location(self) -> str:
        """The URL."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def name(self) -> str:
        """Last part of the prefix."""
        return self.prefix.rpartition("/")[2] or self.bucket

    @property
    def parent(self) -> ObjectFolder:
        """Objects of the prefix without its last part."""
        return ObjectFolder(self.bucket, self.prefix.rpartition("/")[0])

    def child(self, name: str) -> ObjectFolder:
        """Objects of the prefix with one more part."""
        return ObjectFolder(self.bucket, self._key(name))

    def errors(self) -> AbstractContextManager[None]:
        """As `object_errors`."""
        return object_errors(self.location)

    def exists(self, name: str = "") -> bool:
        """Whether that object, or (by default) any object at all, is there."""
        if name:
            return self._head(name) is not None
        return next(self._listed(), None) is not None

    def make(self) -> None:
        """Nothing: there are no folders."""

    def read(self, name: str) -> bytes | None:
        """Contents of an object; None where there is none."""
        import obstore

        with self.errors():
            try:
                return bytes(obstore.get(self._client, self._key(name)).bytes())
            except FileNotFoundError as error:
                if code_of(str(error)) == "NoSuchBucket":
                    raise
                return None

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Names and contents of objects in the order given, many requested at once."""
        return at_once(lambda name: (name, self.read(name)), names)

    def together(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Results of work on the store, done in threads."""
        return list(at_once(work, items))

    def write(self, name: str, data: bytes) -> None:
        """Put an object in place, whole."""
        import obstore

        with self.errors():
            obstore.put(self._client, self._key(name), data, use_multipart=False)

    def write_new(self, name: str, data: bytes) -> bool:
        """Create an object; whether the one that is there now is ours.

        An answer may be lost on its way: then the object that is there may be ours all the same,
        and what is there tells.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError

        def create() -> bool | None:
            try:
                obstore.put(self._client, self._key(name), data, mode="create")
                return True
            except AlreadyExistsError:
                there = self.read(name)
                return None if there is None else there == data

        with self.errors():
            ours = persistent(create)
        if ours is None:
            raise StoreError(f"store {self}: {name} comes and goes: somebody removes it meanwhile")
        return ours

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects; those already gone do not matter."""
        import obstore

        keys = [self._key(name) for name in names]
        parts = [keys[i : i + MOST_REMOVED] for i in range(0, len(keys), MOST_REMOVED)]

        with self.errors():
            client = s3.client(self.bucket, chunks=True)  # a removal of many may take longer

            def remove(part: list[str]) -> None:
                persistent(lambda: obstore.delete(client, part))

            for _ in at_once(remove, parts, REMOVALS_AT_ONCE):
                pass

    def names(self) -> list[str]:
        """Names of what is directly inside, sorted."""
        import obstore

        with self.errors():
            found = obstore.list_with_delimiter(self._client, self.prefix or None)
        objects = [meta["path"] for meta in found["objects"]]
        return sorted(path.rpartition("/")[2] for path in [*objects, *found["common_prefixes"]])

    def size(self, name: str) -> int:
        """Size in bytes of an object, 0 where there is none."""
        meta = self._head(name)
        return 0 if meta is None else int(meta["size"])

    def modified(self, name: str) -> float | None:
        """When an object was written, by the clock of the server; None where there is none."""
        meta = self._head(name)
        return None if meta is None else float(meta["last_modified"].timestamp())

    def sizes(self) -> dict[str, int]:
        """Size in bytes of every object below, by its relative name with ``/``."""
        return dict(self.each_size())

    def each_size(self) -> Iterator[tuple[str, int]]:
        """As `sizes`, one after the other, a request for each thousand."""
        start = len(self.prefix) + 1 if self.prefix else 0
        return ((meta["path"][start:], meta["size"]) for meta in self._listed())

    def written(self) -> tuple[int, float]:
        """Bytes of all objects below, and seconds since the last was written, by `clock`."""
        found = [(meta["size"], meta["last_modified"].timestamp()) for meta in self._listed()]
        newest = max((time for _, time in found), default=0.0)
        return sum(size for size, _ in found), max(self.clock() - newest, 0.0)

    def zarr_store(self, *, read_only: bool) -> Store:
        """The objects as a zarr store, which other processes open for themselves."""
        from scanner.store.bucket import BucketStore

        return BucketStore.of(self.bucket, self.prefix, read_only=read_only)

    def free_bytes(self) -> None:
        """Nobody can tell."""
        return

    def standing(self) -> ObjectFolder:
        """This folder: a prefix need not exist."""
        return self

    def check_writable(self) -> None:
        """Write and remove a small object; StoreError where that fails."""
        name = f"write-test.{uuid.uuid4().hex}"
        self.write(name, b"x")
        self.remove([name])

    def check_makeable(self) -> None:
        """StoreError if the bucket is not there or may not be listed."""
        self.exists()

    def published(self, name: str, last: str) -> bool:
        """Whether the file that is put last is there."""
        return self.child(name).exists(last)

    def publish(
        self,
        name: str,
        files: Mapping[str, bytes],
        last: str,
        folders: Iterable[str] = (),  # noqa: ARG002
    ) -> None:
        """Claim the name with all files, then put those of whoever claimed it first in place."""
        child = self.child(name)
        child.refuse_while_removed()
        maker = uuid.uuid4().hex
        child.wait_for_turn(maker)
        child.write_new(CLAIM, _packed(files, last))
        claimed, last = child.claimed()
        for _ in at_once(lambda f: child.write_new(f, claimed[f]), set(claimed) - {last}):
            pass
        child.write_new(last, claimed[last])
        child.remove([f"{MAKERS}/{maker}"])
        child.refuse_while_removed()

    def wait_for_turn(self, maker: str) -> None:
        """Sign as a maker, then let those before it in the order of their names claim first.

        Of two makers who meet, at least one sees the other: both sign before they look.
        """
        self.write(f"{MAKERS}/{maker}", b"")
        before = [name for name in self.child(MAKERS).names() if name < maker]
        deadline = time.monotonic() + TURN_SECONDS * len(before)
        while time.monotonic() < deadline and not self.exists(CLAIM):
            time.sleep(0.05)

    def claimed(self) -> tuple[dict[str, bytes], str]:
        """Files of the claim on this folder, and which of them comes last.

        Raises
        ------
        StoreError
            It is gone (a removal) or damaged.
        """
        try:
            record = parsed(self.read(CLAIM) or b"")
            files = {name: base64.b64decode(text) for name, text in record["files"].items()}
            if record["last"] in files:
                return files, record["last"]
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        raise StoreError(
            f"store {self}: {CLAIM} is damaged: `scanner rm {words(self)}`, then run again"
        )

    def refuse_while_removed(self) -> None:
        """StoreError if this folder is being removed."""
        if self.exists(TOMBSTONE):
            raise StoreError(
                f"store {self}: is being removed: wait for that, or finish a removal that was "
                f"killed with `scanner rm {words(self)}`"
            )

    def withdraw(self, name: str, first: Iterable[str] = ()) -> bool:
        """Remove a child and what killed removals left: tombstone, `first`, the rest, the claim."""
        child, order = self.child(name), tuple(first)
        if not child.exists():
            return False
        child.write(TOMBSTONE, b"")
        children = (self.child(name) for name in self.names())
        for found, dead in at_once(lambda c: (c, c.exists(TOMBSTONE)), children):
            if dead:
                found.clear(order)
        return True

    def clear(self, first: tuple[str, ...]) -> None:
        """Remove all objects; what a writer adds meanwhile goes, too."""
        while held := self.sizes().keys() - {TOMBSTONE}:
            rest = set(held)
            for part in (*first, None, CLAIM):
                chosen = {n for n in rest if part is None or n == part or n.startswith(f"{part}/")}
                chosen -= {CLAIM} if part is None else set()
                self.remove(sorted(chosen))
                rest -= chosen
        self.remove([TOMBSTONE])

    def sweep(self, older_than: float) -> int:  # noqa: ARG002
        """Nothing: a killed writer leaves no part of an object."""
        return 0

    def clock(self) -> float:
        """Time now by the clock of the server."""
        name = f"clock.{uuid.uuid4().hex}"
        self.write(name, b"")
        meta = self._head(name)
        self.remove([name])
        if meta is None:
            raise StoreError(f"store {self}: {name} is gone: somebody removes it at this time")
        return float(meta["last_modified"].timestamp())

    def describe(self) -> str:
        """Server of a writable bucket, and whether it keeps two makers of a scan apart."""
        self.check_writable()
        name = f"create-test.{uuid.uuid4().hex}"
        self.write_new(name, b"1")
        apart = not self.write_new(name, b"2")
        self.remove([name])
        safe = (
            "create-only writes are enforced"
            if apart
            else ("create-only writes are NOT enforced: start a new scan from one place at a time")
        )
        return f"at {s3.endpoint() or 'Amazon'}, writable, {safe}"

    @property
    def _client(self) -> Any:
        return s3.client(self.bucket)

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name

    def _head(self, name: str) -> Any:
        import obstore
        from obstore.exceptions import GenericError, PermissionDeniedError

        with self.errors():
            try:
                return obstore.head(self._client, self._key(name))
            except FileNotFoundError:
                return None
            except (PermissionDeniedError, GenericError) as error:
                if REFUSED in str(error):  # else nobody answers, and would not to a listing
                    self.exists()  # an answer without a body has no reason; that to a listing has
                raise

    def _listed(self) -> Iterator[Any]:
        import obstore

        with self.errors():
            for page in obstore.list(self._client, self.prefix or None, chunk_size=1000):
                yield from page


def _packed(files: Mapping[str, bytes], last: str) -> bytes:
    """A claim; `maker` makes it different from that of everybody else."""
    texts = {name: base64.b64encode(data).decode() for name, data in files.items()}
    record = {"last": last, "maker": uuid.uuid4().hex, "files": texts}
    return json.dumps(record, indent=2).encode() + b"\n"
