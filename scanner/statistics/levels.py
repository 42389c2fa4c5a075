"""Confidence levels and the Delta chi2 they stand for (Wilks' theorem)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc, gammaincc, gammaincinv, ndtri

Array = npt.NDArray[np.float64]

WILKS = "Delta chi2 (Wilks)"
"""Statistic of a limit that takes Delta chi2 for a chi-square, as Wilks' theorem has it."""

USUAL_LEVELS = (0.6827, 0.90, 0.9545, 0.9973)


def delta_chi2(cl: float, dof: int) -> float:
    """Delta chi2 that `cl` of a chi2 distribution with `dof` degrees of freedom lies below.

    Parameters
    ----------
    cl : float
        Confidence level as a fraction, 0 < cl < 1.
    dof : int
        Degrees of freedom, at least 1.

    Raises
    ------
    ValueError
        A percentage instead of a fraction, or degrees of freedom that are not a whole number.

    Examples
    --------
    >>> round(delta_chi2(0.90, 1), 3), round(delta_chi2(0.9545, 2), 2)
    (2.706, 6.18)
    """
    if not 0.0 < cl < 1.0:
        raise ValueError(f"cl = {cl:g}: give a fraction{_fraction_of(cl)}")
    # the chi2 distribution by its incomplete gamma function: scipy.stats takes a second to import
    return float(2.0 * gammaincinv(0.5 * _check_dof(dof), cl))


def one_sided_delta_chi2(cl: float) -> float:
    """Delta chi2 = z^2 of a one-sided limit, z the quantile of a Gaussian at `cl`.

    The distribution of the one-sided statistic is half of a chi2 with one degree of freedom and
    half of a spike at 0 (Chernoff, Ann. Math. Stat. 25, 573 (1954); eq. 49 of arXiv:1007.1727).

    Raises
    ------
    ValueError
        As `delta_chi2`; and below 0.5, which the spike takes alone.

    Examples
    --------
    >>> round(one_sided_delta_chi2(0.90), 3), round(one_sided_delta_chi2(0.95), 3)
    (1.642, 2.706)
    """
    delta_chi2(cl, 1)
    if cl < 0.5:
        raise ValueError(f"cl = {cl:g}: a one-sided limit takes a fraction of at least 0.5")
    return float(2.0 * gammaincinv(0.5, 2.0 * cl - 1.0))


def confidence_level(delta: npt.ArrayLike, dof: int) -> Array:
    """Confidence level at which a point of that Delta chi2 is just excluded; any shape.

    A negative Delta chi2 (a point better than the reference) gives 0, NaN gives NaN.

    >>> float(confidence_level(2.70554, 1).round(4))
    0.9
    """
    above = np.maximum(np.asarray(delta, dtype=np.float64), 0.0)
    return np.asarray(gammainc(0.5 * _check_dof(dof), 0.5 * above))


def sigmas(delta: npt.ArrayLike, dof: int) -> Array:
    """The same in two-sided standard deviations of a Gaussian; any shape.

    >>> float(sigmas(9.0, 1).round(6)), float(sigmas(6.18, 2).round(2))
    (3.0, 2.0)
    """
    above = np.maximum(np.asarray(delta, dtype=np.float64), 0.0)
    # beyond 38 sigma the probability is no number: the root of Delta chi2 is close enough then
    beyond = gammaincc(0.5 * _check_dof(dof), 0.5 * above)
    return np.asarray(np.where(beyond > 0.0, 0.0 - ndtri(0.5 * beyond), np.sqrt(above)))


def percent(cl: float) -> str:
    """Confidence level as people write it.

    >>> percent(0.9), percent(0.9545)
    ('90 %', '95.45 %')
    """
    return f"{100.0 * cl:.6g} %"


def _check_dof(dof: int) -> int:
    if isinstance(dof, bool) or not isinstance(dof, (int, np.integer)) or dof < 1:
        raise ValueError(
            f"dof = {dof!r}: give a whole number of at least 1, the number of parameters"
        )
    return int(dof)


def _fraction_of(cl: float) -> str:
    if math.isfinite(cl) and 1.0 < cl < 100.0:
        return f", {cl / 100.0:g} for {cl:g} %"
    return " between 0 and 1, 0.9 for 90 %"
