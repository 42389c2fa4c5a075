"""Physical constants, each with its source; MeV, cm, s throughout.

PDG: Particle Data Group, Review of Particle Physics (2024), tables of physical constants.
"""

from __future__ import annotations

import math

FERMI_CONSTANT = 1.1663787e-11
"""G_F in MeV^-2 (PDG; MuLan 2013)."""

FINE_STRUCTURE = 1.0 / 137.036
"""alpha at zero momentum transfer (PDG, rounded as in the CEvNS literature)."""

ELEMENTARY_CHARGE = math.sqrt(4.0 * math.pi * FINE_STRUCTURE)
"""e in natural (Heaviside-Lorentz) units."""

HBARC = 197.3269804
"""hbar c in MeV fm (CODATA 2018)."""

MEV2_CM2 = (HBARC * 1e-13) ** 2
"""(hbar c)^2 in MeV^2 cm^2: multiplies a cross section in MeV^-2 to give cm^2."""

ATOMIC_MASS_UNIT = 931.49410242
"""u in MeV (CODATA 2018)."""

AVOGADRO = 6.02214076e23
"""Nuclei per mole (SI, exact)."""

ELECTRON_MASS = 0.51099895
"""MeV (CODATA 2018)."""

MUON_MASS = 105.6583755
"""MeV (PDG)."""

TAU_MASS = 1776.93
"""MeV (PDG)."""

CHARGED_PION_MASS = 139.57039
"""MeV (PDG)."""

PION_LIFETIME_US = 0.026033
"""Charged pion, microseconds (PDG)."""

MUON_LIFETIME_US = 2.1969811
"""Microseconds (PDG)."""

SIN2_THETA_W = 0.23857
"""Weak mixing angle at zero momentum transfer, MS-bar (PDG 2020, +-0.00005)."""

LEPTON_MASSES = {"e": ELECTRON_MASS, "mu": MUON_MASS, "tau": TAU_MASS}
"""Charged-lepton masses by flavour, MeV."""
