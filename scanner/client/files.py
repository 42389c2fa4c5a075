"""Figures and exports of a service as files: whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scanner.client.records import Argument, arguments
from scanner.errors import DefinitionError, unknown

FIGURES = (".pdf", ".png", ".svg")
PACKED = (".tar.gz", ".tgz")
ASKED = ("keep", "cls", "dof", "at", "experiments", "reference")


def figure_suffix(path: Path) -> str:
    """Kind of figure that a file's name asks for; DefinitionError for another."""
    if path.suffix not in FIGURES:
        raise DefinitionError(f"output {path.name!r}: end the name in {', '.join(FIGURES)}")
    return path.suffix[1:]


def export_arguments(
    path: Path, form: str, what: str | None, asked: Mapping[str, Any]
) -> list[Argument]:
    """An export as the service takes it.

    Raises
    ------
    DefinitionError
        Format, content and file do not go together; what only a store answers.
    """
    from scanner.limits.export.writer import check

    check(form, what, path)
    if form == "hepdata" and not path.name.endswith(PACKED):
        raise DefinitionError(f"output {path.name!r}: a service sends hepdata as {PACKED[0]}")
    for name in asked:
        if name not in ASKED:
            raise DefinitionError(f"export: {unknown('argument', name, ASKED)}")
    levels, keep = asked.get("cls", (0.9,)), asked.get("keep", ())
    return arguments(
        asked.get("at"),
        asked.get("experiments"),
        format=form,
        what=what,
        keep=list(keep),
        cl=[float(cl) for cl in levels],
        dof=asked.get("dof"),
        reference=asked.get("reference", "global"),
    )


def put(path: Path, content: bytes) -> Path:
    """Write a file, whole or not at all.

    Raises
    ------
    DefinitionError, StoreError
        See `scanner.limits.export.place.put_file`.
    """
    from scanner.limits.export.place import put_file

    put_file(path, lambda file: file.write_bytes(content))
    return path
