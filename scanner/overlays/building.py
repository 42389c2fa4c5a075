"""Reduced tables of the shipped overlays, made from the releases they are taken from."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import contourpy
import numpy as np
import numpy.typing as npt

from scanner.errors import DataError
from scanner.overlays import regions
from scanner.overlays.overlay import Region
from scanner.overlays.shelf import DATA

Array = npt.NDArray[np.float64]

TOLERANCE = 0.01
"""Decades: what a reduced line may be off; a line in a figure is as wide."""

_MEV = 1e3  # per GeV
_DELTA_CHI2 = 4.605170185988091  # 90 %, 2 dof


def tables(root: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """CSV files of all shipped overlays, and the sha256 of the release files.

    Parameters
    ----------
    root : Path
        Folder that holds the releases.

    Raises
    ------
    DataError
        A release file is missing or malformed.
    """
    made, release = {}, {}
    for name, source in sources().items():
        label = f"{source['release']}/{source['file']}"
        raw = _bytes(root, label)
        release[label] = hashlib.sha256(raw).hexdigest()
        made[f"{name}.csv"] = encode(_MAKE[source["form"]](_rows(raw, label)))
    return made, release


def sources() -> dict[str, Mapping[str, str]]:
    """Release, file and form of the file that each shipped overlay is made from."""
    documents = {path.stem: tomllib.loads(path.read_text()) for path in sorted(DATA.glob("*.toml"))}
    return {n: d["source"] for n, d in documents.items() if "release" in d.get("source", {})}


def checksums_toml(made: Mapping[str, bytes], release: Mapping[str, str]) -> bytes:
    """sha256 of the tables and of the release files, as a document."""
    sums = {table: hashlib.sha256(raw).hexdigest() for table, raw in made.items()}
    lines = ["# written by `scanner data build overlays`"]
    for section, of in (("tables", sums), ("release", release)):
        lines += ["", f"[{section}]", *(f'"{name}" = "{of[name]}"' for name in sorted(of))]
    return ("\n".join(lines) + "\n").encode()


def encode(found: tuple[Region, ...]) -> bytes:
    """CSV of reduced regions: number of the region, mass in MeV, coupling; five digits."""
    lines = ["region,mass,coupling"]
    for number, region in enumerate(found):
        for mass, coupling in regions.reduced(region.vertices, TOLERANCE):
            lines.append(f"{number},{mass:.5g},{coupling:.5g}")
    return ("\n".join(lines) + "\n").encode()


def _bytes(root: Path, label: str) -> bytes:
    try:
        return (root / label).read_bytes()
    except OSError as error:
        raise DataError(
            f"release file {label} not found below {root} ({error.strerror}): "
            "give the folder that holds the releases with --release"
        ) from error


def _rows(raw: bytes, label: str) -> Array:
    try:
        lines = [line.split() for line in raw.decode().splitlines() if line and line[0] != "#"]
        return np.array([line for line in lines if line], dtype=np.float64)
    except ValueError as error:
        raise DataError(
            f"release file {label} is not a table of numbers ({error}): fetch the release again"
        ) from error


def _edge(rows: Array) -> tuple[Region, ...]:
    """Lower edge, mass in GeV."""
    return regions.above(_MEV * rows[:, 0], rows[:, 1])


def _ring(rows: Array) -> tuple[Region, ...]:
    """Ring around one region, mass in GeV."""
    return (Region(regions.closed(rows[:, :2] * np.array([_MEV, 1.0]))),)


def _products(rows: Array) -> tuple[Region, ...]:
    """Delta chi2 over mass [MeV] and g_nu g_q -> regions above 90 % (2 dof), in sqrt(g_nu g_q).

    Every mass has its own couplings; there are as many for each. Delta chi2 is counted from the
    lowest value of the table.
    """
    masses = np.unique(rows[:, 0])
    table = rows.reshape(len(masses), -1, 3)
    delta = table[..., 2] - table[..., 2].min()
    x, y = np.log10(table[..., 0]), 0.5 * np.log10(table[..., 1])
    lines = contourpy.contour_generator(x, y, delta, fill_type=contourpy.FillType.OuterCode)
    rings = [ring for ring in lines.filled(_DELTA_CHI2, np.inf)[0] if ring is not None]
    return tuple(Region(regions.closed(10.0**ring)) for ring in rings)


_MAKE: Mapping[str, Callable[[Array], tuple[Region, ...]]] = {
    "edge": _edge,
    "ring": _ring,
    "products": _products,
}
