"""Solar neutrinos at the Earth: spectra of 8B and hep, and their flavours.

The spectra are those of the Bahcall tables. 8B is normalised to the B16-GS98 standard solar model,
5.46e6 cm^-2 s^-1 (Vinyoles et al., arXiv:1611.09867); hep stays as tabulated, 8.04e3. All others
end below 2 MeV and give no recoil that a nuclear recoil search sees.

A nu_e from the core leaves the Sun as an incoherent mixture of mass states. Its flavour at the
Earth follows from adiabatic conversion (MSW, large mixing angle) with the electron density where
8B is made, for three flavours (PDG, Neutrino masses, mixing and oscillations):

    P_ee = cos^4 th13 (1/2 + 1/2 cos 2th12 cos 2th12^m) + sin^4 th13
    cos 2th12^m = (cos 2th12 - b)/sqrt((cos 2th12 - b)^2 + sin^2 2th12)
    b = 2 sqrt2 G_F n_e cos^2 th13 E/dm2_21

The rest is shared between nu_mu and nu_tau as cos^2 th23 to sin^2 th23, which leaves out terms of
the size of sin th13. The Earth's matter, which gives back a few per cent of nu_e at night, is left
out, and so is any non-standard interaction in the Sun: propagation is the standard one whatever a
scenario does to the scattering.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from scanner.errors import unknown
from scanner.physics.constants import AVOGADRO, FERMI_CONSTANT, HBARC
from scanner.physics.fluxes import tables
from scanner.physics.fluxes.flux import Flux, Tabulated
from scanner.reference import Reference

Array = npt.NDArray[np.float64]

SOURCE = "solar_fluxes"
SPECTRA = {"8B": "b8.csv", "hep": "hep.csv"}
"""Shipped table of each source."""
B8_FLUX = 5.46e6
"""8B neutrinos of all flavours per cm^2 and s (B16-GS98, arXiv:1611.09867)."""
B8_FLUX_ERROR = 0.12
"""Relative, of the same model."""

SIN2_THETA_12, SIN2_THETA_13, SIN2_THETA_23 = 0.303, 0.02225, 0.451
DELTA_M2_21 = 7.41e-5
"""eV^2; this and the mixing angles from NuFIT 5.2 (2022), normal ordering, with Super-Kamiokande
(Esteban et al., arXiv:2007.14792, and www.nu-fit.org)."""
ELECTRONS_MOL_PER_CM3 = 90.0
"""Density of electrons where 8B is made, 1/20 of the solar radius from the centre: an assumption
good to 10 %, which moves P_ee by 0.013 at most, at 5 MeV."""

PAPERS = (
    Reference("Vinyoles et al., standard solar model B16-GS98 (2016)", arxiv="1611.09867"),
    Reference("Esteban et al. (2020), and NuFIT 5.2 (2022), www.nu-fit.org", arxiv="2007.14792"),
)
"""Papers of the flux of 8B and of the flavours at the Earth."""

YEAR_S = 365.25 * 86400.0


def spectrum(source: str) -> tuple[Array, Array]:
    """Energies in MeV and flux of all flavours per cm^2, s and MeV, both (n_energies,).

    Raises
    ------
    ValueError
        A source that is not in `SPECTRA`.

    Examples
    --------
    >>> energies, flux = spectrum("8B")
    >>> round(float(np.trapezoid(flux, energies)) / B8_FLUX, 12)
    1.0
    """
    if source not in SPECTRA:
        raise ValueError(unknown("solar neutrino source", source, SPECTRA))
    table = tables.read(SOURCE, SPECTRA[source])
    energies, flux = table["energy_mev"], table["flux_per_cm2_s_mev"]
    if source == "8B":
        flux = flux * (B8_FLUX / float(np.trapezoid(flux, energies)))
    return energies, flux


def survival_probability(
    e_nu: npt.ArrayLike, electrons_mol_per_cm3: float = ELECTRONS_MOL_PER_CM3
) -> Array:
    """P_ee of a solar neutrino that was made at that density of electrons; e_nu in MeV.

    >>> survival_probability([0.1, 10.0]).round(2).tolist()
    [0.55, 0.32]
    """
    cos2 = 1.0 - SIN2_THETA_13
    cos_2theta = 1.0 - 2.0 * SIN2_THETA_12
    reduced = cos_2theta - cos2 * _matter_ratio(e_nu, electrons_mol_per_cm3)
    in_matter = reduced / np.sqrt(reduced**2 + 1.0 - cos_2theta**2)
    return np.asarray(cos2**2 * 0.5 * (1.0 + cos_2theta * in_matter) + SIN2_THETA_13**2)


def _matter_ratio(e_nu: npt.ArrayLike, electrons_mol_per_cm3: float) -> Array:
    """2 sqrt2 G_F n_e E/dm2_21."""
    per_mev3 = electrons_mol_per_cm3 * AVOGADRO * (HBARC * 1e-13) ** 3
    potential = math.sqrt(2.0) * FERMI_CONSTANT * per_mev3
    return np.asarray(2.0 * potential * np.asarray(e_nu, dtype=np.float64) / (DELTA_M2_21 * 1e-12))


def flavor_shares(e_nu: npt.ArrayLike) -> dict[str, Array]:
    """Shares of nu_e, nu_mu and nu_tau at the Earth by flavour, which add up to 1; e_nu in MeV."""
    electron = survival_probability(e_nu)
    return {
        "e": electron,
        "mu": (1.0 - SIN2_THETA_23) * (1.0 - electron),
        "tau": SIN2_THETA_23 * (1.0 - electron),
    }


def component_names(source: str) -> tuple[str, ...]:
    """Names of the flux components of one source.

    >>> component_names("8B")
    ('nu_e 8B', 'nu_mu 8B', 'nu_tau 8B')
    """
    return tuple(f"nu_{flavor} {source}" for flavor in ("e", "mu", "tau"))


def solar_flux(*, seconds: float, sources: tuple[str, ...] = tuple(SPECTRA)) -> Flux:
    """Fluence of solar neutrinos over an exposure, three components for each source.

    Parameters
    ----------
    seconds : float
        How long; the Earth's distance is the mean one.
    sources : tuple of str
        Of `SPECTRA`.

    Raises
    ------
    ValueError
        A source that is not in `SPECTRA`.
    """
    components = []
    for source in sources:
        energies, flux = spectrum(source)
        shares = flavor_shares(energies)
        for name, (flavor, share) in zip(component_names(source), shares.items(), strict=True):
            components.append(Tabulated(name, flavor, energies, seconds * flux * share))
    return Flux(tuple(components))
