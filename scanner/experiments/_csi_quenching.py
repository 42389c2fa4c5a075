"""Scintillation curve of CsI and its error band, as two principal components that can be profiled.

COHERENT, arXiv:2110.07730, ancillary scintillation response: five rows of polynomial coefficients,
the nominal curve and those at +1 and -1 standard deviation of each component, which lie on both
sides of the nominal one alike.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from scanner.experiment import Constraint
from scanner.experiments import _tables
from scanner.parameter import Parameter
from scanner.physics.quenching import polynomial_kevee

Array = npt.NDArray[np.float64]

COMPONENTS = ("csi_quenching_pc0", "csi_quenching_pc1")
INPUTS = tuple(
    Parameter(
        name,
        "shape",
        default=0.0,
        minimum=-3.0,
        maximum=3.0,
        latex=rf"Q_{i}",
        description=f"principal component {i} of the CsI quenching curve, in standard deviations",
        shared=True,
    )
    for i, name in enumerate(COMPONENTS)
)
CONSTRAINTS = dict.fromkeys(COMPONENTS, Constraint(0.0, 1.0))


def curve_kevee(table: _tables.Table, pc0: float, pc1: float) -> Callable[[Array], Array]:
    """Recoil (MeV) to electron-equivalent energy (keVee), with both components in sigma.

    Parameters
    ----------
    table : mapping from "a", "b", "c", "d" to array (5,)
        Coefficients of the rows of the release.
    """
    rows = np.stack([table[key][:5] for key in "abcd"], axis=1)
    changes = 0.5 * (rows[[1, 3]] - rows[[2, 4]])
    curve = rows[0] + pc0 * changes[0] + pc1 * changes[1]
    return partial(polynomial_kevee, coefficients=tuple(curve.tolist()))
