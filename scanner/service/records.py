"""Records of what is asked of a scan, for JSON: surfaces, contours as GeoJSON, overlays, points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.definition import ScanDefinition
from scanner.errors import DefinitionError
from scanner.figures.pulls import Residuals
from scanner.figures.spectra import Projection
from scanner.grid import Axis
from scanner.known import known_parameters
from scanner.limits.marks import best_fit, standard_model_point
from scanner.limits.plane import Plane
from scanner.limits.surface import Surface
from scanner.overlays import shelf
from scanner.pictures import data_name, projections, residuals
from scanner.point import explain
from scanner.scan import Scan
from scanner.spectra import Spectra, spectra

Array = npt.NDArray[np.float64]


def surface_record(
    scan: Scan, surface: Surface, delta: Array, most: int, digits: int | None = None
) -> dict[str, Any]:
    """Chi2, Delta chi2 and the place of the minimum over the kept axes, in nested lists.

    Parameters
    ----------
    surface : Surface
        Profiled over the rest.
    delta : array
        Delta chi2, of the same shape.
    most : int
        Points of an axis; of more, every second, third, ... and the last are told.
    digits : int, optional
        Significant digits of what is told on the grid; default: all.
    """
    places = [_thinned(len(axis), most) for axis in surface.axes]
    grid = np.ix_(*places) if places else ()

    def told(values: Array) -> Any:
        return _listed(np.broadcast_to(values, surface.chi2.shape)[grid], digits)

    return {
        "axes": [
            axis_record(scan, axis) | {"coordinates": axis.coordinates[chosen].tolist()}
            for axis, chosen in zip(surface.axes, places, strict=True)
        ],
        "experiments": list(surface.experiments),
        "fixed": dict(surface.fixed),
        "computed": surface.computed,
        "coverage": surface.coverage,
        "thinned": any(len(p) < len(a) for p, a in zip(places, surface.axes, strict=True)),
        "chi2": told(surface.chi2),
        "delta_chi2": told(delta),
        "profiled": {name: told(values) for name, values in surface.profiled.items()},
        "marks": _marks(scan, surface),
    }


def _marks(scan: Scan, surface: Surface) -> dict[str, list[float]]:
    """Points that a figure marks, one value of each kept axis; empty where there is none."""
    return {
        "best_fit": list(best_fit(surface, scan.minima, scan.definition.experiments)),
        "standard_model": list(standard_model_point(surface, scan.definition)),
    }


def _thinned(n: int, most: int) -> npt.NDArray[np.intp]:
    """Numbers of the points that are told, the last one always.

    >>> _thinned(10, 4).tolist(), _thinned(3, 4).tolist()
    ([0, 3, 6, 9], [0, 1, 2])
    """
    step = -(-(n - 1) // max(most - 1, 1)) if n > most else 1
    return np.unique(np.append(np.arange(0, n, max(step, 1)), n - 1))


def _listed(values: Array, digits: int | None = None) -> Any:
    finite = np.where(np.isfinite(values), values, np.nan).astype(float)
    return (finite if digits is None else _rounded(finite, digits)).tolist()


def _rounded(values: Array, digits: int) -> Array:
    """Values to that many significant digits.

    >>> _rounded(np.array([123.456, -0.00123456, 0.0, np.nan]), 3).tolist()
    [123.0, -0.00123, 0.0, nan]
    """
    flat = [float(f"{value:.{digits}g}") for value in values.ravel()]
    return np.reshape(np.array(flat), values.shape)


def axis_record(scan: Scan, axis: Axis) -> dict[str, Any]:
    """Name, unit, symbol, range and spacing of an axis."""
    known = known_parameters(scan.definition) if scan.unchanged else {}
    parameter = known.get(axis.name)
    return {
        **plain_axis(axis),
        "latex": parameter.latex if parameter else "",
        "description": parameter.description if parameter else "",
    }


def plain_axis(axis: Axis) -> dict[str, Any]:
    """The same without what only the catalogue knows."""
    return {
        "name": axis.name,
        "unit": axis.unit,
        "latex": "",
        "description": "",
        "spacing": axis.spacing,
        "logarithmic": axis.logarithmic,
        "n": len(axis),
        "start": float(axis.coordinates[0]),
        "stop": float(axis.coordinates[-1]),
    }


def geojson(plane: Plane) -> dict[str, Any]:
    """Contours as a GeoJSON FeatureCollection: one feature a line, in the units of the axes.

    Its coordinates are no longitudes and latitudes, which RFC 7946 demands: the form alone is
    GeoJSON, for programs that draw it. A closed line is a LineString that ends where it began.
    """
    said = plane.to_dict()
    features = []
    for contour in said.pop("contours"):
        lines = contour.pop("lines")
        features += [
            {
                "type": "Feature",
                "geometry": {"type": "LineString", "coordinates": line["vertices"]},
                "properties": {
                    **contour,
                    "closed": line["closed"],
                    "encloses": line["encloses"],
                },
            }
            for line in lines
        ]
    return {"type": "FeatureCollection", "features": features, "properties": said}


def overlay_records(scan: Scan, keep: Sequence[str]) -> list[dict[str, Any]]:
    """Published limits that may be drawn on a plane of the scan, with their regions."""
    axes = {name: _axis(scan, name).unit for name in keep}
    definition = scan.definition
    if len(axes) != 2:
        return []
    about = (definition.scenario, definition.parameters, axes)
    known = {name: one for name, one in shelf.shipped().items() if one.regions and one.fits(*about)}
    found = shelf.chosen(tuple(known), known, *about)
    return [
        {
            "name": overlay.name,
            "title": overlay.title,
            "label": overlay.label,
            "kind": overlay.kind,
            "shows": overlay.shows,
            "cl": overlay.cl,
            "credit": overlay.credit(),
            "licence": overlay.licence,
            "regions": [
                {"above": region.above, "vertices": region.vertices.tolist()}
                for region in overlay.regions_for(model)
            ],
        }
        for overlay, model in found
    ]


def _axis(scan: Scan, name: str) -> Axis:
    for axis in scan.definition.axes:
        if axis.name == name:
            return axis
    known = ", ".join(axis.name for axis in scan.definition.axes)
    raise DefinitionError(f"keep={name}: the scan has the axes {known}")


def explained(scan: Scan, at: Mapping[str, float]) -> dict[str, Any]:
    """One point of a scan, evaluated anew: counts, pulls, chi2, spectra and residuals.

    Parameters
    ----------
    at : mapping
        A value of every axis.

    Raises
    ------
    MismatchError
        The sources of the scan are not those installed.
    """
    scan.definition.check_sources()
    point = replace(scan.definition, axes=(), parameters={**scan.definition.parameters, **at})
    found = spectra(point)
    return {
        **explain(point, set(at)).to_dict(),
        "spectra": {name: _spectrum(point, one) for name, one in found.items()},
    }


def _spectrum(point: ScanDefinition, found: Spectra) -> dict[str, Any]:
    """Bins of an experiment, and what a figure of each observable shows."""
    whose = data_name(point, found.experiment.name)
    shown = zip(projections(found, whose), residuals(found), strict=True)
    return {
        **found.to_dict(),
        "title": found.experiment.title,
        "projections": [_projection(one, rest) for one, rest in shown],
    }


def _projection(one: Projection, rest: Residuals) -> dict[str, Any]:
    """Counts of one observable with the errors of the data, and (data - fit)/error."""

    def listed(parts: Mapping[str, Array]) -> dict[str, list[float]]:
        return {name: counts.tolist() for name, counts in parts.items()}

    return {
        "name": one.axis.name,
        "unit": one.axis.unit,
        "edges": one.axis.edges.tolist(),
        "data": one.data,
        "observed": one.observed.tolist(),
        "errors": one.errors.tolist(),
        "backgrounds": listed(one.backgrounds),
        "signal": listed(one.signal),
        "standard_model": None if one.standard_model is None else one.standard_model.tolist(),
        "residuals": rest.point.tolist(),
        "residuals_standard_model": None if rest.other is None else rest.other.tolist(),
    }
