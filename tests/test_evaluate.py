"""Layers of a scan: profiled inputs against scipy, unphysical points, axes that do nothing."""

from __future__ import annotations

import math
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.definition import ScanDefinition, from_mapping
from scanner.errors import DefinitionError
from scanner.evaluate import Evaluator
from scanner.grid import Grid
from scanner.inputs import all_parameters
from scanner.parameter import Constraint
from scanner.profiling import PROFILED_AT_ONCE
from scanner.statistics.pulls import OK, UNPHYSICAL

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"
BOTH = [CSI, LAR]
ANGLE = {"sin2_theta_w": {"mean": 0.23857, "sigma": 0.02}}
RADII = {"R_n_Cs": {"mean": 5.09, "sigma": 0.3}, "csi_quenching_pc0": {"mean": 0.0, "sigma": 1.0}}


def linear(start, stop, n):
    return {"spacing": "linear", "start": start, "stop": stop, "n": n}


CASES = {
    "one input of one experiment": {
        "scenario": "nsi",
        "experiments": [CSI],
        "axes": {"eps_ee_u": linear(-0.1, 0.5, 4)},
        "profile": {"csi_quenching_pc0": {"mean": 0.0, "sigma": 1.0}},
    },
    "two inputs of one experiment": {
        "scenario": "nsi",
        "experiments": [CSI],
        "axes": {"eps_mumu_d": linear(-0.1, 0.3, 3)},
        "profile": RADII,
    },
    "an input that both share": {
        "scenario": "nsi",
        "experiments": BOTH,
        "axes": {"eps_ee_d": linear(-0.15, 0.4, 3)},
        "profile": ANGLE,
    },
    "shared and own inputs, a mass": {
        "scenario": "light_vector",
        "experiments": BOTH,
        "axes": {
            "mass": {"spacing": "log", "start": 1.0, "stop": 100.0, "n": 2},
            "coupling": {"spacing": "log", "start": 2e-5, "stop": 1e-4, "n": 2},
        },
        "profile": {**ANGLE, "R_n_Ar": {"mean": 3.55, "sigma": 0.3}},
    },
}


def definition(raw, **changes):
    """Resolved definition; axes and parameters are in the units that they have."""
    made = {"title": "test", **raw, **changes}
    loaded = [catalog.experiment(name) for name in made["experiments"]]
    known = all_parameters(catalog.scenario(made["scenario"]), loaded)
    for table, key in (("axes", None), ("parameters", "value"), ("profile", None)):
        made[table] = {
            name: _in_its_unit(entry, known[name].unit, key)
            for name, entry in made.get(table, {}).items()
        }
    return from_mapping(made, "test")


def _in_its_unit(entry, unit, key):
    if not unit or isinstance(entry, str):
        return entry
    return {**(entry if key is None else {key: entry}), "unit": unit}


def points_of(axes):
    mesh = np.meshgrid(*(a.coordinates for a in axes), indexing="ij")
    return {a.name: m.ravel() for a, m in zip(axes, mesh, strict=True)}


class Exact:
    """chi2 of one experiment with everything folded anew at each value of the inputs."""

    def __init__(self, made, experiment):
        form = catalog.scenario(made.scenario)
        loaded = catalog.experiment(experiment, made.experiment_options[experiment])
        own = [p.name for p in (*form.parameters, *loaded.inputs)]
        symbols = [f"R_n_{isotope.symbol}" for isotope in loaded.target.composition]
        self.inputs = [n for n in made.profile if n in (*own, *symbols, "sin2_theta_w")]
        scanned = [*(a.name for a in made.axes), *self.inputs]
        fixed = dict(made.parameters)
        self.model = ExperimentModel(form, loaded, Conventions(), fixed, scanned)

    def __call__(self, point, inputs):
        values = {**point, **{n: inputs[n] for n in self.inputs}}
        found = self.model.profile({n: np.array([v]) for n, v in values.items()})
        return float(found.chi2[0])


def profiled_by_scipy(made, experiments, point):
    """Minimum over the inputs of these experiments of their exact chi2 and the constraints."""
    exact = [Exact(made, name) for name in experiments]
    names = [n for n in made.profile if any(n in e.inputs for e in exact)]

    def total(u):
        inputs = {
            n: made.profile[n]["mean"] + made.profile[n]["sigma"] * x
            for n, x in zip(names, u, strict=True)
        }
        return sum(e(point, inputs) for e in exact) + float(np.sum(np.square(u)))

    # the quenching component ends at 3 standard deviations, as its parameter does
    limits = [(-3.0, 3.0) if "quenching" in n else (-5.0, 5.0) for n in names]
    found = [
        minimize(total, np.full(len(names), start), bounds=limits, method="L-BFGS-B", tol=1e-12)
        for start in (0.0, 1.5)
    ]
    return min(result.fun for result in found)


def layer_members(made):
    """Experiments of each layer."""
    return [[name] for name in made.experiments] + ([list(made.experiments)] if made.joint else [])


@pytest.mark.parametrize("case", CASES)
def test_layers_are_the_minima_over_the_inputs(case):
    made = definition(CASES[case])
    points = points_of(made.axes)
    found = Evaluator(made).chi2_at(points)
    members = layer_members(made)
    assert found.shape == (len(members), len(next(iter(points.values()))))
    for row, experiments in zip(found, members, strict=True):
        for i, chi2 in enumerate(row):
            point = {n: v[i] for n, v in points.items()}
            expected = profiled_by_scipy(made, experiments, point)
            # counts between the nodes of a radius are good to 1e-5 of chi2
            assert chi2 == pytest.approx(expected, abs=2e-5), (experiments, point)


@pytest.mark.parametrize("case", CASES)
def test_profiling_never_raises_chi2(case):
    # the input at its mean is one of the places that the minimum is sought among
    made = definition(CASES[case])
    points = points_of(made.axes)
    means = {name: constraint["mean"] for name, constraint in made.profile.items()}
    fixed = definition(CASES[case], profile={}, parameters=means)
    at_mean = Evaluator(fixed).chi2_at(points)
    found = Evaluator(made).chi2_at(points)
    n = len(made.experiments)
    # counts between the nodes are good to 1e-5 of chi2
    assert np.all(found[:n] <= at_mean + 2e-5)
    assert np.any(found[:n] < at_mean - 0.01)


def test_a_layer_of_all_where_they_share_an_input():
    shared = definition(CASES["an input that both share"])
    assert shared.layers == (CSI, LAR, f"joint:{CSI}+{LAR}")
    points = points_of(shared.axes)
    joint = Evaluator(shared).chi2_at(points)[2]
    # half of the constraint each: what both choose apart is never above what they choose together
    half = {"mean": 0.23857, "sigma": 0.02 * np.sqrt(2.0)}
    apart = definition(CASES["an input that both share"], profile={"sin2_theta_w": half})
    own = Evaluator(apart).chi2_at(points)[:2].sum(axis=0)
    assert np.all(joint >= own - 1e-6)
    assert np.any(joint > own + 1e-3)
    # the constraint counts once, not twice
    twice = Evaluator(shared).chi2_at(points)[:2].sum(axis=0)
    assert np.any(joint < twice - 0.1)


def test_no_such_layer_where_they_do_not():
    raw = {**CASES["an input that both share"], "profile": RADII}
    made = definition(raw)
    assert made.layers == (CSI, LAR)
    found = Evaluator(made).chi2_at(points_of(made.axes))
    # argon knows neither input
    alone = definition({**raw, "experiments": [LAR], "profile": {}})
    expected = Evaluator(alone).chi2_at(points_of(alone.axes))
    np.testing.assert_allclose(found[1], expected[0], rtol=1e-12)


def test_a_narrow_constraint_fixes_the_input():
    raw = CASES["an input that both share"]
    narrow = definition(raw, profile={"sin2_theta_w": {"mean": 0.25, "sigma": 1e-7}})
    fixed = definition(raw, profile={}, parameters={"sin2_theta_w": 0.25})
    points = points_of(narrow.axes)
    found, expected = (Evaluator(d).chi2_at(points) for d in (narrow, fixed))
    np.testing.assert_allclose(found[:2], expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found[2], expected.sum(axis=0), rtol=0, atol=1e-6)
    usual = definition(raw, profile={})
    assert np.abs(Evaluator(usual).chi2_at(points) - expected).max() > 1e-3


def test_a_wide_constraint_frees_it():
    # chi2 along the angle itself, and its lowest value
    raw = {**CASES["an input that both share"], "axes": {"eps_ee_d": linear(0.0, 0.1, 2)}}
    wide = definition(raw, profile={"sin2_theta_w": {"mean": 0.25, "sigma": 0.05}})
    found = Evaluator(wide).chi2_at({"eps_ee_d": np.array([0.05])})[:, 0]
    angles = np.linspace(0.0, 0.5, 2001)
    along = definition(
        {**raw, "axes": {"sin2_theta_w": linear(0.0, 0.5, 2)}, "profile": {}},
        parameters={"eps_ee_d": 0.05},
    )
    scan = Evaluator(along).chi2_at({"sin2_theta_w": angles})
    constraint = ((angles - 0.25) / 0.05) ** 2
    for row, chi2 in zip((*scan, scan.sum(axis=0)), found, strict=True):
        lowest = (row + constraint).min()
        assert lowest - 1e-3 < chi2 <= lowest + 1e-6


# --- the Standard Model ---------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_standard_model_of_each_layer_is_profiled_too(case):
    made = definition(CASES[case])
    zero = {a.name: 10.0 if a.name == "mass" else 0.0 for a in made.axes}
    found = Evaluator(made).standard_model()
    assert found.shape == (len(made.layers),)
    for chi2, experiments in zip(found, layer_members(made), strict=True):
        assert chi2 == pytest.approx(profiled_by_scipy(made, experiments, zero), abs=2e-5)
    # the same through a scan's own point without new physics
    at_zero = Evaluator(made).chi2_at(zero)
    np.testing.assert_allclose(at_zero[:, 0], found, rtol=0, atol=1e-6)


def test_standard_model_of_a_scan_of_an_input():
    raw = {"scenario": "weak_mixing_angle", "experiments": BOTH}
    made = definition(raw, axes={"sin2_theta_w": linear(0.1, 0.4, 4)})
    found = Evaluator(made)
    usual = found.chi2_at({"sin2_theta_w": 0.23857})[:, 0]
    np.testing.assert_allclose(found.standard_model(), usual, rtol=1e-12)
    # with a radius profiled beside it
    profiled = definition(
        raw,
        axes={"sin2_theta_w": linear(0.1, 0.4, 4)},
        profile={"R_n_Ar": {"mean": 3.55, "sigma": 0.5}},
    )
    with_radius = Evaluator(profiled)
    at = with_radius.chi2_at({"sin2_theta_w": 0.23857})[:, 0]
    np.testing.assert_allclose(with_radius.standard_model(), at, rtol=0, atol=1e-7)
    np.testing.assert_allclose(at[0], usual[0], rtol=1e-9)
    assert at[1] < usual[1] - 1e-4


# --- blocks ---------------------------------------------------------------------------------------


def whole(evaluator, grid, n_layers):
    """chi2 and status of all chunks together."""
    chi2 = np.full((n_layers, *grid.shape), np.nan)
    status = np.zeros(chi2.shape, np.uint8)
    for chunk in grid:
        block = evaluator.block(grid, chunk)
        assert block.chi2.shape == block.status.shape == (n_layers, *chunk.shape)
        assert block.chi2.flags.c_contiguous
        assert block.status.dtype == np.uint8
        chi2[(slice(None), *chunk.slices)] = block.chi2
        status[(slice(None), *chunk.slices)] = block.status
    return chi2, status


@pytest.mark.parametrize("case", CASES)
def test_blocks_are_the_points_one_by_one(case):
    made = definition(CASES[case])
    shape = tuple(len(a) for a in made.axes)
    expected = Evaluator(made).chi2_at(points_of(made.axes)).reshape(-1, *shape)
    for chunk_shape in {shape, tuple(1 for _ in shape), tuple(max(1, n - 1) for n in shape)}:
        chi2, status = whole(Evaluator(made), Grid(made.axes, chunk_shape), len(made.layers))
        assert np.all(status == OK)
        # the Newton iteration ends within 1e-7 of chi2
        np.testing.assert_allclose(chi2, expected, rtol=0, atol=2e-6)


def test_the_order_of_the_axes_does_not_matter():
    case = CASES["shared and own inputs, a mass"]
    made = definition(case)
    turned = definition({**case, "axes": dict(reversed(case["axes"].items()))})
    assert [a.name for a in turned.axes] == ["coupling", "mass"]
    shape = tuple(len(a) for a in made.axes)
    chi2, _ = whole(Evaluator(made), Grid(made.axes, shape), 3)
    other, _ = whole(Evaluator(turned), Grid(turned.axes, shape[::-1]), 3)
    np.testing.assert_allclose(other.swapaxes(1, 2), chi2, rtol=0, atol=1e-6)


def test_more_points_than_are_profiled_at_once():
    raw = {**CASES["one input of one experiment"], "axes": {"eps_ee_u": linear(-0.1, 0.5, 2)}}
    found = Evaluator(definition(raw))
    eps = np.linspace(-0.1, 0.5, PROFILED_AT_ONCE + 5)
    together = found.chi2_at({"eps_ee_u": eps})
    for i in (0, PROFILED_AT_ONCE - 1, PROFILED_AT_ONCE, len(eps) - 1):
        alone = found.chi2_at({"eps_ee_u": eps[i]})
        np.testing.assert_allclose(alone[:, 0], together[:, i], rtol=0, atol=1e-7)
    assert np.all(np.isfinite(together))


def test_points_on_a_line_fold_their_shape_once():
    made = definition(CASES["shared and own inputs, a mass"])
    found, folded = Evaluator(made), []
    for model in found.models:
        bank, original = model._bank, model._bank._fold

        def fold(shapes, original=original):
            folded.append(len(next(iter(shapes.values()))))
            return original(shapes)

        bank._fold = fold
    g = np.geomspace(2e-5, 1e-4, 12)
    line = found.chi2_at({"mass": np.full(12, 10.0), "coupling": g})
    assert folded == [1] * len(folded)
    alone = found.chi2_at({"mass": [10.0], "coupling": g[5:6]})
    np.testing.assert_allclose(line[:, 5], alone[:, 0], rtol=0, atol=1e-7)


# --- shared inputs as axes ------------------------------------------------------------------------


def test_inputs_are_axes_of_every_scenario():
    axes = {"eps_mumu_u": linear(-0.1, 0.1, 3), "R_n_Ar": linear(3.2, 4.4, 3)}
    made = definition({"scenario": "nsi", "experiments": BOTH}, axes=axes)
    chi2, status = whole(Evaluator(made), Grid(made.axes, (2, 2)), 2)
    assert np.all(status == OK)
    expected = Evaluator(made).chi2_at(points_of(made.axes)).reshape(2, 3, 3)
    np.testing.assert_allclose(chi2, expected, rtol=1e-9)
    # CsI knows nothing of argon's radius
    assert np.all(np.ptp(chi2[0], axis=1) == 0.0)
    assert np.all(np.ptp(chi2[1], axis=1) > 1e-3)


# --- points that are not physical -----------------------------------------------------------------


@pytest.mark.parametrize("profile", [{}, ANGLE])
def test_points_that_break_unitarity_are_marked(profile):
    made = definition(
        {"scenario": "sterile", "experiments": BOTH},
        axes={"U_e4_squared": linear(0.0, 1.0, 5), "U_mu4_squared": linear(0.0, 0.75, 4)},
        parameters={"dm2_41": 1.0, "U_tau4_squared": 0.1},
        profile=profile,
    )
    found = Evaluator(made)
    chi2, status = whole(found, Grid(made.axes, (2, 3)), len(made.layers))
    e, mu = np.meshgrid(*(a.coordinates for a in made.axes), indexing="ij")
    sound = e + mu + 0.1 <= 1.0
    assert sound.any()
    assert not sound.all()
    assert UNPHYSICAL == 3
    for row, marks in zip(chi2, status, strict=True):
        np.testing.assert_array_equal(marks, np.where(sound, OK, UNPHYSICAL))
        np.testing.assert_array_equal(np.isfinite(row), sound)
    off_grid = found.chi2_at({"U_e4_squared": [0.1, 0.6, 0.6], "U_mu4_squared": [0.2, 0.2, 0.35]})
    np.testing.assert_array_equal(np.isfinite(off_grid), [[True, True, False]] * len(made.layers))


def test_negative_neutron_skins_are_marked_where_that_is_chosen():
    raw = {"scenario": "neutron_radius", "experiments": [LAR]}
    axes = {"R_n_Ar": linear(3.0, 4.0, 5)}
    for boundary, sound in (("none", [True] * 5), ("proton_radius", [False] * 2 + [True] * 3)):
        made = definition(raw, axes=axes, parameters={"boundary": boundary})
        chi2, status = whole(Evaluator(made), Grid(made.axes, (5,)), 1)
        np.testing.assert_array_equal(np.isfinite(chi2[0]), sound)
        np.testing.assert_array_equal(status[0] == UNPHYSICAL, np.logical_not(sound))


# --- axes that do nothing -------------------------------------------------------------------------


def idle(raw, **changes):
    made = definition(raw, **changes)
    return Evaluator(made).idle(made.axes)


def test_axes_that_change_no_count_are_named():
    tau = {
        "nsi": "eps_tautau_u",
        "charge_radius": "r2_nutau",
        "millicharge": "q_nutau",
        "magnetic_moment": "mu_nutau",
    }
    other = {
        "nsi": "eps_mutau_d",
        "charge_radius": "r2_mutau",
        "millicharge": "q_etau",
        "magnetic_moment": "mu_etau",
    }
    for scenario, name in tau.items():
        axes = {other[scenario]: linear(0.0, 1.0, 3), name: linear(0.0, 1.0, 3)}
        raw = {"scenario": scenario, "experiments": BOTH}
        assert idle(raw, axes=axes) == (name,)
        assert idle(raw, axes={other[scenario]: linear(0.0, 1.0, 3)}) == ()


def test_axes_that_do_something_are_not():
    for case in CASES.values():
        assert idle(case) == ()


def test_a_dipole_too_heavy_to_be_made_is_idle():
    raw = {"scenario": "dipole_portal", "experiments": [CSI]}
    axes = {"d_e": linear(0.0, 100.0, 3)}
    assert idle(raw, axes=axes, parameters={"mass": 100.0}) == ("d_e",)
    assert idle(raw, axes=axes, parameters={"mass": 10.0}) == ()


def test_a_radius_of_another_target_is_idle():
    raw = {"scenario": "neutron_radius", "experiments": [CSI]}
    axes = {"R_n_Cs": linear(4.5, 5.5, 3), "R_n_Ar": linear(3.0, 4.0, 3)}
    assert idle(raw, axes=axes) == ("R_n_Ar",)


def test_a_phase_of_nothing_is_idle():
    raw = {"scenario": "nsi", "experiments": [CSI], "parameters": {"eps_emu_d": 0.1}}
    axes = {"phase_emu_d": linear(0.0, 3.0, 4)}
    assert idle(raw, axes=axes) == ("phase_emu_d",)


# --- inputs that an experiment profiles of itself -------------------------------------------------

PLANE = {
    "scenario": "light_vector",
    "experiments": ["coherent_csi_2021"],
    "parameters": {"model": "universal", "mass": 20.0},
    "axes": {"coupling": {"spacing": "log", "start": 2e-5, "stop": 1e-4, "n": 3}},
}
PC0 = "csi_quenching_pc0"


@pytest.fixture
def constrained(monkeypatch):
    """CsI as it is, but for one quenching component that it profiles of itself."""

    def with_constraint(constraint):
        original = catalog.experiment

        def constrained(name, choices=None):
            loaded = original(name, choices)
            own = {PC0: constraint} if name == "coherent_csi_2021" else {}
            return replace(loaded, constraints=own)

        monkeypatch.setattr(catalog, "experiment", constrained)

    return with_constraint


def test_an_experiment_brings_its_constraints(constrained):
    said = from_mapping({**PLANE, "profile": {PC0: {"mean": 0.0, "sigma": 1.0}}}, "test")
    constrained(Constraint(0.0, 1.0))
    brought = from_mapping(PLANE, "test")
    assert brought.profile == {PC0: {"mean": 0.0, "sigma": 1.0}}
    assert brought.digest == said.digest
    assert PC0 not in brought.parameters
    reread = ScanDefinition.from_dict(brought.to_dict())
    assert reread.profile == brought.profile


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {**PLANE["parameters"], PC0: 0.5}},
        {"axes": {**PLANE["axes"], PC0: {"spacing": "linear", "start": -1, "stop": 1, "n": 3}}},
        {"profile": {PC0: {"mean": 0.1, "sigma": 0.2}}},
    ],
)
def test_a_definition_overrules_what_an_experiment_brings(constrained, change):
    constrained(Constraint(0.0, 1.0))
    made = from_mapping({**PLANE, **change}, "test")
    assert made.profile == change.get("profile", {})


def test_an_input_without_sigma_is_free_between_its_ends(constrained):
    constrained(Constraint(0.0, math.inf))
    made = from_mapping(PLANE, "test")
    assert made.profile == {PC0: {"low": -3.0, "high": 3.0}}
    assert from_mapping(tomllib.loads(made.to_toml()), "again").digest == made.digest
    grid = Grid(made.axes, (3,))
    chunk = grid.chunk(0)
    found = Evaluator(made).block(grid, chunk)
    exact = Exact(made, "coherent_csi_2021")
    for coupling, chi2 in zip(made.axes[0].coordinates, found.chi2[0], strict=True):
        lowest = minimize_scalar(
            lambda x, c=coupling: exact({"coupling": c}, {PC0: x}),
            bounds=(-3.0, 3.0),
            method="bounded",
            options={"xatol": 1e-8},
        )
        assert chi2 == pytest.approx(lowest.fun, abs=1e-5)


def test_two_experiments_must_constrain_an_input_alike(monkeypatch):
    original = catalog.experiment
    means = {"coherent_csi_2021": 0.0, "coherent_lar_2020": 0.1}

    def constrained(name, choices=None):
        loaded = original(name, choices)
        return replace(loaded, constraints={"sin2_theta_w": Constraint(0.2 + means[name], 0.01)})

    monkeypatch.setattr(catalog, "experiment", constrained)
    with pytest.raises(DefinitionError, match="say which holds with"):
        from_mapping({**PLANE, "experiments": list(means)}, "test")


@pytest.mark.parametrize(
    ("constraint", "said"),
    [
        ({"low": -1.0, "high": -2.0}, "high = -2.*write a number above low"),
        ({"low": -1.0, "sigma": 2.0}, "low = -1.*give mean and sigma, or low and high without"),
        ({"low": -1.0}, "high: is missing"),
        ({"low": -9.0, "high": 1.0}, "low: -9 is outside"),
    ],
)
def test_ends_that_make_no_sense(constraint, said):
    with pytest.raises(DefinitionError, match=rf"profile.{PC0}.{said}"):
        from_mapping({**PLANE, "profile": {PC0: constraint}}, "test")
