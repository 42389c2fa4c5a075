"""A scan whose plane is answered from a refinement: what a figure is drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scanner.limits.answers import Answers
from scanner.limits.refinement.refinement import Refinement
from scanner.limits.spaces import Names
from scanner.limits.surface import Surface


@dataclass(frozen=True)
class RefinedAnswers(Answers):
    """The scan of a refinement, with Delta chi2 on the finest grid.

    Parameters
    ----------
    refinement : Refinement
        Its question is the only one that is answered so.
    """

    refinement: Refinement | None = None

    @classmethod
    def of(cls, refinement: Refinement) -> RefinedAnswers:
        """The scan that was refined, answered from the refinement."""
        return cls(refinement.scan.stored, refinement=refinement)

    def delta_chi2(
        self,
        keep: Sequence[str],
        *,
        at: Mapping[str, float] | None = None,
        experiments: Names = None,
        reference: str = "global",
    ) -> Surface:
        """As `Answers.delta_chi2`, of the plane that was refined."""
        found = self.refinement
        if found is None or (tuple(keep), dict(at or {}), reference) != (
            found.question.keep,
            dict(found.question.at),
            found.question.reference,
        ):
            return super().delta_chi2(keep, at=at, experiments=experiments, reference=reference)
        return found.delta_chi2(experiments)
