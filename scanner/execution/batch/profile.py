"""Profile of a batch system: which engine, how many workers, and what a job asks for; TOML."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask

from scanner.errors import ClusterError, DefinitionError, unknown
from scanner.execution.batch import values
from scanner.execution.batch.walltime import clock_of, seconds_of
from scanner.execution.recipes import DEPLOY
from scanner.reading import document

ENGINES = {"slurm": "SLURMCluster", "htcondor": "HTCondorCluster"}
KEYS = ("title", "engine", "workers", "drain", "job")
DRAIN = 60.0
"""Seconds before the end of a job in which no chunk begins, where the profile does not say."""

# what the scanner itself gives, or what dask-jobqueue has renamed
_OURS = frozenset(
    [
        "self",
        "scheduler",
        "name",
        "n_workers",
        "job_cls",
        "loop",
        "security",
        "silence_logs",
        "asynchronous",
        "scheduler_cls",
        "protocol",
        "dashboard_address",
        "host",
        "config_name",
        "worker_command",
        "base_class_kwargs",
        "job_kwargs",
        "extra",
        "job_extra",
        "env_extra",
        "header_skip",
        "project",
    ]
)
# but the tabulator; what else ends a line for some reader is among them
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class Profile:
    """What `--cluster` starts.

    Parameters
    ----------
    name : str
        For people: ``slurm``, or the file.
    title : str
        One line for people.
    engine : str
        A key of `ENGINES`.
    workers : int
        Worker processes, one thread each.
    drain : float
        Seconds before the end of a job in which no chunk begins.
    walltime : int, optional
        Seconds that a job may last; None without a limit.
    job : mapping
        Keyword arguments of the dask-jobqueue class, without the walltime of HTCondor.
    """

    name: str
    title: str
    engine: str
    workers: int
    drain: float
    walltime: int | None
    job: Mapping[str, Any]

    @property
    def processes(self) -> int:
        """Worker processes of one job."""
        return int(self.job["processes"])

    def jobs(self, workers: int) -> int:
        """Jobs for so many workers."""
        return math.ceil(workers / self.processes)

    @property
    def mend(self) -> str:
        """What to change where jobs end before they have computed anything."""
        if self.walltime is None:
            return "look in job.log_directory what ends them"
        return (
            f"job.walltime is {self.walltime} s, and none begins in its last {self.drain:g} s "
            "(drain): give a longer walltime, or smaller chunks and a shorter drain"
        )

    @property
    def note(self) -> str:
        """What is odd about it and worth saying, or nothing."""
        if self.walltime is None or self.drain <= self.walltime / 2:
            return ""
        return (
            f"{self.name}: no chunk begins in the last {self.drain:g} s (drain) of a job of "
            f"{self.walltime} s (job.walltime), more than half of it: give a longer walltime, or "
            "smaller chunks and a shorter drain"
        )


def load(source: str | Path) -> Profile:
    """Profile of a file, or a ready one by its name.

    Raises
    ------
    DefinitionError
        Names the file, the key, the value and the mend.
    ClusterError
        dask-jobqueue is not installed.
    """
    path = Path(source)
    if path.suffix != ".toml":
        ready = {found.stem: found for found in DEPLOY.glob("*.toml")}
        if str(source) not in ready:
            said = unknown("cluster profile", str(source), sorted(ready))
            raise DefinitionError(f"--cluster: {said}; or give a file ending in .toml")
        path = ready[str(source)]
    return _Reader(str(source), document.read(path)).profile()


class _Reader:
    """The tables of one file, and how its errors begin."""

    def __init__(self, name: str, raw: Mapping[str, Any]) -> None:
        self.name, self.raw = name, raw

    def error(self, key: str, value: object, mend: str) -> DefinitionError:
        return DefinitionError(f"{self.name}: {key} = {value!r}: {mend}")

    def profile(self) -> Profile:
        for key in self.raw:
            if key not in KEYS:
                raise DefinitionError(f"{self.name}: {unknown('key', key, KEYS)}")
        self.check_texts("", self.raw)
        engine = self.engine()
        job = self.job(engine)
        walltime = self.walltime(engine, job)
        return Profile(
            name=self.name,
            title=str(self.raw.get("title", engine)),
            engine=engine,
            workers=self.workers(),
            drain=self.drain(walltime),
            walltime=walltime,
            job=job,
        )

    def check_texts(self, key: str, value: object) -> None:
        """Refuse control characters: a line more in a text would be a line more in the script."""
        if isinstance(value, dict):
            for name, entry in value.items():
                self.check_texts(key, name)
                self.check_texts(f"{key}.{name}" if key else name, entry)
        elif isinstance(value, list):
            for entry in value:
                self.check_texts(key, entry)
        elif isinstance(value, str) and _CONTROL.search(value):
            listed = key.partition(".")[2] in values.LISTS
            mend = "each line is an entry of its own" if listed else "write it in one line"
            raise self.error(key, value, f"{mend}, without control characters")

    def engine(self) -> str:
        engine = self.raw.get("engine")
        if engine not in ENGINES:
            raise self.error("engine", engine, f"give {' or '.join(map(repr, ENGINES))}")
        return str(engine)

    def workers(self) -> int:
        workers = self.raw.get("workers", 1)
        if not values.is_whole(workers) or workers < 1:
            raise self.error("workers", workers, "give a whole number from 1")
        return int(workers)

    def drain(self, walltime: int | None) -> float:
        drain = self.raw.get("drain", DRAIN)
        if isinstance(drain, bool) or not isinstance(drain, int | float) or not drain >= 0:
            raise self.error("drain", drain, "give seconds, such as 60")
        if walltime is not None and drain >= walltime:
            raise self.error(
                "drain", drain, f"no chunk would ever begin in jobs of {walltime} s: give less"
            )
        return float(drain)

    def job(self, engine: str) -> dict[str, Any]:
        job = self.raw.get("job", {})
        if not isinstance(job, dict):
            raise self.error("job", job, "make it a table [job]")
        known = known_keys(engine)
        for key in job:
            if key not in known:
                raise DefinitionError(f"{self.name}: {unknown('key', f'job.{key}', _named(known))}")
        self.check_values(engine, job)
        processes = job.get("processes", job.get("cores", 1))
        cores = job.get("cores", processes)
        if cores != processes:
            raise self.error(
                "job.cores",
                cores,
                f"workers have one thread, so give cores = processes ({processes}), and "
                "job_cpu if a job is to have more processors",
            )
        return {**job, "cores": cores, "processes": processes}

    def check_values(self, engine: str, job: Mapping[str, Any]) -> None:
        for key, value, mend in values.faults(engine, job):
            raise self.error(f"job.{key}", value, mend)
        needed = {"memory": "2GB", **({"disk": "1GB"} if engine == "htcondor" else {})}
        for key, example in needed.items():
            if key not in job and dask.config.get(f"jobqueue.{engine}.{key}", None) is None:
                raise DefinitionError(
                    f'{self.name}: job.{key} is missing: give {key} = "{example}"'
                )

    def walltime(self, engine: str, job: dict[str, Any]) -> int | None:
        """Seconds of the walltime; HTCondor's is no argument of its class and is taken out."""
        given = job.get("walltime", dask.config.get(f"jobqueue.{engine}.walltime", None))
        if engine == "htcondor":
            job.pop("walltime", None)
        if given is None:
            return None
        try:
            return seconds_of(given)
        except (ValueError, TypeError, AttributeError):
            raise self.error("job.walltime", given, clock_of(given)) from None


def known_keys(engine: str) -> frozenset[str]:
    """What `[job]` may hold."""
    cluster = cluster_class(engine)
    makers = [cls.__init__ for cls in (*cluster.__mro__, *cluster.job_cls.__mro__)]
    module = cluster.__module__.partition(".")[0]
    ours = [maker for maker in makers if getattr(maker, "__module__", "").startswith(module)]
    names = {name for maker in ours for name in inspect.signature(maker).parameters}
    return frozenset((names | {"walltime"}) - _OURS)


def cluster_class(engine: str) -> Any:
    """The class of dask-jobqueue.

    Raises
    ------
    ClusterError
        It is not installed.
    """
    try:
        import dask_jobqueue
    except ImportError as error:
        raise ClusterError(
            f"--cluster needs dask-jobqueue ({error}): pip install 'cevns-scanner[jobqueue]'"
        ) from error
    return getattr(dask_jobqueue, ENGINES[engine])


def _named(known: frozenset[str]) -> list[str]:
    return [f"job.{key}" for key in sorted(known)]
