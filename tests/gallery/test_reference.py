"""Reference pages: all that `scanner show` tells, links that lead somewhere, HTML that holds."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, sync_playwright

from scanner import catalog
from scanner.cli.app import app
from scanner.cli.catalogue import MACHINE_ONLY
from scanner.figures.names import component_label, unit_alone, unit_label
from scanner.gallery import reference
from scanner.gallery.reference import Shown
from scanner.gallery.site import equations, html
from scanner.inputs import inputs
from scanner.service.page.files import FOLDER as SERVICE_PAGE
from tests.engines import need

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
VOID = {"meta", "link", "img", "br", "hr", "input"}
MADE = {
    "light_vector": (Shown("light vector", r"The $Z'$, 90 % & more"), Shown("cubes", "")),
    "coherent_csi_2021": (Shown("csi_data", "Data against prediction"),),
}
PIXEL = ROOT / "notebooks" / "figures" / "light_vector_universal.png"
ENTRIES = reference.listing()


@dataclass
class Read(HTMLParser):
    """A page as a strict reader sees it."""

    html: str
    open_: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.html)
        self.close()
        assert self.open_ == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        values = dict(attrs)
        self.ids += [str(values["id"])] if "id" in values else []
        self.links += [str(values["href"])] if "href" in values else []
        self.sources += [str(values["src"])] if "src" in values else []
        assert tag != "img" or "alt" in values
        if tag not in VOID:
            self.open_.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_.pop() == tag, self.getpos()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        assert "&lt;" not in data, "escaped twice"
        self.pieces.append(data)

    @property
    def text(self) -> str:
        """What is read, with single blanks."""
        return " ".join("".join(self.pieces).split())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference beside an index and figures, as the gallery writes them."""
    root = tmp_path_factory.mktemp("site")
    written = reference.write(root, MADE)
    (root / html.INDEX).write_text(html.page("CEvNS scanner", "<h1>Gallery</h1>"))
    (root / "figures").mkdir()
    for shown in MADE.values():
        for one in shown:
            shutil.copy(PIXEL, root / "figures" / f"{one.name}.png")
    assert all(path.is_file() for path in written)
    return root


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Read]:
    """Every page by its address below the root."""
    found = sorted(site.rglob("*.html"))
    return {path.relative_to(site).as_posix(): Read(path.read_text()) for path in found}


def shown(name: str) -> dict[str, Any]:
    """What `scanner show NAME --json` prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        app(["show", name, "--json"], standalone_mode=False)
    return json.loads(printed.getvalue())


def plain(text: str) -> str:
    """Text of a record as a page has it: without backticks, with single blanks."""
    return " ".join(text.replace("`", "").split())


def test_every_scenario_and_every_experiment_has_a_page(pages):
    named = [*catalog.scenario_names(), *catalog.experiment_names()]
    assert [entry.name for entry in ENTRIES] == named
    assert set(pages) == {entry.path for entry in ENTRIES} | {html.INDEX, html.REFERENCE}
    for entry in ENTRIES:
        assert entry.path in pages[html.REFERENCE].links


@pytest.mark.parametrize("name", catalog.scenario_names())
def test_a_scenario_is_told_whole(pages, name):
    record, page = shown(name), pages[f"scenarios/{name}.html"]
    for lines in record["formula"].split("; "):
        assert html.equation(lines) in page.html
    for said in (*record["about"], *record["references"]):
        assert plain(said) in page.text
    for parameter in (*record["parameters"], *record["inputs"]):
        check_parameter(page, parameter)
    assert record["references"]
    assert "@misc{CEvNSscanner" in page.text
    used = [n for n in catalog.definition_names() if runs(n, scenario=name)]
    for definition in used:
        assert f"scanner run {definition}" in page.text
    assert len(re.findall(r"<code>scanner run \w+</code>", page.html)) == len(used)


def runs(definition: str, scenario: str) -> bool:
    """Whether a ready-made definition's file names the scenario, alone or in a list."""
    text = catalog.definition_path(definition).read_text()
    [told] = re.findall(r"^scenario = (.*)$", text, flags=re.MULTILINE)
    return f'"{scenario}"' in told


def check_parameter(page: Read, one: dict[str, Any]) -> None:
    [row] = re.findall(rf"<tr><td[^>]*><code>{one['name']}</code></td>.*</tr>", page.html)
    cells = Read(f"<table>{row}</table>").text
    assert one["latex"] == "" or html.formula(one["latex"]) in row
    assert plain(one["description"]) in cells
    assert html.mixed(unit_alone(one["unit"])) in row
    assert one["role"] in cells
    for value in one["range"].replace("-", "−").replace("inf", "∞").split(" .. "):
        assert all(choice.replace("−", "-") in cells for choice in value.split(" | ")) or (
            value in cells
        )
    default = "must be given" if one["default"] is None else one["default"]
    assert (f"{default:g}" if isinstance(default, float) else default) in cells


@pytest.mark.parametrize("name", catalog.experiment_names())
def test_an_experiment_is_told_whole(pages, name):
    record, page = shown(name), pages[f"experiments/{name}.html"]
    for parameter in record.pop("inputs", ()):
        check_parameter(page, parameter)
    for flavour in record.pop("source", "").split(", "):
        assert html.mixed(component_label(flavour)) in page.html
    for axis in record["bins"]:
        assert html.mixed(unit_label(axis.pop("unit"))) in page.html
    for what, value in record.pop("counts").items():
        told = what.replace("sm_signal", "signal of the Standard Model")
        told = told.replace("observed_error", "error of what was observed")
        assert re.search(rf"<td[^>]*>{re.escape(told)}</td><td[^>]*>{value:.6g}</td>", page.html)
    for pull in record.get("pulls", ()):
        row = [pull["name"], f"{pull['sigma']:g}", ", ".join(pull["acts_on"])]
        assert all(cell in page.html for cell in row)
    for said in leaves(record):
        formula = said.startswith(" ") and "`" not in said
        assert html.prose([said]) in page.html if formula else plain(said) in page.text, said


def test_an_indented_formula_is_set_and_one_that_names_code_is_not():
    assert "<msup><mi>&#x003C7;</mi>" in html.prose(["    chi2 = (N/sigma)^2,"])
    assert html.prose(["    chi2 = 1 (choice `limit`)."]).startswith("<pre")


def leaves(value: Any) -> Iterator[str]:
    """Every text and number of a record, and the names of its entries where they are data."""
    if isinstance(value, dict):
        for key, inside in value.items():
            if key in MACHINE_ONLY:
                continue
            yield from leaves(inside if key != "file" else Path(inside).name)
            if isinstance(inside, str) and key in catalog_names():
                yield key
    elif isinstance(value, list):
        for inside in value:
            yield from leaves(inside)
    elif isinstance(value, float):
        yield f"{value:g}"
    else:
        yield str(value)


def catalog_names() -> set[str]:
    """Names of all choices, which are keys of a record."""
    return {key for name in catalog.experiment_names() for key in catalog.experiment_choices(name)}


def test_what_a_scenario_cannot_be_asked(pages):
    vector, sterile = pages["scenarios/light_vector.html"].text, pages["scenarios/sterile.html"]
    assert "apv_cesium cannot be asked: it measures the parity violation" in vector
    assert "xenonnt_b8_2026 cannot be asked: matter in the Sun" in sterile.text
    free = pages["scenarios/weak_mixing_angle.html"].text
    assert "cannot be asked" not in free
    assert "Neutrino-electron scattering stays as it is" in free


def test_every_link_inside_leads_to_a_file(site, pages):
    for address, page in pages.items():
        for link in {*page.links, *page.sources}:
            parts = urlsplit(link)
            if parts.scheme:
                assert re.match(r"https://(arxiv\.org/abs|doi\.org)/\S+$", link), link
                continue
            target = (site / address).parent / unquote(parts.path) if parts.path else site / address
            assert target.is_file(), f"{address}: {link}"
            if parts.fragment:
                assert parts.fragment in pages[target.resolve().relative_to(site).as_posix()].ids


def test_figures_of_the_gallery_stand_on_the_pages_that_they_belong_to(pages):
    page = pages["scenarios/light_vector.html"]
    assert page.sources[1:] == ["../figures/light%20vector.png", "../figures/cubes.png"]
    assert html.formula("Z'") in page.html
    assert ", 90 % & more" in page.text
    assert len(pages["scenarios/nsi.html"].sources) == 1  # the icon


def test_formulas_are_mathml_without_anything_left_over(pages):
    for page in pages.values():
        for element in re.findall(r"<math .*?</math>", page.html, flags=re.DOTALL):
            root = ElementTree.fromstring(element)
            said = "".join(root.itertext())
            assert said.strip()
            assert not re.search(r"[\\${}_^]|sqrt|alpha|theta|eps\b|sum\b", said), said
        assert "\\" not in re.sub(
            r"<pre.*?</pre>", "", page.html, flags=re.DOTALL
        )  # BibTeX has some


def labels() -> set[str]:
    """Every symbol of the catalogue."""
    forms = [catalog.experiment(name) for name in catalog.experiment_names()]
    own = [p for name in catalog.scenario_names() for p in catalog.scenario(name).parameters]
    return {p.latex for p in (*own, *inputs(forms).values())} - {""}


def test_every_symbol_has_the_letters_that_are_written():
    for latex in labels():
        root = ElementTree.fromstring(html.formula(latex))
        letters = re.sub(r"\\[a-zA-Z]+|[^A-Za-z0-9]", "", latex)
        found = "".join(root.itertext())
        assert sorted(c for c in found if c.isascii() and c.isalnum()) == sorted(
            letters + ("sin" if r"\sin" in latex else "")
        ), latex


@pytest.mark.parametrize("name", catalog.scenario_names())
def test_an_equation_loses_nothing(name):
    text = catalog.scenario(name).formula
    root = ElementTree.fromstring(html.equation(text))
    assert root.get("alttext") == text
    written = equations.latex(text)
    text = re.sub(r"(\S+) \+= ", r"\1 -> \1 + ", text)  # "a += b" is shown as "a -> a + b"
    digits = re.sub(r"\D", "", text)
    assert re.sub(r"\D", "", written) == digits
    assert sorted(re.sub(r"\D", "", "".join(root.itertext()))) == sorted(digits)
    for mark in "+-()[]|=/":
        lost = (
            text.count(mark) - text.count("->") * (mark == "-") - text.count("/dT") * (mark == "/")
        )
        shown_ = "".join(root.itertext()).replace("−", "-")
        assert shown_.count(mark) == lost, (mark, shown_)


def test_the_colours_are_those_of_the_page_of_the_service(site):
    ours, theirs = (site / "style.css").read_text(), (SERVICE_PAGE / "base.css").read_text()
    frames = [re.findall(r"^ *--[\w-]+: .*;$", text, flags=re.MULTILINE) for text in (ours, theirs)]
    assert frames[0][: len(frames[1])] == frames[1]
    assert len(frames[1]) >= 7
    assert (site / "icon.svg").read_bytes() == (SERVICE_PAGE / "icon.svg").read_bytes()


def test_what_is_written_is_escaped():
    assert html.link("a?b&c", "<b>") == '<a href="a?b&amp;c">&lt;b&gt;</a>'
    assert "<b>" not in html.page("<b>", "").partition("</title>")[0]
    assert html.mixed("5 $ and <i>") == "5 $ and &lt;i&gt;"
    assert html.mixed(r"5 \$ < $x$").startswith("5 $ &lt; <math ")
    assert html.linked("<doi:10.1/x>, doi:10.1000/a.b.").endswith(">doi:10.1000/a.b</a>.")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a screen."""
    need(CHROMIUM, "Chromium", "apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


def _failed(request):
    """What could not be loaded; not what the next page called off."""
    return [request.url] if request.failure != "net::ERR_ABORTED" else []


@pytest.mark.parametrize(
    ("width", "scheme", "paper"),
    [(1280, "light", "rgb(255, 255, 255)"), (360, "dark", "rgb(20, 23, 27)")],
)
def test_every_page_fits_a_real_browser(browser, site, pages, width, scheme, paper):
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=True
    )
    page, asked, said = context.new_page(), set(), []
    page.on("request", lambda request: asked.add(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("requestfailed", lambda request: said.extend(_failed(request)))
    for address in pages:
        page.goto((site / address).as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(d => (d.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        broken = "[...document.images].filter(i => i.complete && !i.naturalWidth).length"
        assert page.evaluate(broken) == 0, address
        drawn = "getComputedStyle(document.documentElement).backgroundColor"
        assert page.evaluate(drawn) == paper
    assert said == []
    assert {urlsplit(url).scheme for url in asked} == {"file"}
    assert all(Path(unquote(urlsplit(url).path)).is_relative_to(site) for url in asked)
    context.close()
