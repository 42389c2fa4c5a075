"""scenario x experiment -> counts per unit coefficient (the ONE place where they meet).

For fixed shape parameters the counts in a bin are a polynomial in the couplings,

    counts = sum_m (monomial m of the couplings) T_m(shape, bin)

and T_m is folded once per shape value. Amplitudes are squared before the fold, flavour by flavour
and isotope by isotope, never across them (trap 11):

    T = sum over isotopes, flux components, final flavours of
        N_nuclei integral dT R(bin, T) |Q(T)|^2 integral dE flux(E) G_F^2 M/pi (1 - T/E - M T/2E^2)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.amplitudes import Amplitudes, Conventions, Rows, add, column
from scanner.errors import DefinitionError
from scanner.experiment import Experiment
from scanner.fold import ElectronFold, Fold, NuclearFold
from scanner.inputs import WEAK_MIXING
from scanner.physics.nuclei import nucleus
from scanner.polynomial import Exponents, Polynomial, as_polynomial
from scanner.recoils import Recoils
from scanner.scenario import Scenario, named_parameters
from scanner.shapes import alike, apart

Array = npt.NDArray[np.float64]


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

    def monomials(
        self, couplings: Mapping[str, Array], orders: Mapping[str, int] | None = None
    ) -> Array:
        """Values of the monomials, shape (*broadcast shape of the couplings, n_rows).

        Parameters
        ----------
        orders : mapping from coupling to int
            Of the derivative by it, 0 by default.
        """
        columns = []
        shape = np.broadcast_shapes(*(np.shape(v) for v in couplings.values()))
        for powers in self.exponents:
            column = np.ones(shape)
            for name, power in zip(self.variables, powers, strict=True):
                order = (orders or {}).get(name, 0)
                value = np.asarray(couplings[name], dtype=np.float64)
                column = column * math.perm(power, order) * value ** max(power - order, 0)
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
        Values of all parameters that are not scanned; inputs may be left out.
    couplings : tuple of str
        Scanned parameters of role ``coupling``, the variables of the polynomial.

    Raises
    ------
    DefinitionError
        If a coupling does not enter as a polynomial, the coupling scheme lacks a flavour, or
        electrons are counted and the scenario does not know what it does to them.
    """

    def __init__(
        self,
        scenario: Scenario,
        experiment: Experiment,
        conventions: Conventions,
        fixed: Mapping[str, Any],
        couplings: tuple[str, ...],
    ) -> None:
        if experiment.no_transition and scenario.transition is not None:
            raise DefinitionError(
                f"scenario {scenario.title!r} with {experiment.name}: {experiment.no_transition}; "
                "leave the experiment out"
            )
        self.scenario = scenario
        self.experiment = experiment
        self.couplings = couplings
        self._said = Amplitudes(scenario, conventions, fixed, couplings, experiment.radius_scale)
        self._recoils = Recoils(scenario, self._said, experiment.baseline_m)
        if experiment.electrons is not None and scenario.electrons is None:
            raise DefinitionError(
                f'experiment.{experiment.name}.electron_scattering = "signal": the scenario '
                f'{scenario.title!r} does not say what it does to electrons; choose "ignored"'
            )
        if experiment.observable is not None and not scenario.only_inputs:
            raise DefinitionError(
                f"scenario {scenario.title!r} with {experiment.name}: "
                f"{experiment.observable.refusal}; leave the experiment out"
            )
        nuclei = [nucleus(i, conventions.form_factor) for i in experiment.target.composition]
        components = experiment.flux.components
        self._folds: list[Fold] = [
            NuclearFold(experiment, n, c) for n in nuclei for c in components
        ]
        if experiment.electrons is not None:
            self._folds += [ElectronFold(experiment, experiment.electrons, c) for c in components]

    def fold(self, shapes: Mapping[str, Array]) -> Templates:
        """Templates at the shape parameters' values, which broadcast with each other.

        Parameters
        ----------
        shapes : mapping from name to array
            All scanned shape parameters, in their own units; empty if none is scanned.
        """
        lengths = np.broadcast_shapes(*(np.shape(v) for v in shapes.values()))
        flat = {k: np.broadcast_to(v, lengths).ravel() for k, v in shapes.items()}
        predicted = self.experiment.observable is not None
        rows = self._predicted(flat) if predicted else self._rows(flat, self._folds)
        constant = (0,) * len(self.couplings)
        order = [constant, *sorted(set(rows) - {constant})]
        counts = np.stack([rows[exponents] for exponents in order])
        return Templates(
            self.couplings, tuple(order), counts.reshape(len(order), *lengths, counts.shape[-1])
        )

    def components(self) -> dict[str, Array]:
        """Counts (n_bins,) of each flux component with all parameters fixed."""
        if self.experiment.observable is not None:
            return {self.experiment.observable.name: self.fold({}).counts[0]}
        groups: dict[str, list[Fold]] = {}
        for fold in self._folds:
            on = " on electrons" if isinstance(fold, ElectronFold) else ""
            groups.setdefault(fold.component.name + on, []).append(fold)
        return {name: self._rows({}, folds)[()] for name, folds in groups.items()}

    def _predicted(self, shapes: Mapping[str, Array]) -> Rows:
        """The observable by monomial, (n, 1), or (1,) where no shape is scanned."""
        assert self.experiment.observable is not None
        [isotope] = self.experiment.target.composition
        radius = self._said.neutron_radius(isotope, shapes)
        asked = self.experiment.observable.prediction(
            sin2_theta_w=self._said.values(shapes)[WEAK_MIXING.name],
            neutron_radius=isotope.neutron_radius if radius is None else radius,
        )
        lengths = np.broadcast_shapes(*(np.shape(v) for v in shapes.values()))
        terms = as_polynomial(asked, self.couplings).terms
        return {e: np.broadcast_to(column(c), (*lengths, 1)).copy() for e, c in terms.items()}

    def _rows(self, shapes: Mapping[str, Array], folds: Sequence[Fold]) -> Rows:
        """Counts (n, n_bins) by monomial, (n_bins,) where no shape is scanned."""
        n = len(next(iter(shapes.values()))) if shapes else 0
        lengths = (n, self.experiment.n_bins) if n else (self.experiment.n_bins,)
        # a row of the constant in any case: a flux of zero leaves nothing else
        rows: Rows = {(0,) * len(self.couplings): np.zeros(lengths)}
        fixed, (responding, timed) = self._fixed_inputs(), self._scanned_inputs(shapes)
        for part, inputs in alike(shapes, responding):
            own = {k: v[part] for k, v in shapes.items()}
            few, index = apart(own, timed)
            for fold, counted in self._in_energy(folds, few, fixed | inputs):
                for exponents, energies in counted.items():
                    if exponents not in rows:
                        rows[exponents] = np.zeros(lengths)
                    for where, at in alike(own, timed):
                        # counts that no shape changes have one row
                        if index is None or energies.ndim == 1:
                            some = energies
                        else:
                            some = energies[index[where]]
                        counts = fold.in_all_bins(some, fixed | inputs | at)
                        rows[exponents][part[where] if n else ...] += counts
        return rows

    def _in_energy(
        self, folds: Sequence[Fold], shapes: Mapping[str, Array], inputs: Mapping[str, float]
    ) -> Iterator[tuple[Fold, Rows]]:
        """Counts in the energy bins by monomial, added over folds that go into all bins alike."""
        groups: dict[str, list[Fold]] = {}
        for fold in folds:
            groups.setdefault(fold.sorted_with, []).append(fold)
        for group in groups.values():
            total: Rows = {}
            for fold in group:
                counted = self._recoils.counts(fold, shapes, inputs)
                add(total, self._scaled(counted, fold.component.name))
            yield group[0], total

    def _fixed_inputs(self) -> dict[str, float]:
        """Inputs of the detector that are fixed at another value than the usual one."""
        known = {p.name: p.default for p in self.experiment.inputs}
        fixed = self._said.fixed
        return {n: fixed[n] for n in known if fixed.get(n, known[n]) != known[n]}

    def _scanned_inputs(self, shapes: Mapping[str, Array]) -> tuple[list[str], list[str]]:
        """Scanned inputs of the detector: those of the response, and those that act behind it.

        The latter change the shares of the bins that are not energy, or the backgrounds alone:
        nothing is folded again for them.
        """
        at = self.experiment.response_at
        responding = named_parameters(at, shapes) if at is not None else []
        taken = (*responding, self.experiment.radius_scale)
        scanned = [p.name for p in self.experiment.inputs if p.name in shapes]
        return responding, [name for name in scanned if name not in taken]

    def _scaled(self, rows: Rows, component: str) -> Rows:
        """Counts of one flux component, times the inputs that scale its flux."""
        if not self.experiment.normalisations:
            return rows
        factor = Polynomial(self.couplings, {(0,) * len(self.couplings): 1.0})
        for name, components in self.experiment.normalisations.items():
            if name in self.couplings:
                own: Any = Polynomial.variable(name, self.couplings)
            else:
                own = float(self._said.fixed.get(name, 1.0))
            factor = factor * own if not components or component in components else factor
        scaled: Rows = {}
        for exponents, counts in rows.items():
            for more, c in factor.terms.items():
                total = tuple(i + j for i, j in zip(exponents, more, strict=True))
                add(scaled, {total: c * counts})
        return scaled
