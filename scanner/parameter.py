"""Parameter: a number or choice of a scenario, or an input of the Standard Model or a detector."""

from __future__ import annotations

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
