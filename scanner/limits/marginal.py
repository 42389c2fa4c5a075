"""Bayesian marginals over stored axes: posterior density and credible regions of highest density.

The posterior is exp(-chi2/2) times the prior of every free axis, flat in the parameter or in its
logarithm between the ends of the axis. The stored chi2 is profiled over the pulls, not integrated
over them: the two differ by the width of the fitted pulls, which hardly changes over a scan.
Integrals are trapezoids over the stored points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.contours import Line, contours
from scanner.errors import DefinitionError, unknown
from scanner.grid import Axis
from scanner.limits.surface import Surface, check_kept, plain

Array = npt.NDArray[np.float64]

PRIORS = ("flat", "log")
FINE = 8192
"""Places along an axis at which the density of one parameter is taken."""
COARSE = 0.2
"""Share of the posterior in one stored point above which the integral is said to be coarse."""


@dataclass(frozen=True)
class Region:
    """Credible region of highest density.

    Parameters
    ----------
    credibility, mass : float
        What was asked for, and what lies inside (more where points are coarse).
    intervals : tuple of pairs
        Of one parameter.
    lines : tuple of Line
        Border of two parameters.
    """

    credibility: float
    mass: float
    intervals: tuple[tuple[float, float], ...] = ()
    lines: tuple[Line, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        shape: dict[str, Any] = {"intervals": [list(ends) for ends in self.intervals]}
        if not self.intervals:
            shape = {"lines": [line.to_dict() for line in self.lines]}
        return {"credibility": self.credibility, "mass": self.mass, **shape}


@dataclass(frozen=True)
class Marginal:
    """Posterior of one or two parameters.

    Parameters
    ----------
    axes : tuple of Axis
        Kept parameters.
    density : array over the axes
        Per unit of each parameter, or of its natural logarithm where the prior is ``log``.
    priors : mapping from axis to prior
        Of all free axes.
    evidence : float
        ln of the integral of exp(-(chi2 - chi2_min)/2) over the normalised prior.
    """

    axes: tuple[Axis, ...]
    density: Array
    priors: Mapping[str, str]
    regions: tuple[Region, ...]
    mean: tuple[float, ...]
    mode: tuple[float, ...]
    chi2_min: float
    minimum_at: Mapping[str, float]
    evidence: float
    experiments: tuple[str, ...]
    fixed: Mapping[str, float]
    notes: tuple[str, ...]

    def to_dict(self, *, density: bool = True) -> dict[str, Any]:
        """The whole record, for JSON."""
        record: dict[str, Any] = {
            "statistic": "bayesian marginal, highest density",
            "axes": [
                {"name": a.name, "unit": a.unit, "values": a.coordinates.tolist()}
                for a in self.axes
            ],
            "priors": dict(self.priors),
            "density_per": ["ln " * (self.priors[a.name] == "log") + a.name for a in self.axes],
            "cl": [region.credibility for region in self.regions],
            "dof": len(self.axes),
            "sided": "highest density",
            "reference": "lowest stored point",
            "chi2_min": plain(self.chi2_min),
            "minimum_at": dict(self.minimum_at),
            "experiments": list(self.experiments),
            "fixed": dict(self.fixed),
            "mean": [plain(v) for v in self.mean],
            "mode": list(self.mode),
            "log_evidence": plain(self.evidence),
            "regions": [region.to_dict() for region in self.regions],
            "n_toys": 0,
            "seed": None,
            "notes": list(self.notes),
        }
        return {**record, "density": self.density.tolist()} if density else record


def marginal(
    surface: Surface,
    keep: Sequence[str],
    *,
    priors: Mapping[str, str] | None = None,
    credibility: Sequence[float] = (0.9,),
) -> Marginal:
    """Posterior of the kept axes of a surface, integrated over all others.

    Parameters
    ----------
    surface : Surface
        chi2 over the free axes; points without a value have no posterior.
    keep : sequence of str
        One or two axes.
    priors : mapping from axis to "flat" or "log"
        Flat where none is given.
    credibility : sequence of float
        Posterior mass of the regions.

    Raises
    ------
    DefinitionError
        Not one or two axes, an unknown one, a prior that does not fit, a credibility outside 0..1.
    """
    chosen = _checked(surface, keep, dict(priors or {}), credibility)
    best = np.unravel_index(int(np.nanargmin(surface.chi2)), surface.chi2.shape)
    lowest = float(surface.chi2[best])
    weights = [_weights(axis, chosen[axis.name]) for axis in surface.axes]
    measure = np.ones(())
    for w in weights:
        measure = np.multiply.outer(measure, w)
    mass = np.exp(-0.5 * np.nan_to_num(surface.chi2 - lowest, nan=np.inf)) * measure
    total = float(mass.sum())
    names = surface.names
    gone = tuple(i for i, name in enumerate(names) if name not in keep)
    left = [name for name in names if name in keep]
    own = (mass / total).sum(axis=gone).transpose([left.index(name) for name in keep])
    axes = tuple(surface.axis(name) for name in keep)
    cells = [weights[names.index(name)] for name in keep]
    area = cells[0] if len(cells) == 1 else np.multiply.outer(cells[0], cells[1])
    density = own / area
    mode = np.unravel_index(int(np.argmax(density)), density.shape)
    spread = [own.sum(axis=tuple(j for j in range(own.ndim) if j != i)) for i in range(own.ndim)]
    return Marginal(
        axes=axes,
        density=density,
        priors=chosen,
        regions=tuple(_region(axes, chosen, density, own, c) for c in credibility),
        mean=tuple(float(m @ a.coordinates) for m, a in zip(spread, axes, strict=True)),
        mode=tuple(float(a.coordinates[i]) for a, i in zip(axes, mode, strict=True)),
        chi2_min=lowest,
        minimum_at={
            a.name: float(a.coordinates[i]) for a, i in zip(surface.axes, best, strict=True)
        },
        evidence=float(np.log(total / measure.sum())),
        experiments=surface.experiments,
        fixed=surface.fixed,
        notes=_notes(float(mass.max()) / total, surface),
    )


def _checked(
    surface: Surface, keep: Sequence[str], priors: dict[str, str], credibility: Sequence[float]
) -> dict[str, str]:
    """Prior of every free axis."""
    if len(keep) not in (1, 2):
        raise DefinitionError(f"keep = {', '.join(keep) or 'nothing'}: give one or two axes")
    check_kept(keep, surface.names)
    for name, prior in priors.items():
        if name not in surface.names:
            raise DefinitionError(unknown("axis", name, surface.names))
        if prior not in PRIORS:
            raise DefinitionError(f"prior of {name}: {unknown('prior', prior, PRIORS)}")
        first = surface.axis(name).coordinates[0]
        if prior == "log" and first <= 0.0:
            raise DefinitionError(
                f"prior {name}=log: the axis begins at {first:g}; a logarithm needs values above 0"
            )
    for c in credibility:
        if not 0.0 < c < 1.0:
            raise DefinitionError(f"cl = {c:g}: give a fraction, 0.9 for 90 %")
    if not np.isfinite(surface.chi2).any():
        raise DefinitionError("no usable point: every point failed or is unphysical")
    return {name: priors.get(name, "flat") for name in surface.names}


def _scaled(axis: Axis, prior: str) -> Array:
    """Values on the scale on which the prior is flat."""
    return np.log(axis.coordinates) if prior == "log" else axis.coordinates


def _weights(axis: Axis, prior: str) -> Array:
    """Trapezoid weights of the points, on the scale on which the prior is flat."""
    return _trapezoid(_scaled(axis, prior))


def _trapezoid(values: Array) -> Array:
    steps = np.diff(values)
    return 0.5 * (np.append(steps, 0.0) + np.insert(steps, 0, 0.0))


def _region(
    axes: tuple[Axis, ...], priors: Mapping[str, str], density: Array, mass: Array, share: float
) -> Region:
    if len(axes) == 1:
        return _intervals(axes[0], priors[axes[0].name], density, share)
    order = np.argsort(-density, axis=None)
    inside = np.cumsum(mass.ravel()[order])
    last = min(int(np.searchsorted(inside, share)), inside.size - 1)
    depth = -2.0 * np.log(np.maximum(density / density.max(), 1e-300))
    level = float(depth.ravel()[order[last]])
    # the contour of two degrees of freedom with that level
    equal = float(np.clip(-np.expm1(-0.5 * level), 1e-12, 1.0 - 1e-12))
    (found,) = contours(depth, (axes[0], axes[1]), [equal], 2)
    return Region(share, float(inside[last]), lines=tuple(found.lines))


def _intervals(axis: Axis, prior: str, density: Array, share: float) -> Region:
    """Highest-density intervals of one parameter, on a fine grid between the points."""
    place = _finer(axis)
    fine = np.log(place) if prior == "log" else place
    height = np.interp(fine, _scaled(axis, prior), density)
    weights = _trapezoid(fine) * height
    order = np.argsort(-height, kind="stable")
    mass = np.cumsum(weights[order]) / weights.sum()
    n = min(int(np.searchsorted(mass, share)) + 1, len(fine))
    chosen = np.zeros(len(fine), dtype=np.bool_)
    chosen[order[:n]] = True
    changes = np.diff(chosen.astype(np.int8), prepend=0, append=0)
    first, last = np.flatnonzero(changes > 0), np.flatnonzero(changes < 0) - 1
    ends = zip(place[first].tolist(), place[last].tolist(), strict=True)
    return Region(share, float(mass[n - 1]), tuple(ends))


def _finer(axis: Axis) -> Array:
    """Places between the points, even on the axis scale, from one end to the other."""
    cells = len(axis) - 1
    position = np.linspace(0.0, cells, cells * (1 + FINE // cells) + 1)
    scaled = np.interp(position, np.arange(cells + 1), axis.to_scale(axis.coordinates))
    return np.clip(axis.from_scale(scaled), axis.coordinates[0], axis.coordinates[-1])


def _notes(largest: float, surface: Surface) -> tuple[str, ...]:
    notes = []
    if largest > COARSE:
        notes.append(
            f"one stored point holds {100.0 * largest:.0f} % of the posterior: finer axes are "
            "needed to trust the integral"
        )
    if surface.coverage < 1.0:
        notes.append(f"{100.0 * (1.0 - surface.coverage):.2g} % of the points have no posterior")
    return tuple(notes)
