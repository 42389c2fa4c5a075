"""Laws that every catalogued scenario obeys, and every model that it names."""

from __future__ import annotations

import numpy as np
import pytest

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.polynomial import Polynomial
from scanner.scenario import FLAVORS, call_with

EXPERIMENTS = ("coherent_csi_2021", "coherent_lar_2020")
# a value of each coupling at which nothing cancels by chance, and one so large that it must show
TYPICAL = {"coupling": 1e-4, "kinetic_mixing": 1e-3}
HUGE = 1e-1


def _models():
    """(scenario, values of its choices) for every value of every choice."""
    for name in catalog.scenario_names():
        scenario = catalog.scenario(name)
        choices = [p for p in scenario.parameters if p.role == "choice"]
        yield pytest.param(name, {}, id=name)
        for parameter in choices:
            for value in parameter.choices:
                yield pytest.param(name, {parameter.name: value}, id=f"{name}-{value}")


EVERY_MODEL = pytest.mark.parametrize(("name", "choices"), list(_models()))


def _values(scenario, choices):
    """All parameters that have a value: defaults, shapes at 30, couplings as they are typical."""
    values = {p.name: p.default for p in scenario.parameters if p.default is not None} | choices
    values |= {p.name: 30.0 for p in scenario.parameters if p.role == "shape"}
    free = [p.name for p in scenario.parameters if p.role == "coupling" and p.name in TYPICAL]
    values |= {n: TYPICAL[n] for n in free if n == "coupling"}
    if values.get("model") == "custom":
        for charge, q in (("u", 0.4), ("d", 0.3), ("e", 1.0), ("mu", 0.7), ("tau", 0.5)):
            values[f"charge_{charge}"] = q
    return values


def _signal(name, values, experiment):
    scenario = catalog.scenario(name)
    scanned = tuple(n for n in values if scenario.parameter(n).role != "choice")
    fixed = {n: v for n, v in values.items() if n not in scanned}
    model = ExperimentModel(scenario, catalog.experiment(experiment), Conventions(), fixed, scanned)
    columns = np.broadcast_arrays(*(np.atleast_1d(values[n]) for n in scanned)) if scanned else []
    counts = model.signal({n: c.astype(float) for n, c in zip(scanned, columns, strict=True)})
    return np.atleast_2d(counts), model


def _at_zero(scenario, values):
    return values | {n: v for n, v in scenario.standard_model.items() if n in values}


@EVERY_MODEL
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_couplings_at_zero_give_the_standard_model_exactly(name, choices, experiment):
    scenario = catalog.scenario(name)
    values = _at_zero(scenario, _values(scenario, choices))
    counts, model = _signal(name, values, experiment)
    np.testing.assert_array_equal(counts[0], model.standard_model())
    chi2 = model.likelihood.profile(np.stack([counts[0], model.standard_model()])).chi2
    assert chi2[0] == chi2[1]


@EVERY_MODEL
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_a_huge_coupling_does_something(name, choices, experiment):
    scenario = catalog.scenario(name)
    if not scenario.standard_model:
        assert name == "standard_model"
        return
    values = _values(scenario, choices)
    counts, model = _signal(
        name, values | {n: HUGE for n in scenario.standard_model if n in values}, experiment
    )
    sm = model.standard_model()
    chi2 = model.likelihood.profile(np.stack([counts[0], sm])).chi2
    assert counts.sum() > 100 * sm.sum()
    assert chi2[0] > chi2[1] + 30.0


@EVERY_MODEL
def test_every_coupling_enters_some_amplitude(name, choices):
    # trap 5: a coupling that is copy-pasted away, or read as another one
    scenario = catalog.scenario(name)
    values = _values(scenario, choices)

    def amplitudes(at):
        pairs = [(a, b) for a in FLAVORS for b in FLAVORS]
        found = {p: call_with(scenario.coherent, *p, values=at) for p in pairs}
        return {(p, k): float(np.real(v)) for p, c in found.items() for k, v in c.items()}

    base = amplitudes(values)
    seen = {}
    for parameter in scenario.parameters:
        if parameter.role != "coupling" or parameter.name not in values:
            continue
        if parameter.name.startswith("charge_") and values.get("model") != "custom":
            continue
        moved = amplitudes(values | {parameter.name: values[parameter.name] * 1.5 + 1e-3})
        change = tuple(moved[k] - base[k] for k in sorted(base))
        assert any(change), parameter.name
        seen[parameter.name] = change
    assert len(set(seen.values())) == len(seen), "two couplings do the same"


@EVERY_MODEL
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_rates_are_never_negative(name, choices, experiment):
    scenario = catalog.scenario(name)
    values = _values(scenario, choices)
    strengths = np.geomspace(1e-6, 1e-1, 200)
    moved = {n: strengths for n in scenario.standard_model if n in values}
    counts, _ = _signal(name, values | moved, experiment)
    assert counts.min() >= 0.0


@EVERY_MODEL
def test_counts_are_the_polynomial_that_they_are_folded_as(name, choices):
    # scanned as a polynomial or fixed as a number, a coupling gives the same counts
    scenario = catalog.scenario(name)
    values = _values(scenario, choices)
    scanned, model = _signal(name, values, EXPERIMENTS[0])
    fixed = ExperimentModel(scenario, model.experiment, Conventions(), values, ()).signal({})
    np.testing.assert_allclose(scanned[0], np.ravel(fixed), rtol=1e-11)


@pytest.mark.parametrize("name", catalog.scenario_names())
def test_scenarios_say_what_they_are(name):
    scenario = catalog.scenario(name)
    assert scenario.title
    assert scenario.formula
    assert all(r.arxiv or r.doi for r in scenario.references)
    for parameter in scenario.parameters:
        assert parameter.description
        if parameter.default is not None:
            assert parameter.check(parameter.default, parameter.name) == parameter.default
    for coupling in scenario.standard_model:
        assert scenario.parameter(coupling).role == "coupling"


@EVERY_MODEL
def test_coefficients_take_polynomials(name, choices):
    scenario = catalog.scenario(name)
    values = _values(scenario, choices)
    couplings = tuple(n for n in values if scenario.parameter(n).role == "coupling")
    symbols = {n: Polynomial.variable(n, couplings) for n in couplings}
    for flavor in FLAVORS:
        found = call_with(scenario.coherent, flavor, flavor, values=values | symbols)
        plain = call_with(scenario.coherent, flavor, flavor, values=values)
        for key, polynomial in found.items():
            at = sum(
                c * np.prod([values[n] ** p for n, p in zip(couplings, powers, strict=True)])
                for powers, c in getattr(
                    polynomial, "terms", {(0,) * len(couplings): polynomial}
                ).items()
            )
            assert at == pytest.approx(plain[key], rel=1e-12)
