"""Boards agree with the likelihood of the scan, on the grid, at held values and off the grid."""

import math

import numpy as np
import pytest

from scanner.definition import ScanDefinition, load
from scanner.errors import DefinitionError
from scanner.evaluate import evaluator_of
from scanner.grid import Grid
from scanner.limits.bench import Bench, Question

LIGHT = ("axes.mass.n=4", "axes.coupling.n=21")
NSI = ("axes.eps_ee_u.n=11", "axes.eps_mumu_u.n=9", "experiments=['coherent_csi_2021']")


@pytest.fixture(scope="module")
def light() -> ScanDefinition:
    return load("light_vector_universal", LIGHT)


@pytest.fixture(scope="module")
def nsi() -> ScanDefinition:
    return load("nsi_ee_mumu_u", NSI)


def stored(definition: ScanDefinition) -> np.ndarray:
    grid = Grid(definition.axes, tuple(len(a) for a in definition.axes))
    return evaluator_of(definition).block(grid, grid.chunk(0)).chi2.sum(axis=0)


def test_the_grid_is_that_of_the_scan(light: ScanDefinition):
    bench = Bench(Question(light, ("mass", "coupling")))
    np.testing.assert_allclose(bench.everywhere.chi2(bench.fast), stored(light), rtol=1e-9)


def test_held_axes_off_the_grid_and_one_experiment(light: ScanDefinition):
    question = Question(light, ("coupling",), {"mass": 3.3}, ("coherent_lar_2020",))
    bench = Bench(question)
    points = {"mass": np.full(21, 3.3), "coupling": light.axes[1].coordinates}
    (row,) = evaluator_of(light).chi2_at(points, [light.layers.index("coherent_lar_2020")])
    np.testing.assert_allclose(bench.everywhere.chi2(bench.fast), row, rtol=1e-9)


def test_a_thinned_grid_keeps_its_ends(light: ScanDefinition):
    bench = Bench(Question(light, ("mass", "coupling"), fit_points=20))
    board = bench.everywhere
    assert board.size <= 20
    for axis in light.axes:
        assert board.values[axis.name][[0, -1]].tolist() == axis.coordinates[[0, -1]].tolist()
    assert board.zooms > Bench(Question(light, ("mass", "coupling"))).everywhere.zooms


@pytest.mark.parametrize("fit_points", [4096, 30])
def test_the_minimum_is_that_of_the_likelihood(nsi: ScanDefinition, fit_points: int):
    bench = Bench(Question(nsi, ("eps_ee_u", "eps_mumu_u"), fit_points=fit_points))
    lowest, place = bench.everywhere.minimum(bench.fast)
    assert lowest == pytest.approx(float(evaluator_of(nsi).chi2_at(place).sum()), rel=1e-9)
    assert lowest <= stored(nsi).min()
    steps = {a.name: 1e-3 * (a.stop - a.start) for a in nsi.axes}
    around = [
        evaluator_of(nsi).chi2_at({**place, n: place[n] + s * h}).sum()
        for n, h in steps.items()
        for s in (-1.0, 1.0)
    ]
    assert min(around) > lowest - 0.01
    assert math.isfinite(lowest)


def test_a_question_and_its_text_are_the_same(light: ScanDefinition):
    question = Question(light, ("coupling",), {"mass": 3.3}, ("coherent_lar_2020",), 4, 100)
    again = Question.from_text(question.text())
    assert again.key == question.key
    assert again.record() == question.record()
    assert Question(light, ("coupling",), {"mass": 3.4}).key != question.key


def test_too_few_points_are_refused(light: ScanDefinition):
    with pytest.raises(DefinitionError, match="fit points = 3"):
        Question(light, ("mass", "coupling"), fit_points=3)
