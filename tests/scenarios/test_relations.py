"""Relations between scenarios: limits in the mass, symmetries of flavour and of quarks, signs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.physics.charges import CHARGE_RADIUS_STRENGTH, SM_CHARGE_RADIUS, tensor_charges
from scanner.physics.constants import ELEMENTARY_CHARGE, FERMI_CONSTANT
from scanner.physics.fluxes.flux import Flux, Line
from scanner.physics.nuclei import Isotope, Material, nucleus
from scenarios import generalized_interactions, light_scalar, light_tensor, nsi

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"
EXPERIMENTS = pytest.mark.parametrize("name", [CSI, LAR])
ELECTRONS = {"electron_scattering": "signal"}
ROOT2_GF = math.sqrt(2.0) * FERMI_CONSTANT
FLAVORS = ("e", "mu", "tau")
PAIRS = {"ee": (0, 0), "mumu": (1, 1), "tautau": (2, 2), "emu": (0, 1), "etau": (0, 2)} | {
    "mutau": (1, 2)
}


def counts(scenario, experiment, scheme="AC22", **values):
    """Counts (n_bins,) at one point; `experiment` is a name or an Experiment."""
    form = catalog.scenario(scenario)
    fixed = {p.name: p.default for p in form.parameters if p.default is not None} | values
    made = catalog.experiment(experiment) if isinstance(experiment, str) else experiment
    conventions = Conventions(couplings=scheme)
    return np.ravel(ExperimentModel(form, made, conventions, fixed, ()).signal({}))


def standard(experiment, scheme="AC22"):
    return counts("standard_model", experiment, scheme)


def same(found, expected, rtol):
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-14 * np.max(expected))


# --- mediators ------------------------------------------------------------------------------------


def all_flavors(eps):
    return {f"eps_{pair}_{q}": eps for pair in ("ee", "mumu", "tautau") for q in ("u", "d")}


@EXPERIMENTS
@pytest.mark.parametrize(("mass", "rtol"), [(1e6, 1e-7), (30.0, 1e-12), (1e-2, 1e-12)])
def test_a_vector_mediator_is_nsi_of_its_mass(name, mass, rtol):
    # trap 29: eps = g^2/(sqrt2 G_F M^2) for every quark, and C_V = 2 eps
    eps = 0.05 * (1.0 if mass > 1e3 else 2000.0 / mass**2 + 1.0)
    g = math.sqrt(eps * ROOT2_GF) * mass
    vector = counts("light_vector", name, model="universal", mass=mass, coupling=g)
    light = {} if mass > 1e3 else {"mass": mass}
    same(counts("nsi", name, **all_flavors(eps), **light), vector, rtol)
    same(counts("generalized_interactions", name, C_V=2 * eps, **light), vector, rtol)
    assert abs(vector.sum() / standard(name).sum() - 1) > 0.1


@EXPERIMENTS
@pytest.mark.parametrize(("mass", "rtol"), [(1e6, 1e-7), (30.0, 1e-12), (1e-2, 1e-12)])
@pytest.mark.parametrize(
    ("scenario", "name_of_c", "c"), [("light_scalar", "C_S", 0.05), ("light_tensor", "C_T", 2.0)]
)
def test_scalar_and_tensor_mediators_are_contact_interactions(
    name, scenario, name_of_c, c, mass, rtol
):
    # C = sqrt2 g^2/(G_F M^2), at every mass with C M^2/(q^2 + M^2)
    c = c * (1.0 if mass > 1e3 else 2000.0 / mass**2 + 1.0)
    g = math.sqrt(c * FERMI_CONSTANT / math.sqrt(2.0)) * mass
    mediated = counts(scenario, name, mass=mass, coupling=g)
    light = {} if mass > 1e3 else {"mass": mass}
    contact = counts("generalized_interactions", name, **{name_of_c: c}, **light)
    same(mediated, contact, rtol)
    assert mediated.sum() > 1.1 * standard(name).sum()


@pytest.mark.parametrize("scenario", ["light_scalar", "light_tensor"])
def test_only_the_ratio_counts_when_heavy(scenario):
    a = counts(scenario, CSI, mass=1e5, coupling=0.3)
    same(counts(scenario, CSI, mass=1e6, coupling=3.0), a, 1e-5)
    assert a.sum() > 1.5 * standard(CSI).sum()


@pytest.mark.parametrize("scenario", ["light_scalar", "light_tensor"])
@EXPERIMENTS
def test_a_massless_mediator_has_a_finite_limit(name, scenario):
    at = {m: counts(scenario, name, mass=m, coupling=1e-4) for m in (0.0, 1e-4, 0.01)}
    assert np.all(np.isfinite(at[0.0]))
    assert at[0.0].sum() > standard(name).sum()
    same(at[1e-4], at[0.0], 1e-7)
    same(at[0.01], at[0.0], 2e-4)


def test_neutrino_and_quark_couplings_of_the_scalar_multiply():
    together = counts("light_scalar", CSI, mass=20.0, coupling=3e-5)
    apart = counts("light_scalar", CSI, mass=20.0, neutrino_coupling=9e-8, quark_coupling=1e-2)
    same(apart, together, 1e-12)


@EXPERIMENTS
@pytest.mark.parametrize("heavy", [0.0, 1e-2])
def test_dipole_portal_of_a_light_lepton_is_the_magnetic_moment(name, heavy):
    # the leading difference is M4^2/(4 T E^2) against 1/T: 1e-7 at M4 = 0.01 MeV
    moment = counts("magnetic_moment", name, mu_nue=300.0, mu_numu=200.0) - standard(name)
    dipole = counts("dipole_portal", name, mass=heavy, d_e=300.0, d_mu=200.0) - standard(name)
    np.testing.assert_allclose(dipole, moment, rtol=1e-6, atol=1e-9 * moment.max())


@EXPERIMENTS
def test_a_heavier_lepton_is_made_less(name):
    new = [
        (counts("dipole_portal", name, mass=m, d=1e3) - standard(name)).sum()
        for m in (0.0, 5.0, 15.0, 28.0, 31.0, 45.0, 52.0)
    ]
    assert np.all(np.diff(new) < 0)
    assert new[-1] > 0.0
    assert new[-1] < 1e-2 * new[0]


@EXPERIMENTS
def test_one_dipole_for_all_is_each_of_them(name):
    each = counts("dipole_portal", name, mass=12.0, d_e=70.0, d_mu=70.0, d_tau=70.0)
    np.testing.assert_array_equal(counts("dipole_portal", name, mass=12.0, d=70.0), each)


# --- photon exchange ------------------------------------------------------------------------------


def of_a_mixed_vector(experiment, mass, product):
    """Light vector that couples to the electric charge alone: g_nu x kinetic mixing = `product`."""
    charges = {"charge_e": 1.0, "charge_mu": 1.0, "charge_tau": 1.0}
    return counts(
        "light_vector",
        experiment,
        model="custom",
        mass=mass,
        neutrino_coupling=1e-3,
        quark_coupling=0.0,
        kinetic_mixing=product / 1e-3,
        **charges,
    )


@pytest.mark.parametrize("choices", [{}, ELECTRONS])
def test_a_charge_radius_is_a_heavy_vector_that_mixes_with_the_photon(choices):
    experiment, mass = catalog.experiment(CSI, choices), 1e5
    shift = 0.7  # of <r^2> in 1e-32 cm^2
    radii = {f"r2_nu{f}": SM_CHARGE_RADIUS[f] + shift for f in FLAVORS}
    product = -CHARGE_RADIUS_STRENGTH * shift * ROOT2_GF * mass**2 / ELEMENTARY_CHARGE
    expected = of_a_mixed_vector(experiment, mass, product)
    same(counts("charge_radius", experiment, **radii), expected, 1e-6)
    assert abs(expected.sum() / standard(experiment).sum() - 1) > 1e-2


@pytest.mark.parametrize("choices", [{}, ELECTRONS])
def test_a_millicharge_is_a_massless_vector_that_mixes_with_the_photon(choices):
    experiment = catalog.experiment(CSI, choices)
    charge = 3e-8  # in units of e: the amplitude e^2 q/q^2
    charges = {f"q_nu{f}": charge / 1e-8 for f in FLAVORS}
    expected = of_a_mixed_vector(experiment, 0.0, charge * ELEMENTARY_CHARGE)
    same(counts("millicharge", experiment, **charges), expected, 1e-11)
    assert abs(expected.sum() / standard(experiment).sum() - 1) > 1e-2


@EXPERIMENTS
def test_a_positive_millicharge_lowers_the_rate(name):
    # Q + 2 sqrt2 pi alpha q/(G_F 2 M T) Z F_p, and Q of the Standard Model is negative
    for parameter in ("q_nue", "q_numu"):
        plus, minus = (counts("millicharge", name, **{parameter: s}).sum() for s in (0.1, -0.1))
        assert plus < standard(name).sum() < minus


@EXPERIMENTS
def test_a_more_negative_radius_raises_the_proton_coupling(name):
    # g_V^p - K <r^2>: with Q negative the rate falls
    for parameter, usual in (("r2_nue", -0.83), ("r2_numu", -0.48)):
        more, less = (counts("charge_radius", name, **{parameter: usual + s}) for s in (-1, 1))
        assert more.sum() < standard(name).sum() < less.sum()


@EXPERIMENTS
def test_couplings_without_the_radius_of_the_standard_model(name):
    # AC22 less its radii: 0.0184 for nu_e and 0.0186 for nu_mu, against 0.0382 and 0.0300
    found = counts("charge_radius", name, r2_nue=0.0, r2_numu=0.0)
    angle = [0.23857 + (g - gt) / 2 for g, gt in ((0.0382, 0.0184), (0.0300, 0.0186))]
    experiment = catalog.experiment(name)
    expected = sum(
        counts("weak_mixing_angle", _only(experiment, flavor), sin2_theta_w=s2)
        for flavor, s2 in zip(("e", "mu"), angle, strict=True)
    )
    np.testing.assert_allclose(found.sum(), expected.sum(), rtol=1e-4)


def _only(experiment, flavor):
    """The experiment with the flux of one flavour."""
    kept = tuple(c for c in experiment.flux.components if c.flavor == flavor)
    return replace(experiment, flux=Flux(kept))


@pytest.mark.parametrize("scheme", ["AC22", "C20", "tree"])
def test_radii_are_total_in_every_scheme(scheme):
    total = {f"r2_nu{f}": SM_CHARGE_RADIUS[f] for f in FLAVORS}
    np.testing.assert_array_equal(
        counts("charge_radius", CSI, scheme, **total), standard(CSI, scheme)
    )


@EXPERIMENTS
def test_what_flips_the_helicity_grows_with_the_square(name):
    sm = standard(name)
    for scenario, values in {
        "magnetic_moment": {"mu_nue": 20.0, "mu_numu": 30.0, "mu_mutau": 10.0},
        "dipole_portal": {"mass": 9.0, "d_e": 20.0, "d_mu": 30.0},
    }.items():
        couplings = {n: v for n, v in values.items() if n != "mass"}
        once = counts(scenario, name, **values) - sm
        thrice = counts(scenario, name, **values | {n: 3 * v for n, v in couplings.items()}) - sm
        np.testing.assert_allclose(thrice, 9 * once, rtol=1e-9, atol=1e-10)


# --- flavours -------------------------------------------------------------------------------------


def three_flavors(energy=35.0):
    """CsI in a beam of e, mu and tau neutrinos alike."""
    base = catalog.experiment(CSI)
    lines = tuple(Line(f"nu_{f}", f, energy, 3e14) for f in FLAVORS)
    share = base.timing["nu_mu"]
    return replace(base, flux=Flux(lines), timing={line.name: share for line in lines})


def as_parameters(eps_u, eps_d):
    """Hermitian matrices as moduli and phases."""
    values = {}
    for q, eps in (("u", eps_u), ("d", eps_d)):
        for pair, (a, b) in PAIRS.items():
            if a == b:
                values[f"eps_{pair}_{q}"] = float(eps[a, a].real)
            else:
                values[f"eps_{pair}_{q}"] = float(abs(eps[a, b]))
                values[f"phase_{pair}_{q}"] = float(np.angle(eps[a, b]))
    return values


@pytest.mark.parametrize("seed", range(4))
def test_rate_is_invariant_under_a_rotation_of_the_flavours(seed):
    # trap 6: all flavours alike in the beam, couplings universal at tree level: the rate is the
    # trace of Q Q^+, which a common rotation of eps^u and eps^d leaves as it is
    rng = np.random.default_rng(seed)

    def hermitian():
        m = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
        return 0.1 * (m + m.conj().T)

    eps_u, eps_d = hermitian(), hermitian()
    unitary, _ = np.linalg.qr(rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3)))
    turned = [unitary @ eps @ unitary.conj().T for eps in (eps_u, eps_d)]
    experiment = three_flavors()
    before = counts("nsi", experiment, "tree", **as_parameters(eps_u, eps_d))
    after = counts("nsi", experiment, "tree", **as_parameters(*turned))
    same(after, before, 1e-11)
    # not so if one of them is turned alone, or the off-diagonal ones are left out
    alone = counts("nsi", experiment, "tree", **as_parameters(turned[0], eps_d))
    assert abs(alone.sum() / before.sum() - 1) > 1e-3
    diagonal = [np.diag(np.diag(eps)) for eps in turned]
    cut = counts("nsi", experiment, "tree", **as_parameters(*diagonal))
    assert abs(cut.sum() / before.sum() - 1) > 1e-3


@EXPERIMENTS
def test_flavour_changing_ones_add_in_quadrature(name):
    # trap 15: alone and together
    sm = standard(name)
    for scenario, one, other, size in (
        ("nsi", "eps_emu_u", "eps_etau_u", 0.2),
        ("nsi", "eps_emu_d", "eps_mutau_d", -0.2),
        ("charge_radius", "r2_emu", "r2_etau", 20.0),
        ("millicharge", "q_emu", "q_mutau", 20.0),
        ("magnetic_moment", "mu_emu", "mu_etau", 20.0),
    ):
        a, b = (counts(scenario, name, **{n: size}) - sm for n in (one, other))
        both = counts(scenario, name, **{one: size, other: size}) - sm
        np.testing.assert_allclose(both, a + b, rtol=1e-9, atol=1e-11)
        assert min(a.sum(), b.sum()) > 1e-2 * sm.sum()
        # of either sign
        np.testing.assert_allclose(counts(scenario, name, **{one: -size}) - sm, a, rtol=1e-12)


@EXPERIMENTS
def test_up_and_down_of_one_pair_are_one_amplitude(name):
    sm = standard(name)
    u, d = (counts("nsi", name, **{f"eps_emu_{q}": 0.2}) - sm for q in ("u", "d"))
    both = counts("nsi", name, eps_emu_u=0.2, eps_emu_d=0.2) - sm
    # (a + b)^2 + (a - b)^2 = 2 a^2 + 2 b^2, and a phase of pi turns the sign
    opposite = counts("nsi", name, eps_emu_u=0.2, eps_emu_d=0.2, phase_emu_d=math.pi) - sm
    np.testing.assert_allclose(both + opposite, 2 * (u + d), rtol=1e-9, atol=1e-11)
    same(counts("nsi", name, eps_emu_u=0.2, eps_emu_d=-0.2) - sm, opposite, 1e-9)
    assert both.sum() > 10 * opposite.sum()
    # a phase of both is none
    turned = counts("nsi", name, eps_emu_u=0.2, eps_emu_d=0.2, phase_emu_u=1.0, phase_emu_d=1.0)
    same(turned - sm, both, 1e-9)


@EXPERIMENTS
def test_the_difference_of_ee_and_mumu_is_another_way_to_say_ee(name):
    direct = counts("nsi", name, eps_ee_d=-0.7, eps_mumu_d=0.2, eps_ee_u=0.05, eps_mumu_u=0.1)
    said = {"eps_ee_minus_mumu_d": -0.9, "eps_mumu_d": 0.2}
    said |= {"eps_ee_minus_mumu_u": -0.05, "eps_mumu_u": 0.1}
    same(counts("nsi", name, **said), direct, 1e-12)


@EXPERIMENTS
def test_each_flavour_feels_its_own(name):
    experiment = catalog.experiment(name)
    for scenario, values, untouched in (
        ("nsi", {"eps_ee_u": 0.3}, "mu"),
        ("nsi", {"eps_mutau_d": 0.3}, "e"),
        ("charge_radius", {"r2_numu": 30.0}, "e"),
        ("millicharge", {"q_etau": 30.0}, "mu"),
        ("magnetic_moment", {"mu_nue": 100.0}, "mu"),
        ("magnetic_moment", {"mu_mutau": 100.0}, "e"),
        ("dipole_portal", {"mass": 8.0, "d_mu": 100.0}, "e"),
        ("sterile", {"dm2_41": 3.0, "sin2_2theta_e": 0.7}, "mu"),
    ):
        for flavor in ("e", "mu"):
            beam = _only(experiment, flavor)
            change = np.abs(counts(scenario, beam, **values) / standard(beam) - 1.0).max()
            assert (change > 1e-3) == (flavor != untouched), (scenario, values, flavor)


# --- quarks ---------------------------------------------------------------------------------------

LEAD = Isotope("Pb", 82, 208, 207.976652, 5.45, 5.60)
MIRROR = Isotope("X", LEAD.N, LEAD.A, LEAD.atomic_mass_u, LEAD.neutron_radius, LEAD.proton_radius)


def of(isotope):
    """CsI's detector filled with one isotope; the mirror nucleus gets the same mass in MeV."""
    return replace(catalog.experiment(CSI), target=Material("toy", {isotope: 1}, 208.0))


def test_up_and_down_are_exchanged_with_protons_and_neutrons():
    # trap 5; the electrons that the nuclear mass leaves out are those of the element
    mirror = replace(MIRROR, atomic_mass_u=LEAD.atomic_mass_u + 5.4857990907e-4 * (126 - 82))
    assert mirror.mass == pytest.approx(LEAD.mass, rel=1e-12)
    for scenario, one, other, size in (
        ("nsi", {"eps_emu_u": 1.0}, {"eps_emu_d": 1.0}, 0.3),
        ("nsi", {"eps_etau_u": 1, "eps_etau_d": -2}, {"eps_etau_d": 1, "eps_etau_u": -2}, 0.3),
    ):
        a = counts(scenario, of(LEAD), **{n: size * v for n, v in one.items()}) - standard(of(LEAD))
        b = counts(scenario, of(mirror), **{n: size * v for n, v in other.items()})
        b = b - standard(of(mirror))
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * a.max())
        swapped = counts(scenario, of(LEAD), **{n: size * v for n, v in other.items()})
        assert abs(a.sum() / (swapped - standard(of(LEAD))).sum() - 1) > 0.05


def test_charges_of_nuclei_count_quarks():
    target = nucleus(LEAD)
    assert nsi.up(target, 0.0) == pytest.approx(2 * 82 + 126)
    assert nsi.down(target, 0.0) == pytest.approx(82 + 2 * 126)
    assert generalized_interactions.nucleons(target, 0.0) == pytest.approx(1.5 * 208)
    q2 = 1500.0
    p, n = target.proton_form_factor(q2), target.neutron_form_factor(q2)
    assert nsi.up(target, q2) == pytest.approx(2 * 82 * p + 126 * n)
    # the neutron's tensor charge is the proton's with u and d exchanged
    assert tensor_charges(0.3, 0.8) == pytest.approx(tensor_charges(0.8, 0.3)[::-1])


def test_cross_sections_at_a_point():
    """Orders of magnitude that can be done by hand, at low momentum transfer (F = 1)."""
    target, e, t, mass = nucleus(LEAD), 30.0, 1e-7, 1e4
    q2 = 2 * target.mass * t
    assert q2 < 0.1
    cm2 = 3.893793721e-22
    scalar = light_scalar.cross_section(target, e, t, mass=mass, nucleon_charges="quark_content")
    charge = 15.1 * 82 + 14.0 * 126
    by_hand = target.mass**2 * t / (4 * math.pi * e**2) * charge**2 / (q2 + mass**2) ** 2 * cm2
    assert float(scalar) == pytest.approx(by_hand, rel=1e-3)
    tensor = light_tensor.cross_section(target, e, t, mass=mass)
    by_hand = target.mass / (2 * math.pi) * (0.31 * 208) ** 2 / mass**4 * cm2
    assert float(tensor) == pytest.approx(by_hand, rel=1e-3)


# --- disappearance --------------------------------------------------------------------------------


@EXPERIMENTS
def test_a_wide_spread_of_the_baseline_averages_out(name):
    # trap 21: 1 - sin^2(2 theta)/2, the line included
    angle = 0.6
    found = counts("sterile", name, dm2_41=30.0, sigma_L=1e3, sin2_2theta=angle)
    # recoils that are accepted with less than 1e-12 are left out: 3e-6 of the lowest bin in CsI
    same(found, (1.0 - 0.5 * angle) * standard(name), 1e-5)


@EXPERIMENTS
def test_a_small_splitting_does_little(name):
    sm = standard(name)
    np.testing.assert_array_equal(counts("sterile", name, dm2_41=0.0, sin2_2theta=1.0), sm)
    one, two = (sm - counts("sterile", name, dm2_41=d, sin2_2theta=1.0) for d in (1e-3, 2e-3))
    np.testing.assert_allclose(two.sum(), 4 * one.sum(), rtol=1e-4)
    assert one.sum() > 0.0


@EXPERIMENTS
def test_mixings_and_effective_angles(name):
    mixing = {"U_e4_squared": 0.1, "U_mu4_squared": 0.2, "U_tau4_squared": 0.3}
    found = counts("sterile", name, dm2_41=1.0, **mixing)
    angles = {"sin2_2theta_e": 4 * 0.1 * 0.4, "sin2_2theta_mu": 4 * 0.2 * 0.4}
    same(counts("sterile", name, dm2_41=1.0, **angles), found, 1e-12)
    # nothing is left for the sterile state: no disappearance into it
    full = {"U_e4_squared": 0.5, "U_mu4_squared": 0.5}
    same(counts("sterile", name, dm2_41=1.0, **full), standard(name), 1e-12)


# --- inputs of the Standard Model -----------------------------------------------------------------


@EXPERIMENTS
def test_a_larger_weak_mixing_angle_makes_the_rate_larger(name):
    # g_V^p falls, and with Q negative |Q| grows
    rates = [counts("weak_mixing_angle", name, sin2_theta_w=s).sum() for s in (0.1, 0.23857, 0.4)]
    assert rates[0] < rates[1] < rates[2]


@pytest.mark.parametrize(("name", "radius"), [(CSI, "R_n_Cs"), (CSI, "R_n_I"), (LAR, "R_n_Ar")])
def test_larger_neutron_radii_suppress_the_rate(name, radius):
    rates = [counts("neutron_radius", name, **{radius: r}).sum() for r in (3.0, 4.0, 5.0, 6.0)]
    assert np.all(np.diff(rates) < 0)


def test_one_radius_is_that_of_each_nucleus():
    both = counts("neutron_radius", CSI, R_n=5.2)
    np.testing.assert_array_equal(both, counts("neutron_radius", CSI, R_n_Cs=5.2, R_n_I=5.2))


@EXPERIMENTS
def test_inputs_change_every_scenario_alike(name):
    # the weak mixing angle and the radii stand beside a scenario's own parameters
    radius = {"R_n_Cs": 5.5} if name == CSI else {"R_n_Ar": 4.0}
    alone = counts("weak_mixing_angle", name, sin2_theta_w=0.3, **radius)
    inputs = {"sin2_theta_w": 0.3, **radius}
    np.testing.assert_array_equal(counts("neutron_radius", name, **inputs), alone)
    for scenario, zero in (
        ("nsi", {}),
        ("charge_radius", {}),
        ("magnetic_moment", {}),
        ("light_scalar", {"mass": 10.0, "coupling": 0.0}),
        ("dipole_portal", {"mass": 10.0}),
        ("sterile", {"dm2_41": 1.0}),
    ):
        same(counts(scenario, name, **inputs, **zero), alone, 1e-12)
