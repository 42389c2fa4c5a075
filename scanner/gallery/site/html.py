"""Frame of a static page and its parts: no script, nothing from elsewhere.

What is called text is escaped here; what is called a body, a cell or a caption is HTML already.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape as escape
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from scanner.gallery.site.mathematics import equation as equation
from scanner.gallery.site.mathematics import formula as formula
from scanner.gallery.site.mathematics import mixed as mixed

STYLE, ICON = "style.css", "icon.svg"
INDEX, REFERENCE = "index.html", "reference.html"
"""Pages that every page leads to: the figures, and the list of scenarios and experiments."""

_ABOUT = "Parameter scans and exclusion limits for coherent elastic neutrino-nucleus scattering."
_LINKED = re.compile(
    r"https?://[^\s<>()]+[^\s<>().,;:]"
    r"|(?:arXiv:)?(?P<arxiv>\b\d{4}\.\d{5}\b|\b(?:hep-(?:ph|ex|th)|nucl-(?:ex|th))/\d{7}\b)"
    r"|doi:(?P<doi>10\.\d{4,}/[^\s,;<>]+[^\s,;<>.)])"
    r"|``(?P<code>[^`]+)``|`(?P<name>[^`]+)`"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="{about}">
<title>{title}</title>
<link rel="icon" type="image/svg+xml" href="{up}{icon}">
<link rel="stylesheet" href="{up}{style}">
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<div class="inner">
<a class="brand" href="{up}{index}"><img src="{up}{icon}" alt="" width="28" height="28">
<span>CEvNS scanner</span></a>
<nav aria-label="Main">
<a href="{up}{index}">Figures</a>
<a href="{up}{reference}#scenarios">Scenarios</a>
<a href="{up}{reference}#experiments">Experiments</a>
</nav>
</div>
</header>
<main id="main" tabindex="-1">
{body}
</main>
<footer class="bottom">
<div class="inner">
<p>{about}</p>
</div>
</footer>
</body>
</html>
"""


def page(title: str, body: str, *, depth: int = 0) -> str:
    """A whole document.

    Parameters
    ----------
    title : str
        Text of the window's title; ``body`` has its own ``h1``.
    body : str
        HTML.
    depth : int
        Folders between the site's root and the page.
    """
    return _PAGE.format(
        title=escape(title) if title == "CEvNS scanner" else f"{escape(title)} - CEvNS scanner",
        body=body,
        about=_ABOUT,
        up="../" * depth,
        icon=ICON,
        style=STYLE,
        index=INDEX,
        reference=REFERENCE,
    )


def write_style(folder: Path) -> tuple[Path, ...]:
    """Put the files that every page names into the root of the site."""
    shipped = resources.files("scanner.gallery.site")
    written = []
    for name in (STYLE, ICON):
        path = folder / name
        path.write_bytes(shipped.joinpath(name).read_bytes())
        written.append(path)
    return tuple(written)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, kind: str = "") -> str:
    """Table of HTML cells; heads are text.

    It scrolls where it is wider than the window. With ``kind="stacked"`` a phone shows every row as
    a list of its cells with their heads, with ``"numbers"`` all cells but the first are numbers.

    >>> table(["n"], [["1"]]).splitlines()[4]
    '<tr><td data-head="n">1</td></tr>'
    """
    named = f' class="{kind}"' if kind else ""
    names = [escape(name) for name in head]
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    body = "\n".join(f"<tr>{_cells(names, row)}</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Table">\n<table{named}>\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _cells(names: Sequence[str], row: Sequence[str]) -> str:
    """Cells of a row; a stacked one shows no cell that is empty."""
    return "".join(
        f'<td data-head="{name}">{cell}</td>' if cell else "<td></td>"
        for name, cell in zip(names, row, strict=True)
    )


def facts(entries: Mapping[str, str]) -> str:
    """Pairs of a name (text) and HTML; nothing for none."""
    pairs = "\n".join(f"<dt>{escape(name)}</dt><dd>{told}</dd>" for name, told in entries.items())
    return f'<dl class="facts">\n{pairs}\n</dl>' if pairs else ""


def section(title: str, body: str, *, name: str = "") -> str:
    """A part of a page under a heading; nothing where there is nothing to tell."""
    marked = f' id="{escape(name)}"' if name else ""
    return f"<section{marked}>\n<h2>{escape(title)}</h2>\n{body}\n</section>" if body else ""


def bullets(entries: Iterable[str], *, kind: str = "") -> str:
    """List of HTML entries; nothing for none."""
    named = f' class="{kind}"' if kind else ""
    lines = "\n".join(f"<li>{entry}</li>" for entry in entries)
    return f"<ul{named}>\n{lines}\n</ul>" if lines else ""


def folded(title: str, body: str) -> str:
    """What a reader opens."""
    return f"<details>\n<summary>{escape(title)}</summary>\n{body}\n</details>"


def link(href: str, text: str) -> str:
    """A link; the address as it is, in the site or outside."""
    return f'<a href="{escape(href)}">{escape(text)}</a>'


def figure(src: str, alt: str, caption: str) -> str:
    """A picture with an HTML caption, which leads to the picture in its full size."""
    where = escape(quote(src, safe="/.:"))
    picture = f'<img src="{where}" alt="{escape(alt)}" loading="lazy">'
    return (
        f'<figure>\n<a href="{where}">{picture}</a>\n<figcaption>{caption}</figcaption>\n</figure>'
    )


def code(text: str) -> str:
    """A name as it is typed."""
    return f"<code>{escape(text)}</code>"


def block(text: str) -> str:
    """Commands or a text in lines of their own."""
    return f'<pre tabindex="0">{escape(text)}</pre>'


def arxiv(number: str, text: str = "") -> str:
    """Link to a paper of the arXiv."""
    return link(f"https://arxiv.org/abs/{number}", text or f"arXiv:{number}")


def doi(name: str, text: str = "") -> str:
    """Link to what a DOI names."""
    return link(f"https://doi.org/{name}", text or f"doi:{name}")


def linked(text: str) -> str:
    """Text with its arXiv numbers, DOIs and addresses as links, and what is in backticks as code.

    >>> linked("see arXiv:2401.00001, 5 < 6")
    'see <a href="https://arxiv.org/abs/2401.00001">arXiv:2401.00001</a>, 5 &lt; 6'
    """
    pieces, end = [], 0
    for found in _LINKED.finditer(text):
        pieces += [escape(text[end : found.start()]), _linked(found)]
        end = found.end()
    return "".join([*pieces, escape(text[end:])])


def _linked(found: re.Match[str]) -> str:
    if found["arxiv"]:
        return arxiv(found["arxiv"], found[0])
    if found["doi"]:
        return doi(found["doi"], found[0])
    if found["code"] or found["name"]:
        return code(found["code"] or found["name"])
    return link(found[0], found[0])


def source(paragraphs: Iterable[str]) -> str:
    """Paragraphs with equations as a file has them: in the type in which they are written."""
    lines = "\n".join(f"<p>{linked(text)}</p>" for text in paragraphs)
    return f'<div class="source">\n{lines}\n</div>' if lines else ""


def prose(paragraphs: Iterable[str]) -> str:
    """Paragraphs of text; an indented one is a formula, set as such unless it names code."""
    return "\n".join(map(_paragraph, paragraphs))


def _paragraph(text: str) -> str:
    if not text.startswith(" ") and "\n" not in text:
        return f"<p>{linked(text)}</p>"
    if "\n" in text or "`" in text:
        return f'<pre tabindex="0">{linked(text)}</pre>'
    return formulas([text.strip().rstrip(",.")])


def formulas(lines: Iterable[str]) -> str:
    """Equations written for a terminal, each on a line of its own."""
    shown = "\n".join(f"<p>{equation(one)}</p>" for one in lines)
    return f'<div class="formula" tabindex="0" role="region" aria-label="Formula">\n{shown}\n</div>'
