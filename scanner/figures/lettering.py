"""Text that fits: maths that parses, lines no longer than the room they have."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from matplotlib.cbook import is_math_text
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from matplotlib.textpath import text_to_path

_POINTS_PER_INCH = 72.0
# an escaped dollar, a piece of maths with its blanks, or anything but a blank
_WORD = re.compile(r"(?:\\\$|\$(?:\\.|[^$\\])*\$|[^\s$])+")
_DOLLAR = re.compile(r"(?<!\\)\$")
_PARSER = MathTextParser("path")


def safe(text: str) -> str:
    r"""The text with its maths if that parses, else with every dollar sign printed as such.

    >>> safe(r"$L_\mu$ boson"), safe("costs 5 $"), safe(r"$\nosuchsymbol$")
    ('$L_\\mu$ boson', 'costs 5 \\$', '\\$\\nosuchsymbol\\$')
    """
    if "$" not in text:
        return text
    try:
        if is_math_text(text):
            _PARSER.parse(text)
            return text
    except (ValueError, RecursionError):  # the latter of braces in braces, thousands deep
        pass
    return _DOLLAR.sub(r"\\$", text)


def words(text: str) -> list[str]:
    r"""Pieces between blanks; maths stays in one piece.

    >>> words(r"the $B - L$ boson")
    ['the', '$B - L$', 'boson']
    """
    return _WORD.findall(text)


def listed(pieces: Sequence[str]) -> list[str]:
    """The pieces of an enumeration, each but the last with its comma."""
    return [*(f"{piece}," for piece in pieces[:-1]), *pieces[-1:]]


def width(text: str, size: float) -> float:
    """Width in inches of one line of `size` points, in the font that is set."""
    math = is_math_text(text)
    plain = text if math else text.replace(r"\$", "$")
    font = FontProperties(size=size)
    points, _, _ = text_to_path.get_text_width_height_descent(plain, font, math)
    return float(points) / _POINTS_PER_INCH


def wrapped(pieces: Iterable[str], inches: float, size: float) -> str:
    """Pieces joined by blanks into lines that are no wider than `inches`.

    A piece that is too wide alone is broken at its blanks, and a word anywhere; only maths is not.
    """
    lines: list[str] = []
    for piece in pieces:
        for part in _broken(piece, inches, size):
            longer = f"{lines[-1]} {part}" if lines else part
            if lines and width(longer, size) <= inches:
                lines[-1] = longer
            else:
                lines.append(part)
    return "\n".join(lines)


def _broken(piece: str, inches: float, size: float) -> list[str]:
    if width(piece, size) <= inches:
        return [piece]
    parts = words(piece)
    if len(parts) > 1:
        return [part for word in parts for part in _broken(word, inches, size)]
    if "$" in piece or len(piece) < 2:
        return [piece]
    lengths = range(1, len(piece))
    fits = max(1, bisect_right(lengths, inches, key=lambda n: width(piece[:n], size)))
    return [piece[:fits], *_broken(piece[fits:], inches, size)]
