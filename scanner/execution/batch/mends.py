"""What to change in a profile: for a reason why jobs wait or are refused, and for how they end."""

from __future__ import annotations

import json

from scanner.execution.batch.profile import Profile

Keys = tuple[str, ...]

# parts of the reasons of SLURM's queue, and of what sbatch says of a job that it does not take, the
# first that fits; keys of `[job]`, and what is to be done with them
_REASONS: tuple[tuple[str, Keys, str], ...] = (
    ("PartitionTimeLimit", ("walltime", "queue"), "give less time, or a queue that allows more"),
    ("MaxWall", ("walltime",), "the account or QOS allows less time: give less"),
    ("time limit", ("walltime", "queue"), "give less time, or a queue that allows more"),
    ("PartitionNodeLimit", ("queue", "processes"), "give a queue that allows such jobs"),
    ("PartitionConfig", ("queue", "memory", "processes"), "the queue cannot take such jobs"),
    ("partition", ("queue",), "`sinfo` lists the queues"),
    ("PerJob", ("memory", "processes"), "the account or QOS allows less in one job: give less"),
    ("BadConstraints", ("memory", "processes", "job_extra_directives"), "no node has all that"),
    ("node configuration", ("memory", "processes"), "no node has that much: give less"),
    ("emory", ("memory",), "no node has that much: give less"),
    ("processors", ("processes", "job_cpu"), "no node has that many: give less"),
    ("QOS", ("account", "queue", "job_extra_directives"), "what does not allow it is a QOS"),
    ("qos", ("account", "queue", "job_extra_directives"), "what does not allow it is a QOS"),
    ("Account", ("account", "queue"), "give an account that may use that queue"),
    ("account", ("account", "queue"), "give an account that may use that queue"),
    ("Assoc", ("account",), "the account is at its limit: give another, or fewer workers"),
    ("launch_failed", ("python", "job_script_prologue"), "`scontrol show job` tells the node"),
)
_EARLY: Keys = ("memory", "job_script_prologue", "python")
"""What ends jobs before they have begun anything."""


def of_reason(profile: Profile, reason: str) -> str:
    """Keys, values and mend for a reason of the batch system; "" for one that is not known."""
    for part, keys, mend in _REASONS:
        if part in reason and profile.engine == "slurm":
            return f"{given(profile, keys)}: {mend}"
    return ""


def of_ending(profile: Profile, fate: str) -> str:
    """What to look at where jobs end before a chunk began.

    Parameters
    ----------
    profile : Profile
        Of the jobs.
    fate : str
        How the last of them ended, as the batch system says it.
    """
    if "MEMORY" in fate:
        return f"{given(profile, ('memory',))}: give more"
    if profile.note or "TIMEOUT" in fate:
        return profile.mend
    said = f"look at {given(profile, _EARLY)}"
    return said if profile.walltime is None else f"{said}; or {profile.mend}"


def given(profile: Profile, keys: Keys) -> str:
    """Keys of `[job]` with what the profile gives for them, as it is written there."""
    job = dict(profile.job)
    if profile.walltime is not None:
        hours, rest = divmod(profile.walltime, 3600)
        job.setdefault("walltime", f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}")
    texts = (f"job.{key} = {json.dumps(job[key])}" if key in job else f"job.{key}" for key in keys)
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last
