"""Isotope, Nucleus, Material and their tables.

Atomic masses: AME2020 (Wang et al., Chin. Phys. C 45, 030003). Proton radii: charge radii (Fricke
et al., At. Data Nucl. Data Tables 60, 177 (1995)) corrected for nucleon size, the values of
arXiv:2202.11002 (Cs, I) and arXiv:2005.01645 (Ar). Neutron radii: nuclear shell model, Hoferichter
et al., arXiv:2007.08529.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scanner.errors import unknown
from scanner.physics import formfactors
from scanner.physics.constants import ATOMIC_MASS_UNIT, AVOGADRO, ELECTRON_MASS

Array = npt.NDArray[np.float64]
FormFactor = Callable[[npt.ArrayLike], Array]


@dataclass(frozen=True)
class Isotope:
    """A nuclide: proton number, mass number, atomic mass (u), rms radii of p and n (fm)."""

    symbol: str
    Z: int
    A: int
    atomic_mass_u: float
    proton_radius: float
    neutron_radius: float

    @property
    def N(self) -> int:
        """Neutron number."""
        return self.A - self.Z

    @property
    def mass(self) -> float:
        """Nuclear mass in MeV: atomic mass minus Z electrons (their binding is neglected)."""
        return self.atomic_mass_u * ATOMIC_MASS_UNIT - self.Z * ELECTRON_MASS


CS133 = Isotope("Cs", 55, 133, 132.905451958, 4.821, 5.09)
I127 = Isotope("I", 53, 127, 126.904472592, 4.766, 5.03)
AR40 = Isotope("Ar", 18, 40, 39.962383122, 3.448, 3.55)


@dataclass(frozen=True)
class Material:
    """A target by its chemical formula.

    Parameters
    ----------
    formula : str
        For people.
    composition : mapping from Isotope to float
        Nuclei per formula unit, as their natural abundance has it.
    molar_mass : float
        g/mol of the formula unit, natural composition.
    """

    formula: str
    composition: Mapping[Isotope, float]
    molar_mass: float

    def nuclei_per_kg(self, isotope: Isotope) -> float:
        """Nuclei of `isotope` in one kilogram, counted by formula units (trap 18).

        >>> round(CSI.nuclei_per_kg(CS133) / 1e24, 3)
        2.318
        """
        return self.composition[isotope] * AVOGADRO * 1e3 / self.molar_mass


CSI = Material("CsI", {CS133: 1, I127: 1}, 259.81)
"""Caesium iodide; Cs and I have one stable isotope each."""

ARGON = Material("Ar", {AR40: 1}, 39.95)
"""Liquid argon: natural argon is 99.6 % Ar-40 and is treated as such."""


@dataclass(frozen=True)
class Nucleus:
    """An isotope with its form factors, as the cross sections see it."""

    isotope: Isotope
    proton_form_factor: FormFactor
    neutron_form_factor: FormFactor

    @property
    def Z(self) -> int:
        """Proton number."""
        return self.isotope.Z

    @property
    def N(self) -> int:
        """Neutron number."""
        return self.isotope.N

    @property
    def mass(self) -> float:
        """Nuclear mass in MeV."""
        return self.isotope.mass


FORM_FACTORS = ("helm", "klein_nystrand", "klein_nystrand_rms", "symmetrised_fermi")


def nucleus(
    isotope: Isotope,
    form_factor: str = "helm",
    neutron_radius: npt.ArrayLike | None = None,
    radius_scale: npt.ArrayLike = 1.0,
) -> Nucleus:
    """Nucleus with the named form factor, one for protons and one for neutrons.

    ``klein_nystrand`` has the one box radius 1.23 A^(1/3) fm of COHERENT and the Valencia group
    for both; the other names use the isotope's own rms radii.

    Parameters
    ----------
    isotope : Isotope
        Which nuclide.
    form_factor : str
        One of `FORM_FACTORS`.
    neutron_radius : array, optional
        rms radius of the neutrons in fm in place of the isotope's own; it broadcasts with the q2
        that the form factor is asked for.
    radius_scale : array
        Factor on the radii of protons and neutrons: on the box radius of ``klein_nystrand``, on
        the rms radii of the others. It broadcasts likewise.

    Raises
    ------
    ValueError
        For a name that is not in `FORM_FACTORS`, or a neutron radius where there is one radius.
    """
    if form_factor == "klein_nystrand":
        if neutron_radius is not None:
            raise ValueError("klein_nystrand has one radius for protons and neutrons")
        box = 1.23 * isotope.A ** (1.0 / 3.0)

        def common(q2: npt.ArrayLike) -> Array:
            return formfactors.klein_nystrand_box(q2, box * np.asarray(radius_scale))

        return Nucleus(isotope, common, common)
    shapes: dict[str, Callable[[npt.ArrayLike, npt.ArrayLike], Array]] = {
        "helm": formfactors.helm,
        "klein_nystrand_rms": formfactors.klein_nystrand,
        "symmetrised_fermi": formfactors.symmetrised_fermi,
    }
    if form_factor not in shapes:
        raise ValueError(unknown("form factor", form_factor, FORM_FACTORS))
    shape = shapes[form_factor]
    own_or_given = isotope.neutron_radius if neutron_radius is None else neutron_radius

    def proton(q2: npt.ArrayLike) -> Array:
        return shape(q2, isotope.proton_radius * np.asarray(radius_scale))

    def neutron(q2: npt.ArrayLike) -> Array:
        return shape(q2, own_or_given * np.asarray(radius_scale))

    return Nucleus(isotope, proton, neutron)


@dataclass(frozen=True)
class ElectronTarget:
    """A free electron in the form of a nucleus: charge -1, no nucleons, no form factor.

    What couples to the charge of a nucleus (photon exchange) couples to it with Z = -1.
    """

    Z: int = -1
    N: int = 0
    mass: float = ELECTRON_MASS

    def proton_form_factor(self, q2: npt.ArrayLike) -> Array:
        """1: the charge is a point."""
        return np.ones_like(np.asarray(q2, dtype=np.float64))

    neutron_form_factor = proton_form_factor


Target = Nucleus | ElectronTarget
"""What a neutrino scatters on."""
