"""Impact of every pull on a parameter: how far the best fit moves with the pull held one width off.

With theta the parameter, x_j a pull and x_j^ +- s_j its fitted value and post-fit width,

    impact(+-) = argmin_theta chi2(theta | x_j = x_j^ +- s_j) - theta^

where chi2 is profiled over all other pulls. `prior` is the same with the width 1 of the prior in
place of s_j. The minimum is the local one that starts at theta^: another solution does not count
as a shift. Everything is the exact likelihood, on a fine line around the best fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel, models
from scanner.definition import ScanDefinition
from scanner.errors import DefinitionError, unknown
from scanner.grid import Axis
from scanner.known import known_parameters
from scanner.limits.impact_line import PER_SIGMA, Impact, Line

Array = npt.NDArray[np.float64]

WINDOW = 4.0
"""Half width of the line around the best fit, in standard deviations of the parameter."""
WIDEST = 5
"""Times that the line is doubled while a shifted minimum lies at its end."""


@dataclass(frozen=True)
class Impacts:
    """All pulls, the largest impact first.

    Parameters
    ----------
    parameter, unit : str
        What shifts.
    best, sigma, statistical : float
        Best fit, its standard deviation by the curvature of chi2, and that with all pulls held at
        their fitted values.
    chi2_min : float
        At the best fit.
    experiments : tuple of str
        Combined.
    fixed : mapping
        Axes of the definition held at a value.
    notes : tuple of str
        What a reader of the numbers has to know.
    """

    parameter: str
    unit: str
    best: float
    sigma: float
    statistical: float
    chi2_min: float
    impacts: tuple[Impact, ...]
    experiments: tuple[str, ...]
    fixed: Mapping[str, float]
    notes: tuple[str, ...] = ()

    @property
    def systematic(self) -> float:
        """What the pulls add to the statistical error, in quadrature."""
        return float(np.sqrt(max(self.sigma**2 - self.statistical**2, 0.0)))

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, for JSON."""
        record = asdict(self)
        return {**record, "systematic": self.systematic, "definition": " ".join(_SAID.split())}


_SAID = """shift of the best fit with the pull held at its fitted value minus and plus its post-fit
(or prior) width, profiled over all other pulls"""


def impacts(
    definition: ScanDefinition, parameter: str, *, at: Mapping[str, float] | None = None
) -> Impacts:
    """Impact of every pull of the experiments of a definition on one of its axes.

    Parameters
    ----------
    definition : ScanDefinition
        Its axis says where the best fit is looked for; nothing is stored.
    parameter : str
        An axis.
    at : mapping
        Values of all other axes.

    Raises
    ------
    DefinitionError
        An unknown axis, another axis that is not held, a profiled input, a best fit at the end of
        the axis or one that the data do not determine.
    """
    fixed = dict(at or {})
    axis = _axis(definition, parameter, fixed)
    bound = models(
        definition.scenario,
        definition.experiment_options,
        Conventions(**definition.options),
        {**definition.parameters, **fixed},
        [parameter],
        data_at=definition.parameters,
    )
    _check_linear(bound)
    low, high = (float(x) for x in axis.to_scale(axis.coordinates[[0, -1]]))
    centre, sigma = _around(bound, axis)
    half = WINDOW * sigma
    for _ in range(WIDEST):
        ends = max(centre - half, low), min(centre + half, high)
        points = np.linspace(*ends, 2 * int(half / sigma * PER_SIGMA) + 1)
        line = Line(bound, axis, points)
        found = line.impacts()
        if not line.at_end or ends == (low, high):
            break
        half *= 2.0
    return Impacts(
        parameter=parameter,
        unit=axis.unit,
        best=float(axis.from_scale(line.best)),
        sigma=line.in_unit(line.sigma),
        statistical=line.in_unit(line.statistical()),
        chi2_min=line.lowest,
        impacts=tuple(sorted(found, key=lambda one: -one.size)),
        experiments=tuple(model.experiment.name for model in bound),
        fixed=fixed,
        notes=(f"a shifted best fit lies at the end of the {axis.name} axis",)
        if line.at_end
        else (),
    )


def _check_linear(bound: Sequence[ExperimentModel]) -> None:
    """Refuse a background curve: its parameters cannot be held one by one."""
    for model in bound:
        if model.experiment.background_curve is not None:
            raise DefinitionError(
                f"impacts of {model.experiment.name}: its pulls are the free parameters of a "
                "background, which has no prior for most of them; leave the experiment out, or see "
                "their fitted values with `scanner point`"
            )


def _axis(definition: ScanDefinition, parameter: str, at: Mapping[str, float]) -> Axis:
    """The axis of the parameter, once everything else is known to be held."""
    axes = {axis.name: axis for axis in definition.axes}
    for name in (parameter, *at):
        if name not in axes:
            raise DefinitionError(unknown("axis", name, axes))
    if definition.profile:
        raise DefinitionError(
            f"profile.{next(iter(definition.profile))}: impacts are those of pulls, and this is an "
            "input that is profiled; see with `scanner point` where it is pulled to and how wide "
            "it stays, and with `scanner interval` what is allowed with its uncertainty in"
        )
    if parameter in at:
        raise DefinitionError(f"{parameter} is asked for and held; do one or the other")
    free = [name for name in axes if name != parameter and name not in at]
    if free:
        raise DefinitionError(
            f"axis {free[0]} is free: an impact is that on one parameter; give --at {free[0]}=VALUE"
        )
    known = known_parameters(definition)
    for name, value in at.items():
        known[name].check(value, f"--at {name}")
    return axes[parameter]


def _around(bound: Sequence[ExperimentModel], axis: Axis) -> tuple[float, float]:
    """Best fit on the axis and a first standard deviation, both on the axis scale."""
    x = axis.to_scale(axis.coordinates)
    total = _chi2(bound, axis, x)
    if not np.isfinite(total).any():
        raise DefinitionError(f"no value of {axis.name} can be evaluated: choose another axis")
    place = int(np.nanargmin(total))
    if place in (0, len(x) - 1):
        raise DefinitionError(
            f"the best fit of {axis.name} is the end {axis.coordinates[place]:g} of its axis: a "
            "shift has no meaning there; extend the axis"
        )
    low, high = float(x[place - 1]), float(x[place + 1])
    for _ in range(3):  # each time 16 times finer, as long as chi2 is not flat to rounding
        fine = np.linspace(low, high, 33)
        chi2 = _chi2(bound, axis, fine)
        if np.ptp(chi2) < 1e-6:
            break
        best = int(np.clip(np.argmin(chi2), 1, 31))
        low, high = float(fine[best - 1]), float(fine[best + 1])
    centre, step = 0.5 * (low + high), float(x[place + 1] - x[place - 1])
    for _ in range(60):
        ends = np.clip([centre - step, centre, centre + step], x[0], x[-1])
        below, middle, above = _chi2(bound, axis, ends)
        rise = 0.5 * (below + above) - middle
        if 0.05 < rise < 4.0:
            return centre, step / float(np.sqrt(rise))
        if rise <= 0.05 and step > x[-1] - x[0]:
            break
        step *= 1.5 if rise <= 0.05 else 0.5
    raise DefinitionError(f"{axis.name} is not determined by these experiments on its axis")


def _chi2(bound: Sequence[ExperimentModel], axis: Axis, x: Array) -> Array:
    values = {axis.name: axis.from_scale(x)}
    return np.asarray(sum(model.profile(values).chi2 for model in bound))
