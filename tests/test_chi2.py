"""From a definition to chi2: chunks against points, one fold per shape value, Asimov data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.bank import TemplateBank
from scanner.chi2 import ExperimentModel, likelihood, linear_pulls
from scanner.definition import from_mapping
from scanner.errors import DefinitionError
from scanner.evaluate import POINTS_AT_ONCE, Evaluator
from scanner.grid import Grid
from scanner.parameter import Parameter
from scanner.statistics.lines import Lines
from scanner.statistics.pulls import OK
from scanner.templates import TemplateMaker, Templates

MASS = {"spacing": "log", "start": 0.5, "stop": 2000.0, "n": 7, "unit": "MeV"}
COUPLING = {"spacing": "log", "start": 1e-6, "stop": 3e-3, "n": 19}
MIXING = {"spacing": "linear", "start": -1e-3, "stop": 1e-3, "n": 5}
BOTH = ["coherent_csi_2021", "coherent_lar_2020"]

CASES = {
    "mass, coupling": ({"mass": MASS, "coupling": COUPLING}, {"model": "universal"}),
    "coupling, mass": ({"coupling": COUPLING, "mass": MASS}, {"model": "L_mu-L_tau"}),
    "mixing, mass, coupling": (
        {"kinetic_mixing": MIXING, "mass": MASS, "coupling": COUPLING},
        {"model": "B-L"},
    ),
    "charges alone": (
        {
            "charge_e": {**MIXING, "start": -2, "stop": 2},
            "charge_u": {**MIXING, "start": -1, "stop": 1},
        },
        {"model": "custom", "mass": 30.0, "coupling": 1e-4, "charge_d": 0.3, "charge_mu": 1.0},
    ),
    "mass alone": ({"mass": {**MASS, "n": 40}}, {"model": "B-L", "coupling": 1e-4}),
}


def evaluator(case, experiments=BOTH):
    axes, parameters = CASES[case]
    raw = {
        "title": "test",
        "scenario": "light_vector",
        "experiments": experiments,
        "axes": axes,
        "parameters": parameters,
    }
    definition = from_mapping(raw, "test")
    return Evaluator(definition), definition.axes


def whole(found, grid):
    """chi2 and status of all chunks together."""
    chi2 = np.full((len(found.experiments), *grid.shape), np.nan)
    status = np.zeros(chi2.shape, np.uint8)
    for chunk in grid:
        block = found.block(grid, chunk)
        assert block.chi2.shape == block.status.shape == (len(found.experiments), *chunk.shape)
        assert block.chi2.dtype == np.float64
        assert block.status.dtype == np.uint8
        chi2[(slice(None), *chunk.slices)] = block.chi2
        status[(slice(None), *chunk.slices)] = block.status
    return chi2, status


def _shapes(lengths):
    ones = tuple(1 for _ in lengths)
    uneven = tuple(max(1, n // 2 + 1) for n in lengths)
    return {tuple(lengths), uneven, (*ones[:-1], lengths[-1]), (lengths[0], *ones[1:])}


@pytest.mark.parametrize("case", CASES)
def test_chunks_of_any_shape_equal_points_one_by_one(case):
    found, axes = evaluator(case)
    mesh = np.meshgrid(*(a.coordinates for a in axes), indexing="ij")
    points = {a.name: m.ravel() for a, m in zip(axes, mesh, strict=True)}
    expected = found.chi2_at(points).reshape(2, *mesh[0].shape)
    assert np.ptp(expected) > 1.0
    for shape in _shapes(mesh[0].shape):
        chi2, status = whole(evaluator(case)[0], Grid(axes, shape))
        assert np.all(status == OK)
        np.testing.assert_allclose(chi2, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(7, 19), (3, 4), (1, 19), (7, 1), (1, 1)])
def test_each_mass_is_folded_once_whatever_the_chunks(monkeypatch, shape):
    folded = []
    original = TemplateMaker.fold

    def counting(self, shapes):
        folded.extend(np.ravel(shapes.get("mass", ())).tolist())
        return original(self, shapes)

    monkeypatch.setattr(TemplateMaker, "fold", counting)
    found, axes = evaluator("mass, coupling", ["coherent_lar_2020"])
    whole(found, Grid(axes, shape))
    assert sorted(folded) == sorted(axes[0].coordinates.tolist())


def test_the_same_chunk_twice_gives_the_same_bytes():
    found, axes = evaluator("mass, coupling")
    grid = Grid(axes, (3, 8))
    again, _ = evaluator("mass, coupling")
    for chunk in reversed(list(grid)):
        again.block(grid, chunk)
    for chunk in grid:
        first, second = found.block(grid, chunk), again.block(grid, chunk)
        assert first.chi2.tobytes() == second.chi2.tobytes()


def test_standard_model_is_the_scan_at_zero_coupling():
    found, _ = evaluator("mass, coupling")
    zero = found.chi2_at({"mass": [1.0, 300.0], "coupling": [0.0, 0.0]})
    np.testing.assert_allclose(zero, found.standard_model()[:, np.newaxis] * [1.0, 1.0], rtol=1e-12)


def test_many_points_off_the_grid_are_the_points_one_by_one():
    found, _ = evaluator("mass, coupling", ["coherent_lar_2020"])
    rng = np.random.default_rng(2)
    n = POINTS_AT_ONCE + 3
    mass, coupling = 10 ** rng.uniform(-1, 4, n), 10 ** rng.uniform(-6, -2, n)
    together = found.chi2_at({"mass": mass, "coupling": coupling})
    assert together.shape == (1, n)
    for i in (0, POINTS_AT_ONCE - 1, POINTS_AT_ONCE, n - 1):
        alone = found.chi2_at({"coupling": coupling[i], "mass": mass[i]})
        np.testing.assert_allclose(alone[:, 0], together[:, i], rtol=1e-11)


# --- every experiment, every choice of analysis ------------------------------------------------


def _choices():
    """Every experiment as it is, and with each other value of each of its choices."""
    for name in catalog.experiment_names():
        options = catalog.experiment_choices(name)
        usual = {key: values[0] for key, values in options.items()}
        yield pytest.param(name, usual, id=name)
        for key, (_, *others) in options.items():
            for value in others:
                yield pytest.param(name, {**usual, key: value}, id=f"{name}-{key}-{value}")


EVERY_ANALYSIS = pytest.mark.parametrize(("name", "choices"), list(_choices()))
OF_RECOILS = pytest.mark.parametrize(
    ("name", "choices"),
    [p for p in _choices() if catalog.experiment(p.values[0]).observable is None],
)


def _model(experiment):
    fixed = {
        p.name: p.default
        for p in catalog.scenario("light_vector").parameters
        if p.default is not None
    }
    return ExperimentModel(
        catalog.scenario("light_vector"), experiment, Conventions(), fixed, ("mass", "coupling")
    )


@EVERY_ANALYSIS
def test_asimov_chi2_is_zero_at_the_truth_and_convex_around_it(name, choices):
    experiment = catalog.experiment(name, choices)
    plain = catalog.scenario("standard_model")
    sm = ExperimentModel(plain, experiment, Conventions(), {}, ()).standard_model()
    expected = sm + sum(experiment.backgrounds.values())
    asimov = likelihood(replace(experiment, observed=expected))
    strength = np.linspace(0.0, 2.5, 51)
    chi2 = asimov.profile(strength[:, np.newaxis] * sm).chi2
    at_truth = asimov.profile(sm[np.newaxis])
    assert abs(at_truth.chi2[0]) < 1e-9
    np.testing.assert_allclose(at_truth.pulls, 0.0, atol=1e-8)
    assert np.argmin(chi2) == 20
    # unlike a chi2 without its square, never negative, and growing on both sides
    assert chi2.min() > -1e-9
    assert np.all(np.diff(chi2[:21]) < 0)
    assert np.all(np.diff(chi2[20:]) > 0)
    assert np.all(np.diff(chi2, 2)[10:30] > 0)


@OF_RECOILS
def test_asimov_of_a_mediator_is_zero_at_its_own_coupling(name, choices):
    experiment = catalog.experiment(name, choices)
    model = _model(experiment)
    truth = model.signal({"mass": np.array([30.0]), "coupling": np.array([8e-5])})[0]
    expected = truth + sum(experiment.backgrounds.values())
    asimov = likelihood(replace(experiment, observed=expected))
    g = np.array([6e-5, 7e-5, 8e-5, 9e-5, 1e-4])
    chi2 = asimov.profile(model.signal({"mass": np.full(5, 30.0), "coupling": g})).chi2
    assert abs(chi2[2]) < 1e-9
    assert np.all(np.delete(chi2, 2) > 1e-4)


@EVERY_ANALYSIS
def test_pulls_are_responses_of_one_sigma(name, choices):
    experiment = catalog.experiment(name, choices)
    pulls = linear_pulls(experiment)
    names = [p.name for p in experiment.pulls]
    assert len(set(names)) == len(names)
    np.testing.assert_allclose(pulls.expected, sum(experiment.backgrounds.values()))
    for row, background, pull in zip(pulls.signal, pulls.background, experiment.pulls, strict=True):
        np.testing.assert_allclose(row, pull.sigma * pull.signal * np.ones(experiment.n_bins))
        moved = sum(
            (pull.sigma * d * experiment.backgrounds[z] for z, d in pull.backgrounds.items()),
            np.zeros(experiment.n_bins),
        )
        np.testing.assert_allclose(background, moved)


@EVERY_ANALYSIS
def test_shapes_of_an_experiment_fit_together(name, choices):
    experiment = catalog.experiment(name, choices)
    assert experiment.choices == choices
    counts = experiment.observed
    assert counts.shape == (experiment.n_bins,) if counts is not None else experiment.illustrative
    n_energy = experiment.bins[0].n
    sorting = experiment.sorting_at and experiment.sorting_at()
    if sorting is not None:
        assert sorting.shape == (len(experiment.response(np.array([2e-3]))), experiment.n_bins)
        assert np.all(sorting >= 0.0)
        assert np.all(sorting.sum(axis=1) <= 1.0)
    elif experiment.observable is None:
        assert len(experiment.response(np.array([2e-3]))) == n_energy
    for component in experiment.flux.components if sorting is None else ():
        share = experiment.timing[component.name]
        assert share.shape[:-1] in ((), (n_energy,))
        assert n_energy * share.shape[-1] == experiment.n_bins
        in_all = share.sum(axis=-1)
        assert np.all(in_all <= 1.0 + 1e-12)
        cut = choices.get("window") == "cut" or n_energy == 9 or counts is None
        assert np.all(in_all > 0.9) or cut
        assert np.all(share >= 0.0)
    for axis in experiment.bins:
        assert np.all(np.diff(axis.edges) > 0)
    assert (experiment.variance is None) == (experiment.statistic == "poisson")
    for background in experiment.backgrounds.values():
        assert np.all(background >= 0.0)


def test_one_evaluator_serves_two_grids():
    found, axes = evaluator("mass, coupling")
    thinned = tuple(
        replace(a, spacing="list", n=3, values=tuple(a.coordinates[[0, 3, 6]].tolist()))
        for a in axes
    )
    whole(found, Grid(thinned, (3, 3)))
    grid = Grid(axes, (7, 19))
    fresh, _ = evaluator("mass, coupling")
    assert whole(found, grid)[0].tobytes() == whole(fresh, grid)[0].tobytes()


@pytest.mark.parametrize(("mass", "coupling"), [(30.0, 1e-3), (1.0, 1e-3), (0.3, 1e-2)])
def test_two_couplings_that_cancel_keep_their_precision(mass, coupling):
    """Along Z (2u + d) + N (u + 2d) = 0 the signal is of order one, its terms up to 1e12."""
    form = catalog.scenario("light_vector")
    fixed = {p.name: p.default for p in form.parameters if p.default is not None}
    fixed |= {"model": "custom", "mass": mass, "coupling": coupling, "charge_mu": 1.0}
    fixed |= {"charge_e": 1.0}
    model = ExperimentModel(
        form,
        catalog.experiment("coherent_lar_2020"),
        Conventions(),
        {k: v for k, v in fixed.items() if k not in ("charge_u", "charge_d")},
        ("charge_u", "charge_d"),
    )
    down = np.linspace(-1.0, 1.0, 41)
    up = -down * (18 + 2 * 22) / (2 * 18 + 22)
    templates = model.fold({})
    lines = Lines.of_couplings(templates.exponents, [up], down)
    chi2, status = model.likelihood.scan(templates.counts[np.newaxis], lines)
    mesh = dict(zip(("charge_u", "charge_d"), np.meshgrid(up, down, indexing="ij"), strict=True))
    direct = model.likelihood.profile(model.signal({n: v.ravel() for n, v in mesh.items()}))
    assert np.all(status == OK)
    np.testing.assert_allclose(chi2.ravel(), direct.chi2, rtol=1e-9)


def test_a_block_of_templates_gives_way_to_the_next():
    folded = []

    def fold(shapes):
        folded.append(shapes["mass"].tolist())
        return Templates((), ((),), np.zeros((1, len(shapes["mass"]), 4)))

    bank = TemplateBank(fold, ("mass",), limit_bytes=1)
    first, second = np.array([[1.0], [2.0]]), np.array([[3.0], [4.0]])
    for values in (first, first, second, first):
        assert bank.templates(values).counts.shape == (1, 2, 4)
    assert folded == [[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]]


def test_pulls_of_one_name_in_two_experiments_are_refused(monkeypatch):
    original = catalog.experiment

    def same_flux(name, choices=None):
        form = original(name, choices)
        pulls = tuple(
            replace(p, name="sns_flux") if i == 0 else p for i, p in enumerate(form.pulls)
        )
        return replace(form, pulls=pulls)

    monkeypatch.setattr(catalog, "experiment", same_flux)
    with pytest.raises(DefinitionError, match="sns_flux"):
        evaluator("mass, coupling")


# --- what an experiment may say besides -----------------------------------------------------------

FLUX = Parameter("toy_flux", "coupling", default=1.0, minimum=0.0, maximum=5.0, shared=True)
SCENARIO = catalog.scenario("light_vector")
DEFAULTS = {p.name: p.default for p in SCENARIO.parameters if p.default is not None}
FIXED = {**DEFAULTS, "model": "universal", "mass": 20.0, "coupling": 3e-5}


def _scaled(name, components=()):
    loaded = catalog.experiment(name)
    return replace(
        loaded, inputs=(*loaded.inputs, FLUX), normalisations={FLUX.name: tuple(components)}
    )


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("components", [(), ("nu_mu", "nu_e")])
def test_a_normalisation_multiplies_the_flux_components_that_it_names(name, components):
    loaded = _scaled(name, components)
    plain = ExperimentModel(SCENARIO, loaded, Conventions(), FIXED, ()).component_bins()
    model = ExperimentModel(SCENARIO, loaded, Conventions(), FIXED, ["toy_flux"])
    fixed = ExperimentModel(SCENARIO, loaded, Conventions(), {**FIXED, "toy_flux": 1.7}, ())
    scales = np.array([0.0, 1.0, 1.7])
    found = model.signal({"toy_flux": scales})
    for scale, counts in zip(scales, found, strict=True):
        expected = sum(
            bins * (scale if not components or c in components else 1.0)
            for c, bins in plain.items()
        )
        np.testing.assert_allclose(counts, expected, rtol=1e-13)
    np.testing.assert_allclose(fixed.signal({})[0], found[2], rtol=1e-13)


def test_without_data_the_standard_model_is_expected():
    loaded = replace(catalog.experiment("coherent_csi_2021"), observed=None)
    with pytest.raises(ValueError, match="coherent_csi_2021 has no data of its own"):
        _ = loaded.data
    for couplings in ("AC22", "tree"):
        model = ExperimentModel(SCENARIO, loaded, Conventions(couplings), FIXED, ())
        sm = model.standard_model()
        expected = sm + sum(loaded.backgrounds.values())
        np.testing.assert_allclose(model.experiment.data, expected, rtol=1e-14)
        chi2 = model.likelihood.profile(np.stack([sm, model.signal({})[0]])).chi2
        assert abs(chi2[0]) < 1e-9
        assert chi2[1] > 1e-3


def test_a_scenario_with_disappearance_is_refused_where_it_makes_no_sense():
    loaded = replace(catalog.experiment("coherent_csi_2021"), no_transition="matter changes it")
    sterile = catalog.scenario("sterile")
    with pytest.raises(DefinitionError, match="coherent_csi_2021: matter changes it; leave the"):
        TemplateMaker(sterile, loaded, Conventions(), {}, ())
