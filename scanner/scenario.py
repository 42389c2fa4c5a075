"""Term, Transition, Scenario: the form a scenario file fills in.

Counts are a polynomial in the couplings. A scenario says how, in one of three ways (or several):

- ``charges`` and ``coherent``: amplitudes that interfere with the weak charge of the nucleus,

      Q(nu_a -> nu_b) = delta_ab Q_SM + sum_k c_k^ab(couplings) B_k(nucleus, q^2)

  where B_k is a nuclear charge (``Z F_p(q^2)``, perhaps times a propagator) and c_k its
  coefficient. The machine squares the sum, flavour by flavour and isotope by isotope.
- ``terms``: cross sections that do not interfere, each with its own coefficient.
- ``transition``: a share of each flavour that does not arrive.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy.typing as npt

from scanner.errors import DefinitionError, unknown
from scanner.parameter import Parameter as Parameter
from scanner.parameter import Role as Role
from scanner.parameter import Value as Value
from scanner.reference import Reference as Reference

FLAVORS = ("e", "mu", "tau")

Coefficient = Any  # a number, an array over shape values, or a Polynomial in the scanned couplings
Coherent = Callable[..., Mapping[str, Coefficient]]


@dataclass(frozen=True)
class Term:
    """A cross section that adds to the counts without interference: it flips the helicity.

    Parameters
    ----------
    cross_section : callable
        ``f(nucleus, e_nu, recoil, *, <parameters>)`` in cm^2/MeV; ``e_nu`` (MeV) and ``recoil``
        (MeV) broadcast over the last two axes. It is called at kinematically allowed points only.
    coefficient : callable
        ``f(flavor, *, <parameters>)``, polynomial in the couplings.
    heavy_mass : callable, optional
        ``f(*, <parameters>)``: mass in MeV of the outgoing lepton, where the neutrino does not stay
        light; it narrows the kinematic limits.
    electrons : bool
        Whether the same cross section holds for a free electron (Z = -1, its mass, no form factor).
    """

    cross_section: Callable[..., Any]
    coefficient: Callable[..., Coefficient]
    heavy_mass: Callable[..., Any] | None = None
    electrons: bool = False


@dataclass(frozen=True)
class Transition:
    """Neutrinos of each flavour that become invisible on their way: 1 - coefficient x probability.

    Parameters
    ----------
    coefficient : callable
        ``f(flavor, *, <parameters>)``, polynomial in the couplings (sin^2 2 theta).
    probability : callable
        ``f(e_nu, baseline_m, *, <shape parameters>)``, between 0 and 1, `e_nu` in MeV.
    phase : callable
        ``f(baseline_m, *, <shape parameters>)`` in MeV rad: the probability goes like
        cos(phase/E), which the integral over the energies has to follow.
    """

    coefficient: Callable[..., Coefficient]
    probability: Callable[..., Any]
    phase: Callable[..., Any]


@dataclass(frozen=True)
class Derived:
    """A quantity that is a shift of one parameter, told beside it: R_n - R_p of R_n.

    ``value = parameter + shift``, in the parameter's unit; told where the element is a target.
    """

    name: str
    parameter: str
    shift: float
    element: str
    description: str = ""


def _no_amplitude(_initial: str, _final: str) -> dict[str, Coefficient]:
    return {}


NOT_TOUCHED = _no_amplitude
"""For `Scenario.electrons`: what is proposed leaves neutrino-electron scattering as it is."""


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
        All parameters, each with its role. One that bears the name of an input of the Standard
        Model (``sin2_theta_w``, ``R_n``) stands for that input.
    charges : mapping from name to callable
        ``B(nucleus, q2, *, <shape and choice parameters>)``: nuclear charge of each amplitude;
        `q2` in MeV^2 broadcasts.
    coherent : callable
        ``c(initial, final, *, <parameters>)`` gives the coefficient of each named charge in the
        amplitude nu_initial -> nu_final; flavours are ``"e"``, ``"mu"``, ``"tau"``.
    terms : tuple of Term
        Contributions that do not interfere.
    electrons : callable, optional
        The same as `coherent` for the vector coupling of the electron, with the charges taken at
        Z = -1, N = 0; `NOT_TOUCHED` where nothing changes. Without it, an analysis that counts
        neutrino-electron scattering is refused.
    transition : Transition, optional
        Disappearance on the way.
    validate : callable
        ``f(values)`` raises DefinitionError for combinations of values that make no sense; a
        scanned parameter stands there with the first, then with the last value of its axis.
    physical : callable, optional
        ``f(*, <parameters>)`` -> bool, broadcasting: whether a point of the grid makes sense
        (unitarity, a boundary). Others get the status ``unphysical``.
    standard_model : mapping
        Values of the couplings at which the scenario is the Standard Model.
    derived : tuple of Derived
        Further quantities to tell.
    """

    title: str
    formula: str
    references: tuple[Reference, ...]
    parameters: tuple[Parameter, ...]
    charges: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    coherent: Coherent = _no_amplitude
    terms: tuple[Term, ...] = ()
    electrons: Coherent | None = None
    transition: Transition | None = None
    validate: Callable[[Mapping[str, Value]], None] = lambda _: None
    physical: Callable[..., npt.ArrayLike] | None = None
    standard_model: Mapping[str, float] = field(default_factory=dict)
    derived: tuple[Derived, ...] = ()

    def __post_init__(self) -> None:
        for function in self._functions():
            taken = [p.name for p in self.parameters if p.name in _before_the_star(function)]
            if taken:
                name = getattr(function, "__name__", "a function")
                raise DefinitionError(
                    f"scenario {self.title!r}: {name} takes {', '.join(taken)} by place; write "
                    f"`*, {', '.join(taken)}`: parameters are handed over by name"
                )

    def _functions(self) -> Iterator[Callable[..., Any]]:
        yield from self.charges.values()
        yield self.coherent
        for term in self.terms:
            yield from (term.cross_section, term.coefficient)
            if term.heavy_mass:
                yield term.heavy_mass
        if self.electrons:
            yield self.electrons
        if self.transition:
            yield from (
                self.transition.coefficient,
                self.transition.probability,
                self.transition.phase,
            )
        if self.physical:
            yield self.physical

    @property
    def only_inputs(self) -> bool:
        """Whether nothing is added to the Standard Model but freedom of its inputs."""
        added = self.charges or self.terms or self.transition
        return not added and self.coherent is _no_amplitude

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
    return [name for name in _keyword_only(function) if name in values]


def _before_the_star(function: Callable[..., Any]) -> set[str]:
    parameters = inspect.signature(function).parameters.values()
    return {p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD}


@lru_cache(maxsize=1024)
def _keyword_only(function: Callable[..., Any]) -> tuple[str, ...]:
    parameters = inspect.signature(function).parameters.values()
    return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)


def takes(
    *names: str, positional: tuple[str, ...] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: the function's keyword-only parameters are these, behind `positional` ones.

    For functions of many parameters that are written as ``**values``.

    >>> @takes("a", "b")
    ... def total(**values):
    ...     return sum(values.values())
    >>> call_with(total, values={"a": 1.0, "b": 2.0, "c": 4.0})
    3.0
    """
    parameters = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_ONLY) for n in positional]
    parameters += [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY) for n in names]

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return function

    return decorate
