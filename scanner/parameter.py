"""Parameter: a number or choice of a scenario, or an input of the Standard Model or a detector."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from scanner.errors import DefinitionError, unknown

Role = Literal["coupling", "shape", "choice"]
Value = float | str


@dataclass(frozen=True)
class Parameter:
    """One parameter of a scenario, or an input that every scenario has.

    ``role`` says what it costs to scan: a ``coupling`` enters the counts as a polynomial, a
    ``shape`` parameter (mass, mass splitting) changes the recoil spectrum, a ``choice`` is a name.
    A parameter without default must be given, unless it is ``optional``: then it may be absent.
    One that is ``shared`` means the same in every scenario: an input of the Standard Model.
    """

    name: str
    role: Role
    unit: str = ""
    default: Value | None = None
    minimum: float = float("-inf")
    maximum: float = float("inf")
    choices: tuple[str, ...] = ()
    latex: str = ""
    description: str = ""
    optional: bool = False
    shared: bool = False

    def check(self, value: object, where: str) -> Value:
        """Value in this parameter's type and range.

        Raises
        ------
        DefinitionError
            Names `where`, the value and the mend.
        """
        if self.role == "choice":
            if not isinstance(value, str) or value not in self.choices:
                raise DefinitionError(f"{where}: {unknown(self.name, str(value), self.choices)}")
            return value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise DefinitionError(f"{where}: {value!r} is not a number; give one{self._in_unit}")
        number = float(value)
        if not self.minimum <= number <= self.maximum:
            raise DefinitionError(
                f"{where}: {number:g} is outside {self.minimum:g} .. {self.maximum:g}"
                f"{self._in_unit}; choose a value inside"
            )
        return number

    @property
    def _in_unit(self) -> str:
        return f" (in {self.unit})" if self.unit else ""


WIDTHS = 5.0
"""Range of a profiled input, in standard deviations from its mean."""


@dataclass(frozen=True)
class Constraint:
    """What is known of an input from elsewhere: a Gaussian, or only where it lies.

    Parameters
    ----------
    mean, sigma : float
        In the input's unit; with an infinite sigma the input costs nothing between its ends.
    low, high : float
        Where it may lie.
    """

    mean: float
    sigma: float
    low: float = -math.inf
    high: float = math.inf

    @classmethod
    def between(cls, low: float, high: float) -> Constraint:
        """No more than that it lies between two ends; its mean is their middle."""
        return cls(0.5 * (low + high), math.inf, low, high)

    @classmethod
    def of_record(cls, record: Mapping[str, float]) -> Constraint:
        """The constraint of a definition's table: mean and sigma, or low and high.

        >>> Constraint.of_record({"low": -0.25, "high": 0.75})
        Constraint(mean=0.25, sigma=inf, low=-0.25, high=0.75)
        """
        if "sigma" in record:
            return cls(record["mean"], record["sigma"])
        return cls.between(record["low"], record["high"])

    def record(self) -> dict[str, float]:
        """As a definition writes it."""
        if math.isinf(self.sigma):
            return {"low": self.low, "high": self.high}
        return {"mean": self.mean, "sigma": self.sigma}

    def ends(self, parameter: Parameter) -> tuple[float, float]:
        """Range that is looked through: its own, of the parameter, and some widths."""
        return (
            max(self.low, parameter.minimum, self.mean - WIDTHS * self.sigma),
            min(self.high, parameter.maximum, self.mean + WIDTHS * self.sigma),
        )

    @property
    def scale(self) -> float:
        """Unit of steps: sigma, or a quarter of the range."""
        return 0.25 * (self.high - self.low) if math.isinf(self.sigma) else self.sigma

    def __str__(self) -> str:
        if math.isinf(self.sigma):
            return f"free between {self.low:g} and {self.high:g}"
        return f"{self.mean:g} +- {self.sigma:g}"
