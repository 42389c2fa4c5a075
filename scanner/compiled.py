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
    """
    digest = sha256(source.encode()).hexdigest()[:24]
    folder = _folder(_target()) / digest
    try:
        path = _written(folder, source)
    except OSError:  # nowhere to keep it: compiled anew by every process
        temporary = tempfile.mkdtemp(prefix="cevns-scanner-")
        atexit.register(shutil.rmtree, temporary, ignore_errors=True)
        path = _written(Path(temporary), source)
    try:
        module = _loaded(path, digest)
    except Exception:
        # what a full disk or a killed process left of the machine code is made again, once
        shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
        module = _loaded(path, digest)
    function: Callable[..., None] = getattr(module, name)
    return function


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
        partial = folder / f".kernel-{os.getpid()}.partial"
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
