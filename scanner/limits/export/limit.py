"""Limit: one contour with everything that a reader has to know about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scanner.contours import Contour
from scanner.statistics.levels import WILKS


@dataclass(frozen=True)
class Limit:
    """A contour as published.

    Parameters
    ----------
    contour : Contour
        Lines, confidence level, degrees of freedom, coverage.
    units : pair of str
        Units of the two columns of its vertices.
    experiments : tuple of str
        Experiments that are combined.
    reference : str
        What Delta chi2 is counted from: ``global``, ``sm`` or ``raster``.
    scan, digest : str
        Identity of the scan; empty where the file does not tell.
    fixed : mapping
        Parameters held at a value.
    statistic : str
        What the level stands on.
    """

    contour: Contour
    units: tuple[str, str]
    experiments: tuple[str, ...]
    reference: str
    scan: str = ""
    digest: str = ""
    fixed: Mapping[str, float] = field(default_factory=dict)
    statistic: str = WILKS


def limits_of(record: Mapping[str, Any]) -> Iterator[Limit]:
    """Limits of a record of `scanner contour --json`, or of a file with several of them.

    Raises
    ------
    KeyError, TypeError, ValueError
        It is no such record.
    """
    if not isinstance(record, Mapping):
        raise TypeError("not a table of names")
    for plane in record.get("planes", [record]):
        names = tuple(axis["name"] for axis in plane["axes"])
        units = tuple(axis["unit"] for axis in plane["axes"])
        for entry in plane["contours"]:
            yield Limit(
                contour=Contour.from_dict({**entry, "axes": names}),
                units=(units[0], units[1]),
                experiments=tuple(plane["experiments"]),
                reference=plane["reference"]["kind"],
                scan=record.get("scan", ""),
                digest=record.get("digest", ""),
                fixed=dict(plane.get("fixed", {})),
                statistic=entry.get("statistic", WILKS),
            )
