"""RemoteScan: a scan that a service holds, with the verbs of a scan in a store."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scanner.client import files
from scanner.client.answers import RemoteAnswers, listed
from scanner.client.events import News, news
from scanner.client.failures import printed
from scanner.client.records import Names, arguments
from scanner.errors import CatalogError, ClusterError, IncompleteScanError, ScannerError, error_of

COMMANDS = {
    "refine": "`scanner refine`",
    "refined_contour": "`scanner refine`",
    "feldman_cousins": "`scanner toys`",
    "expected": "`scanner expected`",
    "cls": "`scanner cls`",
    "marginal": "`scanner marginal`",
}
"""Verb of `Scan` that only a store has -> command that does it."""
STORE_ALONE = (
    *COMMANDS,
    *("run", "finalise", "likelihood", "evaluator", "spaces", "stored"),
)
"""Of `Scan`, what a service does not do."""
TICK = 0.5  # s between looks
CANCEL_SECONDS = 90.0  # s for running chunks to end


class RemoteScan(RemoteAnswers):
    """A scan behind HTTP: asked, drawn, exported, watched, cancelled and resumed like a `Scan`.

    Its answers are of the same types and have the same bits. What tests statistics with toys or
    refines the grid needs the store itself: see `scanner.scan.Scan`.
    """

    def __getattr__(self, name: str) -> Any:
        """Of a verb that only a store has, where to find it."""
        if name in STORE_ALONE:
            command = COMMANDS.get(name)
            there = f", or type there {command} with {self.id} and --store ROOT" if command else ""
            raise AttributeError(
                f"{name} needs the store itself: where it lies, ask "
                f"scanner.scan.Scan.open({self.id!r}, store=ROOT){there}"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def plot(
        self,
        path: str | Path,
        *,
        keep: Sequence[str] | None = None,
        cl: float | Sequence[float] | None = None,
        dof: int | None = None,
        at: Mapping[str, float] | None = None,
        experiments: Names = None,
        reference: str = "global",
        overlays: Sequence[str] = (),
        look: str = "journal",
        driven: bool = False,
        bare: bool = False,
    ) -> Path:
        """Draw it into a file ending in .pdf, .png or .svg; see `scanner.drawing.draw`."""
        suffix = files.figure_suffix(Path(path))
        levels = [cl] if isinstance(cl, int | float) else listed(cl)
        lines = {"keep": listed(keep), "cl": levels, "dof": dof, "reference": reference}
        looks = {"overlay": list(overlays), "look": look, "drivers": driven, "bare": bare}
        asked = arguments(at, experiments, **lines, **looks)
        return files.put(Path(path), self._sent(f"figure.{suffix}", asked))

    def export(self, path: str | Path, form: str, what: str | None = None, **asked: Any) -> Path:
        """Write limits or the cube for others; `asked`: see `scanner.limits.export.Question`."""
        question = files.export_arguments(Path(path), form, what, asked)
        return files.put(Path(path), self._sent("export", question))

    def watch(self) -> Iterator[News]:
        """News until the scan is complete; a connection that breaks is made again.

        Raises
        ------
        IncompleteScanError
            It was cancelled, or nobody works on it; says how to go on.
        ScannerError
            It failed: its error.
        """
        last: News | None = None
        for last in news(self._transport, f"scans/{self.id}/events"):
            yield last
        if last is not None and last.phase != "complete":
            raise self._ended(last)

    def _ended(self, last: News) -> ScannerError:
        """How it ended otherwise than complete, as an error of the same exit code."""
        try:
            job = self.record.get("job") or {}
        except (CatalogError, IncompleteScanError):  # it ended before it was made
            job = {}
        message = last.message or job.get("message") or last.phase
        if last.phase == "incomplete":
            message = f"nobody works on it, {last.done} of {last.total} chunks are done"
        code = job.get("exit_code") if last.exit_code is None else last.exit_code
        if last.phase != "failed" or not isinstance(code, int):
            code = IncompleteScanError.exit_code
        return error_of(code, f"scan {self.id}: {printed(str(message))}: go on with resume()")

    def cancel(self, *, wait: bool = True, patience: float = CANCEL_SECONDS) -> News | None:
        """Ask whoever works on it to end after the running chunks; resume() goes on.

        Returns
        -------
        News or None
            How it ended; None without `wait`.

        Raises
        ------
        ClusterError
            It has not ended within `patience` seconds.
        """
        self._transport.post(f"scans/{self.id}/cancel")
        if not wait:
            return None
        deadline = time.monotonic() + patience
        while not (told := self.now()).ended:
            if time.monotonic() > deadline:
                raise self._unheard(patience)
            time.sleep(TICK)
        return told

    def _unheard(self, patience: float) -> ClusterError:
        return ClusterError(
            f"scan {self.id} was asked to stop, but has not ended within {patience:.0f} s; it ends "
            "after its running chunks: see watch()"
        )

    def resume(self) -> RemoteScan:
        """Let what is missing be computed."""
        self._transport.post(f"scans/{self.id}/resume")
        return self
