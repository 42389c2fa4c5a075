"""One overlay from its TOML file, with the points beside it, in it, or from a formula."""

from __future__ import annotations

import csv
import json
import math
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from scanner import regular
from scanner.errors import DataError, DefinitionError, unknown
from scanner.overlays import regions
from scanner.overlays.formulas import anomalous_moment_band
from scanner.overlays.overlay import Model, Overlay, Region, Shows

Array = npt.NDArray[np.float64]
Record = dict[str, Any]

TEXTS = (
    "title",
    "label",
    "kind",
    "scenario",
    "licence",
    "provenance",
    "statistic",
    "citation",
    "arxiv",
    "doi",
    "digitised",
    "missing",
)
NEEDED = ("title", "label", "kind", "scenario", "licence", "provenance")
OTHERS = ("shows", "cl", "dof", "axes", "units", "model", "points", "formula", "source")
MODEL_KEYS = ("parameters", "factor", "reason")
POINT_KEYS = ("file", "shape", "table")
SHAPES = ("above", "inside", "between", "contour")


def read(path: Path, name: str | None = None) -> Overlay:
    """Overlay of a TOML file; named after it.

    Raises
    ------
    DefinitionError
        The file or its points cannot be used; names the file, the key and the value.
    """
    try:
        raw = tomllib.loads(regular.read_text(path))
    except (OSError, ValueError) as error:
        raise DefinitionError(f"overlay file {path}: cannot be read ({error})") from error
    return _Reader(path, raw).overlay(name or path.stem)


class _Reader:
    """Checks and turns one TOML document into an overlay."""

    def __init__(self, path: Path, raw: Record) -> None:
        self.path, self.raw = path, raw

    def bad(self, key: str, what: str) -> DefinitionError:
        return DefinitionError(f"overlay file {self.path.name}: {key}: {what}")

    def overlay(self, name: str) -> Overlay:
        for key in self.raw:
            if key not in (*TEXTS, *OTHERS):
                raise DefinitionError(
                    f"overlay file {self.path.name}: {unknown('key', key, (*TEXTS, *OTHERS))}"
                )
        texts = {key: self._text(key) for key in TEXTS if key in self.raw}
        for key in NEEDED:
            if not texts.get(key):
                raise self.bad(key, "is missing: every overlay says it")
        cl, dof = self._level()
        found = Overlay(
            name=name,
            models=self._models(),
            shows=self._shows(),
            cl=cl,
            dof=dof,
            axes=self._pair("axes", ("mass", "coupling")),
            units=self._pair("units", ("MeV", "")),
            regions=self._regions(),
            source=self.raw.get("source", {}),
            file=str(self.path),
            **texts,
        )
        if not found.regions and not found.missing:
            raise self.bad("points", "are missing: give [points], or say why in 'missing'")
        return found

    def _text(self, key: str) -> str:
        value = self.raw[key]
        if not isinstance(value, str):
            raise self.bad(key, f"{value!r} is not text")
        return value

    def _level(self) -> tuple[float | None, int | None]:
        cl, dof = self.raw.get("cl"), self.raw.get("dof")
        if cl is not None and (not isinstance(cl, float) or not 0.0 < cl < 1.0):
            raise self.bad("cl", f"{cl!r}: give a fraction, 0.9 for 90 %, or leave it out")
        if dof is not None and (not isinstance(dof, int) or dof < 1):
            raise self.bad("dof", f"{dof!r}: give 1, 2 ..., or leave it out")
        return cl, dof

    def _shows(self) -> Shows:
        value = self.raw.get("shows", "excluded")
        if value not in get_args(Shows):
            raise self.bad("shows", unknown("value", str(value), get_args(Shows)))
        return value  # type: ignore[no-any-return]

    def _pair(self, key: str, usual: tuple[str, str]) -> tuple[str, str]:
        value = self.raw.get(key, list(usual))
        if not isinstance(value, list) or [type(v) for v in value] != [str, str]:
            raise self.bad(key, f"{value!r} is not a pair of texts")
        return (value[0], value[1])

    def _models(self) -> tuple[Model, ...]:
        tables = self.raw.get("model")
        if not isinstance(tables, list) or not tables:
            raise self.bad("[[model]]", "is missing: say what fixed parameters the limit holds for")
        return tuple(self._model(table) for table in tables)

    def _model(self, table: Record) -> Model:
        for key in table:
            if key not in MODEL_KEYS:
                raise self.bad("[[model]]", unknown("key", key, MODEL_KEYS))
        factor = table.get("factor", 1.0)
        if not isinstance(factor, (int, float)) or not 0.0 < factor < math.inf:
            raise self.bad("model.factor", f"{factor!r} is not a number above 0")
        return Model(table.get("parameters", {}), float(factor), table.get("reason", ""))

    def _regions(self) -> tuple[Region, ...]:
        if "formula" in self.raw:
            return self._from_formula(dict(self.raw["formula"]))
        points = self.raw.get("points")
        if points is None:
            return ()
        for key in points:
            if key not in POINT_KEYS:
                raise self.bad("points", unknown("key", key, POINT_KEYS))
        shape = points.get("shape", "inside")
        if shape not in SHAPES:
            raise self.bad("points.shape", unknown("shape", str(shape), SHAPES))
        if shape == "contour":
            return self._contour(points)
        columns = self._columns(points)
        try:
            return _BY_SHAPE[shape](columns)
        except KeyError as error:
            raise self.bad("points", f"there is no column {error}") from error

    def _from_formula(self, given: Record) -> tuple[Region, ...]:
        if given.pop("name", None) != "anomalous_moment":
            raise self.bad("formula.name", "is not known: write anomalous_moment")
        try:
            return anomalous_moment_band(**given)
        except (TypeError, ValueError) as error:
            raise self.bad("formula", str(error)) from error

    def _columns(self, points: Record) -> dict[str, Array]:
        """Columns of the table in the document, or of the CSV file beside it."""
        if "table" in points:
            rows = points["table"]
            names = [*self._pair("axes", ("mass", "coupling"))]
        else:
            names, rows = self._csv(self._file(points))
        try:
            table = np.array(rows, dtype=np.float64)
        except ValueError as error:
            raise self.bad("points", f"are not numbers ({error})") from error
        if table.ndim != 2 or table.shape[1] != len(names) or len(table) < 2:
            raise self.bad("points", f"are not rows of {', '.join(names)}")
        return dict(zip(names, table.T, strict=True))

    def _file(self, points: Record) -> Path:
        name = points.get("file")
        if not isinstance(name, str) or Path(name).name != name:
            raise self.bad("points.file", f"{name!r} is not the name of a file beside this one")
        return self.path.parent / name

    def _csv(self, path: Path) -> tuple[list[str], list[list[str]]]:
        try:
            rows = list(csv.reader(regular.read_text(path).splitlines()))
        except OSError as error:
            raise DataError(
                f"overlay table {path.name} cannot be read ({error.strerror}): put it back"
            ) from error
        lines = [row for row in rows if row and not row[0].startswith("#")]
        return (lines[0], lines[1:]) if lines else ([], [])

    def _contour(self, points: Record) -> tuple[Region, ...]:
        """Lines of `scanner contour --json`, at the level of this overlay."""
        path = self._file(points)
        try:
            record = json.loads(regular.read_text(path))
            axes = tuple(axis["name"] for axis in record["axes"])
            levels = {float(one["cl"]): one["lines"] for one in record["contours"]}
            lines = levels[self.raw["cl"]] if "cl" in self.raw else next(iter(levels.values()))
            vertices = [np.array(line["vertices"], dtype=np.float64) for line in lines]
        except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
            raise self.bad(
                "points.file",
                f"{path.name} is not what `scanner contour --json` writes at cl "
                f"{self.raw.get('cl', '')} ({type(error).__name__}: {error})",
            ) from error
        if axes != self._pair("axes", ("mass", "coupling")):
            raise self.bad("axes", f"{path.name} has the axes {', '.join(axes)}")
        return tuple(Region(line) for line in vertices)


def _parts(columns: Mapping[str, Array]) -> list[Array]:
    """Vertices of each region: the first two columns, cut by the column `region`."""
    first, second = [name for name in columns if name != "region"][:2]
    vertices = np.stack([columns[first], columns[second]], axis=1)
    number = columns.get("region", np.zeros(len(vertices)))
    return [vertices[number == n] for n in dict.fromkeys(number.tolist())]


_BY_SHAPE: Mapping[str, Callable[[Mapping[str, Array]], tuple[Region, ...]]] = {
    "above": lambda columns: tuple(Region(part, above=True) for part in _parts(columns)),
    "inside": lambda columns: tuple(Region(regions.closed(part)) for part in _parts(columns)),
    "between": lambda columns: regions.between(columns["mass"], columns["lower"], columns["upper"]),
}
