"""Campaign: toys near a contour, in batches on Dask workers, until every point is decided.

Rounds of 1, 2, 4, ... batches per point: after each, points whose p-value is far enough from 1 - cl
stop. A batch is seeded by what it is, so that workers, their order and interruptions do not matter,
and rounds look at the first batches only, so that a resumed campaign goes the same way.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from scanner.errors import DefinitionError
from scanner.limits.bench import Bench, Point, Question, bench_of
from scanner.limits.toys import generator
from scanner.limits.workers import Workers
from scanner.statistics.toys import Tally
from scanner.store.toys import ToyFolder

if TYPE_CHECKING:
    from distributed import Client

Array = npt.NDArray[np.float64]

PER_BATCH, MOST = 100, 1000
"""Toys per batch, and most toys per point, by default."""
TOLD_EVERY = 30.0
"""Seconds between two words on how far a round is."""
SIGMAS = 3.0
"""Binomial errors from 1 - cl at which a point is decided, by default."""


@dataclass(frozen=True)
class Effort:
    """How many toys are made.

    Parameters
    ----------
    cl : float
        Confidence level that the points are decided at.
    most : int
        Most toys per point.
    per_batch : int
        Toys per batch.
    sigmas : float
        A point stops when its p-value is further than so many binomial errors from 1 - cl.
    """

    cl: float
    most: int = MOST
    per_batch: int = PER_BATCH
    sigmas: float = SIGMAS

    def __post_init__(self) -> None:
        for name, value in (("toys per batch", self.per_batch), ("most toys", self.most)):
            if value < 1:
                raise DefinitionError(f"{name} = {value}: give at least 1")
        if not self.sigmas > 0.0:
            raise DefinitionError(f"sigmas = {self.sigmas:g}: give a number above 0")

    @property
    def rounds(self) -> tuple[int, ...]:
        """Batches per point after each round.

        >>> Effort(0.9, most=1000).rounds
        (1, 2, 4, 8, 10)
        """
        last = max(math.ceil(self.most / self.per_batch), 1)
        doubling = [2**k for k in range(last.bit_length()) if 2**k < last]
        return (*doubling, last)


@dataclass(frozen=True)
class Verdict:
    """One tested point: its place, the observed Delta chi2 and what the toys say."""

    point: Point
    at: Mapping[str, float]
    delta_chi2: float
    tally: Tally
    decided: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        return {
            "point": list(self.point),
            "at": dict(self.at),
            "delta_chi2": self.delta_chi2,
            "critical": self.tally.critical,
            "critical_error": self.tally.critical_error,
            "p_value": self.tally.p_value,
            "p_error": self.tally.p_error,
            "n_toys": self.tally.n_toys,
            "n_failed": self.tally.n_failed,
            "decided": self.decided,
        }


@dataclass(frozen=True)
class Campaign:
    """Toys of some points.

    Parameters
    ----------
    question : Question
        What is tested.
    folder : ToyFolder
        Where the batches lie.
    effort : Effort
        How many.
    workers : Workers
        Where they are made.
    told : callable
        Told in one sentence of each round.
    """

    question: Question
    folder: ToyFolder
    effort: Effort
    workers: Workers
    told: Callable[[str], None] = lambda _: None

    @cached_property
    def _text(self) -> str:
        return self.question.text()

    @property
    def bench(self) -> Bench:
        """The likelihoods, in this process."""
        return bench_of(self._text)

    def run(self, points: Sequence[Point]) -> list[Verdict]:
        """Make what is missing and read the rest, one result for each point.

        Raises
        ------
        DefinitionError
            The toys there come in batches of another size.
        ClusterError, StoreError
            As the workers and the store do.
        """
        self._begin()
        observed = {p: self.bench.trial(self.bench.place(p)).observed for p in points}
        toys: dict[Point, list[Array]] = {p: [] for p in points}
        active = list(points)
        with ExitStack() as stack:
            client: Client | None = None
            for n in self.effort.rounds:
                missing = self._read(toys, active, n)
                if missing:
                    if client is None:
                        seconds = self._seconds(len(active))
                        client = stack.enter_context(self.workers.session(seconds))
                    self.told(f"{len(active)} points, {len(missing)} batches to make")
                    self._make(client, toys, missing)
                active = [p for p in active if not self._decided(toys[p], observed[p])]
        return [self._tested(p, toys[p], observed[p]) for p in points]

    def _begin(self) -> None:
        self.folder.sweep()
        stored = self.folder.question
        if stored is None:
            self.folder.begin({**self.question.record(), "per_batch": self.effort.per_batch})
        elif stored.get("per_batch") != self.effort.per_batch:
            raise DefinitionError(
                f"toys per batch = {self.effort.per_batch}: those in {self.folder.folder} come "
                f"in batches of {stored.get('per_batch')}; give that number, or another seed"
            )

    def _read(
        self, toys: dict[Point, list[Array]], active: Sequence[Point], n: int
    ) -> list[tuple[Point, int]]:
        """Take batches up to n from the store; those that are not there."""
        missing = []
        for point in active:
            for batch in range(len(toys[point]), n):
                found = self.folder.read(point, batch)
                toys[point].append(np.empty(0) if found is None else found)
                if found is None:
                    missing.append((point, batch))
        return missing

    def _make(
        self,
        client: Client,
        toys: dict[Point, list[Array]],
        missing: Sequence[tuple[Point, int]],
    ) -> None:
        from scanner.execution.reducing import spread

        n = self.effort.per_batch
        calls = [(self._text, point, batch, n) for point, batch in missing]
        begun = last = time.monotonic()
        for done, (number, (values, seconds)) in enumerate(spread(make_batch, calls, client), 1):
            point, batch = missing[number]
            self.folder.write(point, batch, values, seconds)
            toys[point][batch] = values
            now = time.monotonic()
            if now - last >= TOLD_EVERY and done < len(missing):
                last, left = now, (now - begun) * (len(missing) / done - 1.0)
                self.told(f"{done} of {len(missing)} batches made, some {left:.0f} s to go")

    def _seconds(self, points: int) -> float:
        """CPU seconds of the first round, from a toy's worth of fits."""
        start = time.perf_counter()
        self.bench.everywhere.minimum(self.bench.fast)
        return 2.0 * points * self.effort.per_batch * (time.perf_counter() - start)

    def _decided(self, batches: Sequence[Array], observed: float) -> bool:
        tally = Tally.of(np.concatenate(batches), observed, self.effort.cl)
        return tally.decided(self.effort.cl, self.effort.sigmas)

    def _tested(self, point: Point, batches: Sequence[Array], observed: float) -> Verdict:
        tally = Tally.of(np.concatenate(batches), observed, self.effort.cl)
        decided = tally.decided(self.effort.cl, self.effort.sigmas)
        return Verdict(point, self.bench.place(point), observed, tally, decided)


def make_batch(text: str, point: Point, batch: int, n: int) -> tuple[Array, float]:
    """Delta chi2 (n,) of the toys of one batch, and the seconds they took: a call for a worker."""
    bench = bench_of(text)
    start = time.perf_counter()
    random = generator(bench.question.definition.digest, bench.question.key, point, batch)
    values = bench.trial(bench.place(point)).toys(n, random)
    return values, time.perf_counter() - start
