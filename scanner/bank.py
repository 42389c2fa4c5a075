"""Templates kept by shape values: each block of them is folded once, within a bound of memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from scanner.templates import Templates

Array = npt.NDArray[np.float64]

VALUES_PER_FOLD = 128
"""Shape values folded at once: bounds the memory of a fold to some tens of MB."""
LIMIT_BYTES = 256_000_000
"""Of kept counts, per experiment; beyond it the blocks not asked for longest are dropped."""


class TemplateBank:
    """Templates of one scenario in one experiment.

    The unit is a block of shape values, as the chunks of a grid have them: a matrix product may
    round differently for another set of rows, so a block is folded as a whole or not at all, and
    a chunk gets the same bytes whatever was evaluated before it.

    Parameters
    ----------
    fold : callable
        ``fold({shape parameter: array (n,)})`` -> Templates; with no shape parameters ``fold({})``.
    shapes : sequence of str
        Scanned shape parameters.
    """

    def __init__(
        self,
        fold: Callable[[Mapping[str, Array]], Templates],
        shapes: Sequence[str],
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self._fold = fold
        self._shapes = tuple(shapes)
        self._limit = limit_bytes
        self._blocks: OrderedDict[bytes, Templates] = OrderedDict()

    def templates(self, values: Array) -> Templates:
        """Templates at shape values (n, n_shapes); counts (n_rows, n, n_bins)."""
        key = np.ascontiguousarray(values, dtype=np.float64).tobytes()
        if key not in self._blocks:
            self._blocks[key] = self._folded(values)
        self._blocks.move_to_end(key)
        while len(self._blocks) > 1 and self._nbytes() > self._limit:
            self._blocks.popitem(last=False)
        return self._blocks[key]

    def _nbytes(self) -> int:
        return sum(block.counts.nbytes for block in self._blocks.values())

    def _folded(self, values: Array) -> Templates:
        if not self._shapes:
            alone = self._fold({})
            return Templates(alone.variables, alone.exponents, alone.counts[:, np.newaxis])
        parts = [
            self._fold(dict(zip(self._shapes, values[i : i + VALUES_PER_FOLD].T, strict=True)))
            for i in range(0, len(values), VALUES_PER_FOLD)
        ]
        counts = np.concatenate([part.counts for part in parts], axis=1)
        return Templates(parts[0].variables, parts[0].exponents, counts)
