"""What to compute, as tables that a service takes: it reads no file, so files are read here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scanner import described
from scanner.definition import ScanDefinition
from scanner.errors import DefinitionError
from scanner.reading import document, experiments

Source = str | Path | Mapping[str, Any] | ScanDefinition


def is_name(source: Source) -> bool:
    """Whether it names a ready-made definition, which is the service's own."""
    return isinstance(source, str) and Path(source).suffix not in document.SUFFIXES


def tables(source: Source, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """Tables of a definition with overrides put in; experiments that are files with their text.

    Parameters
    ----------
    source : Path, str, mapping or ScanDefinition
        A .toml or .json file; tables as in one, whose files are those of the working folder; or a
        definition that is resolved already.
    overrides : iterable of str
        Such as ``axes.mass.n=60``.

    Raises
    ------
    DefinitionError
        A file cannot be read; overrides of a definition that is resolved.
    """
    overrides = tuple(overrides)
    if isinstance(source, ScanDefinition):
        if overrides:
            raise DefinitionError(
                f"{', '.join(overrides)}: the definition {source.name} is resolved already: "
                "override the file or the name it was made from"
            )
        return document.as_written(source.to_dict())
    if isinstance(source, Mapping):
        return _inlined(document.override(document.as_written(source), overrides))
    path = document.find(source)
    written = experiments.beside(document.as_written(document.read(path)), path.parent)
    made = _inlined(document.override(written, overrides))
    return {"name": path.stem, **made}


def _inlined(written: Mapping[str, Any]) -> dict[str, Any]:
    """The same tables with ``[experiment.NAME]`` in place of every experiment's file."""
    listed, own = written.get(experiments.KEY), written.get("experiment", {})
    if not isinstance(listed, list) or not isinstance(own, Mapping):
        return dict(written)  # the service tells what is wrong with it
    files = {described.name_of(entry): Path(entry) for entry in listed if _is_file(entry)}
    if not files:
        return dict(written)
    names = [described.name_of(entry) if _is_file(entry) else entry for entry in listed]
    texts = {
        name: experiments.merged(described.read(path), own.get(name, {}))
        for name, path in files.items()
    }
    return {**written, experiments.KEY: names, "experiment": {**own, **texts}}


def _is_file(entry: Any) -> bool:
    return isinstance(entry, str) and entry.endswith(described.SUFFIX)
