"""Free parameters of a likelihood: what they are, and where they may lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.parameter import Parameter

Array = npt.NDArray[np.float64]

DECADE = 10.0


@dataclass(frozen=True)
class FreeParameter:
    """One argument of a likelihood.

    Parameters
    ----------
    name, unit, role, description : str
        As the scenario says; the role is ``coupling`` or ``shape``.
    low, high : float
        Range, in the unit; infinite where there is no end.
    default : float or None
        Taken where no value is given; None: a value must be given.
    logarithmic : bool
        Whether a search walks in its logarithm: a range above zero over more than a decade.
    """

    name: str
    unit: str
    role: str
    low: float
    high: float
    default: float | None
    logarithmic: bool = False
    description: str = ""

    @classmethod
    def of(
        cls,
        parameter: Parameter,
        ends: tuple[float, float] | None = None,
        standard_model: float | None = None,
    ) -> FreeParameter:
        """A parameter of the catalogue, perhaps in a narrower range.

        Raises
        ------
        DefinitionError
            The range is none, or reaches further than the parameter may.
        """
        low, high = (parameter.minimum, parameter.maximum) if ends is None else ends
        _check_ends(parameter, low, high)
        given = parameter.default
        default = float(given) if isinstance(given, (int, float)) else standard_model
        if default is not None and not low <= default <= high:
            default = None
        return cls(
            name=parameter.name,
            unit=parameter.unit,
            role=parameter.role,
            low=float(low),
            high=float(high),
            default=default,
            logarithmic=bool(low > 0.0 and np.isfinite(high) and high >= DECADE * low),
            description=parameter.description,
        )

    @classmethod
    def along(cls, axis: Axis, parameter: Parameter) -> FreeParameter:
        """A parameter in the range of a scanned axis."""
        low, high = (float(end) for end in axis.coordinates[[0, -1]])
        return cls(
            axis.name,
            axis.unit,
            parameter.role,
            low,
            high,
            None,
            axis.logarithmic,
            parameter.description,
        )

    @property
    def bounded(self) -> bool:
        """Whether both ends are finite."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))

    def inside(self, values: Array) -> npt.NDArray[np.bool_]:
        """Whether values lie in the range; NaN does not."""
        return np.asarray((values >= self.low) & (values <= self.high))

    def check(self, values: Array) -> None:
        """DefinitionError for the first value outside the range."""
        outside = values[~self.inside(values)]
        if outside.size:
            unit = f" (in {self.unit})" if self.unit else ""
            raise DefinitionError(
                f"{self.name} = {outside.flat[0]:g} is outside {self.low:g} .. {self.high:g}{unit};"
                " choose a value inside"
            )


def _check_ends(parameter: Parameter, low: float, high: float) -> None:
    where = f"free.{parameter.name} = ({low:g}, {high:g})"
    if not low < high:
        raise DefinitionError(f"{where}: give the lower end first, then a higher one")
    if low < parameter.minimum or high > parameter.maximum:
        raise DefinitionError(
            f"{where}: it may lie in {parameter.minimum:g} .. {parameter.maximum:g}; stay inside"
        )
