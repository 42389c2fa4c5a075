"""What pages of scenarios and of experiments have alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from scanner import bibliography
from scanner.figures import names
from scanner.gallery.site.html import (
    arxiv,
    block,
    bullets,
    code,
    doi,
    escape,
    figure,
    folded,
    formula,
    linked,
    mixed,
    table,
)
from scanner.reference import Reference

DEPTH = 1
"""Folders between the root of the site and a page of the catalogue."""


class Shown(NamedTuple):
    """A figure of the gallery on a page: file ``figures/NAME.png``, caption in words and $...$."""

    name: str
    caption: str


def parameters(records: Sequence[Mapping[str, Any]], scanned: str = "Range") -> str:
    """Table of parameters, as `scanner.sheet.parameter_record` tells them; nothing for none."""
    if not records:
        return ""
    head = ["Name", "Symbol", "Meaning", "Unit", scanned, "Default", "Role"]
    return table(head, [_parameter(one) for one in records], kind="stacked")


def _parameter(one: Mapping[str, Any]) -> list[str]:
    return [
        code(one["name"]),
        formula(one["latex"]) if one["latex"] else "",
        linked(one["description"]),
        mixed(names.unit_alone(one["unit"])),
        _range(one["range"]),
        _default(one["default"]),
        escape(one["role"]),
    ]


def _range(text: str) -> str:
    """Ends of a range with their signs as print has them, or the values of a choice."""
    if " .. " not in text:
        return ", ".join(code(value) for value in text.split(" | "))
    return escape(text.replace("-", "\N{MINUS SIGN}").replace("inf", "\N{INFINITY}"))


def _default(value: object) -> str:
    """A default; a parameter without one must be given."""
    if value is None:
        return "must be given"
    if isinstance(value, float):
        return f"{value:g}"
    return escape(str(value)) if value == "optional" else code(str(value))


def papers(references: Iterable[Reference]) -> str:
    """List of papers, each with its links."""
    return bullets((paper(one) for one in references), kind="references")


def paper(one: Reference) -> str:
    """A citation with the arXiv number and the DOI as links."""
    known = [
        linked(one.citation),
        arxiv(one.arxiv) if one.arxiv else "",
        doi(one.doi) if one.doi else "",
        escape(one.equation),
    ]
    return ", ".join(part for part in known if part)


def pictures(shown: Iterable[Shown]) -> str:
    """Figures of the gallery beside each other; nothing for none."""
    up = "../" * DEPTH
    drawn = [figure(f"{up}figures/{one.name}.png", one.name, mixed(one.caption)) for one in shown]
    return '<div class="figures">\n' + "\n".join(drawn) + "\n</div>" if drawn else ""


def how_to_cite(references: Iterable[Reference], definition: str) -> str:
    """What a result cites: the command that lists it, and the entries known already."""
    entries = bibliography.entries(references)
    command = code(f"scanner bib {definition or 'SCAN'}")
    return (
        "<p>Cite the papers of the formula, those of the data, and the software. Once a scan has "
        f"run, {command} writes all that its results cite as "
        "BibTeX, the papers of the chosen conventions included.</p>\n"
        + folded("BibTeX of this page", block(bibliography.bibtex(entries)))
    )


def typed(lines: Sequence[str], definition: str) -> str:
    """Commands for a terminal, those of a definition last."""
    run = [f"scanner plan {definition}", f"scanner run {definition}"] if definition else []
    return block("\n".join([*lines, *run]))
