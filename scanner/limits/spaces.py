"""Spaces: chi2 of a stored scan in memory, or as a space that reads a large cube by parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from scanner.errors import DefinitionError, IncompleteScanError
from scanner.limits.large import LargeSurface
from scanner.limits.layers import chosen_experiments
from scanner.limits.space import Space
from scanner.limits.surface import Surface
from scanner.limits.usable import Shares
from scanner.limits.workers import LARGE, Workers
from scanner.store.ledger import Markers
from scanner.store.stored import ScanState, StoredScan

if TYPE_CHECKING:
    import xarray as xr

Names = Sequence[str] | None

MOST_SURFACES = 4
"""Sums over experiments that a settled scan keeps in memory."""


@dataclass(frozen=True)
class Spaces:
    """What questions to a stored scan are put to.

    Parameters
    ----------
    stored : StoredScan
        Definition, cube and ledger on disk.
    partial : bool
        Whether questions may be asked before every chunk is done.
    workers : Workers
        Where readings of a large cube run.
    settled : bool
        Whether the scan is known to be complete and to stay: ledger and coordinates are looked at
        once.
    """

    stored: StoredScan
    partial: bool = False
    workers: Workers = field(default_factory=Workers)
    settled: bool = False

    @property
    def large(self) -> bool:
        """Whether the cube is not loaded: a question then reads the chunks it depends on."""
        return self.stored.grid.size > LARGE

    def dataset(self) -> xr.Dataset:
        """See `Answers.dataset`."""
        if self.settled and not self.large:
            return self._loaded
        state = self._checked(self.stored.state())
        if self.large:
            return self.stored.dataset()
        return self._loaded if state.complete else self.stored.dataset(load=True)

    @cached_property
    def _loaded(self) -> xr.Dataset:
        if self.settled:
            self._checked(self.stored.state())
        return self.stored.dataset(load=True)

    def surface(self, experiments: Names = None) -> Surface:
        """See `Answers.surface`."""
        if self.large:
            raise DefinitionError(
                f"scan {self.stored.id}: {self.stored.grid.size:.3g} points are not loaded (at "
                f"most {LARGE:.3g}): hold axes or profile them away, or read parts of "
                "dataset()"
            )
        if not self.settled:
            return self._made(experiments)
        key = None if experiments is None else tuple(experiments)
        if key not in self._surfaces:
            while len(self._surfaces) >= MOST_SURFACES:
                self._surfaces.pop(next(iter(self._surfaces)), None)
            self._surfaces[key] = self._made(experiments)
        return self._surfaces[key]

    def _made(self, experiments: Names) -> Surface:
        return Surface.from_dataset(self.dataset(), self.stored.definition.axes, experiments)

    @cached_property
    def _surfaces(self) -> dict[tuple[str, ...] | None, Surface]:
        return {}

    def of(self, experiments: Names = None) -> Space:
        """chi2 summed over experiments (all by default), all axes."""
        return self._large()(experiments, {}) if self.large else self.surface(experiments)

    def held(self) -> Callable[[Names, Mapping[str, float]], Space]:
        """``f(experiments, at)`` -> chi2 with some axes held; the ledger is read once for all."""
        if self.large:
            return self._large()
        if self.settled:
            return lambda experiments, at: self.surface(experiments).at(**at)
        dataset, axes = self.dataset(), self.stored.definition.axes
        return lambda experiments, at: Surface.from_dataset(dataset, axes, experiments, at)

    def _large(self) -> Callable[[Names, Mapping[str, float]], Space]:
        finished = self._finished if self.settled else self.stored.finished()
        self._checked(self.stored.state(finished))
        shares = Shares(self.stored, finished)
        layers = self.stored.definition.layers

        def space(experiments: Names, at: Mapping[str, float]) -> Space:
            names = chosen_experiments(layers, experiments)
            return LargeSurface(shares, names, self.workers).at(**at)

        return space

    @cached_property
    def _finished(self) -> Markers:
        return self.stored.finished()

    def _checked(self, state: ScanState) -> ScanState:
        """The state of a cube that belongs to its definition and may be asked."""
        self.stored.cube.check()
        if not state.complete and not self.partial:
            raise IncompleteScanError(
                f"scan {self.stored.id} ({self.stored.definition.name}): "
                f"{100 * state.fraction_done:.0f} % of the grid computed; go on with "
                f"`scanner resume {self.stored.words}`, or ask with --partial"
            )
        return state
