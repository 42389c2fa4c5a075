"""Signal counts of one experiment at any point, and their slopes: templates are folded once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from scanner.chi2 import ExperimentModel
from scanner.exact.monomials import Powers, monomial_slopes, monomials
from scanner.templates import Templates

Array = npt.NDArray[np.float64]


class Counts:
    """Counts of one experiment as a function of all free parameters.

    Parameters
    ----------
    model : ExperimentModel
        Without profiled inputs. Its templates are kept by shape values, within a bound of memory.
    """

    def __init__(self, model: ExperimentModel) -> None:
        self.model = model
        self.couplings = model.couplings
        self._powers: tuple[Templates | None, Powers] = (None, np.empty((0, 0), np.int64))

    def signal(self, values: Mapping[str, Array]) -> Array:
        """Counts (n, n_bins) at points given by all free parameters, each (n,)."""
        templates, index = self._templates(values)
        rows = monomials(self._powers_of(templates), self._couplings(values))
        return _contracted(rows, templates.counts, index)

    def slopes(self, values: Mapping[str, Array]) -> Array:
        """Derivatives of the counts by the couplings, (n, n_couplings, n_bins)."""
        templates, index = self._templates(values)
        rows = monomial_slopes(self._powers_of(templates), self._couplings(values))
        return _contracted(np.moveaxis(rows, -1, 1), templates.counts, index)

    def sizes(self, values: Mapping[str, Array]) -> dict[str, float]:
        """Value of each coupling at which it alone would double the Standard Model counts.

        Infinite for one that enters only in products with others.
        """
        templates, _ = self._templates({name: v[:1] for name, v in values.items()})
        totals = np.abs(templates.counts[:, 0]).sum(axis=-1)
        found = dict.fromkeys(self.couplings, np.inf)
        for powers, total in zip(templates.exponents[1:], totals[1:].tolist(), strict=True):
            alone = [(name, k) for name, k in zip(self.couplings, powers, strict=True) if k]
            if len(alone) == 1 and total > 0.0:
                name, power = alone[0]
                found[name] = min(found[name], (float(totals[0]) / total) ** (1.0 / power))
        return found

    def _templates(self, values: Mapping[str, Array]) -> tuple[Templates, npt.NDArray[np.intp]]:
        """Templates of the shape values that occur, and which of them each point has."""
        if not self.model.shapes:
            return self.model.templates(np.empty((1, 0))), np.zeros(1, np.intp)
        columns = np.stack([values[name] for name in self.model.shapes], axis=1)
        unique, index = np.unique(columns, axis=0, return_inverse=True)
        return self.model.templates(unique), index.ravel()

    def _powers_of(self, templates: Templates) -> Powers:
        """Exponents as an array, made once as long as the same templates are asked for."""
        if self._powers[0] is not templates:
            powers = np.array(templates.exponents, dtype=np.int64)
            shape = (len(templates.exponents), len(templates.variables))
            self._powers = (templates, powers.reshape(shape))
        return self._powers[1]

    def _couplings(self, values: Mapping[str, Array]) -> Array:
        n = len(next(iter(values.values())))
        columns = [values[name] for name in self.couplings]
        return np.stack(columns, axis=1) if columns else np.empty((n, 0))


def _contracted(rows: Array, counts: Array, index: npt.NDArray[np.intp]) -> Array:
    """Sum over monomials: rows (n, ..., n_rows), counts (n_rows, n_shapes, n_bins)."""
    if counts.shape[1] == 1:
        return np.asarray(rows @ counts[:, 0])
    if rows.ndim == 2:
        return np.asarray(np.einsum("nk,knb->nb", rows, counts[:, index]))
    return np.asarray(np.einsum("nck,knb->ncb", rows, counts[:, index]))
