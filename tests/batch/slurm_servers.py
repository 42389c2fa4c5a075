"""SLURM: its controller, one node and its authentication as processes of a test session."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import engines
import psutil

CONFIGURATION = """\
ClusterName=tests
SlurmctldHost={host}({address})
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmdTimeout=10
SchedulerParameters=sched_interval=2,batch_sched_delay=0
KillWait=5
"""
ONE_NODE = """\
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=8000 State=UNKNOWN
PartitionName=short Nodes={host} Default=YES MaxTime=60 State=UP
"""
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "munged", "mungekey")


@dataclass(frozen=True)
class Slurm:
    """Where it lives; its commands find it by the environment variable SLURM_CONF."""

    folder: Path

    @property
    def configuration(self) -> Path:
        return self.folder / "slurm.conf"

    def ask(self, *command: str) -> str:
        environment = {**os.environ, "SLURM_CONF": str(self.configuration)}
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=30, check=True
        )
        return done.stdout

    def jobs(self, form: str = "%i") -> list[str]:
        """Lines of `squeue`, by number; those of jobs that are just ending, too."""
        return self.ask("squeue", "-h", "-S", "i", "-o", form).split("\n")[:-1]


def need() -> None:
    """Skip or fail where SLURM is not installed, or cannot be started."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    engines.need(not missing, f"SLURM ({', '.join(missing)})")
    engines.need(os.geteuid() == 0, "the right to start SLURM", "run the tests as root")


@contextmanager
def started() -> Iterator[Slurm]:
    """One node on the loopback."""
    need()
    host = socket.gethostname().partition(".")[0]
    with prepared(host, "127.0.0.1", ONE_NODE.format(host=host)) as slurm:
        run(slurm, "slurmctld")
        run(slurm, "slurmd", "-N", host)
        wait_until_idle(slurm, 1)
        yield slurm


@contextmanager
def prepared(host: str, address: str, nodes: str) -> Iterator[Slurm]:
    """Folder with configuration and authentication; at the end all that was started is ended."""
    folder = Path(tempfile.mkdtemp(prefix="scanner-slurm-"))
    folder.chmod(0o755)
    names = [line.split()[0].partition("=")[2] for line in nodes.splitlines() if "NodeAddr" in line]
    for name in ("state", "log", "munge", *(f"spool.{node}" for node in names)):
        (folder / name).mkdir(mode=0o755)
    slurm = Slurm(folder)
    form = CONFIGURATION.format(host=host, address=address, folder=folder, ports=_free_ports(2))
    slurm.configuration.write_text(form + nodes)
    munge = folder / "munge"
    subprocess.run(["mungekey", "-c", "-k", munge / "key"], check=True)
    places = {"socket": "socket", "key-file": "key", "pid-file": "pid", "log-file": "log"}
    options = [f"--{option}={munge / name}" for option, name in places.items()]
    subprocess.run(
        ["munged", "--force", *options, f"--seed-file={munge / 'seed'}"],
        check=True,
        capture_output=True,
    )
    try:
        yield slurm
    finally:
        _end(slurm)
        shutil.rmtree(folder)


def run(slurm: Slurm, program: str, *options: str, before: tuple[str, ...] = ()) -> None:
    """Start a server; it goes into the background by itself."""
    command = [*before, program, "-f", str(slurm.configuration), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


def wait_until_idle(slurm: Slurm, count: int, seconds: float = 30.0) -> None:
    """Wait until so many nodes take jobs."""
    deadline = time.monotonic() + seconds
    states: list[str] = []
    while len(states) < count or set(states) != {"idle"}:
        assert time.monotonic() < deadline, f"nodes: {states}; see {slurm.folder}/log"
        time.sleep(0.1)
        try:
            states = slurm.ask("sinfo", "-h", "-N", "-o", "%T").split()
        except subprocess.CalledProcessError:
            continue


def _end(slurm: Slurm) -> None:
    """End jobs, then all servers, and wait for them."""
    subprocess.run(
        ["scancel", "--me"],
        env={**os.environ, "SLURM_CONF": str(slurm.configuration)},
        capture_output=True,
        timeout=30,
    )
    found = []
    for path in (*slurm.folder.glob("*.pid"), slurm.folder / "munge" / "pid"):
        try:
            found.append(psutil.Process(int(path.read_text())))
        except (OSError, ValueError, psutil.NoSuchProcess):
            continue
    for process in found:
        process.send_signal(signal.SIGTERM)
    for process in psutil.wait_procs(found, timeout=15)[1]:
        process.kill()


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
