"""What Delta chi2 is counted from: the global minimum, the Standard Model or each raster line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from scanner.errors import DefinitionError, unknown
from scanner.limits.space import Space
from scanner.limits.surface import Surface, number, plain

Array = npt.NDArray[np.float64]
Kind = Literal["global", "sm", "raster"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True)
class Minimum:
    """Lowest chi2 of a scan and where it is.

    Parameters
    ----------
    at : mapping
        Value of each axis, in its unit.
    on_edge : tuple of str
        Axes at whose end the minimum lies: it may go on beyond the scanned range.
    source : "exact" or "interpolated"
        Found with the likelihood itself, or between the stored grid points.
    evaluations : int
        Points at which the likelihood was evaluated to find it.
    """

    chi2: float
    at: Mapping[str, float]
    on_edge: tuple[str, ...] = ()
    source: Literal["exact", "interpolated"] = "exact"
    evaluations: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, for JSON."""
        return {
            "chi2": plain(self.chi2),
            "at": {name: plain(value) for name, value in self.at.items()},
            "on_edge": list(self.on_edge),
            "source": self.source,
            "evaluations": self.evaluations,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Minimum:
        """Inverse of `to_dict`."""
        return cls(
            chi2=float("nan") if stored["chi2"] is None else float(stored["chi2"]),
            at={name: float(value) for name, value in stored["at"].items()},
            on_edge=tuple(stored.get("on_edge", ())),
            source=stored.get("source", "exact"),
            evaluations=int(stored.get("evaluations", 0)),
        )


@dataclass(frozen=True)
class Reference:
    """Zero of Delta chi2.

    Parameters
    ----------
    chi2 : array
        A number; for ``raster`` on two or more axes one for each value of the first axis, shaped to
        broadcast against the surface.
    at : mapping
        Where it is taken, if at one place.
    source : str
        "exact", "interpolated" or "standard model".
    """

    kind: Kind
    chi2: Array
    at: Mapping[str, float] = field(default_factory=dict)
    source: str = "interpolated"

    def delta(self, surface: Surface) -> Array:
        """Delta chi2 of every point of the surface."""
        return np.asarray(surface.chi2 - self.chi2)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, for JSON."""
        values = [plain(float(v)) for v in np.ravel(self.chi2)]
        return {
            "kind": self.kind,
            "chi2": values[0] if len(values) == 1 else values,
            "at": {name: plain(value) for name, value in self.at.items()},
            "source": self.source,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any], dimensions: int = 1) -> Reference:
        """Inverse of `to_dict`, for a surface of that many axes.

        Raises
        ------
        KeyError
            An entry is missing.
        """
        chi2 = np.array(record["chi2"], dtype=np.float64)  # None, for a missing number, becomes NaN
        if chi2.ndim:
            chi2 = chi2.reshape(-1, *[1] * (dimensions - 1))
        at = {name: number(value) for name, value in record["at"].items()}
        return cls(record["kind"], chi2, at, record["source"])


def estimate(surface: Space) -> Minimum:
    """Minimum between the grid points of a surface, by interpolation.

    Raises
    ------
    DefinitionError
        A surface without any usable point.
    """
    lowest = surface.profile()
    if np.isnan(lowest.chi2):
        raise no_usable_point(surface.experiments)
    at = {name: float(lowest.profiled[name]) for name in surface.names}
    edges = tuple(name for name in surface.names if _is_end(surface, name, at[name]))
    return Minimum(float(lowest.chi2), at, edges, source="interpolated")


def no_usable_point(experiments: Sequence[str]) -> DefinitionError:
    """Error for a scan in which every point failed."""
    return DefinitionError(
        f"no usable point of {' + '.join(experiments)}: every computed point failed or "
        "is unphysical; look at `scanner status`, the scenario and the ranges of the axes"
    )


def reference(
    surface: Space,
    kind: str = "global",
    *,
    space: Space | None = None,
    minimum: Minimum | None = None,
    chi2_sm: float | None = None,
) -> Reference:
    """Reference of a surface.

    Parameters
    ----------
    surface : Surface
        What is asked about, after fixing and profiling.
    kind : "global", "sm" or "raster"
        Minimum of the whole scan; the Standard Model point; or the minimum for each value of the
        first axis (of the fixed axes, where only one axis is left).
    space : Surface, optional
        The whole scan, whose minimum is ``global``; `surface` itself by default.
    minimum : Minimum, optional
        Minimum of the whole scan found with the likelihood; interpolated from the grid if not
        given. One that lies above a stored point is not the minimum: the lower one counts.
    chi2_sm : float, optional
        Chi2 of the Standard Model summed over the experiments of the surface.

    Raises
    ------
    DefinitionError
        An unknown kind, or ``sm`` without its chi2.
    """
    if kind == "sm":
        if chi2_sm is None or not np.isfinite(chi2_sm):
            raise DefinitionError(
                "reference = sm: this scan has no Standard Model chi2; use global or raster"
            )
        return Reference("sm", np.asarray(float(chi2_sm)), source="standard model")
    if kind not in ("global", "raster"):
        raise DefinitionError(f"reference: {unknown('reference', kind, KINDS)}")
    whole = surface if space is None else space
    found = None if minimum is None or whole.has_below(minimum.chi2) else minimum
    if kind == "raster" and (len(surface.axes) > 1 or surface.fixed):
        return _raster(surface, -np.inf if found is None else found.chi2)
    # of one line with nothing held the minimum is that of the whole
    lowest = found or estimate(whole)
    return Reference("raster" if kind == "raster" else "global", *_taken(lowest))


def _taken(minimum: Minimum) -> tuple[Array, Mapping[str, float], str]:
    return np.asarray(minimum.chi2), minimum.at, minimum.source


def _raster(surface: Space, least: float) -> Reference:
    """Minimum of each column, of a line that of itself: interpolated, and never below `least`."""
    if len(surface.axes) <= 1:
        found = estimate(surface)
        return Reference("raster", np.asarray(max(found.chi2, least)), found.at)
    columns = np.maximum(surface.profile(surface.names[:1]).chi2, least)
    return Reference("raster", columns.reshape(-1, *[1] * (len(surface.axes) - 1)))


def _is_end(surface: Space, name: str, value: float) -> bool:
    return value in (surface.axis(name).coordinates[0], surface.axis(name).coordinates[-1])
