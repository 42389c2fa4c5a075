"""Generated Python source, compiled to machine code once and kept on disk.

The one door to numba. Source goes to a file named by its hash, in a folder for this processor and
these versions of Python and numba; numba keeps the machine code beside it. Files are put in place
by an atomic rename and never change, so that any number of workers may share the folder.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

CACHE_VARIABLE = "SCANNER_CACHE"
"""Environment variable with the folder for compiled kernels, instead of the user's cache."""


def cache_folder() -> Path:
    """Folder for compiled kernels: ``$SCANNER_CACHE``, or the user's cache folder."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path("~/.cache").expanduser()) / "cevns-scanner"


@cache
def compiled(source: str, name: str) -> Callable[..., None]:
    """The function `name` of a generated module, as machine code.

    Parameters
    ----------
    source : str
        Text of a module whose functions are ``numba.njit`` with a signature and ``cache=True``.
    name : str
        Function in it.

    Raises
    ------
    Exception
        What numba says of a source that it cannot compile.
    """
    digest = sha256(source.encode()).hexdigest()[:24]
    kept = _folder(_target()) / digest
    # as it is kept; made again, once, of what a killed process left; where nothing can be kept
    folders: tuple[Callable[[], Path], ...] = (
        lambda: kept,
        lambda: _without_code(kept),
        _temporary,
    )
    for folder in folders:
        try:
            module = _loaded(_written(folder(), source), digest)
            break
        except Exception:
            if folder is folders[-1]:
                raise
    function: Callable[..., None] = getattr(module, name)
    return function


def _without_code(folder: Path) -> Path:
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    return folder


def _temporary() -> Path:
    """A folder of this process alone: it compiles for itself."""
    folder = tempfile.mkdtemp(prefix="cevns-scanner-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _target() -> str:
    """Name of this processor and of the versions that machine code depends on."""
    import numba
    from numba.core.registry import cpu_target

    # triple, processor and features as numba takes them (its variables NUMBA_CPU_... included)
    target: Any = cpu_target.target_context.codegen().magic_tuple()
    build = sha256(repr(target).encode()).hexdigest()[:8]
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    return f"{target[1]}-{build}-{python}-numba{numba.__version__}"


def _folder(target: str) -> Path:
    return cache_folder() / "kernels" / target


def _written(folder: Path, source: str) -> Path:
    """Path of the source in the folder, put there unless it is."""
    path = folder / "kernel.py"
    # never replaced: numba takes a newer source for another one
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".kernel-{uuid.uuid4().hex}.partial"  # unlike on every host
        partial.write_text(source)
        try:
            os.link(partial, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            partial.replace(path)
        partial.unlink(missing_ok=True)
    return path


def _loaded(path: Path, digest: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"cevns_scanner_kernel_{digest}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    # kept machine code names its module, which must be found by that name
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    return module
