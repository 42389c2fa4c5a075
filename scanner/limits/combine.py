"""Several stored scans of the same axes, added up: chi2 of independent experiments.

>>> from scanner.limits.combine import combine
>>> both = combine([Scan.open("a"), Scan.open("b")])  # doctest: +SKIP
>>> both.interval("eps_ee_u", cl=0.9).text()  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.errors import DefinitionError
from scanner.limits.answers import Answers
from scanner.limits.combinable import check_combinable
from scanner.limits.interval import Interval, interval
from scanner.limits.layers import chosen_experiments, summed_layers
from scanner.limits.minimum import find_minimum
from scanner.limits.plane import Plane, plane
from scanner.limits.reference import Minimum
from scanner.limits.reference import reference as make_reference
from scanner.limits.surface import Surface

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Combination:
    """The sum of some scans, and the questions to it.

    Parameters
    ----------
    scans : tuple of Answers
        Checked by `combine`.
    """

    scans: tuple[Answers, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """Identities of the scans."""
        return tuple(scan.id for scan in self.scans)

    @cached_property
    def surface(self) -> Surface:
        """chi2 summed over all experiments of all scans; a point counts where every scan has it.

        Raises
        ------
        IncompleteScanError, DefinitionError
            A scan is not complete, or too large for memory.
        """
        return reduce(_added, [scan.surface() for scan in self.scans])

    @cached_property
    def minimum(self) -> Minimum:
        """Minimum of the sum, off the grid, found with the likelihoods themselves.

        Raises
        ------
        MismatchError
            The sources of a scan have changed since.
        """
        return find_minimum(self.surface, self.chi2_at)

    def chi2_at(self, points: Mapping[str, Array]) -> Array:
        """Exact chi2 (n,) at named points."""
        parts = [scan.evaluator.chi2_at(points, _rows(scan)).sum(axis=0) for scan in self.scans]
        return np.asarray(np.sum(parts, axis=0))

    @property
    def chi2_sm(self) -> float:
        """chi2 of the Standard Model."""
        return sum(list(scan.chi2_sm.values())[row] for scan in self.scans for row in _rows(scan))

    def interval(
        self,
        parameter: str,
        *,
        cl: float = 0.9,
        dof: int = 1,
        at: Mapping[str, float] | None = None,
        reference: str = "global",
    ) -> Interval:
        """Allowed intervals of one parameter; see `scanner.limits.interval.interval`."""
        zero = self._zero(reference)
        return interval(self.surface, parameter, cl=cl, dof=dof, at=at, kind=reference, **zero)

    def contour(
        self,
        keep: Sequence[str] | None = None,
        *,
        cls: Sequence[float] = (0.9,),
        dof: int = 2,
        at: Mapping[str, float] | None = None,
        reference: str = "global",
    ) -> Plane:
        """Contours of two parameters; see `scanner.limits.plane.plane`."""
        kept = keep or self.scans[0].default_plane(at)
        zero = self._zero(reference)
        return plane(self.surface, kept, cls=cls, dof=dof, at=at, kind=reference, **zero)

    def delta_chi2(
        self,
        keep: Sequence[str],
        *,
        at: Mapping[str, float] | None = None,
        reference: str = "global",
    ) -> Surface:
        """Delta chi2 over the kept axes, profiled over the others, in place of chi2."""
        kept = self.surface.at(**dict(at or {})).profile(keep)
        zero = make_reference(kept, reference, space=self.surface, **self._zero(reference))
        return replace(kept, chi2=zero.delta(kept))

    def _zero(self, reference: str) -> dict[str, Any]:
        found: dict[str, Any] = {"minimum": self.minimum}
        return found | ({"chi2_sm": self.chi2_sm} if reference == "sm" else {})


def combine(scans: Sequence[Answers]) -> Combination:
    """The sum of stored scans, all experiments of each.

    Parameters
    ----------
    scans : sequence of Scan
        Two or more: of one scenario with the same axes, fixed parameters and conventions, and of
        experiments that share nothing that is profiled.

    Raises
    ------
    DefinitionError
        They cannot be added up; names the first difference.
    MismatchError
        The sources of a scan have changed since it was computed.
    """
    if len(scans) < 2:
        raise DefinitionError("combine: give at least two scans")
    for i, scan in enumerate(scans):
        scan.definition.check_sources()
        for other in scans[:i]:
            check_combinable(other.definition, scan.definition)
    return Combination(tuple(scans))


def _rows(scan: Answers) -> list[int]:
    """Layers that are all experiments of a scan together."""
    layers = scan.definition.layers
    return [layers.index(name) for name in summed_layers(layers, chosen_experiments(layers))]


def _added(one: Surface, other: Surface) -> Surface:
    chi2 = one.chi2 + other.chi2
    return Surface(
        axes=one.axes,
        chi2=chi2,
        experiments=one.experiments + other.experiments,
        computed=min(one.computed, other.computed),
        coverage=float(np.isfinite(chi2).mean()),
    )
