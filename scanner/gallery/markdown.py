"""The gallery as one page of Markdown, for where code is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from scanner.gallery.entries import sections
from scanner.gallery.quantities import quantity
from scanner.gallery.records import Record, gap, summary

FILE = "README.md"
_SIGNS = {"agrees": "agrees", "explained": "explained", "differs": "**differs**"}


def write(folder: Path, made: Sequence[Record]) -> Path:
    """Write the page into the folder of the gallery."""
    path = folder / FILE
    path.write_text("\n".join(_lines(made)) + "\n", encoding="utf-8")
    return path


def _lines(made: Sequence[Record]) -> Iterable[str]:
    yield "# Gallery"
    yield ""
    yield summary(made)
    for section in sections():
        within = [one for one in made if one["section"] == section.name]
        if within:
            yield ""
            yield f"## {section.title}"
            yield ""
            yield section.text
            for one in within:
                yield from _figure(one)
    yield ""
    yield "## Published values and this code"
    yield ""
    yield from _table(made)


def _figure(one: Record) -> Iterable[str]:
    yield ""
    yield f"### {one['title']}"
    yield ""
    yield f"![{one['name']}](figures/{one['file']})"
    yield ""
    if one["caption"]:
        yield one["caption"]
        yield ""
    scans = ", ".join(f"`{scan['definition']}` ({scan['id']})" for scan in one["scans"])
    papers = ", ".join(_paper(number) for number in one["papers"])
    told = [f"`{one['command']}`", scans and f"scans {scans}", papers and f"compare with {papers}"]
    yield "; ".join(part for part in told if part)


def _table(made: Sequence[Record]) -> Iterable[str]:
    yield "| figure | quantity | paper | published | this code | agreement |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for one in made:
        for row in one["rows"]:
            unit = f" [{row['unit']}]" if row["unit"] else ""
            within = [row["level"], row.get("variant", "")]
            level = "".join(f", {text}" for text in within if text)
            apart = gap(row)
            cells = [
                one["name"],
                f"{quantity(row['parameter']).plain}{unit}{level}",
                _paper(row["paper"]) + (" (recalled)" if row["recalled"] else ""),
                row["published"],
                row["here"],
                _SIGNS[row["verdict"]]
                + (f" ({apart})" if apart else "")
                + (f": {row['explains']}" if row["explains"] else ""),
            ]
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _paper(number: str) -> str:
    return f"[arXiv:{number}](https://arxiv.org/abs/{number})"
