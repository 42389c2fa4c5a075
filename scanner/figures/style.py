"""Look of the figures: one journal column, colours that colour-blind readers can tell apart."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from scanner.grid import Axis

COLUMN_INCHES = 3.4
COLUMN_SIZE = (COLUMN_INCHES, 3.0)

# Okabe and Ito, "Color universal design" (2008); black is kept for the combination
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ((4, 1.4), (1.2, 1.2), (6, 1.4, 1.2, 1.4), (2.5, 1, 2.5, 2.5), (8, 2), (3, 1, 1, 1, 1, 1))
COMBINED = "black"
EXCLUDED = "#C9D3DE"
MISSING = "#EFEFEF"
QUIET = "#666666"

_SETTINGS: dict[str, Any] = {
    "font.family": "serif",
    "font.serif": ["STIXGeneral", "DejaVu Serif"],
    "mathtext.fontset": "stix",
    "font.size": 8.0,
    "axes.titlesize": 8.0,
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 7.0,
    "legend.title_fontsize": 7.0,
    "axes.linewidth": 0.7,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "legend.frameon": True,
    "legend.framealpha": 0.9,
    "legend.edgecolor": "none",
    "legend.handlelength": 2.6,
    "legend.labelspacing": 0.35,
    "hatch.linewidth": 0.4,
    "hatch.color": "#BBBBBB",
    "savefig.dpi": 300.0,
    "pdf.fonttype": 42,  # TrueType, embedded: journals refuse Type 3
    "ps.fonttype": 42,
    "svg.hashsalt": "scanner",  # else every file gets other element names
}

# a power of ten, a name and its power: "1e-32 cm2", "keV^-1", "muB"
_UNIT = re.compile(r"(?:1e(?P<ten>[+-]?\d+)\s*)?(?P<name>[A-Za-z]+)(?:\^?(?P<power>-?\d+))?")
_SYMBOLS = {"muB": r"\mu_B", "e": "e"}

_LOCK = threading.RLock()


@contextmanager
def journal() -> Iterator[None]:
    """Settings in force while a figure is made or written; one thread at a time."""
    with _LOCK, mpl.rc_context(cast(Any, _SETTINGS)):
        yield


def label(symbol: str, unit: str) -> str:
    r"""Axis label: symbol in italics as the field prints it, unit in upright brackets.

    >>> label(r"M_{Z'}", "MeV")
    "$M_{Z'}$ [MeV]"
    >>> label(r"\mu_{\nu_e}", "1e-10 muB")
    '$\\mu_{\\nu_e}$ [$10^{-10}\\,\\mu_B$]'
    >>> label("number of points", "")
    'number of points'
    """
    mathematical = any(mark in symbol for mark in "\\_^{") or len(symbol) == 1
    text = f"${symbol}$" if mathematical and "$" not in symbol else symbol
    return f"{text} [{_unit(unit)}]" if unit else text


def _unit(unit: str) -> str:
    r"""Powers as superscripts, muB and e as the symbols they stand for.

    >>> _unit("eV2"), _unit("keV^-1"), _unit("1e-32 cm2"), _unit("1e-8 e")
    ('eV$^{2}$', 'keV$^{-1}$', '$10^{-32}$ cm$^{2}$', '$10^{-8}\\,e$')
    """
    match = _UNIT.fullmatch(unit)
    if match is None:
        return unit
    power = f"^{{{match['power']}}}" if match["power"] else ""
    symbol = _SYMBOLS.get(match["name"], "")
    if not symbol:
        ten = f"$10^{{{int(match['ten'])}}}$ " if match["ten"] else ""
        return f"{ten}{match['name']}" + (f"${power}$" if power else "")
    ten = rf"10^{{{int(match['ten'])}}}\," if match["ten"] else ""
    return f"${ten}{symbol}{power}$"


def set_scale(axes: Axes, which: str, axis: Axis) -> None:
    """Scale, limits and ticks of the x or y axis."""
    low, high = float(axis.coordinates[0]), float(axis.coordinates[-1])
    target = axes.xaxis if which == "x" else axes.yaxis
    logarithmic = axis.logarithmic
    if which == "x":
        axes.set_xscale("log" if logarithmic else "linear")
        axes.set_xlim(low, high)
    else:
        axes.set_yscale("log" if logarithmic else "linear")
        axes.set_ylim(low, high)
    if not logarithmic:
        target.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    elif high / low > 30.0:
        target.set_major_locator(LogLocator(numticks=12))
        target.set_minor_locator(LogLocator(subs=[float(k) for k in range(2, 10)], numticks=100))
        target.set_minor_formatter(NullFormatter())


def line(number: int) -> dict[str, Any]:
    """Colour and dashes of the single experiment of that number; both differ from the others'."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "dashes": DASHES[(number + number // len(COLOURS)) % len(DASHES)],
    }
