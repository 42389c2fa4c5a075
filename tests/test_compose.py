"""Two scenarios at once: amplitudes add before the square, cross sections after it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.compose import compose
from scanner.errors import DefinitionError
from scanner.physics.charges import CHARGE_RADIUS_STRENGTH, SM_CHARGE_RADIUS
from scanner.physics.constants import ELEMENTARY_CHARGE, FERMI_CONSTANT
from scanner.physics.kinematics import propagator
from scanner.scenario import Parameter, Scenario

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"
EXPERIMENTS = pytest.mark.parametrize("name", [CSI, LAR])


def counts(form, name, scanned=None, choices=None, **values):
    """Counts (n, n_bins) of a scenario, given by name or itself."""
    form = catalog.scenario(form) if isinstance(form, str) else form
    fixed = {p.name: p.default for p in form.parameters if p.default is not None} | values
    columns = {n: np.atleast_1d(np.asarray(v, dtype=float)) for n, v in (scanned or {}).items()}
    fixed = {n: v for n, v in fixed.items() if n not in columns}
    experiment = catalog.experiment(name, choices)
    return ExperimentModel(form, experiment, Conventions(), fixed, tuple(columns)).signal(columns)


def standard(name, choices=None):
    return counts("standard_model", name, choices=choices)[0]


# --- amplitudes -----------------------------------------------------------------------------------


@EXPERIMENTS
def test_two_vector_mediators_interfere_like_one(name):
    # g^2 + g^2 at one mass is (sqrt2 g)^2: what NSI with that mass and the mediator add up to
    mass, g = 40.0, 6e-5
    eps = g**2 / (math.sqrt(2.0) * FERMI_CONSTANT * mass**2)
    strengths = {f"eps_{pair}_{q}": eps for pair in ("ee", "mumu", "tautau") for q in ("u", "d")}
    both = counts(
        "nsi+light_vector", name, nsi_mass=mass, light_vector_mass=mass, coupling=g, **strengths
    )
    one = counts("light_vector", name, mass=mass, coupling=math.sqrt(2.0) * g)
    np.testing.assert_allclose(both, one, rtol=1e-12, atol=1e-12)
    assert abs(one.sum() / standard(name).sum() - 1) > 0.1


def by_hand(mass):
    """Q_SM + 2 eps_mumu^d (..) + g^2 (..)/(q^2 + M^2), written as one scenario."""

    def amplitude(nucleus, q2):
        protons = nucleus.Z * nucleus.proton_form_factor(q2)
        return protons + 2 * nucleus.N * nucleus.neutron_form_factor(q2)

    def mediated(nucleus, q2):
        nucleons = nucleus.Z * nucleus.proton_form_factor(q2)
        nucleons = nucleons + nucleus.N * nucleus.neutron_form_factor(q2)
        return 3 * nucleons * propagator(q2, mass) / (math.sqrt(2.0) * FERMI_CONSTANT)

    def coherent(initial, final, *, eps_mumu_d, eps_emu_d, coupling):
        if initial != final:
            return {"contact": eps_emu_d} if "tau" not in (initial, final) else {}
        contact = {"contact": eps_mumu_d} if initial == "mu" else {}
        return {"mediated": coupling**2, **contact}

    return Scenario(
        "by hand",
        "Q",
        (),
        tuple(Parameter(n, "coupling") for n in ("eps_mumu_d", "eps_emu_d", "coupling")),
        charges={"contact": amplitude, "mediated": mediated},
        coherent=coherent,
    )


@EXPERIMENTS
@pytest.mark.parametrize("order", ["nsi+light_vector", "light_vector+nsi"])
def test_interference_is_that_of_the_sum_of_the_amplitudes(name, order):
    rng = np.random.default_rng(4)
    points = {
        "eps_mumu_d": rng.uniform(-0.2, 0.5, 7),
        "eps_emu_d": rng.uniform(-0.2, 0.2, 7),
        "coupling": rng.uniform(0.0, 2e-4, 7),
    }
    found = counts(order, name, points, light_vector_mass=50.0)
    expected = counts(by_hand(50.0), name, points)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    # neither the sum of the two changes alone, nor without the cross term
    alone = [
        counts(scenario, name, {n: v for n, v in points.items() if n in own}, **fixed)
        for scenario, own, fixed in (
            ("nsi", ("eps_mumu_d", "eps_emu_d"), {}),
            ("light_vector", ("coupling",), {"mass": 50.0}),
        )
    ]
    added = alone[0] + alone[1] - standard(name)
    assert np.all(np.abs(found.sum(axis=1) / added.sum(axis=1) - 1.0) > 1e-3)


def test_shape_parameters_of_both_are_scanned_apart():
    masses = {"nsi_mass": [10.0, 10.0, 200.0], "light_vector_mass": [1.0, 100.0, 100.0]}
    fixed = {"coupling": 1e-4, "eps_ee_u": 0.3}
    found = counts("nsi+light_vector", CSI, masses, **fixed)
    for i in range(3):
        alone = counts(
            "nsi+light_vector", CSI, **fixed, **{n: values[i] for n, values in masses.items()}
        )
        np.testing.assert_allclose(found[i], alone[0], rtol=1e-12, atol=1e-12)
    assert len({round(row.sum(), 6) for row in found}) == 3


@EXPERIMENTS
def test_what_flips_the_helicity_is_added_to_the_rate(name):
    vector = {"mass": 30.0, "coupling": 8e-5}
    both = counts("light_vector+magnetic_moment", name, mu_numu=25.0, **vector)[0]
    moment = counts("magnetic_moment", name, mu_numu=25.0)[0] - standard(name)
    expected = counts("light_vector", name, **vector)[0] + moment
    np.testing.assert_allclose(both, expected, rtol=1e-12, atol=1e-12)
    assert moment.sum() > 1.0


@EXPERIMENTS
def test_a_heavy_final_state_is_added_too(name):
    both = counts("nsi+dipole_portal", name, eps_ee_u=0.1, dipole_portal_mass=10.0, d_mu=80.0)[0]
    dipole = counts("dipole_portal", name, mass=10.0, d_mu=80.0)[0] - standard(name)
    expected = counts("nsi", name, eps_ee_u=0.1)[0] + dipole
    np.testing.assert_allclose(both, expected, rtol=1e-12, atol=1e-12)


@EXPERIMENTS
def test_standard_model_of_a_composition(name):
    form = catalog.scenario("charge_radius+light_vector")
    assert form.standard_model["r2_nue"] == -0.83
    found = counts(form, name, mass=1.0, coupling=0.0)[0]
    np.testing.assert_array_equal(found, standard(name))
    model = ExperimentModel(
        form, catalog.experiment(name), Conventions(), {"mass": 1.0, "coupling": 1.0}, ()
    )
    np.testing.assert_array_equal(model.standard_model(), standard(name))


def test_three_at_once():
    values = {"eps_ee_d": 0.1, "r2_numu": 10.0}
    two = counts("nsi+charge_radius", CSI, **values)[0]
    moment = counts("magnetic_moment", CSI, mu_nue=30.0)[0] - standard(CSI)
    three = counts("nsi+charge_radius+magnetic_moment", CSI, mu_nue=30.0, **values)[0]
    np.testing.assert_allclose(three, two + moment, rtol=1e-12, atol=1e-12)


# --- electrons ------------------------------------------------------------------------------------

ELECTRONS = {"electron_scattering": "signal"}


def test_couplings_of_the_electron_add_up_too():
    # a charge radius is a heavy vector that mixes with the photon: one of each is twice the shift
    shift, mass = 40.0, 1e5
    mixing = -CHARGE_RADIUS_STRENGTH * shift * math.sqrt(2.0) * FERMI_CONSTANT * mass**2
    vector = {"model": "custom", "mass": mass, "neutrino_coupling": 1.0, "quark_coupling": 0.0}
    vector |= {"charge_e": 1.0, "charge_mu": 1.0, "kinetic_mixing": mixing / ELEMENTARY_CHARGE}

    def radii(change):
        return {f"r2_nu{f}": usual + change for f, usual in SM_CHARGE_RADIUS.items()}

    both = "charge_radius+light_vector"
    with_electrons = counts(both, CSI, choices=ELECTRONS, **radii(shift), **vector)[0]
    twice = counts("charge_radius", CSI, choices=ELECTRONS, **radii(2 * shift))[0]
    np.testing.assert_allclose(with_electrons, twice, rtol=1e-6, atol=1e-12)
    # the electrons by themselves, 1e-3 of the counts
    found = with_electrons - counts(both, CSI, **radii(shift), **vector)[0]
    expected = twice - counts("charge_radius", CSI, **radii(2 * shift))[0]
    np.testing.assert_allclose(found.sum(), expected.sum(), rtol=1e-5)
    assert expected.sum() > 3 * (standard(CSI, ELECTRONS) - standard(CSI)).sum()


def test_electrons_are_refused_if_one_of_them_says_nothing():
    assert catalog.scenario("nsi+light_vector").electrons is not None
    assert catalog.scenario("light_scalar+light_vector").electrons is None
    with pytest.raises(DefinitionError, match="does not say what it does to electrons"):
        counts("light_scalar+millicharge", CSI, choices=ELECTRONS, mass=1.0, coupling=1e-5)


# --- names ----------------------------------------------------------------------------------------


def test_names_that_clash_get_the_scenario_in_front():
    form = catalog.scenario("light_vector+light_scalar")
    names = [p.name for p in form.parameters]
    assert len(set(names)) == len(names)
    for name in ("mass", "coupling", "neutrino_coupling", "quark_coupling"):
        assert name not in names
        assert {f"light_vector_{name}", f"light_scalar_{name}"} <= set(names)
    assert {"model", "nucleon_charges", "charge_u"} <= set(names)
    zero = {n for n in names if n.endswith("coupling")}
    assert form.standard_model == dict.fromkeys(zero, 0.0)
    parameter = form.parameter("light_scalar_mass")
    assert (parameter.unit, parameter.role) == ("MeV", "shape")


def test_inputs_of_the_standard_model_keep_their_name():
    form = catalog.scenario("weak_mixing_angle+neutron_radius")
    assert {"sin2_theta_w", "R_n", "R_n_Cs"} <= {p.name for p in form.parameters}
    both = counts(form, CSI, sin2_theta_w=0.3, R_n_Cs=5.5)
    expected = counts("weak_mixing_angle", CSI, sin2_theta_w=0.3, R_n_Cs=5.5)
    np.testing.assert_array_equal(both, expected)


def test_renamed_functions_read_their_own_values():
    # light_scalar's coupling does not reach light_vector, nor one mass the other
    fixed = {"light_vector_mass": 30.0, "light_scalar_mass": 3.0}
    none = {"light_vector_coupling": 0.0, "light_scalar_coupling": 0.0}
    for own, scenario, mass in (
        ("light_vector_coupling", "light_vector", 30.0),
        ("light_scalar_coupling", "light_scalar", 3.0),
    ):
        found = counts("light_vector+light_scalar", CSI, **fixed, **{**none, own: 3e-5})
        np.testing.assert_allclose(
            found, counts(scenario, CSI, mass=mass, coupling=3e-5), rtol=1e-12, atol=1e-12
        )


def test_title_formula_references_and_derived():
    form = catalog.scenario("nsi+neutron_radius")
    parts = [catalog.scenario(n) for n in ("nsi", "neutron_radius")]
    assert form.title == "Non-standard interactions + Neutron radius"
    assert all(part.formula in form.formula for part in parts)
    assert set(form.references) == {r for part in parts for r in part.references}
    assert len(form.references) == len(set(form.references))
    assert [d.name for d in form.derived] == [d.name for d in parts[1].derived]


# --- what is passed on ----------------------------------------------------------------------------


def test_validation_of_each_is_asked():
    form = catalog.scenario("nsi+light_vector")
    good = {"model": "universal", "coupling": 1e-4, "light_vector_mass": 1.0}
    form.validate(good)
    with pytest.raises(DefinitionError, match="model 'universal' fixes it"):
        form.validate({**good, "charge_u": 0.3})
    with pytest.raises(DefinitionError, match="they are the same freedom"):
        form.validate({**good, "eps_ee_u": 0.1, "eps_ee_minus_mumu_u": 0.1})


def test_validation_hears_the_parameters_own_names():
    form = catalog.scenario("light_vector+light_scalar")
    both = {"model": "custom", "light_vector_coupling": 1.0, "light_scalar_coupling": 1.0}
    form.validate(both)
    for name in ("light_vector", "light_scalar"):
        with pytest.raises(DefinitionError, match="'coupling' is missing"):
            form.validate({n: v for n, v in both.items() if n != f"{name}_coupling"})
        with pytest.raises(DefinitionError, match="give either coupling, or neutrino_coupling"):
            form.validate({**both, f"{name}_quark_coupling": 1.0})


def test_all_that_is_physical_must_be():
    def below(limit):
        def physical(*, mass):
            return np.asarray(mass) < limit

        return physical

    parameter = (Parameter("mass", "shape", shared=True),)
    parts = {
        name: Scenario(name, "", (), parameter, physical=below(limit))
        for name, limit in (("a", 5.0), ("b", 3.0))
    }
    form = compose({**parts, "c": Scenario("c", "", (), ())})
    assert form.physical is not None
    assert form.physical(mass=np.array([1.0, 4.0, 6.0])).tolist() == [True, False, False]
    # renamed where it is not the same quantity
    own = {n: Scenario(n, "", (), (Parameter("mass", "shape"),), physical=below(5.0)) for n in "ab"}
    form = compose(own)
    assert form.physical is not None
    found = form.physical(a_mass=np.array([1.0, 6.0, 1.0]), b_mass=np.array([1.0, 1.0, 6.0]))
    assert found.tolist() == [True, False, False]
    assert compose({"a": parts["a"], "c": Scenario("c", "", (), ())}).physical is not None
    nothing = {n: Scenario(n, "", (), ()) for n in "ab"}
    assert compose(nothing).physical is None


def test_the_boundary_of_neutron_radii_is_kept():
    form = catalog.scenario("nsi+neutron_radius")
    assert form.physical is not None
    found = form.physical(boundary="proton_radius", R_n_Ar=np.array([3.0, 3.6]))
    assert found.tolist() == [False, True]


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("light_scalar+light_tensor", "light_scalar and light_tensor both flip the neutrino's"),
        ("magnetic_moment+dipole_portal", "both flip the neutrino's helicity"),
        ("generalized_interactions+magnetic_moment", "scan them apart"),
        ("sterile+nsi", "sterile also turns flavours into each other"),
        ("light_vector+sterile", "scan it alone"),
        ("nsi+nsi", "name each scenario once"),
        ("nsi + light_vector + nsi", "name each scenario once"),
    ],
)
def test_what_has_no_known_interference_is_refused(name, said):
    with pytest.raises(DefinitionError, match=said):
        catalog.scenario(name)


def test_amplitudes_take_nothing_but_known_charges():
    def coherent(initial, final):
        return {"chrage": 1.0}

    bad = Scenario("bad", "", (), (), charges={"charge": lambda n, q2: q2}, coherent=coherent)
    form = compose({"bad": bad, "nsi": catalog.scenario("nsi")})
    with pytest.raises(DefinitionError, match=r"unknown charge 'bad\.chrage'"):
        counts(form, CSI)


def test_an_amplitude_along_the_weak_charge_is_added_to_it():
    def coherent(initial, final, *, shift):
        return {"weak_proton": shift} if initial == final else {}

    own = Scenario("own", "", (), (Parameter("shift", "coupling"),), coherent=coherent)
    again = Scenario("again", "", (), (Parameter("shift", "coupling"),), coherent=coherent)
    form = compose({"own": own, "again": again})
    found = counts(form, CSI, own_shift=0.05, again_shift=-0.02)
    expected = counts("weak_mixing_angle", CSI, sin2_theta_w=0.23857 - 0.03 / 2)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


PAIRS = list(itertools.permutations(catalog.scenario_names(), 2))


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_every_pair_is_composed_or_refused_with_a_reason(first, second):
    forms = [catalog.scenario(name) for name in (first, second)]
    refused = all(form.terms for form in forms) or any(form.transition for form in forms)
    if refused:
        with pytest.raises(DefinitionError, match=f"scenario {first} \\+ {second}: "):
            catalog.scenario(f"{first}+{second}")
        return
    form = catalog.scenario(f"{first}+{second}")
    assert len(form.terms) == sum(len(part.terms) for part in forms)
    assert len(form.charges) == sum(len(part.charges) for part in forms)


def test_plug_ins_whose_attributes_have_the_same_name():
    form = catalog.scenario("scenarios.nsi:SCENARIO+scenarios.charge_radius:SCENARIO")
    names = {p.name for p in form.parameters}
    assert "eps_ee_u" in names
    assert "r2_nue" in names
