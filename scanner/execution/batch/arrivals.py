"""Which workers came to a scheduler, and which of them computed anything."""

from __future__ import annotations

from typing import Any

from distributed.diagnostics.plugin import SchedulerPlugin


class Arrivals(SchedulerPlugin):
    """Workers by name, since they came until their job is forgotten.

    Attributes
    ----------
    names : set of str
        Workers that came.
    worked : set of str
        Those of them on which a task ended: with a result, with an error, or with the worker.
    ended : int
        Tasks that ended on any worker.
    """

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.worked: set[str] = set()
        self.ended = 0
        self._names: dict[str, str] = {}  # by address: who is dead is no longer the scheduler's

    def add_worker(self, scheduler: Any, worker: str) -> None:
        name = str(scheduler.workers[worker].name)
        self._names[worker] = name
        self.names.add(name)

    def transition(self, key: Any, start: str, finish: str, *args: Any, **more: Any) -> None:  # noqa: ARG002
        worker = more.get("worker")
        if start == "processing" and finish in ("memory", "erred") and worker in self._names:
            self.worked.add(self._names[worker])
            self.ended += 1

    def forget(self, job: Any) -> tuple[bool, bool]:
        """Forget the workers of a job; whether it brought any, and whether one computed."""
        came = {name for name in self.names if brought(job, {name})}
        worked = bool(came & self.worked)
        self.names -= came
        self.worked -= came
        return bool(came), worked


def brought(job: Any, arrived: set[str]) -> bool:
    """Whether a worker of that job is among those; jobs of several number them."""
    return any(one == str(job) or one.startswith(f"{job}-") for one in arrived)
