"""What an exclusion figure shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from scanner.figures.published import Published
from scanner.grid import Axis

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Mark:
    """A point of the plane to mark: the best fit, the Standard Model."""

    label: str
    at: tuple[float, float]


@dataclass(frozen=True)
class Planes:
    """What an exclusion figure shows.

    Parameters
    ----------
    axes : pair of Axis
        x and y.
    combined : array, shape (len(axes[0]), len(axes[1]))
        Delta chi2 of the combination; NaN where there is no value.
    combined_label : str
        Its name in the legend.
    singles : mapping from label to array of the same shape
        Delta chi2 of each experiment alone, from its own reference.
    published : sequence of Published
        Limits of others, drawn beneath.
    marks : sequence of Mark
        Points to mark, the best fit first.
    driven : sequence of (label, array (n, 2))
        Stretches of the combination's line by the label in `singles` of the experiment that it owes
        its place to: shaded in that experiment's colour.
    expected : bool
        Whether the combination is a sensitivity, not a measurement: lines, and no region.
    """

    axes: tuple[Axis, Axis]
    combined: Array
    combined_label: str = "combined"
    singles: Mapping[str, Array] = field(default_factory=dict)
    published: Sequence[Published] = ()
    marks: Sequence[Mark] = ()
    driven: Sequence[tuple[str, Array]] = ()
    expected: bool = False
