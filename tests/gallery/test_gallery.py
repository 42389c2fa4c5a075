"""The gallery: what it lists, that its curves are those of the scans, and the pages it writes."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.errors import CatalogError, IncompleteScanError, StoreError
from scanner.figures.curves import Curve, Measured, Panel, curves_figure
from scanner.gallery import building, nuclear, theory
from scanner.gallery.asking import Grids
from scanner.gallery.comparing import Comparison, Published, compared, comparisons, rounding
from scanner.gallery.entries import chosen, entries, sections
from scanner.gallery.making import make
from scanner.gallery.records import in_words
from scanner.gallery.strength import cross_section, prediction, standard_model
from scanner.physics.isotopes import element

TOO_MANY_AXES = {"nsi_4d", "nsi_6d"}
QUICK = ("neutron_radius_csi", "data_csi_2021", "cross_sections")


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> building.Built:
    """Three figures of three kinds."""
    place = tmp_path_factory.mktemp("gallery")
    return building.build(place / "pages", QUICK, store=place / "scans", workers=1)


@pytest.fixture(scope="module")
def store_of_curves(tmp_path_factory):
    return tmp_path_factory.mktemp("curves")


def test_every_ready_made_definition_of_a_plane_or_a_line_is_shown():
    shown = {name for entry in entries().values() for name in entry.scans}
    assert set(catalog.definition_names()) - shown == TOO_MANY_AXES


def test_every_published_value_stands_beside_one_figure():
    named = [name for entry in entries().values() for name in entry.compared]
    assert sorted(named) == sorted(comparisons())


def test_every_section_has_figures_and_every_figure_one_kind():
    assert {entry.section for entry in entries().values()} == {one.name for one in sections()}
    for entry in entries().values():
        kinds = [entry.scan, entry.intervals, entry.data, entry.draws]
        assert sum(map(bool, kinds)) == 1, entry.name
        assert entry.title or entry.scan, entry.name
    assert {e.draws for e in entries().values() if e.draws} == set(theory.DRAWN)


def test_figures_are_chosen_by_name_and_by_section():
    assert chosen(()) == tuple(entries().values())
    assert [e.name for e in chosen(["sterile_mu", "cross_sections"])] == [
        "cross_sections",
        "sterile_mu",
    ]
    assert {e.section for e in chosen(["sun"])} == {"sun"}
    with pytest.raises(CatalogError, match="unknown figure 'steril_mu': did you mean 'sterile_mu'"):
        chosen(["steril_mu"])


@pytest.mark.parametrize("name", ["coherent_csi_2021", "coherent_lar_2020", "conus_plus_2025"])
def test_recoils_that_are_drawn_are_those_that_the_scans_count(name):
    experiment = catalog.experiment(name)
    recoil = np.concatenate([np.linspace(1e-9, 1e-3, 800), np.linspace(1.01e-3, 0.16, 3000)])
    counted = [
        (isotope, experiment.mass_kg * experiment.target.nuclei_per_kg(isotope))
        for isotope in experiment.target.composition
    ]
    rate = sum(nuclear.recoil_rate(counted, c, recoil) for c in experiment.flux.components)
    nodes = [component.nodes(np.zeros(1)) for component in experiment.flux.components]
    fluence = sum(float(weights.sum()) for _, weights in nodes)
    nuclei = sum(number for _, number in counted)
    averaged = np.trapezoid(rate, recoil) / (fluence * nuclei)
    assert averaged == pytest.approx(cross_section(experiment, Conventions()), rel=2e-3)


def test_the_cross_section_grows_with_the_square_of_energy_and_charge():
    energies = np.array([1.0, 2.0])
    low, high = nuclear.cross_section(element("Ge"), energies, point=True)
    assert high / low == pytest.approx(4.0, rel=1e-3)
    argon, xenon = (
        nuclear.cross_section(element(s), energies[:1], point=True)[0] for s in ("Ar", "Xe")
    )
    neutrons = [sum(share * i.N for i, share in element(s)) for s in ("Ar", "Xe")]
    assert xenon / argon == pytest.approx((neutrons[1] / neutrons[0]) ** 2, rel=0.03)
    at_sns = np.array([45.0])
    extended, point = (
        nuclear.cross_section(element("Xe"), at_sns, point=p)[0] for p in (False, True)
    )
    assert 0.4 < extended / point < 0.8


def test_the_accepted_signal_lies_at_the_momentum_transfers_of_its_source():
    def middle(name: str) -> float:
        return nuclear.momentum_transfer(catalog.experiment(name), (0.5,))[0]

    assert middle("conus_plus_2025") < 20.0 < middle("coherent_lar_2020")
    low, high = nuclear.momentum_transfer(catalog.experiment("coherent_csi_2021"), (0.001, 0.999))
    assert low < high < 106.0  # twice the largest energy


def test_answers_are_told_as_papers_do():
    assert in_words((None, ())) == ""
    assert in_words((0.2, ((None, None),))) == "not limited"
    assert in_words((0.2, ((0.3, 0.5),))) == "(0.3, 0.5)"
    assert in_words((None, ((0.3, None),))) == "> 0.3"


def row(explains: str = "", **published) -> Comparison:
    given = {"parameter": "x", "unit": "", "paper": "2401.00001", **published}
    return Comparison("row", Published.of(given), {"definition": "d", "explains": explains})


@pytest.mark.parametrize(
    ("here", "explains", "verdict"),
    [
        ((None, ((1.02, 3.02),)), "", "agrees"),
        ((None, ((1.02, 3.084),)), "", "agrees"),  # 3 % of the width, and half the last digit
        ((None, ((1.02, 3.09),)), "", "differs"),
        ((None, ((1.02, 3.09),)), "because", "explained"),
        ((None, ((None, 3.02),)), "", "differs"),
        ((None, ((1.02, 2.0), (2.5, 3.02))), "", "differs"),
    ],
)
def test_a_verdict(here, explains, verdict):
    asked = row(explains, intervals=[[1.02, 3.02]])
    assert rounding(((1.02, 3.02),)) == pytest.approx(0.25)
    assert compared(asked, here).verdict == verdict


def test_pages_hold_the_figures_their_scans_and_the_published_values(built):
    assert not built.failed
    folder = built.index.parent
    html, text = built.index.read_text(), (folder / "README.md").read_text()
    kept = json.loads((folder / "gallery.json").read_text())["figures"]
    assert [one["name"] for one in kept] == [e.name for e in chosen(QUICK)]
    for one in kept:
        assert (folder / "figures" / one["file"]).read_bytes().startswith(b"\x89PNG")
        assert f'src="figures/{one["file"]}"' in html
        assert f"figures/{one['file']}" in text
    [radius] = [one for one in kept if one["name"] == "neutron_radius_csi"]
    [scan] = radius["scans"]
    assert scan["digest"] in html
    assert scan["id"] in text
    [best] = [r for r in radius["rows"] if r["id"] == "rn-csi-2023"]
    assert best["published"] == "5.47 +0.38 -0.38"
    assert re.fullmatch(r"5\.39\d* \+0\.\d+ -0\.\d+", best["here"])
    assert best["here"] in html
    assert best["here"] in text
    assert "arXiv:2303.09360" in html


def test_the_prediction_that_is_shown_is_the_engines(built):
    folder = built.index.parent
    kept = json.loads((folder / "gallery.json").read_text())["figures"]
    shown = {r["id"]: r["here"] for one in kept for r in one["rows"]}
    expected = prediction(standard_model("coherent_csi_2021"))
    assert float(shown["csi2021-n-pred"]) == pytest.approx(expected, rel=1e-3)


def test_further_figures_join_those_that_are_there(built):
    folder = built.index.parent
    more = building.build(folder, ["conus_quenching"], workers=1)
    assert [one["name"] for one in more.figures] == [
        *(e.name for e in chosen(QUICK)),
        "conus_quenching",
    ]
    assert [one for one in more.figures if one["name"] in QUICK] == list(built.figures)


@pytest.mark.parametrize("entry", [e for e in entries().values() if e.draws], ids=lambda e: e.name)
def test_every_figure_of_curves_is_drawn(entry, store_of_curves, tmp_path):
    with Grids(store_of_curves, workers=1) as grids:
        made = make(entry, grids, tmp_path)
    assert made.path.read_bytes().startswith(b"\x89PNG")
    used = [source.definition for source in made.sources]
    if entry.name == "weak_mixing_over_momentum":
        assert used == [*theory.WEAK_SCANS.values(), "weak_mixing_angle_csi"]
        assert len({source.id for source in made.sources}) == len(used)
        assert len(made.references) > len(used)
    else:
        assert used == []


def test_a_figure_that_fails_leaves_the_others(built, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise IncompleteScanError("interrupted: go on with `scanner resume`")

    monkeypatch.setattr(Grids, "scan", fail)
    half = building.build(tmp_path / "pages", ["cross_sections", "sterile_mu"])
    assert [one["name"] for one in half.figures] == ["cross_sections"]
    assert "sterile_mu" in half.index.read_text()
    with pytest.raises(IncompleteScanError, match="not made: sterile_mu: interrupted"):
        half.check()


def test_what_an_interrupt_leaves_is_known(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Grids, "scan", interrupted)
    with pytest.raises(KeyboardInterrupt):
        building.build(tmp_path, ["cross_sections", "sterile_mu"])
    kept = json.loads((tmp_path / "gallery.json").read_text())["figures"]
    assert [one["name"] for one in kept] == ["cross_sections"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "pages").write_text("a file")
    with pytest.raises(StoreError, match="cannot be written"):
        building.build(tmp_path / "pages", ["cross_sections"])


def test_curves_of_another_length_are_refused():
    panel = Panel("x", "y", [Curve(np.zeros(3), np.zeros(2), "odd")])
    with pytest.raises(ValueError, match="'odd'"):
        curves_figure([panel])


def test_a_single_panel_is_narrower_than_two():
    one = Panel("x", "y", [Measured(1.0, 2.0, 1.0, 3.0, "seen")])
    narrow, wide = curves_figure([one]), curves_figure([one, one])
    assert narrow.get_figwidth() < wide.get_figwidth()
    assert len(wide.axes) == 2
