"""Formulas in MathML, which browsers draw without a script."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape as escaped

from latex2mathml.converter import convert

from scanner.gallery.site import equations

_UPRIGHT = re.compile(r"\{\\rm\s+([A-Za-z]+)\}|\\rm\s+([A-Za-z]+)")
_ROMAN = re.compile(r"\\math(?:rm|it)\{([A-Za-z]+)\}")
_POWER_OF_SINE = re.compile(r"(\\(?:sin|cos)\s*\^\s*(?:\{2\}|2))\s*(?=[\\\w])")
_PRIMED = re.compile(r"([A-Za-z])'")
_DOLLAR = re.compile(r"(?<!\\)\$")


@lru_cache(maxsize=4096)
def formula(latex: str) -> str:
    r"""A formula of the catalogue, LaTeX without dollars, as an element of MathML.

    >>> formula(r"g_\nu").partition("><mrow>")[2]
    '<msub><mi>g</mi><mi>&#x003BD;</mi></msub></mrow></math>'
    """
    element = convert(_plain(latex))
    return element.replace('stretchy="true">&#x000AF;', 'stretchy="false">&#x000AF;')


def equation(text: str) -> str:
    """An equation written for a terminal, as MathML that also says how it was written."""
    element = formula(equations.latex(text))
    return element.replace("<math ", f'<math alttext="{escaped(text)}" ', 1)


def _plain(latex: str) -> str:
    r"""The commands that the converter knows, and what is drawn well.

    Words are in one piece, sin^2 has a thin space behind it, and a prime stands beside its letter:
    as a superscript many fonts draw it twice as small.

    >>> _plain(r"\Phi_{\rm SSM}"), _plain(r"\sin^2\theta"), _plain("Q'_u")
    ('\\Phi_{\\text{SSM}}', '\\sin^2\\,\\theta', '{Q\\prime }_u')
    """
    text = _UPRIGHT.sub(lambda found: rf"{{\text{{{found[1] or found[2]}}}}}", latex)
    text = _ROMAN.sub(r"\\text{\1}", text)
    text = _PRIMED.sub(r"{\1\\prime }", text)
    return _POWER_OF_SINE.sub(r"\1\\,", text)


def mixed(text: str) -> str:
    r"""Words with formulas between dollars, escaped; ``\$`` is a dollar.

    >>> mixed("a < b")
    'a &lt; b'
    >>> mixed(r"of $\nu$").startswith("of <math ")
    True
    """
    parts = _DOLLAR.split(text)
    if len(parts) % 2 == 0:  # a dollar without its partner
        return escaped(text)
    words = (escaped(part.replace(r"\$", "$")) for part in parts[::2])
    formulas = (formula(part) for part in parts[1::2])
    return "".join(piece for pair in zip(words, [*formulas, ""], strict=True) for piece in pair)
