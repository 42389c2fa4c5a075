"""Points of a surface that a figure marks: the best fit and the Standard Model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scanner import catalog
from scanner.definition import ScanDefinition
from scanner.errors import DefinitionError, ScannerError
from scanner.grid import Axis
from scanner.known import known_parameters
from scanner.limits.minimum import stored_minimum
from scanner.limits.reference import Minimum, estimate
from scanner.limits.surface import Surface


def best_fit(
    surface: Surface, minima: Mapping[str, Minimum], experiments: Sequence[str]
) -> tuple[float, ...]:
    """Where chi2 is lowest, one value for each axis; empty at the edge: it may go on beyond.

    Parameters
    ----------
    surface : Surface
        Profiled over the axes that are neither kept nor held.
    minima : mapping
        Minima of the whole scan, found with the likelihood: taken where no axis is held and the
        scan is complete, else the surface is interpolated.
    experiments : sequence of str
        All experiments of the scan.
    """
    found = lowest(surface, minima, experiments)
    if found is None or set(found.on_edge) & set(surface.names):
        return ()
    return tuple(found.at[name] for name in surface.names)


def lowest(
    surface: Surface, minima: Mapping[str, Minimum], experiments: Sequence[str]
) -> Minimum | None:
    """Where chi2 is lowest, edges included; None without a usable point. See `best_fit`."""
    if not surface.fixed and surface.computed == 1.0:
        found = stored_minimum(minima, surface.experiments, experiments)
        if found is not None:
            return found
    try:
        return estimate(surface)
    except DefinitionError:
        return None


def standard_model_point(surface: Surface, chosen: ScanDefinition) -> tuple[float, ...]:
    """The Standard Model, one value for each axis; empty where it is no point of the surface.

    On a log axis that ends above 0 there is no coupling of 0, and a held or fixed coupling other
    than 0 is not the Standard Model.
    """
    try:
        at = _standard_model(chosen)
    except ScannerError:  # a scan may outlive the scenario it was made with
        return ()
    elsewhere = {**chosen.parameters, **surface.fixed}
    if any(elsewhere.get(name, value) != value for name, value in at.items()):
        return ()
    if not all(axis.name in at and _covers(axis, at[axis.name]) for axis in surface.axes):
        return ()
    return tuple(at[name] for name in surface.names)


def _standard_model(chosen: ScanDefinition) -> dict[str, float]:
    """Values that make the scenario the Standard Model; inputs at their usual value."""
    form = catalog.scenario(chosen.scenario)
    own = {parameter.name for parameter in form.parameters}
    usual = {
        name: float(parameter.default)
        for name, parameter in known_parameters(chosen).items()
        if name not in own and isinstance(parameter.default, float | int)
    }
    return {**usual, **form.standard_model}


def _covers(axis: Axis, value: float) -> bool:
    return bool(axis.coordinates[0] <= value <= axis.coordinates[-1])
