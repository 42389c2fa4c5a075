"""scenario x experiment -> counts per unit coefficient (the ONE place where they meet).

For fixed shape parameters the counts in a bin are a polynomial in the couplings,

    counts = sum_m (monomial m of the couplings) T_m(shape, bin)

and T_m is folded once per shape value. Amplitudes are squared before the fold, flavour by flavour
and isotope by isotope, never across them (trap 11):

    T = sum over isotopes, flux components, final flavours of
        N_nuclei integral dT R(bin, T) |Q(T)|^2 integral dE flux(E) G_F^2 M/pi (1 - T/E - M T/2E^2)
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.errors import DefinitionError, unknown
from scanner.experiment import Experiment
from scanner.fold import Fold
from scanner.physics.charges import weak_couplings
from scanner.physics.nuclei import Isotope, Nucleus, nucleus
from scanner.polynomial import Exponents, Polynomial, as_polynomial
from scanner.scenario import FLAVORS, Coefficient, Scenario, Term, call_with

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Conventions:
    """Named physics conventions, recorded in every output."""

    couplings: str = "AC22"
    form_factor: str = "helm"


@dataclass(frozen=True)
class Templates:
    """Counts per unit monomial.

    Parameters
    ----------
    variables : tuple of str
        Scanned couplings.
    exponents : tuple of tuple of int
        One per row: powers of the variables; row 0 is the constant.
    counts : array (n_rows, *shape lengths, n_bins)
        Counts per unit monomial at nominal pulls.
    """

    variables: tuple[str, ...]
    exponents: tuple[Exponents, ...]
    counts: Array

    def monomials(self, couplings: Mapping[str, Array]) -> Array:
        """Values of the monomials, shape (*broadcast shape of the couplings, n_rows)."""
        columns = []
        shape = np.broadcast_shapes(*(np.shape(v) for v in couplings.values()))
        for powers in self.exponents:
            column = np.ones(shape)
            for name, power in zip(self.variables, powers, strict=True):
                column = column * np.asarray(couplings[name], dtype=np.float64) ** power
            columns.append(column)
        return np.stack(columns, axis=-1)


class TemplateMaker:
    """Folds the templates of one scenario in one experiment.

    Parameters
    ----------
    scenario, experiment : Scenario, Experiment
        The two forms.
    conventions : Conventions
        Weak couplings and form factor.
    fixed : mapping
        Values of all parameters that are not scanned.
    couplings : tuple of str
        Scanned parameters of role ``coupling``, the variables of the polynomial.

    Raises
    ------
    DefinitionError
        If a coupling does not enter as a polynomial, or the coupling scheme lacks a flavour.
    """

    def __init__(
        self,
        scenario: Scenario,
        experiment: Experiment,
        conventions: Conventions,
        fixed: Mapping[str, Any],
        couplings: tuple[str, ...],
    ) -> None:
        self.scenario = scenario
        self.couplings = couplings
        self._fixed = dict(fixed)
        self._weak = weak_couplings(conventions.couplings)
        self._scheme = conventions.couplings
        self._folds = [
            Fold(experiment, target, component)
            for target in _nuclei(experiment, conventions.form_factor)
            for component in experiment.flux.components
        ]

    def fold(self, shapes: Mapping[str, Array]) -> Templates:
        """Templates at the shape parameters' values, which broadcast with each other.

        Parameters
        ----------
        shapes : mapping from name to array
            All scanned shape parameters, in the scenario's units; empty if none is scanned.
        """
        rows = self._rows(shapes, self._folds)
        lengths = np.broadcast_shapes(*(np.shape(v) for v in shapes.values()))
        constant = (0,) * len(self.couplings)
        order = [constant, *sorted(set(rows) - {constant})]
        counts = [np.broadcast_to(rows[e], (*lengths, rows[e].shape[-1])) for e in order]
        return Templates(self.couplings, tuple(order), np.stack(counts))

    def components(self) -> dict[str, Array]:
        """Counts (n_bins,) of each flux component with all parameters fixed."""
        names = dict.fromkeys(fold.component.name for fold in self._folds)
        groups = {n: [f for f in self._folds if f.component.name == n] for n in names}
        return {name: self._rows({}, folds)[()] for name, folds in groups.items()}

    def _rows(self, shapes: Mapping[str, Array], folds: Sequence[Fold]) -> dict[Exponents, Array]:
        rows: dict[Exponents, Array] = {}
        for fold in folds:
            for exponents, spectrum in self._spectrum(fold, shapes).items():
                counts = fold.counts(spectrum)
                rows[exponents] = rows[exponents] + counts if exponents in rows else counts
        return rows

    def _spectrum(self, fold: Fold, shapes: Mapping[str, Array]) -> dict[Exponents, Array]:
        """Recoils per nucleus and MeV of each monomial, (*shape lengths, n_recoils)."""
        charge_squared = self._charge_squared(fold, shapes)
        spectrum = {e: q2 * fold.weak_strength for e, q2 in charge_squared.items()}
        for term in self.scenario.terms:
            for exponents, value in self._term(fold, term, shapes).items():
                spectrum[exponents] = spectrum.get(exponents, 0.0) + value
        return spectrum

    def _charge_squared(self, fold: Fold, shapes: Mapping[str, Array]) -> dict[Exponents, Array]:
        """Sum over final flavours of |Q|^2, by monomial, (*shape lengths, n_recoils)."""
        charges = dict(self._charges(fold, shapes))
        total: dict[Exponents, Array] = {}
        for final in FLAVORS:
            amplitude = self._amplitude(fold.component.flavor, final, shapes)
            for exponents, value in _squared(amplitude, charges).items():
                total[exponents] = total.get(exponents, 0.0) + value
        return total

    def _charges(self, fold: Fold, shapes: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
        """Nuclear charges of all amplitudes at the recoil nodes."""
        target, q2 = fold.nucleus, fold.q2
        yield "weak_proton", target.Z * target.proton_form_factor(q2)
        yield "weak_neutron", target.N * target.neutron_form_factor(q2)
        values = self._fixed | {k: np.asarray(v)[..., np.newaxis] for k, v in shapes.items()}
        for name, charge in self.scenario.charges.items():
            yield name, self._ask(charge, target, q2, values=values)

    def _amplitude(
        self, initial: str, final: str, shapes: Mapping[str, Array]
    ) -> dict[str, Polynomial]:
        """Coefficient of each charge in the amplitude nu_initial -> nu_final."""
        amplitude: dict[str, Coefficient] = {}
        if initial == final:
            amplitude = {
                "weak_proton": self._weak_proton(initial),
                "weak_neutron": self._weak.neutron,
            }
        extra = self._ask(self.scenario.coherent, initial, final, values=self._values(shapes))
        for name, coefficient in extra.items():
            if name not in ("weak_proton", "weak_neutron", *self.scenario.charges):
                raise DefinitionError(
                    f"scenario {self.scenario.title!r}: coherent: "
                    f"{unknown('charge', name, self.scenario.charges)}; mend the scenario"
                )
            amplitude[name] = amplitude[name] + coefficient if name in amplitude else coefficient
        return {name: as_polynomial(c, self.couplings) for name, c in amplitude.items()}

    def _weak_proton(self, flavor: str) -> float:
        if flavor not in self._weak.proton:
            raise DefinitionError(
                f"options.couplings: scheme {self._scheme!r} has no proton coupling for "
                f"nu_{flavor}; choose AC22 or tree"
            )
        return self._weak.proton[flavor]

    def _term(self, fold: Fold, term: Term, shapes: Mapping[str, Array]) -> dict[Exponents, Array]:
        """Recoils per nucleus and MeV of a term without interference, by monomial."""
        coefficient = as_polynomial(
            self._ask(term.coefficient, fold.component.flavor, values=self._values(shapes)),
            self.couplings,
        )
        energies, weights = fold.energies
        grown = {k: np.asarray(v)[..., np.newaxis, np.newaxis] for k, v in shapes.items()}
        density = self._ask(
            term.cross_section, fold.nucleus, energies, fold.recoil, values=self._fixed | grown
        )
        spectrum = np.sum(weights * density, axis=-2)
        return {e: _column(c) * spectrum for e, c in coefficient.terms.items()}

    def _values(self, shapes: Mapping[str, Array]) -> dict[str, Any]:
        variables = {c: Polynomial.variable(c, self.couplings) for c in self.couplings}
        return {**self._fixed, **shapes, **variables}

    def _ask(self, function: Callable[..., Any], *args: Any, values: Mapping[str, Any]) -> Any:
        """Answer of one of the scenario's functions; what it raises becomes one clear error."""
        try:
            return call_with(function, *args, values=values)
        except DefinitionError:
            raise
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            said = f"{type(error).__name__}: {error} ({Path(last.filename).name}, {last.lineno})"
            mend = "mend the scenario"
            if isinstance(error, TypeError) and "Polynomial" in str(error):
                mend = (
                    f"the scanned couplings {', '.join(self.couplings)} must enter as a "
                    "polynomial; declare others as role 'shape'"
                )
            name = getattr(function, "__name__", "function")
            raise DefinitionError(
                f"scenario {self.scenario.title!r}: {name} failed: {said}; {mend}"
            ) from error


def _nuclei(experiment: Experiment, form_factor: str) -> Iterator[Nucleus]:
    isotope: Isotope
    for isotope in experiment.target.composition:
        yield nucleus(isotope, form_factor)


def _column(coefficient: Any) -> Any:
    """Coefficient with an axis for the recoil behind its shape axes."""
    return np.asarray(coefficient)[..., np.newaxis] if np.ndim(coefficient) else coefficient


def _squared(
    amplitude: Mapping[str, Polynomial], charges: Mapping[str, Array]
) -> dict[Exponents, Array]:
    """|sum_k c_k B_k|^2 by monomial; B real, c real or complex."""
    total: dict[Exponents, Array] = {}
    names = list(amplitude)
    for i, left in enumerate(names):
        for right in names[i:]:
            product = (amplitude[left] * amplitude[right].conjugate()).real
            factor = (1.0 if left == right else 2.0) * charges[left] * charges[right]
            for exponents, c in product.terms.items():
                total[exponents] = total.get(exponents, 0.0) + _column(c) * factor
    return total
