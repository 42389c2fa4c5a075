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
    (paper, _) = entries([Reference("A. Author, a talk (2024)")])
    assert (paper.kind, paper.fields) == ("misc", {"note": "A. Author, a talk (2024)"})
    assert paper.key == "AAuthor2024"


@pytest.mark.parametrize(
    ("line", "author", "rest"),
    [
        ("Helm, Phys. Rev. 104, 1466 (1956)", "Helm", {"journal": "Phys. Rev.", "volume": "104"}),
        (
            "Atzori Corona et al., Eur. Phys. J. C 83, 683 (2023)",
            "{Atzori Corona} and others",
            {"journal": "Eur. Phys. J. C", "volume": "83", "pages": "683", "year": "2023"},
        ),
        (
            "Brdar, Greljo, Kopp and Opferkuch, JCAP 01, 039 (2021)",
            "Brdar and Greljo and Kopp and Opferkuch",
            {"journal": "JCAP", "volume": "01", "pages": "039", "year": "2021"},
        ),
        (
            "COHERENT Collaboration (D. Akimov et al.), First Measurement of This, and of That, "
            "Phys. Rev. Lett. 126, 012002 (2021); data release arXiv:2006.12659",
            "D. Akimov and others",
            {
                "collaboration": "COHERENT",
                "title": "First Measurement of This, and of That",
                "journal": "Phys. Rev. Lett.",
                "pages": "012002",
                "note": "data release arXiv:2006.12659",
            },
        ),
        (
            "NUCLEUS Collaboration, Eur. Phys. J. C 79, 1018 (2019)",
            "{NUCLEUS Collaboration}",
            {"collaboration": "NUCLEUS", "journal": "Eur. Phys. J. C"},
        ),
        (
            "Wood et al., Parity Nonconservation and an Anapole Moment, Science 275, 1759 (1997)",
            "Wood and others",
            {"title": "Parity Nonconservation and an Anapole Moment", "journal": "Science"},
        ),
    ],
)
def test_what_a_line_names_becomes_an_article(line, author, rest) -> None:
    (paper, _) = entries([Reference(line, arxiv="2401.00001")])
    assert paper.kind == "article"
    assert paper.fields["author"] == author
    assert rest.items() <= paper.fields.items()
    written = parsed(paper.to_bibtex())[paper.key]
    assert (written["author"], written["eprint"]) == (author, "2401.00001")
    assert ("title" in written) is ("title" in rest)


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


HUBER_MUELLER = {"1106.0687", "1101.2663"}
SOLAR = {"1611.09867", "2007.14792"}


def bib_of(experiment: str, **choices: str) -> dict[str, dict[str, str]]:
    raw = {
        "scenario": "standard_model",
        "experiments": [experiment],
        "experiment": {experiment: choices} if choices else {},
        "parameters": {},
    }
    chosen = definition.from_mapping(raw, "", point=True)
    return parsed(bibtex(entries(bibliography.cited(chosen))))


def numbers_of(found: dict[str, dict[str, str]]) -> set[str]:
    return {fields["eprint"] for fields in found.values() if "eprint" in fields}


@pytest.mark.parametrize("name", catalog.experiment_names())
def test_every_bib_names_the_papers_of_its_flux(name: str) -> None:
    form = catalog.experiment(name)
    components = {component.name for component in form.flux.components}
    found = bib_of(name)
    if components == {"nubar_e"}:
        assert numbers_of(found) >= HUBER_MUELLER
        assert "Vogel1989" in found
    elif any(component.endswith("8B") for component in components):
        assert numbers_of(found) >= SOLAR
    elif components:  # pions at rest: formulas, and the neutrinos per proton of the data's paper
        assert components == {"nu_mu", "nu_e", "nubar_mu"}
        assert form.provenance.arxiv in numbers_of(found)


@pytest.mark.parametrize("name", catalog.experiment_names())
def test_every_paper_of_an_experiment_is_there_once(name: str) -> None:
    form = catalog.experiment(name)
    found = bib_of(name)
    numbers = [fields["eprint"] for fields in found.values() if "eprint" in fields]
    assert len(numbers) == len(set(numbers))
    assert set(numbers) >= {paper.arxiv for paper in form.references} - {""}
    lines = [line_of(fields) for fields in found.values()]
    for paper in form.references:
        assert paper.arxiv or sum(line in paper.citation for line in lines) == 1


def line_of(fields: dict[str, str]) -> str:
    """The citation, or the end of it that tells where it is printed."""
    if "journal" not in fields:
        return fields["note"]
    return "{journal} {volume}, {pages} ({year})".format(**fields)


@pytest.mark.parametrize(
    ("name", "choices", "there", "not_there"),
    [
        ("conus_2021", {"spectrum": "bestiole"}, {"2304.14992", "2401.07684"}, HUBER_MUELLER),
        ("texono_2024", {"spectrum": "bestiole_to_8_mev"}, {"2304.14992"}, HUBER_MUELLER),
        ("dresden_ii_2022", {"spectrum": "mueller"}, {"1101.2663", "2202.10829"}, {"1106.0687"}),
        ("dresden_ii_2022", {"electron_scattering": "signal"}, {"2205.09484"}, set()),
        ("coherent_csi_2021", {"pulls": "valencia"}, {"2211.11905"}, {"2303.09360"}),
        ("coherent_csi_2021", {}, {"2202.11002", "2303.09360"}, {"2211.11905"}),
        ("coherent_csi_2017", {"quenching": "release_2021"}, {"1804.09459", "2110.07730"}, set()),
        ("coherent_csi_2017", {}, {"1804.09459", "1710.02730"}, {"2110.07730"}),
        ("coherent_lar_2020", {"analysis": "energy"}, {"2005.01645"}, {"2211.11905"}),
        ("coherent_lar_2020", {}, {"2006.12659", "2211.11905"}, {"2005.01645"}),
        ("coherent_ge_2024", {}, {"2110.07730", "2202.10829"}, HUBER_MUELLER),
        ("apv_cesium", {"theory": "2012"}, {"1207.5864"}, set()),
        ("xenonnt_b8_2026", {}, {"2408.02877", *SOLAR}, set()),
    ],
)
def test_papers_follow_the_choices(
    name: str, choices: dict[str, str], there: set[str], not_there: set[str]
) -> None:
    # the Standard Model is itself from 2202.11002
    numbers = numbers_of(bib_of(name, **choices))
    assert numbers >= there
    assert not numbers & not_there


def test_germanium_cites_the_quenching_that_it_takes() -> None:
    lindhard = "Mat. Fys. Medd. Dan. Vid. Selsk. 33, 10 (1963)"
    cites = {
        name: any(line_of(fields) == lindhard for fields in bib_of(name).values())
        for name in ("conus_2021", "conus_plus_2025", "coherent_ge_2026", "dresden_ii_2022")
    }
    assert cites.pop("dresden_ii_2022") is False  # measured, in the release
    assert all(cites.values())
