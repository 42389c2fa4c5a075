"""The first page of the gallery: where its table stands, and that a phone shows every row whole."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from scanner.gallery import index, quantities
from scanner.gallery.comparing import Compared, Comparison, Published, compared, comparisons
from scanner.gallery.entries import entries
from scanner.gallery.making import Made
from scanner.gallery.records import Record, record, summary
from scanner.gallery.site import html
from scanner.physics.fluxes.solar import B8_FLUX
from tests.engines import need

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FIGURES = ("cross_sections", "charge_radius", "data_dresden_ii")


def records() -> list[Record]:
    """Figures whose rows this code answers with what was published."""
    chosen = [entries()[name] for name in FIGURES]
    rows = [[comparisons()[name] for name in entry.compared] for entry in chosen]
    answered = [tuple(compared(row, row.expected()) for row in some) for some in rows]
    return [
        record(Made(entry, entry.title or entry.name, Path(f"{entry.name}.png"), (), (), some, 1.0))
        for entry, some in zip(chosen, answered, strict=True)
    ]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with its style, without the pictures."""
    folder = tmp_path_factory.mktemp("index")
    html.write_style(folder)
    return index.write(folder, records(), {})


def test_the_figures_come_first_and_the_table_of_all_values_last(written):
    page = written.read_text()
    glance = page.index('<section id="agreement">')
    assert page.index('href="#agreement"') < page.index("<article")
    assert page.rindex("</article>") < glance
    for name in FIGURES:
        assert f'href="#{name}"' in page[glance:]


def test_a_phone_shows_every_row_as_a_card_with_its_verdict_first(written):
    need(CHROMIUM, "Chromium", "apt-get install chromium")
    tops = """rows => rows.map(row => {
        const tops = [...row.cells].map(cell => cell.getBoundingClientRect().top);
        return tops.indexOf(Math.min(...tops));
    })"""
    beyond = "all => all.filter(one => one.scrollWidth > one.clientWidth).length"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 360, "height": 800})
        page.goto(written.as_uri())
        first = page.eval_on_selector_all(".values tbody tr", tops)
        assert first
        assert set(first) == {5}, "the verdict stands in the last cell and is shown first"
        assert page.eval_on_selector_all(".scroll, main", beyond) == 0
        browser.close()


def test_every_quantity_is_written_with_symbols():
    named = {row.published.parameter for row in comparisons().values()}
    assert set(quantities.quantities()) == named
    for one in quantities.quantities().values():
        assert html.mixed(one.words).count("<math") == one.words.count("$") / 2
        assert "$" not in one.plain
        assert "\\" not in one.plain


def test_no_two_rows_of_a_figure_look_alike():
    for entry in entries().values():
        rows = [comparisons()[name] for name in entry.compared]
        shown = [
            (row.published.parameter, row.published.paper, row.level, row.variant) for row in rows
        ]
        assert len(set(shown)) == len(shown), entry.name


def row(published: dict, here) -> Compared:
    given = Published.of({"parameter": "x", "unit": "", "paper": "2401.00001", **published})
    return compared(Comparison("row", given, {"definition": "d"}), here)


ONE_SIGMA = {"best": 5.0, "lower": 3.0, "upper": 7.0, "cl": 0.6827, "dof": 1}


@pytest.mark.parametrize(
    ("published", "here", "sigmas"),
    [
        (ONE_SIGMA, 6.0, 0.5),
        (ONE_SIGMA, 4.0, 0.5),
        (ONE_SIGMA | {"lower": 5.0 - 3.29, "upper": 5.0 + 3.29, "cl": 0.9}, 7.0, 1.0),
        (ONE_SIGMA | {"upper": 8.5}, 6.0, None),  # errors too unlike
        (ONE_SIGMA | {"best": None}, 6.0, None),
        (ONE_SIGMA | {"cl": None}, 6.0, None),
        (ONE_SIGMA, None, None),
    ],
)
def test_best_values_are_so_many_published_standard_deviations_apart(published, here, sigmas):
    found = row(published, (here, ((3.0, 7.0),))).sigmas
    assert (None if math.isnan(found) else found) == (sigmas and pytest.approx(sigmas, rel=1e-3))


def test_why_there_is_no_difference_in_per_cent_is_told():
    two = {"intervals": [[-4.0, -2.0], [2.0, 4.0]]}
    assert row(two, (None, ((-4.0, 4.0),))).incomparable == "2 intervals there, one interval here"
    assert row(two, (None, ((-4.0, -2.0), (2.0, None)))).incomparable == "an end is open here"
    assert row(two, (None, ((-4.0, -2.0), (2.0, 4.0)))).incomparable == ""


def test_the_summary_tells_the_largest_distance_of_best_values():
    rows = [row(ONE_SIGMA, (best, ((3.0, 7.0),))) for best in (5.4, 7.6)]
    made = Made(entries()["sns_flux"], "title", Path("x.png"), (), (), tuple(rows), 1.0)
    assert "length: 2, of which 1 lie within one of their" in summary([record(made)])
    assert "all within 1.3." in summary([record(made)])


def test_every_figure_has_a_caption_and_that_of_the_sun_names_the_flux_in_use():
    assert all(entry.caption for entry in entries().values())
    assert f"${B8_FLUX / 1e6:g}\\times 10^6$" in entries()["b8_flux_xenonnt"].caption
