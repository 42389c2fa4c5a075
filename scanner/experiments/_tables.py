"""Reading, checking and writing the shipped tables of an experiment.

`data/<name>/` holds CSV tables and `provenance.toml`, which carries the citation, the sha256 of
every table and the sha256 of every release file that the tables were made from. A large table is
packed as ``.csv.gz``; its sha256 is that of the CSV inside, which does not depend on the packer.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
import tempfile
import tomllib
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.errors import DataError, StoreError
from scanner.experiment import Provenance

Array = npt.NDArray[np.float64]
Table = Mapping[str, Array]

DATA = Path(__file__).parent / "data"
PACKED = ".gz"
MEND = "reinstall cevns-scanner, or rebuild with 'scanner data build'"


@dataclass(frozen=True)
class Built:
    """Tables made from a release: file name to columns, and the release files they came from."""

    tables: Mapping[str, Table]
    release: Mapping[str, str]


def folder(name: str) -> Path:
    """Folder of an experiment's shipped tables."""
    return DATA / name


def provenance(name: str, home: Path | None = None) -> Provenance:
    """Citation and checksums of an experiment; DataError if they cannot be read.

    `home` is the folder that holds them, if it is not that of an experiment.
    """
    path = (home or folder(name)) / "provenance.toml"
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text())
        return Provenance(**raw)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{name}: {path.name} cannot be read ({error}); {MEND}") from error


def read(name: str, table: str) -> Table:
    """Columns of one shipped table, checked against its sha256.

    Raises
    ------
    DataError
        If the table is missing, or differs from its checksum.
    """
    expected = provenance(name).tables.get(table)
    try:
        raw = content(folder(name) / table)
    except OSError as error:
        raise DataError(f"{name}: table {table} is missing ({error.strerror}); {MEND}") from error
    found = hashlib.sha256(raw).hexdigest()
    if found != expected:
        raise DataError(
            f"{name}: table {table} is damaged (sha256 {found[:12]}..., "
            f"expected {str(expected)[:12]}...); {MEND}"
        )
    rows = csv.reader(StringIO(raw.decode()))
    head = next(rows)
    numbers = np.array(list(rows), dtype=np.float64)
    return dict(zip(head, np.ascontiguousarray(numbers.T), strict=True))


def content(path: Path) -> bytes:
    """The CSV in a shipped file, unpacked; what cannot be unpacked is as it lies there."""
    raw = path.read_bytes()
    if path.suffix != PACKED:
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error):
        return raw


def _packed(table: str, raw: bytes) -> bytes:
    # the time of packing is left out, so that the same table is the same file
    return gzip.compress(raw, mtime=0) if table.endswith(PACKED) else raw


def verify(name: str) -> tuple[str, ...]:
    """Check all tables of an experiment; returns their names, DataError at the first bad one."""
    tables = tuple(provenance(name).tables)
    for table in tables:
        read(name, table)
    return tables


def encode(table: Table) -> bytes:
    """CSV with a header; numbers with 12 significant digits, whole numbers without a point."""
    lines = [",".join(table)]
    lines += [",".join(_number(v) for v in row) for row in zip(*table.values(), strict=True)]
    return ("\n".join(lines) + "\n").encode()


def _number(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.12g}"


def release_file(root: Path, relative: str) -> bytes:
    """Bytes of one file of a release; DataError that names it if it is not there."""
    path = root / relative
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"release file {relative} not found below {root} ({error.strerror}): "
            "give the folder that holds the releases with --release"
        ) from error


def columns(raw: bytes, label: str, n: int) -> Array:
    """Whitespace-separated numbers of a release file, comments skipped, shape (n, rows)."""
    try:
        lines = [line for line in raw.decode().splitlines() if line.strip() and line[0] != "#"]
        found = np.array([line.split() for line in lines], dtype=np.float64).T
    except ValueError as error:
        raise _malformed(label, n, str(error)) from error
    if len(found) != n:
        raise _malformed(label, n, f"it has {len(found)}")
    return found


def _malformed(label: str, n: int, why: str) -> DataError:
    return DataError(
        f"release file {label} does not have {n} columns of numbers ({why}): "
        "fetch the release again"
    )


def hashes(root: Path, files: Iterable[str]) -> dict[str, str]:
    """sha256 of release files, by relative path."""
    return {f: hashlib.sha256(release_file(root, f)).hexdigest() for f in files}


def write(name: str, built: Built, output: Path, home: Path | None = None) -> tuple[str, ...]:
    """Write tables and provenance into `output`, each by atomic rename; returns what changed.

    `home` as for `provenance`.
    """
    encoded = {table: encode(content) for table, content in built.tables.items()}
    sums = {table: hashlib.sha256(raw).hexdigest() for table, raw in encoded.items()}
    old = provenance(name, home)
    text = _provenance_toml(old, sums, built.release)
    return write_files(output, {**encoded, "provenance.toml": text.encode()})


def write_files(output: Path, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Write files into a folder, packed if ``.gz``, by atomic rename; returns what changed."""
    changed = []
    try:
        output.mkdir(parents=True, exist_ok=True)
        for file, raw in files.items():
            path = output / file
            if not path.exists() or content(path) != raw:
                _replace(path, _packed(file, raw))
                changed.append(file)
    except OSError as error:
        raise StoreError(
            f"{output} is not writable ({error.strerror}): choose another --output"
        ) from error
    return tuple(changed)


def _replace(path: Path, raw: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _provenance_toml(old: Provenance, tables: Mapping[str, str], release: Mapping[str, str]) -> str:
    head = {"citation": old.citation, "arxiv": old.arxiv, "doi": old.doi, "licence": old.licence}
    lines = [f"{key} = {_quote(value)}" for key, value in head.items()]
    for section, sums in (("tables", tables), ("release", release)):
        lines += [
            "",
            f"[{section}]",
            *(f"{_quote(k)} = {_quote(v)}" for k, v in sorted(sums.items())),
        ]
    return "\n".join(lines) + "\n"


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
