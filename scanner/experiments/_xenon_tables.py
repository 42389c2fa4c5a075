"""Bins of the XENONnT release of 2026, and the shipped tables that are made from it.

The release (doi:10.5281/zenodo.20576156) counts in 3 x 3 x 3 x 3 bins of cS2, S2 shadow and the
scores of two boosted decision trees, in each of three science runs. ``bins.csv`` holds them all
with the events and the backgrounds, ``recoils.csv.gz`` the probabilities that a nuclear recoil is
selected in a bin: for 46 recoil energies and 7 x 7 values of the light and charge yields, in
standard deviations. Those are rounded to three significant digits.
"""

from __future__ import annotations

import io
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from scanner.errors import DataError
from scanner.experiments import _tables

Array = npt.NDArray[np.float64]

NAME = "xenonnt_b8_2026"
RUNS = ("sr0", "sr1", "sr2")
EXPOSURES_T_YR = np.array([1.174398, 2.342593, 3.249665])
"""Of the runs, from the notebook of the release."""
OBSERVABLES = {
    "cs2": "cs2",
    "shadow": "s2_shadow_s2_time_shadow_quantile",
    "s1_score": "s1_bdt_score",
    "s2_score": "s2_bdt_score",
}
"""Our names and those of the release, in the order of its tables."""
SHAPE = (3, 3, 3, 3)
BINS_PER_RUN = 81
RECOILS_KEV = np.round(np.arange(0.5, 5.05, 0.1), 1)
YIELDS = np.arange(-3.0, 4.0)
"""Light and charge yields of the recoil tables, standard deviations from the nominal ones."""
DIGITS = 3
"""Significant digits of a probability: the Standard Model's counts move by less than 1e-5."""

BACKGROUNDS = {"accidental": "ac_cevns", "electronic": "er_cevns", "neutron": "rg_cevns"}
BINNINGS = {run: f"{NAME}/binning/{run}.yaml" for run in RUNS}
EVENTS = {run: f"{NAME}/data/{run}.csv" for run in RUNS}
RECOIL_ARCHIVES = {run: f"{NAME}/templates/{run}_mono_all.tar.gz" for run in RUNS}
MEMBER = re.compile(r"mono_(\d\.\d{3})_cevns_tly_(-?\d\.\d)_tqy_(-?\d\.\d)\.h5$")


def _background_file(run: str, kind: str) -> str:
    nominal = "_tly_0.0_tqy_0.0" if kind.startswith("rg") else ""
    return f"{NAME}/templates/{run}/template_XENONnT_{run}_{kind}{nominal}.h5"


RELEASE_FILES = (
    *BINNINGS.values(),
    *EVENTS.values(),
    *RECOIL_ARCHIVES.values(),
    *(_background_file(run, kind) for run in RUNS for kind in BACKGROUNDS.values()),
)


def build(releases: Path) -> _tables.Built:
    """Tables of the experiment from the folder that holds the releases.

    Raises
    ------
    DataError
        If a release file is missing or malformed, or h5py is not installed.
    """
    edges = [_edges(releases, run) for run in RUNS]
    observed = [_events(releases, run, own) for run, own in zip(RUNS, edges, strict=True)]
    bins = _bin_columns(edges) | {"observed": np.concatenate(observed)}
    for name, kind in BACKGROUNDS.items():
        rates = [_template(releases, _background_file(run, kind)) for run in RUNS]
        bins[name] = np.concatenate(EXPOSURES_T_YR[:, np.newaxis] * rates)
    tables: dict[str, _tables.Table] = {
        "bins.csv": bins,
        "recoils.csv.gz": _recoil_columns([_recoils(releases, run) for run in RUNS]),
    }
    return _tables.Built(tables, _tables.hashes(releases, RELEASE_FILES))


def _edges(releases: Path, run: str) -> list[Array]:
    """Four edges of each observable."""
    file = BINNINGS[run]
    try:
        found: Mapping[str, Any] = yaml.safe_load(_tables.release_file(releases, file))
        edges = [np.array(found[name], dtype=np.float64) for name in OBSERVABLES.values()]
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise _malformed(file, error) from error
    if [len(own) - 1 for own in edges] != list(SHAPE):
        raise _malformed(file, "not four edges for each observable")
    return edges


def _events(releases: Path, run: str, edges: list[Array]) -> Array:
    """Events in the bins of one run, (81,)."""
    file = EVENTS[run]
    head, _, text = _tables.release_file(releases, file).partition(b"\n")
    rows = _tables.columns(text.replace(b",", b" "), file, 1 + len(OBSERVABLES))
    by_name = dict(zip(head.split(b","), rows, strict=False))
    try:
        sample = [by_name[name.encode()] for name in OBSERVABLES.values()]
    except KeyError as error:
        raise _malformed(file, f"no column {error}") from error
    counts, _ = np.histogramdd(np.transpose(sample), bins=edges)
    return np.asarray(counts.ravel())


def _template(releases: Path, file: str) -> Array:
    return _read_template(_tables.release_file(releases, file), file)


def _read_template(raw: bytes, label: str) -> Array:
    """Template of one HDF5 file, (81,)."""
    try:
        with _hdf5()(io.BytesIO(raw), "r") as file:
            template = np.asarray(file["templates/template"], dtype=np.float64)
    except (OSError, KeyError) as error:
        raise _malformed(label, error) from error
    if template.shape != SHAPE:
        raise _malformed(label, f"its template has shape {template.shape}, not {SHAPE}")
    return template.ravel()


def _hdf5() -> Callable[..., Any]:
    try:
        # only for building the tables
        import h5py
    except ImportError as error:
        raise DataError(
            f"the templates of {NAME} are HDF5 files: install h5py to build its tables "
            "(pip install h5py)"
        ) from error
    return h5py.File  # type: ignore[no-any-return]


def _recoils(releases: Path, run: str) -> Array:
    """Probabilities of one run, (81, 7 light yields, 7 charge yields, 46 recoils)."""
    file = RECOIL_ARCHIVES[run]
    found = np.full((BINS_PER_RUN, len(YIELDS), len(YIELDS), len(RECOILS_KEV)), np.nan)
    recoils = {f"{kev:.3f}": i for i, kev in enumerate(RECOILS_KEV)}
    yields = {f"{value:.1f}": i for i, value in enumerate(YIELDS)}
    for name, raw in _members(_tables.release_file(releases, file), file):
        named = MEMBER.search(name)
        if named is not None:
            recoil, light, charge = named.groups()
            if recoil not in recoils or not {light, charge} <= set(yields):
                raise _malformed(file, f"{name} is not one of its templates")
            template = _read_template(raw, f"{file}:{name}")
            found[:, yields[light], yields[charge], recoils[recoil]] = template
    if np.isnan(found).any():
        n = int(np.isnan(found[0]).sum())
        raise _malformed(file, f"{n} of its {found[0].size} templates are missing")
    return found


def _members(raw: bytes, label: str) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files in an archive."""
    try:
        with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is not None:
                    yield member.name, content.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise _malformed(label, error) from error


def _malformed(label: str, why: object) -> DataError:
    return DataError(f"release file {label} cannot be read ({why}): fetch the release again")


def _bin_columns(edges: list[list[Array]]) -> dict[str, Array]:
    """Number of the run and edges of all bins, (243,) each."""
    columns = {"run": np.repeat(np.arange(len(RUNS), dtype=np.float64), BINS_PER_RUN)}
    for i, name in enumerate(OBSERVABLES):
        for end, part in (("low", slice(None, -1)), ("high", slice(1, None))):
            meshes = [np.meshgrid(*(e[part] for e in own), indexing="ij")[i] for own in edges]
            columns[f"{name}_{end}"] = np.concatenate([mesh.ravel() for mesh in meshes])
    return columns


def _recoil_columns(by_run: list[Array]) -> dict[str, Array]:
    """One row for each bin and pair of yields, one column for each recoil energy in keV."""
    probabilities = np.concatenate(by_run)
    places = np.meshgrid(np.arange(len(probabilities)), YIELDS, YIELDS, indexing="ij")
    names = ("bin", "light_yield", "charge_yield")
    columns = {n: p.ravel().astype(np.float64) for n, p in zip(names, places, strict=True)}
    rounded = _rounded(probabilities).reshape(-1, len(RECOILS_KEV))
    return columns | {f"{e:.1f}": column for e, column in zip(RECOILS_KEV, rounded.T, strict=True)}


def _rounded(values: Array) -> Array:
    """Values to `DIGITS` significant digits."""
    return np.array([float(f"{v:.{DIGITS}g}") for v in values.ravel()]).reshape(values.shape)
