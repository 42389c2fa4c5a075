"""The tables of the solar neutrino spectra, from the files of their release."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from scanner.experiments import _tables
from scanner.physics.fluxes.solar import SOURCE, SPECTRA

Array = npt.NDArray[np.float64]

EVERY = {"8B": 5, "hep": 10}
"""Of the rows of the release above 5 MeV are kept, 0.1 and 0.19 MeV apart; what lies between is
linear. The counts of xenon above 0.5 keV are 2e-4 and 3e-5 larger than with every row."""
LOW_MEV, SPARSER = 5.0, 4
"""Below, where a recoil of xenon is below 0.4 keV, the rows kept are so much further apart."""
HEP_END_MEV = 18.784
"""Where the spectrum ends; the last row of the release says 8e-15 at 20 MeV in place of it."""
FILES = {source: f"{SOURCE}/{table}" for source, table in SPECTRA.items()}
RELEASE_FILES = tuple(FILES.values())


def build(releases: Path) -> _tables.Built:
    """Tables of the solar spectra from the folder that holds the releases.

    Raises
    ------
    DataError
        If a file is missing or malformed.
    """
    tables = {SPECTRA[source]: _spectrum(releases, source) for source in SPECTRA}
    return _tables.Built(tables, _tables.hashes(releases, RELEASE_FILES))


def _spectrum(releases: Path, source: str) -> _tables.Table:
    """Energies in MeV and flux per MeV of some of the rows, from zero to the last."""
    file, step = FILES[source], EVERY[source]
    raw = _tables.release_file(releases, file).replace(b",", b" ")
    energies, flux = _tables.columns(raw, file, 2)
    number = np.arange(1, len(energies) + 1)
    kept = np.where(energies < LOW_MEV, number % (SPARSER * step), number % step) == 0
    kept[-1] = True
    if source == "hep":
        energies = np.minimum(energies, HEP_END_MEV)
    return {
        "energy_mev": np.append(0.0, energies[kept]),
        "flux_per_cm2_s_mev": np.append(0.0, flux[kept]),
    }
