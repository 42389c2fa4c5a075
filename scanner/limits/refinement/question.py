"""Question: what is refined, and the key under which the answer is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from scanner.definition import ScanDefinition
from scanner.errors import DefinitionError, unknown
from scanner.grid import Axis
from scanner.limits.interval import level_of
from scanner.limits.layers import chosen_experiments, summed_layers
from scanner.limits.minimum import COMBINED
from scanner.limits.reference import KINDS
from scanner.limits.refinement.mesh import Mesh
from scanner.limits.refinement.tolerance import Wish, mesh_of, tolerances
from scanner.limits.surface import check_kept, windows

RULE = 1
"""Number of the rule by which points are chosen; another one makes other points."""


@dataclass(frozen=True)
class Question:
    """A plane, the levels wanted on it, for which experiments, and how fine.

    Parameters
    ----------
    digest : str
        Of the scan.
    keep : pair of str
        Axes of the plane.
    at : mapping
        Every other axis, held at a value.
    cls : tuple of float
        Confidence levels, increasing.
    dof : int
        Degrees of freedom of the levels.
    experiments : tuple of str
        Each alone, and all of them combined.
    reference : "global", "sm" or "raster"
        What Delta chi2 counts from.
    to : mapping
        Largest cell of each axis: in dex for a logarithmic one, else in its unit.
    """

    digest: str
    keep: tuple[str, str]
    at: Mapping[str, float]
    cls: tuple[float, ...]
    dof: int
    experiments: tuple[str, ...]
    reference: str
    to: Mapping[str, float]

    @classmethod
    def of(
        cls,
        definition: ScanDefinition,
        *,
        levels: Sequence[float],
        dof: int,
        to: Wish | None,
        keep: Sequence[str] | None = None,
        at: Mapping[str, float] | None = None,
        experiments: Sequence[str] | None = None,
        reference: str = "global",
    ) -> Question:
        """The question, checked; without `to` one of whatever tolerance.

        Raises
        ------
        DefinitionError
            Not two free axes, an unknown name, a value outside its axis, a level or a tolerance
            that makes no sense.
        """
        held = {name: float(value) for name, value in (at or {}).items()}
        windows(definition.axes, held)
        kept = _plane(definition, keep, held)
        if not levels:
            raise DefinitionError("cl: name at least one confidence level, such as --cl 0.9")
        for cl in levels:
            level_of(cl, dof)
        if reference not in KINDS:
            raise DefinitionError(f"reference: {unknown('reference', reference, KINDS)}")
        chosen = chosen_experiments(definition.layers, experiments)
        summed_layers(definition.layers, chosen)
        axes = _axes(definition, kept)
        wanted = {} if to is None else tolerances(to, axes)
        if wanted:
            mesh_of(axes, wanted)
        ordered = tuple(sorted(set(map(float, levels))))
        return cls(definition.digest, kept, held, ordered, dof, chosen, reference, wanted)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Question:
        """Inverse of `to_dict`."""
        return cls(
            digest=stored["digest"],
            keep=(stored["keep"][0], stored["keep"][1]),
            at=dict(stored["at"]),
            cls=tuple(stored["cls"]),
            dof=int(stored["dof"]),
            experiments=tuple(stored["experiments"]),
            reference=stored["reference"],
            to=dict(stored["to"]),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and strings, for JSON."""
        return asdict(self)

    @cached_property
    def key(self) -> str:
        """16 hex digits of the sha256 of all of it, and of the rule."""
        text = json.dumps({**self.to_dict(), "rule": RULE}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def subsets(self) -> dict[str, tuple[str, ...]]:
        """Label to experiments: each alone, and the combination where there are several."""
        alone = {name: (name,) for name in self.experiments}
        return alone | ({COMBINED: self.experiments} if len(self.experiments) > 1 else {})

    def options(self) -> str:
        """How the plane is asked for on the command line, without the tolerances."""
        parts = [f"--cl {cl:g}" for cl in self.cls]
        parts += [f"--dof {self.dof}", f"--reference {self.reference}"]
        parts += [f"--keep {','.join(self.keep)}"]
        parts += [f"--at {name}={value!r}" for name, value in self.at.items()]
        return " ".join([*parts, *(f"-e {name}" for name in self.experiments)])

    def label(self, experiments: Sequence[str]) -> str | None:
        """Label of a set of experiments; None where it was not refined."""
        for label, subset in self.subsets.items():
            if set(subset) == set(experiments):
                return label
        return None

    def levels(self) -> list[float]:
        """Delta chi2 of the confidence levels."""
        return [level_of(cl, self.dof) for cl in self.cls]

    def mesh(self, definition: ScanDefinition) -> Mesh:
        """Coarse axes and halvings."""
        return mesh_of(_axes(definition, self.keep), self.to)

    def covers(self, other: Question) -> bool:
        """Whether its contours answer the other question, whatever the tolerances."""
        mine, theirs = self.to_dict(), other.to_dict()
        same = ("digest", "at", "dof", "reference")
        turned = self.reference != "raster" and self.keep == other.keep[::-1]
        return (
            all(mine[name] == theirs[name] for name in same)
            and (self.keep == other.keep or turned)
            and set(other.cls) <= set(self.cls)
            and self.label(other.experiments) is not None
        )


def _axes(definition: ScanDefinition, keep: Sequence[str]) -> tuple[Axis, Axis]:
    by_name = {axis.name: axis for axis in definition.axes}
    return by_name[keep[0]], by_name[keep[1]]


def _plane(
    definition: ScanDefinition, keep: Sequence[str] | None, held: Mapping[str, float]
) -> tuple[str, str]:
    """The two axes that are kept; all others must be held."""
    free = [axis.name for axis in definition.axes if axis.name not in held]
    if keep is not None:
        check_kept(keep, free)
    kept = list(keep or (free[0], free[-1]) if len(free) > 1 else free)
    rest = [name for name in free if name not in kept]
    if len(free) < 2:
        raise DefinitionError(
            f"axes: {' and '.join(free) or 'none'} free: a refinement takes a plane of two; hold "
            "fewer axes, or ask `scanner interval`"
        )
    if len(kept) != 2:
        raise DefinitionError(f"keep = {', '.join(kept)}: name two axes of {', '.join(free)}")
    if rest:
        raise DefinitionError(
            f"axes: {', '.join(rest)} free beside {' and '.join(kept)}: a refinement does not "
            f"profile; hold the rest: {' '.join(f'--at {name}=VALUE' for name in rest)}"
        )
    return kept[0], kept[1]
