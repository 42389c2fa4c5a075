"""Contours of two parameters: profile over the rest, count from the reference, draw the levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.contours import Contour, contours
from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits.level import level_of
from scanner.limits.reference import Minimum, Reference, reference
from scanner.limits.space import Space
from scanner.limits.surface import Surface, number, plain

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Plane:
    """Delta chi2 over two parameters, and its contours.

    Parameters
    ----------
    axes : pair of Axis
        First and second dimension of `delta_chi2`.
    delta_chi2 : array, shape (len(axes[0]), len(axes[1]))
        NaN where there is no usable value.
    contours : tuple of Contour
        One for each confidence level.
    fixed : mapping
        Parameters held at a value.
    profiled : mapping from name to array, shape of `delta_chi2`
        Parameters profiled over, with their value at the minimum.
    """

    axes: tuple[Axis, Axis]
    delta_chi2: Array
    reference: Reference
    contours: tuple[Contour, ...]
    experiments: tuple[str, ...]
    computed: float
    coverage: float
    fixed: Mapping[str, float]
    profiled: Mapping[str, Array]

    def to_dict(self) -> dict[str, Any]:
        """Contours, reference and coverage as plain lists and numbers, for JSON."""
        return {
            "axes": [{"name": axis.name, "unit": axis.unit} for axis in self.axes],
            "experiments": list(self.experiments),
            "reference": self.reference.to_dict(),
            "computed": self.computed,
            "coverage": self.coverage,
            "fixed": {name: plain(value) for name, value in self.fixed.items()},
            "profiled": sorted(self.profiled),
            "contours": [contour.to_dict() for contour in self.contours],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any], delta: Surface) -> Plane:
        """Inverse of `to_dict`, to the last bit, with the arrays that it leaves out.

        Parameters
        ----------
        delta : Surface
            Delta chi2, in place of chi2, over the two axes; with what was profiled.

        Raises
        ------
        KeyError
            An entry is missing.
        """
        return cls(
            axes=(delta.axes[0], delta.axes[1]),
            delta_chi2=delta.chi2,
            reference=Reference.from_dict(record["reference"], dimensions=2),
            contours=tuple(Contour.from_dict(one) for one in record["contours"]),
            experiments=tuple(record["experiments"]),
            computed=float(record["computed"]),
            coverage=float(record["coverage"]),
            fixed={name: number(value) for name, value in record["fixed"].items()},
            profiled=delta.profiled,
        )


def plane(
    surface: Space,
    keep: Sequence[str],
    *,
    cls: Sequence[float] = (0.9,),
    dof: int = 2,
    at: Mapping[str, float] | None = None,
    kind: str = "global",
    minimum: Minimum | None = None,
    chi2_sm: float | None = None,
) -> Plane:
    """Delta chi2 and contours over the two kept axes.

    Parameters
    ----------
    surface : Surface or LargeSurface
        The whole scan, for the chosen experiments.
    keep : pair of str
        First and second axis; with ``raster`` the minimum is taken for each value of the first.
    cls : sequence of float
        Confidence levels as fractions.
    dof, at, kind, minimum, chi2_sm
        As for `scanner.limits.interval.interval`.

    Raises
    ------
    DefinitionError
        Not two axes, an unknown one, a value outside its axis, a level that makes no sense.
    """
    if len(keep) != 2:
        raise DefinitionError(f"keep = {', '.join(keep) or 'nothing'}: a contour needs two axes")
    for cl in cls:
        level_of(cl, dof)
    kept = surface.at(**dict(at or {})).profile(keep)
    zero = reference(kept, kind, space=surface, minimum=minimum, chi2_sm=chi2_sm)
    delta = zero.delta(kept)
    axes = (kept.axes[0], kept.axes[1])
    return Plane(
        axes=axes,
        delta_chi2=delta,
        reference=zero,
        contours=contours(delta, axes, cls, dof),
        experiments=surface.experiments,
        computed=surface.computed,
        coverage=float(np.isfinite(delta).mean()),
        fixed=kept.fixed,
        profiled=kept.profiled,
    )
