"""Monomials of the couplings and their slopes, all of them in a few array operations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Powers = npt.NDArray[np.int64]


def monomials(powers: Powers, values: Array) -> Array:
    """Product over couplings of value^power.

    Parameters
    ----------
    powers : array of int (n_rows, n_couplings)
        One row per monomial.
    values : array (n, n_couplings)
        Couplings of each point.

    Returns
    -------
    array (n, n_rows)

    Examples
    --------
    >>> monomials(np.array([[0, 0], [2, 1]]), np.array([[3.0, 5.0]])).tolist()
    [[1.0, 45.0]]
    """
    return np.asarray(np.prod(values[:, np.newaxis, :] ** powers, axis=-1))


def monomial_slopes(powers: Powers, values: Array) -> Array:
    """Derivative of every monomial by every coupling, shape (n, n_rows, n_couplings).

    The product of the other factors is that of those before and of those behind: nothing is
    divided by a coupling, which may be zero.

    Examples
    --------
    >>> monomial_slopes(np.array([[2, 1]]), np.array([[3.0, 0.0]])).tolist()
    [[[0.0, 9.0]]]
    """
    grown = values[:, np.newaxis, :]
    factors = grown**powers
    own = powers * grown ** np.maximum(powers - 1, 0)
    ones = np.ones((*factors.shape[:-1], 1))
    before = np.concatenate([ones, np.cumprod(factors[..., :-1], axis=-1)], axis=-1)
    turned = np.cumprod(factors[..., :0:-1], axis=-1)[..., ::-1]
    behind = np.concatenate([turned, ones], axis=-1)
    return np.asarray(own * before * behind)
