"""Antineutrinos from a nuclear reactor: spectra per fission, and the flux at a detector.

Each of the four fissile isotopes has its own spectrum; a reactor burns them in shares that change
over a fuel cycle. The named models:

``mvhe``
    Below 2 MeV the table of Vogel and Engel (Phys. Rev. D 39, 3378 (1989)) and Mueller et al.
    (arXiv:1101.2663); above, the polynomials of Huber (arXiv:1106.0687) for U-235, Pu-239 and
    Pu-241 and the table of Mueller et al. for U-238, logarithmic between its points. None above
    8 MeV. Used by the analyses of Dresden-II (arXiv:2202.10829) and CONUS+ (arXiv:2501.05206).
``huber_mueller``
    The same with Huber's own table in steps of 250 keV in place of his polynomials, which follow
    it to 2 % up to 4 MeV and to 10 % above.
``mueller``
    The table of Vogel, Engel and Mueller et al. up to 8 MeV and linear between its points, as kept
    beside the public analysis code of an author of arXiv:2202.10829.
``bestiole``
    Summation of all beta decays, Perisse et al., arXiv:2304.14992: 0 to 12.5 MeV in 25-keV bins.

A fission gives 5.6 antineutrinos in the first three and 6.0 in ``bestiole``; the 1.2 of neutron
captures on U-238 come on top (`capture_spectrum`). Published fluxes such as 1.5e13 cm^-2 s^-1 for
CONUS+ are those of all, captures included.

Between the energies of a table the spectrum is linear. A table holds none of the antineutrinos
below its first energy (7.8 keV, or 12.5 keV): too soft for any recoil above threshold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from scanner.errors import unknown
from scanner.physics.fluxes import tables
from scanner.physics.fluxes.flux import Flux, Tabulated
from scanner.reference import Reference

Array = npt.NDArray[np.float64]

SOURCE = "reactor_spectra"
ISOTOPES = ("U235", "U238", "Pu239", "Pu241")
MODELS = ("mvhe", "huber_mueller", "mueller", "bestiole")

_HUBER = Reference("Huber, Phys. Rev. C 84, 024617 (2011)", arxiv="1106.0687")
_MUELLER = Reference("Mueller et al., Phys. Rev. C 83, 054615 (2011)", arxiv="1101.2663")
_VOGEL_ENGEL = Reference("Vogel and Engel, Phys. Rev. D 39, 3378 (1989)")
PAPERS: Mapping[str, tuple[Reference, ...]] = {
    "mvhe": (_HUBER, _MUELLER, _VOGEL_ENGEL),
    "huber_mueller": (_HUBER, _MUELLER, _VOGEL_ENGEL),
    "mueller": (_MUELLER, _VOGEL_ENGEL),
    "bestiole": (Reference("Perisse et al., BESTIOLE (2023)", arxiv="2304.14992"),),
}
"""Papers that the spectra of each model are from."""

ENERGY_PER_FISSION_MEV: Mapping[str, float] = {
    "U235": 201.92,
    "U238": 205.52,
    "Pu239": 209.99,
    "Pu241": 213.60,
}
"""Thermal energy, as the repository of the isotope tables has it (see the tables' provenance)."""
FRACTIONS: Mapping[str, float] = {"U235": 0.55, "U238": 0.08, "Pu239": 0.32, "Pu241": 0.05}
"""Shares of the fissions that are typical of a power reactor (provenance of the tables)."""
CAPTURES_PER_FISSION = 0.6
"""Neutron captures on U-238 per fission in a power reactor, each followed by two beta decays."""
MEV_PER_JOULE = 1.0 / 1.602176634e-13
"""SI, exact."""
MERGED_ABOVE_MEV, MERGED_BINS = 2.0, 4
"""Above this energy that many bins of a summation spectrum are one: 0.1 MeV is fine enough for a
recoil spectrum, and the flux has a third of the nodes."""


def spectrum(isotope: str, model: str = "mvhe") -> tuple[Array, Array]:
    """Antineutrinos per MeV and fission: energies in MeV and densities, both (n_energies,).

    Raises
    ------
    ValueError
        An isotope that is not in `ISOTOPES`, or a model that is not in `MODELS`.

    Examples
    --------
    >>> energies, density = spectrum("U235", "bestiole")
    >>> round(float(np.trapezoid(density, energies)), 2)
    6.07
    """
    _known("reactor spectrum", model, MODELS)
    _known("fissile isotope", isotope, ISOTOPES)
    table = tables.read(SOURCE, f"{model}.csv")
    energies, density = table["energy_mev"], table[isotope.lower()]
    return _merged(energies, density) if model == "bestiole" else (energies, density)


def capture_spectrum() -> tuple[Array, Array]:
    """Antineutrinos per MeV and neutron capture on U-238, from U-239 and Np-239 (BESTIOLE).

    Two per capture, all below 1.3 MeV: energies in MeV and densities, both (n_energies,).
    """
    table = tables.read(SOURCE, "captures.csv")
    return table["energy_mev"], table["u239"] + table["np239"]


def relative_error(isotope: str, e_nu: npt.ArrayLike) -> Array:
    """Relative uncertainty (one sigma) of the Huber spectrum, all its sources together.

    Mean of the upper and the lower error of the author's table between 2 and 8 MeV, linear between
    its points and constant outside, shape of `e_nu` (MeV). U-238 has none there.

    >>> relative_error("U235", [2.0, 8.0]).round(3).tolist()
    [0.018, 0.07]
    """
    table = tables.read(SOURCE, "huber_errors.csv")
    known = [i for i in ISOTOPES if i.lower() in table]
    _known("isotope with the errors of Huber", isotope, known)
    energy = np.asarray(e_nu, dtype=np.float64)
    return np.asarray(np.interp(energy, table["energy_mev"], table[isotope.lower()]))


def reactor_flux(
    *,
    model: str = "mvhe",
    fluence: float | None = None,
    thermal_power_gw: float | None = None,
    distance_m: float | None = None,
    seconds: float | None = None,
    fractions: Mapping[str, float] = FRACTIONS,
    captures_per_fission: float = 0.0,
) -> Flux:
    """Flux of one component ``nubar_e`` at a detector.

    Either the number of antineutrinos is given by `fluence`: then the spectrum of each isotope is
    normalised to 1 and weighted by its share of the fissions, as in arXiv:2202.10829. Or it
    follows from `thermal_power_gw`, `distance_m` and `seconds`,

        fluence = P/(sum_i f_i E_i) sum_i f_i N_i seconds/(4 pi L^2),

    with the antineutrinos N_i and the thermal energy E_i of one fission.

    Parameters
    ----------
    model : str
        One of `MODELS`.
    fluence : float, optional
        cm^-2, over the whole exposure.
    thermal_power_gw, distance_m, seconds : float, optional
        Thermal power, distance from the core, time at that power: all three or none.
    fractions : mapping from isotope to float
        Shares of the fissions; they are scaled to a sum of 1.
    captures_per_fission : float
        Neutron captures on U-238 per fission, such as `CAPTURES_PER_FISSION`, whose beta decays
        are added; only with the thermal power. No recoil of theirs passes a threshold of 60 eV.

    Raises
    ------
    ValueError
        An unknown model or isotope, both or neither normalisation, a number out of its range.
    """
    shares = _shares(fractions)
    power = {"thermal_power_gw": thermal_power_gw, "distance_m": distance_m, "seconds": seconds}
    given = {name: value for name, value in power.items() if value is not None}
    if (fluence is None) == (not given) or (given and len(given) < len(power)):
        raise ValueError(
            "reactor flux: give either fluence, or all of thermal_power_gw, distance_m and seconds "
            f"(given: {', '.join((['fluence'] if fluence is not None else []) + list(given))})"
        )
    _positive(given if fluence is None else {"fluence": fluence})
    if not (math.isfinite(captures_per_fission) and captures_per_fission >= 0.0):
        raise ValueError(f"captures_per_fission = {captures_per_fission}: give a number >= 0")
    if captures_per_fission and fluence is not None:
        raise ValueError(
            f"captures_per_fission = {captures_per_fission}: a fluence says nothing of fissions; "
            "give thermal_power_gw, distance_m and seconds"
        )
    weights = {
        isotope: share / (_total(isotope, model) if fluence else 1.0)
        for isotope, share in shares.items()
    }
    parts = [(spectrum(isotope, model), weight) for isotope, weight in weights.items()]
    if captures_per_fission:
        parts.append((capture_spectrum(), captures_per_fission))
    energies = np.unique(np.concatenate([e for (e, _), _ in parts]))
    density = sum(w * np.interp(energies, e, d, left=0.0, right=0.0) for (e, d), w in parts)
    scale = fluence if fluence is not None else fissions_per_area(**given, fractions=shares)
    return Flux((Tabulated("nubar_e", "e", energies, scale * density, antineutrino=True),))


def fissions_per_area(
    *,
    thermal_power_gw: float,
    distance_m: float,
    seconds: float,
    fractions: Mapping[str, float] = FRACTIONS,
) -> float:
    """Fissions during the exposure over 4 pi L^2, in cm^-2.

    >>> round(fissions_per_area(thermal_power_gw=3.6, distance_m=20.7, seconds=1.0) / 1e12, 2)
    2.03
    """
    shares = _shares(fractions)
    mev = sum(share * ENERGY_PER_FISSION_MEV[isotope] for isotope, share in shares.items())
    fissions = 1e9 * thermal_power_gw * seconds * MEV_PER_JOULE / mev
    return fissions / (4.0 * math.pi * (100.0 * distance_m) ** 2)


def _total(isotope: str, model: str) -> float:
    energies, density = spectrum(isotope, model)
    return float(np.trapezoid(density, energies))


def _merged(energies: Array, density: Array) -> tuple[Array, Array]:
    """Bins of a summation spectrum, several as one above `MERGED_ABOVE_MEV`; means of both."""
    first = int(np.searchsorted(energies, MERGED_ABOVE_MEV))
    whole = first + (len(energies) - first) // MERGED_BINS * MERGED_BINS

    def merge(values: Array) -> Array:
        means = values[first:whole].reshape(-1, MERGED_BINS).mean(axis=1)
        return np.concatenate([values[:first], means, values[whole:]])

    return merge(energies), merge(density)


def _shares(fractions: Mapping[str, float]) -> dict[str, float]:
    for isotope, share in fractions.items():
        _known("fissile isotope", isotope, ISOTOPES)
        if not (math.isfinite(share) and share >= 0.0):
            raise ValueError(f"fractions: {isotope} = {share}: a share of the fissions is >= 0")
    total = sum(fractions.values())
    if total <= 0.0:
        raise ValueError(f"fractions = {dict(fractions)}: give a share above 0 of some isotope")
    return {isotope: share / total for isotope, share in fractions.items()}


def _positive(values: Mapping[str, float]) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0.0):
            raise ValueError(f"reactor flux: {name} = {value}: give a number above 0")


def _known(kind: str, name: str, names: tuple[str, ...] | list[str]) -> None:
    if name not in names:
        raise ValueError(unknown(kind, name, names))
