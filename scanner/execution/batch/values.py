"""Values of a profile's `[job]`: what each key takes, and what is said of another value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dask.utils import parse_bytes

Fault = tuple[str, object, str]
"""Key, value and mend."""

WORKER_BYTES = 300_000_000
"""Least memory of a job per worker: one takes some 200 MB before it computes."""
LISTS = (
    "job_script_prologue",
    "worker_extra_args",
    "job_directives_skip",
    "submit_command_extra",
    "cancel_command_extra",
)
_NUMBERS = ("cores", "processes", "job_cpu", "death_timeout")
_TEXTS = (
    "queue",
    "account",
    "interface",
    "job_name",
    "job_mem",
    "python",
    "shebang",
    "local_directory",
    "log_directory",
    "shared_temp_directory",
)


def faults(engine: str, job: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong with the values of `[job]`; the walltime is read elsewhere.

    >>> list(faults("slurm", {"queue": 3}))
    [('queue', 3, 'it is a text: queue = "3"')]
    """
    for key in _NUMBERS:
        if key in job and (not is_whole(job[key]) or job[key] < 1):
            yield key, job[key], "give a whole number from 1"
    for key in _TEXTS:
        if key in job and not isinstance(job[key], str):
            yield key, job[key], _text(key, job[key])
    for key in LISTS:
        if key in job and not _is_texts(job[key]):
            yield key, job[key], "give a list of texts"
    if not isinstance(nanny := job.get("nanny", True), bool):
        yield "nanny", nanny, "give true or false"
    if not isinstance(options := job.get("scheduler_options", {}), dict):
        yield "scheduler_options", options, "make it a table [job.scheduler_options]"
    yield from _directives(engine, job)
    yield from _sizes(job)


def _directives(engine: str, job: Mapping[str, Any]) -> Iterator[Fault]:
    given = job.get("job_extra_directives")
    if engine == "slurm":
        fits, shown = _is_texts(given), '["--requeue"]'
    else:
        fits, shown = isinstance(given, dict), "a table: a submit command = its value"
    if given is not None and not fits:
        yield "job_extra_directives", given, f"give {shown}"


def _sizes(job: Mapping[str, Any]) -> Iterator[Fault]:
    for key in ("memory", "disk"):
        value = job.get(key)
        try:
            if value is not None and not isinstance(value, str):
                raise TypeError("no text")
            least = _least(job) if key == "memory" else 1
            if value is not None and parse_bytes(value) < least:
                yield key, value, _too_small(key, least)
        except (ValueError, TypeError, AttributeError):
            example = f"{value}GB" if is_whole(value) and value in range(1, 1000) else "2GB"
            yield key, value, f'give a size with its unit, such as {key} = "{example}"'


def _least(job: Mapping[str, Any]) -> int:
    processes = job.get("processes", job.get("cores", 1))
    return WORKER_BYTES * (processes if is_whole(processes) else 1)


def _too_small(key: str, least: int) -> str:
    if key != "memory":
        return 'give a size above 0, such as "1GB"'
    return (
        f'a worker takes some 200 MB before it computes: give at least "{least // 10**6}MB" for '
        f"{least // WORKER_BYTES} of them, better 2GB for each"
    )


def _text(key: str, value: object) -> str:
    if is_whole(value) or isinstance(value, float):
        return f'it is a text: {key} = "{value}"'
    return "give a text"


def is_whole(value: object) -> bool:
    """Whether that is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)
