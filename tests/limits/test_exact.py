"""Ends of the likelihood itself, beside those of coarse and fine grids."""

import itertools

import numpy as np
import pytest

from scanner.scan import Scan

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"


@pytest.fixture(scope="module")
def open_scan(tmp_path_factory):
    root = tmp_path_factory.mktemp("store")
    return lambda name, *overrides: Scan.launch(name, overrides, store=root)[0]


@pytest.mark.parametrize(
    ("name", "parameter", "coarse"),
    [
        ("weak_mixing_angle_coherent", "sin2_theta_w", ("axes.sin2_theta_w.n=13",)),
        ("magnetic_moment", "mu_numu", ("axes.mu_nue.n=8", "axes.mu_numu.n=9")),
        ("nsi_ee_u", "eps_ee_u", ("axes.eps_ee_u.n=25",)),
    ],
)
def test_exact_ends_do_not_depend_on_the_grid(open_scan, name, parameter, coarse):
    rough = open_scan(name, *coarse).interval(parameter, exact=True)
    fine = open_scan(name).interval(parameter)
    assert rough.source == "exact"
    assert len(rough.intervals) == len(fine.intervals) == len(rough.grid_intervals)
    ends, grid, finely = (
        np.array(pairs, dtype=float).ravel()
        for pairs in (rough.intervals, rough.grid_intervals, fine.intervals)
    )
    known = np.isfinite(finely)
    assert np.isfinite(ends).tolist() == known.tolist()
    width = np.ptp(finely[known]) or finely[known][0]
    assert ends[known] == pytest.approx(finely[known], abs=1e-5 * width)
    # the interpolation of a dozen points is further away, but not by much
    assert 1e-6 * width < np.abs(grid - finely)[known].max() < 0.05 * width


def test_ends_lie_on_the_level_of_the_profiled_likelihood(open_scan):
    scan = open_scan("nsi_ee_mumu_u", "axes.eps_ee_u.n=25", "axes.eps_mumu_u.n=33")
    found = scan.interval("eps_ee_u", exact=True)
    like = scan.likelihood()
    assert like.parameter("eps_mumu_u").high == 0.6
    ends = np.ravel(found.intervals).astype(float)
    values = np.linspace(-0.2, 0.6, 4001)
    curve = np.array([like.chi2(eps_ee_u=end, eps_mumu_u=values).min() for end in ends])
    assert curve - float(found.reference.chi2) == pytest.approx(found.level, abs=2e-3)
    record = found.to_dict()
    assert record["source"] == "exact"
    assert np.shape(record["grid_intervals"]) == np.shape(record["intervals"])
    assert "grid_intervals" not in scan.interval("eps_ee_u").to_dict()


@pytest.mark.parametrize("reference", ["sm", "raster"])
def test_held_axes_experiments_and_references(open_scan, reference):
    scan = open_scan("nsi_ee_mumu_u", "axes.eps_ee_u.n=25", "axes.eps_mumu_u.n=33")
    found = scan.interval(
        "eps_ee_u", at={"eps_mumu_u": 0.05}, experiments=[CSI], reference=reference, exact=True
    )
    like = scan.likelihood([CSI])
    assert like.layers == (CSI,)
    ends = np.ravel(found.intervals).astype(float)
    values = np.linspace(-0.4, 0.8, 40001)
    line = like.chi2(eps_ee_u=values, eps_mumu_u=0.05)
    zero = like.chi2_sm if reference == "sm" else line.min()
    assert float(found.reference.chi2) == pytest.approx(zero, abs=1e-5)
    delta = like.chi2(eps_ee_u=ends, eps_mumu_u=0.05) - float(found.reference.chi2)
    assert delta == pytest.approx(found.level, abs=1e-6)


def test_a_profiled_input_is_profiled_at_the_ends_too(open_scan):
    width = "profile.sin2_theta_w={mean=0.23857, sigma=0.02}"
    scan = open_scan("nsi_ee_u", "axes.eps_ee_u.n=21", f"experiments=['{CSI}', '{LAR}']", width)
    found = scan.interval("eps_ee_u", exact=True)
    ends = np.ravel(found.intervals).astype(float)
    joint = scan.evaluator.chi2_at({"eps_ee_u": ends}, [2])[0]
    assert joint - float(found.reference.chi2) == pytest.approx(found.level, abs=1e-5)


def test_no_limit_stays_no_limit(open_scan):
    scan = open_scan("nsi_ee_u", "axes.eps_ee_u.n=11", "axes.eps_ee_u.stop=0.05")
    [(low, high)] = scan.interval("eps_ee_u", exact=True).intervals
    assert high is None
    assert low == pytest.approx(-0.0807166, abs=1e-6)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "asked", [{}, {"dof": 3}, {"reference": "sm", "dof": 2}, {"reference": "raster"}]
)
def test_beside_a_strip_the_ends_are_in_order_and_called_uncertain(open_scan, asked):
    """The valley that the grid's place leads to is another one than a root search may fall into."""
    scan = open_scan("light_vector_universal", "axes.mass.n=20", "axes.coupling.n=40")
    found = scan.interval("coupling", exact=True, **asked)
    ends = [end for pair in found.intervals for end in pair if end is not None]
    assert ends
    assert all(a < b for a, b in itertools.pairwise(ends))
    assert any("along the strip another valley may be lower" in note for note in found.notes)


def test_a_profiled_mass_and_a_thin_strip(open_scan):
    """A light mediator: the allowed coupling above the Standard Model lies in a thin valley."""
    scan = open_scan("light_vector_universal", "axes.mass.n=16", "axes.coupling.n=60")
    found = scan.interval("coupling", at={"mass": 30.0}, exact=True)
    like = scan.likelihood()
    ends = [end for pair in found.intervals for end in pair if end is not None]
    assert ends
    delta = like.chi2(mass=30.0, coupling=np.array(ends)) - float(found.reference.chi2)
    assert delta == pytest.approx(found.level, abs=1e-6)
