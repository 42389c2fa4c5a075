"""Feldman-Cousins limits of a stored scan: toys near the Wilks contour, critical values, contour.

Points of the stored grid are tested whose Delta chi2 lies near the level of Wilks' theorem, and
the nearer one of two between which it is crossed. Between them the critical value is a weighted
mean; the contour is that of Delta chi2 times level over critical value, drawn as every other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.contours import Contour, contours
from scanner.doubling import doubled, doubled_nodes
from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits.bench import Point
from scanner.limits.campaign import Campaign, Effort, Verdict
from scanner.limits.level import level_of
from scanner.limits.stretches import Ends, stretches_below

Array = npt.NDArray[np.float64]

NEAR = 1.0
"""Delta chi2 about the level within which points are tested, by default."""
MOST_POINTS = 200
"""Tested points, by default at most: of a finer grid every second, third, ... one is taken."""
DOUBLINGS, MOST_DOUBLED = 2, 2**16
"""Times that a plane is made finer for its contours, and the points of the largest that is."""
MISSED = 0.05
"""chi2 by which the grid of the fits may miss the stored minimum without a word."""
STATISTIC = "feldman-cousins (profiled pulls)"


@dataclass(frozen=True)
class FeldmanCousins:
    """Result of a campaign.

    Parameters
    ----------
    campaign : Campaign
        What was tested, and how.
    axes : tuple of Axis
        Tested parameters, one or two.
    delta_chi2 : array over the axes
        Observed, from the minimum of the free parameters.
    chi2_min, at : float, mapping
        That minimum and its place.
    dof, level : int, float
        Of Wilks' theorem, which the result is compared with.
    tested : tuple of Verdict
        Points with toys.
    stride : int
        Grid steps between tested points.
    missed : float
        By how much the grid of the fits misses the lowest stored chi2, for data and toys alike.
    """

    campaign: Campaign
    axes: tuple[Axis, ...]
    delta_chi2: Array
    chi2_min: float
    at: Mapping[str, float]
    dof: int
    level: float
    tested: tuple[Verdict, ...]
    stride: int = 1
    missed: float = 0.0

    @property
    def effort(self) -> Effort:
        """How many toys were asked for."""
        return self.campaign.effort

    @cached_property
    def critical(self) -> Array:
        """Critical value over the axes; see `critical_at`."""
        return self.critical_at([np.arange(len(axis)) for axis in self.axes])

    def critical_at(self, positions: Sequence[npt.NDArray[Any]]) -> Array:
        """Critical value: a mean of the tested points, weighted by their toys and distance.

        Not by the error that a point says of itself: where the critical value came out low, that
        is small, and the mean would lie low. The distance counts in steps between tested points;
        far from all of them the nearest counts.

        Parameters
        ----------
        positions : sequence of arrays
            Along each axis, counted in its points.
        """
        places = np.array([t.point for t in self.tested], dtype=np.float64)
        values = np.array([t.tally.critical for t in self.tested])
        toys = np.array([t.tally.n_toys for t in self.tested], dtype=np.float64)
        mesh = np.stack(np.meshgrid(*positions, indexing="ij"), -1)
        steps = np.sum(((mesh[..., np.newaxis, :] - places) / self.stride) ** 2, axis=-1)
        logs = -0.5 * steps + np.log(toys)
        weights = np.exp(logs - logs.max(axis=-1, keepdims=True))
        return np.asarray(weights @ values / weights.sum(axis=-1))

    @property
    def adjusted(self) -> Array:
        """Delta chi2 in which the critical value is `level` everywhere."""
        return np.asarray(self.delta_chi2 * self.level / self.critical)

    def intervals(self, *, wilks: bool = False) -> tuple[Ends, ...]:
        """Allowed values of the one tested parameter."""
        delta = self.delta_chi2 if wilks else self.adjusted
        return tuple(s.limits for s in stretches_below(self.axes[0], delta, self.level))

    def contour(self, *, wilks: bool = False) -> Contour:
        """Contour of two tested parameters, on a grid four times as fine as the stored one."""
        axes, plane, adjusted = self.finer
        return contours(plane if wilks else adjusted, axes, [self.effort.cl], self.dof)[0]

    @cached_property
    def finer(self) -> tuple[tuple[Axis, Axis], Array, Array]:
        """Axes of a grid four times as fine, Delta chi2 and adjusted Delta chi2 on it."""
        nodes = [axis.to_scale(axis.coordinates) for axis in self.axes]
        plane, positions = self.delta_chi2, [np.arange(float(len(x))) for x in nodes]
        for _ in range(DOUBLINGS if plane.size <= MOST_DOUBLED else 0):
            plane = doubled(nodes[0], nodes[1], plane)
            nodes = [doubled_nodes(x) for x in nodes]
            positions = [doubled_nodes(x) for x in positions]
        first, second = (_finer(a, x) for a, x in zip(self.axes, nodes, strict=True))
        return (first, second), plane, plane * self.level / self.critical_at(positions)

    @property
    def differing(self) -> tuple[Verdict, ...]:
        """Tested points that only one of the two allows."""
        return tuple(
            t
            for t in self.tested
            if (t.delta_chi2 > self.level) != (t.delta_chi2 > t.tally.critical)
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers has to know."""
        if self.missed <= MISSED:
            return ()
        return (
            f"the grid of the fits misses the lowest stored chi2 by {self.missed:.2f}, for data "
            "and toys alike: raise --fit-points for sharper limits",
        )

    @property
    def n_toys(self) -> int:
        """Toys of all points."""
        return sum(t.tally.n_toys + t.tally.n_failed for t in self.tested)

    @property
    def fits(self) -> int:
        """Profiled fits of all toys on the grid, without those of the refinement."""
        bench = self.campaign.bench
        per_toy = bench.everywhere.size + bench.board(self.tested[0].at).size
        return self.n_toys * per_toy

    def to_dict(self) -> dict[str, Any]:
        """The whole record, for JSON."""
        question = self.campaign.question
        held = bool(question.at)
        allowed = {
            name: float(np.mean(delta[np.isfinite(delta)] <= self.level))
            for name, delta in (("wilks", self.delta_chi2), ("feldman-cousins", self.adjusted))
        }
        return {
            "statistic": STATISTIC,
            "cl": self.effort.cl,
            "dof": self.dof,
            "sided": "two",
            "wilks_delta_chi2": self.level,
            "reference": "minimum at the held values" if held else "global",
            "chi2_min": self.chi2_min,
            "minimum_at": dict(self.at),
            **question.record(),
            "key": question.key,
            "per_batch": self.effort.per_batch,
            "most_toys": self.effort.most,
            "stop_at_sigmas": self.effort.sigmas,
            "grid_steps": self.stride,
            "between_points": "mean weighted by toys and distance",
            "n_toys": self.n_toys,
            "fits": self.fits,
            "critical_range": [
                min(t.tally.critical for t in self.tested),
                max(t.tally.critical for t in self.tested),
            ],
            "allowed_share": allowed,
            "notes": list(self.notes),
            "undecided": sum(not t.decided for t in self.tested),
            **self._limits(),
            "differing": [t.to_dict() for t in self.differing],
            "points": [t.to_dict() for t in self.tested],
        }

    def _limits(self) -> dict[str, Any]:
        if len(self.axes) == 1:
            return {
                "parameter": self.axes[0].name,
                "intervals": [list(e) for e in self.intervals()],
                "wilks_intervals": [list(e) for e in self.intervals(wilks=True)],
            }
        return {
            "axes": [{"name": a.name, "unit": a.unit} for a in self.axes],
            "contour": {**self.contour().to_dict(), "statistic": STATISTIC},
            "wilks_contour": self.contour(wilks=True).to_dict(),
        }


def feldman_cousins(
    campaign: Campaign,
    axes: Sequence[Axis],
    chi2: Array,
    *,
    dof: int,
    near: float = NEAR,
    most_points: int = MOST_POINTS,
) -> FeldmanCousins:
    """Run a campaign near the Wilks contour.

    Parameters
    ----------
    campaign : Campaign
        Of a question that keeps those axes.
    axes : sequence of Axis
        One or two tested axes of the stored grid.
    chi2 : array over the axes
        Profiled over the other free parameters, of the observed data.
    dof : int
        Degrees of freedom of the Wilks level.
    near : float
        Margin about the level, in Delta chi2.
    most_points : int
        Tested points at most.

    Raises
    ------
    DefinitionError
        More than two axes; a margin, a level or a number of points that makes no sense; no point
        near the level.
    """
    if len(axes) not in (1, 2):
        raise DefinitionError(f"{len(axes)} tested axes: keep one or two of them (--keep a,b)")
    if not near >= 0.0:
        raise DefinitionError(f"near = {near:g}: give a Delta chi2 of at least 0")
    if most_points < 1:
        raise DefinitionError(f"points = {most_points}: give at least 1")
    level = level_of(campaign.effort.cl, dof)
    bench = campaign.bench
    lowest, at = bench.everywhere.minimum(bench.fast)  # as that of a toy is found
    missed = max(lowest - float(np.nanmin(chi2)), 0.0)
    delta = chi2 - lowest
    points, stride = near_level(delta, level, near, most_points)
    if not points:
        raise DefinitionError(
            f"no grid point near Delta chi2 = {level:.3f}: the scan has no contour at this level; "
            "widen --near or the axes"
        )
    tested = campaign.run(points)
    return FeldmanCousins(
        campaign, tuple(axes), delta, lowest, at, dof, level, tuple(tested), stride, missed
    )


def _finer(axis: Axis, nodes: Array) -> Axis:
    """An axis with those nodes of its scale."""
    values = axis.from_scale(nodes)
    values[[0, -1]] = axis.coordinates[[0, -1]]
    ends = (float(values[0]), float(values[-1]))
    return Axis(axis.name, "list", *ends, len(values), axis.unit, tuple(values.tolist()))


def near_level(delta: Array, level: float, near: float, most: int) -> tuple[list[Point], int]:
    """Points within `near` of the level and the nearer one of each crossing, and their step.

    >>> near_level(np.array([0.0, 1.0, 4.0, 9.0]), 2.7, 0.5, 10)
    ([(2,)], 1)
    """
    for stride in range(1, max(delta.shape) + 1):
        part = tuple(slice(None, None, stride) for _ in delta.shape)
        chosen = np.argwhere(_near(delta[part], level, near)) * stride
        if len(chosen) <= most:
            return [tuple(int(i) for i in point) for point in chosen], stride
    return [], 1


def _near(delta: Array, level: float, near: float) -> npt.NDArray[np.bool_]:
    chosen = np.asarray(np.abs(delta - level) <= near)
    below = delta <= level
    finite = np.isfinite(delta)
    for axis in range(delta.ndim):
        one, two = (
            tuple(ends if i == axis else slice(None) for i in range(delta.ndim))
            for ends in (slice(None, -1), slice(1, None))
        )
        crossing = (below[one] != below[two]) & finite[one] & finite[two]
        nearer = np.abs(delta[one] - level) <= np.abs(delta[two] - level)
        chosen[one] |= crossing & nearer
        chosen[two] |= crossing & ~nearer
    return chosen & finite
