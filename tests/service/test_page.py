"""The page in a real browser: what a physicist does with it, by mouse, finger and keyboard."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright
from slow import sent_as, small

from scanner.definition import ScanDefinition
from scanner.scan import Scan
from scanner.service.access.tokens import Tokens
from scanner.service.settings import Settings
from scanner.store.archive import Archive
from tests.engines import need

PATIENCE = 20_000  # ms for what the server works out
COMPUTED = 200_000  # ms for a driver and its worker to start and to compute a small scan
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a screen."""
    need(CHROMIUM, "Chromium", "apt-get install chromium")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@dataclass
class Seen:
    """A page, and all that it said and asked for."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", lambda m: self.said.append(m.text) if m.type != "log" else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.add(request.url))

    def open(self, served, address: str = "") -> Page:
        """Go there."""
        self.page.goto(f"{served.url}/{address}")
        return self.page

    def check(self, host: str) -> None:
        """Nothing went wrong and nothing was asked of others."""
        assert self.said == []
        places = {urlsplit(url) for url in self.asked}
        assert {p.netloc for p in places if p.scheme not in ("blob", "data")} == {host}


@pytest.fixture
def opened(browser, served) -> Iterator[Seen]:
    """A page of usual width, held against what it must not do."""
    yield from _opened(browser.new_context(accept_downloads=True), served)


@pytest.fixture
def phone(browser, served) -> Iterator[Seen]:
    """A page of a phone's width, touched with fingers."""
    yield from _opened(browser.new_context(**PHONE), served)


def _opened(context: BrowserContext, served) -> Iterator[Seen]:
    seen = Seen(context.new_page())
    yield seen
    seen.check(urlsplit(served.url).netloc)
    context.close()


def drawn(page: Page, times: int = 1) -> None:
    """Wait until the figure was drawn that often."""
    page.wait_for_function(
        "n => Number(document.querySelector('.plot')?.dataset.drawn ?? 0) >= n", arg=times
    )


def times_drawn(page: Page) -> int:
    return int(page.locator(".plot").get_attribute("data-drawn") or 0)


def place(page: Page, across: float, up: float) -> tuple[float, float]:
    """Pixels of a point of the figure, as parts of its frame."""
    box = page.locator(".plot .nsewdrag").bounding_box()
    assert box is not None
    return box["x"] + across * box["width"], box["y"] + (1 - up) * box["height"]


def traces(page: Page) -> list[dict]:
    """What plotly draws: name, type and number of points."""
    return page.evaluate(
        "document.querySelector('.plot').data.map(t => ({name: t.name, type: t.type, "
        "points: (t.x ?? []).length}))"
    )


def fits(page: Page) -> None:
    """Nothing is wider than the window."""
    wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= window


def test_the_scans_of_the_store_are_listed_and_found(opened, served, scan):
    page = opened.open(served)
    card = page.locator(".card")
    expect(card).to_have_count(1)
    expect(card.get_by_role("link")).to_have_text("Universal light vector mediator, COHERENT")
    expect(card).to_contain_text("complete")
    expect(card.locator("img")).to_be_visible()
    page.get_by_label("Search").fill("dresden")
    expect(card).to_have_count(0)
    page.get_by_label("Search").fill("light csi")
    expect(card).to_have_count(1)
    card.get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"#/scan/{scan.id}$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Universal light vector"))


def test_the_figure_has_the_lines_of_the_scan(opened, served, scan):
    page = opened.open(served, f"#/scan/{scan.id}")
    drawn(page)
    lines = {t["name"]: t["points"] for t in traces(page) if t["type"] == "scatter"}
    for name, experiments in (
        ("COHERENT CsI 2021", ["coherent_csi_2021"]),
        ("COHERENT LAr 2020", ["coherent_lar_2020"]),
        ("combined", None),
    ):
        plane = scan.contour(cls=(0.9,), experiments=experiments)
        vertices = sum(len(line.vertices) + line.closed for line in plane.contours[0].lines)
        assert lines[f"{name}, 90 %"] == vertices + len(plane.contours[0].lines)
    mass = page.locator(".plot .xtitle")
    assert mass.evaluate("e => e.textContent.replace(/[\\u200b\\u2009]/g, '')") == "MZ′ [MeV]"
    assert page.evaluate("document.querySelector('.plot').layout.xaxis.type") == "log"
    expect(page.locator(".notice")).to_contain_text("Strips narrower than the grid")


def test_toggles_change_the_figure_and_the_address(opened, served, scan):
    page = opened.open(served, f"#/scan/{scan.id}")
    drawn(page)
    page.get_by_label("line of COHERENT LAr 2020").uncheck()
    page.get_by_label("99.73 %").check()
    page.wait_for_function(
        "() => document.querySelector('.plot').data.some(t => /99.73/.test(t.name))"
    )
    names = [t["name"] for t in traces(page) if t["type"] == "scatter"]
    assert not any("LAr" in name for name in names)
    assert "combined, 99.73 %" in names
    before = times_drawn(page)
    page.get_by_label("Borexino").check()
    page.get_by_label("Δχ² counts from").select_option("sm")
    drawn(page, before + 1)
    page.wait_for_function(
        "() => document.querySelector('.plot').data.some(t => t.name === 'Borexino')"
    )
    assert "ref=sm" in page.url
    assert "overlays=bl_borexino" in page.url
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    drawn(page)
    again = [t["name"] for t in traces(page) if t["type"] == "scatter"]
    assert {"combined, 99.73 %", "Borexino"} <= set(again)
    expect(page.get_by_label("line of COHERENT LAr 2020")).not_to_be_checked()


def test_pointing_tells_values_and_who_excludes_them(opened, served, scan):
    page = opened.open(served, f"#/scan/{scan.id}")
    drawn(page)
    page.mouse.move(*place(page, 0.3, 0.9))
    told = page.locator(".told")
    expect(told).to_be_visible()
    rows = told.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.last).to_contain_text("excluded at 90 %")
    page.mouse.move(*place(page, 0.3, 0.05))
    expect(rows.last).to_contain_text("allowed at 90 %")
    # log axes: 0.3 of the way from 0.1 MeV to 10 GeV
    expect(told.locator(".at").first).to_contain_text(re.compile(r"= 3\.\d+ MeV"))


def test_a_click_explains_a_point_as_the_library_does(opened, served, scan):
    page = opened.open(served, f"#/scan/{scan.id}?at=mass:10,coupling:5e-5")
    heading = page.get_by_role("heading", name=re.compile("^The point"))
    expect(heading).to_contain_text("10 MeV")
    answer = scan.query({"mass": 10.0, "coupling": 5e-5})
    row = page.locator("section.point table").first.locator("tr.total")
    expect(row).to_contain_text(f"{answer.answers['combined'].delta_chi2:.2f}")
    panels = page.locator("section.experiment")
    expect(panels).to_have_count(2)
    expect(panels.first.locator("table")).to_contain_text("observed")
    expect(page.locator(".pulls .main-svg").first).to_be_attached()
    expect(page.locator(".spectrum .main-svg").first).to_be_attached()
    drawn(page)
    page.mouse.click(*place(page, 0.5, 0.7))
    expect(heading).not_to_contain_text("= 10 MeV")
    assert "at=mass" in page.url


def test_all_can_be_taken_home(opened, served, scan, tmp_path):
    page = opened.open(served, f"#/scan/{scan.id}?cl=90,95.45&dof=1")
    drawn(page)
    begins = {
        "PDF": b"%PDF",
        "SVG": b"<?xml",
        "PNG": b"\x89PNG",
        "CSV": b"#",
        "JSON": b"{",
        "HEPData": b"\x1f\x8b",
        "NetCDF": b"CDF",
        "BibTeX": b"@",
    }
    for name, begin in begins.items():
        with page.expect_download(timeout=60_000) as waiting:
            page.get_by_role("button", name=name, exact=True).click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        assert path.read_bytes().startswith(begin), name
        if name == "SVG":
            assert "Universal light vector mediator" in path.read_text()
    page.get_by_label("without title, for a caption").check()
    with page.expect_download(timeout=60_000) as waiting:
        page.get_by_role("button", name="SVG", exact=True).click()
    waiting.value.save_as(tmp_path / "bare.svg")
    assert "Universal light vector mediator" not in (tmp_path / "bare.svg").read_text()
    told = json.loads((tmp_path / f"light_vector_universal-{scan.id[:8]}.json").read_text())
    assert "contours" in json.dumps(told)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Definition", exact=True).click()
    path = tmp_path / "definition.toml"
    waiting.value.save_as(path)
    from scanner import definition

    again: ScanDefinition = definition.from_mapping(tomllib.loads(path.read_text()), "file")
    assert again.id == scan.id


def test_the_figure_is_read_by_keyboard_alone(opened, served, scan):
    page = opened.open(served, f"#/scan/{scan.id}")
    drawn(page)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.frame')"):
            break
    expect(page.locator(".frame")).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    expect(page.locator(".told")).to_be_visible()
    expect(page.locator("#said")).to_contain_text("combined")
    page.keyboard.press("Enter")
    expect(page.locator("section.experiment")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.locator(".told")).to_be_hidden()


@pytest.mark.parametrize(
    "view", ["", "#/scan/{id}?at=mass:10,coupling:5e-5", "#/new", "#/catalogue"]
)
def test_a_phone_shows_it_without_scrolling_sideways(phone, served, scan, view):
    page = phone.open(served, view.format(id=scan.id))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    if "scan" in view:
        expect(page.locator("section.experiment").last.locator(".main-svg").last).to_be_attached()
    fits(page)
    small = page.evaluate(
        "[...document.querySelectorAll('button, .button, select, nav a')]"
        ".filter(e => e.checkVisibility() && !e.closest('.modebar') && e.offsetHeight < 32)"
        ".map(e => e.outerHTML)"
    )
    assert small == []


def test_a_finger_chooses_a_point(phone, served, scan):
    page = phone.open(served, f"#/scan/{scan.id}")
    drawn(page)
    page.touchscreen.tap(*place(page, 0.5, 0.6))
    expect(page.locator("section.experiment")).to_have_count(2)


def test_in_the_dark_the_figure_is_light_on_dark(browser, served, scan):
    context = browser.new_context(color_scheme="dark", reduced_motion="reduce")
    seen = Seen(context.new_page())
    page = seen.open(served, f"#/scan/{scan.id}")
    drawn(page)
    paper, ink = page.evaluate(
        "[document.querySelector('.plot').layout.paper_bgcolor, "
        "document.querySelector('.plot').layout.font.color]"
    )
    assert (paper, ink) == ("#14171b", "#e6e9ec")
    page.emulate_media(color_scheme="light")
    page.wait_for_function(
        "() => document.querySelector('.plot').layout.paper_bgcolor === '#ffffff'"
    )
    seen.check(urlsplit(served.url).netloc)
    context.close()


def test_a_wrong_entry_is_told_beside_its_field(browser, served):
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{served.url}/#/new?from=light_vector_universal")
    start = page.locator('[data-path="axes.mass.start"]')
    submit = page.get_by_role("button", name="Submit the scan")
    start.fill("-3")
    wrong = page.locator(f"#{start.get_attribute('id')}-wrong")
    expect(wrong).to_contain_text("start above 0")
    expect(start).to_have_attribute("aria-invalid", "true")
    expect(submit).to_be_disabled()
    start.fill("1")
    expect(submit).to_be_enabled()
    expect(wrong).to_be_hidden()
    page.locator('[data-path="axes.mass.n"]').fill("1000000000")
    expect(page.locator("aside")).to_contain_text("points, this service computes")
    expect(submit).to_be_disabled()
    context.close()


def test_a_scan_that_is_not_there_is_told_in_words(browser, served):
    page = browser.new_page()
    page.goto(f"{served.url}/#/scan/0123456789abcdef")
    expect(page.get_by_role("alert")).to_contain_text("no scan 0123456789abcdef")
    page.goto(f"{served.url}/#/nowhere")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such view")
    page.close()


@pytest.fixture
def empty(serving, tmp_path):
    """A server of a store without scans that computes with one worker."""
    settings = Settings(
        root=str(tmp_path / "store"), state=tmp_path / "state", cluster={"workers": 1}
    )
    with serving(settings) as one:
        yield one


def build(page: Page) -> None:
    """A small scan of the light vector mediator, from nothing, by the labels that a reader sees."""
    page.get_by_label("What is proposed").select_option("light_vector")
    page.get_by_label("COHERENT CsI 2021").check()
    for name, start, stop, n in (("mass", "1", "1000", "8"), ("coupling", "1e-5", "1e-3", "20")):
        page.get_by_label("Add an axis").select_option(name)
        axis = page.get_by_role("group", name=f"axis {name}")
        axis.get_by_label("From").fill(start)
        axis.get_by_label("To").fill(stop)
        axis.get_by_label("Points").fill(n)


def test_the_story_of_a_scan_from_nothing_to_a_figure(browser, empty, tmp_path):
    context = browser.new_context(accept_downloads=True)
    seen = Seen(context.new_page())
    page = seen.open(empty)
    expect(page.locator(".empty")).to_contain_text("There is no scan in this store yet")
    page.get_by_role("link", name="Make the first scan").click()
    build(page)
    cost = page.get_by_role("complementary")
    expect(cost).to_contain_text("160 (8 × 20)")
    cost.get_by_role("button", name="Submit the scan").click()
    expect(page).to_have_url(re.compile(r"#/scan/[0-9a-f]{16}$"))
    progress = page.get_by_role("region", name="Progress")
    expect(progress).to_contain_text("of 160 points")
    expect(progress.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.locator(".badge")).to_have_text("complete", timeout=COMPUTED)
    drawn(page)
    page.mouse.click(*place(page, 0.4, 0.8))
    expect(page.locator("section.experiment")).to_have_count(1)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV", exact=True).click()
    waiting.value.save_as(tmp_path / "contour.csv")
    assert "mass" in (tmp_path / "contour.csv").read_text()
    page.get_by_role("link", name="Scans").first.click()
    expect(page.locator(".card")).to_have_count(1)
    (stored,) = Archive(str(tmp_path / "store")).ids()
    assert f"#/scan/{stored}" in (page.locator(".card a").get_attribute("href") or "")
    seen.check(urlsplit(empty.url).netloc)
    context.close()


@pytest.mark.usefixtures("unhurried")
def test_a_scan_is_cancelled_and_resumed(browser, empty):
    chosen = small(96)
    assert empty.post("scans", json=sent_as(chosen)).status_code == 201
    page = browser.new_page()
    page.goto(f"{empty.url}/#/scan/{chosen.id}")
    progress = page.get_by_role("region", name="Progress")
    expect(progress).to_contain_text(re.compile("Running: [1-9]"), timeout=COMPUTED)
    progress.get_by_role("button", name="Cancel").click()
    resume = progress.get_by_role("button", name="Resume")
    expect(resume).to_be_visible(timeout=COMPUTED)
    expect(progress).to_contain_text(re.compile("Cancelled at [1-9][0-9.]* %"))
    resume.click()
    expect(page.locator(".badge")).to_have_text("complete", timeout=COMPUTED)
    page.close()


def test_what_is_computed_of_an_incomplete_scan_is_shown_on_request(browser, serving, tmp_path):
    cut = ("axes.mass.n=16", "axes.coupling.n=40", "chunks.points=80")
    whole = Scan.of("light_vector_universal", cut, store=tmp_path / "store", workers=2)
    whole.run()
    stored = whole.stored
    stored.discard(sorted(stored.done())[:2])
    with serving(Settings(root=str(tmp_path / "store"), state=tmp_path / "state")) as one:
        page = browser.new_page()
        page.goto(f"{one.url}/#/scan/{stored.id}")
        progress = page.get_by_role("region", name="Progress")
        expect(progress).to_contain_text(f"{len(stored.done())} of {stored.grid.n_chunks} chunks")
        expect(progress.get_by_role("button", name="Resume")).to_be_visible()
        page.get_by_role("button", name="Show what is computed already").click()
        drawn(page)
        assert "not computed" in [t["name"] for t in traces(page)]
        expect(page.locator(".notice").last).to_contain_text("% of the points are computed")
        page.close()


def test_a_service_with_tokens_asks_for_one(browser, serving, root, tmp_path):
    state = tmp_path / "state"
    secret = Tokens(state).create("reader", "read")
    small = Tokens(state).create("small", "submit", quota=10)
    with serving(Settings(root=str(root), state=state, access="token")) as one:
        page = browser.new_page()
        page.goto(one.url)
        dialog = page.get_by_role("dialog", name="This service asks for a token")
        dialog.get_by_label("Token").fill("cevns_of_somebody_else")
        page.keyboard.press("Enter")
        expect(dialog.get_by_label("Token")).to_have_value("")  # refused, and asked for again
        dialog.get_by_label("Token").fill(secret)
        page.keyboard.press("Enter")
        expect(page.locator(".card")).to_have_count(1)
        expect(page.locator(".card img")).to_be_visible()
        assert secret not in page.url
        assert page.evaluate("() => Object.keys(localStorage).length + document.cookie.length") == 0
        page.goto(f"{one.url}/#/new")
        build(page)
        page.get_by_role("button", name="Submit the scan").click()
        expect(page.get_by_role("alert").filter(has_text="submit")).to_be_visible()
        page.get_by_role("button", name="Use another token").click()
        dialog.get_by_label("Token").fill(small)
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Submit the scan").click()
        expect(page.get_by_role("alert").filter(has_text="quota")).to_contain_text("160")
        page.close()


def test_a_token_is_asked_for_once_though_refusals_come_late(browser, serving, root, tmp_path):
    state = tmp_path / "state"
    secret = Tokens(state).create("reader", "read")
    with serving(Settings(root=str(root), state=state, access="token")) as one:
        page = browser.new_page()
        held: list[Route] = []  # one of the two that the page asks at once
        page.route("**/scenarios", lambda r: r.continue_() if held else held.append(r))
        page.goto(one.url)
        dialog = page.get_by_role("dialog", name="This service asks for a token")
        dialog.get_by_label("Token").fill(secret)
        with page.expect_response(lambda answer: answer.url.endswith("/experiments")) as other:
            page.keyboard.press("Enter")
        assert other.value.ok
        with page.expect_response(lambda answer: answer.status == 401):
            held[0].continue_()  # it was asked without a token
        expect(page.locator(".card")).to_have_count(1)
        expect(dialog).to_have_count(0)
        page.close()


SYMBOLS = {
    r"M_{Z'}": "M|sub:Z′",
    r"\sin^2\theta_W": "sin|sup:2|θ|sub:W",
    r"\varepsilon_{ee}^{uV}": "ε|sub:ee|sup:uV",
    r"\langle r^2_{\nu_e}\rangle": "⟨|r|sup:2|sub:ν_e|⟩",
    r"R_n({\rm Cs})": "R|sub:n|(|C|s|)",
    r"|U_{\mu4}|^2": "||U|sub:μ4|||sup:2",
    r"\bar\nu_\mu": "ν̄|sub:μ",
    r"\Phi_{^8{\rm B}}": "Φ|sub:^8B",
}


SCRIPTS = """
    const main = document.querySelector('script[type=module]').src;
    const { formula, markup, parsed } = await import(new URL('mathematics.js', main));
    const text = (n) => n.text ?? (n.sub ? '_' : '^') + (n.sub ?? n.sup).map(text).join('');
    const inside = (n) => (n.sub ?? n.sup).map(text).join('');
    const shown = (n) => n.text ?? (n.sub ? 'sub:' : 'sup:') + inside(n);
"""


def test_symbols_of_the_catalogue_are_readable(opened, served):
    page = opened.open(served, "#/new")
    said = page.evaluate(
        f"async (all) => {{ {SCRIPTS} return all.map((one) => parsed(one).map(shown).join('|')) }}",
        list(SYMBOLS),
    )
    assert dict(zip(SYMBOLS, said, strict=True)) == SYMBOLS
    listed = served.get("scenarios").json()
    latex = {p["latex"] for one in listed for p in (*one["parameters"], *one["inputs"])}
    told = page.evaluate(
        f"async (all) => {{ {SCRIPTS} return all.map((one) => formula(one).textContent"
        " + markup(one).replaceAll(/<[^>]*>/g, '')); }",
        sorted(latex),
    )
    assert [one for one in told if re.search(r"[\\{}$]", one)] == []
