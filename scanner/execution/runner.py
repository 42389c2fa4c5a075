"""Run a scan on a Dask cluster: chunk numbers in, receipts out, a bounded window in between."""

from __future__ import annotations

import queue
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from distributed import Client, Future, KilledWorker

from scanner.errors import ClusterError, MismatchError, ScannerError
from scanner.execution.books import Books
from scanner.execution.connection import why_no_workers
from scanner.execution.packing import packing
from scanner.execution.pool import Pool
from scanner.execution.preflight import compare_finished
from scanner.execution.progress import Progress, Report
from scanner.execution.signals import stop_signals
from scanner.execution.task import DEFAULT_EVALUATOR, Receipt, UnfitWorkerError, run_chunk
from scanner.execution.versions import worker_versions
from scanner.store.ledger import PACK_ABOVE, Markers
from scanner.store.stored import StoredScan

WINDOW = 2  # chunks submitted per thread: one runs, one waits beside it
KILLS_TO_QUARANTINE = 3
TICK = 0.25  # s between looks at the flags
GRACE = 10.0  # s for running chunks to finish after a stop
RESULT_SECONDS = 30.0
FETCHING = 32  # receipts that may be on their way at once
LOOKS = 3  # at the store at the end, for chunks that were lost from it meanwhile


def run(
    stored: StoredScan,
    client: Client,
    *,
    progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    evaluator: str = DEFAULT_EVALUATOR,
    finished: Markers | None = None,
    fresh: bool = True,
    avoid: str | None = None,
) -> Report:
    """Compute what is missing of a scan. A complete scan is not touched.

    SIGINT, SIGTERM, `should_stop` and `StoredScan.request_stop` stop it after the running chunks;
    the report tells. Another run of the same scan at the same time does no harm.

    Parameters
    ----------
    stored : StoredScan
        The scan.
    client : distributed.Client
        Not closed here.
    progress : callable, optional
        Called about four times a second.
    should_stop : callable, optional
        Asked about four times a second.
    evaluator : str
        ``module:attribute`` of what evaluates a chunk.
    finished : Markers, optional
        `StoredScan.finished` if it was just read.
    fresh : bool
        A new wish of a user: an earlier `StoredScan.request_stop` is void.
    avoid : str, optional
        Address of a worker that gets no chunks, unless there is no other for a while.

    Raises
    ------
    ClusterError
        The scheduler or all workers were lost.
    MismatchError
        A worker sees other versions, sources or another store.
    StoreError
        The store is full or not writable.
    """
    work = _Run(stored, client, evaluator, stored.finished() if finished is None else finished)
    work.pool.avoid = avoid
    if not work.waiting:
        return work.report()
    work.pool.check()
    stored.check_ready(work.waiting)
    stored.sweep()
    if fresh:
        stored.clear_stop()
    with stop_signals() as signalled, packing(stored.ledger) as work.pack:

        def stop() -> bool:
            asked = signalled.is_set() or bool(should_stop and should_stop())
            return asked or stored.stop_requested()

        try:
            work.loop(stop, progress or (lambda _: None))
            for _ in range(LOOKS):
                if not work.look_again():
                    break
                work.loop(stop, progress or (lambda _: None))
            else:
                work.look()
        finally:
            work.cancel()
    return work.report()


Outcome = Receipt | BaseException


@dataclass(frozen=True)
class _Flight:
    """A submitted chunk.

    `alone`: nothing else is in flight, so a death is its own. `workers`: those it may go to, None
    if to all.
    """

    number: int
    future: Future[Receipt]
    alone: bool
    workers: frozenset[str] | None


class _Run:
    """State of one run: what waits, what flies, what came back."""

    def __init__(
        self,
        stored: StoredScan,
        client: Client,
        evaluator: str,
        finished: Markers,
    ) -> None:
        self.stored, self.client, self.evaluator = stored, client, evaluator
        self.books = Books(stored, finished)
        self.versions = worker_versions()
        self.pool = Pool(client, stored, evaluator)
        self.missing = stored.missing(finished)
        self.waiting = deque(self.missing)
        self.notes = dict.fromkeys(compare_finished(finished) if self.waiting else ())
        self.suspects: deque[int] = deque()
        self.flights: dict[str, _Flight] = {}
        self.landed: queue.SimpleQueue[tuple[str, Outcome]] = queue.SimpleQueue()
        # a receipt whose worker is gone may take long to be given up: nobody waits behind it
        self.fetching = ThreadPoolExecutor(FETCHING, "receipt")
        self.kills: Counter[int] = Counter()
        self.unpacked = 0
        self.pack: Callable[[], None] = lambda: None
        self.stopped = False

    def loop(self, stop: Callable[[], bool], progress: Callable[[Progress], None]) -> None:
        """Submit and collect until all is done, or until told to stop."""
        told = float("-inf")
        while self.waiting or self.suspects or self.flights:
            self.stopped = self.stopped or stop()
            if self.stopped or self.books.hopeless:
                break
            self.look_at_workers()
            self.submit()
            self.collect(TICK)
            if time.monotonic() >= told + TICK:
                progress(self.books.meter.progress(len(self.pool.fit)))
                told = time.monotonic()
        deadline = time.monotonic() + GRACE
        while self.flights and time.monotonic() < deadline:
            self.collect(TICK)
        progress(self.books.meter.progress(len(self.pool.fit)))

    def look(self) -> list[int]:
        """Read the ledger again; the chunks that should be finished and are not."""
        self.missing = self.stored.missing()
        given_up = {*self.books.failed, *self.books.quarantined}
        return [number for number in self.missing if number not in given_up]

    def look_again(self) -> bool:
        """Let what was lost from the store meanwhile wait once more; whether there is any."""
        lost = self.look()
        if not lost or self.stopped or self.books.hopeless:
            return False
        self.waiting.extend(lost)
        self.books.take_back(lost)
        self.notes[f"{_chunks(lost)} lost from the store during the run: computed again"] = None
        return True

    def submit(self) -> None:
        """Fill the window; suspects come last and one at a time."""
        if (only := self.pool.only) is not None and not only:
            return  # others may come
        while self.waiting and len(self.flights) < WINDOW * max(self.pool.threads, 1):
            self.send(self.waiting.popleft(), alone=False)
        if self.suspects and not self.flights:
            self.send(self.suspects.popleft(), alone=True)

    def send(self, number: int, *, alone: bool) -> None:
        """Submit one chunk, past the workers that do not fit or are avoided."""
        workers = self.pool.only
        future = self.client.submit(
            run_chunk,
            self.stored.location,
            self.stored.digest,
            number,
            self.kills[number],
            self.evaluator,
            self.stored.grid.chunk_shape,
            self.versions,
            pure=False,
            workers=None if workers is None else sorted(workers),
        )
        self.flights[str(future.key)] = _Flight(number, future, alone, workers)
        future.add_done_callback(self.landing)

    def landing(self, future: Future[Receipt]) -> None:
        """Have a receipt fetched; of what was called back nobody wants one."""
        with suppress(RuntimeError):  # the run is over
            self.fetching.submit(self.fetch, future)

    def fetch(self, future: Future[Receipt]) -> None:
        """Get a receipt, or the error instead of one, from the worker that has it."""
        try:
            outcome: Outcome = future.result(timeout=RESULT_SECONDS)
        except BaseException as error:
            outcome = error
        self.landed.put((str(future.key), outcome))

    def collect(self, timeout: float) -> None:
        """Take what has landed; wait at most `timeout` seconds for the first."""
        try:
            landed = [self.landed.get(timeout=timeout)]
        except queue.Empty:
            return
        while not self.landed.empty():
            landed.append(self.landed.get())
        for key, outcome in landed:
            if (flight := self.flights.pop(key, None)) is not None:  # else called back
                self.take(flight, outcome)

    def take(self, flight: _Flight, outcome: Outcome) -> None:
        """Book a receipt, or deal with a failure."""
        try:
            if isinstance(outcome, BaseException):
                raise outcome
        except KilledWorker as error:
            self.take_death(flight, int(error.allowed_failures) + 1)
        except UnfitWorkerError as error:
            self.pool.refuse(error.worker, error.reason)
            self.waiting.appendleft(flight.number)
        except ScannerError:
            raise
        except TimeoutError:  # finished, but its worker was lost with the receipt: run it again
            self.waiting.append(flight.number)
        except Exception as error:
            if flight.future.status != "error":
                raise self.lost() from error
            self.take_error(flight, error)
        else:
            self.book(outcome)

    def take_error(self, flight: _Flight, error: Exception) -> None:
        """Book an evaluation that raised; one that a worker could not even load is not its own."""
        known = len(self.pool.unfit)
        if isinstance(error, ImportError | AttributeError):
            self.look_at_workers(now=True)
        if len(self.pool.unfit) > known:
            self.waiting.appendleft(flight.number)
        else:
            text = " ".join(str(error).split())
            self.books.failed[flight.number] = f"{type(error).__name__}: {text}"

    def take_death(self, flight: _Flight, kills: int) -> None:
        """Requeue a chunk whose worker died; quarantine it if it surely was the cause.

        What merely waited on a dying worker is counted too: only a death alone is evidence.
        """
        self.kills[flight.number] += kills
        if flight.alone and self.kills[flight.number] >= KILLS_TO_QUARANTINE:
            self.books.quarantined.append(flight.number)
        elif self.kills[flight.number] >= KILLS_TO_QUARANTINE - 1:
            self.suspects.append(flight.number)
        else:
            self.waiting.append(flight.number)

    def book(self, receipt: Receipt) -> None:
        """Count a receipt; pack markers now and then."""
        if receipt.stopped:
            self.books.memory[receipt.worker] = receipt.peak_memory_bytes
            self.stopped = True
            return
        ours = {receipt.written_by} if self.kills[receipt.chunk] else self.pool.processes
        self.unpacked += self.books.enter(receipt, ours)
        if self.unpacked >= PACK_ABOVE:
            self.unpacked = 0
            self.pack()

    def look_at_workers(self, *, now: bool = False) -> None:
        """Count the workers; an error if there was none for too long."""
        try:
            if not self.pool.look(now=now):
                return
        except (OSError, ValueError, RuntimeError) as error:
            raise self.lost() from error
        for key, flight in list(self.flights.items()):
            # Dask keeps a chunk for the workers it was meant for, even if they are all gone
            if flight.workers is not None and not flight.workers & self.pool.fit.keys():
                del self.flights[key]
                self.client.cancel([flight.future])
                self.take_death(flight, 1)
        if self.pool.lost:
            raise self.without_workers()

    def without_workers(self) -> ScannerError:
        """Error for a cluster without a worker that fits."""
        for reason in self.pool.unfit.values():
            return MismatchError(str(self.lost(f"no worker is left that fits ({reason}),")))
        why = why_no_workers(self.client)
        return self.lost(f"all workers were lost and none came back{f' ({why})' if why else ''}")

    def lost(self, what: str = "the Dask scheduler was lost") -> ClusterError:
        """Error for a cluster that went away."""
        return ClusterError(
            f"{what} with {self.books.meter.done} of {self.stored.grid.n_chunks} chunks done: "
            f"go on with `scanner resume {self.stored.words_to_resume}`"
        )

    def cancel(self) -> None:
        """Drop what is still in flight; a chunk that is running ends by itself, whole."""
        self.fetching.shutdown(wait=False, cancel_futures=True)
        futures = [flight.future for flight in self.flights.values()]
        self.flights.clear()
        if futures and self.client.status == "running":
            self.client.cancel(futures)

    def report(self) -> Report:
        """What the run did."""
        notes = self.notes | self.pool.notes
        return self.books.report(self.missing, stopped=self.stopped, notes=notes)


def _chunks(numbers: Sequence[int]) -> str:
    """Which chunks, in words.

    >>> _chunks([3]), _chunks(range(12))
    ('chunk 3 was', '12 chunks (0, 1, 2, ...) were')
    """
    if len(numbers) == 1:
        return f"chunk {numbers[0]} was"
    first = ", ".join(str(number) for number in numbers[:3])
    return f"{len(numbers)} chunks ({first}{', ...' if len(numbers) > 3 else ''}) were"
