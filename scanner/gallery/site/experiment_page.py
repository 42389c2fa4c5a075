"""The page of an experiment, from the catalogue alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scanner import catalog, inventory
from scanner.figures import names
from scanner.gallery.site import uses
from scanner.gallery.site.html import (
    arxiv,
    bullets,
    code,
    doi,
    escape,
    facts,
    linked,
    mixed,
    page,
    prose,
    section,
    table,
)
from scanner.gallery.site.parts import (
    DEPTH,
    Shown,
    how_to_cite,
    papers,
    parameters,
    pictures,
    typed,
)
from scanner.reference import Reference

Record = Mapping[str, Any]


def experiment_page(name: str, shown: Sequence[Shown] = ()) -> str:
    """A whole document: setting, counts, bins, pulls, choices, provenance, references."""
    form = catalog.experiment(name)
    record = inventory.describe(name)
    made = uses.of_experiment(name)
    data = Reference(form.provenance.citation, form.provenance.arxiv, form.provenance.doi)
    shown_use = uses.example(made, alone=lambda use: use.experiments == (name,))
    parts = [
        f'<p class="kind">{_kind(record)} {code(name)}</p>\n<h1>{mixed(form.title)}</h1>',
        _notice(record),
        prose([*record.get("about", ()), *record.get("description", "").split("\n\n")]),
        section("Setting", facts(_setting(record))),
        section("Data and Standard Model", _counts(record)),
        section("Figures", pictures(shown)),
        section("Bins", _bins(record)),
        section("Nuisance parameters", _pulls(record) + _constraints(record)),
        section("Choices", _choices(record)),
        section("Inputs", parameters(record.get("inputs", ()))),
        section("Conventions", bullets(map(linked, record.get("remarks", ())))),
        section("Origin of the numbers", facts(_origin(record))),
        section("Data provenance", _provenance(record["provenance"])),
        section("Ready-made scans", uses.commands(made)),
        section("On the command line", typed([f"scanner show {name}"], shown_use)),
        section("References", papers((data, *form.references))),
        section("How to cite", how_to_cite((data, *form.references), shown_use)),
    ]
    return page(form.title, "\n".join(part for part in parts if part), depth=DEPTH)


def _kind(record: Record) -> str:
    return "Sensitivity" if record.get("illustrative") else "Experiment"


def _notice(record: Record) -> str:
    why = record.get("illustrative", "")
    told = f"No measurement, its limits are sensitivities: {linked(why)}."
    return f'<p class="notice">{told}</p>' if why else ""


def _setting(record: Record) -> dict[str, str]:
    """Source, target and exposure, or the quantity that was measured in place of recoils."""
    flavours = filter(None, record.get("source", "").split(", "))
    told = {
        "Source": ", ".join(mixed(names.component_label(one)) for one in flavours),
        "Baseline": escape(record.get("baseline", "")),
        "Measured quantity": escape(record.get("observable", "")),
        "Error": f"{record['error']:g}" if "error" in record else "",
        "Target": escape(record["target"]),
        "Exposure": escape(record.get("exposure", "")),
        "Statistic": escape(record["statistic"]),
        "Described in": code(Path(record["file"]).name) if "file" in record else "",
    }
    return {name: value for name, value in told.items() if value}


def _counts(record: Record) -> str:
    """Sums over all bins; the prediction names its couplings and form factor."""
    head = ["", record.get("observable", "Counts in all bins")]
    rows = [[_count(what), f"{value:.6g}"] for what, value in record["counts"].items()]
    return table(head, rows, kind="numbers")


def _count(what: str) -> str:
    """A count in words: the two of the record that have names of their own, and backgrounds."""
    told = {"observed_error": "error of what was observed"}.get(what, what)
    return escape(told.replace("sm_signal", "signal of the Standard Model"))


def _bins(record: Record) -> str:
    rows = [
        [
            escape(axis["observable"]),
            mixed(names.unit_label(axis["unit"])),
            f"{axis['n']}",
            f"{axis['from']:g}",
            f"{axis['to']:g}",
        ]
        for axis in record["bins"]
    ]
    return table(["Observable", "Unit", "Bins", "From", "To"], rows)


def _pulls(record: Record) -> str:
    """Table of pulls; of a background that is fitted, with what is known of each number."""
    pulls = record.get("pulls", ())
    head = ["Name", "Width", "Acts on", *(["Prior"] if any("prior" in p for p in pulls) else [])]
    rows = [
        [
            code(one["name"]),
            _width(one),
            escape(", ".join(one["acts_on"])),
            *([escape(one.get("prior", ""))] if "Prior" in head else []),
        ]
        for one in pulls
    ]
    return table(head, rows, kind="stacked") if rows else ""


def _width(pull: Record) -> str:
    """Standard deviation; of a number that is free it is only a step of the fit."""
    free = pull.get("prior", "").startswith("none")
    return f"{'step ' if free else ''}{pull['sigma']:g}"


def _constraints(record: Record) -> str:
    """Inputs that are profiled by default."""
    known = record.get("constraints", {})
    told = bullets(f"{code(name)}: {escape(value)}" for name, value in known.items())
    return f"<h3>Profiled inputs</h3>\n{told}" if told else ""


def _choices(record: Record) -> str:
    """Every choice with its values, the default first, and what it means."""
    rows = [
        [
            code(name),
            ", ".join(code(value) for value in values),
            code(record["choices"][name]),
            linked(record["about_choices"][name]),
        ]
        for name, values in record.get("available_choices", {}).items()
    ]
    return table(["Name", "Values", "Default", "Meaning"], rows, kind="stacked") if rows else ""


def _origin(record: Record) -> dict[str, str]:
    """Where each number of a text is from; nothing where a module tells it in its paragraphs."""
    return {name: linked(str(said)) for name, said in record.get("origin", {}).items()}


def _provenance(record: Record) -> str:
    """Release, licence and checksums."""
    hashed = {key: value for key, value in record.items() if isinstance(value, Mapping)}
    told = {
        "Publication": linked(record.get("citation", "")),
        "arXiv": arxiv(record["arxiv"]) if "arxiv" in record else "",
        "DOI": doi(record["doi"]) if "doi" in record else "",
        "Licence": linked(record.get("licence", "")),
    }
    tables = [
        f"<h3>{escape(what)}</h3>\n"
        + table(
            ["File", "Checksum"],
            [[code(f), _checksum(v)] for f, v in files.items()],
            kind="stacked",
        )
        for what, files in hashed.items()
    ]
    return "\n".join([facts({k: v for k, v in told.items() if v}), *tables])


def _checksum(value: str) -> str:
    return f'<span class="hash">{escape(value)}</span>'
