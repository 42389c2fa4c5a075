"""The target of a described experiment: a material by its formula, and a mass."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scanner.described.numbers import quantity
from scanner.errors import unknown
from scanner.inputs import SMALLEST_RADIUS
from scanner.physics import isotopes
from scanner.physics.nuclei import Material
from scanner.section import Section

_SYMBOL = re.compile(r"[A-Z][a-z]?")


@dataclass(frozen=True)
class Target:
    """What neutrinos scatter on."""

    material: Material
    mass_kg: float

    @property
    def elements(self) -> tuple[str, ...]:
        """Symbols of the elements, each once."""
        return tuple(dict.fromkeys(isotope.symbol for isotope in self.material.composition))


def read(section: Section) -> Target:
    """Target of a table ``[target]``: its ``material`` and ``mass``."""
    section.allow(("material", "mass"))
    return Target(_material(section), quantity(section, "mass", "kg"))


def _material(section: Section) -> Material:
    formula = section.text("material")
    known = isotopes.elements()
    for match in _SYMBOL.finditer(formula):
        if match[0] not in known:
            place = f"position {match.start() + 1} of {formula!r}"
            section.fail("material", f"{place}: {unknown('element', match[0], known)}")
    try:
        made = isotopes.material(formula)
    except ValueError as error:
        section.fail("material", str(error))
    for isotope in made.composition:
        if isotope.proton_radius < SMALLEST_RADIUS:
            section.fail(
                "material",
                f"{isotope.symbol} is too small for the form factors, which start at "
                f"{SMALLEST_RADIUS:g} fm; leave it out of formula and mass",
            )
    return made
