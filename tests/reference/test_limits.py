"""Mass-coupling limits against the independent cross-checks, by their ids in the list of results.

Delta chi2 is counted from the Standard Model (reference = sm), two degrees of freedom: 6.18 at
two sigma (95.45 %), 4.61 at 90 %. AC22 couplings, Helm, `gaussian_500ns`, `energy_time`,
`normalised`.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.optimize import brentq

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import models

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"
TWO_SIGMA, NINETY = 6.18, 4.605

# id, model, experiments, mass in MeV, level, coupling
LIMITS = [
    ("x-universal-comb-M1-2s", "universal", (CSI, LAR), 1.0, TWO_SIGMA, 2.23e-5),
    ("x-universal-comb-M1-90", "universal", (CSI, LAR), 1.0, NINETY, 2.04e-5),
    ("x-universal-comb-M1GeV-2s", "universal", (CSI, LAR), 1000.0, TWO_SIGMA, 4.96e-4),
    ("x-B-L-csi-M1-2s", "B-L", (CSI,), 1.0, TWO_SIGMA, 5.38e-5),
    ("x-B-L-csi-M1-90", "B-L", (CSI,), 1.0, NINETY, 4.96e-5),
    ("x-B-L-comb-M1-2s", "B-L", (CSI, LAR), 1.0, TWO_SIGMA, 4.56e-5),
    ("x-B-L-comb-M1-90", "B-L", (CSI, LAR), 1.0, NINETY, 4.28e-5),
    ("x-B-L-comb-M1GeV-2s", "B-L", (CSI, LAR), 1000.0, TWO_SIGMA, 1.02e-3),
    ("x-Lmu-Ltau-csi-M1-2s", "L_mu-L_tau", (CSI,), 1.0, TWO_SIGMA, 1.21e-3),
    ("x-Lmu-Ltau-csi-M1-90", "L_mu-L_tau", (CSI,), 1.0, NINETY, 1.124e-3),
]
STRIP = (1.68e-6, 1.84e-6)  # x-universal-strip: g/M per MeV


@cache
def built(model, experiments):
    parameters = catalog.scenario("light_vector").parameters
    fixed = {p.name: p.default for p in parameters if p.default is not None}
    return models(
        "light_vector",
        {name: {} for name in experiments},
        Conventions(),
        fixed | {"model": model},
        ("mass", "coupling"),
    )


def delta_chi2(model, experiments, mass, coupling):
    """chi2 minus that of the Standard Model, summed over the experiments, at couplings (n,)."""
    point = {"mass": np.full(np.shape(coupling), mass), "coupling": np.asarray(coupling)}
    total = 0.0
    for one in built(model, experiments):
        sm = one.likelihood.profile(one.standard_model()[np.newaxis]).chi2[0]
        total = total + one.likelihood.profile(one.signal(point)).chi2 - sm
    return total


def crossings(model, experiments, mass, level, low=1e-6, high=1e-1):
    """All couplings where Delta chi2 crosses the level: both sides of every minimum."""

    def above(u):
        return float(delta_chi2(model, experiments, mass, np.array([10**u]))[0]) - level

    grid = np.linspace(np.log10(low), np.log10(high), 1501)
    values = delta_chi2(model, experiments, mass, 10**grid) - level
    change = np.flatnonzero(np.sign(values[1:]) != np.sign(values[:-1]))
    return [10 ** brentq(above, grid[i], grid[i + 1], xtol=1e-10) for i in change]


@pytest.mark.parametrize(
    ("model", "experiments", "mass", "level", "coupling"),
    [c[1:] for c in LIMITS],
    ids=[c[0] for c in LIMITS],
)
def test_limit(model, experiments, mass, level, coupling):
    first = crossings(model, experiments, mass, level)[0]
    assert first == pytest.approx(coupling, rel=0.03)


def test_degenerate_strip_has_two_edges():
    # a search from g = 0 returns the first edge only: the strip is allowed between the others
    first, *strip = crossings("universal", (CSI, LAR), 1000.0, TWO_SIGMA, 1e-5, 1e-2)
    assert len(strip) == 2
    assert first < strip[0]
    np.testing.assert_allclose(np.array(strip) / 1000.0, STRIP, rtol=0.03)
    between = delta_chi2(
        "universal", (CSI, LAR), 1000.0, [np.sqrt(first * strip[0]), np.mean(strip)]
    )
    assert between[0] > TWO_SIGMA > between[1]


def test_plateau_below_ten_mev():
    edges = [crossings("universal", (CSI, LAR), m, TWO_SIGMA)[0] for m in (0.1, 1.0, 5.0)]
    np.testing.assert_allclose(edges, edges[1], rtol=0.03)


def test_minimum_of_the_universal_plane():
    # the plane's minimum lies off the Standard Model: -1.49 at about 175 MeV and 3e-4
    mass, coupling = np.meshgrid(
        np.geomspace(60, 600, 60), np.geomspace(5e-5, 2e-3, 240), indexing="ij"
    )
    point = {"mass": mass.ravel(), "coupling": coupling.ravel()}
    total = 0.0
    for one in built("universal", (CSI, LAR)):
        sm = one.likelihood.profile(one.standard_model()[np.newaxis]).chi2[0]
        total = total + one.likelihood.profile(one.signal(point)).chi2 - sm
    best = np.argmin(total)
    assert total[best] == pytest.approx(-1.49, abs=0.06)
    assert 120 < mass.ravel()[best] < 260
    assert 2e-4 < coupling.ravel()[best] < 5e-4
