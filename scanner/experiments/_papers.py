"""Papers that several experiments follow, each written once."""

from __future__ import annotations

from scanner.reference import Reference

CAGLIARI_2022 = Reference("Atzori Corona et al., JHEP 05, 109 (2022)", arxiv="2202.11002")
CAGLIARI_ELECTRONS = Reference("Atzori Corona et al., JHEP 09, 164 (2022)", arxiv="2205.09484")
CAGLIARI_2023 = Reference(
    "Atzori Corona et al., Eur. Phys. J. C 83, 683 (2023)", arxiv="2303.09360"
)
CADEDDU_2018 = Reference("Cadeddu et al., Phys. Rev. Lett. 120, 072501 (2018)", arxiv="1710.02730")
CADEDDU_2019 = Reference("Cadeddu et al. (2019)", arxiv="1908.06045")
CADEDDU_2020 = Reference("Cadeddu et al., Phys. Rev. D 102, 015030 (2020)", arxiv="2005.01645")
VALENCIA = Reference("De Romeri et al., JHEP 04, 035 (2023)", arxiv="2211.11905")
COLOMA = Reference("Coloma et al. (2022)", arxiv="2202.10829")

COHERENT_CSI = Reference(
    "COHERENT Collaboration, Phys. Rev. Lett. 129, 081801 (2022)",
    arxiv="2110.07730",
    doi="10.1103/PhysRevLett.129.081801",
)
"""Of the scintillation curve of CsI, and of the protons per energy of the SNS."""
COHERENT_CSI_2017_RELEASE = Reference(
    "COHERENT Collaboration, data release (2018)", arxiv="1804.09459"
)
COHERENT_LAR_RELEASE = Reference("COHERENT Collaboration, data release (2020)", arxiv="2006.12659")
COHERENT_GE_2024 = Reference(
    "Adamski et al., Phys. Rev. Lett. 134, 231801 (2025)",
    arxiv="2406.13806",
    doi="10.1103/PhysRevLett.134.231801",
)


def of_electrons(electron_scattering: str) -> tuple[Reference, ...]:
    """Paper of the bound electrons where their recoils are ``"signal"``."""
    return (CAGLIARI_ELECTRONS,) if electron_scattering == "signal" else ()
