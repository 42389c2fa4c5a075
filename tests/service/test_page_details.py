"""The page where scans look alike, points lie far away, and figures are still on their way."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from test_page import browser, opened  # noqa: F401

from scanner import prepare
from scanner.definition import load
from scanner.service.settings import Settings

NAME = "light_vector_universal"


def test_a_point_far_away_is_told_in_numbers_that_can_be_read(opened, served, scan):  # noqa: F811
    page = opened.open(served, f"#/scan/{scan.id}?at=mass:10,coupling:1e-2")
    cells = page.locator("section.point table").first.locator("tr.total td")
    expect(cells).to_have_count(4)
    answer = scan.query({"mass": 10.0, "coupling": 1e-2}).answers["combined"]
    assert answer.sigma > 10
    expect(cells.nth(1)).to_have_text(f"{answer.delta_chi2:.2f}")
    expect(cells.nth(2)).to_have_text("> 10")
    # of this scan no chi2 is that large: of others it is
    module = page.locator("link[rel=modulepreload][href$='/numbers.js']").get_attribute("href")
    written = page.evaluate(
        """async ([place, values]) => {
            const { deviations, fixed } = await import(new URL(place, document.baseURI));
            return [values.map((one) => fixed(one)), values.map(deviations)];
        }""",
        [module, [14080201619714.45, -2.5e5, 99999.5, 10, 10.001, None]],
    )
    assert written == [
        ["1.4×10¹³", "−2.5×10⁵", "99999.50", "10.00", "10.00", "–"],
        ["> 10", "−2.5×10⁵", "> 10", "10.00", "> 10", "–"],
    ]


BELOW_THE_FIGURE = """() => {
  const places = ['.figure-side', 'section.point', '.controls'];
  const [figure, point, controls] =
    places.map((one) => document.querySelector(one).getBoundingClientRect());
  const gap = point.top - figure.bottom;
  return gap >= 0 && gap < 60 && point.right <= controls.left;
}"""


def test_the_point_follows_the_figure_beside_the_choices(opened, served, scan):  # noqa: F811
    page = opened.open(served, f"#/scan/{scan.id}?at=mass:10,coupling:5e-5")
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(page.locator("section.experiment")).to_have_count(2)
    page.evaluate("document.querySelector('.controls').style.minHeight = '2000px'")
    page.wait_for_function(BELOW_THE_FIGURE)  # the figure is drawn anew at its new width


def test_a_figure_on_its_way_has_its_place(opened, served, scan):  # noqa: F811
    page = opened.page
    held = []
    page.route("**/thumbnail.png", lambda route: held.append(route))
    opened.open(served)
    expect(page.locator(".card .thumb")).to_have_text("figure follows")
    expect(page.locator(".card code")).to_have_text(scan.id[:8])
    held[0].continue_()
    expect(page.locator(".card img")).to_be_visible()
    expect(page.locator(".card .thumb")).to_have_text("")


def test_a_ready_made_definition_is_listed_with_its_name(opened, served):  # noqa: F811
    page = opened.open(served, "#/new")
    option = page.locator(f"optgroup option[value={NAME}]")
    expect(option).to_have_text(re.compile(f".+ — {NAME}$"))


@pytest.fixture(scope="module")
def alike(serving, tmp_path_factory):
    """Two scans of one name, not computed."""
    place = tmp_path_factory.mktemp("alike")
    for n in (5, 7):
        definition = load(NAME, (f"axes.mass.n={n}", "axes.coupling.n=4"))
        prepare.create(definition, prepare.cut(definition, 1)[0], place / "scans")
    with serving(Settings(root=str(place / "scans"), state=place / "state")) as one:
        yield one


def test_scans_of_one_name_are_told_apart(opened, alike):  # noqa: F811
    listed = alike.get("scans").json()["scans"]
    assert sorted(one["apart"] for one in listed) == ["axes.mass.n = 5", "axes.mass.n = 7"]
    page = opened.page
    page.goto(alike.url)
    cards = page.locator(".card")
    expect(cards).to_have_count(2)
    [finer] = [one["id"] for one in listed if one["apart"].endswith("7")]
    page.get_by_label("Search").fill(finer[:8])
    expect(cards).to_have_count(1)
    expect(cards.locator(".apart")).to_have_text("axes.mass.n = 7")
    opened.check = lambda _: None  # its server is another one
    assert opened.said == []
