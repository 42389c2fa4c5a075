"""The first page of the gallery: how many values agree, every figure, and the values row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from scanner.gallery import quantities
from scanner.gallery.entries import sections
from scanner.gallery.records import Record, gap, summary
from scanner.gallery.site.html import (
    INDEX,
    arxiv,
    bullets,
    code,
    escape,
    facts,
    figure,
    folded,
    linked,
    mixed,
    page,
    section,
    table,
)

TITLE = "Figures of coherent elastic neutrino-nucleus scattering"
AGREEMENT = "Published values and this code"
_VERDICTS = {"agrees": "agrees", "explained": "differs, explained", "differs": "differs"}
_HEAD = ("Quantity", "Paper", "Published", "This code", "Difference", "Agreement")


def write(folder: Path, made: Sequence[Record], failed: Mapping[str, Exception]) -> Path:
    """Write the page into the folder of the gallery.

    Parameters
    ----------
    folder : Path
        Holds ``figures``.
    made : sequence of records
        See `scanner.gallery.records`.
    failed : mapping from name to error
        Figures that could not be made this time.
    """
    body = [
        f"<h1>{TITLE}</h1>",
        _summary(made),
        _not_made(failed),
    ]
    for one in sections():
        within = [_figure(record) for record in made if record["section"] == one.name]
        if within:
            text = f"<p>{linked(one.text)}</p>\n" + '<div class="gallery">\n'
            body.append(section(one.title, text + "\n".join(within) + "\n</div>", name=one.name))
    body.append(section(AGREEMENT, _glance(made), name="agreement"))
    path = folder / INDEX
    path.write_text(page(TITLE, "\n".join(part for part in body if part)), encoding="utf-8")
    return path


def _summary(made: Sequence[Record]) -> str:
    contents = ", ".join(
        f'<a href="#{one.name}">{escape(one.title)}</a>'
        for one in sections()
        if any(record["section"] == one.name for record in made)
    )
    rows = any(record["rows"] for record in made)
    further = f'; row by row: <a href="#agreement">{AGREEMENT}</a>' if rows else ""
    return f"<p>{linked(summary(made))}</p>\n<p>{contents}{further}</p>"


def _not_made(failed: Mapping[str, Exception]) -> str:
    lines = [f"{code(name)} was not made: {escape(str(error))}" for name, error in failed.items()]
    return bullets(lines, kind="failed")


def _glance(made: Sequence[Record]) -> str:
    return "\n".join(
        f'<h3><a href="#{one["name"]}">{mixed(one["title"])}</a></h3>\n{_values(one)}'
        for one in made
        if one["rows"]
    )


def _values(one: Record) -> str:
    return table(_HEAD, [_cells(row) for row in one["rows"]], kind="stacked values")


def _cells(row: Record) -> list[str]:
    unit = f" [{quantities.unit(row['unit'])}]" if row["unit"] else ""
    within = "; ".join(text for text in (row["level"], row.get("variant", "")) if text)
    level = f"<br><small>{escape(within)}</small>" if within else ""
    why = f"<br><small>{linked(row['explains'])}</small>" if row["explains"] else ""
    recalled = "<br><small>recalled, not read again</small>" if row["recalled"] else ""
    return [
        mixed(quantities.quantity(row["parameter"]).words + unit) + level,
        arxiv(row["paper"]) + recalled,
        escape(row["published"]),
        escape(row["here"]),
        escape(gap(row)),
        f'<span class="{row["verdict"]}">{_VERDICTS[row["verdict"]]}</span>{why}',
    ]


def _figure(one: Record) -> str:
    scans = "<br>".join(
        f"{code(scan['definition'])} {escape(scan['id'])}, digest {code(scan['digest'])}"
        for scan in one["scans"]
    )
    told = {
        "Command": code(one["command"]),
        "Scan" if len(one["scans"]) == 1 else "Scans": scans,
        "Compare with": ", ".join(arxiv(number) for number in one["papers"]),
        "Made": f"{escape(one['made'])}, version {escape(one['version'])}",
    }
    parts = [
        f'<article id="{escape(one["name"])}">',
        f"<h3>{mixed(one['title'])}</h3>",
        figure(f"figures/{one['file']}", one["title"], mixed(one["caption"])),
        _values(one) if one["rows"] else "",
        folded("How it was made", facts({name: text for name, text in told.items() if text})),
        folded("References", bullets(linked(text) for text in one["references"]))
        if one["references"]
        else "",
        "</article>",
    ]
    return "\n".join(part for part in parts if part)
