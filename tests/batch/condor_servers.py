"""HTCondor in a Debian of its own that .ci/servers.sh makes; everything ends with one command.

The command runs in name spaces of its own for mounts and processes: its end is that of all servers.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import engines

PROJECT = Path(__file__).parents[2]
ROOT = engines.SERVERS / "condor"
START_SECONDS = 30

# arguments: the root, how many folders to show inside, these folders, the command
SCRIPT = """\
set -e
root=$1 count=$2
shift 2
for folder in "${@:1:$count}"; do
  mkdir -p "$root$folder"
  mount --bind "$folder" "$root$folder"
done
shift "$count"
mount --rbind "$root" "$root" # "/" must be a mount point, or jobs are held with errno 22
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
exec chroot "$root" bash -c '
  places="/run/condor /run/lock/condor /var/lock/condor /var/spool/condor /var/lib/condor
          /var/lib/condor/execute /var/log/condor"
  mkdir -p $places
  chown -R condor: $places
  chmod 755 /var/lib/condor/execute
  condor_master
  for _ in $(seq %d); do
    condor_status 2>/dev/null | grep -q Unclaimed && break
    sleep 0.5
  done
  exec su scan -c "$1"' - "$1"
"""


def need() -> None:
    """Skip or fail where it is not there, or cannot be started."""
    engines.need((ROOT / "ready").exists(), "HTCondor")
    probe = ["unshare", "--mount", "--pid", "--fork", "true"]
    allowed = os.geteuid() == 0 and subprocess.run(probe, capture_output=True).returncode == 0
    engines.need(allowed, "the right to mount, for HTCondor", "run the tests as root")


def start(folder: Path, *command: str, **environment: str) -> subprocess.Popen[str]:
    """Start HTCondor, and in it a command as a user; `folder` is seen there and can be written."""
    need()
    shown = [str(path) for path in (PROJECT, Path(sys.base_prefix), Path(sys.prefix), folder)]
    given = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
    line = f"cd {shlex.quote(str(folder))} && env {given} {shlex.join(command)}"
    script = SCRIPT % (2 * START_SECONDS)
    apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
    return subprocess.Popen(
        [*apart, "bash", "-c", script, "-", str(ROOT), str(len(shown)), *shown, line],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
