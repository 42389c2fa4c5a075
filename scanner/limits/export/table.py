"""Column, Table, Content: an export before it has a format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import xarray as xr

from scanner.errors import DefinitionError
from scanner.limits.export.origin import Origin

Cell = float | int | str | None


@dataclass(frozen=True)
class Column:
    """Values of one variable; None where there is none."""

    name: str
    values: Sequence[Cell]
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """One table of a HEPData submission.

    Parameters
    ----------
    stem : str
        Name of its file without the suffix.
    title, description : str
        One line, and a paragraph.
    independent, dependent : tuple of Column
        All of the same length.
    qualifiers : mapping
        What the dependent variables are for: CL, degrees of freedom, experiments, ...
    """

    stem: str
    title: str
    description: str
    independent: tuple[Column, ...]
    dependent: tuple[Column, ...]
    qualifiers: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sheet:
    """One CSV file: a head of plain tables, and columns of equal length."""

    head: Mapping[str, Any]
    columns: tuple[Column, ...]


class Content(Protocol):
    """What is exported; every format takes the view that it needs."""

    @property
    def what(self) -> str:
        """``contour``, ``profile`` or ``interval``."""

    @property
    def origin(self) -> Origin:
        """The scan that it is from."""

    def record(self) -> dict[str, Any]:
        """For JSON."""

    def sheet(self) -> Sheet:
        """For CSV."""

    def tables(self) -> tuple[Table, ...]:
        """For HEPData."""

    def dataset(self) -> xr.Dataset:
        """For NetCDF; DefinitionError where that makes no sense."""


def no_netcdf(what: str) -> DefinitionError:
    """Error for a list of numbers that is no grid."""
    return DefinitionError(
        f"--format netcdf --what {what}: NetCDF holds a cube or a profile; "
        f"a {what} goes into hepdata, csv or json"
    )
