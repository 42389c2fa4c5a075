"""HEPData: a submission folder of YAML tables, as https://hepdata-submission.readthedocs.io says.

``submission.yaml`` names every table with its keywords; each table is one file of independent and
dependent variables, those with qualifiers. Checked in the tests with `hepdata-validator`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scanner.contours import Contour
from scanner.errors import DefinitionError
from scanner.limits.export.contour import LINE
from scanner.limits.export.limit import Limit
from scanner.limits.export.origin import Origin
from scanner.limits.export.table import Cell, Column, Content, Table

SUBMISSION = "submission.yaml"
ARCHIVES = {".zip": "zip", ".tar.gz": "gztar", ".tgz": "gztar"}
MISSING = "-"

_LARGEST = 10485760  # bytes of one table, of the schema 1.1
_LONGEST = 64  # letters of a table's name
_REACTION = "NU NUCLEUS --> NU NUCLEUS"
_PHRASES = ("CEvNS", "coherent elastic neutrino-nucleus scattering", "exclusion limit")


@dataclass(frozen=True)
class Resource:
    """A file that goes along: a figure, the definition of the scan, its references."""

    name: str
    description: str
    content: bytes


def write_submission(folder: Path, content: Content, resources: Sequence[Resource] = ()) -> None:
    """Fill an existing, empty folder with a submission.

    Raises
    ------
    DefinitionError
        A table larger than HEPData takes, or nothing to write.
    """
    tables = content.tables()
    documents: list[dict[str, Any]] = [_general(content.origin, resources)]
    for number, table in enumerate(tables):
        stem = _file_name(table.stem)
        taken = any(_file_name(other.stem) == stem for other in tables[:number])
        file = folder / f"{stem}_{number}.yaml" if taken else folder / f"{stem}.yaml"
        _dump(file, table, content.origin)
        if file.stat().st_size > _LARGEST:
            raise DefinitionError(
                f"table {table.title!r} has {file.stat().st_size / 1e6:.0f} MB, HEPData takes "
                "10.5 at most: export it with --format netcdf and attach that, or keep fewer axes"
            )
        documents.append(_entry(table, file.name))
    for resource in resources:
        (folder / resource.name).write_bytes(resource.content)
    with (folder / SUBMISSION).open("w") as stream:
        yaml.dump_all(documents, stream, Dumper=_DUMPER, sort_keys=False, allow_unicode=True)


def _file_name(stem: str) -> str:
    """Name of a table's file: the letters that every archive and system takes.

    >>> _file_name("delta_chi2_a+b/../c")
    'delta_chi2_a_b_.._c'
    """
    return re.sub(r"[^A-Za-z0-9_.-]", "_", stem)[:150]


def archive_kind(archive: Path) -> str:
    """What `shutil.make_archive` calls the kind of an archive, by its suffix."""
    return next(kind for suffix, kind in ARCHIVES.items() if archive.name.endswith(suffix))


def pack(folder: Path, archive: Path, kind: str) -> None:
    """Zip or tar a submission folder into `archive`, whatever that is called."""
    shutil.move(shutil.make_archive(str(folder.parent / "packed"), kind, folder), archive)


def contours_from_hepdata(folder: Path) -> tuple[Limit, ...]:
    """Contours of a submission folder, in the order of its tables; other tables are left out."""
    with (folder / SUBMISSION).open() as stream:
        _, *entries = yaml.load_all(stream, Loader=_LOADER)
    found = []
    for entry in entries:
        with (folder / entry["data_file"]).open() as stream:
            table = yaml.load(stream, Loader=_LOADER)
        if table["dependent_variables"][-1]["header"]["name"] == LINE:
            found.append(_limit(table))
    return tuple(found)


# the C library where PyYAML was built with it: ten times as fast, the same text
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _dump(file: Path, table: Table, origin: Origin) -> None:
    told = {**table.qualifiers, "SCAN": origin.scan, "DIGEST": origin.digest}
    data = {
        "independent_variables": [_variable(column) for column in table.independent],
        "dependent_variables": [
            # dictionaries of their own for each variable: shared ones become YAML aliases
            {**_variable(c), "qualifiers": [{"name": n, "value": v} for n, v in told.items()]}
            for c in table.dependent
        ],
    }
    with file.open("w") as stream:
        yaml.dump(data, stream, Dumper=_DUMPER, sort_keys=False, allow_unicode=True)


def _variable(column: Column) -> dict[str, Any]:
    header = {"name": column.name, "units": column.unit}
    return {
        "header": {key: text for key, text in header.items() if text},
        "values": [{"value": MISSING if v is None else v} for v in column.values],
    }


def _general(origin: Origin, resources: Iterable[Resource]) -> dict[str, Any]:
    """First document: what holds for all tables."""
    known = {
        "scan": origin.scan,
        "digest": origin.digest,
        "scenario": origin.scenario,
        **origin.parameters,
        **origin.options,
        **{f"{n}.{k}": v for n, made in origin.experiment.items() for k, v in made.items()},
        "software": origin.software,
    }
    told = "; ".join(f"{name} = {value}" for name, value in known.items())
    cited = " ".join(f"[{i}] {text}." for i, text in enumerate(origin.references, 1))
    return {
        "comment": f"{origin.title}. {told}. Please cite: {cited}",
        "additional_resources": [
            {"location": r.name, "description": r.description} for r in resources
        ],
    }


def _entry(table: Table, file: str) -> dict[str, Any]:
    observables = [column.name for column in table.dependent if column.name != LINE]
    return {
        "name": table.title[:_LONGEST],
        "description": table.description,
        "keywords": [
            {"name": "reactions", "values": [_REACTION]},
            {"name": "observables", "values": observables},
            {"name": "phrases", "values": list(_PHRASES)},
        ],
        "data_file": file,
    }


def _limit(table: Mapping[str, Any]) -> Limit:
    (x,), (y, line) = table["independent_variables"], table["dependent_variables"]
    told: dict[str, Any] = {entry["name"]: entry["value"] for entry in y["qualifiers"]}
    record = {
        "axes": [x["header"]["name"], y["header"]["name"]],
        "cl": told["CL"],
        "dof": told["DOF"],
        "delta_chi2": told["DELTA CHI2"],
        "coverage": told["COVERAGE"],
        "narrow_points": told["NARROW POINTS"],
        "lines": _lines(*([entry["value"] for entry in part["values"]] for part in (line, x, y))),
    }
    return Limit(
        contour=Contour.from_dict(record),
        units=(x["header"].get("units", ""), y["header"].get("units", "")),
        experiments=tuple(told["EXPERIMENTS"].split("+")),
        reference=told["REFERENCE"],
        scan=told["SCAN"],
        digest=told["DIGEST"],
        fixed={n.removeprefix("FIXED "): v for n, v in told.items() if n.startswith("FIXED ")},
        statistic=told["STATISTIC"],
    )


def _lines(numbers: Sequence[str], x: Sequence[Cell], y: Sequence[Cell]) -> list[dict[str, Any]]:
    lines: dict[str, list[Any]] = {}
    for name, *vertex in zip(numbers, x, y, strict=True):
        lines.setdefault(name, []).append(vertex)
    kinds = {name: name.split(" ", 1)[1] for name in lines}
    return [
        {"encloses": None if kinds[name] == "open" else kinds[name], "vertices": vertices}
        for name, vertices in lines.items()
    ]
