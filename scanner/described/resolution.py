"""Resolution and acceptance of a described experiment, and the response that they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from scanner.described.numbers import (
    check_share,
    curve,
    listed,
    not_negative,
    positive,
    quantity,
    share,
    unit_factor,
)
from scanner.described.quenching import Quenching
from scanner.experiment import Response
from scanner.response import CountingResponse, EnergyResponse
from scanner.section import Section

Array = npt.NDArray[np.float64]

STEP_IN_WIDTHS = 1.5
"""Length of a quadrature panel in widths of the resolution: six nodes follow that to 1e-9."""
FINEST = 2000
"""Panels at most between the first edge and the last."""
PE = "PE"


@dataclass(frozen=True)
class Acceptance:
    """Share of events that are kept at a reconstructed energy, and where it has kinks."""

    at: Callable[[Array], Array]
    kinks: Array


@dataclass(frozen=True)
class Resolution:
    """A resolution: the unit of what it gives, and the response in bins of that.

    Where it counts, edges of bins are whole numbers; else it has a width at every energy.
    """

    unit: str
    response: Callable[[Array, Quenching, Acceptance], Response]
    width: Callable[[Array], Array] | None = None

    @property
    def counts(self) -> bool:
        """Whether it gives whole numbers."""
        return self.width is None


def read(section: Section, quenching: Quenching) -> Resolution:
    """Resolution of a table ``[response.resolution]``."""
    return KINDS[section.one_of("kind", tuple(KINDS))](section, quenching)


def _gaussian(section: Section, quenching: Quenching) -> Resolution:
    """sigma^2 = constant^2 + sqrt^2 E + (linear E)^2, in the unit of the table."""
    section.allow(("kind", "unit", "constant", "sqrt", "linear"))
    factor = unit_factor(section, quenching.unit)
    constant = factor * not_negative(section, "constant", 0.0)
    sqrt = np.sqrt(factor) * not_negative(section, "sqrt", 0.0)
    linear = not_negative(section, "linear", 0.0)
    if constant == sqrt == linear == 0.0:
        section.fail("kind", "has no width; give constant, sqrt or linear")

    def width(energy: Array) -> Array:
        return np.asarray(np.sqrt(constant**2 + sqrt**2 * energy + (linear * energy) ** 2))

    return Resolution(quenching.unit, partial(_smeared, width), width)


def _smeared(
    width: Callable[[Array], Array], edges: Array, quenching: Quenching, kept: Acceptance
) -> Response:
    def density(x: Array, energy: Array) -> Array:
        sigma = width(energy)
        shape = np.exp(-0.5 * ((x - energy) / sigma) ** 2)
        return np.asarray(shape / (np.sqrt(2.0 * np.pi) * sigma))

    knots = np.concatenate([kept.kinks, _panels(edges, width)])
    return EnergyResponse(edges, knots, quenching.energy, density, kept.at)


def _panels(edges: Array, width: Callable[[Array], Array]) -> Array:
    """Points between the ends in steps of the local width."""
    low, high = edges[0], edges[-1]
    finest = (high - low) / FINEST
    points = [low]
    while points[-1] < high:
        here = float(width(np.maximum(points[-1], 0.0)))
        points.append(points[-1] + max(STEP_IN_WIDTHS * here, finest))
    return np.array(points)


def _poisson(section: Section, quenching: Quenching) -> Resolution:
    """A whole number of photoelectrons, Poisson about light yield x energy."""
    section.allow(("kind", "light_yield"))
    light = quantity(section, "light_yield", f"PE/{quenching.unit}")
    return Resolution(PE, partial(_counted, light))


def _counted(light: float, edges: Array, quenching: Quenching, kept: Acceptance) -> Response:
    return CountingResponse(edges, lambda recoil: light * quenching.energy(recoil), kept.at)


KINDS: Mapping[str, Callable[[Section, Quenching], Resolution]] = {
    "gaussian": _gaussian,
    "poisson": _poisson,
}


def acceptance(response: Section, unit: str, end: float) -> Acceptance:
    """Efficiency times threshold of a table ``[response]``; all events without either.

    Parameters
    ----------
    unit : str
        Of the reconstructed energy.
    end : float
        Of the last bin.
    """
    if "efficiency" in response:
        table = response.table("efficiency")
        made = EFFICIENCIES[table.one_of("kind", tuple(EFFICIENCIES))](table, unit)
    else:
        made = Acceptance(np.ones_like, np.empty(0))
    if "threshold" not in response:
        return made
    threshold = quantity(response, "threshold", unit)
    if threshold >= end:
        response.fail("threshold", f"is not below the last bin, which ends at {end:g} {unit}")
    return Acceptance(
        lambda x: np.where(x >= threshold, made.at(x), 0.0), np.append(made.kinks, threshold)
    )


def _constant(section: Section, _: str) -> Acceptance:
    section.allow(("kind", "value"))
    value = share(section, "value")
    return Acceptance(lambda x: np.full_like(x, value), np.empty(0))


def _logistic(section: Section, unit: str) -> Acceptance:
    """height/(1 + exp(-slope (x - centre)))."""
    section.allow(("kind", "unit", "height", "slope", "centre"))
    factor = unit_factor(section, unit)
    height, slope = share(section, "height"), positive(section, "slope") / factor
    centre = factor * not_negative(section, "centre")
    kinks = centre + np.linspace(-8.0, 8.0, 17) / slope
    return Acceptance(
        lambda x: height / (1.0 + np.exp(np.minimum(-slope * (x - centre), 700.0))), kinks
    )


def _table(section: Section, unit: str) -> Acceptance:
    """Values at some energies: linear between them, constant outside."""
    section.allow(("kind", "unit", "energy", "value"))
    energies, values = curve(section, "energy", "value", unit)
    for value in listed(section, "value").tolist():
        check_share(section, "value", value)
    return Acceptance(lambda x: np.interp(x, energies, values), energies)


EFFICIENCIES: Mapping[str, Callable[[Section, str], Acceptance]] = {
    "constant": _constant,
    "logistic": _logistic,
    "table": _table,
}
