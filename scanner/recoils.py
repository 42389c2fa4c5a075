"""What a scenario does in one fold: recoil spectra by monomial, and the counts of the energy bins.

Amplitudes are squared flavour by flavour; terms without interference add, with kinematic limits of
their own where the outgoing lepton is heavy; what disappears on the way is taken off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.amplitudes import Amplitudes, Rows, add, column, linear, squared
from scanner.fold import Beam, ElectronFold, Fold, NuclearFold
from scanner.polynomial import Polynomial, as_polynomial
from scanner.scenario import FLAVORS, Scenario, Term, Transition
from scanner.shapes import one_by_one

Array = npt.NDArray[np.float64]

AVERAGED = 0.5
"""sin^2 of a fast phase."""
VALUES_AT_ONCE = 2**20
"""Cross sections of a term (shape values x energies x recoils) made together: 8 MB an array."""


class Recoils:
    """Recoils of one scenario in folds of any target and flux component.

    Parameters
    ----------
    scenario : Scenario
        The form.
    said : Amplitudes
        What it says, bound to conventions and fixed values.
    baseline_m : float
        Distance to the source in m.
    """

    def __init__(self, scenario: Scenario, said: Amplitudes, baseline_m: float) -> None:
        self._scenario = scenario
        self._said = said
        self._baseline_m = baseline_m

    def counts(self, fold: Fold, shapes: Mapping[str, Array], inputs: Mapping[str, float]) -> Rows:
        """Counts of one fold in the energy bins by monomial, less what disappears on the way."""
        rows = self._arriving(fold, shapes, inputs)
        if self._scenario.transition is not None:
            add(rows, self._lost(fold, self._scenario.transition, shapes, inputs))
        return rows

    def _lost(
        self,
        fold: Fold,
        transition: Transition,
        shapes: Mapping[str, Array],
        inputs: Mapping[str, float],
    ) -> Rows:
        """Minus coefficient x what the probability takes, shape value by shape value."""
        flavor, length = fold.component.flavor, self._baseline_m
        parts: list[Rows] = []
        for one in one_by_one(shapes):
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
        for term in self._scenario.terms:
            if term.heavy_mass is not None and isinstance(fold, NuclearFold):
                add(rows, self._heavy(fold, term, term.heavy_mass, shapes, inputs))
            elif term.heavy_mass is None and (term.electrons or isinstance(fold, NuclearFold)):
                add(spectrum, self._term(fold, term, shapes, beam))
        add(rows, {e: fold.energy_bins(s, inputs) for e, s in spectrum.items()})
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
        total: Rows = {(0,) * len(self._said.couplings): g_a**2 * axial}
        for final in FLAVORS:
            amplitude = self._said.electronic(initial, final, shapes)
            add(total, {e: v * vector for e, v in squared(amplitude, charges).items()})
            if initial == final:
                add(total, {e: v * g_a * mixed for e, v in linear(amplitude, charges).items()})
        return total

    def _term(self, fold: Fold, term: Term, shapes: Mapping[str, Array], beam: Beam | None) -> Rows:
        """Recoils per target and MeV of a term without interference, by monomial."""
        energies, weights = fold.energies if beam is None else beam
        n = len(next(iter(shapes.values()))) if shapes else 1
        at_once = max(1, VALUES_AT_ONCE // energies.size)
        if n <= at_once:
            spectrum = self._of_unit_coefficient(fold, term, shapes, (energies, weights))
        else:
            spectrum = np.empty((n, len(fold.recoil)))
            for part in (slice(i, i + at_once) for i in range(0, n, at_once)):
                some = {k: v[part] for k, v in shapes.items()}
                spectrum[part] = self._of_unit_coefficient(fold, term, some, (energies, weights))
        coefficient = self._polynomial(term.coefficient, fold.component.flavor, shapes)
        return {e: column(c) * spectrum for e, c in coefficient.terms.items()}

    def _of_unit_coefficient(
        self, fold: Fold, term: Term, shapes: Mapping[str, Array], beam: Beam
    ) -> Array:
        """Recoils per target and MeV of a term with unit coefficient, (..., n_recoils)."""
        energies, weights = beam
        grown = {k: np.asarray(v)[..., np.newaxis, np.newaxis] for k, v in shapes.items()}
        target = fold.target
        if isinstance(fold, NuclearFold):
            target = self._said.nucleus(fold.target.isotope, shapes, behind=2)
        density = self._said.ask_values(
            term.cross_section,
            target,
            energies,
            fold.recoil,
            values=self._said.fixed | grown,
            like=weights,
        )
        return np.asarray(np.sum(weights * density, axis=-2))

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
        for one in one_by_one(shapes):
            values = self._said.fixed | one
            limits = fold.heavy(float(self._said.ask(heavy_mass, values=values)))
            if limits is None:
                counts.append(np.zeros(len(fold.accepted(inputs))))
                continue
            recoil, dt, (energies, weights) = limits
            target = self._said.nucleus(fold.target.isotope, one)
            density = self._said.ask_values(
                term.cross_section, target, energies, recoil, values=values, like=weights
            )
            spectrum = np.sum(weights * density, axis=-2)
            counts.append(fold.heavy_counts(recoil, dt, spectrum, inputs))
        total = np.stack(counts) if shapes else counts[0]
        coefficient = self._polynomial(term.coefficient, fold.component.flavor, shapes)
        return {e: column(c) * total for e, c in coefficient.terms.items()}

    def _polynomial(
        self, coefficient: Callable[..., Any], flavor: str, shapes: Mapping[str, Array]
    ) -> Polynomial:
        asked = self._said.ask(coefficient, flavor, values=self._said.values(shapes))
        return as_polynomial(asked, self._said.couplings)
