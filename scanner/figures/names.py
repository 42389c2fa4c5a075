"""Names of the catalogue as a journal prints them: flavours, units, observables, pulls."""

from __future__ import annotations

import numpy as np

from scanner.experiment import BinAxis
from scanner.figures import style

_PROPER = {
    "helm": "Helm",
    "klein_nystrand": "Klein-Nystrand",
    "klein_nystrand_rms": "Klein-Nystrand rms",
    "symmetrised_fermi": "symmetrised Fermi",
}
ELECTRONS = "on electrons"

_FLAVOURS = {
    "nu_e": r"$\nu_e$",
    "nu_mu": r"$\nu_\mu$",
    "nu_tau": r"$\nu_\tau$",
    "nubar_e": r"$\bar\nu_e$",
    "nubar_mu": r"$\bar\nu_\mu$",
    "nubar_tau": r"$\bar\nu_\tau$",
}
_UNITS = {"us": r"$\mathrm{\mu}$s", "keVee": r"keV$_\mathrm{ee}$", "keVnr": r"keV$_\mathrm{nr}$"}


def readable(name: str) -> str:
    """Names of people in capitals; an underscore is a blank for readers.

    >>> readable("prompt_BRN"), readable("klein_nystrand")
    ('prompt BRN', 'Klein-Nystrand')
    """
    return _PROPER.get(name, name.replace("_", " "))


def component_label(name: str) -> str:
    r"""Flux component: flavour in symbols, what follows in words.

    >>> component_label("nubar_mu on electrons")
    '$\\bar\\nu_\\mu$ on electrons'
    """
    flavour, blank, rest = name.partition(" ")
    return _FLAVOURS.get(flavour, readable(flavour)) + blank + rest


def unit_label(unit: str) -> str:
    r"""Unit in upright type.

    >>> unit_label("PE"), unit_label("us")
    ('PE', '$\\mathrm{\\mu}$s')
    """
    return _UNITS.get(unit, unit)


def unit_alone(unit: str) -> str:
    r"""Unit of a parameter without its symbol.

    >>> unit_alone("MeV"), unit_alone("1e-10 muB"), unit_alone("")
    ('MeV', '$10^{-10}\\,\\mu_B$', '')
    """
    return style.label("name", unit).removeprefix("name").strip(" []")


def number(value: float) -> str:
    r"""A number as a journal prints it.

    >>> number(0.25), number(5e-5), number(-1e6)
    ('0.25', '$5\\times 10^{-5}$', '$-10^{6}$')
    """
    text = f"{value:.4g}"
    if "e" not in text:
        return text.replace("-", "\N{MINUS SIGN}")
    digits, power = text.split("e")
    factor = {"1": "", "-1": "-"}.get(digits, rf"{digits}\times ")
    return f"${factor}10^{{{int(power)}}}$"


def quantity(value: float, unit: str) -> str:
    r"""A value with its unit; a power of ten in the unit is multiplied.

    >>> quantity(10.0, "MeV"), quantity(-3.0, "1e-10 muB"), quantity(0.25, "")
    ('10 MeV', '−3 $\\times$ $10^{-10}\\,\\mu_B$', '0.25')
    """
    name = unit_alone(unit)
    times = r"$\times$ " if name.startswith("$10") else ""
    return f"{number(value)} {times}{name}".rstrip()


def observable_label(axis: BinAxis) -> str:
    """Observable with its unit.

    >>> observable_label(BinAxis("energy", "PE", np.array([0.0, 8.0])))
    'Energy [PE]'
    """
    name = axis.name[:1].upper() + axis.name[1:]
    return f"{readable(name)} [{unit_label(axis.unit)}]" if axis.unit else readable(name)


def per_bin(what: str, axis: BinAxis) -> str:
    """Ordinate: counts of a bin of one width, else per unit.

    >>> per_bin("Counts", BinAxis("energy", "PE", np.array([0.0, 8.0, 16.0])))
    'Counts / 8 PE'
    >>> per_bin("Counts", BinAxis("energy", "PE", np.array([0.0, 8.0, 12.0])))
    'Counts / PE'
    >>> per_bin("Counts", BinAxis("bin of S2", "", np.array([0.0, 1.0, 2.0])))
    'Counts'
    """
    widths = np.diff(axis.edges)
    unit = unit_label(axis.unit) or "unit"
    if not np.allclose(widths, widths[0]):
        return f"{what} / {unit}"
    if not axis.unit:
        return what if widths[0] == 1.0 else f"{what} / {widths[0]:g}"
    return f"{what} / {unit}" if widths[0] == 1.0 else f"{what} / {widths[0]:g} {unit}"
