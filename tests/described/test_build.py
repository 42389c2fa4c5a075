"""A described experiment against one written by hand, and its counts against plain integrals."""

from __future__ import annotations

import itertools
import math
from functools import partial

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm, poisson

from scanner import catalog, described
from scanner.amplitudes import Conventions
from scanner.chi2 import STANDARD_MODEL, ExperimentModel
from scanner.experiment import BinAxis, Constraint, Experiment, Provenance, Pull
from scanner.physics import isotopes
from scanner.physics.fluxes import reactor
from scanner.physics.fluxes.stopped_pion import (
    DELAYED,
    delayed_arrival_cdf,
    prompt_arrival_cdf,
    stopped_pion_flux,
)
from scanner.physics.nuclei import ARGON
from scanner.physics.quenching import lindhard_kevee, linear_kevee
from scanner.response import EnergyResponse, gaussian_density, window_shares

EFFICIENCY = ([0.0, 1.0, 3.75, 10.0, 40.0], [0.0, 0.0, 0.5, 0.9, 0.95])


def model(experiment: Experiment) -> ExperimentModel:
    return ExperimentModel(STANDARD_MODEL, experiment, Conventions(), {}, ())


def made(tables) -> Experiment:
    return described.experiment("toy", tables, "toy.toml")


def by_hand() -> Experiment:
    """What the description of conftest says, in code."""
    edges, times = np.linspace(0.0, 120.0, 13), np.linspace(-0.1, 4.9, 11)
    pulse = {"mean": 0.44, "sigma": 0.15}
    prompt = window_shares(partial(prompt_arrival_cdf, **pulse), times)
    delayed = window_shares(partial(delayed_arrival_cdf, **pulse), times)
    return Experiment(
        name="toy",
        title="Toy argon (expected)",
        flux=stopped_pion_flux(neutrinos_per_proton=0.09, protons=1.37e23, baseline_m=27.5),
        baseline_m=27.5,
        target=ARGON,
        mass_kg=24.0,
        exposure="",
        response=EnergyResponse(
            edges,
            np.concatenate([EFFICIENCY[0], np.arange(0.25, 120.0, 0.25)]),
            partial(linear_kevee, constant=0.246, slope_per_kev=7.8e-4),
            partial(gaussian_density, sqrt_coefficient=0.58),
            lambda x: np.interp(x, *EFFICIENCY),
        ),
        timing={"nu_mu": prompt, **dict.fromkeys(DELAYED, delayed)},
        bins=(BinAxis("energy", "keVee", edges), BinAxis("time", "us", times)),
        observed=None,
        backgrounds={"steady": np.full(120, 3152.0 / 120.0)},
        pulls=(
            Pull("toy_signal", 0.13, signal=1.0),
            Pull("toy_steady", 0.01, backgrounds={"steady": 1.0}),
        ),
        statistic="poisson",
        provenance=Provenance("", "", "", "", {}, {}),
    )


def test_a_text_is_the_experiment_written_by_hand(base):
    text, code = made(base), by_hand()
    assert text.bins[0].unit == "keVee"
    for ours, theirs in zip(text.bins, code.bins, strict=True):
        np.testing.assert_allclose(ours.edges, theirs.edges, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(text.backgrounds["steady"], code.backgrounds["steady"], rtol=1e-12)
    assert text.pulls == code.pulls
    np.testing.assert_allclose(
        model(text).standard_model(), model(code).standard_model(), rtol=1e-9, atol=1e-9
    )


def test_chi2_of_a_text_is_that_of_the_experiment_written_by_hand(base):
    scenario = catalog.scenario("light_vector")
    fixed = {"model": "universal", "mass": 10.0, "coupling": 1e-4}
    fixed |= {
        p.name: p.default
        for p in scenario.parameters
        if p.default is not None and p.name not in fixed
    }
    found = [
        ExperimentModel(scenario, one, Conventions(), fixed, ()).profile({}).chi2[0]
        for one in (made(base), by_hand())
    ]
    assert found[0] > 1.0
    assert found[0] == pytest.approx(found[1], rel=1e-8)


def test_asimov_data_fit_the_standard_model_exactly(base):
    one = model(made(base))
    found = one.likelihood.profile(one.standard_model()[np.newaxis])
    assert found.chi2[0] == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(found.pulls[0], 0.0, atol=1e-9)
    assert one.experiment.data.sum() == pytest.approx(one.standard_model().sum() + 3152.0)


def test_asimov_data_do_not_move_with_a_value_that_is_tried(change):
    one = made(change(("shared", {"sns_flux": {"sigma": 0.1}})))

    def data(fixed, **more):
        bound = ExperimentModel(STANDARD_MODEL, one, Conventions(), fixed, (), **more)
        return bound.experiment.data, bound.profile({}).chi2[0]

    usual, at_minimum = data({})
    tried, off = data({"sns_flux": 1.5}, data_at={})
    np.testing.assert_array_equal(tried, usual)
    assert at_minimum == pytest.approx(0.0, abs=1e-9)
    assert off > 1.0
    # what the definition itself fixes is a convention, of the data too
    fixed, again = data({"sns_flux": 1.5})
    assert fixed.sum() > usual.sum()
    assert again == pytest.approx(0.0, abs=1e-9)


def test_counts_that_are_given_are_the_data(change):
    counts = np.arange(120.0)
    one = made(change(("observed", counts.tolist())))
    np.testing.assert_array_equal(one.data, counts)
    assert (one.title, one.illustrative, one.statistic) == ("Toy argon", "", "poisson")
    subtracted = made(change(("observed", (counts - 3.0).tolist()), ("variance", [2.0] * 120)))
    assert subtracted.statistic == "gaussian"
    assert subtracted.variance is not None
    assert subtracted.variance.sum() == 240.0


def test_a_text_without_data_is_called_expected(base, change):
    assert made(base).title == "Toy argon (expected)"
    assert made(change(("illustrative", "a design"))).illustrative == "a design"


# --- the response by quadrature of scipy --------------------------------------------------------


def response_of(changes, change):
    one = made(change(("bins.time", None), ("backgrounds", {}), ("pulls", {}), *changes))
    return one.response, one.bins[0].edges


def by_quad(recoil, low, high, energy, width, kept, kinks=()):
    """Share of events of a recoil in one bin."""
    mean, sigma = energy(recoil), width(energy(recoil))
    a, b = max(low, mean - 9.0 * sigma), min(high, mean + 9.0 * sigma)
    if a >= b:
        return 0.0
    points = [k for k in (*kinks, mean) if a < k < b] or None
    return quad(
        lambda x: kept(x) * norm.pdf(x, mean, sigma), a, b, points=points, limit=200, epsabs=1e-13
    )[0]


LOGISTIC = {"kind": "logistic", "unit": "keVee", "height": 0.9, "slope": 3.0, "centre": 2.0}
SMEARED = {"kind": "gaussian", "unit": "keVee", "constant": 0.1, "sqrt": 0.2, "linear": 0.05}
TABLED = {"kind": "table", "unit": "keVnr", "recoil": [0, 10, 50], "factor": [0.2, 0.25, 0.3]}


@pytest.mark.parametrize("recoil_kev", [1.0, 8.0, 20.0, 60.0])
@pytest.mark.parametrize("kind", ["logistic", "table", "threshold"])
def test_acceptance_acts_inside_the_integral_over_a_bin(change, kind, recoil_kev):
    changes = {
        "logistic": [("response.efficiency", LOGISTIC)],
        "table": [],
        "threshold": [
            ("response.efficiency", {"kind": "constant", "value": 0.8}),
            ("response.threshold", {"value": 2.5, "unit": "keVee"}),
        ],
    }[kind]
    kept = {
        "logistic": lambda x: 0.9 / (1.0 + math.exp(-3.0 * (x - 2.0))),
        "table": lambda x: float(np.interp(x, *EFFICIENCY)),
        "threshold": lambda x: 0.8 * (x >= 2.5),
    }[kind]
    edges = [0.5, 2.0, 4.0, 12.0, 40.0]
    response, _ = response_of(
        [
            *changes,
            ("response.resolution", SMEARED),
            ("response.quenching", TABLED),
            ("bins.energy", {"unit": "keVee", "edges": edges}),
        ],
        change,
    )
    expected = [
        by_quad(
            recoil_kev,
            low,
            high,
            lambda t: t * np.interp(t, [0, 10, 50], [0.2, 0.25, 0.3]),
            lambda e: math.sqrt(0.1**2 + 0.2**2 * e + (0.05 * e) ** 2),
            kept,
            kinks=(2.5, *EFFICIENCY[0]),
        )
        for low, high in itertools.pairwise(edges)
    ]
    found = response(np.array([1e-3 * recoil_kev]))[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-10)


def test_photoelectrons_are_counted_one_by_one(change):
    edges = [0, 3, 10, 40]
    response, _ = response_of(
        [
            ("response.efficiency", {"kind": "constant", "value": 0.5}),
            (
                "response.resolution",
                {"kind": "poisson", "light_yield": {"value": 13.35, "unit": "PE/keVee"}},
            ),
            ("response.quenching", {"kind": "constant", "factor": 0.09}),
            ("bins.energy", {"unit": "PE", "edges": edges}),
        ],
        change,
    )
    mean = 13.35 * 0.09 * 12.0
    cdf = poisson.cdf(np.array(edges) - 1, mean)
    np.testing.assert_allclose(response(np.array([0.012]))[:, 0], 0.5 * np.diff(cdf), rtol=1e-12)


def test_units_of_the_text_do_not_matter(base, change):
    other = change(
        ("target.mass", {"value": 24000.0, "unit": "g"}),
        ("source.distance", {"value": 2750.0, "unit": "cm"}),
        ("response.resolution", {"kind": "gaussian", "unit": "eVee", "sqrt": 0.58 * 1e3**0.5}),
        ("response.quenching.slope", {"value": 7.8e-7, "unit": "1/eVnr"}),
        ("bins.energy", {"unit": "eVee", "start": 0, "stop": 120e3, "n": 12}),
    )
    np.testing.assert_allclose(
        model(made(other)).standard_model(), model(made(base)).standard_model(), rtol=1e-9
    )


# --- counts by plain sums -----------------------------------------------------------------------

GF, HBARC, G_N = 1.1663787e-11, 197.3269804, -0.5117
G_P = {"e": 0.0382, "mu": 0.0300, "tau": 0.0256}


def helm(q2, radius):
    box = math.sqrt(5.0 / 3.0 * (radius**2 - 3 * 0.9**2))
    x = np.sqrt(q2) * box / HBARC
    return 3 * (np.sin(x) - x * np.cos(x)) / x**3 * np.exp(-0.5 * q2 * (0.9 / HBARC) ** 2)


def recoil_spectrum(isotope, flavor, recoil, energies, density):
    """Recoils per nucleus and MeV of a fluence tabulated densely, by the trapezoidal rule."""
    m = isotope.mass
    q2 = 2 * m * recoil
    charge = G_P[flavor] * isotope.Z * helm(q2, isotope.proton_radius)
    charge = charge + G_N * isotope.N * helm(q2, isotope.neutron_radius)
    e, t = energies[:, np.newaxis], recoil[np.newaxis]
    shape = np.maximum(1 - t / e - m * t / (2 * e**2), 0.0)
    integral = np.trapezoid(density[:, np.newaxis] * shape, energies, axis=0)
    return GF**2 * m / math.pi * (HBARC * 1e-13) ** 2 * charge**2 * integral


def brute_force(one: Experiment, accepted, n_recoil=6000, n_energy=3000):
    """Counts in the energy bins of an experiment with a continuous flux."""
    total = np.zeros(one.bins[0].n)
    for component in one.flux.components:
        energies = np.linspace(component.energies[0], component.e_max, n_energy)
        density = np.interp(energies, component.energies, component.density)
        for isotope in one.target.composition:
            root = np.linspace(1e-9, math.sqrt(2 * component.e_max**2 / isotope.mass), n_recoil)
            recoil = root**2
            spectrum = recoil_spectrum(isotope, component.flavor, recoil, energies, density)
            integrand = accepted(recoil) * spectrum * 2 * root
            nuclei = one.mass_kg * one.target.nuclei_per_kg(isotope)
            total += nuclei * np.trapezoid(integrand, root, axis=1)
    return total


REACTOR = {
    "kind": "reactor",
    "power": {"value": 3.6, "unit": "GW"},
    "distance": {"value": 20.7, "unit": "m"},
    "live_time": {"value": 119, "unit": "days"},
}


def at_a_reactor(change, *changes):
    plain = [("bins.time", None), ("backgrounds", {}), ("pulls", {}), ("response.efficiency", None)]
    return made(change(("source", REACTOR), *plain, *changes))


def test_a_cryogenic_detector_at_a_reactor(change):
    edges = np.array([20.0, 40.0, 80.0, 200.0, 1000.0])
    one = at_a_reactor(
        change,
        ("target", {"material": "Al2O3", "mass": {"value": 10, "unit": "g"}}),
        ("response.quenching", {"kind": "none"}),
        ("response.resolution", {"kind": "gaussian", "unit": "eVnr", "constant": 4}),
        ("bins.energy", {"unit": "eVnr", "edges": edges.tolist()}),
    )
    assert len(one.target.composition) == 4

    def accepted(recoil):
        return np.diff(norm.cdf(edges[:, np.newaxis], 1e6 * recoil, 4.0), axis=0)

    np.testing.assert_allclose(model(one).standard_model(), brute_force(one, accepted), rtol=2e-4)


def test_germanium_with_lindhard_at_a_reactor(change):
    edges = np.array([0.16, 0.2, 0.3, 0.8])
    one = at_a_reactor(
        change,
        ("target", {"material": "Ge", "mass": {"value": 1.0, "unit": "kg"}}),
        ("response.quenching", {"kind": "lindhard", "k": 0.162}),
        (
            "response.resolution",
            {"kind": "gaussian", "unit": "eVee", "constant": 20, "sqrt": 0.11 * 2.96},
        ),
        ("response.efficiency", {"kind": "constant", "value": 0.9}),
        ("bins.energy", {"unit": "keVee", "edges": edges.tolist()}),
    )

    def accepted(recoil):
        energy = lindhard_kevee(recoil, Z=32, k=0.162)
        sigma = np.sqrt(0.02**2 + (0.11 * 2.96) ** 2 * 1e-3 * energy)
        return 0.9 * np.diff(norm.cdf(edges[:, np.newaxis], energy, sigma), axis=0)

    np.testing.assert_allclose(model(one).standard_model(), brute_force(one, accepted), rtol=2e-4)


def test_lindhard_is_the_formula():
    t_kev, e = 2.0, 11.5 * 32 ** (-7 / 3) * 2.0
    g = 3 * e**0.15 + 0.7 * e**0.6 + e
    expected = 0.162 * g / (1 + 0.162 * g) * t_kev
    assert lindhard_kevee(2e-3, Z=32, k=0.162) == pytest.approx(expected, rel=1e-14)


# --- sources ------------------------------------------------------------------------------------


def test_three_ways_to_count_the_neutrinos_agree(base, change):
    seconds = 3600.0 * 6.12e3 / 1.4
    protons = 1.4e6 * seconds / (0.984 * 1.602176634e-10)
    by_power = {
        "protons": None,
        "power": {"value": 1.4, "unit": "MW"},
        "proton_energy": {"value": 0.984, "unit": "GeV"},
        "live_time": {"value": seconds / 86400.0, "unit": "days"},
    }
    changes = [(f"source.{key}", value) for key, value in by_power.items()]
    powered = made(change(*changes))
    counted = made(change(("source.protons", protons)))
    yearly = made(
        change(
            ("source.protons", None),
            ("source.neutrinos_per_proton", None),
            ("source.neutrinos_per_year", 0.09 * protons / 2.0),
            ("source.live_time", {"value": 2.0, "unit": "yr"}),
        )
    )
    assert powered.exposure.startswith("6.12 GWh")
    fluences = [one.flux.components[0].fluence for one in (powered, counted, yearly)]
    np.testing.assert_allclose(fluences, fluences[0], rtol=1e-12)
    area = 4.0 * math.pi * 2750.0**2
    assert fluences[0] == pytest.approx(0.09 * protons / area, rel=1e-12)


def test_cores_add_up(change):
    def core(power, distance):
        return {
            "power": {"value": power, "unit": "GW"},
            "distance": {"value": distance, "unit": "m"},
        }

    source = {"kind": "reactor", "live_time": REACTOR["live_time"]}
    source["cores"] = [core(4.25, 72.0), core(4.25, 102.0)]
    both = made(change(("source", source), ("bins.time", None)))
    apart = [
        reactor.reactor_flux(thermal_power_gw=4.25, distance_m=d, seconds=119 * 86400.0)
        for d in (72.0, 102.0)
    ]
    expected = sum(flux.components[0].density for flux in apart)
    np.testing.assert_allclose(both.flux.components[0].density, expected, rtol=1e-12)


def test_the_sun_is_not_oscillated_again(change):
    source = {"kind": "solar", "live_time": {"value": 1, "unit": "yr"}, "sources": ["8B"]}
    one = made(change(("source", source), ("bins.time", None)))
    assert [c.name for c in one.flux.components] == ["nu_e 8B", "nu_mu 8B", "nu_tau 8B"]
    assert "before they leave the Sun" in one.no_transition
    total = sum(np.trapezoid(c.density, c.energies) for c in one.flux.components)
    assert total == pytest.approx(5.46e6 * 365.25 * 86400.0, rel=1e-3)


# --- backgrounds, pulls, shared fluxes ----------------------------------------------------------


def test_rates_become_counts(change):
    rate = {"value": 2.0, "unit": "counts/(keV kg day)"}
    one = at_a_reactor(
        change,
        ("bins.energy", {"unit": "keVee", "edges": [1.0, 2.0, 4.0]}),
        ("backgrounds.flat", {"kind": "flat", "rate": rate, "duty_factor": 0.5}),
        (
            "backgrounds.falling",
            {"kind": "exponential", "rate": rate, "decay": {"value": 1.5, "unit": "keVee"}},
        ),
        (
            "backgrounds.line",
            {
                "kind": "table",
                "unit": "keVee",
                "energy": [1.5, 2.5, 3.5],
                "density": [0.0, 1.0, 0.0],
                "counts": 80.0,
            },
        ),
    )
    exposure = 24.0 * 119.0
    np.testing.assert_allclose(one.backgrounds["flat"], np.array([1.0, 2.0]) * exposure)
    falling = [
        quad(lambda e: 2.0 * math.exp(-e / 1.5), a, b)[0] * exposure for a, b in ((1, 2), (2, 4))
    ]
    np.testing.assert_allclose(one.backgrounds["falling"], falling, rtol=1e-10)
    np.testing.assert_allclose(one.backgrounds["line"], [10.0, 70.0], rtol=1e-12)


def test_backgrounds_have_a_behaviour_in_time(change):
    one = made(
        change(
            ("backgrounds.prompt", {"kind": "flat", "counts": 100.0, "time": "prompt"}),
            ("backgrounds.same", {"kind": "flat", "counts": 100.0, "time": "signal"}),
            ("bins.time", {"unit": "ns", "edges": [0, 1000, 3000]}),
        )
    )
    shaped = {n: b.reshape(12, 2).sum(axis=0) for n, b in one.backgrounds.items()}
    np.testing.assert_allclose(shaped["steady"], [3152.0 / 3, 2 * 3152.0 / 3], rtol=1e-12)
    prompt = one.timing["nu_mu"] / one.timing["nu_mu"].sum()
    np.testing.assert_allclose(shaped["prompt"], 100.0 * prompt, rtol=1e-12)
    total = np.sum(list(one.timing.values()), axis=0)
    np.testing.assert_allclose(shaped["same"], 100.0 * total / total.sum(), rtol=1e-12)
    assert prompt[0] > 0.99 > total[0] / total.sum()


def test_counts_per_bin_are_taken_as_they_are(change):
    every = np.arange(120.0)
    energy = np.arange(12.0)
    one = made(
        change(
            ("backgrounds.every", {"kind": "counts", "counts": every.tolist(), "total": 10.0}),
            ("backgrounds.energy", {"kind": "counts", "counts": energy.tolist()}),
        )
    )
    np.testing.assert_allclose(one.backgrounds["every"], every * 10.0 / every.sum())
    np.testing.assert_allclose(one.backgrounds["energy"], np.repeat(energy / 10.0, 10))


def test_pulls_act_on_what_they_name(change):
    shape = np.linspace(-1.0, 1.0, 120).tolist()
    one = made(
        change(("pulls.tilt", {"sigma": 0.1, "acts_on": ["signal", "steady"], "change": shape}))
    )
    tilt = one.pulls[-1]
    assert (tilt.name, tilt.sigma) == ("toy_tilt", 0.1)
    np.testing.assert_array_equal(tilt.signal, shape)
    np.testing.assert_array_equal(tilt.backgrounds["steady"], shape)


def test_a_shared_flux_is_an_input_with_a_constraint(change):
    one = made(change(("shared", {"sns_flux": {"sigma": 0.1, "components": ["nu_mu"]}})))
    assert one.constraints == {"sns_flux": Constraint(1.0, 0.1)}
    assert one.normalisations == {"sns_flux": ("nu_mu",)}
    [parameter] = one.inputs
    assert (parameter.name, parameter.role, parameter.default) == ("sns_flux", "coupling", 1.0)


def test_every_element_makes_a_target(change):
    for symbol in set(isotopes.elements()) - {"H"}:
        one = made(change(("target.material", symbol)))
        assert model(one).standard_model().sum() > 0.0
