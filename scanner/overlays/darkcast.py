"""The recast limits of DarkCast, read from the user's own copy: they are under the GPL.

DarkCast: Ilten, Soreq, Williams and Xue, arXiv:1801.04847; Baruch et al., arXiv:2206.08563. A file
`<model>_boson/<experiment>_<INSPIRE key>.lmt` has columns mass [GeV], lower coupling and, for
two-sided limits, upper coupling; 1e5 stands for "no limit". The register beside this file says of
each limit which experiment it is of, and of what kind.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner import regular
from scanner.errors import DefinitionError
from scanner.overlays import regions
from scanner.overlays.overlay import Model, Overlay, Region

Array = npt.NDArray[np.float64]

REGISTER = "darkcast.toml"
LICENCE = "GPL-2.0-or-later (DarkCast): not shipped, read from your own copy"
_FOLDER = "_boson"
_MODELS = {
    "B-L": "B-L",
    "Le-Lmu": "L_e-L_mu",
    "Le-Ltau": "L_e-L_tau",
    "Lmu-Ltau": "L_mu-L_tau",
}
_GEV = 1e3  # MeV
_KEY = re.compile(r"(.+)(\d{4}[a-z]+)")  # Merkel2011ze is Merkel:2011ze


def overlays(folder: Path) -> dict[str, Overlay]:
    """Limits below a folder, by ``<model>/<file>``; empty where there are none.

    Models that no scenario has (a B boson alone) are left out.

    Raises
    ------
    DefinitionError
        A file is not a table of mass and coupling.
    """
    found = {}
    for model, path in _files(folder):
        entry = register().get(path.stem, {})
        if entry.get("part_of"):
            continue
        overlay = _overlay(model, path, entry)
        if overlay.regions:  # a recast may leave nothing
            found[overlay.name] = overlay
    return found


@lru_cache(maxsize=1)
def register() -> dict[str, dict[str, Any]]:
    """What is known of each limit, by the name of its file."""
    return tomllib.loads((Path(__file__).parent / "data" / REGISTER).read_text())


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    own = [folder] if folder.resolve().name.endswith(_FOLDER) else []
    for models in (own, sorted(folder.glob(f"*{_FOLDER}"))):
        for boson in models:
            model = boson.resolve().name.removesuffix(_FOLDER)
            if model in _MODELS:
                yield from ((model, path) for path in sorted(boson.glob("*.lmt")))


def _overlay(model: str, path: Path, entry: dict[str, Any]) -> Overlay:
    experiment, _, key = path.stem.partition("_")
    upper = path.with_name(f"{entry['upper']}.lmt") if "upper" in entry else None
    return Overlay(
        name=f"{model}/{path.stem}",
        title=entry.get("title", f"{experiment}, {model} boson, recast by DarkCast"),
        label=entry.get("label", experiment),
        kind=entry.get("kind", "other limits"),
        scenario="light_vector",
        models=(Model({"model": _MODELS[model], "kinetic_mixing": 0.0}),),
        licence=LICENCE,
        provenance=f"{path.name}, INSPIRE key {_inspire(key)}",
        regions=_regions(_table(path), None if upper is None else _table(upper)),
        shows=entry.get("shows", "excluded"),
        cl=entry.get("cl"),
        statistic=entry.get("statistic", ""),
        citation="Ilten, Soreq, Williams and Xue; Baruch et al., arXiv:2206.08563; and the paper "
        "of that INSPIRE key",
        arxiv="1801.04847",
        file=str(path),
    )


def _inspire(key: str) -> str:
    """The key as INSPIRE writes it.

    >>> _inspire("Bodas2021fsy_2l"), _inspire("NA642019imj")
    ('Bodas:2021fsy', 'NA64:2019imj')
    """
    return _KEY.sub(r"\1:\2", key.split("_")[0])


def _table(path: Path) -> Array:
    try:
        lines = [line for line in regular.read_text(path).splitlines() if line.strip()]
        rows = np.array([line.split() for line in lines if line.lstrip()[0] != "#"], dtype=float)
    except (OSError, ValueError) as error:
        raise DefinitionError(f"overlay file {path}: not a table of numbers ({error})") from error
    if rows.ndim != 2 or rows.shape[1] < 2:
        raise DefinitionError(f"overlay file {path}: it has no columns of mass and coupling")
    return rows


def _regions(rows: Array, upper: Array | None) -> tuple[Region, ...]:
    """Above the lower edge, or between pairs of columns; mass in GeV there, in MeV here."""
    mass = _GEV * rows[:, 0]
    if upper is not None:
        return regions.between(mass, rows[:, 1], upper[:, 1])
    if rows.shape[1] == 2:
        return regions.above(mass, rows[:, 1])
    pairs = range(1, rows.shape[1] - 1, 2)
    return tuple(r for k in pairs for r in regions.between(mass, rows[:, k], rows[:, k + 1]))
