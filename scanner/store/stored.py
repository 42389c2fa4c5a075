"""StoredScan: one scan in the store, its definition, cube and ledger."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from scanner import sources
from scanner.definition import ScanDefinition
from scanner.errors import CatalogError, MismatchError, ScannerError, StoreError
from scanner.grid import Chunk, Grid
from scanner.store import provenance
from scanner.store.cube import Cube, FloatArray, StatusArray, check_block
from scanner.store.files import DiskFolder
from scanner.store.folder import PARTIAL, Folder
from scanner.store.layout import (
    CUBE,
    DEFINITION,
    FIGURE,
    LEDGER,
    NAMES,
    RUNS,
    SUMMARY,
    needed_bytes,
    to_json,
    write_definition,
)
from scanner.store.ledger import Ledger, Marker, Markers, status_counts, values_sha256
from scanner.store.location import folder_at
from scanner.store.naming import words
from scanner.store.runs import Runs
from scanner.store.state import ScanState as ScanState
from scanner.store.state import scan_state
from scanner.store.trust import parsed, printable

_STOP = "stop"
_SWEEP_AGE = 600.0  # s; no write of one chunk takes that long


@dataclass(frozen=True)
class StoredScan:
    """A scan in the store.

    Parameters
    ----------
    folder : Folder
        ``<root>/<scan id>``.
    definition : ScanDefinition
        The resolved definition stored there.
    where : str
        Options of the command that name the cluster it is computed on; for hints.
    """

    folder: Folder
    definition: ScanDefinition
    where: str = field(default="", compare=False)

    @classmethod
    def open(cls, location: Path | str) -> StoredScan:
        """Open ``<root>/<scan id>`` by its path or URL.

        Raises
        ------
        CatalogError
            There is no scan.
        MismatchError
            The stored definition is not the one the folder is named after.
        StoreError
            The folder cannot be read.
        """
        folder = folder_at(location)
        text = folder.read(DEFINITION)
        if text is None:
            raise CatalogError(f"no scan in {folder}: check --store, or make it with `scanner run`")
        try:
            definition = ScanDefinition.from_dict(printable(parsed(text)))
        except (ScannerError, ValueError, KeyError, TypeError) as error:
            raise MismatchError(
                f"{folder}/{DEFINITION} is damaged ({error}): remove the folder and run again"
            ) from error
        if definition.id != folder.name:
            raise MismatchError(
                f"{folder}: the definition inside has the id {definition.id}: it was edited or "
                "copied; remove the folder and run again"
            )
        sources.named_by_store(definition.scenario)
        return cls(folder, definition)

    @property
    def id(self) -> str:
        """Identity of the scan, the name of its folder."""
        return self.definition.id

    @property
    def words(self) -> str:
        """What names the scan after a verb of the command, such as ``scanner resume``."""
        return words(self.folder)

    @property
    def words_to_resume(self) -> str:
        """The same after ``scanner resume``, on the cluster that it was computed on."""
        return f"{self.words} {self.where}".rstrip()

    @property
    def digest(self) -> str:
        """Digest of the resolved physics."""
        return self.definition.digest

    @property
    def location(self) -> str:
        """Path or URL of the scan, for `open`: in another process, on another host."""
        return self.folder.location

    @property
    def path(self) -> Path:
        """Folder of a scan on a disk, for other programs.

        Raises
        ------
        StoreError
            It lies elsewhere.
        """
        if isinstance(self.folder, DiskFolder):
            return self.folder.path
        raise StoreError(f"store {self.folder}: no folder on a disk: use its location")

    def beside(self, name: str) -> str:
        """Path or URL of what lies beside the cube, or of the cube itself."""
        return self.folder.child(name).location

    @cached_property
    def cube(self) -> Cube:
        """The Zarr cube."""
        return Cube(self.folder.child(CUBE), self.definition)

    @property
    def grid(self) -> Grid:
        """Axes and stored chunk shape."""
        return self.cube.grid

    @cached_property
    def ledger(self) -> Ledger:
        """Markers of the finished chunks."""
        return Ledger(self.folder.child(LEDGER), self.digest, self.grid)

    @cached_property
    def runs(self) -> Runs:
        """Who works on the scan, and who did."""
        return Runs(self.folder.child(RUNS))

    def commit(
        self,
        chunk: Chunk,
        chi2: FloatArray,
        status: StatusArray,
        *,
        seconds: float = 0.0,
        attempt: int = 0,
    ) -> Marker:
        """Write one chunk, then its marker. Twice the same leaves the same bytes.

        Parameters
        ----------
        chunk : Chunk
            A chunk of this scan's grid.
        chi2 : array (n_experiments, *chunk.shape)
            NaN exactly where `status` says there is no chi2.
        status : array of uint8, same shape
            1 .. 5.
        seconds : float
            Time of evaluation.
        attempt : int
            0 for the first.

        Raises
        ------
        ValueError
            The block is not of that form.
        MismatchError
            The cube belongs to another definition.
        StoreError
            The store is full or not writable.
        """
        check_block(chunk, len(self.definition.layers), chi2, status)
        self.cube.write(chunk, chi2, status)
        marker = Marker(
            chunk=chunk.number,
            start=chunk.start,
            stop=chunk.stop,
            digest=self.digest,
            sha256=values_sha256(chi2, status),
            stored_bytes=self.cube.chunk_sizes(chunk.number),
            points=chunk.size,
            status=status_counts(status),
            seconds=round(seconds, 6),
            attempt=attempt,
            host=provenance.hostname(),
            pid=os.getpid(),
            versions=provenance.numeric_versions(),
            instruction_set=provenance.instruction_set(),
            written=provenance.now_utc(),
        )
        self.ledger.write(marker)
        return marker

    def finished(self) -> Markers:
        """Markers of the finished chunks: valid ones whose data lie there in the noted size."""
        return self.ledger.markers().in_size(self.cube.size_table())

    def finished_chunk(self, number: int) -> Marker | None:
        """Loose marker of one chunk if it is valid and the data lie there in the noted size."""
        marker = self.ledger.marker(number)
        same = marker is not None and self.cube.chunk_sizes(number) == marker.stored_bytes
        return marker if same else None

    def done(self) -> set[int]:
        """Numbers of the finished chunks."""
        return set(self.finished().numbers.tolist())

    def missing(self, finished: Markers | None = None) -> list[int]:
        """Numbers of the chunks still to compute, ascending; `finished` if just read."""
        done = self.finished() if finished is None else finished
        missing = np.ones(self.grid.n_chunks, bool)
        missing[done.numbers] = False
        numbers: list[int] = np.flatnonzero(missing).tolist()
        return numbers

    def state(self, finished: Markers | None = None) -> ScanState:
        """How far the scan is; `finished` if just read."""
        return scan_state(self.finished() if finished is None else finished, self.grid)

    @property
    def fraction_done(self) -> float:
        """Share of the grid points that are computed."""
        return self.state().fraction_done

    def dataset(self, *, load: bool = False) -> xr.Dataset:
        """chi2 and status over (experiment, *axes), with provenance and summary as attributes.

        Parameters
        ----------
        load : bool
            Read everything into memory; otherwise values are read when they are used.

        Raises
        ------
        MismatchError
            With `load`: names the chunk that is damaged.
        """
        dataset = self.cube.dataset()
        dataset.attrs.update(self.summary)
        if load:
            try:
                dataset.load()
            except (ValueError, RuntimeError):
                for chunk in self.grid:
                    self.cube.read(chunk)  # raises for the damaged one, by its number
                raise
        return dataset

    def verify(self) -> list[int]:
        """Numbers of the chunks whose data are not those their marker tells of, ascending."""
        return sorted(n for n, marker in self.ledger.markers().items() if self.disagreement(marker))

    def disagreement(self, marker: Marker) -> str:
        """Why the data of a chunk are not those its marker tells of; ``""`` where they are."""
        sizes = self.cube.chunk_sizes(marker.chunk)
        if 0 in sizes:
            return "its data are gone"
        if sizes != marker.stored_bytes:
            return f"stored in {sum(sizes)} bytes instead of {sum(marker.stored_bytes)}"
        try:
            chi2, status = self.cube.read(self.grid.chunk(marker.chunk))
        except MismatchError:
            return "cannot be read: the stored bytes are damaged"
        same = values_sha256(chi2, status) == marker.sha256
        return "" if same else "holds other values than were written (sha256)"

    def discard(self, numbers: Iterable[int]) -> None:
        """Forget chunks and what was found from them, so that the next run makes them again."""
        for number in numbers:
            self.folder.remove([SUMMARY])  # first: a crash leaves no minimum of damaged data
            self.ledger.remove(number)
            self.cube.remove(number)

    def check_ready(self, missing: Sized) -> None:
        """Test that the store takes what is missing: a real write, and free space.

        Raises
        ------
        StoreError
            Not writable, or too small.
        """
        needed = needed_bytes(self.grid, len(self.definition.layers), len(missing))
        self.folder.check_space(needed)
        self.folder.check_writable()

    def sweep(self) -> int:
        """Remove what killed writers left more than ten minutes ago; returns how many."""
        return self.folder.sweep(_SWEEP_AGE)

    @property
    def summary(self) -> dict[str, Any]:
        """What was found after the scan, such as the minimum; empty until it is written."""
        text = self.folder.read(SUMMARY)
        try:
            return dict(parsed(text)) if text is not None else {}
        except (ValueError, TypeError) as error:
            raise MismatchError(
                f"{self.folder}/{SUMMARY} is damaged ({error}): remove that file and run "
                f"`scanner resume {self.words}`"
            ) from error

    def write_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Add to the summary (``summary.json``); JSON-able, no NaN. For one writer at a time."""
        merged = {**self.summary, **attributes}
        self.folder.write(SUMMARY, to_json(merged))

    @property
    def names(self) -> tuple[str, ...]:
        """Names that definitions of this scan bear: of the first one, then of later ones."""
        later = self.folder.child(NAMES).names()
        return (self.definition.name, *(name for name in later if not name.endswith(PARTIAL)))

    def add_name(self, name: str) -> None:
        """Let the scan be found by the name of another definition with the same physics."""
        if name not in self.names:
            names = self.folder.child(NAMES)  # a file each: two processes cannot lose one
            names.make()
            names.write(name, b"")

    def entitled(self, title: str) -> StoredScan:
        """The same scan under that title; of another title the figure goes, it bears the old one.

        Raises
        ------
        StoreError
            The title is another one and cannot be written.
        """
        if title == self.definition.title:
            return self
        definition = replace(self.definition, title=title)
        write_definition(self.folder, definition)
        self.folder.remove([FIGURE])
        return StoredScan(self.folder, definition)

    def request_stop(self) -> None:
        """Ask every run of this scan, on whatever host, to stop after its running chunks."""
        self.folder.write(_STOP, provenance.now_utc().encode())

    def stop_requested(self) -> bool:
        """Whether `request_stop` was called since the last `clear_stop`."""
        return self.folder.exists(_STOP)

    def clear_stop(self) -> None:
        """Withdraw `request_stop`."""
        self.folder.remove([_STOP])
