"""Refinement: the finished answer, as values on the finest grid and as contours with a bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import xarray as xr

from scanner.errors import DefinitionError, MismatchError
from scanner.limits.layers import chosen_experiments, summed_layers
from scanner.limits.plane import Plane, plane
from scanner.limits.reference import Minimum, reference
from scanner.limits.refinement.bound import Bound, bound_of
from scanner.limits.refinement.mesh import Mesh, Status
from scanner.limits.refinement.question import Question
from scanner.limits.surface import Array, Surface
from scanner.store.refined import StoredRefinement, refinements

if TYPE_CHECKING:
    from scanner.limits.answers import Answers


@dataclass(frozen=True)
class RefinedPlane:
    """Contours of a refinement, with how far they may be from the true ones.

    Parameters
    ----------
    plane : Plane
        On the finest grid; what is far from every level is interpolated.
    bounds : tuple of Bound
        One for each contour.
    refinement : mapping
        Key, tolerances and counts of the refinement.
    """

    plane: Plane
    bounds: tuple[Bound, ...]
    refinement: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """As `Plane.to_dict`, with the error bound of each contour and the refinement."""
        record = self.plane.to_dict()
        for contour, bound in zip(record["contours"], self.bounds, strict=True):
            contour["error_bound"] = bound.to_dict()
        return {**record, "refinement": self.refinement}

    def text(self) -> tuple[str, ...]:
        """What the lines are made of and how good they are, in sentences."""
        made = (
            f"refinement {self.refinement['key']}: {self.refinement['points']} points, "
            f"{100 * self.refinement['share']:.2g} % of a grid as fine"
        )
        bounds = zip(self.plane.contours, self.bounds, strict=True)
        return (made, *(f"{100 * c.cl:g} % CL: {bound.text()}" for c, bound in bounds))


@dataclass(frozen=True)
class Refinement:
    """A refinement that is finished.

    Parameters
    ----------
    scan : Answers
        The coarse scan.
    stored : StoredRefinement
        Its points.
    question : Question
        What was asked.
    evaluated : int
        Points that were computed just now; 0 where all were there.
    """

    scan: Answers
    stored: StoredRefinement
    question: Question
    evaluated: int = 0

    @cached_property
    def mesh(self) -> Mesh:
        """Coarse axes and halvings."""
        return self.question.mesh(self.scan.definition)

    @cached_property
    def record(self) -> dict[str, Any]:
        """Levels, references and counts.

        Raises
        ------
        MismatchError
            It is not finished.
        """
        done = self.stored.done
        if done is None:
            raise MismatchError(f"{self.stored.folder} is not finished: run `scanner refine` again")
        return done

    @cached_property
    def values(self) -> tuple[Array, Status]:
        """chi2 and status (n_layers, *mesh.shape): evaluated near the levels, else interpolated.

        Raises
        ------
        MismatchError
            A batch is damaged.
        """
        from scanner.limits.refinement.refine import coarse_values

        chi2, status = coarse_values(self.scan, self.question, self.mesh)
        for index, values, found in self.stored.all_batches(int(self.record["batches"])):
            chi2[:, index[:, 0], index[:, 1]] = values
            status[:, index[:, 0], index[:, 1]] = found
        for level in range(1, self.mesh.levels + 1):
            self.mesh.fill(chi2, status, level)
        return chi2, status

    def dataset(self) -> xr.Dataset:
        """chi2 and status over (experiment, *axes of the finest grid).

        Status 1 is evaluated, 2 interpolated between evaluated points.
        """
        chi2, status = self.values
        dims = ("experiment", *self.question.keep)
        coordinates: dict[str, Any] = {"experiment": list(self.scan.definition.layers)}
        for axis in self.mesh.axes:
            coordinates[axis.name] = (axis.name, axis.coordinates, {"units": axis.unit or "1"})
        return xr.Dataset({"chi2": (dims, chi2), "status": (dims, status)}, coordinates)

    def contour(
        self,
        *,
        cls: Sequence[float] | None = None,
        experiments: Sequence[str] | None = None,
        keep: Sequence[str] | None = None,
    ) -> RefinedPlane:
        """Contours at levels that were refined, by default all of them.

        Parameters
        ----------
        experiments : sequence of str, optional
            One of those refined, or all of them (default).
        keep : pair of str, optional
            The axes the other way round.

        Raises
        ------
        DefinitionError
            A level or a set of experiments that was not refined.
        """
        wanted = tuple(sorted(set(cls))) if cls else self.question.cls
        if not set(wanted) <= set(self.question.cls):
            raise self._not_refined()
        chosen = self._chosen(experiments)
        found = plane(
            self._surface(chosen),
            keep or self.question.keep,
            cls=wanted,
            dof=self.question.dof,
            **self._zero(chosen),
        )
        return RefinedPlane(found, self._bounds(found, chosen), self.summary())

    def delta_chi2(self, experiments: Sequence[str] | None = None) -> Surface:
        """Delta chi2 on the finest grid, in place of chi2; arguments and errors of `contour`."""
        chosen = self._chosen(experiments)
        surface = self._surface(chosen)
        return replace(surface, chi2=reference(surface, **self._zero(chosen)).delta(surface))

    def _surface(self, chosen: tuple[str, ...]) -> Surface:
        surface = Surface.from_dataset(self.dataset(), self.mesh.axes, chosen)
        return replace(surface, fixed=dict(self.question.at))

    def _zero(self, chosen: tuple[str, ...]) -> dict[str, Any]:
        """Reference of a set of experiments, as `plane` and `reference` take it."""
        kind = self.question.reference
        zero = self.record["references"][self.question.label(chosen)]
        return {
            "kind": kind,
            "minimum": None if zero is None else Minimum.from_dict(zero),
            "chi2_sm": zero["chi2"] if kind == "sm" else None,
        }

    def _chosen(self, experiments: Sequence[str] | None) -> tuple[str, ...]:
        layers = self.scan.definition.layers
        chosen = chosen_experiments(layers, experiments or self.question.experiments)
        if self.question.label(chosen) is None:
            raise self._not_refined()
        return chosen

    def _not_refined(self) -> DefinitionError:
        return DefinitionError(
            f"refinement {self.stored.key} has cl {', '.join(map(str, self.question.cls))} of "
            f"{', '.join(self.question.subsets)}: refine again for what is asked"
        )

    def _bounds(self, found: Plane, experiments: tuple[str, ...]) -> tuple[Bound, ...]:
        layers = self.scan.definition.layers
        rows = [layers.index(name) for name in summed_layers(layers, experiments)]
        worst = self.values[1][rows].max(axis=0)
        if found.axes[0].name != self.question.keep[0]:
            worst = worst.T
        return tuple(bound_of(contour, found, worst) for contour in found.contours)

    def summary(self) -> dict[str, Any]:
        """What it is and what it cost, for records."""
        points, finest = int(self.record["points"]), int(self.record["finest_points"])
        return {
            "key": self.stored.key,
            "to": dict(self.question.to),
            "levels": self.record["levels"],
            "points": points,
            "finest_points": finest,
            "share": points / finest,
            "references": self.record["references"],
            "lowered": self.record["lowered"],
            "sha256": self.record["sha256"],
        }

    def to_dict(self) -> dict[str, Any]:
        """Question, summary, and how many points were computed just now."""
        return {
            **self.question.to_dict(),
            **self.summary(),
            "folder": str(self.stored.folder),
            "evaluated": self.evaluated,
        }


def find_refinement(scan: Answers, question: Question) -> Refinement:
    """The finest finished refinement that answers a question, whatever its tolerances.

    Raises
    ------
    DefinitionError
        There is none; says how to make it.
    """
    found = []
    for stored in refinements(scan.stored):
        made = Question.from_dict(stored.manifest["question"])
        if made.covers(question) and stored.done is not None:
            found.append(Refinement(scan, stored, made))
    if not found:
        raise DefinitionError(
            f"scan {scan.id}: no finished refinement of this plane, level, reference and set of "
            f"experiments: make it with `scanner refine {scan.id} {question.options()} --to SIZE`"
        )
    return max(found, key=lambda one: int(one.record["finest_points"]))
