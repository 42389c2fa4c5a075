"""Contours of one or several sets of experiments, ready for any format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from scanner.contours import Contour
from scanner.errors import DefinitionError
from scanner.limits.export.origin import Origin
from scanner.limits.export.table import Column, Sheet, Table, no_netcdf
from scanner.limits.plane import Plane
from scanner.statistics.levels import WILKS, percent

LINE = "line"


@dataclass(frozen=True)
class Contours:
    """Planes by the label of their experiments, the combination first."""

    origin: Origin
    planes: Mapping[str, Plane]
    what: str = "contour"

    def record(self) -> dict[str, Any]:
        """One plane: the record of `scanner contour --json`; several: a list of them."""
        planes = [plane.to_dict() for plane in self.planes.values()]
        body = planes[0] if len(planes) == 1 else {"planes": planes}
        return {**self.origin.identity(), **body, "origin": self.origin.rest()}

    def sheet(self) -> Sheet:
        """A row for each vertex; the contours are numbered as in the head."""
        first, second = next(iter(self.planes.values())).axes
        planes = [plane.to_dict() for plane in self.planes.values()]
        rows: list[tuple[Any, ...]] = []
        number = 0
        for plane in planes:
            together = "+".join(plane["experiments"])
            for contour in plane["contours"]:
                contour["number"] = number
                for i, line in enumerate(contour.pop("lines")):
                    start = (number, together, contour["cl"], i, line["encloses"] or "open")
                    rows += [(*start, x, y) for x, y in line["vertices"]]
                number += 1
        names = ("contour", "experiments", "cl", LINE, "encloses", first.name, second.name)
        units = ("",) * 5 + (first.unit, second.unit)
        columns = [
            Column(name, [row[k] for row in rows], unit)
            for k, (name, unit) in enumerate(zip(names, units, strict=True))
        ]
        head = {**self.origin.identity(), "planes": planes, "origin": self.origin.rest()}
        return Sheet(head, tuple(columns))

    def tables(self) -> tuple[Table, ...]:
        """A table for each confidence level and set of experiments that has a line."""
        made = tuple(
            _table(label, plane, contour)
            for label, plane in self.planes.items()
            for contour in plane.contours
            if contour.lines
        )
        if not made:
            raise DefinitionError(
                "no contour has a line at these levels: there is nothing to submit; choose "
                "another --cl, or export the profile (--what profile)"
            )
        return made

    def dataset(self) -> xr.Dataset:
        """Lines are no grid."""
        raise no_netcdf(self.what)


def _table(label: str, plane: Plane, contour: Contour) -> Table:
    first, second = plane.axes
    x: list[float] = []
    y: list[float] = []
    lines: list[str] = []
    for number, line in enumerate(contour.lines):
        x.extend(line.vertices[:, 0].tolist())
        y.extend(line.vertices[:, 1].tolist())
        lines += [f"{number} {line.encloses or 'open'}"] * len(line.vertices)
    level = percent(contour.cl)
    return Table(
        stem=f"contour_{label}_{contour.cl:g}",
        title=f"{level} CL contour, {label}",
        description=(
            f"Contour of {first.name} and {second.name} at {level} CL ({contour.dof} degrees of "
            f"freedom, Delta chi2 = {contour.level:.4f} from reference {plane.reference.kind}). "
            f"The column '{LINE}' numbers the polylines and says what a closed one encloses: "
            "'open' ends at the edge of the plane."
        ),
        independent=(Column(first.name, x, first.unit),),
        dependent=(Column(second.name, y, second.unit), Column(LINE, lines)),
        qualifiers=_qualifiers(plane, contour),
    )


def _qualifiers(plane: Plane, contour: Contour) -> dict[str, float | str]:
    return {
        "CL": contour.cl,
        "DOF": contour.dof,
        "STATISTIC": WILKS,
        "DELTA CHI2": contour.level,
        "REFERENCE": plane.reference.kind,
        "EXPERIMENTS": "+".join(plane.experiments),
        "COVERAGE": contour.coverage,
        "NARROW POINTS": contour.narrow,
        **{f"FIXED {name}": value for name, value in plane.fixed.items()},
    }
