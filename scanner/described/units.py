"""Units of a described experiment: products of powers, each number converted once, on reading.

Electron-equivalent and recoil energies are different dimensions here, so that a threshold in
``keVnr`` is not taken for one in ``keVee``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from scanner.errors import DefinitionError, unknown

DAY_S = 86400.0

SYMBOLS: Mapping[str, Mapping[str, float]] = {
    "energy": {"eV": 1e-3, "keV": 1.0, "MeV": 1e3, "GeV": 1e6},
    "electron-equivalent energy": {"eVee": 1e-3, "keVee": 1.0, "MeVee": 1e3},
    "recoil energy": {"eVnr": 1e-3, "keVnr": 1.0, "MeVnr": 1e3},
    "photoelectrons": {"PE": 1.0},
    "mass": {"mg": 1e-6, "g": 1e-3, "kg": 1.0, "t": 1e3},
    "length": {"cm": 1e-2, "m": 1.0, "km": 1e3},
    "time": {
        "ns": 1e-9,
        "us": 1e-6,
        "ms": 1e-3,
        "s": 1.0,
        "h": 3600.0,
        "day": DAY_S,
        "days": DAY_S,
        "yr": 365.25 * DAY_S,
    },
    "power": {"W": 1e-6, "kW": 1e-3, "MW": 1.0, "GW": 1e3},
}
"""Symbol to its size, by dimension."""

_FACTOR = re.compile(r"([A-Za-z]+)(?:\^?(-?\d))?")


@dataclass(frozen=True)
class Unit:
    """Size and powers of dimensions of a product of units."""

    size: float
    powers: Mapping[str, int]


def parse(text: str) -> Unit | None:
    """Unit of a spelling like ``kg``, ``keV-1 kg-1 day-1``, ``1/(keV kg day)``; None if unknown.

    >>> parse("counts/(keV kg day)") == parse("keV-1 kg-1 day-1")
    True
    """
    above, slash, below = text.partition("/")
    factors = [(factor, 1) for factor in above.split() if factor not in ("1", "counts")]
    factors += [(factor, -1) for factor in below.strip().strip("()").split()]
    if (slash and not below.strip()) or not text.strip():
        return None
    size, powers = 1.0, dict[str, int]()
    for factor, sign in factors:
        match = _FACTOR.fullmatch(factor)
        dimension = next((d for d, s in SYMBOLS.items() if match and match[1] in s), None)
        if match is None or dimension is None:
            return None
        power = sign * int(match[2] or 1)
        size *= SYMBOLS[dimension][match[1]] ** power
        powers[dimension] = powers.get(dimension, 0) + power
    return Unit(size, {d: p for d, p in powers.items() if p})


def alike(own: str) -> tuple[str, ...]:
    """Spellings that convert into `own`; `own` alone if it is a product.

    >>> alike("kg")
    ('mg', 'g', 'kg', 't')
    """
    for symbols in SYMBOLS.values():
        if own in symbols:
            return tuple(symbols)
    return (own,)


def factor(unit: str, own: str) -> float:
    """What a number in `unit` is multiplied by to be in `own`.

    Raises
    ------
    DefinitionError
        `unit` is unknown or of another dimension than `own`; names those that fit.

    Examples
    --------
    >>> factor("g", "kg")
    0.001
    """
    given, wanted = parse(unit), parse(own)
    if given is None or wanted is None:
        raise DefinitionError(unknown("unit", unit, alike(own)))
    if given.powers != wanted.powers:
        raise DefinitionError(
            f"unit {unit!r} does not convert into {own!r}: give one of {', '.join(alike(own))}"
        )
    return _round(given.size / wanted.size)


def _round(ratio: float) -> float:
    """A ratio of units without the last digits' noise: powers of ten come out exact.

    >>> _round(1e-3 / 1e-6)
    1000.0
    """
    return float(f"{ratio:.14g}") if math.isfinite(ratio) else ratio
