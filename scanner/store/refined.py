"""Refinements beside a cube: ``<scan>/refined/<key>/``, points off the grid in batches.

``manifest.json`` says what was asked and how; ``batches/000000.npz`` holds the points of one batch
(index in the finest grid, chi2 and status in every layer) and ``batches/000000.json`` marks it
done, with its sha256; ``done.json`` is written last. Data first, then the marker, each put in
place whole: what was killed goes on behind the last marker.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from scanner.errors import MismatchError
from scanner.store import provenance
from scanner.store.folder import PARTIAL, Folder
from scanner.store.layout import to_json
from scanner.store.stored import StoredScan
from scanner.store.trust import parsed

Index = npt.NDArray[np.intp]
Points = tuple[Index, npt.NDArray[np.float64], npt.NDArray[np.uint8]]

REFINED = "refined"
_MANIFEST, _DONE, _BATCHES = "manifest.json", "done.json", "batches"

_reading = Lock()
"""NumPy reads headers by `ast`, which fails in two threads at once (cpython issue 106905)."""


@dataclass(frozen=True)
class StoredRefinement:
    """One refinement of a scan.

    Parameters
    ----------
    folder : Folder
        ``<scan>/refined/<key>``; it need not exist yet.
    """

    folder: Folder

    @classmethod
    def of(cls, scan: StoredScan, key: str) -> StoredRefinement:
        """The refinement of that key, whether it is there or not."""
        return cls(scan.folder.child(REFINED).child(key))

    @property
    def key(self) -> str:
        """Its name."""
        return self.folder.name

    @property
    def _batches(self) -> Folder:
        return self.folder.child(_BATCHES)

    def create(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Write the manifest unless there is a sound one; returns the one that is there."""
        self._batches.make()
        if not self.known:
            self.folder.write(_MANIFEST, to_json(manifest))
        return self.manifest

    @property
    def known(self) -> bool:
        """Whether it was begun; a damaged manifest is none."""
        try:
            return bool(self.manifest)
        except MismatchError:
            return False

    @property
    def manifest(self) -> dict[str, Any]:
        """What was asked, and how it is worked out.

        Raises
        ------
        MismatchError
            It is missing or damaged.
        """
        found = self._json(self.folder, _MANIFEST)
        if found is None:
            raise self._damaged(_MANIFEST)
        return found

    @property
    def done(self) -> dict[str, Any] | None:
        """The record of a finished refinement; None before."""
        return self._json(self.folder, _DONE)

    def finish(self, record: Mapping[str, Any], batches: int) -> dict[str, Any]:
        """Write the record; with the batches that it is made of and a sha256 over all of them."""
        whole = {**record, "batches": batches, "sha256": self._sha256(batches)}
        self.folder.write(_DONE, to_json(whole))
        return whole

    def reopen(self) -> None:
        """Forget that it was finished, so that damaged batches are made again."""
        self.folder.remove([_DONE])

    def write(self, number: int, points: Points, seconds: float) -> None:
        """Write one batch, then its marker. Twice the same leaves the same data.

        Parameters
        ----------
        points : tuple
            Indices (n, 2) in the finest grid, chi2 and status (n_layers, n).
        """
        index, chi2, status = points
        packed = io.BytesIO()
        np.savez_compressed(packed, index=index.astype(np.int32), chi2=chi2, status=status)
        data = packed.getvalue()
        self._batches.write(f"{number:06d}.npz", data)
        marker = {
            "sha256": hashlib.sha256(data).hexdigest(),
            "places": _places(index),
            "points": len(index),
            "seconds": round(seconds, 6),
            "host": provenance.hostname(),
            "versions": dict(provenance.numeric_versions()),
            "instruction_set": provenance.instruction_set(),
            "written": provenance.now_utc(),
        }
        self._batches.write(f"{number:06d}.json", to_json(marker))

    def batch(self, number: int, index: Index) -> Points | None:
        """A batch that is done, sound and of these points; else None."""
        marker = self._json(self._batches, f"{number:06d}.json", strict=False)
        if marker is None or marker.get("places") != _places(index):
            return None
        return self._sound(number, marker)

    def all_batches(self, count: int) -> Iterator[Points]:
        """The batches of a finished refinement, each checked against its sha256.

        Raises
        ------
        MismatchError
            One is missing, damaged, or not the one that the record was made from.
        """
        if self._sha256(count) != (self.done or {}).get("sha256"):
            raise self._damaged(_BATCHES)
        for number in range(count):
            marker = self._json(self._batches, f"{number:06d}.json", strict=False)
            found = None if marker is None else self._sound(number, marker)
            if found is None:
                raise self._damaged(f"{_BATCHES}/{number:06d}.npz")
            yield found

    def _sound(self, number: int, marker: Mapping[str, Any]) -> Points | None:
        data = self._batches.read(f"{number:06d}.npz")
        if data is None or hashlib.sha256(data).hexdigest() != marker.get("sha256"):
            return None
        try:
            with _reading, np.load(io.BytesIO(data), allow_pickle=False) as held:
                return held["index"].astype(np.intp), held["chi2"], held["status"]
        except (ValueError, KeyError, EOFError, BadZipFile):  # forged: its sha256 is right
            return None

    def _sha256(self, batches: int) -> str:
        """Of the sha256 of all batches in order."""
        total = hashlib.sha256()
        for number in range(batches):
            marker = self._json(self._batches, f"{number:06d}.json", strict=False) or {}
            total.update(str(marker.get("sha256")).encode())
        return total.hexdigest()

    def _json(self, folder: Folder, name: str, *, strict: bool = True) -> dict[str, Any] | None:
        text = folder.read(name)
        try:
            return None if text is None else dict(parsed(text))
        except (ValueError, TypeError) as error:
            if not strict:
                return None
            raise self._damaged(name) from error

    def _damaged(self, name: str) -> MismatchError:
        return MismatchError(
            f"{self.folder}/{name} is missing or damaged: run the same `scanner refine` again "
            "(sound batches are kept), or remove the folder"
        )


def refinements(scan: StoredScan) -> list[StoredRefinement]:
    """All refinements of a scan that were begun, finished or not, by key."""
    folder = scan.folder.child(REFINED)
    found = [StoredRefinement(folder.child(n)) for n in folder.names() if not n.endswith(PARTIAL)]
    return [stored for stored in found if stored.known]


def _places(index: Index) -> str:
    return hashlib.sha256(np.ascontiguousarray(index, dtype=np.int32).tobytes()).hexdigest()
