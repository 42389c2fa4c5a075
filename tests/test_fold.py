"""Fold: from counts in the energy bins to counts in all bins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scanner import catalog
from scanner.fold import NuclearFold
from scanner.physics.nuclei import Nucleus


def fold(experiment, **shares):
    """The first isotope in the beam of the first component, with other shares."""
    component = experiment.flux.components[0]
    timing = {component.name: shares.get("share", experiment.timing[component.name])}
    isotope = next(iter(experiment.target.composition))
    nucleus = Nucleus(isotope, np.ones_like, np.ones_like)
    return NuclearFold(replace(experiment, timing=timing), nucleus, component)


def counts(one, spectrum, inputs):
    """Counts in all bins."""
    return one.in_all_bins(one.energy_bins(spectrum, inputs), inputs)


@pytest.fixture
def experiment():
    return catalog.experiment("coherent_csi_2021")


def test_shares_of_each_energy_bin(experiment):
    rng = np.random.default_rng(5)
    energy_bins, share = rng.uniform(size=(2, 3, 9)), rng.uniform(size=(9, 11))
    found = fold(experiment, share=share).in_all_bins(energy_bins, {})
    assert found.shape == (2, 3, 99)
    for point in np.ndindex(2, 3):
        for energy in range(9):
            expected = [energy_bins[point][energy] * s for s in share[energy]]
            assert found[point][11 * energy : 11 * (energy + 1)].tolist() == expected


def test_alike_in_all_energy_bins_is_one_row_of_shares(experiment):
    one = fold(experiment)
    each = fold(experiment, share=np.tile(one.share({}), (9, 1)))
    spectrum = np.exp(-one.recoil / 0.01)
    assert counts(one, spectrum, {}).tobytes() == counts(each, spectrum, {}).tobytes()


def test_timing_moves_with_those_inputs_that_it_names(experiment):
    def timing_at(*, delay=0.0):
        return {name: np.roll(share, int(delay)) for name, share in experiment.timing.items()}

    moved = replace(experiment, timing_at=timing_at)
    one = fold(moved)
    spectrum = np.exp(-one.recoil / 0.01)
    usual = counts(one, spectrum, {"csi_quenching_pc0": 1.0}).reshape(9, 11)
    late = counts(one, spectrum, {"delay": 2.0, "csi_quenching_pc0": 1.0}).reshape(9, 11)
    np.testing.assert_array_equal(late, np.roll(usual, 2, axis=1))
    assert not np.allclose(usual, counts(one, spectrum, {"delay": 2.0}).reshape(9, 11), rtol=1e-3)
