"""BucketStore: objects of a bucket as zarr wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zarr.storage import ObjectStore

from scanner.store import s3

if TYPE_CHECKING:
    from zarr.core.buffer import Buffer


class BucketStore(ObjectStore[Any]):
    """As zarr's, but it travels by its place alone: who gets it makes a client of its own.

    A client that travels would take the credentials with it.
    """

    place: tuple[str, str]

    @classmethod
    def of(cls, bucket: str, prefix: str, *, read_only: bool) -> BucketStore:
        """Store of the objects whose names begin with a prefix."""
        store = cls(s3.client(bucket, prefix, chunks=True), read_only=read_only)
        store.place = (bucket, prefix)
        return store

    def with_read_only(self, read_only: bool = False) -> BucketStore:
        """The same objects."""
        return BucketStore.of(*self.place, read_only=read_only)

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (*self.place, self.read_only)

    def __str__(self) -> str:
        return "s3://{}/{}".format(*self.place)

    async def set(self, key: str, value: Buffer) -> None:
        """Put an object in place by one request: parts of a killed upload would stay, unseen."""
        import obstore

        self._check_writable()
        await obstore.put_async(self.store, key, value.as_buffer_like(), use_multipart=False)


def _again(bucket: str, prefix: str, read_only: bool) -> BucketStore:
    return BucketStore.of(bucket, prefix, read_only=read_only)
