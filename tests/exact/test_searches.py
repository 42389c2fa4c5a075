"""Minima, profiles and interval ends, beside a plain grid, iminuit and emcee."""

import emcee
import numpy as np
import pytest
from iminuit import Minuit

import scanner
from scanner.exact.minimise import minimise

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"


@pytest.fixture(scope="module")
def one():
    return scanner.likelihood("nsi", [CSI, LAR], free=["eps_ee_u"])


@pytest.fixture(scope="module")
def two():
    return scanner.likelihood("nsi", [CSI, LAR], free=["eps_ee_u", "eps_mumu_u"])


@pytest.fixture(scope="module")
def ten():
    return scanner.likelihood("nsi", [CSI, LAR])


@pytest.fixture(scope="module")
def mediator():
    ranges = {"mass": (0.1, 1e4), "coupling": (1e-6, 1e-2)}
    return scanner.likelihood("light_vector", [CSI, LAR], free=ranges)


def test_two_couplings_as_a_fine_grid_has_them(two):
    values = np.linspace(-0.6, 0.9, 121)
    grid = two.chi2(eps_ee_u=values[:, np.newaxis], eps_mumu_u=values)
    best = two.minimise()
    assert grid.min() - 0.1 < best.chi2 <= grid.min()
    chosen = values[24:97:24]
    curve = two.profile("eps_ee_u", chosen)
    lowest = grid[24:97:24].min(axis=1)
    assert np.all(curve.chi2 <= lowest)
    assert curve.chi2 == pytest.approx(lowest, abs=0.1)
    assert two.chi2(**curve.at) == pytest.approx(curve.chi2, abs=1e-8)


def test_ends_of_an_interval_lie_on_the_level(one):
    found = one.interval("eps_ee_u", cl=0.9)
    assert len(found.intervals) == 2
    ends = np.ravel(found.intervals)
    assert one.chi2(eps_ee_u=ends) - found.chi2_min == pytest.approx(found.level, abs=1e-7)
    values = np.linspace(-1.0, 1.0, 20001)
    allowed = values[one.chi2(eps_ee_u=values) - found.chi2_min <= found.level]
    assert (ends[0], ends[3]) == pytest.approx((allowed[0], allowed[-1]), abs=1e-4)
    assert found.to_dict()["source"] == "exact"


def test_ends_hold_in_whatever_valley_is_lowest_there(two):
    """Along eps_ee the lowest eps_mumu jumps from one valley to another before the second end."""
    found = two.interval("eps_ee_u", cl=0.9)
    ends = np.ravel(found.intervals)
    values = np.linspace(-0.5, 0.9, 1401)
    lowest = [two.chi2(eps_ee_u=end, eps_mumu_u=values).min() for end in ends]
    assert np.array(lowest) - found.chi2_min == pytest.approx(found.level, abs=2e-3)


def test_an_end_at_the_edge_is_no_limit(one):
    like = scanner.likelihood("nsi", [CSI], free={"eps_ee_u": (0.0, 0.05)})
    assert like.interval("eps_ee_u").intervals == ((None, None),)
    from_sm = one.interval("eps_ee_u", reference=one.chi2_sm)
    assert from_sm.reference == one.chi2_sm > from_sm.chi2_min


def test_the_thin_valley_of_a_mediator_is_found(mediator):
    """The plateau of heavy mediators is the Standard Model; the minimum is 1.45 below, and thin."""
    mass, coupling = np.geomspace(0.1, 1e4, 41), np.geomspace(1e-6, 1e-2, 201)
    grid = mediator.chi2(mass=mass[:, np.newaxis], coupling=coupling)
    best = mediator.minimise()
    assert best.chi2 < grid.min()
    assert best.chi2 < mediator.chi2_sm - 1.0
    assert best.on_edge == ()


def test_ten_couplings_at_once(ten):
    """No grid of ten axes holds this: many valleys of one depth, found from other seeds too."""
    best = ten.minimise()
    again = ten.minimise(seed=7, starts=4)
    assert best.agreeing >= 4
    assert again.chi2 == pytest.approx(best.chi2, abs=1e-4)
    assert best.chi2 < ten.minimise(fixed=dict.fromkeys(ten.names[1:], 0.0)).chi2
    assert ten(list(best.at.values())) == pytest.approx(best.chi2, abs=1e-9)
    assert np.abs(ten.slope(list(best.at.values()))).max() < 1e-3
    random = np.random.default_rng(11).normal(0.0, 0.5, (2000, 10))
    assert ten(random).min() > best.chi2


def test_migrad_and_minos_find_the_same(two):
    best = two.minimise()
    migrad = Minuit(two, [0.05, 0.05], grad=two.slope, name=two.names)
    migrad.migrad()
    assert migrad.valid
    assert migrad.errordef == 1.0
    local = two.minimise(start=dict(zip(two.names, migrad.values, strict=True)), starts=1)
    assert migrad.fval == pytest.approx(local.chi2, abs=1e-4)
    # of the minima of the same depth it takes the one beside its start
    assert migrad.fval >= best.chi2 - 1e-6
    migrad.minos("eps_ee_u", cl=0.6827)
    errors, middle = migrad.merrors["eps_ee_u"], migrad.values["eps_ee_u"]
    assert errors.is_valid
    ours = two.interval("eps_ee_u", cl=0.6827, reference=migrad.fval)
    around = next(ends for ends in ours.intervals if ends[0] < middle < ends[1])
    assert (middle + errors.lower, middle + errors.upper) == pytest.approx(around, abs=2e-4)


def test_migrad_with_a_mass(mediator):
    """A shape parameter: slopes by differences serve iminuit as well."""
    best = mediator.minimise()
    start = [best.at["mass"] * 1.05, best.at["coupling"] * 1.03]
    migrad = Minuit(mediator, start, grad=mediator.slope, name=mediator.names)
    migrad.limits = [(p.low, p.high) for p in mediator.parameters]
    migrad.errors = [0.1 * value for value in start]
    migrad.migrad()
    assert migrad.fval == pytest.approx(best.chi2, abs=1e-3)


def test_samples_of_emcee_are_those_of_the_integral():
    """Posterior of one coupling, flat prior in a box, beside the integral over it."""
    like = scanner.likelihood("nsi", [CSI, LAR], free={"eps_ee_u": (-0.3, 0.2)})
    walkers, steps = 32, 700
    random = np.random.RandomState(1)
    sampler = emcee.EnsembleSampler(walkers, 1, like.log_likelihood, vectorize=True)
    sampler.random_state = random.get_state()
    sampler.run_mcmc(random.normal(0.0, 0.02, (walkers, 1)), steps)
    kept = sampler.get_chain(discard=100, flat=True)[:, 0]
    independent = kept.size / sampler.get_autocorr_time(discard=100, quiet=True)[0]
    assert independent > 500

    values = np.linspace(-0.3, 0.2, 4001)
    weight = np.exp(-0.5 * (like.chi2(eps_ee_u=values) - like.minimise().chi2))
    below = np.cumsum(weight) / weight.sum()
    mean = float(np.sum(values * weight) / weight.sum())
    width = float(np.sqrt(np.sum((values - mean) ** 2 * weight) / weight.sum()))
    assert kept.mean() == pytest.approx(mean, abs=4.0 * width / np.sqrt(independent))
    # Kolmogorov's distance of that many samples is below 2/sqrt(n) but once in 1500
    distance = np.abs(np.searchsorted(np.sort(kept), values) / kept.size - below).max()
    assert distance < 2.0 / np.sqrt(independent)


def test_minima_are_the_same_on_another_day(two):
    assert minimise(two, seed=4) == minimise(two, seed=4)
