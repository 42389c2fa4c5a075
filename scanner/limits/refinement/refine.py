"""Refining a finished scan: question, search, store, answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from scanner.errors import IncompleteScanError, MismatchError
from scanner.evaluate import Evaluator
from scanner.grid import Axis
from scanner.limits.layers import summed_layers
from scanner.limits.minimum import find_minimum, stored_minimum
from scanner.limits.reference import Minimum
from scanner.limits.refinement.batches import (
    Batches,
    batch_points,
    seconds_per_point,
    slow_first,
)
from scanner.limits.refinement.mesh import Mesh, Status
from scanner.limits.refinement.question import RULE, Question
from scanner.limits.refinement.refinement import Refinement
from scanner.limits.refinement.search import Descend, Search, Wanted
from scanner.limits.surface import Array, Surface
from scanner.limits.workers import Workers
from scanner.store import provenance
from scanner.store.refined import StoredRefinement

if TYPE_CHECKING:
    from scanner.limits.answers import Answers

Say = Callable[[str], None]


def refine(
    scan: Answers,
    question: Question,
    *,
    workers: Workers,
    said: Say = lambda _: None,
    told: Say = lambda _: None,
) -> Refinement:
    """Evaluate the points near every level that was asked for; those that are kept count.

    Parameters
    ----------
    scan : Answers
        A complete scan.
    question : Question
        What is wanted.
    workers : Workers
        Cluster on which points are evaluated.
    said : callable
        Told which cluster is used.
    told : callable
        Told of each level in one sentence.

    Raises
    ------
    IncompleteScanError
        Chunks of the scan are missing.
    MismatchError
        The sources are not those of the scan.
    ClusterError, StoreError
        No workers; the store is not writable.
    """
    finished = _finished(scan, question)
    if finished is not None:
        return finished
    if not scan.state().complete:
        raise IncompleteScanError(
            f"scan {scan.id}: a refinement starts from a complete scan; go on with "
            f"`scanner resume {scan.stored.words}`"
        )
    evaluator = scan.evaluator
    stored = StoredRefinement.of(scan.stored, question.key)
    stored.folder.check_writable()
    mesh = question.mesh(scan.definition)
    if not stored.known:
        stored.create(_manifest(scan, question, mesh))
    stored.reopen()
    chi2, status = coarse_values(scan, question, mesh)
    slow = slow_first(evaluator, question)
    wanted = _wanted(scan, question)
    with Batches(scan.stored, stored, slow, workers, said).opened() as batches:
        search = Search(
            mesh,
            question.levels(),
            wanted,
            chi2,
            status,
            batches,
            descend=_descend(evaluator, question),
            told=told,
        )
        search.run()
    stored.finish(_record(search), batches.count)
    return Refinement(scan, stored, question, batches.evaluated)


def _finished(scan: Answers, question: Question) -> Refinement | None:
    """The answer that is there; None where it is not, or damaged."""
    stored = StoredRefinement.of(scan.stored, question.key)
    try:
        if not stored.known or stored.done is None:
            return None
        found = Refinement(scan, stored, question, 0)
        found.values  # noqa: B018 - reads and checks every batch
    except MismatchError:
        return None
    return found


def coarse_values(scan: Answers, question: Question, mesh: Mesh) -> tuple[Array, Status]:
    """chi2 and status (n_layers, *mesh.shape) with what the cube knows; NaN and 0 elsewhere.

    A cube of more axes says nothing exact of a plane between its points.
    """
    shape = (len(scan.definition.layers), *mesh.shape)
    chi2, status = np.full(shape, np.nan), np.zeros(shape, dtype=np.uint8)
    if not question.at:
        known = scan.dataset().transpose("experiment", *question.keep)
        mesh.view(chi2, 0)[...] = known["chi2"].to_numpy()
        mesh.view(status, 0)[...] = known["status"].to_numpy()
    return chi2, status


def _manifest(scan: Answers, question: Question, mesh: Mesh) -> dict[str, Any]:
    seconds = seconds_per_point(scan.evaluator, question, mesh)
    return {
        "question": question.to_dict(),
        "delta_chi2": question.levels(),
        "rule": RULE,
        "axes": [
            {"name": a.name, "unit": a.unit, "spacing": a.spacing, "n": a.n, "halvings": k}
            for a, k in zip(mesh.coarse, mesh.halvings, strict=True)
        ],
        "layers": list(scan.definition.layers),
        "finest_points": int(np.prod(mesh.shape)),
        "seconds_per_point": seconds,
        "batch_points": batch_points(scan.definition),
        "versions": dict(provenance.numeric_versions()),
        "instruction_set": provenance.instruction_set(),
        "created": provenance.now_utc(),
    }


def _wanted(scan: Answers, question: Question) -> dict[str, Wanted]:
    layers = scan.definition.layers
    found = {}
    for label, subset in question.subsets.items():
        rows = tuple(layers.index(name) for name in summed_layers(layers, subset))
        found[label] = _one(scan, question, subset, rows)
    return found


def _one(
    scan: Answers, question: Question, subset: tuple[str, ...], rows: tuple[int, ...]
) -> Wanted:
    if question.reference == "raster":
        return Wanted(rows, None)
    if question.reference == "sm":
        sm = scan.chi2_sm
        return Wanted(rows, Minimum(sum(sm[scan.definition.layers[r]] for r in rows), {}), False)
    zero = stored_minimum(scan.minima, subset, scan.definition.experiments)
    if zero is None:
        surface = scan.surface(subset)
        zero = find_minimum(surface, lambda at: scan.evaluator.chi2_at(at, rows).sum(axis=0))
    return Wanted(rows, zero)


def _descend(evaluator: Evaluator, question: Question) -> Descend:
    """Descends with the exact likelihood; held axes stay."""

    def descend(rows: Sequence[int], axes: tuple[Axis, Axis], chi2: Array) -> Minimum:
        def exact(points: Mapping[str, Array]) -> Array:
            n = len(points[axes[0].name])
            held = {name: np.full(n, value) for name, value in question.at.items()}
            return np.asarray(evaluator.chi2_at({**points, **held}, rows).sum(axis=0))

        return find_minimum(Surface(axes, chi2, question.experiments), exact)

    return descend


def _record(search: Search) -> dict[str, Any]:
    """What a finished refinement says of itself."""
    return {
        "references": {
            label: None if one.zero is None else one.zero.to_dict()
            for label, one in search.wanted.items()
        },
        "lowered": search.lowered,
        "levels": [
            {
                "level": step.level,
                "cells": list(search.mesh.cells(step.level)),
                "near_cells": step.near,
                "points": step.points,
            }
            for _, step in sorted(search.steps.items())
        ],
        "points": sum(step.points for step in search.steps.values()),
        "finest_points": int(np.prod(search.mesh.shape)),
    }
