"""Impacts against a slow twin: a general minimiser over the parameter and every other pull."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import minimize

from scanner.amplitudes import Conventions
from scanner.chi2 import linear_pulls, models
from scanner.definition import ScanDefinition, load
from scanner.errors import DefinitionError
from scanner.limits.impacts import Impacts, impacts
from scanner.statistics import postfit

THETA = "sin2_theta_w"


@pytest.fixture(scope="module")
def chosen() -> ScanDefinition:
    return load("weak_mixing_angle_coherent", [f"axes.{THETA}.n=31"])


@pytest.fixture(scope="module")
def found(chosen: ScanDefinition) -> Impacts:
    return impacts(chosen, THETA)


@pytest.fixture(scope="module")
def chi2(chosen: ScanDefinition) -> Callable[[np.ndarray], float]:
    """chi2 of (1000 theta, pulls of CsI, pulls of LAr), bin by bin."""
    bound = models(
        chosen.scenario,
        chosen.experiment_options,
        Conventions(**chosen.options),
        chosen.parameters,
        [THETA],
    )
    responses = [linear_pulls(model.experiment) for model in bound]

    def total(p: np.ndarray) -> float:
        value, start = float(p[1:] @ p[1:]), 1
        for model, response in zip(bound, responses, strict=True):
            x, start = p[start : start + response.n], start + response.n
            signal = model.signal({THETA: np.array([1e-3 * p[0]])})[0]
            mu, n = postfit.counts_at(response, signal, x), model.experiment.observed
            if model.experiment.variance is None:
                value += 2.0 * float(np.sum(mu - n + np.where(n > 0, n * np.log(n / mu), 0.0)))
            else:
                value += float(np.sum((n - mu) ** 2 / model.experiment.variance))
        return value

    return np.errstate(divide="ignore", invalid="ignore")(total)


def lowest(chi2: Callable[[np.ndarray], float], start: np.ndarray, held: int | None) -> np.ndarray:
    free = np.array([k for k in range(len(start)) if k != held])

    def some(p: np.ndarray) -> float:
        whole = start.copy()
        whole[free] = p
        return chi2(whole)

    done = minimize(some, start[free], method="BFGS", options={"gtol": 2e-4})
    whole = start.copy()
    whole[free] = done.x
    return whole


def test_shifts_are_those_of_a_general_minimiser(found: Impacts, chi2) -> None:
    order = {one.pull: i for i, one in enumerate(sorted(found.impacts, key=_place))}
    start = np.array([1e3 * found.best, *(o.value for o in sorted(found.impacts, key=_place))])
    best = lowest(chi2, start, None)
    assert best[0] == pytest.approx(1e3 * found.best, abs=1e-2)
    for pull in ("csi_signal", "lar_prompt_brn", "lar_brn_time_width"):
        one = next(o for o in found.impacts if o.pull == pull)
        k = 1 + order[pull]
        assert best[k] == pytest.approx(one.value, abs=1e-3)
        for size, shifts in ((one.width, one.postfit), (1.0, one.prior)):
            for sign, shift in zip((-1.0, 1.0), shifts, strict=True):
                moved = best.copy()
                moved[k] = one.value + sign * size
                there = lowest(chi2, moved, k)
                assert 1e-3 * (there[0] - best[0]) == pytest.approx(shift, abs=2e-5)


ORDER = (
    *("csi_signal", "csi_brn", "csi_nin", "csi_ssb", "lar_signal", "lar_signal_f90"),
    *("lar_signal_time", "lar_prompt_brn", "lar_brn_energy", "lar_brn_time_mean"),
    *("lar_brn_time_width", "lar_delayed_brn", "lar_steady_state"),
)


def _place(one) -> int:
    return ORDER.index(one.pull)


def test_every_pull_is_ranked_once_and_errors_add_up(found: Impacts) -> None:
    assert sorted(one.pull for one in found.impacts) == sorted(ORDER)
    sizes = [one.size for one in found.impacts]
    assert sizes == sorted(sizes, reverse=True)
    assert found.statistical**2 + found.systematic**2 == pytest.approx(found.sigma**2)
    assert 0.0 < found.statistical < found.sigma


def test_the_standard_deviation_is_that_of_the_curve(found: Impacts, chosen) -> None:
    from scanner.evaluate import evaluator_of

    step = 0.05 * found.sigma
    points = found.best + step * np.array([-1.0, 0.0, 1.0])
    low, middle, high = evaluator_of(chosen).chi2_at({THETA: points}).sum(axis=0)
    assert middle == pytest.approx(found.chi2_min, abs=1e-6)
    assert step * np.sqrt(2.0 / (low - 2.0 * middle + high)) == pytest.approx(found.sigma, rel=1e-2)


def test_a_shift_stays_in_its_own_solution() -> None:
    """eps_ee_u has a second minimum at 0.41, as deep within 0.05: no pull jumps there."""
    found = impacts(load("nsi_ee_u", ["axes.eps_ee_u.n=41"]), "eps_ee_u")
    assert all(abs(shift) < 0.1 for one in found.impacts for shift in (*one.postfit, *one.prior))


@pytest.mark.parametrize(
    ("name", "parameter", "at", "said"),
    [
        ("nsi_ee_u", "eps", {}, "unknown axis 'eps'"),
        ("nsi_ee_u", "eps_ee_u", {"mass": 1.0}, "unknown axis 'mass'"),
        ("nsi_ee_u", "eps_ee_u", {"eps_ee_u": 0.0}, "asked for and held"),
        ("nsi_ee_u_d", "eps_ee_u", {}, "axis eps_ee_d is free"),
        ("light_vector_universal", "coupling", {"mass": -1.0}, "--at mass: -1 is outside"),
        ("light_vector_universal", "coupling", {"mass": 1e3}, "is the end 1e-06 of its axis"),
    ],
)
def test_what_has_no_impact_is_refused(name, parameter, at, said) -> None:
    changes = ["axes.coupling.n=9"] if name == "light_vector_universal" else []
    with pytest.raises(DefinitionError, match=said):
        impacts(load(name, changes), parameter, at=at)


def test_a_profiled_input_is_refused() -> None:
    constraint = ["profile.sin2_theta_w.mean=0.238", "profile.sin2_theta_w.sigma=0.002"]
    with pytest.raises(DefinitionError, match=r"profile\.sin2_theta_w: impacts are those of pulls"):
        impacts(load("nsi_ee_u", constraint), "eps_ee_u")
