"""The cube of a served scan, read over HTTP where what is asked is more than one answer tells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from scanner.client.records import Names
from scanner.client.transport import Transport
from scanner.definition import ScanDefinition
from scanner.errors import ClusterError, DefinitionError
from scanner.limits.layers import summed_layers
from scanner.limits.minimum import stored_minimum
from scanner.limits.reference import Minimum, reference
from scanner.limits.surface import Surface
from scanner.limits.workers import LARGE

if TYPE_CHECKING:
    import xarray as xr


def storage_options(transport: Transport) -> dict[str, Any]:
    """What ``xarray.open_zarr`` takes for the same service: token and certificate."""
    made: dict[str, Any] = {"client_kwargs": {"trust_env": not transport.place.loopback}}
    if transport.token is not None:
        made["headers"] = transport.token.headers()
    if transport.context is not None:
        made["ssl"] = transport.context
    return made


def dataset(transport: Transport, url: str, summary: Mapping[str, Any]) -> xr.Dataset:
    """chi2 and status over (experiment, *axes), in memory; a large cube is read when used.

    Parameters
    ----------
    url : str
        Of the Zarr group.
    summary : mapping
        Minima and SM chi2, put beside the cube's own attributes.

    Raises
    ------
    ClusterError
        The service does not send it.
    """
    import aiohttp
    import xarray as xr

    try:
        opened: xr.Dataset = xr.open_zarr(
            url,
            storage_options=storage_options(transport),
            consolidated=True,
            zarr_format=3,
            chunks=None,
        )
        opened.attrs.update(summary)
        # fixed-width names: numpy's new variable-width strings do not go into netCDF
        names = np.array([str(name) for name in opened["experiment"].values])
        attributes = dict(opened["experiment"].attrs)
        opened = opened.assign_coords(experiment=("experiment", names, attributes))
        return opened.load() if opened["chi2"][0].size <= LARGE else opened
    except (aiohttp.ClientError, OSError) as error:
        raise ClusterError(f"{url}: cannot be read ({type(error).__name__}): try again") from error


def surface(cube: xr.Dataset, definition: ScanDefinition, experiments: Names) -> Surface:
    """chi2 summed over experiments, in memory.

    Raises
    ------
    DefinitionError
        The cube is too large for that.
    """
    points = math.prod(len(axis) for axis in definition.axes)
    if points > LARGE:
        raise DefinitionError(
            f"scan {definition.id}: {points:.3g} points are not loaded (at most {LARGE:.3g}): keep "
            "one axis or two of up to 1000 points, or read parts of dataset()"
        )
    return Surface.from_dataset(cube, definition.axes, experiments)


def delta(
    whole: Surface,
    keep: Sequence[str],
    at: Mapping[str, float],
    kind: str,
    definition: ScanDefinition,
    minima: Mapping[str, Minimum],
    chi2_sm: Mapping[str, float],
) -> Surface:
    """Delta chi2 over the kept axes in place of chi2, as `Answers.delta_chi2` has it."""
    kept = whole.at(**at).profile(keep)
    layers = summed_layers(definition.layers, whole.experiments)
    zero = reference(
        kept,
        kind,
        space=whole,
        minimum=stored_minimum(minima, whole.experiments, definition.experiments),
        chi2_sm=sum(chi2_sm[name] for name in layers) if chi2_sm else None,
    )
    return replace(kept, chi2=zero.delta(kept))
