"""The Zarr cube: chi2 and status of every point, with named axes.

Opens with ``xarray.open_zarr(path, consolidated=False)``. One task owns one whole chunk, all
experiments of it, so that two writers never meet in one object. A chunk of NaN is written like
any other: whether a point was computed is told by `status` and by the ledger, never by NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
import zarr

from scanner.definition import ScanDefinition
from scanner.errors import MismatchError
from scanner.grid import Axis, Chunk, Grid
from scanner.store.folder import PARTIAL, Folder
from scanner.store.layout import FIRST_WITHOUT_CHI2, STATUS_MEANINGS
from scanner.store.naming import words
from scanner.store.trust import check_metadata

FloatArray = npt.NDArray[np.float64]
StatusArray = npt.NDArray[np.uint8]

_VARIABLES = ("chi2", "status")
_CONCURRENCY = "async.concurrency"  # chunks that Zarr has in memory at once
_DIGITS = 19  # of an integer that fits into 64 bits
_AT_ONCE_BYTES = 2**25  # of them: more gains nothing where a chunk has megabytes


@dataclass(frozen=True)
class Cube:
    """An existing cube, opened by one process.

    Parameters
    ----------
    folder : Folder
        Place of ``cube.zarr``.
    definition : ScanDefinition
        What the cube is said to hold; checked before the first write.
    """

    folder: Folder
    definition: ScanDefinition
    _group: zarr.Group = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        shape = (len(self.definition.layers), *(len(axis) for axis in self.definition.axes))
        check_metadata(self.folder, shape)
        object.__setattr__(self, "_group", self._open(read_only=True))

    @cached_property
    def grid(self) -> Grid:
        """Axes of the definition and the chunk shape of the stored arrays."""
        chunks = _array(self._group, "chi2").chunks
        return Grid(tuple(self.definition.axes), tuple(int(n) for n in chunks[1:]))

    @property
    def attributes(self) -> dict[str, Any]:
        """Root attributes: definition, digest, versions, creation time, references."""
        return dict(self._group.attrs)

    def check(self) -> None:
        """Compare digest, experiments and coordinates with the definition.

        Raises
        ------
        MismatchError
            Names the first difference. A write in spite of it would be accepted silently.
        """
        stored = self._group.attrs.get("digest")
        if stored != self.definition.digest:
            raise MismatchError(
                f"{self.folder}: digest {stored} is not {self.definition.digest}, that of the "
                "definition: this cube belongs to another scan"
            )
        with self._damage("coordinates"):
            self._check_coordinates()

    def _check_coordinates(self) -> None:
        experiments = tuple(str(name) for name in self._read_all("experiment"))
        if experiments != tuple(self.definition.layers):
            raise MismatchError(
                f"{self.folder}: experiments {', '.join(experiments)} are not those of the "
                f"definition, {', '.join(self.definition.layers)}: this cube belongs to "
                "another scan"
            )
        for axis in self.grid.axes:
            found = np.asarray(self._read_all(axis.name), dtype=np.float64)
            if not _same_coordinates(found, axis):
                raise MismatchError(
                    f"{self.folder}: coordinate {axis.name!r} runs {_span(found)}, the definition "
                    f"says {_span(axis.coordinates)}: this cube belongs to another scan"
                )

    def write(self, chunk: Chunk, chi2: FloatArray, status: StatusArray) -> None:
        """Write one whole chunk; `chi2` and `status` have shape (n_experiments, *chunk.shape)."""
        region = (slice(None), *chunk.slices)
        values: dict[str, Any] = {"chi2": chi2, "status": status}
        with self.folder.errors():
            arrays = self._writable

            def put(variable: str) -> None:
                arrays[variable][region] = values[variable]

            self.folder.together(put, values)

    def read(self, chunk: Chunk) -> tuple[FloatArray, StatusArray]:
        """chi2 and status of one chunk, each of shape (n_experiments, *chunk.shape).

        Raises
        ------
        MismatchError
            The stored bytes are damaged (checksum).
        """
        region = (slice(None), *chunk.slices)
        with self._damage(f"chunk {chunk.number}"):
            chi2, status = (np.asarray(array[region]) for array in self._readable)
        return chi2, status

    def read_region(self, slices: tuple[slice, ...]) -> tuple[FloatArray, StatusArray]:
        """chi2 and status of part of the grid; only the chunks that it touches are read.

        Parameters
        ----------
        slices : tuple of slice
            One for each axis.

        Returns
        -------
        chi2, status : arrays, shape (n_experiments, *lengths of the slices)

        Raises
        ------
        MismatchError
            The stored bytes of a chunk are damaged; names it.
        """
        region = (slice(None), *slices)
        at_once = min(max(_AT_ONCE_BYTES // self._chunk_bytes, 2), zarr.config.get(_CONCURRENCY))
        try:
            with self.folder.errors(), zarr.config.set({_CONCURRENCY: int(at_once)}):
                chi2, status = (np.asarray(array[region]) for array in self._readable)
        except (ValueError, RuntimeError):
            for number in self.grid.touched(slices):
                self.read(self.grid.chunk(number))  # raises for the damaged one, by its number
            raise
        return chi2, status

    def read_status(self, chunk: Chunk) -> StatusArray:
        """Status of one chunk alone, shape (n_experiments, *chunk.shape); as `read`."""
        with self._damage(f"chunk {chunk.number}"):
            return np.asarray(self._readable[1][(slice(None), *chunk.slices)])

    @cached_property
    def _chunk_bytes(self) -> int:
        chi2 = self._readable[0]
        return int(np.prod(chi2.chunks)) * chi2.dtype.itemsize

    @cached_property
    def _readable(self) -> list[zarr.Array[Any]]:
        return [_array(self._group, variable) for variable in _VARIABLES]

    def dataset(self) -> xr.Dataset:
        """The cube as a lazy dataset: chi2 and status over (experiment, *axes)."""
        with self._damage("metadata"):
            store = self.folder.zarr_store(read_only=True)
            dataset: xr.Dataset = xr.open_zarr(
                store, consolidated=False, zarr_format=3, chunks=None
            )
        # fixed-width names: numpy's new variable-width strings do not go into netCDF
        names = np.array([str(name) for name in dataset["experiment"].values])
        return dataset.assign_coords(
            experiment=("experiment", names, dict(dataset["experiment"].attrs))
        )

    def size_table(self) -> npt.NDArray[np.int64]:
        """Stored bytes of chi2 and of status of every chunk, shape (n_chunks, 2); 0 for none."""
        table = np.zeros((self.grid.n_chunks, len(_VARIABLES)), np.int64)
        for column, variable in enumerate(_VARIABLES):
            number = self._numbering()
            for name, size in self._objects(variable):
                if (chunk := number(name)) is not None:
                    table[chunk, column] = size
        return table

    def sizes(self) -> dict[int, tuple[int, int]]:
        """Stored bytes of chi2 and of status of every chunk that has both objects."""
        table = self.size_table()
        both = np.flatnonzero(table.all(axis=1))
        return dict(zip(both.tolist(), map(tuple, table[both].tolist()), strict=True))

    def chunk_sizes(self, number: int) -> tuple[int, int]:
        """Stored bytes of chi2 and of status of one chunk; 0 where there is no object."""
        key = self._key(number)
        chi2, status = self.folder.together(lambda v: self.folder.child(v).size(key), _VARIABLES)
        return chi2, status

    def remove(self, number: int) -> None:
        """Remove the objects of one chunk."""
        for variable in _VARIABLES:
            self.folder.child(variable).remove([self._key(number)])

    def _key(self, number: int) -> str:
        return "/".join(["c", "0", *(str(i) for i in self.grid.block_index(number))])

    def foreign(self) -> list[str]:
        """Objects beside the chunks that are neither of this grid nor partial files."""
        number = self._numbering()
        return [
            f"{self.folder.name}/{variable}/c/{name}"
            for variable in _VARIABLES
            for name, _ in self._objects(variable)
            if number(name) is None and not name.endswith(PARTIAL)
        ]

    def _objects(self, variable: str) -> Iterator[tuple[str, int]]:
        return self.folder.child(variable).child("c").each_size()

    def _numbering(self) -> Callable[[str], int | None]:
        """Chunk of an object by name; None for a partial file of a killed write or a foreign one.

        Names come line by line, so that of most only the last part is to be read.
        """
        *outer, last = self.grid.blocks

        @lru_cache(maxsize=1024)
        def first(line: str) -> int | None:
            zero, *parts = line.split("/")
            if zero != "0" or len(parts) != len(outer):
                return None
            index = [_index(part, n) for part, n in zip(parts, outer, strict=True)]
            known = [place for place in index if place is not None]
            if len(known) < len(index):
                return None
            return int(np.ravel_multi_index((*known, 0), self.grid.blocks))

        def number(name: str) -> int | None:
            line, _, part = name.rpartition("/")
            start, place = first(line), _index(part, last)
            return None if start is None or place is None else start + place

        return number

    @cached_property
    def _writable(self) -> dict[str, zarr.Array[Any]]:
        self.check()
        group = self._open(read_only=False)
        # a runtime setting that is not stored: without it a chunk of NaN would be deleted
        return {v: _array(group, v).with_config({"write_empty_chunks": True}) for v in _VARIABLES}

    def _open(self, *, read_only: bool) -> zarr.Group:
        mode: Any = "r" if read_only else "r+"
        with self._damage("metadata"):
            store = self.folder.zarr_store(read_only=read_only)
            return zarr.open_group(store, mode=mode, zarr_format=3, use_consolidated=False)

    def _read_all(self, name: str) -> Any:
        return _array(self._group, name)[:]

    @contextmanager
    def _damage(self, what: str) -> Iterator[None]:
        # a chunk can be computed again in place; without metadata there is no place
        mend = (
            f"mend it with `scanner resume {words(self.folder.parent)} --verify`"
            if what.startswith("chunk")
            else f"remove the folder {self.folder.parent} and run again"
        )
        with self.folder.errors():
            try:
                yield
            except (ValueError, KeyError, TypeError, RuntimeError) as error:
                raise MismatchError(
                    f"{self.folder}: {what} cannot be read ({_one_line(error)}): {mend}"
                ) from error


def check_block(chunk: Chunk, n_experiments: int, chi2: FloatArray, status: StatusArray) -> None:
    """ValueError unless chi2 and status have the chunk's form and agree where chi2 is NaN."""
    shape = (n_experiments, *chunk.shape)
    for name, array, dtype in (("chi2", chi2, np.float64), ("status", status, np.uint8)):
        if array.shape != shape or array.dtype != dtype:
            raise ValueError(
                f"chunk {chunk.number}: {name} is {array.dtype} {array.shape}, "
                f"not {np.dtype(dtype)} {shape}"
            )
    if not np.all((status >= 1) & (status < len(STATUS_MEANINGS))):
        raise ValueError(f"chunk {chunk.number}: a status is not one of 1..5")
    if not np.array_equal(np.isnan(chi2), status >= FIRST_WITHOUT_CHI2):
        raise ValueError(f"chunk {chunk.number}: chi2 is NaN where status says it is not, or not")


def _array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    array = group[name]
    if not isinstance(array, zarr.Array):
        raise TypeError(f"{name} is not an array")
    return array


def _index(text: str, below: int) -> int | None:
    """Integer of a decimal text as str() writes it, if it is below that; else None."""
    if not (text.isdecimal() and text.isascii() and len(text) < _DIGITS):
        return None
    value = int(text)
    return value if value < below and str(value) == text else None


def _same_coordinates(found: FloatArray, axis: Axis) -> bool:
    """Equal to a billionth of a step: another processor may round log-spaced values otherwise."""
    expected = axis.coordinates
    if found.shape != expected.shape:
        return False
    tolerance = np.maximum(1e-9 * np.abs(np.gradient(expected)), 4 * np.spacing(np.abs(expected)))
    return bool(np.all(np.abs(found - expected) <= tolerance))


def _span(values: FloatArray) -> str:
    return f"{values[0]:g} .. {values[-1]:g} in {len(values)}" if len(values) else "over nothing"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
