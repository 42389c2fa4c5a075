"""How a scan is named on the command line: its id, and its root where that is not the usual one."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scanner.store.folder import Folder

ENVIRONMENT_VARIABLE = "SCANNER_STORE"


def default_root() -> str:
    """Root of the store: ``$SCANNER_STORE``, else ``./scans``."""
    return os.environ.get(ENVIRONMENT_VARIABLE) or "scans"


def where(cluster: Mapping[str, Any]) -> str:
    """Options of the command for what `execution.clusters.connect` is told; "" for this host.

    >>> where({"cluster": "my site.toml", "scheduler": None, "workers": 4})
    "--cluster 'my site.toml'"
    """
    named = {name: cluster.get(name) for name in ("scheduler", "scheduler_file", "cluster")}
    return " ".join(
        f"--{name.replace('_', '-')} {shlex.quote(str(value))}"
        for name, value in named.items()
        if value
    )


def words(folder: Folder) -> str:
    """Words that name the scan in a folder after a verb, for hints: they can be pasted as they are.

    Examples
    --------
    >>> from scanner.store.files import DiskFolder
    >>> words(DiskFolder(Path("/data/my scans/97b81d1d59d22a0d")))
    "97b81d1d59d22a0d --store '/data/my scans'"
    """
    root, usual = folder.parent.location, default_root()
    if "://" not in usual:
        usual = str(Path(usual).expanduser().absolute())
    if root == usual.rstrip("/"):
        return folder.name
    return f"{folder.name} --store {shlex.quote(root)}"
