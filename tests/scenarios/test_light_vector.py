"""Light vector: signs, limits in the mass, symmetries, free charges, kinetic mixing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.errors import DefinitionError
from scanner.physics import charges
from scanner.physics.fluxes.flux import Flux
from scanner.physics.nuclei import CS133, Isotope, nucleus
from scanner.templates import TemplateMaker
from scenarios import light_vector as vector

NO_CHARGES = dict.fromkeys(vector.CUSTOM_ONLY, 0.0)
EXPERIMENTS = pytest.mark.parametrize("name", ["coherent_csi_2021", "coherent_lar_2020"])
DIRECT = [m for m in vector.CHARGES if m not in vector.LOOPS]
COUPLING = math.sqrt(2.0) * 1.1663787e-11  # sqrt2 G_F


def fixed(model, **values):
    return {"model": model, "loop_sign": "positive", "kinetic_mixing": 0.0} | NO_CHARGES | values


def counts(name, model, mass, *, flavor=None, conventions=None, scanned=None, **values):
    """Counts at one point; `flavor` keeps the flux components of that flavour alone."""
    experiment = catalog.experiment(name)
    if flavor:
        kept = tuple(c for c in experiment.flux.components if c.flavor == flavor)
        experiment = replace(experiment, flux=Flux(kept))
    point = scanned or {}
    made = TemplateMaker(
        vector.SCENARIO,
        experiment,
        conventions or Conventions(),
        fixed(model, **values),
        tuple(point),
    )
    templates = made.fold({"mass": np.array([float(mass)])})
    return templates.monomials({k: np.array(v) for k, v in point.items()}) @ templates.counts[:, 0]


def standard(name, flavor=None, conventions=None):
    return counts(name, "universal", 1.0, flavor=flavor, conventions=conventions, coupling=0.0)


# --- signs ------------------------------------------------------------------------------------

INTERFERENCE = {  # the table of the models: sign of the term of second order for e and for mu
    "universal": (-1, -1),
    "B-L": (1, 1),
    "B-3L_e": (1, 0),
    "B-3L_mu": (0, 1),
    "B-2L_e-L_mu": (1, 1),
    "B-L_e-2L_mu": (1, 1),
    "L_e-L_mu": (-1, 1),
    "L_e-L_tau": (-1, 0),
    "L_mu-L_tau": (0, -1),
}


def test_table_of_charges():
    third = 1 / 3
    assert dict(vector.CHARGES) == {
        "universal": (1, 1, 1, 1),
        "B-L": (third, -1, -1, -1),
        "B-3L_e": (third, -3, 0, 0),
        "B-3L_mu": (third, 0, -3, 0),
        "B-2L_e-L_mu": (third, -2, -1, 0),
        "B-L_e-2L_mu": (third, -1, -2, 0),
        "L_e-L_mu": (0, 1, -1, 0),
        "L_e-L_tau": (0, 1, 0, -1),
        "L_mu-L_tau": (0, 0, 1, -1),
    }


@pytest.mark.parametrize("model", [m for m in vector.CHARGES if m != "universal"])
def test_models_are_free_of_anomalies(model):
    # three generations of three colours: the charges of quarks and leptons cancel
    quark, *leptons = vector.CHARGES[model]
    assert 9 * quark + sum(leptons) == pytest.approx(0.0)


@pytest.mark.parametrize("model", INTERFERENCE)
@pytest.mark.parametrize("loop_sign", ["positive", "negative"])
@EXPERIMENTS
def test_interference(name, model, loop_sign):
    for flavor, sign in zip(("e", "mu"), INTERFERENCE[model], strict=True):
        found = counts(name, model, 30.0, flavor=flavor, coupling=1e-6, loop_sign=loop_sign)
        change = (found - standard(name, flavor)).sum() / standard(name, flavor).sum()
        expected = sign * (-1 if loop_sign == "negative" and model in vector.LOOPS else 1)
        assert (np.sign(change) if abs(change) > 1e-12 else 0) == expected


@pytest.mark.parametrize("model", vector.LOOPS)
def test_loop_sign_turns_the_interference_and_nothing_else(model):
    grid = {"coupling": np.array(3e-4)}
    plus = counts("coherent_csi_2021", model, 10.0, scanned=grid)
    minus = counts("coherent_csi_2021", model, 10.0, scanned=grid, loop_sign="negative")
    sm = standard("coherent_csi_2021")
    square = 0.5 * (plus + minus) - sm
    assert np.all(square[sm > 1e-6] > 0)
    assert abs((plus - minus).sum()) > 1.0
    # the square itself, from couplings so large that nothing else is left
    far = {"coupling": np.array(3.0)}
    both = [
        counts("coherent_csi_2021", model, 10.0, scanned=far, loop_sign=s)
        for s in ("positive", "negative")
    ]
    np.testing.assert_allclose(both[0], both[1], rtol=1e-5)
    np.testing.assert_allclose(both[0] * 1e-16, square, rtol=1e-4, atol=1e-9 * square.max())


@pytest.mark.parametrize("model", vector.LOOPS)
def test_loops_touch_protons_alone_and_vanish_for_the_third_flavour(model):
    third = ({"e", "mu", "tau"} - set(vector.LOOPS[model])).pop()
    values = fixed(model, coupling=1.0)
    for flavor in ("e", "mu", "tau"):
        found = vector.coherent(flavor, flavor, **values)
        assert found["proton"] == found["neutron"] == 0.0
        assert (found["loop"] == 0.0) == (flavor == third)


# --- mass ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "charge"), [("universal", 1.0), ("B-L", -1 / 3)])
@EXPERIMENTS
def test_a_heavy_mediator_is_a_contact_interaction(monkeypatch, name, model, charge):
    # trap 29: eps^uV = eps^dV = g^2 Q'_l Q'_q/(sqrt2 G_F M^2);
    # g_p += 2 eps_u + eps_d, g_n += eps_u + 2 eps_d
    mass, g = 1e6, 0.9
    eps = g**2 * charge / (COUPLING * mass**2)
    assert abs(eps) > 0.01
    plain = charges.WEAK_COUPLINGS["AC22"]
    shifted = replace(
        plain,
        proton={k: v + 3 * eps for k, v in plain.proton.items()},
        neutron=plain.neutron + 3 * eps,
    )
    monkeypatch.setattr(charges, "WEAK_COUPLINGS", {"AC22": plain, "contact": shifted})
    contact = standard(name, conventions=Conventions(couplings="contact"))
    np.testing.assert_allclose(
        counts(name, model, mass, coupling=g), contact, rtol=1e-6, atol=1e-15
    )
    assert abs(contact.sum() / standard(name).sum() - 1) > 0.05


@EXPERIMENTS
def test_a_massless_mediator_has_a_finite_limit(name):
    at = {m: counts(name, "universal", m, coupling=1e-4) for m in (0.0, 1e-4, 0.01)}
    assert np.all(np.isfinite(at[0.0]))
    assert at[0.0].sum() > 1.1 * standard(name).sum()
    np.testing.assert_allclose(at[1e-4], at[0.0], rtol=1e-8, atol=1e-20)
    np.testing.assert_allclose(at[0.01], at[0.0], rtol=1e-4, atol=1e-20)


def test_only_the_ratio_counts_when_heavy():
    a = counts("coherent_csi_2021", "universal", 1e5, coupling=0.1)
    b = counts("coherent_csi_2021", "universal", 1e6, coupling=1.0)
    np.testing.assert_allclose(a, b, rtol=1e-5)


def test_degenerate_strip_of_the_universal_model():
    # Q -> -Q: (g/M)^2 = 2 sqrt2 G_F |Q_SM|/(3 A), exact where F_p = F_n (12 % of the rate off)
    g_p, g_n, z, a = 0.0300, -0.5117, 55, 133
    weak = abs(g_p * z + g_n * (a - z))
    ratio = math.sqrt(2 * COUPLING * weak / (3 * a))
    assert ratio == pytest.approx(1.78e-6, rel=0.01)
    flipped = counts("coherent_csi_2021", "universal", 1e4, coupling=ratio * 1e4).sum()
    assert flipped == pytest.approx(standard("coherent_csi_2021").sum(), rel=0.15)
    half = counts("coherent_csi_2021", "universal", 1e4, coupling=ratio * 1e4 / math.sqrt(2)).sum()
    assert half < 0.01 * flipped


# --- charges ------------------------------------------------------------------------------------


def test_up_and_down_are_exchanged_with_protons_and_neutrons():
    # trap 5: u <-> d is N <-> Z
    isotope = nucleus(CS133)
    mirror = nucleus(
        Isotope(
            "X", CS133.N, CS133.A, CS133.atomic_mass_u, CS133.neutron_radius, CS133.proton_radius
        )
    )
    q2 = np.linspace(0.0, 2500.0, 6)

    def amplitude(target, u, d):
        c = vector.coherent(
            "mu",
            "mu",
            **fixed("custom", coupling=1.0) | {"charge_u": u, "charge_d": d, "charge_mu": 1.0},
        )
        return c["proton"] * vector.proton(target, q2, mass=3.0) + c["neutron"] * vector.neutron(
            target, q2, mass=3.0
        )

    np.testing.assert_allclose(
        amplitude(isotope, 0.7, -0.2), amplitude(mirror, -0.2, 0.7), rtol=1e-14
    )
    assert abs(amplitude(isotope, 0.7, -0.2)[0] / amplitude(isotope, -0.2, 0.7)[0] - 1) > 0.1


@pytest.mark.parametrize("model", DIRECT)
@EXPERIMENTS
def test_custom_charges_of_a_named_model_are_that_model(name, model):
    quark, e, mu, tau = vector.CHARGES[model]
    free = {"charge_u": quark, "charge_d": quark, "charge_e": e, "charge_mu": mu, "charge_tau": tau}
    np.testing.assert_allclose(
        counts(name, "custom", 20.0, coupling=1e-4, **free),
        counts(name, model, 20.0, coupling=1e-4),
        rtol=1e-13,
    )


BASE = {"charge_u": 0.4, "charge_d": 0.3, "charge_e": 1.0, "charge_mu": 0.7, "charge_tau": 0.5}


@pytest.mark.parametrize(
    "parameter", ["charge_u", "charge_d", "charge_e", "charge_mu", "coupling", "kinetic_mixing"]
)
@EXPERIMENTS
def test_every_charge_and_coupling_changes_the_rate(name, parameter):
    base = BASE | {"coupling": 1e-4, "kinetic_mixing": 0.0}
    moved = base | {parameter: base[parameter] * 1.1 + 1e-5}
    before = counts(name, "custom", 20.0, **base).sum()
    after = counts(name, "custom", 20.0, **moved).sum()
    assert abs(after / before - 1) > 1e-3


@EXPERIMENTS
def test_no_tau_neutrinos_no_effect(name):
    base = counts(name, "custom", 20.0, coupling=1e-4, **BASE)
    moved = counts(name, "custom", 20.0, coupling=1e-4, **BASE | {"charge_tau": 50.0})
    np.testing.assert_array_equal(base, moved)


@pytest.mark.parametrize("parameter", ["charge_u", "charge_mu", "kinetic_mixing"])
def test_counts_are_analytic_in_charges_of_both_signs(parameter):
    # trap 12: one parabola through both signs
    values = np.linspace(-2.0, 2.0, 9)
    point = {parameter: values * (1e-3 if parameter == "kinetic_mixing" else 1.0)}
    free = {k: v for k, v in BASE.items() if k != parameter}
    made = counts("coherent_csi_2021", "custom", 20.0, scanned=point, coupling=5e-5, **free).sum(
        axis=-1
    )
    assert np.all(made > 0)
    np.testing.assert_allclose(np.diff(made, 3), 0.0, atol=1e-9 * made.max())
    assert np.all(np.diff(made, 2) > 0)


def test_neutrino_and_quark_couplings_multiply():
    together = counts("coherent_csi_2021", "custom", 20.0, coupling=1e-4, **BASE)
    apart = counts(
        "coherent_csi_2021", "custom", 20.0, neutrino_coupling=1e-6, quark_coupling=1e-2, **BASE
    )
    np.testing.assert_allclose(apart, together, rtol=1e-12)
    scanned = {
        "neutrino_coupling": np.array([1e-6, 1e-2]),
        "quark_coupling": np.array([1e-2, 1e-6]),
    }
    both = counts("coherent_csi_2021", "custom", 20.0, scanned=scanned, **BASE)
    np.testing.assert_allclose(both, np.stack([together, together]), rtol=1e-11)


# --- kinetic mixing -----------------------------------------------------------------------------


def test_kinetic_mixing_is_a_quark_coupling_to_the_electric_charge():
    # quark couplings shift by +epsilon e Q_em: 2/3 and -1/3 are a proton charge of one
    eps, g_nu = 2e-3, 1e-4
    e = math.sqrt(4 * math.pi / 137.036)
    leptons = {"charge_e": 1.0, "charge_mu": 0.7}
    mixed = counts(
        "coherent_csi_2021", "custom", 20.0, coupling=g_nu, kinetic_mixing=eps, **leptons
    )
    direct = counts(
        "coherent_csi_2021",
        "custom",
        20.0,
        neutrino_coupling=g_nu,
        quark_coupling=eps * e,
        charge_u=2 / 3,
        charge_d=-1 / 3,
        **leptons,
    )
    np.testing.assert_allclose(mixed, direct, rtol=1e-12)
    sm = standard("coherent_csi_2021").sum()
    small = {"coupling": 1e-6, **leptons}
    assert counts("coherent_csi_2021", "custom", 20.0, kinetic_mixing=1e-3, **small).sum() < sm
    assert counts("coherent_csi_2021", "custom", 20.0, kinetic_mixing=-1e-3, **small).sum() > sm


def test_mixing_adds_to_a_loop_of_the_same_sign():
    base = {"flavor": "mu", "coupling": 1e-4}
    none = counts("coherent_csi_2021", "L_mu-L_tau", 20.0, **base).sum()
    more = counts("coherent_csi_2021", "L_mu-L_tau", 20.0, **base, kinetic_mixing=1e-7).sum()
    less = counts("coherent_csi_2021", "L_mu-L_tau", 20.0, **base, kinetic_mixing=-1e-7).sum()
    assert more < none < less


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"model": "B-L", "coupling": 1.0, "charge_u": 0.3},
            "parameters.charge_u = 0.3: model 'B-L' fixes it",
        ),
        ({"model": "B-L"}, "parameter 'coupling' is missing"),
        ({"model": "custom", "neutrino_coupling": 1.0}, "parameter 'coupling' is missing"),
        ({"model": "custom", "coupling": 1.0, "quark_coupling": 1.0}, "give either coupling, or"),
        ({"model": "universal", "neutrino_coupling": 1.0, "quark_coupling": 1.0}, "fixes it"),
    ],
)
def test_values_that_make_no_sense(values, message):
    with pytest.raises(DefinitionError) as caught:
        vector.validate(values)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {"model": "universal", "coupling": 1e-4, "kinetic_mixing": 1e-3},
        {"model": "custom", "coupling": 1e-4, "charge_u": 1.0},
        {"model": "custom", "neutrino_coupling": 1e-4, "quark_coupling": 1.0},
    ],
)
def test_values_that_do(values):
    vector.validate(values)


def test_model_that_is_scanned_in_the_mass_alone():
    model = ExperimentModel(
        vector.SCENARIO,
        catalog.experiment("coherent_csi_2021"),
        Conventions(),
        fixed("B-L", coupling=1e-4),
        ("mass",),
    )
    found = model.signal({"mass": np.array([1.0, 20.0])})
    np.testing.assert_allclose(
        found[1], counts("coherent_csi_2021", "B-L", 20.0, coupling=1e-4), rtol=1e-12
    )
