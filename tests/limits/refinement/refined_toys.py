"""Formulas in place of likelihoods, refined by the search itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scanner.grid import Axis
from scanner.limits.reference import Minimum
from scanner.limits.refinement.mesh import Mesh
from scanner.limits.refinement.search import Search, Wanted

Formula = Callable[[np.ndarray, np.ndarray], np.ndarray]

ZERO = Minimum(0.0, {})


def linear(n: int, name: str = "x", start: float = 0.0, stop: float = 1.0) -> Axis:
    return Axis(name, "linear", start, stop, n)


def searched(
    mesh: Mesh, *formulas: Formula, level: float = 4.6, zero: Minimum | None = ZERO
) -> Search:
    """The search on one layer for each formula, each wanted alone, after it ran."""

    def evaluate(_level: int, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y = (a.coordinates[index[:, k]] for k, a in enumerate(mesh.axes))
        chi2 = np.array([formula(x, y) for formula in formulas])
        return chi2, np.where(np.isnan(chi2), 3, 1).astype(np.uint8)

    shape = (len(formulas), *mesh.shape)
    wanted = {str(row): Wanted((row,), zero) for row in range(len(formulas))}
    search = Search(
        mesh, [level], wanted, np.full(shape, np.nan), np.zeros(shape, np.uint8), evaluate
    )
    search.run()
    return search


def dense(mesh: Mesh, formula: Formula) -> np.ndarray:
    """The formula on the finest grid."""
    return formula(*np.meshgrid(*(axis.coordinates for axis in mesh.axes), indexing="ij"))


def points(search: Search) -> int:
    """Points that were evaluated."""
    return sum(step.points for step in search.steps.values())
