"""Bins of the liquid-argon release of 2020, and the shipped tables that are made from it.

The release (arXiv:2006.12659) counts in 12 x 8 x 10 bins of energy, F90 and time. ``bins_f90.csv``
holds them all, ``bins.csv`` their sums over F90, ``energy.csv`` a projection with its errors.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from scanner.experiment import BinAxis
from scanner.experiments import _tables

Array = npt.NDArray[np.float64]

NAME = "coherent_lar_2020"
ENERGY = BinAxis("energy", "keVee", np.linspace(0.0, 120.0, 13))
F90 = BinAxis("f90", "", np.linspace(0.5, 0.9, 9))
TIME = BinAxis("time", "us", np.linspace(-0.1, 4.9, 11))

COLUMNS = {
    "observed": "datanobkgsub.txt",
    "steady_state": "bkgpdf.txt",
    "prompt_brn": "brnpdf.txt",
    "delayed_brn": "delbrnpdf.txt",
    "cevns": "cevnspdf.txt",
    "cevns_f90_plus": "cevnspdf+1sigF90.txt",
    "cevns_f90_minus": "cevnspdf-1sigF90.txt",
    "cevns_time_mean": "cevnspdfCEvNSTimingMeanSyst.txt",
    "brn_energy_plus": "brnpdf+1sigEnergy.txt",
    "brn_energy_minus": "brnpdf-1sigEnergy.txt",
    "brn_time_mean_plus": "brnpdf+1sigBRNTimingMean.txt",
    "brn_time_mean_minus": "brnpdf-1sigBRNTimingMean.txt",
    "brn_time_width": "brnpdfBRNTimingWidthSyst.txt",
}
EFFICIENCY = f"{NAME}/CENNS10AnlAEfficiency.txt"
ENERGY_PROJECTION = f"{NAME}/energydata1d.txt"
RELEASE_FILES = (EFFICIENCY, ENERGY_PROJECTION, *(f"{NAME}/{file}" for file in COLUMNS.values()))


def build(releases: Path) -> _tables.Built:
    """Tables of the experiment from the folder that holds the releases.

    Raises
    ------
    DataError
        If a release file is missing or malformed.
    """
    cubes = {key: _cube(releases, file) for key, file in COLUMNS.items()}
    efficiency = _tables.columns(_tables.release_file(releases, EFFICIENCY), EFFICIENCY, 3)
    _, _, projection = _tables.release_file(releases, ENERGY_PROJECTION).partition(b"\n")
    energy = _tables.columns(projection, ENERGY_PROJECTION, 8)
    projected = {"observed": energy[1], "statistical_error": energy[2]}
    by_energy = {key: cubes[key].sum(axis=(1, 2)) for key in ("prompt_brn", "delayed_brn")}
    tables: dict[str, _tables.Table] = {
        "bins.csv": _edges(ENERGY, TIME) | {k: c.sum(axis=1).ravel() for k, c in cubes.items()},
        "bins_f90.csv": _edges(ENERGY, F90, TIME) | {k: c.ravel() for k, c in cubes.items()},
        "energy.csv": _edges(ENERGY) | projected | by_energy,
        "efficiency.csv": {"energy_kevee": efficiency[0], "efficiency": efficiency[2]},
    }
    return _tables.Built(tables, _tables.hashes(releases, RELEASE_FILES))


def _edges(*axes: BinAxis) -> dict[str, Array]:
    """Columns of the lower and upper edges of all bins, in C order."""
    ends = {"low": slice(None, -1), "high": slice(1, None)}
    mesh = {
        end: np.meshgrid(*(axis.edges[part] for axis in axes), indexing="ij")
        for end, part in ends.items()
    }
    return {
        "_".join(filter(None, (axis.name, end, axis.unit.lower()))): mesh[end][i].ravel()
        for i, axis in enumerate(axes)
        for end in ends
    }


def _cube(releases: Path, file: str) -> Array:
    """One table of the release as counts (energy, F90, time), shape (12, 8, 10)."""
    path = f"{NAME}/{file}"
    rows = _tables.columns(_tables.release_file(releases, path), path, 4)
    energy, f90, time, counts = rows
    cube, _ = np.histogramdd(
        (energy, f90, time), bins=(ENERGY.edges, F90.edges, TIME.edges), weights=counts
    )
    return cube
