"""Batches: points of a refinement, evaluated on Dask workers and kept one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from scanner import sources
from scanner.definition import ScanDefinition
from scanner.errors import MismatchError
from scanner.evaluate import Evaluator, evaluator_of
from scanner.limits.refinement.mesh import FAILED, OK, UNPHYSICAL, Mesh, Status
from scanner.limits.refinement.question import Question
from scanner.limits.surface import Array
from scanner.limits.workers import Workers
from scanner.store.refined import Index, Points, StoredRefinement
from scanner.store.stored import StoredScan

if TYPE_CHECKING:
    from distributed import Client

_LARGEST, _SMALLEST = 2**12, 2**8  # points; with profiled inputs one takes thirty times as long
_PARTS = 8  # batches of a small wave, so that several workers share it
_SHARE = 0.05  # of the finest grid: a guess at the points that are evaluated
_PROBED = (8, 64)  # values along the slow and the fast axis that are timed


def batch_points(definition: ScanDefinition) -> int:
    """Points of one batch: tenths of a second.

    The same on every machine: another batch may round differently, and a refinement made anew is
    to be the same to the last bit.
    """
    return _SMALLEST if definition.profile else _LARGEST


def seconds_per_point(evaluator: Evaluator, question: Question, mesh: Mesh) -> float:
    """CPU time of a point in a batch, timed on some spread over the plane.

    The scan's own time tells little: that of a small one is all preparation.
    """
    slow = slow_first(evaluator, question)
    counts = dict(zip(slow, _PROBED, strict=True))
    ends = [np.linspace(0, n - 1, counts[k]).astype(np.intp) for k, n in enumerate(mesh.shape)]
    index = np.stack([part.ravel() for part in np.meshgrid(*ends, indexing="ij")], axis=1)
    bench = _Bench(None, question, mesh, evaluator)
    bench.evaluate(index[:1])
    start = time.process_time()
    bench.evaluate(index)
    return max(time.process_time() - start, 1e-6) / len(index)


def slow_first(evaluator: Evaluator, question: Question) -> tuple[int, int]:
    """The plane's dimensions: shape parameters, which are folded value by value, first."""
    shapes = {name for model in evaluator.models for name in model.shapes}
    first, second = sorted((0, 1), key=lambda k: question.keep[k] not in shapes)
    return first, second


def run_batch(path: str, digest: str, key: str, number: int, index: Index) -> int:
    """Evaluate one batch and write it. Runs in a worker; twice it leaves the same data.

    Parameters
    ----------
    path, digest, key : str
        Folder of the scan, the digest it must have, and the refinement.
    number : int
        Number of the batch.
    index : array of int, shape (n, 2)
        Points, by their index in the finest grid.

    Returns
    -------
    int
        Points evaluated.

    Raises
    ------
    MismatchError
        Another scan, or other sources than it was made from.
    """
    bench = _bench(path, digest, key)
    start = time.perf_counter()
    points = bench.evaluate(index)
    assert bench.stored is not None
    bench.stored.write(number, points, time.perf_counter() - start)
    return len(index)


@dataclass(frozen=True)
class _Bench:
    """What a worker needs for the batches of one refinement; for a probe they are not kept."""

    stored: StoredRefinement | None
    question: Question
    mesh: Mesh
    evaluator: Evaluator

    def evaluate(self, index: Index) -> Points:
        """chi2 and status in every layer, by the exact likelihood."""
        values = {axis.name: axis.coordinates[index[:, k]] for k, axis in enumerate(self.mesh.axes)}
        held = {name: np.full(len(index), value) for name, value in self.question.at.items()}
        chi2 = self.evaluator.chi2_at({**values, **held})
        sound = self.evaluator.sound({**values, **held})
        status = np.where(np.isfinite(chi2), OK, np.where(sound, FAILED, UNPHYSICAL))
        return index, np.where(np.isfinite(chi2), chi2, np.nan), status.astype(np.uint8)


# the likelihood is made once per process, whatever the number of batches
@lru_cache(maxsize=2)
def _bench(path: str, digest: str, key: str) -> _Bench:
    scan = StoredScan.open(path)
    if scan.digest != digest:
        raise MismatchError(f"{path} holds the scan {scan.digest}, not {digest}: refine it again")
    sources.ask_for(scan.definition.scenario)  # by who refines it, which knows the digest
    scan.definition.check_sources()
    stored = StoredRefinement.of(scan, key)
    question = Question.from_dict(stored.manifest["question"])
    mesh = question.mesh(scan.definition)
    return _Bench(stored, question, mesh, evaluator_of(scan.definition))


@dataclass
class Batches:
    """Answers a `Search`: from the batches that are done, else from the workers.

    Parameters
    ----------
    scan : StoredScan
        The coarse scan.
    stored : StoredRefinement
        Where batches are kept.
    slow : sequence of int
        Dimensions of the plane, the one whose values cost most first: points that share one lie in
        one batch.
    workers : Workers
        Cluster; asked for when the first batch is missing.
    said : callable
        Told which cluster is used.
    """

    scan: StoredScan
    stored: StoredRefinement
    slow: Sequence[int]
    workers: Workers
    said: Callable[[str], None] = lambda _: None
    count: int = 0
    evaluated: int = 0
    _stack: ExitStack = field(default_factory=ExitStack)
    _client: Client | None = None

    @contextmanager
    def opened(self) -> Iterator[Batches]:
        """Closes what was connected to."""
        with self._stack:
            yield self

    def __call__(self, _level: int, index: Index) -> tuple[Array, Status]:
        """chi2 and status (n_layers, n) of points."""
        order = np.lexsort([index[:, k] for k in reversed(self.slow)])
        parts = np.array_split(order, self._parts(len(index)))
        numbers = range(self.count, self.count + len(parts))
        self.count += len(parts)
        held = {n: self.stored.batch(n, index[p]) for n, p in zip(numbers, parts, strict=True)}
        missing = [n for n, found in held.items() if found is None]
        batches = dict(zip(numbers, (index[part] for part in parts), strict=True))
        self._run({n: batches[n] for n in missing})
        held |= {n: self.stored.batch(n, batches[n]) for n in missing}
        return self._joined(order, list(held.values()))

    def _joined(self, order: Index, held: Sequence[Points | None]) -> tuple[Array, Status]:
        found = [points for points in held if points is not None]
        if len(found) < len(held):
            raise MismatchError(
                f"{self.stored.folder}: a batch was changed while it was written: run the same "
                "command again"
            )
        back = np.argsort(order)
        chi2 = np.concatenate([points[1] for points in found], axis=1)
        status = np.concatenate([points[2] for points in found], axis=1)
        return chi2[:, back], status[:, back]

    def _parts(self, points: int) -> int:
        most = int(self.stored.manifest["batch_points"])
        return max(-(-points // most), min(_PARTS, -(-points // _SMALLEST)))

    def _run(self, batches: dict[int, Index]) -> None:
        if not batches:
            return
        from scanner.execution.reducing import spread

        common = (self.scan.location, self.scan.digest, self.stored.key)
        calls = [(*common, number, index) for number, index in batches.items()]
        for _, points in spread(run_batch, calls, self._connected()):
            self.evaluated += points

    def _connected(self) -> Client:
        if self.workers.client is not None:
            return self.workers.client
        if self._client is None:
            from scanner.execution.clusters import connect

            guess = _SHARE * float(self.stored.manifest["finest_points"])
            seconds = guess * float(self.stored.manifest["seconds_per_point"])
            opened = connect(**self.workers.options, cpu_seconds=seconds)
            connection = self._stack.enter_context(opened)
            self.said(connection.description)
            self._client = connection.client
        return self._client
