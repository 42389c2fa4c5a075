"""Templates against brute force: everything written again, from the formulas, on dense grids."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.special import spherical_jn
from scipy.stats import exponnorm, gamma, norm

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.errors import DefinitionError
from scanner.experiments import _tables
from scanner.physics.fluxes.flux import Flux
from scanner.physics.nuclei import Isotope, Material
from scanner.recoils import Recoils
from scanner.scenario import Parameter, Scenario, Term
from scanner.templates import TemplateMaker

# --- brute force ------------------------------------------------------------------------------

GF, HBARC, ALPHA = 1.1663787e-11, 197.3269804, 1 / 137.036
M_MU, M_PI, M_TAU, U, M_E = 105.6583755, 139.57039, 1776.93, 931.49410242, 0.51099895
ISOTOPES = {  # Z, A, atomic mass in u, R_p, R_n in fm
    "coherent_csi_2021": [
        (55, 133, 132.905451958, 4.821, 5.09),
        (53, 127, 126.904472592, 4.766, 5.03),
    ],
    "coherent_lar_2020": [(18, 40, 39.962383122, 3.448, 3.55)],
}
G_P, G_N = {"e": 0.0382, "mu": 0.0300}, -0.5117
EXPOSURE = {  # r N_POT/(4 pi L^2) x nuclei of each isotope
    "coherent_csi_2021": 0.0848
    * 3.198e23
    / (4 * math.pi * 1930.0**2)
    * 6.02214076e23
    * 14600
    / 259.81,
    "coherent_lar_2020": 0.09 * 1.37e23 / (4 * math.pi * 2750.0**2) * 6.02214076e23 * 24000 / 39.95,
}
COMPONENTS = {"nu_mu": "mu", "nu_e": "e", "nubar_mu": "mu"}


def nodes(points, order):
    """Gauss-Legendre between neighbouring points."""
    x, w = np.polynomial.legendre.leggauss(order)
    low, width = np.asarray(points)[:-1, None], np.diff(points)[:, None]
    return (low + 0.5 * (x + 1) * width).ravel(), (0.5 * w * width).ravel()


def helm(q2, radius):
    q = np.sqrt(q2) / HBARC
    r0 = math.sqrt(5 / 3 * (radius**2 - 3 * 0.81))
    return 3 * spherical_jn(1, q * r0) / (q * r0) * np.exp(-0.5 * (0.9 * q) ** 2)


def accepted(name, t):
    """Probability (n_bins, n) of each energy bin for recoils t in MeV."""
    if name == "coherent_csi_2021":
        edges = [0, 8, 12, 16, 20, 24, 32, 40, 50, 60]
        kink = 10.8646 - math.log(1.32045 / 0.333322 - 1) / 0.285979
        x, w = nodes(np.sort([*np.arange(0, 60.5, 0.5), kink]), 8)
        e = 1e3 * (0.0554628 * t + 4.30681 * t**2 - 111.707 * t**3 + 840.384 * t**4)
        shape = 1 + 9.56 * e
        density = gamma.pdf(x[:, None], shape, scale=e / 0.0749 / shape)
        efficiency = np.maximum(1.32045 / (1 + np.exp(-0.285979 * (x - 10.8646))) - 0.333322, 0)
    else:
        edges = list(range(0, 130, 10))
        table = _tables.read(name, "efficiency.csv")
        x, w = nodes(np.union1d(np.arange(0, 120.25, 0.25), table["energy_kevee"]), 6)
        kev = 1e3 * t
        e = (0.246 + 0.00078 * kev) * kev
        density = norm.pdf(x[:, None], e, 0.58 * np.sqrt(e))
        efficiency = np.interp(x, table["energy_kevee"], table["efficiency"])
    mass = (w * efficiency)[:, None] * density
    return np.array([mass[(x > a) & (x < b)].sum(axis=0) for a, b in pairwise(edges)])


def density(component, e):
    if component == "nu_e":
        return 192 * e**2 / M_MU**3 * (0.5 - e / M_MU)
    return 64 * e**2 / M_MU**3 * (0.75 - e / M_MU)


@cache
def shares(name):
    """Accepted share of prompt and delayed arrivals per time bin."""
    mean, edges = (0.5, [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1, 2, 4, 6])
    if name == "coherent_lar_2020":
        mean, edges = 0.44, np.linspace(-0.1, 4.9, 11)

    def pdf(t, tau):
        return exponnorm.pdf(t, tau / 0.15, loc=mean, scale=0.15)

    def loss(t):
        return math.exp(-0.0494 * max(t - 0.52, 0)) if name == "coherent_csi_2021" else 1.0

    def delayed(t):
        mu, pi = 2.1969811, 0.026033
        return (mu * pdf(t, mu) - pi * pdf(t, pi)) / (mu - pi)

    found = {}
    for key, arrival in (("prompt", lambda t: pdf(t, 0.026033)), ("delayed", delayed)):
        share = [
            quad(
                lambda t, f=arrival: f(t) * loss(t),
                a,
                b,
                points=[mean, 0.52],
                epsabs=1e-14,
                limit=200,
            )[0]
            for a, b in pairwise(edges)
        ]
        found[key] = np.array(share) / (sum(share) if name == "coherent_lar_2020" else 1.0)
    return found


@cache
def _recoils(name, isotope, component):
    """Nodes, and cross section for Q = 1 folded with the flux and the response, (n_bins, n)."""
    z, _, atomic, *_ = isotope
    mass = atomic * U - z * M_E
    line = component == "nu_mu"
    e_max = (M_PI**2 - M_MU**2) / (2 * M_PI) if line else M_MU / 2
    t, w = nodes(np.linspace(0, 2 * e_max**2 / (mass + 2 * e_max), 81), 8)
    strength = GF**2 * mass / math.pi * (HBARC * 1e-13) ** 2
    if line:
        rate = 1 - t / e_max - mass * t / (2 * e_max**2)
    else:
        e_min = (t + np.sqrt(t**2 + 2 * mass * t)) / 2
        u, v = nodes(np.array([0.0, 0.5, 1.0]), 20)
        e = e_min + u[:, None] * (e_max - e_min)
        kinematics = 1 - t / e - mass * t / (2 * e**2)
        rate = np.sum(v[:, None] * (e_max - e_min) * density(component, e) * kinematics, axis=0)
    return t, 2 * mass * t, accepted(name, t) * (w * strength * rate)


def brute_force(name, new_charge):
    """Counts in all bins with Q = Q_SM + new_charge(flavour, q2, Z F_p, N F_n)."""
    total = 0.0
    for isotope in ISOTOPES[name]:
        z, a, _, r_p, r_n = isotope
        for component, flavor in COMPONENTS.items():
            _, q2, folded = _recoils(name, isotope, component)
            zf, nf = z * helm(q2, r_p), (a - z) * helm(q2, r_n)
            charge = G_P[flavor] * zf + G_N * nf + new_charge(flavor, q2, zf, nf)
            energy = EXPOSURE[name] * folded @ charge**2
            time = shares(name)["prompt" if component == "nu_mu" else "delayed"]
            total = total + np.outer(energy, time).ravel()
    return total


def universal(mass, g):
    return lambda flavor, q2, zf, nf: g**2 / (math.sqrt(2) * GF * (q2 + mass**2)) * 3 * (zf + nf)


X, W = nodes(np.linspace(0, 1, 9), 12)


def lmu_ltau(mass, g):
    def charge(flavor, q2, zf, _):
        if flavor == "e":
            return 0.0
        y = (X * (1 - X))[:, None]
        loop = np.sum(W[:, None] * y * np.log((M_TAU**2 + y * q2) / (M_MU**2 + y * q2)), axis=0)
        return math.sqrt(2) * ALPHA * g**2 / (math.pi * GF * (q2 + mass**2)) * loop * zf

    return charge


# --- comparisons ------------------------------------------------------------------------------

FIXED = dict.fromkeys(("charge_u", "charge_d", "charge_e", "charge_mu", "charge_tau"), 0.0) | {
    "kinetic_mixing": 0.0,
    "loop_sign": "positive",
}


def maker(name, model, scanned=("coupling",)):
    return TemplateMaker(
        catalog.scenario("light_vector"),
        catalog.experiment(name),
        Conventions(),
        FIXED | {"model": model},
        scanned,
    )


def counts(templates, g):
    return templates.monomials({"coupling": np.asarray(g)}) @ templates.counts[:, 0]


EXPERIMENTS = pytest.mark.parametrize("name", list(ISOTOPES))


def close(found, expected):
    # bins far above the largest recoil hold nothing: 1e-12 counts is no relative matter
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


@EXPERIMENTS
def test_standard_model(name):
    model = TemplateMaker(
        catalog.scenario("standard_model"), catalog.experiment(name), Conventions(), {}, ()
    )
    close(model.fold({}).counts[0], brute_force(name, lambda *_: 0.0))


@EXPERIMENTS
@pytest.mark.parametrize(("model", "law"), [("universal", universal), ("L_mu-L_tau", lmu_ltau)])
@pytest.mark.parametrize("mass", [0.01, 30.0, 1000.0])
def test_at_the_interference_dip(name, model, law, mass):
    templates = maker(name, model).fold({"mass": np.array([mass])})
    middle = -3.0 if model == "universal" else -1.5
    scale = math.log10(max(mass, 30.0) / 1000.0) + middle
    dip = minimize_scalar(
        lambda u: counts(templates, 10**u).sum(),
        bounds=(scale - 1.5, scale + 1.5),
        method="bounded",
    )
    g = 10**dip.x
    # it is a dip: a good part of the Standard Model is cancelled
    assert dip.fun < 0.75 * counts(templates, 0.0).sum()
    close(counts(templates, g), brute_force(name, law(mass, g)))
    close(counts(templates, 3 * g), brute_force(name, law(mass, 3 * g)))


def test_amplitudes_of_unlike_isotopes_are_squared_apart():
    # two nuclides so unlike that one charge for both would be far off (trap 11)
    light, heavy = Isotope("C", 6, 12, 12.0, 2.3, 2.3), Isotope("Pb", 82, 208, 207.98, 5.5, 5.6)
    base = catalog.experiment("coherent_csi_2021")
    scenario = catalog.scenario("light_vector")

    def fold(composition):
        experiment = replace(base, target=Material("toy", composition, 212.0))
        made = TemplateMaker(
            scenario, experiment, Conventions(), FIXED | {"model": "universal"}, ("coupling",)
        )
        return counts(made.fold({"mass": np.array([50.0])}), 1e-4)

    together, apart = fold({light: 2, heavy: 1}), 2 * fold({light: 1}) + fold({heavy: 1})
    np.testing.assert_allclose(together, apart, rtol=1e-12)


def test_neutrinos_and_antineutrinos_scatter_alike():
    # trap 17: the same spectrum called nu or nubar, and flavour e beside mu only by its couplings
    base = catalog.experiment("coherent_csi_2021")
    nubar = base.flux.components[2]
    for mass in (1.0, 100.0):
        found = []
        for name in ("nubar_mu", "nu_mu"):
            experiment = replace(
                base,
                flux=Flux((replace(nubar, name=name),)),
                timing={name: base.timing["nubar_mu"]},
            )
            made = TemplateMaker(
                catalog.scenario("light_vector"),
                experiment,
                Conventions(),
                FIXED | {"model": "B-L"},
                ("coupling",),
            )
            found.append(counts(made.fold({"mass": np.array([mass])}), 1e-4))
        np.testing.assert_array_equal(*found)


def test_rows_and_monomials():
    templates = maker("coherent_csi_2021", "universal").fold({"mass": np.array([1.0, 10.0, 100.0])})
    assert templates.exponents == ((0,), (2,), (4,))
    assert templates.counts.shape == (3, 3, 99)
    np.testing.assert_allclose(
        templates.monomials({"coupling": np.array([2.0, 3.0])}), [[1, 4, 16], [1, 9, 81]]
    )
    # each mass by itself gives the same numbers
    alone = maker("coherent_csi_2021", "universal").fold({"mass": np.array([10.0])})
    np.testing.assert_allclose(templates.counts[:, 1], alone.counts[:, 0], rtol=1e-13)


# --- scenarios made up here: off-diagonal amplitudes, complex ones, terms -----------------------


def _toy(**changes):
    couplings = tuple(Parameter(n, "coupling", default=0.0) for n in ("a", "b"))
    return Scenario("toy", "Q", (), (*couplings, Parameter("mass", "shape")), **changes)


def _made(scenario, couplings=("a", "b"), fixed=None):
    experiment = catalog.experiment("coherent_csi_2021")
    return TemplateMaker(scenario, experiment, Conventions(), fixed or {}, couplings)


def _neutrons(nucleus, q2):
    return nucleus.N * nucleus.neutron_form_factor(q2)


def test_flavour_changing_amplitudes_add_in_quadrature():
    # (e mu) and (e tau), alone and together (trap 15)
    def coherent(initial, final, *, a, b):
        pairs = {("e", "mu"): a, ("mu", "e"): a, ("e", "tau"): b, ("tau", "e"): b}
        return {"n": pairs[initial, final]} if (initial, final) in pairs else {}

    templates = _made(_toy(charges={"n": _neutrons}, coherent=coherent)).fold({})
    assert templates.exponents == ((0, 0), (0, 2), (2, 0))
    at = {
        k: templates.monomials({"a": np.array(v[0]), "b": np.array(v[1])}) @ templates.counts
        for k, v in {"sm": (0, 0), "a": (0.1, 0), "b": (0, 0.1), "ab": (0.1, 0.1)}.items()
    }
    np.testing.assert_allclose(at["ab"] - at["sm"], at["a"] + at["b"] - 2 * at["sm"], rtol=1e-12)
    assert np.all(at["b"].sum() > at["sm"].sum())


def test_complex_and_signed_couplings_keep_the_rate_positive():
    def coherent(initial, final, *, a, b):
        return {"n": a + 1j * b} if initial == final else {}

    templates = _made(_toy(charges={"n": _neutrons}, coherent=coherent)).fold({})
    grid = np.linspace(-2, 2, 41)
    a, b = np.meshgrid(grid, grid)
    rates = templates.monomials({"a": a, "b": b}) @ templates.counts
    assert rates.min() >= -1e-12
    np.testing.assert_allclose(rates, rates[::-1], atol=1e-12)  # no interference with i b
    quadratic = [np.polynomial.polynomial.polyfit(grid, rates[20, :, 40], 4)]
    np.testing.assert_allclose(quadratic[0][3:], 0.0, atol=1e-9)


def test_a_term_adds_without_interference():
    def cross_section(nucleus, e_nu, recoil, *, mass):
        return 1e-38 * nucleus.Z * mass / np.asarray(e_nu) * np.ones_like(recoil)

    def coefficient(flavor, *, a):
        return a**2 if flavor == "e" else 0.0

    toy = _toy(terms=(Term(cross_section, coefficient),))
    templates = _made(toy, ("a",)).fold({"mass": np.array([1.0, 2.0])})
    assert templates.exponents == ((0,), (2,))
    np.testing.assert_allclose(templates.counts[1, 1], 2 * templates.counts[1, 0], rtol=1e-13)
    sm = _made(_toy(), ()).fold({}).counts[0]
    np.testing.assert_allclose(templates.counts[0, 0], sm, rtol=1e-14)

    # by hand: nu_e only, 1/E averaged above the smallest energy, the response of brute force
    name, expected = "coherent_csi_2021", 0.0
    for isotope in ISOTOPES[name]:
        mass = isotope[2] * U - isotope[0] * M_E
        t, w = nodes(np.linspace(0, 2 * (M_MU / 2) ** 2 / (mass + M_MU), 81), 8)
        e_min = (t + np.sqrt(t**2 + 2 * mass * t)) / 2
        u, v = nodes(np.array([0.0, 0.5, 1.0]), 20)
        e = e_min + u[:, None] * (M_MU / 2 - e_min)
        rate = np.sum(v[:, None] * (M_MU / 2 - e_min) * density("nu_e", e) / e, axis=0)
        energy = EXPOSURE[name] * accepted(name, t) @ (w * rate * 1e-38 * isotope[0])
        expected = expected + np.outer(energy, shares(name)["delayed"]).ravel()
    close(templates.counts[1, 0], expected)


def test_what_is_no_polynomial_says_so():
    def coherent(initial, final, *, a):
        return {"n": 1.0 / a} if initial == final else {}

    with pytest.raises(
        DefinitionError, match="must enter as a polynomial; declare others as role 'shape'"
    ):
        _made(_toy(charges={"n": _neutrons}, coherent=coherent), ("a",)).fold({})


def test_a_scheme_without_tau_says_so_where_tau_is_needed():
    base = catalog.experiment("coherent_csi_2021")
    tau = replace(base.flux.components[0], name="nu_tau", flavor="tau")
    experiment = replace(base, flux=Flux((tau,)), timing={"nu_tau": base.timing["nu_mu"]})
    made = TemplateMaker(_toy(), experiment, Conventions(couplings="C20"), {}, ())
    with pytest.raises(
        DefinitionError, match="scheme 'C20' has no proton coupling for nu_tau; choose AC22"
    ):
        made.fold({})


def _raising(error):
    def coherent(initial, final, *, a):
        raise error

    return coherent


@pytest.mark.parametrize(
    ("coherent", "said"),
    [
        (_raising(ZeroDivisionError("division by zero")), "coherent failed: ZeroDivisionError"),
        (_raising(NameError("name 'g' is not defined")), "name 'g' is not defined"),
        (lambda initial, final, *, a: {"neutrn": a}, "unknown charge 'neutrn': did you mean"),
    ],
)
def test_a_mistake_in_a_scenario_is_one_clear_error(coherent, said):
    with pytest.raises(DefinitionError, match=re.escape(said)) as caught:
        _made(_toy(charges={"neutron": _neutrons}, coherent=coherent), ("a",)).fold({})
    assert "mend the scenario" in str(caught.value)


# --- what acts behind the response, and on the nucleus --------------------------------------------


def _by_place(initial, final, a):
    return {}


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: _toy(coherent=lambda initial, final, *, a: a), "give coefficients by charge"),
        (
            lambda: _toy(
                charges={"n": lambda nucleus, q2: np.ones(3)},
                coherent=lambda initial, final, *, a: {"n": a},
            ),
            "gave shape (3,); give one number for each value",
        ),
        (
            lambda: _toy(
                charges={"n": lambda nucleus, q2: None},
                coherent=lambda initial, final, *, a: {"n": a},
            ),
            "gave None; give real numbers",
        ),
        (
            lambda: _toy(terms=(Term(lambda *_: np.ones(5), lambda flavor, *, a: a),)),
            "gave shape (5,); give one number for each value",
        ),
        (
            lambda: _toy(charges={"n": lambda nucleus: 1.0}),
            f"takes 1 positional argument but 2 were given ({Path(__file__).name}, line ",
        ),
        (lambda: _toy(coherent=_by_place), "_by_place takes a by place; write `*, a`"),
    ],
)
def test_an_answer_that_cannot_be_used_names_the_function_and_the_mend(made, said):
    with pytest.raises(DefinitionError, match=re.escape(said)):
        _made(made(), ("a",)).fold({})


@pytest.mark.parametrize("scenario", ["light_vector", "dipole_portal", "sterile"])
def test_shifts_efficiencies_and_radii_on_a_mesh_are_those_one_by_one(scenario):
    """Three inputs of CsI and a parameter of the scenario, against a fold for each point."""
    form, loaded = catalog.scenario(scenario), catalog.experiment("coherent_csi_2021")
    shape, value = {
        "light_vector": ("mass", [3.0, 60.0]),
        "dipole_portal": ("mass", [5.0, 20.0]),
        "sterile": ("dm2_41", [0.5, 20.0]),
    }[scenario]
    fixed = {p.name: p.default for p in form.parameters if p.default is not None}
    fixed |= {"light_vector": {"coupling": 3e-5}, "dipole_portal": {"d_mu": 40.0}}.get(
        scenario, {"U_mu4_squared": 0.2}
    )
    fixed.pop(shape, None)
    axes = {
        shape: np.array(value),
        "csi_efficiency": np.array([-1.0, 0.0, 0.5]),
        "csi_form_factor_scale": np.array([0.9, 1.0]),
        "csi_beam_shift": np.array([0.0, 0.1]),
    }
    mesh = dict(zip(axes, np.meshgrid(*axes.values(), indexing="ij"), strict=True))
    own = {n: v for n, v in fixed.items() if n not in axes}
    found = TemplateMaker(form, loaded, Conventions(), own, ()).fold(mesh).counts[0]
    for place in np.ndindex(found.shape[:-1]):
        at = {name: float(values[place]) for name, values in mesh.items()}
        alone = TemplateMaker(form, loaded, Conventions(), {**own, **at}, ()).fold({}).counts[0]
        np.testing.assert_allclose(found[place], alone, rtol=1e-11, atol=1e-13 * alone.max())
    changes = [np.ptp(found, axis=axis).max() for axis in range(4)]
    assert min(changes) > 1e-2


def test_a_shift_alone_folds_once(monkeypatch):
    loaded = catalog.experiment("coherent_csi_2021")
    made = TemplateMaker(catalog.scenario("standard_model"), loaded, Conventions(), {}, ())
    asked = []
    original = Recoils.counts
    monkeypatch.setattr(Recoils, "counts", lambda *a: asked.append(1) or original(*a))
    shifts = np.linspace(-0.2, 0.2, 7)
    found = made.fold({"csi_beam_shift": shifts}).counts[0]
    assert len(asked) == 6  # two nuclei, three components
    for row, shift in zip(found, shifts.tolist(), strict=True):
        share = loaded.timing_at(csi_beam_shift=shift)["nu_mu"]
        assert 0.0 < row.reshape(9, 11)[4, 2] < found.max()
        assert share.sum() <= 1.0
    alone = made.fold({}).counts[0]
    np.testing.assert_allclose(found[3], alone, rtol=1e-12)
