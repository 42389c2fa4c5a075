"""A toy scan in memory: two experiments that measure different things about three parameters."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import xarray as xr

from scanner.grid import Axis

Chi2 = Callable[..., np.ndarray]


def cube(axes: tuple[Axis, ...], **experiments: Chi2) -> xr.Dataset:
    """Dataset of ``chi2`` and ``status``; each experiment is a function of the axes in order."""
    mesh = np.meshgrid(*(axis.coordinates for axis in axes), indexing="ij")
    chi2 = np.stack([np.broadcast_to(f(*mesh), mesh[0].shape) for f in experiments.values()])
    dims = ("experiment", *(axis.name for axis in axes))
    coords = {"experiment": list(experiments)} | {axis.name: axis.coordinates for axis in axes}
    status = np.where(np.isnan(chi2), 3, 1).astype(np.uint8)
    return xr.Dataset({"chi2": (dims, chi2.astype(float)), "status": (dims, status)}, coords)


def exact(
    axes: tuple[Axis, ...], **experiments: Chi2
) -> Callable[[Mapping[str, np.ndarray]], np.ndarray]:
    """The likelihood behind `cube`: chi2 at named points, shape (experiments, n)."""

    def chi2_at(points: Mapping[str, np.ndarray]) -> np.ndarray:
        values = [points[axis.name] for axis in axes]
        return np.stack(
            [np.broadcast_to(f(*values), values[0].shape) for f in experiments.values()]
        )

    return chi2_at


@pytest.fixture
def make_cube() -> Callable[..., xr.Dataset]:
    return cube


@pytest.fixture
def make_exact() -> Callable[..., Callable[[Mapping[str, np.ndarray]], np.ndarray]]:
    return exact
