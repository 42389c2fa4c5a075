"""Quenching of a described experiment: recoil energy to what the detector sees of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from scanner.described.numbers import check_share, curve, listed, positive, signed
from scanner.described.target import Target
from scanner.physics.nuclei import Isotope
from scanner.physics.quenching import LINDHARD, lindhard_kevee, linear_kevee
from scanner.reference import Reference
from scanner.section import Section

Array = npt.NDArray[np.float64]

EE, NR = "keVee", "keVnr"


@dataclass(frozen=True)
class Quenching:
    """Recoil (MeV) to energy, the unit of that energy, and the papers of the formula."""

    unit: str
    energy: Callable[[Array], Array]
    papers: tuple[Reference, ...] = ()


def read(section: Section, target: Target) -> Quenching:
    """Quenching of a table ``[response.quenching]``."""
    return KINDS[section.one_of("kind", tuple(KINDS))](section, target)


def _factor(section: Section, name: str) -> float:
    """A number above 0, at most 1."""
    value = positive(section, name)
    check_share(section, name, value)
    return value


def _none(section: Section, _: Target) -> Quenching:
    """All of the recoil energy is seen, as by a cryogenic calorimeter."""
    section.allow(("kind",))
    return Quenching(NR, lambda recoil: 1e3 * recoil)


def _constant(section: Section, _: Target) -> Quenching:
    section.allow(("kind", "factor"))
    factor = _factor(section, "factor")
    return Quenching(EE, lambda recoil: 1e3 * factor * recoil)


def _linear(section: Section, _: Target) -> Quenching:
    """(constant + slope T) T."""
    section.allow(("kind", "constant", "slope"))
    constant, slope = _factor(section, "constant"), signed(section, "slope", "1/keVnr")
    return Quenching(EE, partial(linear_kevee, constant=constant, slope_per_kev=slope))


def _lindhard(section: Section, target: Target) -> Quenching:
    section.allow(("kind", "k"))
    if len(target.elements) > 1:
        section.fail(
            "kind",
            f"is for one element, not {target.material.formula}; give a table or a constant",
        )
    isotope = next(iter(target.material.composition))
    energy = partial(_lindhard_kevee, isotope=isotope, k=_factor(section, "k"))
    return Quenching(EE, energy, (LINDHARD,))


def _lindhard_kevee(recoil: Array, *, isotope: Isotope, k: float) -> Array:
    return lindhard_kevee(recoil, Z=isotope.Z, k=k)


def _table(section: Section, _: Target) -> Quenching:
    """Factor at some recoil energies: linear between them, constant outside."""
    section.allow(("kind", "unit", "recoil", "factor"))
    recoils, factors = curve(section, "recoil", "factor", NR)
    for value in listed(section, "factor").tolist():
        check_share(section, "factor", value)

    def energy(recoil: Array) -> Array:
        kev = 1e3 * np.asarray(recoil)
        return kev * np.interp(kev, recoils, factors)

    return Quenching(EE, energy)


KINDS: Mapping[str, Callable[[Section, Target], Quenching]] = {
    "none": _none,
    "constant": _constant,
    "linear": _linear,
    "lindhard": _lindhard,
    "table": _table,
}
