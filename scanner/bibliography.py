"""What a result cites, as text and as BibTeX: only what is known, nothing is made up.

A reference of the catalogue is one line of citation with an arXiv number or a DOI. A line that
names authors, journal, volume, page and year becomes an ``@article`` with them, any other a
``@misc`` with the line as ``note``; both have ``eprint`` and ``doi`` where they are known.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from scanner import catalog
from scanner.definition import ScanDefinition
from scanner.scenario import Reference

SOFTWARE_TITLE = "CEvNS scanner"
SOFTWARE_AUTHOR = "The CEvNS scanner developers"
_PACKAGE = "cevns-scanner"

COUPLING_PAPERS: Mapping[str, Reference] = {
    "AC22": Reference("Atzori Corona et al., JHEP 05, 109 (2022)", arxiv="2202.11002"),
    "C20": Reference("Cadeddu et al., Phys. Rev. D 102, 015030 (2020)", arxiv="2005.01645"),
    "tree": Reference("Miranda et al.", arxiv="2003.12050"),
}
"""Papers of the weak couplings, those that `scanner.physics.charges` names."""

_KLEIN_NYSTRAND = Reference("Klein and Nystrand, Phys. Rev. C 60, 014903 (1999)")
FORM_FACTOR_PAPERS: Mapping[str, Reference] = {
    "helm": Reference("Helm, Phys. Rev. 104, 1466 (1956)"),
    "klein_nystrand": _KLEIN_NYSTRAND,
    "klein_nystrand_rms": _KLEIN_NYSTRAND,
    "symmetrised_fermi": Reference(
        "Piekarewicz, Linero, Giuliani and Chicken, Phys. Rev. C 94, 034316 (2016)"
    ),
}
"""Papers of the form factors, as `scanner.physics.formfactors` names them."""

_ARXIV = re.compile(r"(?:, )?\barXiv:(\d{4}\.\d{4,5}|[a-z-]+/\d{7})$")
_DOI = re.compile(r"(?:, )?\bdoi:(\S+)$")
_YEAR = re.compile(r"\(((?:19|20)\d\d)\)")
_ARTICLE = re.compile(
    r"(?P<head>.+), (?P<journal>[A-Z][A-Za-z.]*(?: [A-Z][A-Za-z.]*)*) (?P<volume>\d+),"
    r" (?P<pages>\w+) \((?P<year>(?:19|20)\d\d)\)(?:; (?P<note>.+))?"
)
_BY_COLLABORATION = re.compile(
    r"(?P<collaboration>.+?) Collaboration(?: \((?P<authors>.+?)\))?(?:, (?P<title>.+))?"
)
_BY_OTHERS = re.compile(r"(?P<authors>[^,]+ et al\.)(?:, (?P<title>.+))?")
_BY_NAMES = re.compile(r"(?P<authors>(?:[^,]+, )*[^,]+ and [^,]+|[^,]+)(?:, (?P<title>.+))?")
_SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{letter: "\\" + letter for letter in "&%$#_"},
    }
)
_ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0308": '"',
    "\u030a": "r",
    "\u030c": "v",
    "\u0327": "c",
    "\u0328": "k",
}


@dataclass(frozen=True)
class Entry:
    """One BibTeX entry; the values of `fields` are plain text, escaped when written.

    Those named in `literal` are written as they are.
    """

    key: str
    fields: Mapping[str, str]
    kind: str = "misc"
    literal: frozenset[str] = field(default=frozenset({"author", "eprint", "doi", "archiveprefix"}))

    def to_bibtex(self) -> str:
        """The entry as BibTeX reads it, 7-bit where TeX has the letter."""
        lines = [
            f"  {name} = {{{text if name in self.literal else escaped(text)}}}"
            for name, text in self.fields.items()
        ]
        return f"@{self.kind}{{{self.key},\n" + ",\n".join(lines) + "\n}\n"

    def to_dict(self) -> dict[str, str]:
        """Key, kind and fields, for JSON."""
        return {"key": self.key, "type": self.kind, **self.fields}


def cited(chosen: ScanDefinition) -> tuple[Reference, ...]:
    """What a result of this definition cites, each paper once.

    In this order: the scenario, the data, then what the experiments take from elsewhere.
    """
    loaded = [catalog.experiment(n, chosen.experiment_options[n]) for n in chosen.experiments]
    data = [e.provenance for e in loaded]
    found = [
        *catalog.scenario(chosen.scenario).references,
        *(Reference(one.citation, one.arxiv, one.doi) for one in data),
        *(paper for experiment in loaded for paper in experiment.references),
    ]
    return once(found)


def once(papers: Iterable[Reference]) -> tuple[Reference, ...]:
    """Each paper once, by its arXiv number or DOI if it has one, in their order."""
    found: dict[str, Reference] = {}
    for paper in papers:
        found.setdefault(_identity(paper), paper)
    return tuple(found.values())


def _identity(paper: Reference) -> str:
    """What tells a paper from others: its arXiv number or DOI if it has one."""
    return paper.arxiv or paper.doi or paper.citation


def conventions(options: Mapping[str, str]) -> tuple[Reference, ...]:
    """Papers that the chosen physics conventions are from."""
    papers = (
        COUPLING_PAPERS.get(options.get("couplings", "")),
        FORM_FACTOR_PAPERS.get(options.get("form_factor", "")),
    )
    return tuple(paper for paper in papers if paper is not None)


def citation(reference: Reference) -> str:
    """One line: citation, arXiv number and DOI where they are known."""
    known = [
        reference.citation,
        f"arXiv:{reference.arxiv}" if reference.arxiv else "",
        f"doi:{reference.doi}" if reference.doi else "",
    ]
    return ", ".join(part for part in known if part)


def reference_of(line: str) -> Reference:
    """Inverse of `citation`: a stored scan keeps its references as lines.

    >>> reference_of("A. Author, Phys. Rev. D 1, 2 (2024), arXiv:2401.00001")  # doctest: +ELLIPSIS
    Reference(citation='A. Author, Phys. Rev. D 1, 2 (2024)', arxiv='2401.00001', doi='', ...)
    """
    doi = _DOI.search(line)
    rest = line[: doi.start()] if doi else line
    arxiv = _ARXIV.search(rest)
    return Reference(
        rest[: arxiv.start()] if arxiv else rest,
        arxiv[1] if arxiv else "",
        doi[1] if doi else "",
    )


def entries(references: Iterable[Reference]) -> tuple[Entry, ...]:
    """An entry for each paper, then the software; one paper by its arXiv number or DOI is one.

    Keys are surname, year and arXiv number: the same for the same paper in every list.
    """
    found: dict[str, Entry] = {}
    for reference in once(references):
        key = _unique(_key(reference), found)
        article = _article(reference.citation)
        kind, fields = ("article", article) if article else ("misc", {"note": reference.citation})
        found[key] = Entry(key, fields | _numbers(reference), kind)
    return (*found.values(), software())


def software() -> Entry:
    """The scanner itself, as ``CITATION.cff`` says."""
    try:
        installed = version(_PACKAGE)
    except PackageNotFoundError:
        installed = ""
    fields = {"title": SOFTWARE_TITLE, "author": SOFTWARE_AUTHOR}
    noted = {"note": f"Computer program, version {installed}"} if installed else {}
    return Entry("CEvNSscanner", {**fields, **noted}, literal=frozenset())


def bibtex(found: Iterable[Entry]) -> str:
    """All entries, an empty line between two."""
    return "\n".join(entry.to_bibtex() for entry in found)


def escaped(text: str) -> str:
    """Text with what TeX reads as commands written out; accents as TeX writes them.

    >>> escaped("Müller & Sons, 5 % of x_i")
    'M{\\\\"u}ller \\\\& Sons, 5 \\\\% of x\\\\_i'
    """
    plain = text.translate(_SPECIAL)
    return "".join(_letter(letter) for letter in plain)


def _letter(letter: str) -> str:
    parts = unicodedata.normalize("NFD", letter)
    if len(parts) == 2 and parts[1] in _ACCENTS:
        base, accent = parts[0], _ACCENTS[parts[1]]
        return f"{{\\{accent}{' ' if accent.isalpha() else ''}{base}}}"
    return letter


def _article(line: str) -> dict[str, str]:
    """Fields of an article that a line of citation names; empty where it names no such thing.

    >>> _article("De Romeri et al., JHEP 04, 035 (2023)")["author"]
    '{De Romeri} and others'
    """
    whole = _ARTICLE.fullmatch(line)
    if whole is None:
        return {}
    forms = (_BY_COLLABORATION, _BY_OTHERS, _BY_NAMES)
    by = next((found for form in forms if (found := form.fullmatch(whole["head"]))), None)
    if by is None:
        return {}
    parts = {"collaboration": "", **by.groupdict()}
    authors = _authors(parts["authors"] or f"{parts['collaboration']} Collaboration")
    given = {
        "author": authors,
        "collaboration": parts["collaboration"],
        "title": parts["title"],
        **{name: whole[name] for name in ("journal", "volume", "pages", "year", "note")},
    }
    return {name: text for name, text in given.items() if text}


def _authors(text: str) -> str:
    """Names as BibTeX takes them: surnames of two words, and collaborations, in braces."""
    others = text.endswith(" et al.")
    names = re.split(r", | and ", text.removesuffix(" et al."))
    written = [
        escaped(name) if "." in name or " " not in name else f"{{{escaped(name)}}}"
        for name in names
    ]
    return " and ".join([*written, *(["others"] if others else [])])


def _numbers(reference: Reference) -> dict[str, str]:
    fields: dict[str, str] = {}
    if reference.arxiv:
        fields |= {"eprint": reference.arxiv, "archiveprefix": "arXiv"}
    if reference.doi:
        fields["doi"] = reference.doi
    return fields


def _key(reference: Reference) -> str:
    """Such as ``AtzoriCorona2022-2205.09484``: letters, digits, dot and dash only."""
    surname = re.split(r"\bet al\b|\band\b|\bCollaboration\b|[,(&;:]", reference.citation)[0]
    ascii_name = unicodedata.normalize("NFKD", surname).encode("ascii", "ignore").decode()
    year = _YEAR.search(reference.citation)
    number = reference.arxiv.replace("/", "-")
    name = re.sub(r"[^A-Za-z]", "", ascii_name) or "Reference"
    return "-".join(part for part in (name + (year[1] if year else ""), number) if part)


def _unique(key: str, taken: Mapping[str, object]) -> str:
    tries = (key, *(f"{key}{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"))
    return next(name for name in tries if name not in taken)
