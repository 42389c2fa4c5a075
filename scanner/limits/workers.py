"""Workers: where the parts of a reading that is too long for one process run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from distributed import Client

Result = TypeVar("Result")

LARGE = 2**24
"""Grid points above which a cube is not loaded and a reading goes to worker processes.

With two experiments 300 MB in memory, and a second of work: as long as workers take to start.
"""


@dataclass(frozen=True)
class Workers:
    """A client, or which cluster to connect to.

    Parameters
    ----------
    options : mapping
        For `execution.clusters.connect`: ``scheduler``, ``scheduler_file``, ``cluster``,
        ``workers``.
    client : distributed.Client, optional
        Used and left open.
    told : callable
        Told in one sentence of a long reading and the cluster that is used.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    client: Client | None = None
    told: Callable[[str], None] = lambda _: None

    def map(
        self, function: Callable[..., Result], arguments: Sequence[tuple[Any, ...]], points: int
    ) -> Iterator[tuple[int, Result]]:
        """``(i, function(*arguments[i]))`` for every i, in any order.

        Parameters
        ----------
        points : int
            Grid points that are read by all calls together: few are read in this process.

        Raises
        ------
        ClusterError
            No cluster, or it went away.
        """
        if points <= LARGE or len(arguments) == 1:
            yield from ((i, function(*given)) for i, given in enumerate(arguments))
            return
        from scanner.execution.reducing import spread

        if self.client is not None:
            from scanner.errors import counted

            self.told(f"reading {points:.3g} points on {counted(len(self.client.nthreads()))}")
            yield from spread(function, arguments, self.client)
            return
        from scanner.execution.clusters import connect

        with connect(**self.options, told=self.told) as connection:
            self.told(f"reading {points:.3g} points on {connection.description}")
            yield from spread(function, arguments, connection.client)

    @contextmanager
    def session(self, cpu_seconds: float) -> Iterator[Client]:
        """A client for several rounds of calls; `cpu_seconds` is what they are thought to take.

        Raises
        ------
        ClusterError
            No cluster.
        """
        if self.client is not None:
            yield self.client
            return
        from scanner.execution.clusters import connect

        with connect(**self.options, cpu_seconds=cpu_seconds, told=self.told) as connection:
            self.told(connection.description)
            yield connection.client
