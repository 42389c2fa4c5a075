"""What a batch system says of its jobs and nodes, in the words of its own commands."""

from __future__ import annotations

import getpass
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

QUERY_SECONDS = 30.0

# states of jobs that are in the queue or on a node; all others have ended or are about to
_ALIVE = frozenset(
    (
        *("PENDING", "CONFIGURING", "RUNNING", "SUSPENDED", "STOPPED", "RESIZING", "SIGNALING"),
        *("REQUEUED", "IDLE", "HELD", "TRANSFERRING_OUTPUT"),
    )
)
# SLURM keeps a job in the queue that can never start; its reasons, and parts of them
_HOPELESS = (
    "PartitionTimeLimit",
    "PartitionNodeLimit",
    "PartitionConfig",
    "BadConstraints",
    "InvalidAccount",
    "InvalidQOS",
    "NotAllowed",
    "JobHeldAdmin",
    "launch_failed",
    "PerJob",
    "MaxWall",
)
_CONDOR = {
    "1": "IDLE",
    "2": "RUNNING",
    "3": "REMOVED",
    "4": "COMPLETED",
    "5": "HELD",
    "6": "TRANSFERRING_OUTPUT",
    "7": "SUSPENDED",
}


@dataclass(frozen=True)
class Job:
    """A job that the batch system still lists.

    Parameters
    ----------
    state : str
        Such as ``PENDING`` or ``RUNNING``.
    reason : str
        Why it waits, if that is said.
    """

    state: str
    reason: str = ""

    @property
    def ending(self) -> bool:
        """Whether it has ended, or is about to."""
        return self.state not in _ALIVE

    @property
    def hopeless(self) -> bool:
        """Whether it will not start unless somebody changes it."""
        return self.state == "HELD" or (
            self.state == "PENDING" and any(part in self.reason for part in _HOPELESS)
        )

    def __str__(self) -> str:
        return f"{self.state} ({self.reason})" if self.reason else self.state


def jobs(engine: str) -> dict[str, Job] | None:
    """This user's jobs by id, also those just ending; None if the batch system is silent."""
    if engine == "slurm":
        asked = _ask("squeue", "-h", "-u", getpass.getuser(), "-o", "%i|%T|%r")
        lines = [line.split("|", 2) for line in asked or ()]
        found = {i: Job(s, "" if r == "None" else r) for i, s, r in lines}
    else:
        asked = _ask("condor_q", "-af:,", "ClusterId", "ProcId", "JobStatus", "HoldReason")
        cells = [[cell.strip() for cell in line.split(",", 3)] for line in asked or ()]
        found = {
            f"{cluster}.{process}": Job(
                _CONDOR.get(state, state), "" if reason == "undefined" else reason
            )
            for cluster, process, state, reason in cells
        }
    return None if asked is None else found


def fate(engine: str, job_id: str) -> str:
    """How a job ended, in the words of the batch system; "" where it has forgotten it."""
    if engine == "slurm":
        shown = " ".join(_ask("scontrol", "-o", "show", "job", job_id) or ())
        found = dict(word.split("=", 1) for word in shown.split() if "=" in word)
        if found.get("JobState", "RUNNING") in _ALIVE:
            return ""
        code = found.get("ExitCode", "0:0").partition(":")
        ends = {"exit code": code[0], "signal": code[2]}
        more = [f"{name} {number}" for name, number in ends.items() if number not in ("0", "")]
        return ", ".join([found["JobState"], *more])
    asked = _ask(
        *("condor_history", "-limit", "1", job_id),
        *("-af:,", "JobStatus", "ExitCode", "HoldReason", "RemoveReason"),
    )
    state, *cells = [cell.strip() for cell in (asked or [""])[0].split(",", 3)]
    names = ("exit code", "held", "removed")
    more = [f"{n} {cell}" for n, cell in zip(names, cells, strict=False) if cell != "undefined"]
    return ", ".join([_CONDOR.get(state, state), *more])


def why_waiting(engine: str, queue: Mapping[str, Job]) -> str:
    """Command that tells why a job waits where its state does not; or nothing.

    >>> why_waiting("htcondor", {"12.0": Job("RUNNING"), "13.0": Job("IDLE")})
    'condor_q -better-analyze 13.0'
    >>> why_waiting("slurm", {"12": Job("PENDING", "Priority")})
    ''
    """
    waiting = [job_id for job_id, job in queue.items() if job.state == "IDLE"]
    return f"condor_q -better-analyze {min(waiting)}" if engine == "htcondor" and waiting else ""


def node_address(engine: str, queue: str | None = None) -> str | None:
    """Address of a node of the batch system, where it tells one."""
    if engine == "slurm":
        where = ["-p", queue] if queue else []
        found = _ask("sinfo", "-h", "-N", "-o", "%o", *where)
        return found[0].strip() if found else None
    found = _ask("condor_status", "-limit", "1", "-af", "MyAddress")
    # <10.0.0.5:9618?addrs=...>
    return found[0].strip("<> ").partition("?")[0].rpartition(":")[0] if found else None


def facing(host: str | None) -> str:
    """Address of this host that `host` sees; that of the default route without one, else loopback.

    Nothing is sent.
    """
    for there in (host, "192.0.2.1"):  # an address of nobody, behind the default route
        if there is None:
            continue
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.connect((there, 9))
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return "127.0.0.1"


def _ask(*command: str) -> list[str] | None:
    """Lines of a command's output; None if it fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=QUERY_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else [line for line in done.stdout.splitlines() if line.strip()]
