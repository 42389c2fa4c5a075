"""Reference pages: one for every scenario and every experiment of the catalogue.

Everything on them is what ``scanner show NAME --json`` tells; nothing is written by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scanner import inventory
from scanner.gallery.site.experiment_page import experiment_page
from scanner.gallery.site.html import REFERENCE, bullets, code, mixed, page, section, write_style
from scanner.gallery.site.parts import Shown as Shown
from scanner.gallery.site.scenario_page import scenario_page

Kind = Literal["scenario", "experiment"]
Figures = Mapping[str, Sequence[Shown]]


@dataclass(frozen=True)
class Entry:
    """A page of the reference: what it is about, and its place below the site's root."""

    kind: Kind
    name: str
    title: str

    @property
    def path(self) -> str:
        """Relative address, such as ``scenarios/nsi.html``."""
        return f"{self.kind}s/{self.name}.html"


def listing() -> tuple[Entry, ...]:
    """Every page, scenarios first, by name."""
    scenarios = [Entry("scenario", one["name"], one["title"]) for one in inventory.scenarios()]
    experiments = [
        Entry("experiment", one["name"], one["title"]) for one in inventory.experiments()
    ]
    return (*scenarios, *experiments)


def write(folder: Path, figures: Figures | None = None) -> tuple[Path, ...]:
    """Write all pages, their list and their style into a folder.

    Parameters
    ----------
    folder : Path
        Root of the site; made if it is missing.
    figures : mapping from the name of a scenario or experiment to its figures, optional
        Each is ``figures/NAME.png`` below the root.

    Returns
    -------
    tuple of Path
        Files that were written.
    """
    drawn = figures or {}
    folder.mkdir(parents=True, exist_ok=True)
    entries = listing()
    written = [*write_style(folder), _put(folder / REFERENCE, _list_page(entries))]
    made = {"scenario": scenario_page, "experiment": experiment_page}
    for entry in entries:
        text = made[entry.kind](entry.name, drawn.get(entry.name, ()))
        written.append(_put(folder / entry.path, text))
    return tuple(written)


def _put(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def listed(entries: Sequence[Entry], kind: Kind) -> str:
    """Links to the pages of one kind, as HTML for a page at the root of the site."""
    return bullets(
        f'<a href="{entry.path}">{mixed(entry.title)}</a> {code(entry.name)}'
        for entry in entries
        if entry.kind == kind
    )


def _list_page(entries: Sequence[Entry]) -> str:
    body = [
        "<h1>Scenarios and experiments</h1>",
        "<p>What can be scanned, and which data can be asked. Every page is made from the "
        f"catalogue that the scans use; {code('scanner show NAME')} tells it in a terminal.</p>",
        section("Scenarios", listed(entries, "scenario"), name="scenarios"),
        section("Experiments", listed(entries, "experiment"), name="experiments"),
    ]
    return page("Scenarios and experiments", "\n".join(body))
