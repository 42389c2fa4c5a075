"""Neutrino charge radii: diagonal ones interfere with the weak charge, transition radii do not.

g_V^p -> g_V^p - K (<r^2_aa> - <r^2_aa>_SM) with K = sqrt2 pi alpha/(3 G_F), and K^2 Z^2 F_p^2 sum_b
|<r^2_ab>|^2 (Kouzakov and Studenikin, arXiv:1703.00401; arXiv:2205.09484). The value is the total
radius, the Standard Model's included, in every scheme of couplings: g_V^p counts as holding it. On
electrons the sign of the charge turns.
"""

from typing import Any

from scanner.physics.charges import CHARGE_RADIUS_STRENGTH, SM_CHARGE_RADIUS
from scanner.physics.nuclei import Target
from scanner.scenario import FLAVORS, Coefficient, Parameter, Reference, Scenario

DIAGONAL = {"e": "r2_nue", "mu": "r2_numu", "tau": "r2_nutau"}
CHANGING = ("r2_emu", "r2_etau", "r2_mutau")


def charge(target: Target, q2: Any) -> Any:
    """Z F_p, the electric charge that the photon sees."""
    return target.Z * target.proton_form_factor(q2)


def coherent(
    initial: str,
    final: str,
    *,
    r2_nue: Coefficient,
    r2_numu: Coefficient,
    r2_nutau: Coefficient,
    r2_emu: Coefficient,
    r2_etau: Coefficient,
    r2_mutau: Coefficient,
) -> dict[str, Coefficient]:
    """-K times the radius, less the one that g_V^p already holds."""
    if initial != final:
        radii = {"emu": r2_emu, "etau": r2_etau, "mutau": r2_mutau}
        pair = "".join(sorted((initial, final), key=FLAVORS.index))
        return {"charge": -CHARGE_RADIUS_STRENGTH * radii[pair]}
    radius = {"e": r2_nue, "mu": r2_numu, "tau": r2_nutau}[initial]
    return {"charge": (radius - SM_CHARGE_RADIUS[initial]) * -CHARGE_RADIUS_STRENGTH}


def _radius(name: str, latex: str, default: float, description: str) -> Parameter:
    return Parameter(
        name,
        "coupling",
        unit="1e-32 cm2",
        default=default,
        latex=latex,
        description=description,
    )


SCENARIO = Scenario(
    title="Neutrino charge radii",
    formula=(
        "g_V^p -> g_V^p - sqrt2 pi alpha/(3 G_F) (<r^2_aa> - <r^2_aa>_SM); "
        "Q^2 += Z^2 F_p^2 [sqrt2 pi alpha/(3 G_F)]^2 sum_b |<r^2_ab>|^2"
    ),
    references=(
        Reference("Kouzakov and Studenikin, Phys. Rev. D 95, 055013 (2017)", arxiv="1703.00401"),
        Reference("Atzori Corona et al., JHEP 09, 164 (2022)", arxiv="2205.09484"),
        Reference("Bernabeu et al., Phys. Rev. D 62, 113012 (2000)", arxiv="hep-ph/0008114"),
    ),
    parameters=(
        _radius("r2_nue", r"\langle r^2_{\nu_e}\rangle", SM_CHARGE_RADIUS["e"], "radius of nu_e"),
        _radius(
            "r2_numu", r"\langle r^2_{\nu_\mu}\rangle", SM_CHARGE_RADIUS["mu"], "radius of nu_mu"
        ),
        _radius(
            "r2_nutau",
            r"\langle r^2_{\nu_\tau}\rangle",
            SM_CHARGE_RADIUS["tau"],
            "radius of nu_tau",
        ),
        _radius("r2_emu", r"|\langle r^2_{\nu_{e\mu}}\rangle|", 0.0, "transition radius"),
        _radius("r2_etau", r"|\langle r^2_{\nu_{e\tau}}\rangle|", 0.0, "transition radius"),
        _radius("r2_mutau", r"|\langle r^2_{\nu_{\mu\tau}}\rangle|", 0.0, "transition radius"),
    ),
    charges={"charge": charge},
    coherent=coherent,
    electrons=coherent,
    standard_model={
        **{name: SM_CHARGE_RADIUS[flavor] for flavor, name in DIAGONAL.items()},
        **dict.fromkeys(CHANGING, 0.0),
    },
)
