"""Keeps a cluster of batch jobs at its size, and knows whether workers may still come."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from scanner.errors import ClusterError, counted
from scanner.execution.batch import mends, queues
from scanner.execution.batch.arrivals import Arrivals, brought
from scanner.execution.batch.profile import Profile

POLL = 10.0
"""Seconds between questions to the batch system, which serves others too."""
FIRST_POLL = 1.0
TICK = 0.2
RETRY = 60.0
"""Seconds after which a refused job is submitted again while others work."""
STILLBORN = 3
"""Jobs in a row that end without having brought a worker, before no more are submitted."""
VAIN = 3
"""Jobs in a row whose workers came and computed nothing, before no more are submitted."""
STUCK = 3
"""Looks in a row at jobs that can never start: a node that just comes is no such reason."""
SILENT_SECONDS = 1800.0
"""Time without an answer of the batch system, and without a worker, before giving up."""
GONE_SECONDS = 20.0
GONE_TICK = 1.0
LOG_LINES = 3


class Keeper:
    """Submits, counts and replaces the jobs of one cluster, in a thread of its own.

    Parameters
    ----------
    cluster : JobQueueCluster
        Started, without jobs.
    profile : Profile
        Which batch system.
    workers : int
        Wanted.
    logs : Path
        Where jobs write, unless the profile says otherwise.
    told : callable
        Told how the jobs stand when there is no worker.
    """

    def __init__(
        self,
        cluster: Any,
        profile: Profile,
        workers: int,
        logs: Path,
        told: Callable[[str], None],
    ) -> None:
        self.cluster, self.profile, self.told = cluster, profile, told
        self.logs = Path(profile.job.get("log_directory", logs))
        self.wanted = profile.jobs(workers)
        self.ids: set[str] = set()
        self.queue: dict[str, queues.Job] = {}
        self.stillborn = self.vain = 0
        self.heard = time.monotonic()
        self.lost = self.last = self.said = ""
        self._stuck = 0  # looks in a row at which no job could ever start
        self._fate = "", ""  # of which job, and how it ended
        self._waited = False  # for the first worker
        self._found = False  # the same, by the driver: it may have come and gone unseen
        self._arrivals = Arrivals()
        self._ended = 0  # tasks, when a job in vain was last counted
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        """Submit the jobs, and watch them from now on."""
        self.cluster.sync(self._begin)
        # the runner asks this before it gives up for want of workers
        self.cluster.expects_workers = self.expects_workers
        self.cluster.why_no_workers = lambda: self.lost
        self._thread.start()

    def stop(self) -> None:
        """Replace nothing any more."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()
        self.ids |= self._known()  # also those that were never asked about

    def expects_workers(self) -> bool:
        """Whether jobs may still bring workers: those that end are replaced, unless in vain."""
        return not self._over.is_set() and not self.lost

    def wait_for_worker(self, should_stop: Callable[[], bool] = lambda: False) -> int:
        """Wait for the first worker, as long as the batch system lets its job wait.

        Parameters
        ----------
        should_stop : callable
            Asked now and then whether to go on waiting.

        Returns
        -------
        int
            Workers that are there.

        Raises
        ------
        ClusterError
            There will be none; in the words of the batch system.
        """
        while not self.cluster.scheduler.workers:
            if self.lost:
                raise ClusterError(f"--cluster {self.profile.name}: {self.lost}")
            if should_stop():
                raise ClusterError("told to end before a job has begun: nothing is computed")
            time.sleep(TICK)
        self._found = True
        return len(self.cluster.scheduler.workers)

    def wait_until_gone(self) -> None:
        """After the cluster is closed: wait until its jobs have left the queue, or say so."""
        deadline = time.monotonic() + GONE_SECONDS
        while left := self.ids & (queues.jobs(self.profile.engine) or {}).keys():
            if time.monotonic() > deadline:
                self.told(f"still in the queue: jobs {', '.join(sorted(left))}; cancel them")
                return
            time.sleep(GONE_TICK)

    async def _begin(self) -> None:
        self.cluster.scheduler.add_plugin(self._arrivals)
        self.cluster.scale(jobs=self.wanted)

    def _keep(self) -> None:
        pause = FIRST_POLL
        while not self._over.wait(pause):
            try:
                self._look()
                pause = FIRST_POLL if 0 < self._stuck < STUCK else POLL
            except Exception as error:
                self.lost = f"the jobs can no longer be watched ({error!r})"
                return
            self._tell()

    def _look(self) -> None:
        ids = self._known()
        self.ids |= ids
        found = queues.jobs(self.profile.engine)
        if found is not None:
            self.heard = time.monotonic()
            self.queue = {i: found[i] for i in ids & found.keys() if not found[i].ending}
        # a batch system that is silent is busy: of what is not known nothing has ended
        ended = set() if found is None else ids - self.queue.keys()
        with suppress(TimeoutError):
            self.cluster.sync(self._mend, ended)

    def _jobs(self) -> dict[str, Any]:
        return {str(name): job for name, job in tuple(self.cluster.workers.items())}

    def _known(self) -> set[str]:
        return {job.job_id for job in self._jobs().values() if job.job_id}

    async def _mend(self, ended: set[str]) -> None:
        """Forget jobs that ended, and submit others while there is work; runs in the loop."""
        workers = self.cluster.workers
        here = {str(ws.name) for ws in self.cluster.scheduler.workers.values()}
        for name, job in list(workers.items()):
            if self._is_over(name, job.job_id, ended) and not brought(name, here):
                self._count(name, job.job_id, self._work_left(len(here)))
                await job.close()
                workers.pop(name, None)
            elif job.refused and time.monotonic() > job.submitted + RETRY:
                await job.close()
                workers.pop(name, None)
        self.lost = self._hopeless()
        if not self.lost and self._work_left(len(here)):
            self.cluster.scale(jobs=self.wanted)

    def _is_over(self, name: Any, job_id: str, ended: set[str]) -> bool:
        """Whether a job has ended, or is held after it worked (HTCondor, at its walltime)."""
        held = job_id in self.queue and self.queue[job_id].state == "HELD"
        return job_id in ended or (held and brought(name, self._arrivals.names))

    def _count(self, name: Any, job_id: str, work_left: bool) -> None:
        """Count jobs in a row that brought no worker, or one that computed nothing.

        The latter in vain: others were there to be computed, and none was by any worker since
        the last such job.
        """
        came, worked = self._arrivals.forget(name)
        self.stillborn = 0 if came else self.stillborn + 1
        self.last = job_id
        if came and not worked and work_left:
            self.vain = self.vain + 1 if self._arrivals.ended == self._ended else 1
            self._ended = self._arrivals.ended

    def _hopeless(self) -> str:
        """Why no worker will come, or nothing."""
        if self.stillborn >= min(STILLBORN, self.wanted):
            return (
                f"job {self.last} ended without bringing a worker{self._told_of_last()}; or try "
                f"its script by hand, `scanner deploy script {self.profile.name}` prints it"
            )
        if self.vain >= VAIN and self._arrivals.ended == self._ended:
            return f"{self.vain} jobs in a row ended before a chunk began{self._told_of_last()}"
        silent = time.monotonic() - self.heard
        if silent > SILENT_SECONDS and not self.cluster.scheduler.workers:
            return f"the batch system has not answered for {silent / 60:.0f} min"
        jobs = self._jobs().values()
        refused = [job.refused for job in jobs if job.refused]
        if refused and len(refused) == len(jobs):
            return f"the job is refused: {refused[0]}{self._mend_of(refused[0])}"
        waiting = {i: job for i, job in self.queue.items() if job.hopeless}
        self._stuck = self._stuck + 1 if waiting and len(waiting) == len(jobs) else 0
        if self._stuck >= STUCK:
            job_id, job = next(iter(waiting.items()))
            return f"job {job_id} will never start: {job}{self._mend_of(job.reason)}"
        return ""

    def _work_left(self, workers: int) -> bool:
        """Whether tasks wait that no worker has, or the first worker is waited for."""
        tasks = self.cluster.scheduler.tasks.values()
        unfinished = sum(task.state not in ("memory", "erred", "released") for task in tasks)
        begun = self._found and (tasks or self._arrivals.ended)  # else workers are compared
        return unfinished > workers or not begun

    def _told_of_last(self) -> str:
        """How the last job ended, what it wrote, where, of how many, and what to change."""
        if self._fate[0] != self.last:
            self._fate = self.last, queues.fate(self.profile.engine, self.last)
        fate = self._fate[1]
        log = next(iter(sorted(self.logs.glob(f"*{self.last}.err"))), None)
        wrote = _end_of(log) if log else ""
        kept = "log_directory" in self.profile.job
        where = str(log) if log and kept else 'set job.log_directory = "logs" to keep its log'
        count = f"{len(self.ids)} submitted"
        told = "; ".join(part for part in (wrote, fate, count, where) if part)
        return f" ({told}): {mends.of_ending(self.profile, fate)}"

    def _mend_of(self, reason: str) -> str:
        mend = mends.of_reason(self.profile, reason)
        return f"; {mend}" if mend else ""

    def _tell(self) -> None:
        """Say how the jobs stand when there is no worker, once for each standing."""
        if workers := len(self.cluster.scheduler.workers):
            if self.said and self._waited:
                self.told(f"{self.profile.title}: {counted(workers)} again")
            self.said, self._waited = "", True
            return
        counts = Counter(str(job) for job in self.queue.values())
        standing = ", ".join(f"{count} {job}" for job, count in sorted(counts.items()))
        said = f"waiting for a worker of {self.profile.title}: {standing or 'no job is queued'}"
        for reason in sorted({job.reason for job in self.queue.values()}):
            said += self._mend_of(reason)
        if why := queues.why_waiting(self.profile.engine, self.queue):
            said += f"; `{why}` says why"
        if self.lost:  # while the first is waited for, this becomes the error
            said = (
                f"no worker of {self.profile.title} will come: {self.lost}" if self._waited else ""
            )
        if said and said != self.said and not self._over.is_set():
            self.said = said
            self.told(said)


def _end_of(log: Path) -> str:
    """Last lines of what a job wrote to its error file, in one."""
    try:
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    except OSError:
        return ""
    return " / ".join([line for line in lines if line][-LOG_LINES:])
