"""Processes by names that hold on every host: who this one is, whether another is there."""

from __future__ import annotations

import getpass
import os
from functools import cache
from pathlib import Path

from scanner.store.provenance import hostname

_PROC = Path("/proc")


def this_process() -> tuple[str, int, str]:
    """Host, number, and full name of this process."""
    pid = os.getpid()
    return hostname(), pid, f"{_system()} {pid} {_birth(pid) or '-'}"


def process_alive(name: str) -> bool | None:
    """Whether the process of that full name is there; None where that cannot be told from here.

    It can on the same running system (not merely on a host of the same name: containers have
    their own numbers), and a number that was given to another process meanwhile is told apart.
    """
    try:
        system, pid, birth = name.split(" ")
        if not system or system != _system() or birth == "-":
            return None
        return _birth(int(pid)) == birth
    except ValueError:
        return None


def user_name() -> str:
    """Name of the user, or its number where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


@cache
def _system() -> str:
    """Name of the running system within which process numbers are unique; "" if it has none."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _birth(pid: int) -> str:
    """When a process was started, in ticks since the system was; "" if it is not there."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return ""
    state, *rest = text.rpartition(")")[2].split()
    return "" if state in "ZX" else rest[18]
