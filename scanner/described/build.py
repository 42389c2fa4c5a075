"""From the tables of a description to an `Experiment`; every mistake is named with its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.described import backgrounds, bins, pulls, quenching, resolution, source, target
from scanner.described.backgrounds import Setting
from scanner.described.numbers import listed, need
from scanner.described.quenching import Quenching
from scanner.described.source import Source
from scanner.described.steps import largest_recoil, response_steps
from scanner.described.target import Target
from scanner.described.text import LABELS, no_measurement
from scanner.experiment import BinAxis, Experiment, Provenance, Response
from scanner.reference import Reference
from scanner.response import window_shares
from scanner.section import Section

Array = npt.NDArray[np.float64]

KEYS = (
    *LABELS,
    "source",
    "target",
    "response",
    "bins",
    "backgrounds",
    "pulls",
    "shared",
    "observed",
    "variance",
)
CHECKED = 1000
"""Recoils at which a quenching is looked at."""
LEAST_SHARE = 1e-6
"""Of the neutrinos of a component that arrive in the time bins; below, the bins are elsewhere."""
EXPECTED = "(expected)"
"""After the title of an experiment that has no data."""


def experiment(name: str, tables: Mapping[str, Any], where: str) -> Experiment:
    """Experiment that some tables describe.

    Parameters
    ----------
    name : str
        Its catalogue name.
    tables : mapping
        As `scanner.described.read` gives them.
    where : str
        What errors call them: the file.

    Raises
    ------
    DefinitionError
        Names `where`, the key, the value and the mend.
    """
    top = Section(where, "", tables)
    _refuse_swallowed(top)
    top.allow(KEYS)
    beam, detector = source.of(top), target.read(need(top, "target", "material and mass"))
    energy, response, steps, papers = _response(top, beam, detector)
    time = _time_bins(top, beam)
    timing = _timing(top.table("bins"), beam, time)
    axes = (energy,) if time is None else (energy, time)
    if time is not None and energy.n * time.n > bins.MOST_BINS:
        top.table("bins").fail(
            "time", f"makes {energy.n * time.n} bins with energy; write {bins.MOST_BINS} at most"
        )
    setting = Setting(
        beam,
        detector,
        energy,
        1 if time is None else time.n,
        {} if time is None else backgrounds.time_shares(time, timing),
    )
    expected = backgrounds.read(top.table("backgrounds"), setting)
    components = [component.name for component in beam.flux.components]
    shared = pulls.shared(top.table("shared"), components, top.table("source").text("kind"))
    observed, variance = _data(top, setting.n_bins)
    return Experiment(
        name=name,
        title=_title(top, observed),
        flux=beam.flux,
        baseline_m=beam.baseline_m,
        target=detector.material,
        mass_kg=detector.mass_kg,
        exposure=beam.exposure,
        response=response,
        response_steps=steps,
        timing=timing,
        bins=axes,
        observed=observed,
        backgrounds=expected,
        pulls=pulls.read(top.table("pulls"), name, expected, setting.n_bins),
        statistic="poisson" if variance is None else "gaussian",
        provenance=_provenance(top),
        variance=variance,
        inputs=tuple(one.parameter for one in shared),
        constraints={one.parameter.name: one.constraint for one in shared},
        normalisations={one.parameter.name: one.components for one in shared},
        no_transition=beam.no_transition,
        illustrative=no_measurement(tables),
        references=(*beam.papers, *papers),
    )


def _response(
    top: Section, beam: Source, detector: Target
) -> tuple[BinAxis, Response, tuple[float, ...], tuple[Reference, ...]]:
    """Energy bins, the probability that a recoil lands in each, its steps and its papers."""
    table = need(top, "response", "quenching, resolution, perhaps efficiency and threshold")
    table.allow(("quenching", "resolution", "efficiency", "threshold"))
    seen = quenching.read(need(table, "quenching", 'kind = "none" or another'), detector)
    _check_energies(table.table("quenching"), seen, largest_recoil(beam.flux, detector.material))
    smearing = resolution.read(need(table, "resolution", 'kind = "gaussian" or "poisson"'), seen)
    all_bins = need(top, "bins", "energy, and perhaps time")
    all_bins.allow(("energy", "time"))
    energy = bins.read(need(all_bins, "energy", "unit and edges"), "energy", smearing.unit)
    if energy.edges[0] < 0.0:
        all_bins.table("energy").fail("unit", "the first edge is below 0")
    if smearing.counts and np.any(energy.edges % 1.0):
        all_bins.table("energy").fail("unit", "bins of photoelectrons have whole numbers as edges")
    kept = resolution.acceptance(table, energy.unit, float(energy.edges[-1]))
    steps: tuple[float, ...] = ()
    if smearing.width is not None:
        sharp = np.union1d(energy.edges, kept.kinks)
        steps = response_steps(sharp, seen.energy, smearing.width, beam.flux, detector.material)
    return energy, smearing.response(energy.edges, seen, kept), steps, seen.papers


def _check_energies(section: Section, seen: Quenching, largest: float) -> None:
    """Refuse a quenching that gives no energy to some recoil."""
    recoil = np.linspace(0.0, largest, CHECKED)[1:]
    bad = recoil[seen.energy(recoil) <= 0.0]
    if len(bad):
        section.fail("kind", f"gives no energy to a recoil of {1e3 * bad[0]:.3g} keVnr; check it")


def _time_bins(top: Section, beam: Source) -> BinAxis | None:
    """Bins in time, None without; the source must have a pulse for them."""
    table = top.table("bins")
    if "time" not in table:
        return None
    if not beam.arrival:
        table.fail("time", "needs the time of the neutrinos: give [source.pulse], or leave it out")
    return bins.read(table.table("time"), "time", "us")


def _timing(table: Section, beam: Source, time: BinAxis | None) -> dict[str, Array]:
    """Share of each flux component in the time bins; all of it where there are none."""
    names = [component.name for component in beam.flux.components]
    if time is None:
        return {name: np.ones(1) for name in names}
    shares = {name: window_shares(beam.arrival[name], time.edges) for name in names}
    if not all(share.sum() > LEAST_SHARE for share in shares.values()):
        table.fail("time", "some neutrinos have no part in these bins; check them and source.pulse")
    return shares


def _refuse_swallowed(section: Section) -> None:
    """What TOML took for an entry of the last table, because it stands below its header."""
    for name, value in section.entries.items():
        if isinstance(value, Mapping):
            _refuse_swallowed(section.table(name))
        elif section.key and name in ("observed", "variance") and isinstance(value, list):
            section.fail(name, f"stands below [{section.key}]; move {name} above the first [table]")


def _data(top: Section, n_bins: int) -> tuple[Array | None, Array | None]:
    """Observed counts and their variance, None where the text has none."""
    if "observed" not in top:
        if "variance" in top:
            top.fail("variance", "belongs to observed counts; give observed, or remove it")
        return None, None
    observed = _per_bin(top, "observed", n_bins)
    if "variance" not in top:
        if np.any(observed < 0.0):
            top.fail("observed", "holds a count below 0; subtracted counts need a variance")
        return observed, None
    variance = _per_bin(top, "variance", n_bins)
    if np.any(variance <= 0.0):
        top.fail("variance", "holds a number that is not above 0")
    return observed, variance


def _per_bin(top: Section, name: str, n_bins: int) -> Array:
    if isinstance(top.entries[name], Mapping):
        top.fail(name, f'write {name} = [...], or {name} = {{ file = "x.csv", column = "N" }}')
    values = listed(top, name, "numbers, one per bin")
    if len(values) != n_bins:
        top.fail(name, f"has {len(values)} numbers; give {n_bins}, one per bin, energy first")
    return values


def _title(top: Section, observed: Array | None) -> str:
    title = top.text("title")
    for name in ("description", "illustrative"):
        top.text(name, "")
    return title if observed is not None else f"{title} {EXPECTED}"


def _provenance(top: Section) -> Provenance:
    """Reference as written; the title where there is none."""
    table = top.table("reference")
    table.allow(("citation", "arxiv", "doi", "licence"))
    top.table("origin").all_texts()
    return Provenance(
        citation=table.text("citation", f"{top.text('title')}, as described"),
        arxiv=table.text("arxiv", ""),
        doi=table.text("doi", ""),
        licence=table.text("licence", ""),
        tables={},
        release={},
    )
