"""Parameter, Term, Scenario: the form a scenario file fills in.

Counts are a polynomial in the couplings. A scenario says how, in one of two ways (or both):

- ``charges`` and ``coherent``: amplitudes that interfere with the weak charge of the nucleus,

      Q(nu_a -> nu_b) = delta_ab Q_SM + sum_k c_k^ab(couplings) B_k(nucleus, q^2)

  where B_k is a nuclear charge (``Z F_p(q^2)``, perhaps times a propagator) and c_k its
  coefficient. The machine squares the sum, flavour by flavour and isotope by isotope.
- ``terms``: cross sections that do not interfere, each with its own coefficient.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from scanner.errors import DefinitionError, unknown

FLAVORS = ("e", "mu", "tau")

Role = Literal["coupling", "shape", "choice"]
Value = float | str
Coefficient = Any  # a number, an array over shape values, or a Polynomial in the scanned couplings


@dataclass(frozen=True)
class Reference:
    """A paper: what it is cited for, with the equation where it matters."""

    citation: str
    arxiv: str = ""
    doi: str = ""
    equation: str = ""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a scenario.

    ``role`` says what it costs to scan: a ``coupling`` enters the counts as a polynomial, a
    ``shape`` parameter (mass, mass splitting) changes the recoil spectrum, a ``choice`` is a name.
    A parameter without default must be given, unless it is ``optional``: then it may be absent.
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


@dataclass(frozen=True)
class Term:
    """A cross section that adds to the counts without interference.

    Parameters
    ----------
    cross_section : callable
        ``f(nucleus, e_nu, recoil, *, <parameters>)`` in cm^2/MeV; ``e_nu`` (MeV) and ``recoil``
        (MeV) broadcast over the last two axes. It is called at kinematically allowed points only.
    coefficient : callable
        ``f(flavor, *, <parameters>)``, polynomial in the couplings.
    """

    cross_section: Callable[..., Any]
    coefficient: Callable[..., Coefficient]


def _no_amplitude(_initial: str, _final: str) -> dict[str, Coefficient]:
    return {}


@dataclass(frozen=True)
class Scenario:
    """What is proposed: parameters, and how they change the recoil spectrum.

    Parameters
    ----------
    title : str
        One line for people.
    formula : str
        The equation, as text.
    references : tuple of Reference
        Where it is from.
    parameters : tuple of Parameter
        All parameters, each with its role.
    charges : mapping from name to callable
        ``B(nucleus, q2, *, <shape and choice parameters>)``: nuclear charge of each amplitude;
        `q2` in MeV^2 broadcasts.
    coherent : callable
        ``c(initial, final, *, <parameters>)`` gives the coefficient of each named charge in the
        amplitude nu_initial -> nu_final; flavours are ``"e"``, ``"mu"``, ``"tau"``.
    terms : tuple of Term
        Contributions that do not interfere.
    validate : callable
        ``f(values)`` raises DefinitionError for combinations of values that make no sense; a
        scanned parameter stands there with the first, then with the last value of its axis.
    standard_model : mapping
        Values of the couplings at which the scenario is the Standard Model.
    """

    title: str
    formula: str
    references: tuple[Reference, ...]
    parameters: tuple[Parameter, ...]
    charges: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    coherent: Callable[..., Mapping[str, Coefficient]] = _no_amplitude
    terms: tuple[Term, ...] = ()
    validate: Callable[[Mapping[str, Value]], None] = lambda _: None
    standard_model: Mapping[str, float] = field(default_factory=dict)

    def parameter(self, name: str) -> Parameter:
        """Parameter of that name; DefinitionError with the nearest names if there is none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise DefinitionError(unknown("parameter", name, [p.name for p in self.parameters]))


def call_with(function: Callable[..., Any], *args: Any, values: Mapping[str, Any]) -> Any:
    """Call a scenario's function with those of `values` that its signature names.

    >>> call_with(lambda nucleus, *, mass: mass * 2, "Cs", values={"mass": 3.0, "coupling": 1.0})
    6.0
    """
    return function(*args, **{name: values[name] for name in named_parameters(function, values)})


def named_parameters(function: Callable[..., Any], values: Mapping[str, Any]) -> list[str]:
    """Those names of `values` that the function's signature takes as keyword-only arguments."""
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name in values]
