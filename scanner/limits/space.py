"""Space: what is asked of chi2 over some axes, whether it is in memory or too large for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from scanner.grid import Axis

if TYPE_CHECKING:
    from scanner.limits.surface import Surface


class Space(Protocol):
    """A `Surface`, or a `LargeSurface` that reads what a question needs."""

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Axes that are left."""

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""

    @property
    def experiments(self) -> tuple[str, ...]:
        """Experiments that are summed."""

    @property
    def computed(self) -> float:
        """Share of the grid points that were run."""

    @property
    def coverage(self) -> float:
        """Share of the grid points with a usable value."""

    @property
    def fixed(self) -> Mapping[str, float]:
        """Axes that were fixed, with their value."""

    def axis(self, name: str) -> Axis:
        """Axis of that name."""

    def at(self, **values: float) -> Space:
        """Fix axes by interpolation in axis scale."""

    def profile(self, keep: Sequence[str] = ()) -> Surface:
        """Minimum over all axes but `keep`, in memory."""

    def has_below(self, chi2: float) -> bool:
        """Whether a stored point lies below `chi2`."""
