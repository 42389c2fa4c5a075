"""scenario x experiment -> counts per unit coefficient (the ONE place where they meet).

For fixed shape parameters the counts in a bin are a polynomial in the couplings,

    counts = sum_m (monomial m of the couplings) T_m(shape, bin)

and T_m is folded once per shape value. Amplitudes are squared before the fold, flavour by flavour
and isotope by isotope, never across them (trap 11):

    T = sum over isotopes, flux components, final flavours of
        N_nuclei integral dT R(bin, T) |Q(T)|^2 integral dE flux(E) G_F^2 M/pi (1 - T/E - M T/2E^2)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.amplitudes import Amplitudes, Conventions, Rows, add, column, linear, squared
from scanner.errors import DefinitionError
from scanner.experiment import Experiment
from scanner.fold import Beam, ElectronFold, Fold, NuclearFold
from scanner.inputs import WEAK_MIXING
from scanner.physics.nuclei import nucleus
from scanner.polynomial import Exponents, Polynomial, as_polynomial
from scanner.scenario import FLAVORS, Scenario, Term, Transition

Array = npt.NDArray[np.float64]

AVERAGED = 0.5
"""sin^2 of a fast phase."""


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
        self._said = Amplitudes(scenario, conventions, fixed, couplings)
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
        if constant not in rows:  # a scanned flux multiplies everything
            rows[constant] = np.zeros_like(next(iter(rows.values())))
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
        rows: Rows = {}
        for part, inputs in self._by_detector(shapes):
            own = {k: v[part] for k, v in shapes.items()}
            for fold in folds:
                counted = self._scaled(self._counts(fold, own, inputs), fold.component.name)
                for exponents, counts in counted.items():
                    if exponents not in rows:
                        rows[exponents] = np.zeros(
                            (n, counts.shape[-1]) if n else counts.shape[-1:]
                        )
                    rows[exponents][part if n else ...] += counts
        return rows

    def _by_detector(
        self, shapes: Mapping[str, Array]
    ) -> Iterator[tuple[npt.NDArray[np.intp], dict[str, float]]]:
        """Points that have the same inputs of the detector, and those inputs."""
        known = {p.name: p.default for p in self.experiment.inputs}
        fixed = {
            n: self._said.fixed[n] for n in known if self._said.fixed.get(n, known[n]) != known[n]
        }
        scanned = [n for n in known if n in shapes]
        if not scanned:
            n = len(next(iter(shapes.values()))) if shapes else 0
            yield np.arange(n), fixed
            return
        values, index = np.unique(
            np.stack([shapes[n] for n in scanned], axis=1), axis=0, return_inverse=True
        )
        for i, row in enumerate(values.tolist()):
            yield (
                np.flatnonzero(index.ravel() == i),
                {**fixed, **dict(zip(scanned, row, strict=True))},
            )

    def _counts(self, fold: Fold, shapes: Mapping[str, Array], inputs: Mapping[str, float]) -> Rows:
        """Counts of one fold by monomial, less what disappears on the way."""
        rows = self._arriving(fold, shapes, inputs)
        if self.scenario.transition is not None:
            add(rows, self._lost(fold, self.scenario.transition, shapes, inputs))
        return rows

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

    def _lost(
        self,
        fold: Fold,
        transition: Transition,
        shapes: Mapping[str, Array],
        inputs: Mapping[str, float],
    ) -> Rows:
        """Minus coefficient x what the probability takes, shape value by shape value."""
        flavor, length = fold.component.flavor, self.experiment.baseline_m
        parts: list[Rows] = []
        for one in _one_by_one(shapes):
            values = self._said.fixed | one
            phase = float(self._said.ask(transition.phase, length, values=values))
            (energies, weights), averages_out = fold.oscillating(phase)
            taken = self._said.ask(transition.probability, energies, length, values=values)
            beam = (energies, weights * (AVERAGED if averages_out else taken))
            parts.append(self._arriving(fold, one, inputs, beam))
        coefficient = self._polynomial(transition.coefficient, flavor, shapes)
        rows: Rows = {}
        for exponents in parts[0]:
            counts = [part[exponents] for part in parts]
            taken = np.stack(counts) if shapes else counts[0]
            for more, c in coefficient.terms.items():
                total = tuple(i + j for i, j in zip(exponents, more, strict=True))
                add(rows, {total: -column(c) * taken})
        return rows

    def _arriving(
        self,
        fold: Fold,
        shapes: Mapping[str, Array],
        inputs: Mapping[str, float],
        beam: Beam | None = None,
    ) -> Rows:
        """Counts by monomial in the given beam, else in the undisturbed one."""
        if isinstance(fold, NuclearFold):
            spectrum = self._nuclear_spectrum(fold, shapes, beam)
        else:
            assert isinstance(fold, ElectronFold)
            spectrum = self._electron_spectrum(fold, shapes, beam)
        rows: Rows = {}
        for term in self.scenario.terms:
            if term.heavy_mass is not None and isinstance(fold, NuclearFold):
                add(rows, self._heavy(fold, term, term.heavy_mass, shapes, inputs))
            elif term.heavy_mass is None and (term.electrons or isinstance(fold, NuclearFold)):
                add(spectrum, self._term(fold, term, shapes, beam))
        add(rows, {e: fold.counts(s, inputs) for e, s in spectrum.items()})
        return rows

    def _nuclear_spectrum(
        self, fold: NuclearFold, shapes: Mapping[str, Array], beam: Beam | None
    ) -> Rows:
        """Recoils per nucleus and MeV of each monomial, (*shape lengths, n_recoils)."""
        strength = fold.weak_strength if beam is None else fold.strength(beam)
        target = self._said.nucleus(fold.target.isotope, shapes)
        charges = dict(self._said.charges(target, fold.q2, shapes))
        total: Rows = {}
        for final in FLAVORS:
            add(total, squared(self._said.nuclear(fold.component.flavor, final, shapes), charges))
        return {e: q2 * strength for e, q2 in total.items()}

    def _electron_spectrum(
        self, fold: ElectronFold, shapes: Mapping[str, Array], beam: Beam | None
    ) -> Rows:
        """Recoils per electron and MeV of each monomial, as `vector_axial_parts` has them."""
        vector, mixed, axial = fold.parts(fold.energies if beam is None else beam)
        charges = dict(self._said.charges(fold.target, fold.q2, shapes))
        charges["unit"] = np.ones_like(fold.q2)
        initial = fold.component.flavor
        g_a = self._said.electron_axial(initial)
        total: Rows = {(0,) * len(self.couplings): g_a**2 * axial}
        for final in FLAVORS:
            amplitude = self._said.electronic(initial, final, shapes)
            add(total, {e: v * vector for e, v in squared(amplitude, charges).items()})
            if initial == final:
                add(total, {e: v * g_a * mixed for e, v in linear(amplitude, charges).items()})
        return total

    def _term(self, fold: Fold, term: Term, shapes: Mapping[str, Array], beam: Beam | None) -> Rows:
        """Recoils per target and MeV of a term without interference, by monomial."""
        energies, weights = fold.energies if beam is None else beam
        grown = {k: np.asarray(v)[..., np.newaxis, np.newaxis] for k, v in shapes.items()}
        target = fold.target
        if isinstance(fold, NuclearFold):
            target = self._said.nucleus(fold.target.isotope, shapes, behind=2)
        density = self._said.ask(
            term.cross_section, target, energies, fold.recoil, values=self._said.fixed | grown
        )
        spectrum = np.sum(weights * density, axis=-2)
        coefficient = self._polynomial(term.coefficient, fold.component.flavor, shapes)
        return {e: column(c) * spectrum for e, c in coefficient.terms.items()}

    def _heavy(
        self,
        fold: NuclearFold,
        term: Term,
        heavy_mass: Callable[..., Any],
        shapes: Mapping[str, Array],
        inputs: Mapping[str, float],
    ) -> Rows:
        """Counts of a term with kinematic limits of its own, shape value by shape value."""
        counts = []
        for one in _one_by_one(shapes):
            values = self._said.fixed | one
            limits = fold.heavy(float(self._said.ask(heavy_mass, values=values)))
            if limits is None:
                counts.append(np.zeros(self.experiment.n_bins))
                continue
            recoil, dt, (energies, weights) = limits
            target = self._said.nucleus(fold.target.isotope, one)
            density = self._said.ask(term.cross_section, target, energies, recoil, values=values)
            spectrum = np.sum(weights * density, axis=-2)
            counts.append(fold.heavy_counts(recoil, dt, spectrum, inputs))
        total = np.stack(counts) if shapes else counts[0]
        coefficient = self._polynomial(term.coefficient, fold.component.flavor, shapes)
        return {e: column(c) * total for e, c in coefficient.terms.items()}

    def _polynomial(
        self, coefficient: Callable[..., Any], flavor: str, shapes: Mapping[str, Array]
    ) -> Polynomial:
        asked = self._said.ask(coefficient, flavor, values=self._said.values(shapes))
        return as_polynomial(asked, self.couplings)


def _one_by_one(shapes: Mapping[str, Array]) -> Iterator[dict[str, Array]]:
    """Shape values one after the other, as numbers; once with none where nothing is scanned."""
    n = len(next(iter(shapes.values()))) if shapes else 1
    for i in range(n):
        yield {name: values[i] for name, values in shapes.items()}
