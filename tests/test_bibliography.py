"""BibTeX of what is known: unique keys, valid for a parser, nothing made up."""

from __future__ import annotations

import string
from pathlib import Path

import bibtexparser
import pytest
import yaml

from scanner import bibliography, catalog, definition
from scanner.bibliography import bibtex, citation, conventions, entries, reference_of, software
from scanner.physics.charges import WEAK_COUPLINGS
from scanner.reading.resolve import OPTIONS
from scanner.scenario import Reference

ROOT = Path(__file__).parents[1]


def parsed(text: str) -> dict[str, dict[str, str]]:
    library = bibtexparser.parse_string(text)
    assert library.failed_blocks == []
    assert len(library.entries) == text.count("@")
    return {
        entry.key: {field.key: field.value for field in entry.fields} for entry in library.entries
    }


@pytest.mark.parametrize("name", catalog.definition_names())
def test_every_definition_has_a_valid_bibliography(name: str) -> None:
    chosen = definition.load(name)
    references = (*bibliography.cited(chosen), *conventions(chosen.options))
    found = parsed(bibtex(entries(references)))
    assert list(found)[-1] == "CEvNSscanner"
    allowed = set(string.ascii_letters + string.digits + ".-")
    assert all(set(key) <= allowed for key in found)
    numbers = {r.arxiv for r in references} - {""}
    assert {fields["eprint"] for fields in found.values() if "eprint" in fields} == numbers
    assert {f["doi"] for f in found.values() if "doi" in f} == {r.doi for r in references} - {""}


def test_only_known_fields_are_printed() -> None:
    (paper, _) = entries([Reference("A. Author, Phys. Rev. D 1, 2 (2024)")])
    assert paper.fields == {"note": "A. Author, Phys. Rev. D 1, 2 (2024)"}
    assert paper.key == "AAuthor2024"


def test_one_paper_is_one_entry_and_keys_are_unique_and_stable() -> None:
    papers = [
        Reference("Helm, Phys. Rev. 104, 1466 (1956)"),
        Reference("Helm and others, another paper (1956)"),
        Reference("Same et al. (2022)", arxiv="2202.11002"),
        Reference("Same et al., JHEP 05, 109 (2022)", arxiv="2202.11002"),
        Reference("Old (2000)", arxiv="hep-ph/0008114"),
        Reference("17 % of nothing"),
    ]
    keys = [entry.key for entry in entries(papers)]
    assert keys == [
        "Helm1956",
        "Helm1956a",
        "Same2022-2202.11002",
        "Old2000-hep-ph-0008114",
        "ofnothing",
        "CEvNSscanner",
    ]
    assert bibtex(entries(papers)) == bibtex(entries(papers))


def test_special_letters_are_escaped_and_read_back() -> None:
    text = r"Müller & Sons, 5 % of $x_i^2$ {#1} ~ \alpha, Gómez-Cañas (2024)"
    written = bibtex(entries([Reference(text)]))
    assert written.isascii()
    (key, fields) = next(iter(parsed(written).items()))
    assert key == "Muller2024"
    for letter in ("\\&", "\\%", "\\$", "\\_", "\\#", '{\\"u}', "{\\'o}", "{\\~n}"):
        assert letter in fields["note"]
    assert written.count("{") - written.count(r"\{") == written.count("}") - written.count(r"\}")


@pytest.mark.parametrize("name", catalog.scenario_names())
def test_a_reference_comes_back_from_its_line(name: str) -> None:
    for reference in catalog.scenario(name).references:
        found = reference_of(citation(reference))
        assert (found.citation, found.arxiv, found.doi) == (
            reference.citation,
            reference.arxiv,
            reference.doi,
        )


def test_the_software_is_that_of_the_citation_file() -> None:
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    fields = software().fields
    assert fields["title"] == cff["title"]
    assert [fields["author"]] == [author["name"] for author in cff["authors"]]


def test_conventions_are_those_that_the_physics_names() -> None:
    for name, couplings in WEAK_COUPLINGS.items():
        (paper,) = conventions({"couplings": name})
        assert f"arXiv:{paper.arxiv}" in couplings.source
    for name in OPTIONS["form_factor"]:
        (paper,) = conventions({"form_factor": name})
        source = (ROOT / "scanner" / "physics" / "formfactors.py").read_text()
        assert " ".join(paper.citation.split()) in " ".join(source.split())
