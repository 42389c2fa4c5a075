"""What is found once every chunk is done: the minima off the grid, and the Standard Model chi2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.limits.minimum import find_minima, find_minima_large

if TYPE_CHECKING:
    from scanner.limits.answers import Answers
    from scanner.limits.workers import Workers


def finalise(answers: Answers, workers: Workers) -> None:
    """Find the minima off the grid with the exact likelihood; store them with the SM chi2.

    Parameters
    ----------
    answers : Answers
        A complete scan.
    workers : Workers
        Where a large cube is read.
    """
    dataset = answers.dataset()  # refused where chunks are missing
    sm = answers.evaluator.standard_model()
    attributes: dict[str, Any] = {}
    if answers.spaces.large:
        from scanner.limits.deepened import deepened

        found, attributes = find_minima_large(answers.stored, answers.evaluator.chi2_at, workers)
        minima = deepened(found, answers.likelihood)
    else:
        minima = find_minima(dataset, answers.definition.axes, answers.evaluator.chi2_at)
    answers.stored.write_attributes(
        {
            "minimum": {name: found.to_dict() for name, found in minima.items()},
            "chi2_sm": dict(zip(answers.definition.layers, sm.tolist(), strict=True)),
            **attributes,
        }
    )
