"""Best fit and Standard Model: where they are points of a plane, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest

from scanner import definition
from scanner.definition import ScanDefinition
from scanner.grid import Axis
from scanner.limits.marks import best_fit, standard_model_point
from scanner.limits.reference import Minimum
from scanner.limits.surface import Surface

X, Y = Axis("x", "linear", -2.0, 2.0, 21), Axis("y", "linear", -2.0, 2.0, 21)


def plane(x: float, y: float) -> Surface:
    first, second = np.meshgrid(X.coordinates, Y.coordinates, indexing="ij")
    return Surface((X, Y), (first - x) ** 2 + 2.0 * (second - y) ** 2, ("a", "b"))


def surface(chosen: ScanDefinition, *names: str) -> Surface:
    axes = {axis.name: axis for axis in chosen.axes}
    kept = tuple(axes[name] for name in names)
    return Surface(kept, np.zeros([len(axis) for axis in kept]), chosen.experiments)


def test_the_stored_minimum_is_the_best_fit() -> None:
    minima = {"combined": Minimum(0.0, {"x": 0.31, "y": -0.52, "z": 3.0})}
    assert best_fit(plane(0.3, -0.5), minima, ("a", "b")) == (0.31, -0.52)


def test_without_one_or_with_an_axis_held_it_is_interpolated() -> None:
    minima = {"combined": Minimum(0.0, {"x": 1.0, "y": 1.0})}
    assert best_fit(plane(0.33, -0.47), {}, ("a", "b")) == pytest.approx((0.33, -0.47))
    held = replace(plane(0.33, -0.47), fixed={"z": 1.0})
    assert best_fit(held, minima, ("a", "b")) == pytest.approx((0.33, -0.47))


def test_at_the_edge_there_is_none() -> None:
    minima = {"combined": Minimum(0.0, {"x": 2.0, "y": 1.0}, on_edge=("x",))}
    assert best_fit(plane(0.0, 0.0), minima, ("a", "b")) == ()
    assert best_fit(plane(7.0, 0.0), {}, ("a", "b")) == ()
    assert best_fit(replace(plane(0.0, 0.0), chi2=np.full((21, 21), np.nan)), {}, ("a", "b")) == ()


def test_the_standard_model_of_couplings_and_inputs() -> None:
    nsi = definition.load("nsi_ee_mumu_d")
    assert standard_model_point(surface(nsi, "eps_ee_d", "eps_mumu_d"), nsi) == (0.0, 0.0)
    radii = definition.load("charge_radius")
    at = standard_model_point(surface(radii, "r2_nue", "r2_numu"), radii)
    assert at == pytest.approx((-0.83, -0.48))


def test_a_log_axis_and_a_held_coupling_have_no_standard_model() -> None:
    vector = definition.load("light_vector_universal")
    assert standard_model_point(surface(vector, "mass", "coupling"), vector) == ()
    nsi = definition.load("nsi_ee_mumu_d")
    held = replace(surface(nsi, "eps_ee_d", "eps_mumu_d"), fixed={"eps_emu_d": 0.1})
    assert standard_model_point(held, nsi) == ()
