"""Intervals of parameters at confidence levels, ready for any format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from scanner.limits.export.origin import Origin
from scanner.limits.export.table import Cell, Column, Sheet, Table, no_netcdf
from scanner.limits.interval import Interval
from scanner.statistics.levels import WILKS

_NAMES = ("parameter", "experiments", "cl", "dof", "reference", "best", "part", "low", "high")


@dataclass(frozen=True)
class Intervals:
    """Intervals by the label of their experiments, the combination first."""

    origin: Origin
    found: Mapping[str, tuple[Interval, ...]]
    what: str = "interval"

    def record(self) -> dict[str, Any]:
        """One interval: the record of `scanner interval --json`; several: a list of them."""
        every = [one.to_dict() for found in self.found.values() for one in found]
        body = every[0] if len(every) == 1 else {"intervals": every}
        return {**self.origin.identity(), **body, "origin": self.origin.rest()}

    def sheet(self) -> Sheet:
        """A row for each part of each interval; an end that is no limit is empty."""
        every = [one for found in self.found.values() for one in found]
        rows = [row for one in every for row in _rows(one)]
        columns = tuple(Column(n, [row[k] for row in rows]) for k, n in enumerate(_NAMES))
        head = {
            **self.origin.identity(),
            "fixed": dict(every[0].fixed),
            "units": {one.parameter: one.unit for one in every},
            "notes": list(dict.fromkeys(note for one in every for note in one.notes)),
            "origin": self.origin.rest(),
        }
        return Sheet(head, columns)

    def tables(self) -> tuple[Table, ...]:
        """A table for each set of experiments and parameter: the levels and their ends."""
        return tuple(
            _table(label, [one for one in found if one.parameter == name])
            for label, found in self.found.items()
            for name in dict.fromkeys(one.parameter for one in found)
        )

    def dataset(self) -> xr.Dataset:
        """Ends are no grid."""
        raise no_netcdf(self.what)


def _rows(one: Interval) -> list[tuple[Cell, ...]]:
    head = (one.parameter, "+".join(one.experiments), one.cl, one.dof, one.reference.kind, one.best)
    return [(*head, part, low, high) for part, (low, high) in enumerate(one.intervals)]


def _table(label: str, found: list[Interval]) -> Table:
    one = found[0]
    rows = [(f.cl, low, high) for f in found for low, high in f.intervals]
    low, high = ([row[k] for row in rows] for k in (1, 2))
    return Table(
        stem=f"interval_{one.parameter}_{label}",
        title=f"Intervals of {one.parameter}, {label}"[:64],
        description=(
            f"Allowed intervals of {one.parameter}, a row for each disjoint part; '-' where the "
            f"allowed values reach the end of what was scanned. Best value {one.best:.6g}, "
            f"chi2 = {one.chi2_min:.4f}."
        ),
        independent=(Column("CL", [row[0] for row in rows]),),
        dependent=(
            Column(f"{one.parameter} (lower end)", low, one.unit),
            Column(f"{one.parameter} (upper end)", high, one.unit),
        ),
        qualifiers={
            "DOF": one.dof,
            "STATISTIC": WILKS,
            "REFERENCE": one.reference.kind,
            "EXPERIMENTS": "+".join(one.experiments),
            **{f"FIXED {name}": value for name, value in one.fixed.items()},
        },
    )
