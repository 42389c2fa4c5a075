"""Atomic parity violation in caesium: the weak charge of Cs-133 with its neutron skin.

Wood et al., Science 275, 1759 (1997), with atomic theory. A measured number in place of counts:

    chi2 = ((Q_W(sin^2 theta_W) + N [q_n(R_ref) - q_n(R_n)]/q_p - Q_W^exp)/sigma)^2

Every published Q_W^exp holds a correction for the neutron skin; it is taken back, and that of the
radius in question put in its place. Both are additive in Q_W (`physics.parity_violation`), exactly
so with w_n = -1. sigma stays as it is: it belongs to the amplitude, and the correction is 0.2 % of
it. That R_ref - R_p = 0.13 fm in all three values of Q_W^exp, the skin of antiprotonic atoms, is an
assumption; 0.04 fm more would raise sin^2 theta_W by 0.0002.

The radius is ``R_n_Cs`` or the common ``R_n``, without either that of the CEvNS predictions
(5.09 fm). The skin of lead (PREX) is not used: no relation between the skins of Pb and Cs is in the
published inputs of this analysis.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scanner.experiment import Experiment, Observable, measurement
from scanner.experiments import _papers, _tables
from scanner.physics.isotopes import material
from scanner.physics.nuclei import CS133
from scanner.physics.parity_violation import measured_weak_charge, skin_correction, weak_charge
from scanner.reference import Reference

NAME = "apv_cesium"
TITLE = "Parity violation in Cs"
CHOICES: Mapping[str, tuple[str, ...]] = {"theory": ("pdg", "2012", "2021")}

REFERENCE_RADIUS_FM = CS133.proton_radius + 0.13
"""Neutron radius that the published weak charges assume."""


@dataclass(frozen=True)
class Number:
    """A number and its standard deviation."""

    value: float
    sigma: float

    @property
    def relative(self) -> float:
        """Relative standard deviation."""
        return abs(self.sigma / self.value)


AMPLITUDE_MV_PER_CM = Number(-1.5935, 0.0056)
"""Im(E_PNC/beta), Wood et al. 1997."""
POLARIZABILITY = Number(26.957, 0.051)
"""beta in a_B^3, Dzuba and Flambaum 2000."""
THEORY = {"2012": Number(0.8977e-11, 0.0040e-11), "2021": Number(0.8893e-11, 0.0027e-11)}
"""Im E_PNC in |e| a_B Q_W/N: Dzuba et al., arXiv:1207.5864, and the later calculation that
arXiv:2303.09360 compares with it."""
POLARIZABILITY_PAPER = Reference("Dzuba and Flambaum (2000), polarizability of caesium")
PAPERS: Mapping[str, tuple[Reference, ...]] = {
    "pdg": (Reference("Particle Data Group, Review of Particle Physics"),),
    "2012": (POLARIZABILITY_PAPER, Reference("Dzuba et al. (2012)", arxiv="1207.5864")),
    "2021": (POLARIZABILITY_PAPER, _papers.CAGLIARI_2023),
}
"""Papers of each weak charge."""
PDG_WEAK_CHARGE = Number(-72.82, 0.42)
"""PDG. The inputs above give -72.58 +- 0.43 with the same atomic theory (2012): the PDG's mean of
the polarizability is larger by 0.3 %."""


def load(theory: str = "pdg") -> Experiment:
    """The measured weak charge.

    Parameters
    ----------
    theory : "pdg", "2012" or "2021"
        The weak charge as the PDG quotes it, or from the measured amplitude and polarizability
        with the atomic theory of that year.
    """
    measured = observed(theory)
    return measurement(
        Observable(
            "weak charge of Cs",
            prediction,
            "it measures the parity violation that the electrons of an atom feel, and the scenario "
            "says nothing of their couplings",
        ),
        name=NAME,
        title=TITLE,
        value=measured.value,
        sigma=measured.sigma,
        target=material("Cs"),
        provenance=_tables.provenance(NAME),
        choices={"theory": theory},
        references=PAPERS[theory],
    )


def observed(theory: str) -> Number:
    """Q_W^exp of Cs-133 and its error, for a neutron radius of `REFERENCE_RADIUS_FM`."""
    if theory == "pdg":
        return PDG_WEAK_CHARGE
    calculated = THEORY[theory]
    charge = measured_weak_charge(
        CS133,
        amplitude_mv_per_cm=AMPLITUDE_MV_PER_CM.value,
        polarizability=POLARIZABILITY.value,
        theory=calculated.value,
    )
    parts = (AMPLITUDE_MV_PER_CM, POLARIZABILITY, calculated)
    return Number(charge, abs(charge) * math.hypot(*(part.relative for part in parts)))


def prediction(*, sin2_theta_w: Any, neutron_radius: Any) -> Any:
    """Q_W(sin^2 theta_W) with the skin of R_n (fm) in place of the reference: as Q_W^exp is."""
    skin = skin_correction(CS133, neutron_radius) - skin_correction(CS133, REFERENCE_RADIUS_FM)
    return weak_charge(CS133, sin2_theta_w) + skin
