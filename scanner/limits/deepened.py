"""Minima of a large cube, followed by descents from many places: its thin valleys are not read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from scanner.errors import DefinitionError
from scanner.exact.likelihood import Likelihood
from scanner.exact.minimise import minimise
from scanner.limits.minimum import COMBINED
from scanner.limits.reference import Minimum


def deepened(
    minima: Mapping[str, Minimum], likelihood: Callable[[Sequence[str] | None], Likelihood]
) -> dict[str, Minimum]:
    """Each minimum, or a lower one that the exact likelihood of its experiments has.

    Parameters
    ----------
    minima : mapping
        As `find_minima_large` found them.
    likelihood : callable
        Of some experiments (None: of all) in the ranges of the scan. One that refuses, since
        experiments share a profiled input, leaves the minimum as it is.
    """
    return {name: _deepened(name, found, likelihood) for name, found in minima.items()}


def _deepened(
    name: str, found: Minimum, likelihood: Callable[[Sequence[str] | None], Likelihood]
) -> Minimum:
    try:
        best = minimise(likelihood(None if name == COMBINED else [name]), found.at)
    except DefinitionError:
        return found
    evaluations = found.evaluations + best.evaluations
    if not best.chi2 < found.chi2:
        return replace(found, evaluations=evaluations)
    return replace(
        found, chi2=best.chi2, at=dict(best.at), on_edge=best.on_edge, evaluations=evaluations
    )
