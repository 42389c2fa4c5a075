"""Toys of a scan: ``<scan>/toys/<key>/``, one small file for each batch of each tested point.

A batch is put in place whole, with the sha256 of its values: whoever is killed loses
the batch that was running, and a damaged one is made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.errors import MismatchError
from scanner.store import provenance
from scanner.store.folder import Folder
from scanner.store.layout import to_json
from scanner.store.trust import parsed

Array = npt.NDArray[np.float64]
Point = tuple[int, ...]

TOYS = "toys"
QUESTION = "question.json"
BATCH = ".batch.json"
SWEEP_AGE = 600.0  # s; no write of a batch takes that long


@dataclass(frozen=True)
class ToyFolder:
    """Batches of toys of one question.

    Parameters
    ----------
    folder : Folder
        ``<scan>/toys/<key>``.
    """

    folder: Folder

    @classmethod
    def of(cls, scan: Folder, key: str) -> ToyFolder:
        """Toys of that key beside a scan."""
        return cls(scan.child(TOYS).child(key))

    def sweep(self) -> int:
        """Remove partial files that killed writers left ten minutes ago; returns how many."""
        return self.folder.sweep(SWEEP_AGE)

    @property
    def question(self) -> dict[str, Any] | None:
        """What the toys were made for; None before the first.

        Raises
        ------
        MismatchError
            The record is damaged.
        """
        text = self.folder.read(QUESTION)
        try:
            return dict(parsed(text)) if text is not None else None
        except (ValueError, TypeError) as error:
            raise MismatchError(
                f"{self.folder}/{QUESTION} is damaged ({error}): remove {self.folder}"
            ) from error

    def begin(self, question: Mapping[str, Any]) -> None:
        """Make the folder; twice the same does no harm."""
        self.folder.make()
        self.folder.write(QUESTION, to_json(question))

    def write(self, point: Point, batch: int, values: Array, seconds: float = 0.0) -> None:
        """Put one batch in place.

        Parameters
        ----------
        point : tuple of int
            Numbers of the grid point along the tested axes.
        values : array (n,)
            Delta chi2 of each toy; NaN where its fit failed.
        """
        record = {
            "point": list(point),
            "batch": batch,
            "delta_chi2": [float(v) if np.isfinite(v) else None for v in values],
            "sha256": _sha256(values),
            "seconds": round(seconds, 4),
            "host": provenance.hostname(),
            "versions": provenance.numeric_versions(),
            "written": provenance.now_utc(),
        }
        self.folder.write(_name(point, batch), to_json(record))

    def read(self, point: Point, batch: int) -> Array | None:
        """Values of one batch; None where there is none, or a damaged one."""
        text = self.folder.read(_name(point, batch)) if _name(point, batch) in self._names else None
        if text is None:
            return None
        try:
            record = parsed(text)
            values = np.array(record["delta_chi2"], dtype=np.float64)
            sound = record["sha256"] == _sha256(values) and record["point"] == list(point)
        except (ValueError, TypeError, KeyError):
            return None
        return values if sound else None

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.folder.names())


def _name(point: Point, batch: int) -> str:
    return f"{'-'.join(str(i) for i in point)}.{batch:05d}{BATCH}"


def _sha256(values: Array) -> str:
    return sha256(np.where(np.isfinite(values), values, -1.0).tobytes()).hexdigest()
