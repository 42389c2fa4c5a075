"""Job: a scan that was asked for, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from scanner.definition import ScanDefinition

State = Literal["queued", "running", "complete", "failed", "cancelled"]
STATES: tuple[State, ...] = ("queued", "running", "complete", "failed", "cancelled")
ACTIVE: tuple[State, ...] = ("queued", "running")


@dataclass(frozen=True)
class Job:
    """A scan that was asked for.

    Parameters
    ----------
    id : int
        Its number; of two the one that was asked for first has the smaller.
    scan : str
        Id of the scan.
    definition : mapping
        Record of the resolved definition: the scan can be made again from it alone.
    name : str
        Label of the definition.
    state : str
        ``queued`` (also while it waits to be tried again, see `message`), ``running``, then
        ``complete``, ``failed`` or ``cancelled``.
    priority : int
        The higher is started first.
    token : str
        Name of the token that asked for it; "" where none is needed.
    points : int
        Grid points.
    created, started, ended : str
        When it was asked for, first begun, over (UTC); "" if it was not yet.
    attempts : int
        Drivers that were asked for.
    message : str
        Why it waits, or ended otherwise than complete.
    exit_code : int or None
        Of the command line, once it has ended.
    fruitless : int
        Attempts in a row that failed, no chunk having been finished in between.
    chunks : int or None
        Chunks that were done when an attempt failed last, 0 before; None until the scan was
        made.
    run : str
        Key of the run that it relies on.
    own : bool
        Whether a driver of this queue does that run.
    stopping : bool
        Whether it is cancelled, and its runs were perhaps not asked to end yet.
    """

    id: int
    scan: str
    definition: Mapping[str, Any] = field(repr=False)
    name: str
    state: State
    priority: int = 0
    token: str = ""
    points: int = 0
    created: str = ""
    started: str = ""
    ended: str = ""
    attempts: int = 0
    message: str = ""
    exit_code: int | None = None
    fruitless: int = 0
    chunks: int | None = None
    run: str = ""
    own: bool = False
    stopping: bool = False

    @property
    def active(self) -> bool:
        """Whether it waits or works."""
        return self.state in ACTIVE

    def resolved(self) -> ScanDefinition:
        """The definition, as it was when it was asked for.

        Raises
        ------
        DefinitionError, MismatchError
            The record was written by another version, or is damaged.
        """
        return ScanDefinition.from_dict(self.definition, f"job {self.id}")

    def to_dict(self) -> dict[str, Any]:
        """For JSON: what concerns who asked; the definition is told with its scan."""
        told = ("id", "scan", "name", "state", "priority", "token", "points", "created", "started")
        later = ("ended", "attempts", "message", "exit_code")
        return {name: getattr(self, name) for name in (*told, *later)}
