"""LargeSurface: the questions of a `Surface`, of a cube that is not loaded into memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from scanner.errors import DefinitionError, unknown
from scanner.grid import Axis
from scanner.limits.layers import summed_layers
from scanner.limits.surface import Surface, check_kept, windows
from scanner.limits.tiles import Section, Tiling, profile_tile, tiling
from scanner.limits.usable import Shares
from scanner.limits.workers import LARGE, Workers

_REMEMBERED = 2**20  # points of a profile that is kept for the next question


@dataclass(frozen=True)
class LargeSurface:
    """Chi2 summed over experiments, on disk: a question reads the chunks that it depends on.

    Parameters
    ----------
    shares : Shares
        The scan, and how much of it is usable.
    experiments : tuple of str
        Experiments that are summed.
    workers : Workers
        Where long readings run.
    fixed : mapping
        Axes that are held, with their value.
    answered : dict
        Small profiles made before.
    """

    shares: Shares
    experiments: tuple[str, ...]
    workers: Workers = field(default_factory=Workers)
    fixed: Mapping[str, float] = field(default_factory=dict)
    answered: dict[Any, Surface] = field(default_factory=dict)

    @cached_property
    def section(self) -> Section:
        """What is read."""
        stored, layers = self.shares.stored, self.shares.stored.definition.layers
        rows = tuple(layers.index(name) for name in summed_layers(layers, self.experiments))
        return Section(stored.cube, rows, self.fixed)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Axes that are not held."""
        return self.section.axes

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(axis.name for axis in self.axes)

    @property
    def computed(self) -> float:
        """Share of the grid points that were run."""
        return self.shares.of(self.section.rows)[0]

    @property
    def coverage(self) -> float:
        """Share of the grid points with a usable value."""
        return self.shares.of(self.section.rows)[1]

    def axis(self, name: str) -> Axis:
        """Axis of that name; DefinitionError with the names of the others if there is none."""
        for axis in self.axes:
            if axis.name == name:
                return axis
        raise DefinitionError(unknown("axis", name, self.names))

    def at(self, **values: float) -> LargeSurface:
        """Hold axes; read later. DefinitionError as for `Surface.at`."""
        windows(self.axes, values)
        held = {name: float(value) for name, value in values.items()}
        return replace(self, fixed={**self.fixed, **held})

    def has_below(self, chi2: float) -> bool:
        """Whether a minimum is none; not looked for, as a stored minimum was made from all points.

        `find_minima` never leaves one above the lowest point, and it goes with any point that is
        discarded.
        """
        return math.isnan(chi2)

    def profile(self, keep: Sequence[str] = ()) -> Surface:
        """As `Surface.profile`, to the last bit; long readings run on workers.

        Raises
        ------
        DefinitionError
            An unknown axis, one named twice, or more points kept than memory is given to.
        ClusterError
            No workers, or they went away.
        MismatchError
            A damaged chunk.
        """
        check_kept(keep, self.names)
        points = math.prod(len(self.axis(name)) for name in keep)
        if points > LARGE:
            raise DefinitionError(
                f"keep = {', '.join(keep)}: {points:.3g} points are too many for memory and for a "
                f"table (at most {LARGE:.3g}); keep fewer axes, or hold some with --at"
            )
        key = (self.experiments, tuple(self.fixed.items()), frozenset(keep))
        found = self.answered.get(key)
        if found is None:
            found = self._profiled(keep)
            if points <= _REMEMBERED:
                self.answered[key] = found
        return found.profile(keep)

    def _profiled(self, keep: Sequence[str]) -> Surface:
        cut = tiling(self.section, keep)
        axes = tuple(self.axis(name) for name in cut.kept)
        shape = tuple(len(axis) for axis in axes)
        chi2 = np.empty(shape)
        profiled = {n: np.empty(shape) for n in reversed(self.names) if n not in cut.kept}
        calls = self._calls(cut)
        for number, part in self.workers.map(profile_tile, calls, self.section.points):
            place = tuple(cut.tiles[number].values())
            chi2[place] = part[0]
            for name, values in part[1].items():
                profiled[name][place] = values
        whole = Surface(
            axes, chi2, self.experiments, self.computed, self.coverage, self.fixed, profiled
        )
        return whole.profile(keep)

    def _calls(self, cut: Tiling) -> list[tuple[Any, ...]]:
        stored, section = self.shares.stored, self.section
        common = (stored.location, stored.digest, section.rows, dict(self.fixed))
        return [(*common, (cut.kept, dict(cut.steps)), tile) for tile in cut.tiles]
