"""This code beside independent cross-checks and published values: asked of stored grids.

``comparisons.toml`` says which number of the project's list of results is compared with which
question to which ready-made definition, and in what convention; ``comparisons.csv`` and
``comparisons.md`` keep the outcome. After a change that is meant to alter numbers, run this file as
a program: it runs the scans, reads the list (``$CEVNS_PUBLISHED``, else
``../shared/published.toml`` beside the project) and writes both anew.
"""

from __future__ import annotations

import csv
import math
import os
import tempfile
import tomllib
from decimal import Decimal
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import STANDARD_MODEL, ExperimentModel
from scanner.execution.clusters import connect
from scanner.scan import Scan

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
CONVENTIONS = ("partners", "reference", "sides", "radius", "factor", "analysis")
LIKELY = 3.0
"""Per cent of the interval's width (of the value where there is one end) that a cross-check may
differ by, besides half a unit of the last digit that it is given with."""

COMPARISONS = tomllib.loads((HERE / "comparisons.toml").read_text())["comparison"]
IDS = [row["id"] for row in COMPARISONS]


def other_results():
    """The list of published results and cross-checks, by id."""
    listed = tomllib.loads(PUBLISHED.read_text())
    return {
        entry["id"]: {**entry, "kind": kind}
        for kind in ("result", "crosscheck")
        for entry in listed[kind]
    }


class Answers:
    """Stored grids of the ready-made definitions, run once each on one cluster."""

    def __init__(self, store, client):
        self._store, self._client, self._scans = store, client, {}

    def scan(self, definition, overrides):
        key = (definition, tuple(overrides))
        if key not in self._scans:
            self._scans[key] = Scan.of(definition, overrides, store=self._store)
            self._scans[key].run(self._client)
        return self._scans[key]

    def ask(self, row, cl, dof):
        """(best, pieces): the best value, if there is one, and (low, high) pairs or numbers."""
        if "definition" not in row:
            return ASKED[row["ask"]](row["experiment"]), []
        scan = self.scan(row["definition"], row.get("set", ()))
        if row.get("ask") == "delta_chi2":
            found = [scan.query({row["parameter"]: at}).answers["combined"] for at in row["at"]]
            return None, [answer.delta_chi2 for answer in found]
        if row.get("ask") == "preference":
            return math.sqrt(sum(scan.chi2_sm.values()) - scan.minima["combined"].chi2), []
        interval = scan.interval(
            row["parameter"],
            cl=cl,
            dof=dof,
            at=row.get("hold"),
            experiments=row.get("experiments"),
            reference=row.get("reference", "global"),
        )
        scale = row.get("scale", 1.0)
        pieces = [[None if e is None else e * scale for e in ends] for ends in interval.intervals]
        pieces = [pieces[row["piece"]]] if "piece" in row else pieces
        return interval.best * scale, pieces


@cache
def standard_model(name):
    return ExperimentModel(STANDARD_MODEL, catalog.experiment(name), Conventions(), {}, ())


def prediction(name):
    """Standard Model counts."""
    return float(standard_model(name).standard_model().sum())


def free_normalisation(name):
    """Fitted counts, lowest chi2 and sqrt(Delta chi2) of no signal, the signal scaled freely."""
    model = standard_model(name)
    strengths = np.linspace(0.0, 2.0, 2001)
    # the pull on the normalisation acts on top: at the minimum it is at zero
    chi2 = model.likelihood.profile(strengths[:, np.newaxis] * model.standard_model()).chi2
    best = int(np.argmin(chi2))
    counts = float(strengths[best] * model.standard_model().sum())
    return counts, float(chi2[best]), math.sqrt(chi2[0] - chi2[best])


ASKED = {
    "prediction": prediction,
    "fitted": lambda name: free_normalisation(name)[0],
    "chi2_min": lambda name: free_normalisation(name)[1],
    "rejection": lambda name: free_normalisation(name)[2],
}


def experiments_of(row):
    if "experiment" in row:
        return [row["experiment"]]
    if "experiments" in row:
        return row["experiments"]
    listed = tomllib.loads(catalog.definition_path(row["definition"]).read_text())
    return listed["experiments"]


def ends_of(other):
    """Intervals of a listed result; an end that it does not give is None."""
    if "intervals" in other:
        return [list(ends) for ends in other["intervals"]]
    if "lower" in other or "upper" in other:
        return [[other.get("lower"), other.get("upper")]]
    return []


def difference(best, pieces, other_best, other_pieces):
    """Largest difference of the ends in per cent of the width, of the value where there is one."""
    if pieces and other_pieces:
        if len(pieces) != len(other_pieces):
            return float("nan")
        worst = 0.0
        for ours, theirs in zip(pieces, other_pieces, strict=True):
            known = [i for i in (0, 1) if theirs[i] is not None]
            width = theirs[1] - theirs[0] if len(known) == 2 else abs(theirs[known[0]])
            for i in known:
                gap = math.nan if ours[i] is None else ours[i] - theirs[i]
                worst = max(worst, gap / width, key=lambda d: math.inf if math.isnan(d) else abs(d))
        return 100.0 * worst
    if best is None or other_best is None:
        return float("nan")
    return 100.0 * (best - other_best) / abs(other_best)


def rounding(text):
    """Half a unit of the finest last digit, in per cent of the narrowest width (or the value)."""
    worst = 0.0
    for pair in [p.strip("()").split(", ") for p in text.split(" u ")] if text else []:
        ends = [Decimal(end) for end in pair if end not in ("-", "")]
        half = min((Decimal(1).scaleb(e.as_tuple().exponent) / 2 for e in ends), default=0)
        width = abs(ends[-1] - ends[0]) if len(ends) == 2 else abs(ends[0])
        worst = max(worst, float(100 * half / width))
    return worst


def row_of(row, other, answers):
    """One line of the table."""
    factor = row.get("factor", 1.0)
    cl, dof = other.get("cl", 0.9), other.get("dof", 2 if "definition" in row else 1)
    best, pieces = answers.ask(row, cl, dof)
    if row.get("ask") == "delta_chi2":
        theirs_best, theirs = None, row["expected"]
        gap = max(100.0 * (a - b) / b for a, b in zip(pieces, theirs, strict=True))
    else:
        theirs_best = None if "best" not in other else other["best"] * factor
        theirs = [[None if e is None else e * factor for e in ends] for ends in ends_of(other)]
        theirs = theirs if pieces else []
        gap = difference(best, pieces, theirs_best, theirs)
    said = {"reference": "global", "sides": "two", **{k: row[k] for k in CONVENTIONS if k in row}}
    return {
        "id": row["id"],
        "scenario": other["scenario"],
        "parameter": other["parameter"],
        "unit": other.get("unit", ""),
        "experiment": "+".join(experiments_of(row)),
        "cl": f"{cl:g}" if "definition" in row else "",
        "dof": f"{dof}" if "definition" in row else "",
        "convention": "; ".join(f"{k}={v}" for k, v in said.items()) if "definition" in row else "",
        "here_best": number(best),
        "here": words(pieces),
        "source": "cross-check" if other["kind"] == "crosscheck" else f"arXiv:{other['paper']}",
        "other_best": number(theirs_best),
        "other": words(theirs),
        "difference_percent": "" if math.isnan(gap) else f"{gap:+.1f}",
        "explains": row.get("explains", ""),
    }


def number(value):
    return "" if value is None else f"{value:.4g}"


def words(pieces):
    """Intervals as text: (a, b) u (c, d); numbers as a list."""
    if pieces and not isinstance(pieces[0], list):
        return ", ".join(f"{value:.4g}" for value in pieces)
    ends = [", ".join("-" if e is None else f"{e:.4g}" for e in pair) for pair in pieces]
    return " u ".join(f"({pair})" for pair in ends)


def make_table(store):
    """All rows, computed."""
    others = other_results()
    with connect(workers=2) as connection:
        answers = Answers(store, connection.client)
        return [row_of(row, other_of(row, others), answers) for row in COMPARISONS]


def other_of(row, others):
    """What a row is compared with: listed, or given beside it (notes of the independent fits)."""
    if "other" in row:
        return {**row["other"], "kind": "crosscheck"}
    return others[row["id"].partition("/")[0]]


def kept():
    with TABLE.open(newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    if not PUBLISHED.exists():
        pytest.skip(f"no list of results at {PUBLISHED}: set CEVNS_PUBLISHED")
    return {row["id"]: row for row in make_table(tmp_path_factory.mktemp("comparisons"))}


@pytest.mark.cluster
def test_table_is_the_kept_one(table):
    assert list(table) == list(kept())
    told = set(COLUMNS) - {"here", "here_best", "difference_percent"}
    for name, row in kept().items():
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


@pytest.mark.parametrize("name", IDS)
def test_cross_checks_agree_and_published_values_agree_or_are_explained(name):
    row = kept()[name]
    gap = row["difference_percent"]
    agrees = gap != "" and abs(float(gap)) <= LIKELY + rounding(row["other"])
    if row["source"] == "cross-check":
        assert agrees, row
    else:
        assert agrees or row["explains"], row


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
