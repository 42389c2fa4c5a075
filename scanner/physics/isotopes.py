"""Natural isotopes of the elements that targets are made of, and materials by their formula.

Atomic masses: AME2020 (Wang et al., Chin. Phys. C 45, 030003). Abundances: IUPAC (Meija et al.,
Pure Appl. Chem. 88, 293 (2016)). Charge radii: Angeli and Marinova, At. Data Nucl. Data Tables 99,
69 (2013). The proton radius holds the proton's own size, as in arXiv:2202.11002:
R_p^2 = R_ch^2 - (N/Z) <r_n^2>. Of most nuclei no neutron radius was measured: it follows
R_n - R_p = 0.90 (N - Z)/A - 0.03 fm, the systematics of antiprotonic atoms (Jastrzebski et al.,
Int. J. Mod. Phys. E 13, 343 (2004)), good to 0.03 to 0.05 fm. Cs, I and Ar-40 keep the radii of
`nuclei`.
"""

from __future__ import annotations

import math
import re
from functools import cache

from scanner.errors import unknown
from scanner.physics.nuclei import AR40, ARGON, CS133, CSI, I127, Isotope, Material

NEUTRON_CHARGE_RADIUS2 = -0.1161
"""Mean squared charge radius of the neutron in fm^2 (PDG)."""
SKIN_SLOPE, SKIN_OFFSET_FM = 0.90, -0.03

# symbol, Z, A, atomic mass (u), abundance, rms charge radius (fm)
_NUCLIDES = (
    ("H", 1, 1, 1.007825032, 0.999885, 0.8409),
    ("C", 6, 12, 12.000000000, 0.9893, 2.4702),
    ("C", 6, 13, 13.003354835, 0.0107, 2.4614),
    ("N", 7, 14, 14.003074004, 0.99636, 2.5582),
    ("N", 7, 15, 15.000108898, 0.00364, 2.6058),
    ("O", 8, 16, 15.994914619, 0.99757, 2.6991),
    ("O", 8, 17, 16.999131756, 0.00038, 2.6932),
    ("O", 8, 18, 17.999159612, 0.00205, 2.7726),
    ("F", 9, 19, 18.998403162, 1, 2.8976),
    ("Ne", 10, 20, 19.992440175, 0.9048, 3.0055),
    ("Ne", 10, 21, 20.993846685, 0.0027, 2.9695),
    ("Ne", 10, 22, 21.991385113, 0.0925, 2.9525),
    ("Na", 11, 23, 22.989769282, 1, 2.9936),
    ("Mg", 12, 24, 23.985041689, 0.7899, 3.057),
    ("Mg", 12, 25, 24.985836966, 0.1, 3.0284),
    ("Mg", 12, 26, 25.982592972, 0.1101, 3.0337),
    ("Al", 13, 27, 26.981538408, 1, 3.061),
    ("Si", 14, 28, 27.976926534, 0.92223, 3.1224),
    ("Si", 14, 29, 28.976494664, 0.04685, 3.1176),
    ("Si", 14, 30, 29.973770137, 0.03092, 3.1336),
    ("Ca", 20, 40, 39.962590850, 0.96941, 3.4776),
    ("Ca", 20, 42, 41.958617780, 0.00647, 3.5081),
    ("Ca", 20, 43, 42.958766381, 0.00135, 3.4954),
    ("Ca", 20, 44, 43.955481489, 0.02086, 3.5179),
    ("Ca", 20, 46, 45.953687726, 4e-05, 3.4953),
    ("Ca", 20, 48, 47.952522654, 0.00187, 3.4771),
    ("Zn", 30, 64, 63.929141776, 0.4917, 3.9283),
    ("Zn", 30, 66, 65.926033639, 0.2773, 3.9491),
    ("Zn", 30, 67, 66.927127422, 0.0404, 3.953),
    ("Zn", 30, 68, 67.924844232, 0.1845, 3.9658),
    ("Zn", 30, 70, 69.925319175, 0.0061, 3.9845),
    ("Ge", 32, 70, 69.924248542, 0.2052, 4.0414),
    ("Ge", 32, 72, 71.922075824, 0.2745, 4.0576),
    ("Ge", 32, 73, 72.923458954, 0.0776, 4.0632),
    ("Ge", 32, 74, 73.921177760, 0.3652, 4.0742),
    ("Ge", 32, 76, 75.921402725, 0.0775, 4.0811),
    ("Te", 52, 120, 119.904065779, 0.0009, 4.7038),
    ("Te", 52, 122, 121.903044708, 0.0255, 4.7095),
    ("Te", 52, 123, 122.904271022, 0.0089, 4.7117),
    ("Te", 52, 124, 123.902818341, 0.0474, 4.7183),
    ("Te", 52, 125, 124.904431178, 0.0707, 4.7204),
    ("Te", 52, 126, 125.903312144, 0.1884, 4.7266),
    ("Te", 52, 128, 127.904461237, 0.3174, 4.7346),
    ("Te", 52, 130, 129.906222745, 0.3408, 4.7423),
    ("Xe", 54, 124, 123.905885174, 0.000952, 4.7661),
    ("Xe", 54, 126, 125.904297422, 0.00089, 4.7722),
    ("Xe", 54, 128, 127.903530753, 0.019102, 4.7774),
    ("Xe", 54, 129, 128.904780857, 0.264006, 4.7775),
    ("Xe", 54, 130, 129.903509346, 0.04071, 4.7818),
    ("Xe", 54, 131, 130.905084128, 0.212324, 4.7808),
    ("Xe", 54, 132, 131.904155083, 0.269086, 4.7859),
    ("Xe", 54, 134, 133.905393030, 0.104357, 4.7899),
    ("Xe", 54, 136, 135.907214474, 0.088573, 4.7964),
    ("W", 74, 180, 179.946713304, 0.0012, 5.3491),
    ("W", 74, 182, 181.948205636, 0.265, 5.3559),
    ("W", 74, 183, 182.950224416, 0.1431, 5.3611),
    ("W", 74, 184, 183.950933180, 0.3064, 5.3658),
    ("W", 74, 186, 185.954365140, 0.2843, 5.3743),
)

_OWN = {"Cs": ((CS133, 1.0),), "I": ((I127, 1.0),), "Ar": ((AR40, 1.0),)}
"""Elements of one isotope, argon nearly so (99.6 % Ar-40)."""

_READY = {"CsI": CSI, "Ar": ARGON}

_PART = re.compile(r"([A-Z][a-z]?)([0-9]*)")


def _isotope(symbol: str, Z: int, A: int, mass: float, charge_radius: float) -> Isotope:
    proton = math.sqrt(charge_radius**2 - (A - Z) / Z * NEUTRON_CHARGE_RADIUS2)
    skin = SKIN_SLOPE * (A - 2 * Z) / A + SKIN_OFFSET_FM if A > 1 else 0.0
    return Isotope(symbol, Z, A, mass, proton, proton + skin)


@cache
def element(symbol: str) -> tuple[tuple[Isotope, float], ...]:
    """Isotopes of an element, each with its natural abundance.

    Raises
    ------
    ValueError
        An element that is not in the table.

    Examples
    --------
    >>> [(isotope.A, share) for isotope, share in element("Ge")][:2]
    [(70, 0.2052), (72, 0.2745)]
    """
    if symbol in _OWN:
        return _OWN[symbol]
    rows = [row for row in _NUCLIDES if row[0] == symbol]
    if not rows:
        raise ValueError(unknown("element", symbol, elements()))
    return tuple((_isotope(s, Z, A, mass, radius), share) for s, Z, A, mass, share, radius in rows)


def elements() -> tuple[str, ...]:
    """Symbols of the elements that are known, sorted."""
    return tuple(sorted({row[0] for row in _NUCLIDES} | set(_OWN)))


@cache
def material(formula: str) -> Material:
    """Target of a chemical formula, of natural composition.

    Parameters
    ----------
    formula : str
        Symbols, each with a number of atoms where it is not 1, such as ``CaWO4``.

    Raises
    ------
    ValueError
        No formula, or an element that is not in the table.

    Examples
    --------
    >>> round(material("CaWO4").molar_mass, 1), round(material("Ge").molar_mass, 2)
    (287.9, 72.63)
    """
    if formula in _READY:
        return _READY[formula]
    parts = _PART.findall(formula)
    if not parts or "".join(s + n for s, n in parts) != formula or any(n == "0" for _, n in parts):
        raise ValueError(
            f"{formula!r} is not a chemical formula; write symbols and numbers such as CaWO4"
        )
    composition: dict[Isotope, float] = {}
    for symbol, number in parts:
        for isotope, share in element(symbol):
            atoms = share * float(number or 1)
            composition[isotope] = composition.get(isotope, 0.0) + atoms
    mass = sum(atoms * isotope.atomic_mass_u for isotope, atoms in composition.items())
    return Material(formula, composition, mass)
