"""Overlay: a published limit in a plane of two parameters, and the models it holds for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Shows = Literal["excluded", "preferred", "line"]
Value = float | str


@dataclass(frozen=True)
class Region:
    """What a published limit covers, in one piece.

    Parameters
    ----------
    vertices : array, shape (n, 2)
        Values on the two axes, in their units: the ring around the region, or its lower edge.
    above : bool
        True for a lower edge: everything above it belongs to the region.
    """

    vertices: Array
    above: bool = False

    def scaled(self, factor: float) -> Region:
        """The same with the second axis multiplied."""
        return replace(self, vertices=self.vertices * np.array([1.0, factor]))


@dataclass(frozen=True)
class Model:
    """What a limit holds for: fixed parameters of a scenario, with a rescaling of the coupling.

    Parameters
    ----------
    parameters : mapping
        Values that a figure must hold these parameters at.
    factor : float
        Coupling in this model over the coupling in the limit's own model, exact for this limit.
    reason : str
        Why the limit may be rescaled so.
    """

    parameters: Mapping[str, Value]
    factor: float = 1.0
    reason: str = ""

    def holds(self, parameters: Mapping[str, Value]) -> bool:
        """Whether a figure with these fixed parameters shows the model."""
        return all(parameters.get(name) == value for name, value in self.parameters.items())

    def text(self) -> str:
        """Its parameters, in words."""
        return ", ".join(f"{name} = {value}" for name, value in self.parameters.items())


@dataclass(frozen=True)
class Overlay:
    """A published limit and what is known of it.

    Parameters
    ----------
    name : str
        Of the registry.
    title, label : str
        What it is; the experiment as written into a figure.
    kind : str
        Of experiment: ``beam dumps``, ``LHC``, ... Limits of a kind share their look.
    scenario : str
        Catalogue name of the scenario.
    models : sequence of Model
        The limit's own model, then those that it can be rescaled to.
    axes, units : pairs of str
        Of the columns of the regions.
    regions : tuple of Region
        Empty where no numbers are to be had, see `missing`.
    shows : "excluded", "preferred" or "line"
        What the regions are; lines have no inside.
    cl, dof : float, int or None
        Confidence level and degrees of freedom; None where the source does not say.
    statistic, citation, arxiv, doi, licence, provenance : str
        Of the source; empty where not known.
    digitised : str
        Whether the points were read off a figure; ``not said`` where the source does not say.
    missing : str
        Why there are no regions, and how to supply them.
    source : mapping
        Release and file that a shipped table was made from.
    file : str
        Where all this stands.
    """

    name: str
    title: str
    label: str
    kind: str
    scenario: str
    models: Sequence[Model]
    licence: str
    provenance: str
    regions: tuple[Region, ...] = ()
    axes: tuple[str, str] = ("mass", "coupling")
    units: tuple[str, str] = ("MeV", "")
    shows: Shows = "excluded"
    cl: float | None = None
    dof: int | None = None
    statistic: str = ""
    citation: str = ""
    arxiv: str = ""
    doi: str = ""
    digitised: str = "not said"
    missing: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""

    def model_for(self, scenario: str, parameters: Mapping[str, Value]) -> Model | None:
        """The model that a figure shows, if the limit holds for it."""
        if scenario != self.scenario:
            return None
        return next((model for model in self.models if model.holds(parameters)), None)

    def fits(self, scenario: str, parameters: Mapping[str, Value], axes: Mapping[str, str]) -> bool:
        """Whether the limit can be drawn on a plane of these axes (name to unit, x first)."""
        return self.in_plane(axes) and self.model_for(scenario, parameters) is not None

    def in_plane(self, axes: Mapping[str, str]) -> bool:
        """Whether the limit lies in the plane of these axes (name to unit, x first)."""
        return list(zip(self.axes, self.units, strict=True)) == list(axes.items())

    def regions_for(self, model: Model) -> tuple[Region, ...]:
        """Regions in that model: its coupling is a multiple of that of the limit's own."""
        return tuple(region.scaled(model.factor) for region in self.regions)

    def credit(self) -> str:
        """Citation with its arXiv number, empty where nothing is to be cited."""
        arxiv = f"arXiv:{self.arxiv}" if self.arxiv else ""
        return ", ".join(part for part in (self.citation, arxiv) if part)

    def record(self) -> dict[str, Any]:
        """Everything but the points, for people and for JSON."""
        return {
            "overlay": self.name,
            "title": self.title,
            "kind": self.kind,
            "shows": self.shows,
            "scenario": self.scenario,
            "models": [
                {"holds for": m.text(), "coupling times": m.factor, "because": m.reason}
                for m in self.models
            ],
            "axes": [
                f"{name} [{unit}]" if unit else name
                for name, unit in zip(self.axes, self.units, strict=True)
            ],
            "cl": self.cl if self.cl is not None else "not said by the source",
            "dof": self.dof if self.dof is not None else "not said by the source",
            "statistic": self.statistic or "not said by the source",
            "citation": self.citation,
            "arxiv": self.arxiv,
            "doi": self.doi,
            "licence": self.licence,
            "digitised": self.digitised,
            "provenance": self.provenance,
            "file": self.file,
            "points": sum(len(region.vertices) for region in self.regions) or self.missing,
            **({"source": dict(self.source)} if self.source else {}),
        }
