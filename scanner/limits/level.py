"""Level of a limit: the Delta chi2 of a confidence level, two-sided or one-sided."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scanner.errors import DefinitionError, unknown
from scanner.statistics import levels

Array = npt.NDArray[np.float64]

SIDES = ("two", "one")


def level_of(cl: float, dof: int, sided: str = "two") -> float:
    """Delta chi2 of a confidence level.

    Raises
    ------
    DefinitionError
        What `scanner.statistics` refuses; an unknown kind; one-sided for several parameters.
    """
    if sided not in SIDES:
        raise DefinitionError(f"sided: {unknown('kind', sided, SIDES)}")
    if sided == "one" and dof != 1:
        raise DefinitionError(f"sided = one with dof = {dof}: an upper limit has dof = 1")
    try:
        return levels.delta_chi2(cl, dof) if sided == "two" else levels.one_sided_delta_chi2(cl)
    except ValueError as error:
        raise DefinitionError(str(error)) from None


def upper_only(values: Array, delta: Array, best: float) -> Array:
    """Delta chi2 that speaks against larger values alone: below the best one none is worse.

    The one-sided statistic of an upper limit is 0 where the best fit lies above the tested value
    (eq. 14 of arXiv:1007.1727).

    Parameters
    ----------
    values, delta : arrays (n,)
        Along the parameter; NaN stays where there is no value.
    best : float
        Where chi2 is lowest.

    Examples
    --------
    >>> upper_only(np.arange(4.0), np.array([9.0, 1.0, 0.2, 4.0]), 2.0).tolist()
    [0.2, 0.2, 0.2, 4.0]
    """
    if not np.isfinite(delta).any():
        return delta
    return np.where(values <= best, np.fmin(delta, np.nanmin(delta)) + 0.0 * delta, delta)
