"""Addresses of schedulers: where one is named, and whether it can be one."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import dask
from distributed.comm.addressing import parse_host_port
from distributed.comm.registry import get_backend

from scanner import regular
from scanner.errors import ClusterError, DefinitionError

_EXAMPLE = "tls://HOST:8786"
_NO_PORT = ("inproc",)
_BY_SOCKET = ("", "tcp", "tls", "ws", "wss")
UNREACHED_SECONDS = 5.0


def address_of(scheduler: str | None, scheduler_file: str | Path | None) -> tuple[str | None, str]:
    """Address and where it was said; None for a local cluster.

    Raises
    ------
    DefinitionError
        It cannot be one, or the file does not hold one.
    ClusterError
        There is no such file.
    """
    if scheduler:
        return _checked(scheduler, "--scheduler")
    if scheduler_file:
        origin = f"--scheduler-file {scheduler_file}"
        return _checked(_of_file(Path(scheduler_file), origin), origin)
    if found := os.environ.get("DASK_SCHEDULER_ADDRESS"):
        return _checked(found, "DASK_SCHEDULER_ADDRESS")
    if found := dask.config.get("scheduler-address", None):
        return _checked(str(found), "the Dask configuration")
    return None, ""


def unreached(address: str) -> str:
    """Why nothing takes a connection there, one clause; empty where something does."""
    scheme, _, place = address.rpartition("://")
    if scheme not in _BY_SOCKET:
        return ""
    try:
        with socket.create_connection(parse_host_port(place), timeout=UNREACHED_SECONDS):
            return ""
    except OSError as error:
        return error.strerror or str(error) or "it does not answer"


def _of_file(path: Path, origin: str) -> str:
    try:
        found = json.loads(regular.read_text(path))
    except FileNotFoundError as error:
        raise ClusterError(
            f"{origin} cannot be read (it does not exist): start "
            f"`dask scheduler --scheduler-file {path}` first, or check the path"
        ) from error
    except OSError as error:
        raise DefinitionError(
            f"{origin} cannot be read ({error.strerror}): check the path"
        ) from error
    except (ValueError, RecursionError) as error:
        raise DefinitionError(f"{origin} is not JSON ({error}): {_MADE_BY}") from error
    address = found.get("address") if isinstance(found, dict) else None
    if not isinstance(address, str):
        raise DefinitionError(f"{origin}: address = {_shown(address)}: {_MADE_BY}")
    return address


_MADE_BY = f'name what `dask scheduler --scheduler-file` writes: {{"address": "{_EXAMPLE}", ...}}'


def _shown(value: Any) -> str:
    """The value as JSON, shortened; or that there is none."""
    text = "missing" if value is None else json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _checked(address: str, origin: str) -> tuple[str, str]:
    """The same, if it can be the address of a scheduler."""
    scheme, slashes, place = address.rpartition("://")
    try:
        if slashes:
            get_backend(scheme)
    except ValueError as error:
        raise _no_address(address, origin, f"{scheme}:// is nothing that Dask speaks") from error
    if scheme in _NO_PORT:
        return address, origin
    if ":" not in place:
        raise _no_address(address, origin, "the port is missing", f"tls://{place}:8786")
    try:
        host, port = parse_host_port(place)
    except ValueError as error:
        raise _no_address(address, origin, "it is no HOST:PORT") from error
    if not 0 < port < 65536:
        raise _no_address(address, origin, f"port {port} is not in 1 .. 65535")
    if not all(letter.isalnum() or letter in "-._:%" for letter in host):
        raise _no_address(address, origin, f"{host!r} is no name of a host")
    return address, origin


def _no_address(address: str, origin: str, why: str, mend: str = "") -> DefinitionError:
    said = f"{origin} {address}" if origin == "--scheduler" else f"{origin}: {address}"
    return DefinitionError(f"{said}: {why}: give its address, such as {mend or _EXAMPLE}")
