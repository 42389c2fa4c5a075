"""The bins of a described experiment: reconstructed energy, and time at a pulsed source."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scanner.described.numbers import increasing, plain, unit_factor
from scanner.experiment import BinAxis
from scanner.section import Section

Array = npt.NDArray[np.float64]

MOST_BINS = 10_000


def read(section: Section, name: str, own: str) -> BinAxis:
    """Bins of a table: ``edges``, or ``start``, ``stop``, ``n`` and perhaps ``spacing``."""
    if "edges" in section:
        section.allow(("unit", "edges"))
        edges = increasing(section, "edges")
    else:
        section.allow(("unit", "start", "stop", "n", "spacing"))
        edges = _even(section)
    return BinAxis(name, own, edges * unit_factor(section, own))


def _even(section: Section) -> Array:
    if "start" not in section:
        section.fail("edges", "is missing; give edges = [...], or start, stop and n")
    start, stop, n = plain(section, "start"), plain(section, "stop"), section.whole("n")
    if not 1 <= n <= MOST_BINS:
        section.fail("n", f"write a number of bins from 1 to {MOST_BINS}")
    if not start < stop:
        section.fail("stop", f"is not above start = {start:g}; write the end of the last bin")
    if section.one_of("spacing", ("linear", "log"), "linear") == "linear":
        return np.linspace(start, stop, n + 1)
    if start <= 0.0:
        section.fail("start", "bins on a log scale start above 0")
    return np.geomspace(start, stop, n + 1)
