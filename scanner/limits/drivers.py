"""Drivers: which experiment a combined limit owes its place to, along the line.

At a point of the line each experiment has Delta chi2_e = chi2_e - chi2_e(Standard Model), and these
add up to that of the combination; where experiments share a profiled input they are those of each
alone, and do not quite. The one with the largest is the driver there; its share is its part of the
sum of all that are above zero. Experiments may also lie below zero: they would like the point
better than the Standard Model, and weaken the limit. Where none is above zero, or one has no fit,
no experiment drives.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import RegularGridInterpolator

from scanner.contours import Contour, Line
from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits.answers import Answers
from scanner.limits.plane import Plane
from scanner.limits.spaces import Names
from scanner.limits.surface import plain

Array = npt.NDArray[np.float64]


NOBODY = -1
SHARES = "of all Delta chi2 from the Standard Model that are positive, each experiment alone"


@dataclass(frozen=True)
class Stretch:
    """A part of a line with one driver.

    Parameters
    ----------
    experiment : str
        The driver; empty where there is none.
    vertices : array (n, 2)
        In the units of the axes; a stretch begins where the one before it ends.
    share : pair of float
        Lowest and highest share of the driver along it, between 0 and 1.
    """

    experiment: str
    vertices: Array
    share: tuple[float, float]


@dataclass(frozen=True)
class Drivers:
    """A combined contour, cut by driver.

    Parameters
    ----------
    plane : Plane
        The combination, with one contour.
    stretches : tuple of Stretch
        Along its lines, one line after the other.
    """

    plane: Plane
    stretches: tuple[Stretch, ...]

    @property
    def contour(self) -> Contour:
        """The one contour."""
        return self.plane.contours[0]

    def rows(self) -> list[dict[str, Any]]:
        """One record for each stretch: driver, share, and where it runs."""
        return [
            {
                "experiment": one.experiment,
                "share": list(one.share),
                **{
                    axis.name: [plain(v.min()), plain(v.max())]
                    for axis, v in zip(self.plane.axes, one.vertices.T, strict=True)
                },
            }
            for one in self.stretches
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON."""
        return {
            "axes": [{"name": axis.name, "unit": axis.unit} for axis in self.plane.axes],
            "experiments": list(self.plane.experiments),
            "cl": self.contour.cl,
            "dof": self.contour.dof,
            "reference": self.plane.reference.to_dict(),
            "shares": SHARES,
            "stretches": self.rows(),
        }


def drivers(
    scan: Answers,
    keep: Sequence[str] | None = None,
    *,
    cl: float = 0.9,
    dof: int = 2,
    at: Mapping[str, float] | None = None,
    experiments: Names = None,
    reference: str = "global",
) -> Drivers:
    """Drivers of the combined contour of a scan; arguments are those of `Answers.contour`.

    Raises
    ------
    DefinitionError
        Fewer than two experiments, or as `Answers.contour`.
    """
    names = tuple(experiments or scan.definition.experiments)
    if len(names) < 2:
        raise DefinitionError(
            f"experiments = {', '.join(names)}: a combination needs two or more to have a driver"
        )
    axes = tuple(keep or scan.default_plane(at))
    asked: dict[str, Any] = {"at": at, "experiments": names}
    plane = scan.contour(axes, cls=(cl,), dof=dof, reference=reference, **asked)
    along = _exact(scan, plane) or _interpolated(scan, plane)
    return Drivers(plane, tuple(stretches(plane.contours[0].lines, names, along)))


Along = Callable[[Array], Array]
"""Delta chi2 of each experiment from the Standard Model (n_experiments, n) at vertices (n, 2)."""


def _exact(scan: Answers, plane: Plane) -> Along | None:
    """From the likelihood; None where axes are profiled over or the sources changed since."""
    if plane.profiled or not scan.unchanged:
        return None
    rows = [scan.definition.layers.index(name) for name in plane.experiments]
    zero = np.array([scan.chi2_sm[name] for name in plane.experiments])[:, np.newaxis]

    def along(vertices: Array) -> Array:
        kept = {axis.name: v for axis, v in zip(plane.axes, vertices.T, strict=True)}
        return np.asarray(scan.evaluator.chi2_at({**kept, **plane.fixed}, rows) - zero)

    return along


def _interpolated(scan: Answers, plane: Plane) -> Along:
    """From the cube, along straight lines between its nodes."""
    names = [axis.name for axis in plane.axes]
    singles = [
        scan.delta_chi2(names, at=plane.fixed, experiments=(name,), reference="sm").chi2
        for name in plane.experiments
    ]
    nodes = tuple(_scaled(axis, axis.coordinates) for axis in plane.axes)
    values = np.stack(singles, axis=-1)
    delta = RegularGridInterpolator(nodes, values, bounds_error=False, fill_value=None)

    def along(vertices: Array) -> Array:
        columns = zip(plane.axes, vertices.T, strict=True)
        places = np.stack([_scaled(axis, v) for axis, v in columns], axis=1)
        found: Array = delta(places)
        return found.T

    return along


def stretches(lines: Sequence[Line], names: Sequence[str], along: Along) -> Iterator[Stretch]:
    """Parts of lines by driver.

    Parameters
    ----------
    lines : sequence of Line
        Of the combined contour.
    names : sequence of str
        Experiments, as `along` has them.
    """
    for line in lines:
        delta = along(line.vertices)
        positive = np.where(np.isfinite(delta).all(axis=0), np.maximum(delta, 0.0), 0.0)
        total = positive.sum(axis=0)
        shares = positive / np.where(total > 0.0, total, 1.0)
        first = np.where(total > 0.0, np.argmax(shares, axis=0), NOBODY)
        ends = [0, *(np.flatnonzero(np.diff(first)) + 1).tolist(), len(first)]
        for start, stop in itertools.pairwise(ends):
            who = int(first[start])
            share = shares[max(who, 0), start:stop]
            # to the first vertex of the next one, so that the line has no gap
            vertices = line.vertices[start : stop + 1]
            name = "" if who == NOBODY else names[who]
            yield Stretch(name, vertices, (float(share.min()), float(share.max())))


def _scaled(axis: Axis, values: Array) -> Array:
    return np.log(values) if axis.logarithmic else np.asarray(values)
