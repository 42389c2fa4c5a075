"""This code beside independent cross-checks and published values: asked of stored grids.

``comparisons.toml`` here (cross-checks) and that of the gallery (published values) say which number
is compared with which question to which ready-made definition, and in what convention;
``comparisons.csv`` and ``comparisons.md`` keep the outcome. After a change that is meant to alter
numbers, run this file as a program: it runs the scans, reads the list of results
(``$CEVNS_PUBLISHED``, else ``../shared/published.toml`` beside the project) and writes both anew.
"""

from __future__ import annotations

import csv
import math
import os
import tempfile
import tomllib
from pathlib import Path

import pytest

from scanner.execution.clusters import connect
from scanner.gallery.asking import Grids, experiments_of, rise, settings_of
from scanner.gallery.comparing import (
    LIKELY,
    Comparison,
    Published,
    compared,
    comparisons,
    rounding,
)

HERE = Path(__file__).parent
TABLE, FOR_PEOPLE = HERE / "comparisons.csv", HERE / "comparisons.md"
PUBLISHED = Path(os.environ.get("CEVNS_PUBLISHED") or HERE.parents[2] / "shared" / "published.toml")
COLUMNS = (
    "id",
    "scenario",
    "parameter",
    "unit",
    "experiment",
    "cl",
    "dof",
    "convention",
    "here_best",
    "here",
    "source",
    "other_best",
    "other",
    "difference_percent",
    "explains",
)
CONVENTIONS = ("partners", "reference", "sides", "radius", "factor", "per", "analysis")

SOME = slice(None, None, 1 if os.environ.get("SCANNER_LONG_TESTS") == "1" else 4)
"""Rows that are computed anew: every fourth, all in the long form; the engine's own numbers are
compared in `test_engine_version`."""

CROSS_CHECKS = tomllib.loads((HERE / "comparisons.toml").read_text())["comparison"]
IDS = [row["id"] for row in CROSS_CHECKS] + list(comparisons())


def listed(kind):
    """Entries of the list of results, by id."""
    return {entry["id"]: entry for entry in tomllib.loads(PUBLISHED.read_text())[kind]}


def cross_checks():
    """Rows of independent cross-checks, with the scenario of each."""
    others = listed("crosscheck")
    for row in CROSS_CHECKS:
        other = row.get("other") or others[row["id"]]
        yield other["scenario"], Comparison(row["id"], Published.of(other), row)


def row_of(scenario, source, row, grids):
    """One line of the table."""
    asked = row.asked
    cl, dof = row.level
    if asked.get("ask") == "delta_chi2":
        scan = grids.scan(asked["definition"])
        found = [rise(scan, asked["parameter"], at) for at in asked["at"]]
        here, here_best = numbers_in(found), ""
        other, other_best = numbers_in(asked["expected"]), ""
        pairs = zip(found, asked["expected"], strict=True)
        gap = max(100.0 * (ours - theirs) / theirs for ours, theirs in pairs)
    else:
        answer = compared(row, grids.ask(asked, cl, dof))
        best, pieces = answer.here
        expected_best, expected = row.expected()
        here, here_best = words(pieces), number(best)
        other, other_best = words(expected if pieces else ()), number(expected_best)
        gap = answer.difference
    limited = "definition" in asked or here != ""
    said = {"reference": "global", "sides": "two"} if limited else {}
    said |= settings_of(asked)
    said |= {k: asked[k] for k in CONVENTIONS if k in asked}
    return {
        "id": row.id,
        "scenario": scenario,
        "parameter": row.published.parameter,
        "unit": row.published.unit,
        "experiment": "+".join(experiments_of(asked)),
        "cl": f"{cl:g}" if limited else "",
        "dof": f"{dof}" if limited else "",
        "convention": "; ".join(f"{k}={v}" for k, v in said.items()),
        "here_best": here_best,
        "here": here,
        "source": source,
        "other_best": other_best,
        "other": other,
        "difference_percent": "" if math.isnan(gap) else f"{gap:+.1f}",
        "explains": row.explains,
    }


def number(value):
    return "" if value is None else f"{value:.4g}"


def numbers_in(values):
    return ", ".join(map(number, values))


def words(pieces):
    """Intervals as text: (a, b) u (c, d)."""
    ends = [", ".join("-" if e is None else f"{e:.4g}" for e in pair) for pair in pieces]
    return " u ".join(f"({pair})" for pair in ends)


def make_table(store, some=slice(None)):
    """All rows, or some of them, computed."""
    # one thread of this process: tests with worker processes run beside it
    with connect(cpu_seconds=0.0) as connection:
        grids = Grids(store, connection.client)
        rows = [(name, "cross-check", row) for name, row in cross_checks()]
        rows += [
            (row.asked["published"]["scenario"], f"arXiv:{row.published.paper}", row)
            for row in comparisons().values()
        ]
        return [row_of(*row, grids) for row in rows[some]]


def kept():
    with TABLE.open(newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    if not PUBLISHED.exists():
        pytest.skip(f"no list of results at {PUBLISHED}: set CEVNS_PUBLISHED")
    return {row["id"]: row for row in make_table(tmp_path_factory.mktemp("comparisons"), SOME)}


@pytest.mark.timeout(1800)
def test_table_is_the_kept_one(table):
    assert list(table) == list(kept())[SOME]
    told = set(COLUMNS) - {"here", "here_best", "difference_percent"}
    for name in table:
        row = kept()[name]
        assert {c: table[name][c] for c in told} == {c: row[c] for c in told}
        # a best value between two ends may lie anywhere on a flat bottom; alone it is the answer
        column = "here" if row["here"] else "here_best"
        found, expected = numbers(table[name][column]), numbers(row[column])
        assert found == pytest.approx(expected, rel=5e-3), (
            f"{name}: {table[name][column]}, kept {row[column]}: run this file as a program"
        )


def numbers(text):
    """Numbers in a text, in their order."""
    cleaned = "".join(c if c in "0123456789.+-e" else " " for c in text)
    return [float(word) for word in cleaned.split() if any(c.isdigit() for c in word)]


def ends_in(text):
    """Intervals of a text; an end that there is none of is None."""
    pairs = [pair.strip("()").split(", ") for pair in text.split(" u ")] if text else []
    return [tuple(None if end == "-" else float(end) for end in pair) for pair in pairs]


@pytest.mark.parametrize("name", IDS)
def test_cross_checks_agree_and_published_values_agree_or_are_explained(name):
    row = kept()[name]
    gap = row["difference_percent"]
    agrees = gap != "" and abs(float(gap)) <= LIKELY + rounding(ends_in(row["other"]))
    if row["source"] == "cross-check":
        assert agrees, row
    else:
        assert agrees or row["explains"], row


@pytest.mark.parametrize("row", comparisons().values(), ids=lambda row: row.id)
def test_published_values_are_those_of_the_list(row):
    if not PUBLISHED.exists():
        pytest.skip(f"no list of results at {PUBLISHED}: set CEVNS_PUBLISHED")
    entry = listed("result")[row.id.partition("/")[0]]
    recalled = entry["provenance"].startswith("recalled")
    assert row.published == Published.of({**entry, "recalled": recalled})


def test_every_row_says_its_convention():
    for row in kept().values():
        assert row["experiment"]
        assert row["source"]
        if row["cl"]:
            assert "reference=" in row["convention"]
            assert int(row["dof"]) in (1, 2)


def write():
    with tempfile.TemporaryDirectory() as store:
        rows = make_table(store)
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    shown = [[row[c].replace("|", "\\|") for c in COLUMNS] for row in rows]
    lines = ["| " + " | ".join(line) + " |" for line in [COLUMNS, ["---"] * len(COLUMNS), *shown]]
    FOR_PEOPLE.write_text(
        "# This code beside cross-checks and published values\n\n"
        "Made by `python tests/reference/test_comparisons.py`; differences in per cent of the "
        "interval's width, of the value where it has one end.\n\n" + "\n".join(lines) + "\n"
    )


if __name__ == "__main__":
    write()
