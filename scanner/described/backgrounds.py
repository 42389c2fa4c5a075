"""Backgrounds of a described experiment: expected counts in its bins, after all cuts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scanner.described import units
from scanner.described.numbers import curve, listed, not_negative, quantity, share
from scanner.described.source import Source
from scanner.described.target import Target
from scanner.experiment import BinAxis
from scanner.section import Section

Array = npt.NDArray[np.float64]

_COMMON = ("kind", "time", "counts", "rate", "duty_factor")
SIGNAL = "signal"
TIMES = ("steady", "prompt", "signal")


@dataclass(frozen=True)
class Setting:
    """What backgrounds are counted in."""

    source: Source
    target: Target
    energy: BinAxis
    others: int
    shares: Mapping[str, Array]

    @property
    def n_bins(self) -> int:
        """Number of bins in all."""
        return self.energy.n * self.others


def read(section: Section, setting: Setting) -> dict[str, Array]:
    """Counts (n_bins,) of every table ``[backgrounds.NAME]``."""
    if SIGNAL in section:
        section.fail(SIGNAL, "is the name of what neutrinos give; give the background another")
    return {name: _counts(table, setting) for name, table in section.tables()}


def _counts(section: Section, setting: Setting) -> Array:
    kind = section.one_of("kind", (*SHAPES, "counts"))
    if kind == "counts":
        return _given(section, setting)
    energy = _scaled(section, setting, SHAPES[kind](section, setting.energy))
    return np.outer(energy, _time(section, setting)).ravel()


def _time(section: Section, setting: Setting) -> Array:
    """Share of each of the other bins: one, or time."""
    if setting.others == 1:
        if "time" in section:
            section.fail("time", "there are no time bins; remove it, or give [bins.time]")
        return np.ones(1)
    return np.asarray(setting.shares[section.one_of("time", TIMES, TIMES[0])])


def _given(section: Section, setting: Setting) -> Array:
    """Counts per bin as written: of all bins, or of the energy bins; `total` scales them."""
    section.allow(("kind", "time", "counts", "total"))
    counts = listed(section, "counts", "counts, one per bin")
    for value in counts.tolist():
        if value < 0.0:
            section.fail("counts", f"{value:g} is below 0")
    if len(counts) not in (setting.energy.n, setting.n_bins):
        section.fail(
            "counts",
            f"has {len(counts)} numbers; give {setting.energy.n}, one per energy bin"
            + (f", or {setting.n_bins}, one per bin" if setting.others > 1 else ""),
        )
    if "total" in section:
        if counts.sum() == 0.0:
            section.fail("counts", "are all 0: nothing to scale to total")
        counts = counts * (not_negative(section, "total") / counts.sum())
    if len(counts) == setting.n_bins:
        if setting.others > 1 and "time" in section:
            section.fail("time", "counts are given for every bin of time; remove it")
        return np.asarray(counts)
    return np.outer(counts, _time(section, setting)).ravel()


def _scaled(section: Section, setting: Setting, shape: Array) -> Array:
    """Energy bins of a shape (integral of a density) in counts: by their sum, or by a rate."""
    given = [name for name in ("counts", "rate") if name in section]
    if len(given) != 1:
        section.fail(
            "counts", "give counts (all that are expected) or rate (per energy, mass and time)"
        )
    if shape.sum() == 0.0:
        section.fail("kind", "is 0 in all bins; look at its shape and the bins")
    if given == ["counts"]:
        return np.asarray(shape * (not_negative(section, "counts") / shape.sum()))
    live = setting.source.live_days
    if live is None:
        section.fail("rate", "the source has no live_time; give source.live_time, or counts here")
    unit = setting.energy.unit
    rate = _rate(section, unit)
    exposure = setting.target.mass_kg * live * share(section, "duty_factor", 1.0)
    return np.asarray(shape * (rate * exposure))


PLAIN_RATE = "1/(keV kg day)"
"""keV stands for keVee and keVnr here: a rate is told in the detector's own energy."""


def _rate(section: Section, unit: str) -> float:
    """Rate per unit of the reconstructed energy, kg and day."""
    written = section.entries["rate"]
    said = written.get("unit") if isinstance(written, Mapping) else None
    given, plain = units.parse(str(said)), units.parse(PLAIN_RATE)
    is_plain = given is not None and plain is not None and given.powers == plain.powers
    own = PLAIN_RATE if is_plain and unit != "PE" else f"1/({unit} kg day)"
    return quantity(section, "rate", own, zero=True)


def _flat(section: Section, axis: BinAxis) -> Array:
    section.allow(_COMMON)
    return np.diff(axis.edges)


def _exponential(section: Section, axis: BinAxis) -> Array:
    """exp(-E/decay); a rate is the one at zero energy."""
    section.allow((*_COMMON, "decay"))
    decay = quantity(section, "decay", axis.unit)
    return -decay * np.diff(np.exp(-axis.edges / decay))


def _table(section: Section, axis: BinAxis) -> Array:
    """Density at some energies, linear between them, none outside; only its shape with counts."""
    section.allow((*_COMMON, "unit", "energy", "density"))
    energies, density = curve(section, "energy", "density", axis.unit)
    if np.any(density < 0.0):
        section.fail("density", "holds a number below 0")
    points = np.union1d(energies, axis.edges)
    value = np.interp(points, energies, density, left=0.0, right=0.0)
    inside = (points[:-1] >= energies[0]) & (points[1:] <= energies[-1])
    pieces = np.where(inside, 0.5 * (value[1:] + value[:-1]) * np.diff(points), 0.0)
    integral = np.append(0.0, np.cumsum(pieces))
    return np.diff(np.interp(axis.edges, points, integral))


SHAPES: Mapping[str, Callable[[Section, BinAxis], Array]] = {
    "flat": _flat,
    "exponential": _exponential,
    "table": _table,
}


def time_shares(
    bins: BinAxis, signal: Mapping[str, Array], prompt: Sequence[str] = ("nu_mu",)
) -> dict[str, Array]:
    """Shares of the time bins for each behaviour in time; each adds up to 1."""
    widths = np.diff(bins.edges)
    made = {
        "steady": widths,
        "prompt": np.sum([signal[name] for name in prompt], axis=0),
        "signal": np.sum(list(signal.values()), axis=0),
    }
    return {name: np.asarray(share / share.sum()) for name, share in made.items()}
