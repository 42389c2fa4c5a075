"""A job that brings workers: what its script holds, and what became of its submission."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from distributed.core import Status

from scanner.execution import drain
from scanner.execution.batch.profile import Profile, cluster_class
from scanner.execution.local import KEEP_MEMORY

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
PLACEHOLDER = "ADDRESS:PORT"
"""In a script that is printed before there is a scheduler."""


def job_script(profile: Profile) -> str:
    """The script of one job, with placeholders for the scheduler and the worker's name.

    Raises
    ------
    ClusterError
        dask-jobqueue is not installed.
    """
    made = job_class(profile.engine)(
        f"tls://{PLACEHOLDER}",
        name=f"{profile.job.get('job_name', 'scanner')}-NUMBER",
        protocol="tls://",
        **_for_the_job(arguments(profile, loopback=False)),
    )
    return str(made.job_script())


def arguments(profile: Profile, *, loopback: bool) -> dict[str, Any]:
    """Keyword arguments of the dask-jobqueue class, apart from scheduler and security.

    Parameters
    ----------
    loopback : bool
        Whether all is on one host: workers then listen there only.
    """
    job = dict(profile.job)
    listening = ["--host", "127.0.0.1"] if loopback and "interface" not in job else []
    own = {
        # the batch system's signal goes to the first process of the job: that is to be Dask's
        "python": "exec " + job.get("python", shlex.quote(sys.executable)),
        "job_script_prologue": [*_environment(profile), *job.get("job_script_prologue", ())],
        "worker_extra_args": [
            *("--preload", drain.MODULE, "--preload-nanny", drain.MODULE),
            # even without a dashboard it serves pages: on the loopback only
            *("--no-dashboard", "--dashboard-address", "127.0.0.1:0"),
            *listening,
            *job.get("worker_extra_args", ()),
        ],
    }
    if profile.engine == "htcondor" and profile.walltime is not None:
        given = job.get("job_extra_directives", {})
        own["job_extra_directives"] = {"allowed_job_duration": profile.walltime, **given}
    return {"job_name": "scanner", **job, **own}


def _environment(profile: Profile) -> list[str]:
    """Lines for the shell of the job; no ``$(``, which HTCondor would take for its own."""
    lines = [
        "export " + " ".join(f"{name}=1" for name in THREADS),
        "export " + " ".join(f"{name}={value}" for name, value in KEEP_MEMORY.items()),
        # Dask's own folder has the same name for all users of a node: whoever made it owns it
        f"export {drain.SCRATCH}=`mktemp -d`",
        # for a prologue that fails; with Dask, which takes the shell's place, it goes as well
        f"""trap 'rm -rf "${drain.SCRATCH}"' EXIT""",
        f"export DASK_TEMPORARY_DIRECTORY=${drain.SCRATCH}",
    ]
    if profile.walltime is not None:
        end = f"`date -d +{profile.walltime}seconds +%s`"
        if profile.engine == "slurm":  # newer ones tell it, also where it was changed
            end = f"${{SLURM_JOB_END_TIME:-{end}}}"
        lines.append(f"export {drain.END}={end} {drain.BEFORE}={profile.drain:g}")
    return lines


def _for_the_job(options: Mapping[str, Any]) -> dict[str, Any]:
    """Without what only the cluster takes."""
    return {
        key: value
        for key, value in options.items()
        if key not in ("scheduler_options", "shared_temp_directory")
    }


@cache
def job_class(engine: str) -> Any:
    """dask-jobqueue's job, which besides remembers a refusal instead of losing it in the loop."""
    base: Any = cluster_class(engine).job_cls

    class Remembering(base):  # type: ignore[misc]
        refused: str | None = None
        submitted = float("-inf")

        async def start(self) -> None:
            self.submitted = time.monotonic()
            try:
                await super().start()
            except (RuntimeError, ValueError, OSError) as error:
                self.refused = said(error)
                self.status = Status.running

        async def close(self) -> None:
            await super().close()
            self.status = Status.closed

    return Remembering


def said(error: Exception) -> str:
    """What the batch system's own command said, in one line."""
    if isinstance(error, FileNotFoundError):
        return f"{error.filename} is not found: run this on a host that submits jobs"
    text = str(error)
    told = text.partition("stderr:\n")[2].strip() or text.partition("stdout:\n")[2].strip()
    return "; ".join(line.strip() for line in (told or text).splitlines() if line.strip())
