"""Profiles over some axes, of one or several sets of experiments, ready for any format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from scanner.limits.export.origin import Origin
from scanner.limits.export.table import Cell, Column, Sheet, Table
from scanner.limits.surface import Surface, plain
from scanner.statistics.levels import delta_chi2

Array = npt.NDArray[np.float64]

DELTA = "delta_chi2"


def columns_of(surface: Surface, delta: Array | None = None) -> tuple[Column, ...]:
    """Kept axes, chi2, Delta chi2 if given, and the place of the minimum: a row for each point."""
    mesh = np.meshgrid(*(axis.coordinates for axis in surface.axes), indexing="ij")
    units = {axis.name: axis.unit for axis in surface.axes}
    values = {axis.name: v for axis, v in zip(surface.axes, mesh, strict=True)}
    values["chi2"] = surface.chi2
    if delta is not None:
        values[DELTA] = delta
    values |= {f"best_{name}": v for name, v in surface.profiled.items()}
    shape = surface.chi2.shape
    return tuple(
        Column(name, _cells(np.broadcast_to(v, shape)), units.get(name, ""))
        for name, v in values.items()
    )


def _cells(values: Array) -> list[Cell]:
    return [plain(value) for value in values.ravel().tolist()]


def profile_record(surface: Surface, delta: Array | None = None) -> dict[str, Any]:
    """Columns and rows of a profiled surface: kept axes, chi2, place of the minimum."""
    columns = columns_of(surface, delta)
    return {
        "experiments": list(surface.experiments),
        "fixed": dict(surface.fixed),
        "units": {axis.name: axis.unit for axis in surface.axes},
        "columns": [column.name for column in columns],
        "rows": [list(row) for row in zip(*(c.values for c in columns), strict=True)],
    }


@dataclass(frozen=True)
class Profiles:
    """Profiled surfaces by the label of their experiments, the combination first.

    Parameters
    ----------
    surfaces, deltas : mapping from label to Surface
        chi2 and Delta chi2 (in place of chi2) over the same axes.
    reference : str
        What Delta chi2 is counted from.
    cls, dof : tuple of float, int
        Confidence levels that the limits are asked at.
    """

    origin: Origin
    surfaces: Mapping[str, Surface]
    deltas: Mapping[str, Surface]
    reference: str
    cls: tuple[float, ...]
    dof: int
    what: str = "profile"

    def record(self) -> dict[str, Any]:
        """One set of experiments: the record of `scanner profile --json`; several: a list."""
        records = [self._record(label) for label in self.surfaces]
        body = records[0] if len(records) == 1 else {"profiles": records}
        return {**self.origin.identity(), **body, "origin": self.origin.rest()}

    def _record(self, label: str) -> dict[str, Any]:
        record = profile_record(self.surfaces[label], self.deltas[label].chi2)
        return {**self._levels(), **record}

    def _levels(self) -> dict[str, Any]:
        return {
            "reference": self.reference,
            "cl": list(self.cls),
            "dof": self.dof,
            "delta_chi2_levels": [delta_chi2(cl, self.dof) for cl in self.cls],
        }

    def sheet(self) -> Sheet:
        """A row for each point; with several sets of experiments a column says which."""
        parts = {k: columns_of(s, self.deltas[k].chi2) for k, s in self.surfaces.items()}
        first = next(iter(parts.values()))
        columns = [
            replace(column, values=[v for part in parts.values() for v in part[k].values])
            for k, column in enumerate(first)
        ]
        if len(parts) > 1:
            sets = ["+".join(s.experiments) for s in self.surfaces.values() for _ in s.chi2.flat]
            columns.insert(0, Column("experiments", sets))
        surface = next(iter(self.surfaces.values()))
        head = {
            **self.origin.identity(),
            **self._levels(),
            "experiments": ["+".join(s.experiments) for s in self.surfaces.values()],
            "fixed": dict(surface.fixed),
            "coverage": [s.coverage for s in self.surfaces.values()],
            "origin": self.origin.rest(),
        }
        return Sheet(head, tuple(columns))

    def tables(self) -> tuple[Table, ...]:
        """A table of the kept axes for each set of experiments."""
        return tuple(self._table(label, surface) for label, surface in self.surfaces.items())

    def _table(self, label: str, surface: Surface) -> Table:
        columns = columns_of(surface, self.deltas[label].chi2)
        n = len(surface.axes)
        names = ", ".join(surface.names)
        profiled = ", ".join(surface.profiled) or "nothing"
        return Table(
            stem=f"delta_chi2_{label}",
            title=f"Delta chi2 of {names}, {label}"[:64],
            description=(
                f"chi2 and Delta chi2 over {names}, profiled over {profiled}; Delta chi2 counts "
                f"from reference {self.reference}. '-' where there is no usable value."
            ),
            independent=columns[:n],
            dependent=columns[n:],
            qualifiers={
                "STATISTIC": "Delta chi2",
                "REFERENCE": self.reference,
                "DOF": self.dof,
                **{f"DELTA CHI2 AT {cl:g} CL": delta_chi2(cl, self.dof) for cl in self.cls},
                "EXPERIMENTS": "+".join(surface.experiments),
                "COVERAGE": surface.coverage,
                **{f"FIXED {name}": value for name, value in surface.fixed.items()},
            },
        )

    def dataset(self) -> xr.Dataset:
        """chi2, Delta chi2 and best values over (experiments, *kept axes)."""
        parts = []
        for label, surface in self.surfaces.items():
            one = surface.to_dataset()
            one[DELTA] = (surface.names, self.deltas[label].chi2, {"units": "1"})
            parts.append(one.drop_attrs(deep=False))
        sets = ["+".join(surface.experiments) for surface in self.surfaces.values()]
        together = xr.concat(parts, dim=xr.Variable("experiments", np.array(sets)))
        surface = next(iter(self.surfaces.values()))
        return together.assign_attrs(
            **self._levels(),
            **{f"fixed_{name}": value for name, value in surface.fixed.items()},
        )
