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
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import STANDARD_MODEL, ExperimentModel, likelihood
from scanner.execution.clusters import connect
from scanner.experiment import BinAxis
from scanner.physics.fluxes.flux import Flux
from scanner.scan import Scan
from scanner.statistics.levels import delta_chi2

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
            best, pieces = ASKED[row["ask"]](standard_model(*detector_of(row)), cl)
            return scaled(row, best, pieces)
        scan = self.scan(row["definition"], row.get("set", ()))
        if row.get("ask") in ("delta_chi2", "distance"):
            found = [scan.query({row["parameter"]: at}).answers["combined"] for at in row["at"]]
            rise = [answer.delta_chi2 for answer in found]
            return (None, rise) if row["ask"] == "delta_chi2" else (math.sqrt(rise[0]), [])
        if row.get("ask") == "preference":
            return math.sqrt(sum(scan.chi2_sm.values()) - scan.minima["combined"].chi2), []
        interval = scan.interval(
            row["parameter"],
            cl=cl,
            dof=dof,
            at=row.get("hold"),
            experiments=row.get("experiments"),
            reference=row.get("reference", "global"),
            sided=row.get("sides", "two"),
        )
        interval = interval.shifted(row["derived"]) if "derived" in row else interval
        return scaled(row, interval.best, interval.intervals)


def scaled(row, best, pieces):
    """An answer in the unit of the list: times `scale`, over `per`, times a cross section."""
    scale = row.get("scale", 1.0) / row.get("per", 1.0)
    if row.get("times") == "cross_section":
        scale *= cross_section(experiments_of(row)[0], conventions_of(row), row.get("flux", ""))
    pieces = [[None if e is None else e * scale for e in ends] for ends in pieces]
    pieces = [pieces[row["piece"]]] if "piece" in row else pieces
    return (None if best is None else best * scale), pieces


def detector_of(row):
    """Experiment of a row with its choices, and conventions."""
    return row["experiment"], tuple(row.get("choices", {}).items()), conventions_of(row)


def conventions_of(row):
    return Conventions(**row.get("options", {}))


def model_of(experiment, conventions):
    return ExperimentModel(STANDARD_MODEL, experiment, conventions, {}, ())


@cache
def standard_model(name, choices, conventions):
    return model_of(catalog.experiment(name, dict(choices)), conventions)


def prediction(model, cl):
    """Standard Model counts."""
    return float(model.standard_model().sum()), []


def observed(model, cl):
    """Counts of the data."""
    return float(model.experiment.data.sum()), []


STRENGTHS = np.concatenate([np.linspace(0.0, 2.0, 2001), np.linspace(2.01, 8.0, 600)])


def strengths(model):
    """chi2 of the Standard Model's signal scaled by `STRENGTHS`, pulls profiled."""
    return model.likelihood.profile(STRENGTHS[:, np.newaxis] * model.standard_model()).chi2


def chi2_of(model, strength):
    """chi2 of the Standard Model's signal times a number, pulls profiled."""
    signal = strength * model.standard_model()
    return float(model.likelihood.profile(signal[np.newaxis]).chi2[0])


def free_normalisation(model):
    """Fitted counts, lowest chi2 and sqrt(Delta chi2) of no signal, the signal scaled freely."""
    # the pull on the normalisation acts on top: at the minimum it is at zero
    chi2 = strengths(model)
    best = int(np.argmin(chi2))
    counts = float(STRENGTHS[best] * model.standard_model().sum())
    return counts, float(chi2[best]), math.sqrt(chi2[0] - chi2[best])


def strength(model, cl):
    """Signal over that of the Standard Model, every pull acting on top."""
    return interval_of(strengths(model), cl)


def interval_of(chi2, cl):
    """Where the chi2 of `STRENGTHS` is lowest, and its crossings of the level on both sides."""
    best = int(np.argmin(chi2))
    rise = chi2 - chi2[best] - delta_chi2(cl, 1)
    low = np.interp(0.0, -rise[: best + 1], STRENGTHS[: best + 1]) if rise[0] > 0.0 else None
    assert rise[-1] > 0.0
    return STRENGTHS[best], [[low, np.interp(0.0, rise[best:], STRENGTHS[best:])]]


def counts(model, cl):
    """Fitted number of events: what moves the signal's norm alone has no part in it."""
    kept = [p for p in model.experiment.pulls if p.backgrounds or np.ndim(p.signal)]
    freed = replace(model.experiment, pulls=tuple(kept))
    signal = STRENGTHS[:, np.newaxis] * model.standard_model()
    best, [ends] = interval_of(likelihood(freed).profile(signal).chi2, cl)
    expected = model.standard_model().sum()
    return best * expected, [[None if e is None else e * expected for e in ends]]


@cache
def cross_section(name, conventions, component):
    """cm^2 per nucleus, averaged over the flux: every recoil is counted once."""
    experiment = catalog.experiment(name)
    parts = [c for c in experiment.flux.components if component in c.name]
    counted = replace(
        experiment,
        flux=Flux(tuple(parts)),
        response=lambda recoil: np.ones((1, len(recoil))),
        response_at=None,
        timing=dict.fromkeys((c.name for c in parts), np.ones(1)),
        timing_at=None,
        sorting_at=None,
        bins=(BinAxis("all", "", np.array([0.0, 1.0])),),
        observed=np.zeros(1),
        backgrounds={},
        backgrounds_at=None,
        pulls=(),
        statistic="gaussian",
        variance=np.ones(1),
    )
    target = experiment.target
    nuclei = experiment.mass_kg * sum(map(target.nuclei_per_kg, target.composition))
    fluence = sum(float(c.nodes(np.zeros(1))[1].sum()) for c in parts)
    events = model_of(counted, conventions).standard_model().sum()
    return float(events) / (nuclei * fluence)


ASKED = {
    "prediction": prediction,
    "observed": observed,
    "fitted": lambda model, cl: (free_normalisation(model)[0], []),
    "chi2_min": lambda model, cl: (free_normalisation(model)[1], []),
    "rejection": lambda model, cl: (free_normalisation(model)[2], []),
    "chi2_sm": lambda model, cl: (chi2_of(model, 1.0), []),
    "chi2_none": lambda model, cl: (chi2_of(model, 0.0), []),
    "strength": strength,
    "counts": counts,
    "unit": lambda model, cl: (1.0, []),
}
"""Questions to a point, the Standard Model: (best, pieces) at a confidence level for 1 dof."""


def experiments_of(row):
    if "experiment" in row:
        return [row["experiment"]]
    if "experiments" in row:
        return row["experiments"]
    for text in row.get("set", ()):
        if text.startswith("experiments="):
            return tomllib.loads(text)["experiments"]
    listed = tomllib.loads(catalog.definition_path(row["definition"]).read_text())
    return listed["experiments"]


def settings_of(row):
    """Conventions, and choices of experiments, that a row changes or asks a point with."""
    pairs = [text.partition("=") for text in row.get("set", ())]
    changed = {key: value for key, _, value in pairs}
    chosen = {f"{row.get('experiment')}.{k}": v for k, v in row.get("choices", {}).items()}
    of_experiments = {k.partition(".")[2]: v for k, v in changed.items() if "experiment." in k}
    options = {k.partition(".")[2]: v for k, v in changed.items() if "options." in k}
    return {**row.get("options", {}), **options, **chosen, **of_experiments}


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
    limited = "definition" in row or bool(pieces)
    said = {"reference": "global", "sides": "two"} if limited else {}
    said |= settings_of(row)
    said |= {k: row[k] for k in CONVENTIONS if k in row}
    return {
        "id": row["id"],
        "scenario": other["scenario"],
        "parameter": other["parameter"],
        "unit": other.get("unit", ""),
        "experiment": "+".join(experiments_of(row)),
        "cl": f"{cl:g}" if limited else "",
        "dof": f"{dof}" if limited else "",
        "convention": "; ".join(f"{k}={v}" for k, v in said.items()),
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
@pytest.mark.timeout(1800)
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
