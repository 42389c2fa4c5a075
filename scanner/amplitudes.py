"""Amplitudes: what a scenario says, asked at given values, as polynomials in its couplings."""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.errors import DefinitionError, raised_at, unknown
from scanner.inputs import WEAK_MIXING, radius_names
from scanner.physics.charges import weak_couplings
from scanner.physics.constants import SIN2_THETA_W
from scanner.physics.nuclei import Isotope, Nucleus, Target, nucleus
from scanner.polynomial import Exponents, Polynomial, as_polynomial
from scanner.scenario import Coefficient, Coherent, Scenario, call_with

Array = npt.NDArray[np.float64]
Rows = dict[Exponents, Any]
"""Arrays by monomial, perhaps the sum of nothing, 0."""


@dataclass(frozen=True)
class Conventions:
    """Named physics conventions, recorded in every output."""

    couplings: str = "AC22"
    form_factor: str = "helm"


class Amplitudes:
    """A scenario bound to conventions and to the values of all parameters that are not scanned.

    Parameters
    ----------
    scenario : Scenario
        The form.
    conventions : Conventions
        Weak couplings and form factor.
    fixed : mapping
        Values of all parameters that are not scanned; inputs may be left out.
    couplings : tuple of str
        Scanned parameters of role ``coupling``, the variables of the polynomial.
    radius_scale : str
        Input whose value multiplies the radii of all nuclei; empty if there is none.
    """

    def __init__(
        self,
        scenario: Scenario,
        conventions: Conventions,
        fixed: Mapping[str, Any],
        couplings: tuple[str, ...],
        radius_scale: str = "",
    ) -> None:
        self._radius_scale = radius_scale
        self.scenario = scenario
        self.couplings = couplings
        self._conventions = conventions
        self._weak = weak_couplings(conventions.couplings)
        self.fixed = {WEAK_MIXING.name: SIN2_THETA_W, **fixed}

    def values(self, shapes: Mapping[str, Array]) -> dict[str, Any]:
        variables = {c: Polynomial.variable(c, self.couplings) for c in self.couplings}
        return {**self.fixed, **shapes, **variables}

    def ask(self, function: Callable[..., Any], *args: Any, values: Mapping[str, Any]) -> Any:
        """Answer of one of the scenario's functions; what it raises becomes one clear error."""
        try:
            return call_with(function, *args, values=values)
        except DefinitionError:
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {error} ({_place(function, error)})"
            mend = "mend the scenario"
            if isinstance(error, TypeError) and "Polynomial" in str(error):
                mend = (
                    f"the scanned couplings {', '.join(self.couplings)} must enter as a "
                    "polynomial; declare others as role 'shape'"
                )
            raise self._wrong(function, f"failed: {said}; {mend}") from error

    def ask_values(
        self, function: Callable[..., Any], *args: Any, values: Mapping[str, Any], like: Any
    ) -> Array:
        """Answer that is real numbers, one for each entry of `like` or what broadcasts with it."""
        found = self.ask(function, *args, values=values)
        try:
            real = np.asarray(found).dtype.kind in "fiu"
        except ValueError:  # lists of unequal lengths
            real = False
        if not real:
            raise self._wrong(function, f"gave {reprlib.repr(found)}; give real numbers")
        try:
            np.broadcast_shapes(np.shape(found), np.shape(like))
        except ValueError:
            raise self._wrong(
                function,
                f"gave shape {np.shape(found)}; give one number for each value that it is given, "
                f"shape {np.shape(like)}",
            ) from None
        return np.asarray(found)

    def _wrong(self, function: Callable[..., Any], what: str) -> DefinitionError:
        name = getattr(function, "__name__", "function")
        return DefinitionError(f"scenario {self.scenario.title!r}: {name} {what}")

    def nucleus(self, isotope: Isotope, shapes: Mapping[str, Array], behind: int = 1) -> Nucleus:
        """The nucleus with the radii of each shape value, `behind` axes added."""
        form_factor = self._conventions.form_factor
        radius = _behind(self.neutron_radius(isotope, shapes), behind)
        scale = _behind(self._value(self._radius_scale, shapes), behind)
        return nucleus(isotope, form_factor, radius, 1.0 if scale is None else scale)

    def neutron_radius(self, isotope: Isotope, shapes: Mapping[str, Array]) -> Array | None:
        """Radius (fm) that is given for an isotope, its own or the common one; None if none is."""
        for name in radius_names(isotope):
            given = self._value(name, shapes)
            if given is not None:
                return given
        return None

    def _value(self, name: str, shapes: Mapping[str, Array]) -> Array | None:
        given = shapes[name] if name in shapes else self.fixed.get(name)
        return None if given is None else np.asarray(given, dtype=np.float64)

    def charges(
        self, target: Target, q2: Array, shapes: Mapping[str, Array]
    ) -> Iterator[tuple[str, Array]]:
        """Charges of all amplitudes at the recoil nodes."""
        yield "weak_proton", target.Z * target.proton_form_factor(q2)
        yield "weak_neutron", target.N * target.neutron_form_factor(q2)
        values = self.fixed | {k: np.asarray(v)[..., np.newaxis] for k, v in shapes.items()}
        for name, charge in self.scenario.charges.items():
            yield name, self.ask_values(charge, target, q2, values=values, like=q2)

    def nuclear(
        self, initial: str, final: str, shapes: Mapping[str, Array]
    ) -> dict[str, Polynomial]:
        """Coefficient of each charge in the amplitude nu_initial -> nu_final."""
        amplitude: dict[str, Coefficient] = {}
        if initial == final:
            shift = self.values(shapes)[WEAK_MIXING.name] - SIN2_THETA_W
            amplitude = {
                "weak_proton": self._weak_proton(initial) - 2.0 * shift,
                "weak_neutron": self._weak.neutron,
            }
        extra = self._coefficients(self.scenario.coherent, initial, final, shapes)
        for name, coefficient in extra.items():
            amplitude[name] = amplitude[name] + coefficient if name in amplitude else coefficient
        return {name: as_polynomial(c, self.couplings) for name, c in amplitude.items()}

    def _coefficients(
        self, coherent: Coherent | None, initial: str, final: str, shapes: Mapping[str, Array]
    ) -> dict[str, Coefficient]:
        """What a scenario adds to an amplitude, by the name of the charge."""
        if coherent is None:
            return {}
        extra = self.ask(coherent, initial, final, values=self.values(shapes))
        if not isinstance(extra, Mapping):
            raise self._wrong(
                coherent,
                f'gave {reprlib.repr(extra)}; give coefficients by charge, {{"proton": ...}}',
            )
        for name in extra:
            if name not in ("weak_proton", "weak_neutron", *self.scenario.charges):
                raise DefinitionError(
                    f"scenario {self.scenario.title!r}: coherent: "
                    f"{unknown('charge', name, self.scenario.charges)}; mend the scenario"
                )
        return dict(extra)

    def electronic(
        self, initial: str, final: str, shapes: Mapping[str, Array]
    ) -> dict[str, Polynomial]:
        """Vector coupling of the electron in nu_initial -> nu_final, by charge; ``unit`` is 1."""
        extra = self._coefficients(self.scenario.electrons, initial, final, shapes)
        if initial == final:
            shift = self.values(shapes)[WEAK_MIXING.name] - SIN2_THETA_W
            extra["unit"] = self._weak.electron[initial][0] + 2.0 * shift
        return {name: as_polynomial(c, self.couplings) for name, c in extra.items()}

    def electron_axial(self, flavor: str) -> float:
        """Axial coupling of the electron to nu_flavor; no scenario changes it."""
        return self._weak.electron[flavor][1]

    def _weak_proton(self, flavor: str) -> float:
        if flavor not in self._weak.proton:
            raise DefinitionError(
                f"options.couplings: scheme {self._conventions.couplings!r} has no proton coupling "
                f"for nu_{flavor}; choose AC22 or tree"
            )
        return self._weak.proton[flavor]


def _place(function: Callable[..., Any], error: Exception) -> str:
    """File and line of a mistake; of the function where it could not even be called."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    begun = f"{Path(code.co_filename).name}, line {code.co_firstlineno}" if code else "built in"
    return raised_at(error) or begun


def _behind(values: Array | None, n: int) -> Array | None:
    """Values of shapes with n axes added behind; a number as it is."""
    return values.reshape(*values.shape, *[1] * n) if values is not None and values.ndim else values


def column(coefficient: Any) -> Any:
    """Coefficient with an axis for the recoil (or the bin) behind its shape axes."""
    return np.asarray(coefficient)[..., np.newaxis] if np.ndim(coefficient) else coefficient


def add(total: Rows, more: Mapping[Exponents, Any]) -> None:
    """Add rows to others, monomial by monomial."""
    for exponents, value in more.items():
        total[exponents] = total[exponents] + value if exponents in total else value


def linear(amplitude: Mapping[str, Polynomial], charges: Mapping[str, Array]) -> Rows:
    """Real part of sum_k c_k B_k by monomial."""
    total: Rows = {}
    for name, coefficient in amplitude.items():
        for exponents, c in coefficient.real.terms.items():
            total[exponents] = total.get(exponents, 0.0) + column(c) * charges[name]
    return total


def squared(amplitude: Mapping[str, Polynomial], charges: Mapping[str, Array]) -> Rows:
    """|sum_k c_k B_k|^2 by monomial; B real, c real or complex."""
    total: Rows = {}
    names = list(amplitude)
    for i, left in enumerate(names):
        for right in names[i:]:
            product = (amplitude[left] * amplitude[right].conjugate()).real
            factor = (1.0 if left == right else 2.0) * charges[left] * charges[right]
            for exponents, c in product.terms.items():
                total[exponents] = total.get(exponents, 0.0) + column(c) * factor
    return total
