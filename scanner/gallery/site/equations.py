r"""Equations as the catalogue writes them, on one line for a terminal, as LaTeX.

``Q = Q_SM + g^2 (2 Z F_p + N F_n)`` becomes ``Q = Q_{\text{SM}} + g^{2} (2 Z F_{p} + N F_{n})``.
Names are Greek letters written out, letters with indices, and words of a sentence.
"""

from __future__ import annotations

import re

_GREEK = frozenset(
    {"alpha", "beta", "gamma", "delta", "epsilon", "eta", "theta", "kappa", "lambda", "mu", "nu"}
    | {"pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega"}
    | {"Gamma", "Delta", "Theta", "Lambda", "Phi", "Psi", "Sigma", "Omega"}
)
_NAMES = {
    "eps": r"\varepsilon ",
    "dm": r"\Delta m",
    "sin": r"\sin ",
    "cos": r"\cos ",
    "exp": r"\exp ",
    "sum": r"\sum ",
    "sqrt2": r"\sqrt{2}",
    "chi2": r"\chi^{2}",
    "min": r"\min ",
}
_MARKS = {"->": r"\to ", "<": r"\langle ", ">": r"\rangle ", ";": r";\quad ", ",": r",\; "}
_WORD = rf"(?!(?:{'|'.join((*sorted(_GREEK), *_NAMES))})\b)[a-z]{{2,}}"
_ADDED = re.compile(r"(\S+) \+= ")
_TOKEN = re.compile(
    r"(?P<ratio>d(?P<above>[a-z]+)/d(?P<below>[A-Z]))"
    rf"|(?P<words>\b{_WORD}(?: (?:a )?{_WORD})*\b(?![_^]))"
    r"|(?P<name>sqrt2|chi2|[A-Za-z]+|(?<=[A-Za-z])\d+)"
    r"|_(?P<index>[A-Za-z0-9]+)"
    r"|\^(?P<power>[A-Za-z0-9]+)"
    r"|(?P<mark>->|[<>;,])"
    r"|(?P<other>.)"
)


def latex(text: str) -> str:
    r"""The equation as LaTeX.

    >>> latex("g_V^p -> 2 sqrt2 pi alpha q_aa/(G_F 2 M T)")
    'g_{V}^{p} \\to  2 \\sqrt{2} \\pi  \\alpha  q_{aa}/(G_{F} 2 M T)'
    >>> latex("Q += g")
    'Q \\to  Q + g'
    >>> latex("M4^2, summed as |Q_ab|^2 over b")
    'M_{4}^{2},\\;  \\text{ summed as } |Q_{ab}|^{2} \\text{ over } b'
    """
    added = _ADDED.sub(r"\1 -> \1 + ", text)
    return "".join(_written(found) for found in _TOKEN.finditer(added))


def _written(found: re.Match[str]) -> str:
    part = found.lastgroup
    said = found[part] if part else found[0]
    if found["ratio"]:
        return rf"\frac{{d{_symbol(found['above'])}}}{{d{found['below']}}}"
    if part == "words":
        return rf"\text{{ {said} }}"
    if part in ("index", "power"):
        return ("_" if part == "index" else "^") + f"{{{_index(said)}}}"
    if part == "mark":
        return _MARKS[said]
    if part == "name" and said.isdigit():
        return f"_{{{said}}}"
    return _symbol(said)


def _symbol(name: str) -> str:
    """A Greek letter or a name of the equations; anything else as it is."""
    return rf"\{name} " if name in _GREEK else _NAMES.get(name, name)


def _index(name: str) -> str:
    r"""What stands below or above: a Greek letter, a word in upright type, or letters.

    >>> _index("phi"), _index("SM"), _index("max"), _index("uV"), _index("a4")
    ('\\phi ', '\\text{SM}', '\\text{max}', 'uV', 'a4')
    """
    if name in _GREEK:
        return rf"\{name} "
    word = len(name) > 1 and name.isalpha() and (name.isupper() or name in ("max", "min"))
    return rf"\text{{{name}}}" if word else name
