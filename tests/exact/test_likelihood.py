"""The likelihood without a cube: the same numbers as the machine, exact slopes, clear refusals."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

import scanner
from scanner.definition import from_mapping
from scanner.errors import CatalogError, DefinitionError
from scanner.point import explain

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"
MEDIATOR = {"mass": (0.1, 1e4), "coupling": (1e-6, 1e-2)}


@pytest.fixture(scope="module")
def nsi():
    return scanner.likelihood("nsi", [CSI, LAR])


@pytest.fixture(scope="module")
def mediator():
    return scanner.likelihood("light_vector", [CSI, LAR], free=MEDIATOR)


def test_all_couplings_are_free_but_those_that_do_nothing(nsi):
    assert len(nsi.names) == 10
    assert nsi.idle == ("eps_tautau_u", "eps_tautau_d")
    first = nsi.parameters[0]
    assert (first.name, first.unit, first.low, first.default) == ("eps_ee_u", "", -np.inf, 0.0)


def test_the_same_numbers_as_a_point_explained(nsi):
    raw = {"scenario": "nsi", "experiments": [CSI, LAR], "parameters": {"eps_ee_u": 0.2}}
    point = explain(from_mapping(raw, "", point=True))
    assert nsi.chi2(eps_ee_u=0.2) == pytest.approx(point.chi2, abs=1e-9)
    assert nsi.delta_chi2(eps_ee_u=0.2) == pytest.approx(point.chi2 - point.chi2_sm, abs=1e-9)
    for name, found in nsi.by_experiment(eps_ee_u=0.2).items():
        assert found == pytest.approx(point.experiments[name].chi2, abs=1e-9)
        pulls = nsi.pulls(eps_ee_u=0.2)[name]
        assert pulls == pytest.approx(point.experiments[name].pulls, abs=1e-5)


def test_options_and_fixed_parameters_arrive():
    like = scanner.likelihood(
        "nsi", [LAR], {"couplings": "tree", f"{LAR}.analysis": "energy"},
        parameters={"eps_mumu_d": 0.1}, free=["eps_ee_u", "sin2_theta_w"],
    )  # fmt: skip
    raw = {
        "scenario": "nsi",
        "experiments": [LAR],
        "options": {"couplings": "tree"},
        "experiment": {LAR: {"analysis": "energy"}},
        "parameters": {"eps_mumu_d": 0.1, "eps_ee_u": -0.1, "sin2_theta_w": 0.24},
    }
    expected = explain(from_mapping(raw, "", point=True)).chi2
    assert like.chi2(eps_ee_u=-0.1, sin2_theta_w=0.24) == pytest.approx(expected, abs=1e-9)


def test_arrays_broadcast_and_agree_with_points_one_by_one(nsi):
    random = np.random.default_rng(3)
    vectors = random.normal(0.0, 0.3, (40, 10))
    together = nsi(vectors)
    assert together == pytest.approx([nsi(vector) for vector in vectors], abs=1e-9)
    assert nsi.log_likelihood(vectors) == pytest.approx(-0.5 * together)
    grid = nsi.chi2(eps_ee_u=np.array([[0.0], [0.1]]), eps_ee_d=[0.0, 0.1, 0.2])
    assert grid.shape == (2, 3)
    assert grid[1, 2] == pytest.approx(nsi.chi2(eps_ee_u=0.1, eps_ee_d=0.2), abs=1e-9)
    assert isinstance(nsi.chi2(), float)


def test_a_long_walk_leaves_no_trace(nsi):
    """The fit of one point starts at the pulls of the last: the answer is the same."""
    there, here = np.full(10, 0.02), np.full(10, 0.4)
    first = nsi(there)
    nsi(here)
    assert nsi(there) == pytest.approx(first, abs=1e-9)


def test_couplings_that_drown_the_data_have_a_chi2_too(nsi):
    huge = np.zeros(10)
    huge[0] = 1e4
    assert nsi(huge) == pytest.approx(nsi(huge[np.newaxis])[0], rel=1e-9)
    assert np.isfinite(nsi(huge))


@pytest.mark.parametrize("like", ["nsi", "mediator"])
def test_slopes_are_those_of_chi2(like, request):
    like = request.getfixturevalue(like)
    random = np.random.default_rng(5)
    for _ in range(3):
        if like.names[0] == "mass":
            vector = np.array([10 ** random.uniform(0.0, 3.0), 10 ** random.uniform(-5.0, -4.0)])
            steps = 1e-4 * vector
        else:
            vector, steps = random.normal(0.0, 0.2, 10), np.full(10, 1e-5)
        moves = np.diag(steps)
        plain = [
            (like(vector + m) - like(vector - m)) / (2.0 * h)
            for m, h in zip(moves, steps, strict=True)
        ]
        assert like.slope(vector) * steps == pytest.approx(np.array(plain) * steps, abs=2e-6)
        named = like.gradient(**dict(zip(like.names, vector, strict=True)))
        assert list(named.values()) == pytest.approx(like.slope(vector))


def test_gradients_come_in_the_shape_that_was_asked_for(nsi):
    found = nsi.gradient(eps_ee_u=np.zeros((2, 3)))
    assert all(slope.shape == (2, 3) for slope in found.values())


def test_outside_the_range_a_step_is_turned_down(mediator):
    assert mediator([1.0, 1.0]) == np.inf
    assert mediator.log_likelihood([[1.0, 1e-5], [1e5, 1e-5], [np.nan, 1e-5]])[1:].tolist() == [
        -np.inf,
        -np.inf,
    ]
    assert np.isfinite(mediator([1.0, 1e-5]))


def test_an_unphysical_point_has_no_chi2():
    like = scanner.likelihood(
        "sterile", [CSI], free={"U_e4_squared": (0.0, 1.0), "U_mu4_squared": (0.0, 1.0)},
        parameters={"dm2_41": 1.0},
    )  # fmt: skip
    assert np.isnan(like.chi2(U_e4_squared=0.8, U_mu4_squared=0.8))
    assert like([0.8, 0.8]) == np.inf
    assert np.isfinite(like.chi2(U_e4_squared=[0.1, 0.8], U_mu4_squared=0.1)).all()


def test_profiled_inputs_are_profiled():
    width = {"sin2_theta_w": {"mean": 0.23857, "sigma": 0.02}}
    loose = scanner.likelihood("nsi", [CSI, LAR], free=["eps_ee_u"], profile=width)
    tight = scanner.likelihood("nsi", [CSI, LAR], free=["eps_ee_u"])
    assert loose.layers == (f"joint:{CSI}+{LAR}",)
    assert loose.chi2(eps_ee_u=0.15) < tight.chi2(eps_ee_u=0.15) - 0.01
    slope = loose.gradient(eps_ee_u=0.15)["eps_ee_u"]
    step = loose.chi2(eps_ee_u=0.151) - loose.chi2(eps_ee_u=0.149)
    assert slope * 0.002 == pytest.approx(step, rel=1e-3)
    with pytest.raises(DefinitionError, match="sin2_theta_w is profiled"):
        loose.pulls(eps_ee_u=0.1)


def test_it_travels_to_worker_processes(nsi):
    copy = pickle.loads(pickle.dumps(nsi))
    vector = np.full(10, 0.05)
    assert copy(vector) == pytest.approx(nsi(vector), abs=1e-9)
    assert copy.idle == nsi.idle
    assert pickle.loads(pickle.dumps(nsi)) is copy


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda n, m: n.chi2(eps_eeu=0.1), "did you mean 'eps_ee_u'"),
        (lambda n, m: m.chi2(coupling=1e-5), "mass has no default: give a value (in MeV)"),
        (lambda n, m: m.chi2(mass=-1.0, coupling=1e-5), "mass = -1 is outside 0.1 .. 10000"),
        (lambda n, m: n.chi2(eps_ee_u=[1, 2], eps_ee_d=[1, 2, 3]), "do not broadcast: eps_ee_u"),
        (lambda n, m: n.chi2(eps_ee_u="much"), "eps_ee_u = 'much': give numbers"),
        (lambda n, m: n([0.1, 0.2]), "vector of shape (2,): give (10,) or (n_points, 10)"),
        (lambda n, m: n.slope(np.zeros((2, 10))), "one vector of 10 numbers at a time"),
        (lambda n, m: n.minimise(fixed={"eps": 0.1}), "unknown parameter 'eps'"),
        (lambda n, m: n.minimise(starts=0), "starts = 0: give at least 1"),
        (lambda n, m: m.profile("mass", [1e9]), "mass = 1e+09 is outside"),
        (lambda n, m: m.profile("mass", [1.0], fixed={"mass": 1.0}), "asked for and fixed"),
        (lambda n, m: m.interval("coupling", cl=90), "give a fraction, 0.9 for 90 %"),
        (lambda n, m: m.interval("coupling", dof=0), "dof = 0"),
    ],
)  # fmt: skip
def test_wrong_questions_are_answered_in_one_line(nsi, mediator, ask, said):
    with pytest.raises(DefinitionError) as refused:
        ask(nsi, mediator)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "free", "said"),
    [
        (("light_vector", [CSI]), None, "say what is to vary with free=[...]"),
        (("nsi", CSI), ["eps_ee_u"], "give a list"),
        (("nsi", [CSI, CSI]), ["eps_ee_u"], "is there twice"),
        (("nsi", [CSI]), "eps_ee_u", "give a list of names"),
        (("nsi", [CSI]), ["eps_ee_u", "eps_ee_u"], "named twice"),
        (("nsi", [CSI]), [], "no parameter is left"),
        (("light_vector", [CSI]), ["model", "mass"], "model is a choice"),
        (("light_vector", [CSI]), {"mass": (10.0, 1.0)}, "give the lower end first"),
        (("light_vector", [CSI]), {"mass": (-1.0, 1.0)}, "stay inside"),
        (("nsi", [CSI], {"couplng": "tree"}), ["eps_ee_u"], "did you mean 'couplings'"),
        (("nzi", [CSI]), ["eps_ee_u"], "unknown scenario 'nzi'"),
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_refused(arguments, free, said):
    with pytest.raises((DefinitionError, CatalogError)) as refused:
        scanner.likelihood(*arguments, free=free)
    assert said in str(refused.value)


def test_the_package_itself_stays_light():
    code = "import scanner, sys; print(sorted(m for m in ('numpy', 'scipy') if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="no attribute 'likelyhood'"):
        scanner.likelyhood  # noqa: B018


# --- inputs that an experiment brings -------------------------------------------------------------

VALENCIA = {"coherent_csi_2021": {"pulls": "valencia"}}


def test_inputs_with_a_constraint_are_profiled_unless_they_are_free_or_fixed():
    brought = ["csi_form_factor_scale", "csi_beam_shift", "csi_efficiency"]
    like = scanner.likelihood("nsi", ["coherent_csi_2021"], VALENCIA, free=["eps_ee_u"])
    assert list(like.definition.profile) == brought
    some = scanner.likelihood(
        "nsi",
        ["coherent_csi_2021"],
        VALENCIA,
        free=["eps_ee_u", "csi_efficiency"],
        parameters={"csi_form_factor_scale": 1.0},
    )
    assert list(some.definition.profile) == ["csi_beam_shift"]
    # the constraint of a free one is added by hand: the lowest of chi2 + a7^2 is what is profiled
    a7 = np.linspace(-2.0, 2.0, 81)
    lowest = np.min(some.chi2(eps_ee_u=0.1, csi_efficiency=a7) + a7**2)
    held = scanner.likelihood(
        "nsi",
        ["coherent_csi_2021"],
        VALENCIA,
        free=["eps_ee_u"],
        parameters={"csi_form_factor_scale": 1.0},
    )
    assert lowest == pytest.approx(held.chi2(eps_ee_u=0.1), abs=3e-3)
    assert like.chi2(eps_ee_u=0.1) <= held.chi2(eps_ee_u=0.1) + 1e-4


def test_a_free_input_that_moves_a_background():
    names = ["eps_ee_u", "csi_beam_shift"]
    like = scanner.likelihood("nsi", ["coherent_csi_2021"], free=names)
    usual = scanner.likelihood("nsi", ["coherent_csi_2021"], free=names[:1])
    assert like.chi2(eps_ee_u=0.1) == pytest.approx(usual.chi2(eps_ee_u=0.1), abs=1e-8)
    point = {"eps_ee_u": 0.1, "csi_beam_shift": 0.03}
    slope = like.gradient(**point)
    for name, step in (("eps_ee_u", 1e-3), ("csi_beam_shift", 5e-3)):
        up, down = (like.chi2(**{**point, name: point[name] + s}) for s in (step, -step))
        assert slope[name] == pytest.approx((up - down) / (2 * step), rel=0.02)
    with pytest.raises(DefinitionError, match="as a whole"):
        like.pulls(**point)
