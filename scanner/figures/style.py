"""Look of the figures: for a journal or a talk, in colours that colour-blind readers tell apart."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from scanner.errors import DefinitionError, unknown
from scanner.grid import Axis

COLUMN_INCHES = 3.4
COLUMN_SIZE = (COLUMN_INCHES, 3.0)

# Okabe and Ito, "Color universal design" (2008); black is kept for the combination
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ((4, 1.4), (1.2, 1.2), (6, 1.4, 1.2, 1.4), (2.5, 1, 2.5, 2.5), (8, 2), (3, 1, 1, 1, 1, 1))
COMBINED = "black"
EXCLUDED = "#C9D3DE"
EXCLUDED_MORE = "#AEBCCB"  # at a further level
MISSING = "#EFEFEF"
QUIET = "#666666"

# lines of a confidence level: the first solid, those after it broken, whatever their colour
LEVEL_DASHES: tuple[tuple[float, ...], ...] = ((), (4.5, 1.8), (1.2, 1.4), (6, 1.4, 1.2, 1.4))

# pale regions of published limits, by kind: face, edge, hatch and its colour; the hatches tell them
# apart where there is no colour. Kinds that are not named here take the looks that are left.
PUBLISHED: dict[str, tuple[str, str, str, str]] = {
    "fixed targets": ("#F6E8D8", "#A0601F", "", ""),
    "$e^{+}e^{-}$ colliders": ("#E4F0E4", "#3F7A4A", "////", "#A9CDB0"),
    r"$\nu e$ scattering": ("#EFE9F5", "#6A4A8C", "|||", "#CDBEDF"),
    "beam dumps": ("#FBF5DA", "#8A7412", "....", "#CDBD73"),
    "LHC": ("#E3EFF5", "#2F6F8F", "\\\\\\\\", "#A3C6D8"),
    "CEvNS": ("#F6E4EA", "#9A3F5F", "----", "#DDB0C0"),
    "anomalous moments": ("#ECECEC", "#555555", "++++", "#C4C4C4"),
}
PREFERRED = ("#FFFFFF", "#0B78B0", "xxxx", "#7FBDE0")

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

_TALK: dict[str, Any] = {
    **_SETTINGS,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "mathtext.fontset": "dejavusans",
    "axes.linewidth": 1.0,
    "xtick.major.width": 1.0,
    "ytick.major.width": 1.0,
    "hatch.linewidth": 0.5,
    "savefig.dpi": 200.0,
}


@dataclass(frozen=True)
class Style:
    """What a figure is made for.

    Parameters
    ----------
    settings : mapping
        Of matplotlib.
    size : pair of float
        Inches.
    type_scale, line_scale : float
        Sizes of type and widths of lines, over those of the journal.
    """

    settings: Mapping[str, Any]
    size: tuple[float, float]
    type_scale: float = 1.0
    line_scale: float = 1.0


STYLES: Mapping[str, Style] = {
    "journal": Style(_SETTINGS, COLUMN_SIZE),
    "wide": Style(_SETTINGS, (7.0, 4.6)),
    "talk": Style(_TALK, (6.4, 4.4), 1.5, 1.6),
}
_TYPE = tuple(key for key in _SETTINGS if key.endswith("size") and key != "font.size")

_LOCK = threading.RLock()
_CHOSEN: ContextVar[str] = ContextVar("style", default="journal")


@contextmanager
def using(name: str) -> Iterator[None]:
    """Make every figure inside in that style.

    Raises
    ------
    DefinitionError
        An unknown style.
    """
    if name not in STYLES:
        raise DefinitionError(unknown("style", name, STYLES))
    token = _CHOSEN.set(name)
    try:
        yield
    finally:
        _CHOSEN.reset(token)


@contextmanager
def journal() -> Iterator[None]:
    """Settings of the style in use while a figure is made or written; one thread at a time."""
    chosen = STYLES[_CHOSEN.get()]
    scaled = {key: chosen.type_scale * chosen.settings[key] for key in (*_TYPE, "font.size")}
    with _LOCK, mpl.rc_context(cast(Any, {**chosen.settings, **scaled})):
        yield


def size() -> tuple[float, float]:
    """Inches of a figure in the style in use."""
    return STYLES[_CHOSEN.get()].size


def points(journal_size: float) -> float:
    """Size of type in the style in use, from that in a journal."""
    return STYLES[_CHOSEN.get()].type_scale * journal_size


def stroke(journal_width: float) -> float:
    """Width of a line in the style in use, from that in a journal."""
    return STYLES[_CHOSEN.get()].line_scale * journal_width


def published(kinds: Sequence[str]) -> dict[str, dict[str, str]]:
    """Face, edge, hatch and its colour of each kind of published limits.

    >>> looks = published(["LHC", "mine"])
    >>> looks["LHC"]["edge"] == PUBLISHED["LHC"][1], looks["mine"] != looks["LHC"]
    (True, True)
    """
    unnamed = [kind for kind in kinds if kind not in PUBLISHED]
    free = [look for kind, look in PUBLISHED.items() if kind not in kinds] or [*PUBLISHED.values()]
    chosen = PUBLISHED | {kind: free[n % len(free)] for n, kind in enumerate(unnamed)}
    return {kind: _look(chosen[kind]) for kind in kinds}


def preferred() -> dict[str, str]:
    """The same of a preferred region."""
    return _look(PREFERRED)


def _look(values: tuple[str, str, str, str]) -> dict[str, str]:
    return dict(zip(("face", "edge", "hatch", "hatch_colour"), values, strict=True))


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


def power_of(axis: Axis) -> int:
    """Power of ten that is taken out of the numbers at a linear axis; 0 if they are handy."""
    largest = max(abs(float(axis.coordinates[0])), abs(float(axis.coordinates[-1])))
    if axis.logarithmic or largest == 0.0 or 1e-3 <= largest < 1e5:
        return 0
    return math.floor(math.log10(largest))


def scaled(text: str, axis: Axis) -> str:
    r"""Label of an axis with the power of ten that its numbers lack.

    >>> scaled("$g$", Axis("g", "linear", 0.0, 2e-8, 3)), scaled("$g$", Axis("g", "log", 1, 2, 3))
    ('$g$ [$10^{-8}$]', '$g$')
    >>> scaled("$m$ [MeV]", Axis("m", "linear", 0.0, 2e6, 3))
    '$m$ [$10^{6}$ MeV]'
    """
    power = power_of(axis)
    if not power:
        return text
    symbol, bracket, unit = text.partition(" [")
    return f"{symbol} [$10^{{{power}}}$" + (f" {unit}" if bracket else "]")


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
        if power := power_of(axis):
            target.set_major_formatter(
                lambda value, _: f"{value / 10.0**power:g}".replace("-", "\N{MINUS SIGN}")
            )
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
