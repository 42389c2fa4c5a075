"""Units at the door: numbers are converted into a parameter's own unit, once, on reading.

All units differ by powers of ten, so the shift is done on the decimal digits a person wrote:
``0.0023 GeV`` and ``2.3 MeV`` become the same float.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from scanner.errors import DefinitionError, unknown

# symbol -> decimal exponent, by dimension
SYMBOLS = {
    "energy": {"eV": 0, "keV": 3, "MeV": 6, "GeV": 9, "TeV": 12},
    "length": {"fm": -15, "nm": -9, "mm": -3, "cm": -2, "m": 0, "km": 3},
    "magnetic moment": {"muB": 0},
    "charge": {"e": 0},
    "angle": {"rad": 0, "mrad": -3},
}

_FORM = re.compile(r"(?:1e(?P<ten>[+-]?\d{1,3})\s*)?(?P<symbol>[A-Za-z]+)(?:\^?(?P<power>-?\d))?")


@dataclass(frozen=True)
class Unit:
    """A unit as dimension^power times a power of ten."""

    dimension: str
    power: int
    ten: int


def parse_unit(text: str) -> Unit | None:
    """Unit of a spelling like ``MeV``, ``eV2``, ``eV^2``, ``1e-32 cm2``; None if unknown.

    >>> parse_unit("1e-32 cm^2")
    Unit(dimension='length', power=2, ten=-36)
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        return None
    power = int(match["power"] or 1)
    for dimension, symbols in SYMBOLS.items():
        if match["symbol"] in symbols:
            ten = symbols[match["symbol"]] * power + int(match["ten"] or 0)
            return Unit(dimension, power, ten)
    return None


def compatible_units(own: str) -> tuple[str, ...]:
    """Plain spellings that can be converted into `own`.

    >>> compatible_units("eV2")
    ('eV2', 'keV2', 'MeV2', 'GeV2', 'TeV2')
    """
    unit = parse_unit(own)
    if unit is None:
        return (own,)
    suffix = "" if unit.power == 1 else str(unit.power)
    spellings = tuple(symbol + suffix for symbol in SYMBOLS[unit.dimension])
    return spellings if own in spellings else (own, *spellings)


def convert(value: float, unit: str, own: str) -> float:
    """`value` given in `unit`, in the unit `own`, correctly rounded.

    Raises
    ------
    DefinitionError
        `unit` is unknown or of another dimension than `own`; names those that fit.

    Examples
    --------
    >>> convert(0.0023, "GeV", "MeV")
    2.3
    """
    if unit == own:
        return value
    given, wanted = parse_unit(unit), parse_unit(own)
    if given is None or wanted is None:
        raise DefinitionError(unknown("unit", unit, compatible_units(own)))
    if (given.dimension, given.power) != (wanted.dimension, wanted.power):
        raise DefinitionError(
            f"unit {unit!r} does not convert into {own!r}: "
            f"give one of {', '.join(compatible_units(own))}"
        )
    return float(Decimal(repr(value)).scaleb(given.ten - wanted.ten))
