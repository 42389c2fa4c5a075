"""Inputs that every scenario has: which there are, how they combine, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from scanner import catalog, inputs
from scanner.amplitudes import Conventions
from scanner.chi2 import STANDARD_MODEL, ExperimentModel
from scanner.errors import DefinitionError
from scanner.physics.nuclei import AR40, CS133, I127

CSI, LAR = (catalog.experiment(n) for n in ("coherent_csi_2021", "coherent_lar_2020"))
BOTH = pytest.mark.parametrize("experiment", [CSI, LAR], ids=lambda e: e.name)


def test_inputs_of_experiments():
    assert list(inputs.inputs([CSI])) == [
        "sin2_theta_w",
        "R_n",
        "R_n_Cs",
        "R_n_I",
        "csi_quenching_pc0",
        "csi_quenching_pc1",
        "csi_efficiency",
        "csi_form_factor_scale",
        "csi_beam_shift",
    ]
    assert list(inputs.inputs([LAR])) == [
        "sin2_theta_w",
        "R_n",
        "R_n_Ar",
        "lar_quenching_constant",
        "lar_quenching_slope",
    ]
    together = inputs.inputs([CSI, LAR])
    assert set(together) == set(inputs.inputs([CSI])) | set(inputs.inputs([LAR]))
    assert inputs.relevant(CSI) == set(inputs.inputs([CSI]))
    assert inputs.isotopes([CSI, LAR, CSI]) == (CS133, I127, AR40)


def test_inputs_have_a_value_or_may_be_absent():
    for parameter in inputs.inputs([CSI, LAR]).values():
        assert parameter.shared
        assert parameter.description
        assert parameter.latex
        assert parameter.optional == (parameter.default is None)
        assert parameter.role == ("coupling" if parameter.name == "sin2_theta_w" else "shape")
    assert inputs.WEAK_MIXING.default == 0.23857
    assert inputs.neutron_radius("Cs").unit == "fm"
    # all form factors have a real box radius at the smallest one
    for scheme in ("helm", "klein_nystrand_rms", "symmetrised_fermi"):
        model = ExperimentModel(
            catalog.scenario("neutron_radius"),
            CSI,
            Conventions(form_factor=scheme),
            {"boundary": "none", "R_n": inputs.SMALLEST_RADIUS},
            (),
        )
        assert np.all(np.isfinite(model.signal({})))


@pytest.mark.parametrize("name", catalog.scenario_names())
def test_a_scenario_has_its_own_parameters_first(name):
    form = catalog.scenario(name)
    known = inputs.all_parameters(form, [CSI, LAR])
    own = [p.name for p in form.parameters]
    assert list(known)[: len(own)] == own
    assert set(known) == {*own, *inputs.inputs([CSI, LAR])}
    # what bears an input's name stands for it: the scenario's own form of it is kept
    for parameter in form.parameters:
        assert known[parameter.name] is parameter
        assert parameter.shared == (parameter.name in inputs.inputs([CSI, LAR]))


def test_usual_values_are_those_of_the_standard_model():
    fixed = {"sin2_theta_w": 0.3, "R_n_Cs": 5.5, "mass": 1.0}
    # of a scenario that is about the angle, the Standard Model has the usual one
    angle = catalog.scenario("weak_mixing_angle")
    assert inputs.usual_values(angle, fixed) == {
        "sin2_theta_w": 0.23857,
        "R_n_Cs": 5.5,
        "mass": 1.0,
    }
    # of any other one, an input that is fixed holds for the Standard Model too
    scalar = catalog.scenario("light_scalar")
    assert inputs.usual_values(scalar, fixed) == {"sin2_theta_w": 0.3, "R_n_Cs": 5.5}
    assert inputs.usual_values(catalog.scenario("neutron_radius"), fixed)["sin2_theta_w"] == 0.3
    assert "R_n_Cs" not in inputs.usual_values(catalog.scenario("neutron_radius"), fixed)


def test_standard_model_of_a_scenario_with_other_inputs():
    values = {"mass": 10.0, "coupling": 0.0, "nucleon_charges": "sigma_term"}
    shifted = {**values, "sin2_theta_w": 0.3, "R_n_I": 5.6, "csi_quenching_pc0": 1.0}

    def model(scenario, fixed):
        return ExperimentModel(catalog.scenario(scenario), CSI, Conventions(), fixed, ())

    moved = model("light_scalar", shifted)
    np.testing.assert_array_equal(moved.signal({})[0], moved.standard_model())
    usual = model("light_scalar", values).standard_model()
    assert abs(moved.standard_model().sum() / usual.sum() - 1) > 0.02
    angle = {"sin2_theta_w": 0.3, "R_n_I": 5.6, "csi_quenching_pc0": 1.0}
    about_the_angle = model("weak_mixing_angle", angle).standard_model()
    assert about_the_angle.sum() < moved.standard_model().sum()


# --- radii ----------------------------------------------------------------------------------------


def test_names_of_radii():
    assert inputs.radius_names(CS133) == ("R_n_Cs", "R_n")
    assert inputs.neutron_radius().name == inputs.COMMON_RADIUS.name == "R_n"
    assert inputs.neutron_radius("Ar").latex == r"R_n({\rm Ar})"


@pytest.mark.parametrize(
    ("given", "experiments", "form_factor", "said"),
    [
        (["R_n_Cs"], [CSI], "klein_nystrand", "it has the one radius 1.23"),
        (["R_n", "R_n_I"], [CSI], "helm", "R_n and R_n_I: give one radius for all nuclei, or each"),
        (
            ["R_n"],
            [CSI, LAR],
            "helm",
            "one radius for Cs-133 and Ar-40 makes no sense",
        ),
    ],
)
def test_radii_that_contradict_are_refused(given, experiments, form_factor, said):
    with pytest.raises(DefinitionError, match=said):
        inputs.check_radii(given, experiments, form_factor)


@pytest.mark.parametrize(
    ("given", "experiments", "form_factor"),
    [
        (["R_n"], [CSI], "helm"),
        (["R_n"], [LAR], "symmetrised_fermi"),
        (["R_n_Cs", "R_n_I", "R_n_Ar"], [CSI, LAR], "klein_nystrand_rms"),
        (["sin2_theta_w", "mass", "coupling"], [CSI, LAR], "klein_nystrand"),
    ],
)
def test_radii_that_do_not(given, experiments, form_factor):
    inputs.check_radii(given, experiments, form_factor)


@BOTH
def test_inputs_of_the_detector_change_its_counts_and_no_other(experiment):
    other = LAR if experiment is CSI else CSI
    standard = catalog.scenario("standard_model")
    for parameter in experiment.inputs:
        assert isinstance(parameter.default, float)
        step = 0.1 * (parameter.maximum - parameter.minimum)
        values = parameter.default + np.array([0.0, step])

        def counts(target, name=parameter.name, values=values):
            model = ExperimentModel(standard, target, Conventions(), {}, (name,))
            return model.signal({name: values})

        own = counts(experiment)[:, : experiment.n_bins]  # moved backgrounds stand behind
        plain = ExperimentModel(standard, experiment, Conventions(), {}, ()).signal({})[0]
        np.testing.assert_allclose(own[0], plain, rtol=1e-12)
        assert np.abs(own[1] / own[0] - 1.0).max() > 1e-2
        assert parameter.name not in inputs.relevant(other)


@pytest.mark.parametrize(
    ("component", "plus"),
    [
        ("csi_quenching_pc0", [0.0613632, 3.51547, -85.5548, 595.562]),
        ("csi_quenching_pc1", [0.055413, 3.93597, -93.1045, 630.092]),
    ],
)
def test_quenching_at_its_one_sigma_curves(component, plus):
    t = np.linspace(2e-3, 40e-3, 9)

    def kevee(coefficients):
        return 1e3 * sum(c * t ** (i + 1) for i, c in enumerate(coefficients))

    assert CSI.response_at is not None
    # the release's own curves; the mean of its +1 and -1 sigma is the nominal one to its digits
    found = CSI.response_at(**{component: 1.0}).quenched(t)
    np.testing.assert_allclose(found, kevee(plus), rtol=2e-5)
    nominal = kevee([0.0554628, 4.30681, -111.707, 840.384])
    np.testing.assert_allclose(CSI.response_at().quenched(t), nominal, rtol=1e-12)
    opposite = CSI.response_at(**{component: -1.0}).quenched(t)
    np.testing.assert_allclose(found + opposite, 2 * nominal, rtol=1e-12)


@pytest.mark.parametrize("name", catalog.experiment_names())
def test_every_declared_input_changes_what_is_expected(name):
    """A function that does not take an input by keyword alone would silently ignore it."""
    choices = catalog.experiment_choices(name)
    others = [{key: value} for key, values in choices.items() for value in values[1:]]
    for chosen in [{}, *others]:
        loaded = catalog.experiment(name, chosen)
        for parameter in loaded.inputs:
            usual = 0.15 if parameter.default is None else float(parameter.default)
            moved = usual + 0.3 * (min(parameter.maximum, usual + 1.0) - usual)
            expected = [_expected(loaded, {parameter.name: value}) for value in (usual, moved)]
            assert not np.allclose(*expected, rtol=1e-6), (chosen, parameter.name)


def _expected(loaded, inputs):
    """Signal and backgrounds with inputs fixed."""
    conventions = Conventions(form_factor="klein_nystrand" if loaded.radius_scale else "helm")
    model = ExperimentModel(STANDARD_MODEL, loaded, conventions, inputs, ())
    return np.concatenate([model.standard_model(), *model.experiment.backgrounds.values()])
