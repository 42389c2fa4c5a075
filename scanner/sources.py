"""Hashes of the files that numbers come from: as they were when Python loaded them.

A scan is identified by the code that computes it. What runs is what was imported, not what lies on
disk now, so each file is hashed when it is first seen, and a later change on disk is an error until
the process is started anew.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from hashlib import sha256
from modulefinder import ModuleFinder
from pathlib import Path
from types import CodeType, ModuleType

from scanner.errors import CatalogError, MismatchError

OWN_PACKAGE = "scanner"
"""Covered by the engine's version instead."""

_seen: dict[Path, str] = {}
_noted: dict[int, ModuleType] = {}


def remember(module: ModuleType) -> None:
    """Note the state of a module just imported, and of the modules beside it that it imports."""
    if id(module) in _noted:  # asked for again, not imported again
        return
    _note(source_files(module))
    _noted[id(module)] = module


def _note(files: list[Path]) -> None:
    for path in files:
        _seen.setdefault(path, _hash(path))


def digest(module: ModuleType, tables: Path | None = None) -> str:
    """sha256 over the module's file, the modules beside it that it imports, and its tables.

    Raises
    ------
    CatalogError
        The module has no source file.
    MismatchError
        A file changed since it was loaded.
    """
    files = source_files(module)
    _note(files)
    for path in files:
        if _hash(path) != _seen[path]:
            raise MismatchError(
                f"{path} was changed after it was loaded: start this process (or the worker) again"
            )
    named = {_label(path, files[0]): _seen[path] for path in files}
    if tables is not None:
        named |= {p.relative_to(tables).as_posix(): _hash(p) for p in _tables(tables)}
    # names and inner digests have no newline, so they cannot run into each other
    text = "".join(f"{name}\n{named[name]}\n" for name in sorted(named))
    return sha256(text.encode()).hexdigest()


def joined(digests: list[str]) -> str:
    """One digest of several, in their order."""
    return sha256("\n".join(digests).encode()).hexdigest()


def source_files(module: ModuleType) -> list[Path]:
    """The module's file, then those that it imports from its own folder or below, sorted."""
    main = _file(module)
    if main is None:
        raise CatalogError(
            f"module {module.__name__!r} has no source file, so its scans could not be identified: "
            "install it as plain files"
        )
    found = {main}
    left = [module]
    while left:
        for other in _imported(left.pop()):
            path = _file(other)
            if path is not None and path not in found and _belongs(path, main.parent):
                found.add(path)
                left.append(other)
    return [main, *sorted(found - {main})]


def _imported(module: ModuleType) -> Iterator[ModuleType]:
    """Loaded modules that the module's source names in its import statements."""
    path = _file(module)
    if path is None:
        return
    package = module.__package__ or ""
    # not by `ast`: trees made in two threads at once fail in Python 3.11 (cpython issue 106905)
    code = compile(path.read_bytes(), path, "exec", dont_inherit=True)
    for level, base, parts in _import_statements(code):
        above = package.rsplit(".", level - 1)[0] if level else ""
        name = ".".join(part for part in (above, base) if part)
        names = [name, *(f"{name}.{part}" for part in parts)]
        yield from (sys.modules[n] for n in names if n in sys.modules and not _ours(n))


def _import_statements(code: CodeType) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """(level, module, names) of the import statements of some code, and of functions in it."""
    for kind, found in ModuleFinder().scan_opcodes(code):
        if kind == "absolute_import":
            yield 0, found[1], found[0] or ()
        elif kind == "relative_import":
            yield found[0], found[2], found[1] or ()
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _import_statements(inner)


def _ours(name: str) -> bool:
    return name.split(".")[0] == OWN_PACKAGE


def _belongs(path: Path, folder: Path) -> bool:
    """Whether a file lies in the folder or below, other than in an environment there."""
    return path.is_relative_to(folder) and "site-packages" not in path.relative_to(folder).parts


def _file(module: ModuleType) -> Path | None:
    path = Path(module.__file__) if getattr(module, "__file__", None) else None  # type: ignore[arg-type]
    return path.resolve() if path is not None and path.suffix == ".py" and path.is_file() else None


def _tables(folder: Path) -> Iterator[Path]:
    """Files below a folder of tables; hidden ones do not count."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith((".", "__")) for part in parts):
            yield path


def _label(path: Path, main: Path) -> str:
    """Name of a source in the digest: a lone file has no name, so it may be moved."""
    return "" if path == main else f"/{path.relative_to(main.parent).as_posix()}"


def _hash(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


PLUGINS_VARIABLE = "SCANNER_PLUGINS"
"""Environment variable: plug-ins that a store may name, ``module:NAME``, separated by commas."""

_only_stored: set[str] = set()


def named_by_store(scenario: str) -> None:
    """Do not import the plug-ins of a stored scan's scenario: importing them runs them.

    A store may come from anybody; who runs this process has not named them yet.
    """
    _only_stored.update(part for part in _parts(scenario) if ":" in part)


def ask_for(scenario: str) -> None:
    """Let the plug-ins of a scenario be imported: whoever runs this process named them."""
    _only_stored.difference_update(_parts(scenario))


def is_unasked(plugin: str) -> bool:
    """Whether a plug-in is named by a store alone, and was neither imported nor allowed."""
    allowed = os.environ.get(PLUGINS_VARIABLE, "").split(",")
    module = plugin.partition(":")[0]
    return plugin in _only_stored and plugin not in allowed and module not in sys.modules


def _parts(scenario: str) -> list[str]:
    return [part.strip() for part in scenario.split("+")]
