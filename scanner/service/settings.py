"""Settings: what a service serves, where it listens, and how much it lets anybody ask for."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from scanner.errors import DefinitionError, StoreError
from scanner.store.naming import default_root  # not of `archive`, which loads all of Zarr

PORT = 8642
ANY = ("0.0.0.0", "::", "")

Access = Literal["open", "token"]


@dataclass(frozen=True)
class Settings:
    """What `scanner serve` was told.

    Parameters
    ----------
    root : str
        Root of the store: a path, or a URL.
    state : Path
        Folder of what the service keeps itself: its queue and its tokens. Not in the store, which
        may be a bucket.
    cluster : mapping
        For `execution.clusters.connect`: ``scheduler``, ``scheduler_file``, ``cluster``,
        ``workers``.
    host, port : str, int
        Where it listens.
    access : "open" or "token"
        Whether requests need a token. ``open`` on the loopback alone.
    hosts : tuple of str
        Further names by which it may be called, those of a proxy.
    at_once : int
        Scans that are computed at the same time.
    most_points : int
        Grid points of a scan, and all that a token without a quota may ask for.
    patience : float
        Seconds that a request waits for its answer before it is told to come back.
    threads : int
        Answers that are worked out at the same time.
    waiting : int
        Answers that may wait for a thread; above that requests are refused.
    scan_bytes, answer_bytes : int
        Memory for opened cubes, and for finished answers.
    """

    root: str = field(default_factory=default_root)
    state: Path = field(default_factory=Path)
    cluster: Mapping[str, Any] = field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = PORT
    access: Access = "open"
    hosts: tuple[str, ...] = ()
    at_once: int = 1
    most_points: int = 100_000_000
    patience: float = 10.0
    threads: int = 4
    waiting: int = 256
    scan_bytes: int = 2**30
    answer_bytes: int = 2**27
    requests_per_second: float = 50.0
    burst: int = 400
    body_bytes: int = 2**20

    def __post_init__(self) -> None:
        if self.access == "open" and not loopback(self.host):
            raise DefinitionError(
                f"--host {self.host}: others can reach that, so callers must show a token: "
                "make one with `scanner token create NAME`, or serve on 127.0.0.1"
            )


def loopback(host: str) -> bool:
    """Whether only this host reaches what listens there.

    >>> loopback("127.0.0.1"), loopback("::1"), loopback("localhost"), loopback("0.0.0.0")
    (True, True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def state_folder(root: str, given: Path | None = None) -> Path:
    """Folder of a service's own files: the given one, or one of this user's for the root.

    Follows the XDG base directories: ``$XDG_STATE_HOME``, by default ``~/.local/state``.
    """
    if given is not None:
        return given
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    place = root if "://" in root else str(Path(root).resolve())
    return Path(base) / "cevns-scanner" / sha256(place.encode()).hexdigest()[:16]


def make_private(folder: Path) -> None:
    """Make a folder that only this user can enter.

    Raises
    ------
    StoreError
        It cannot be made, or is there and others can write in it: they would make tokens.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        mode = folder.stat().st_mode
    except OSError as error:
        raise StoreError(
            f"--state {folder}: cannot be made ({error.strerror}): choose another folder"
        ) from error
    if mode & 0o022:
        raise StoreError(
            f"--state {folder}: others can write there: `chmod 700 {folder}`, or choose another"
        )
