"""A definition becomes an empty scan: chunks from a timed probe, references, labels; its cost."""

from __future__ import annotations

import os
from pathlib import Path

from scanner.bibliography import citation, cited
from scanner.definition import ScanDefinition
from scanner.evaluate import evaluator_of
from scanner.execution import plan as planning
from scanner.execution.plan import Plan
from scanner.execution.probe import Speed, measure
from scanner.execution.task import Block
from scanner.grid import Grid
from scanner.known import idle_notes, known_parameters, loaded_experiments
from scanner.store.archive import Archive
from scanner.store.rehearsal import rehearse
from scanner.store.stored import StoredScan


def cut(chosen: ScanDefinition, workers: int | None = None) -> tuple[Grid, float]:
    """Grid in chunks of about half a second on this machine, and the seconds of one core for all.

    Raises
    ------
    DefinitionError
        `workers` is below 1.
    """
    speed = _speed(chosen)
    grid = _grid(chosen, speed, workers)
    return grid, _cost(chosen, grid, speed, workers).cpu_seconds


def create(chosen: ScanDefinition, grid: Grid, store: str | Path | None = None) -> StoredScan:
    """Empty scan in the store.

    Raises
    ------
    StoreError
        The store is not writable or too small; nothing is written.
    """
    labels = {
        p.name: {"long_name": p.description or p.name, "latex": p.latex}
        for p in known_parameters(chosen).values()
    }
    return Archive(store).create(chosen, grid, references(chosen), labels)


def remarks(chosen: ScanDefinition) -> tuple[str, ...]:
    """What somebody who starts this scan should know: axes that change no count."""
    idle = evaluator_of(chosen).idle(chosen.axes)
    return idle_notes(idle, loaded_experiments(chosen))


def references(chosen: ScanDefinition) -> tuple[str, ...]:
    """What a result of this definition cites, a line each: scenario, then data."""
    return tuple(citation(reference) for reference in cited(chosen))


def plan(
    chosen: ScanDefinition, store: str | Path | None = None, workers: int | None = None
) -> Plan:
    """What a scan costs and what of it is done; computes nothing but a timed probe."""
    speed = _speed(chosen)
    grid = _grid(chosen, speed, workers)
    stored = Archive(store).find(chosen)
    if stored is None:
        return _cost(chosen, grid, speed, workers)
    state = stored.state()
    return _cost(chosen, stored.grid, speed, workers, state.done, state.points_done)


def _cost(
    chosen: ScanDefinition,
    grid: Grid,
    speed: Speed,
    workers: int | None,
    done_chunks: int = 0,
    done_points: int = 0,
) -> Plan:
    return planning.estimate(
        grid,
        n_experiments=len(chosen.layers),
        shape_axes=_shape_axes(chosen),
        speed=speed,
        workers=_count(workers),
        done_chunks=done_chunks,
        done_points=done_points,
    )


def _speed(chosen: ScanDefinition) -> Speed:
    return measure(chosen.axes, _shape_axes(chosen), evaluator_of(chosen), write=_rehearse)


def _rehearse(block: Block) -> None:
    rehearse(block.chi2, block.status)


def _grid(chosen: ScanDefinition, speed: Speed, workers: int | None) -> Grid:
    return planning.make_grid(
        chosen.axes,
        shape_axes=_shape_axes(chosen),
        speed=speed,
        workers=_count(workers),
        points_per_chunk=chosen.points_per_chunk,
    )


def _count(workers: int | None) -> int:
    return (os.cpu_count() or 1) if workers is None else workers


def _shape_axes(chosen: ScanDefinition) -> tuple[str, ...]:
    known = known_parameters(chosen)
    return tuple(axis.name for axis in chosen.axes if known[axis.name].role == "shape")
