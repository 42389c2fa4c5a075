"""What a docstring in NumPy form says: its paragraphs, and its parameters."""

from __future__ import annotations

import inspect
import re
from itertools import takewhile, zip_longest

_ENTRY = re.compile(r"(\w+(?:, \w+)*) : ")


def paragraphs(text: str | None) -> list[str]:
    """Paragraphs, each on one line; an indented one, a formula, keeps its lines.

    >>> paragraphs("One thing.\\n\\nMore\\nof it,\\n\\n    a = b\\n")
    ['One thing.', 'More of it,', '    a = b']
    """
    blocks = re.split(r"\n\s*\n", inspect.cleandoc(text or ""))
    return [block if block.startswith(" ") else _joined(block) for block in blocks if block]


def parameters(text: str | None) -> dict[str, str]:
    """Description of every entry of the section "Parameters", on one line each.

    >>> parameters("Load.\\n\\nParameters\\n----------\\na : str\\n    First\\n    of two.\\n")
    {'a': 'First of two.'}
    """
    lines = inspect.cleandoc(text or "").splitlines()
    below = list(zip_longest(lines, lines[1:], fillvalue=""))
    start = next((i for i, pair in enumerate(below) if _heads(pair, "Parameters")), None)
    if start is None:
        return {}
    found: dict[str, list[str]] = {}
    names: tuple[str, ...] = ()
    for line, _ in takewhile(lambda pair: not _heads(pair), below[start + 2 :]):
        entry = _ENTRY.match(line)
        if entry:
            names = tuple(entry[1].split(", "))
        else:
            for name in names:
                found.setdefault(name, []).append(line)
    return {name: _joined("\n".join(said)) for name, said in found.items()}


def _heads(pair: tuple[str, str], title: str = "") -> bool:
    """Whether a line and the one below it are the head of a section."""
    line, rule = pair
    return bool(re.fullmatch(r"-{3,}", rule)) and line in (title or line, "") and line != ""


def _joined(block: str) -> str:
    return " ".join(block.split())
