"""RegularStore: the files of a folder as zarr wants them, and nothing else that may lie there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from zarr.storage import LocalStore

from scanner import regular

if TYPE_CHECKING:
    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype


class RegularStore(LocalStore):
    """As zarr's, but pipes and devices in the place of a file are an error and are not read."""

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Contents of a file, or a part; None where there is none."""
        regular.check(self.root / key)
        return await super().get(key, prototype, byte_range)

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """The same for several."""
        asked = list(key_ranges)
        for key, _ in asked:
            regular.check(self.root / key)
        return await super().get_partial_values(prototype, asked)
