"""The first page of the gallery: where its table stands, and that a phone shows every row whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from scanner.gallery import index
from scanner.gallery.comparing import compared, comparisons
from scanner.gallery.entries import entries
from scanner.gallery.making import Made
from scanner.gallery.records import Record, record
from scanner.gallery.site import html
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
