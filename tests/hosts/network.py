"""Hosts of a test: network namespaces on a switch that is one, too; nothing of this host's own.

Two sets of hosts do not meet: all interfaces and addresses live in namespaces of their own.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

NAMED = Path("/run/netns")
_RANDOM = ("-m", "statistic", "--mode", "random", "--probability")
_NEW_NET = 0x40000000  # CLONE_NEWNET


def obstacle() -> str:
    """Why hosts cannot be made here; ``""`` if they can."""
    if lacking := [name for name in ("ip", "tc", "nsenter", "unshare") if not shutil.which(name)]:
        return f"{', '.join(lacking)} (apt: iproute2, util-linux)"
    name = f"bzsec-{uuid.uuid4().hex[:6]}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode:
        return "permission to make network namespaces (root)"
    subprocess.run(["ip", "netns", "del", name], check=True)
    return ""


class Network:
    """Hosts of the given names, 10.99.0.1 and so on in their order, joined by a switch."""

    def __init__(self, names: Sequence[str]) -> None:
        self.key = f"bzsec-{uuid.uuid4().hex[:6]}"
        self.addresses = {name: f"10.99.0.{i}" for i, name in enumerate(names, start=1)}

    def up(self) -> None:
        """Make switch and hosts."""
        _ip("netns", "add", self._switch)
        _ip("-n", self._switch, "link", "add", "switch", "type", "bridge")
        _ip("-n", self._switch, "link", "set", "switch", "up")
        for name, address in self.addresses.items():
            space = self._space(name)
            _ip("netns", "add", space)
            peer = ["peer", "name", "eth0", "netns", space]
            _ip("-n", self._switch, "link", "add", name, "type", "veth", *peer)
            _ip("-n", self._switch, "link", "set", name, "master", "switch", "up")
            _ip("-n", space, "addr", "add", f"{address}/24", "dev", "eth0")
            for link in ("eth0", "lo"):
                _ip("-n", space, "link", "set", link, "up")

    def down(self) -> None:
        """End what runs there and remove all of it."""
        for name in self.addresses:
            self.kill(name)
        for space in (*map(self._space, self.addresses), self._switch):
            subprocess.run(["ip", "netns", "del", space], capture_output=True)

    def left(self) -> list[str]:
        """Namespaces of this network that are still there."""
        return [path.name for path in NAMED.glob(f"{self.key}*")]

    def start(
        self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """A process on a host, which knows itself by the name."""
        inside = ["nsenter", f"--net={NAMED / self._space(name)}", "unshare", "--uts"]
        shell = ["bash", "-c", 'hostname "$0"; exec "$@"', name]
        with log.open("ab") as written:
            return subprocess.Popen(
                [*inside, *shell, *command],
                stdout=written,
                stderr=written,
                env={**os.environ, **environment},
                start_new_session=True,
            )

    def pids(self, name: str) -> list[int]:
        """Processes of a host."""
        space = self._space(name)
        done = subprocess.run(["ip", "netns", "pids", space], capture_output=True, text=True)
        return [int(text) for text in done.stdout.split() if int(text) != os.getpid()]

    def kill(self, name: str) -> None:
        """SIGKILL for all that runs on a host, until nothing does."""
        deadline = time.monotonic() + 10
        while pids := self.pids(name):
            assert time.monotonic() < deadline
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    def cut(self, name: str) -> None:
        """Pull the plug of a host: what it sends is lost, and nobody is told."""
        _ip("-n", self._switch, "link", "set", name, "down")

    def restore(self, name: str) -> None:
        """Plug it in again."""
        _ip("-n", self._switch, "link", "set", name, "up")

    @contextmanager
    def slow(self, name: str, *how: str) -> Iterator[None]:
        """Let ``tc qdisc`` shape what a host sends and receives."""
        ends = ((self._space(name), "eth0"), (self._switch, name))
        try:
            for space, link in ends:
                _ran("tc", "-n", space, "qdisc", "add", "dev", link, "root", *how)
            yield
        finally:
            for space, link in ends:
                delete = ["tc", "-n", space, "qdisc", "del", "dev", link, "root"]
                subprocess.run(delete, capture_output=True)

    @contextmanager
    def lossy(self, name: str, share: float) -> Iterator[None]:
        """Let a share of the packets to a host be lost."""
        inside = ["nsenter", f"--net={NAMED / self._space(name)}", "iptables"]
        rule = ["INPUT", "-i", "eth0", *_RANDOM, str(share), "-j", "DROP"]
        _ran(*inside, "-A", *rule)
        try:
            yield
        finally:
            _ran(*inside, "-D", *rule)

    def loses(self) -> bool:
        """Whether this host can lose packets at random."""
        try:
            with self.lossy(next(iter(self.addresses)), 0.001):
                return True
        except (AssertionError, FileNotFoundError):
            return False

    def knows(self, *how: str) -> bool:
        """Whether this kernel has that kind of queue."""
        link = ["tc", "-n", self._switch, "qdisc"]
        done = subprocess.run([*link, "add", "dev", "lo", "root", *how], capture_output=True)
        subprocess.run([*link, "del", "dev", "lo", "root"], capture_output=True)
        return done.returncode == 0

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Sockets that this thread, and threads that it starts, open are on a host."""
        with (
            (NAMED / self._space(name)).open() as there,
            Path("/proc/thread-self/ns/net").open() as us,
        ):
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(us.fileno())

    @property
    def _switch(self) -> str:
        return f"{self.key}-switch"

    def _space(self, name: str) -> str:
        return f"{self.key}-{name}"


def _enter(descriptor: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(descriptor, _NEW_NET):
        raise OSError(ctypes.get_errno(), "setns")


def _ip(*arguments: str) -> None:
    _ran("ip", *arguments)


def _ran(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
