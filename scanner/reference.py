"""Reference: a paper that a number, a formula or a spectrum is from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    """A paper: what it is cited for, with the equation where it matters."""

    citation: str
    arxiv: str = ""
    doi: str = ""
    equation: str = ""
