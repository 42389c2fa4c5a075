"""The tables of the reactor spectra, from the files of their authors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from scanner.experiments import _tables
from scanner.physics.fluxes.reactor import ISOTOPES, SOURCE

Array = npt.NDArray[np.float64]

JOINT_MEV, END_MEV = 2.0, 8.0
STEP_MEV = 0.05
"""Of the shipped spectra above 2 MeV: linear between, they follow a polynomial to 2e-3 at 8 MeV."""

HUBER_POLYNOMIALS = {
    "U235": (4.367, -4.577, 2.100, -0.5294, 0.06186, -0.002777),
    "Pu239": (4.757, -5.392, 2.563, -0.6596, 0.07820, -0.003536),
    "Pu241": (2.990, -2.882, 1.278, -0.3343, 0.03905, -0.001754),
}
"""Coefficients of ln(spectrum) in powers of E/MeV, Huber, arXiv:1106.0687. The rows below 2 and
above 8 MeV of the released isotope tables were made with them and agree to rounding (a test)."""

LOW = {isotope: f"dresden_ii_2022/spectraMeV{isotope}.txt" for isotope in ISOTOPES}
HUBER = {
    isotope: f"{SOURCE}/huber_tables_with_errors/{isotope}-anti-neutrino-flux-250keV.dat"
    for isotope in HUBER_POLYNOMIALS
}
BESTIOLE = {
    isotope: f"{SOURCE}/bestiole_2023/bestiole_{isotope.lower()}.txt" for isotope in ISOTOPES
}
CAPTURES = {chain: f"{SOURCE}/bestiole_2023/bestiole_{chain}.txt" for chain in ("u239", "np239")}
RELEASE_FILES = (*LOW.values(), *HUBER.values(), *BESTIOLE.values(), *CAPTURES.values())

HUBER_COLUMNS = 14
"""Energy, spectrum, and six pairs of lower and upper relative errors; the last is the total."""


def build(releases: Path) -> _tables.Built:
    """Tables of the reactor spectra from the folder that holds the releases.

    Raises
    ------
    DataError
        If a file is missing or malformed.
    """

    def numbers(file: str, n: int = 2) -> Array:
        raw = _tables.release_file(releases, file).replace(b",", b" ")
        return _tables.columns(raw, file, n)

    low = {isotope: numbers(file) for isotope, file in LOW.items()}
    huber = {isotope: numbers(file, HUBER_COLUMNS) for isotope, file in HUBER.items()}
    bestiole = {isotope: numbers(file) for isotope, file in BESTIOLE.items()}
    captures = {chain: numbers(file) for chain, file in CAPTURES.items()}
    tables = {
        "mvhe.csv": _joined(low, polynomials=True, huber=huber),
        "huber_mueller.csv": _joined(low, polynomials=False, huber=huber),
        "mueller.csv": _together(low),
        "bestiole.csv": _together(bestiole),
        "captures.csv": _together({chain: _ended(rows) for chain, rows in captures.items()}),
        "huber_errors.csv": _errors(huber),
    }
    return _tables.Built(tables, _tables.hashes(releases, RELEASE_FILES))


def _joined(low: dict[str, Array], *, polynomials: bool, huber: dict[str, Array]) -> _tables.Table:
    """The tables below 2 MeV, and what lies above in even steps up to 8 MeV."""
    steps = round((END_MEV - JOINT_MEV) / STEP_MEV)
    above = np.linspace(JOINT_MEV, END_MEV, steps + 1)
    below = np.unique(np.concatenate([e[e < JOINT_MEV] for e, _ in low.values()]))
    table: dict[str, Array] = {"energy_mev": np.concatenate([below, above])}
    for isotope, (energies, density) in low.items():
        if isotope not in huber:
            high = _logarithmic(above, energies, density)
        elif polynomials:
            high = np.exp(np.polynomial.polynomial.polyval(above, HUBER_POLYNOMIALS[isotope]))
        else:
            high = _logarithmic(above, huber[isotope][0], huber[isotope][1])
        # the last stretch below the joint ends where the upper part begins
        known = energies < JOINT_MEV
        ends = np.append(energies[known], JOINT_MEV), np.append(density[known], high[0])
        table[isotope.lower()] = np.concatenate([np.interp(below, *ends, left=0.0), high])
    return table


def _logarithmic(at: Array, energies: Array, density: Array) -> Array:
    """Linear in the logarithm of the spectrum between the points of its table."""
    return np.asarray(np.exp(np.interp(at, energies, np.log(density))))


def _together(spectra: dict[str, Array]) -> _tables.Table:
    """Spectra on all energies that one of them has, zero outside their own."""
    energies = np.unique(np.concatenate([e for e, _ in spectra.values()]).round(9))
    table = {"energy_mev": energies}
    for name, (own, density) in spectra.items():
        table[name.lower()] = np.interp(energies, own.round(9), density, left=0.0, right=0.0)
    return table


def _ended(rows: Array) -> Array:
    """A spectrum with an empty bin behind its last one."""
    last = rows[0, -1] + (rows[0, -1] - rows[0, -2])
    return np.column_stack([rows, [last, 0.0]])


def _errors(huber: dict[str, Array]) -> _tables.Table:
    """Mean of the lower and the upper total error, relative."""
    columns = {i.lower(): 0.5 * (rows[-1] - rows[-2]) for i, rows in huber.items()}
    return {"energy_mev": next(iter(huber.values()))[0], **columns}
