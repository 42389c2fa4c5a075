"""Source text that every Poisson kernel begins with: bits of a number, and the start of a fit."""

HEADER = '''\
"""Poisson chi2 along lines, generated; see scanner/statistics/poisson_source.py."""

import numpy as np
from llvmlite import ir
from numba import float64, int64, njit
from numba.extending import intrinsic

FAST = {"reassoc", "contract", "nsz", "arcp"}  # not nnan: a prediction that is no number is seen


@intrinsic
def as_bits(typing_context, x):
    def codegen(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(64))

    return int64(float64), codegen


@intrinsic
def as_float(typing_context, x):
    def codegen(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.DoubleType())

    return float64(int64), codegen


@njit(cache=True, error_model="numpy")
def least_squares(line, z, n, offset, direct, weights, D, R, centre, y):
    """Pulls of the least-squares fit, drawn back until all predictions are positive."""
    n_pulls, degree = len(centre), line.shape[0] - 1
    matrix, change = np.eye(n_pulls), np.empty(n_pulls)
    y[:] = centre
    for b in range(len(n)):
        s = line[degree, b]
        for d in range(degree - 1, -1, -1):
            s = s * z + line[d, b]
        residual = weights[b] * (n[b] - offset[b] - direct * s)
        for j in range(n_pulls):
            change[j] = D[j, b] * s + R[j, b]
            y[j] += residual * change[j]
            for k in range(j + 1):
                matrix[j, k] += weights[b] * change[j] * change[k]
    for j in range(n_pulls):
        for k in range(j):
            for m in range(k):
                matrix[j, k] -= matrix[j, m] * matrix[k, m]
            matrix[j, k] /= matrix[k, k]
            matrix[j, j] -= matrix[j, k] ** 2
            y[j] -= matrix[j, k] * y[k]
        matrix[j, j] = np.sqrt(matrix[j, j])
        y[j] /= matrix[j, j]
    for j in range(n_pulls - 1, -1, -1):
        for k in range(j + 1, n_pulls):
            y[j] -= matrix[k, j] * y[k]
        y[j] /= matrix[j, j]
    for _ in range(40):
        inside = True
        for b in range(len(n)):
            s = line[degree, b]
            for d in range(degree - 1, -1, -1):
                s = s * z + line[d, b]
            mu = offset[b] + direct * s
            for j in range(n_pulls):
                mu += y[j] * (D[j, b] * s + R[j, b])
            inside = inside and mu > 0.0
        if inside:
            break
        for j in range(n_pulls):
            y[j] = centre[j] + 0.5 * (y[j] - centre[j])


'''
