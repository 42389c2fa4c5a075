"""What writing a chunk costs besides the disk: a rehearsal in memory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import zarr
from zarr.storage import MemoryStore

from scanner.store.layout import compressors
from scanner.store.ledger import status_counts, values_sha256


def rehearse(chi2: npt.NDArray[np.float64], status: npt.NDArray[np.uint8]) -> None:
    """Hash, count, compress and keep a chunk in memory, as `StoredScan.commit` does on disk."""
    values_sha256(chi2, status)
    status_counts(status)
    group = zarr.create_group(MemoryStore(), zarr_format=3)
    for name, values in (("chi2", chi2), ("status", status)):
        array = group.create_array(
            name,
            shape=values.shape,
            chunks=values.shape,
            dtype=values.dtype,
            compressors=compressors(str(values.dtype)),
        )
        array[...] = values
