"""Laws that every catalogued scenario obeys, in every model and every way to give its parameters.

A new file in ``scenarios/`` fails here until it has a case: values at which nothing cancels by
chance, and for each coupling one so large that it must show.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest

from scanner import catalog
from scanner.amplitudes import Amplitudes, Conventions
from scanner.chi2 import ExperimentModel
from scanner.errors import DefinitionError
from scanner.physics.charges import SCALAR_CHARGES
from scanner.scenario import FLAVORS, Scenario
from scenarios import light_vector

EXPERIMENTS = {  # name, choices
    "csi": ("coherent_csi_2021", {}),
    "lar": ("coherent_lar_2020", {}),
    "csi-electrons": ("coherent_csi_2021", {"electron_scattering": "signal"}),
}
WITHOUT_TAU = {  # the beams have no tau neutrinos: these change nothing that is measured
    "charge_tau",
    "r2_nutau",
    "q_nutau",
    "mu_nutau",
    "d_tau",
    "eps_tautau_u",
    "eps_tautau_d",
}
SPIN = {"C_A", "C_P"}  # only 0 is accepted
STANDARD_MODEL = {  # of what is in no scenario's `standard_model`
    "sin2_theta_w": 0.23857,
    "R_n_Cs": 5.09,
    "R_n_I": 5.03,
    "R_n_Ar": 3.55,
    "eps_ee_minus_mumu_u": 0.0,
    "eps_ee_minus_mumu_d": 0.0,
}


@dataclass(frozen=True)
class Case:
    """A scenario in one model: typical values besides the defaults, and huge ones of couplings."""

    scenario: str
    typical: dict = field(default_factory=dict)
    huge: dict = field(default_factory=dict)

    @property
    def form(self) -> Scenario:
        return catalog.scenario(self.scenario)

    def values(self) -> dict:
        """All parameters that have a value."""
        return {p.name: p.default for p in self.form.parameters if p.default is not None} | (
            self.typical
        )

    def couplings(self) -> tuple:
        """Names of the couplings that the case is about."""
        return tuple(n for n in self.typical if self.form.parameter(n).role == "coupling")

    def shapes(self) -> tuple:
        """Names of the shape parameters that the case is about."""
        return tuple(n for n in self.typical if self.form.parameter(n).role == "shape")

    def scanned(self) -> tuple:
        """Names of all numbers that the case is about."""
        return (*self.couplings(), *self.shapes())

    def standard_model(self) -> dict:
        """All parameters with the couplings where the scenario is the Standard Model."""
        at = {**STANDARD_MODEL, **self.form.standard_model}
        values = self.values()
        return values | {n: at[n] for n in values if n in at}


CHARGES = {"charge_u": 0.4, "charge_d": 0.3, "charge_e": 1.0, "charge_mu": 0.7, "charge_tau": 0.5}
VECTOR = {"mass": 30.0, "coupling": 1e-4, "kinetic_mixing": 1e-3}
STRONG_VECTOR = {"coupling": 0.1, "kinetic_mixing": 10.0}
SCALAR = {"mass": 30.0, "coupling": 2e-5}
CONTACT = {"C_V": 0.02, "C_S": 0.02, "C_T": 0.3}
NSI = {
    f"eps_{pair}_{q}": value + shift
    for q, shift in (("u", 0.0), ("d", 0.003))
    for pair, value in {
        "ee": 0.02,
        "mumu": -0.03,
        "tautau": 0.04,
        "emu": 0.05,
        "etau": -0.06,
        "mutau": 0.07,
    }.items()
}
PHASES = {"emu_u": 0.3, "etau_u": 0.7, "mutau_u": 1.1, "emu_d": 1.9, "etau_d": 2.3, "mutau_d": 2.7}
PHASES = {f"phase_{name}": value for name, value in PHASES.items()}
MOMENTS = ("mu_nue", "mu_numu", "mu_nutau", "mu_emu", "mu_etau", "mu_mutau")
RADII = ("r2_nue", "r2_numu", "r2_nutau", "r2_emu", "r2_etau", "r2_mutau")
MILLICHARGES = ("q_nue", "q_numu", "q_nutau", "q_emu", "q_etau", "q_mutau")
STERILE = {"dm2_41": 1.5, "sigma_L": 0.5}
MIXINGS = {"U_e4_squared": 0.02, "U_mu4_squared": 0.03, "U_tau4_squared": 0.04}


def _numbered(names, step):
    """Values so unlike that no two of them can be taken for each other."""
    return {name: step * (1.0 + 0.3 * i) for i, name in enumerate(names)}


CASES = {
    "standard_model": Case("standard_model"),
    **{
        f"light_vector-{model}": Case("light_vector", {"model": model, **VECTOR}, STRONG_VECTOR)
        for model in light_vector.CHARGES
    },
    "light_vector-negative": Case(
        "light_vector", {"model": "L_e-L_mu", "loop_sign": "negative", **VECTOR}, STRONG_VECTOR
    ),
    "light_vector-custom": Case(
        "light_vector",
        {"model": "custom", **VECTOR, **CHARGES},
        STRONG_VECTOR | dict.fromkeys(CHARGES, 1e4),
    ),
    "light_vector-apart": Case(
        "light_vector",
        {
            "model": "custom",
            "mass": 30.0,
            "kinetic_mixing": 1e-3,
            "neutrino_coupling": 1e-5,
            "quark_coupling": 1e-3,
            **CHARGES,
        },
        {"neutrino_coupling": 1.0, "quark_coupling": 10.0, "kinetic_mixing": 100.0}
        | dict.fromkeys(CHARGES, 1e4),
    ),
    **{
        f"light_scalar-{charges}": Case(
            "light_scalar", {"nucleon_charges": charges, **SCALAR}, {"coupling": 0.1}
        )
        for charges in SCALAR_CHARGES
    },
    "light_scalar-apart": Case(
        "light_scalar",
        {"mass": 30.0, "neutrino_coupling": 1e-6, "quark_coupling": 4e-4},
        {"neutrino_coupling": 1e-2, "quark_coupling": 10.0},
    ),
    "light_tensor": Case("light_tensor", {"mass": 30.0, "coupling": 2e-4}, {"coupling": 0.1}),
    **{
        f"generalized_interactions-{charges}": Case(
            "generalized_interactions",
            {"nucleon_charges": charges, **CONTACT},
            {"C_V": 30.0, "C_S": 30.0, "C_T": 300.0},
        )
        for charges in SCALAR_CHARGES
    },
    "generalized_interactions-light": Case(
        "generalized_interactions",
        {"mass": 30.0, **CONTACT},
        {"C_V": 100.0, "C_S": 100.0, "C_T": 1000.0},
    ),
    "nsi": Case("nsi", NSI | PHASES, dict.fromkeys(NSI, 10.0)),
    "nsi-light": Case("nsi", {"mass": 30.0, **NSI}, dict.fromkeys(NSI, 30.0)),
    "nsi-difference": Case(
        "nsi",
        {"eps_ee_minus_mumu_u": -0.9, "eps_ee_minus_mumu_d": 0.4},
        {"eps_ee_minus_mumu_u": 10.0, "eps_ee_minus_mumu_d": 10.0},
    ),
    "magnetic_moment": Case(
        "magnetic_moment", _numbered(MOMENTS, 10.0), dict.fromkeys(MOMENTS, 1e4)
    ),
    "charge_radius": Case("charge_radius", _numbered(RADII, 2.0), dict.fromkeys(RADII, 1e4)),
    "millicharge": Case(
        "millicharge", _numbered(MILLICHARGES, 3.0), dict.fromkeys(MILLICHARGES, 1e4)
    ),
    "weak_mixing_angle": Case("weak_mixing_angle", {"sin2_theta_w": 0.3}, {"sin2_theta_w": 1.0}),
    "neutron_radius-apart": Case("neutron_radius", {"R_n_Cs": 5.3, "R_n_I": 5.2, "R_n_Ar": 3.7}),
    "neutron_radius-common": Case("neutron_radius", {"R_n": 4.5, "boundary": "none"}),
    "neutron_radius-bound": Case(
        "neutron_radius", {"R_n_Cs": 5.3, "R_n_Ar": 3.7, "boundary": "proton_radius"}
    ),
    "sterile": Case("sterile", STERILE | MIXINGS, dict.fromkeys(MIXINGS, 0.5)),
    "sterile-angle": Case("sterile", {**STERILE, "sin2_2theta": 0.2}, {"sin2_2theta": 1.0}),
    "sterile-angles": Case(
        "sterile",
        {**STERILE, "sin2_2theta_e": 0.2, "sin2_2theta_mu": 0.3},
        {"sin2_2theta_e": 1.0, "sin2_2theta_mu": 1.0},
    ),
    "dipole_portal": Case(
        "dipole_portal",
        {"mass": 10.0, "d_e": 20.0, "d_mu": 30.0, "d_tau": 40.0},
        {"d_e": 1e4, "d_mu": 1e4, "d_tau": 1e4},
    ),
    "dipole_portal-common": Case("dipole_portal", {"mass": 10.0, "d": 20.0}, {"d": 1e4}),
}


def _cases(condition=lambda case: True):
    return pytest.mark.parametrize("case", [n for n, case in CASES.items() if condition(case)])


def _measured(condition=lambda case: True):
    """Cases in argon and in CsI, there with electrons wherever they are not refused."""
    pairs = [
        (name, experiment)
        for name, case in CASES.items()
        if condition(case)
        for experiment in ("csi" if case.form.electrons is None else "csi-electrons", "lar")
    ]
    return pytest.mark.parametrize(("case", "experiment"), pairs)


@cache
def _experiment(key):
    name, choices = EXPERIMENTS[key]
    return catalog.experiment(name, choices)


def _model(case, experiment, values, scanned=()):
    fixed = {n: v for n, v in values.items() if n not in scanned}
    return ExperimentModel(
        CASES[case].form, _experiment(experiment), Conventions(), fixed, tuple(scanned)
    )


def _counts(case, experiment, values, points=None):
    """Counts (n, n_bins) where some parameters take the values of `points`, each (n,)."""
    columns = {n: np.atleast_1d(np.asarray(v, dtype=float)) for n, v in (points or {}).items()}
    return _model(case, experiment, values, columns).signal(columns)


def _moved(value):
    return value * 1.5 + 1e-3


# --- the cases themselves -------------------------------------------------------------------------


def test_every_scenario_has_a_case():
    assert {case.scenario for case in CASES.values()} == set(catalog.scenario_names())


@pytest.mark.parametrize("name", catalog.scenario_names())
def test_every_parameter_and_every_choice_has_a_case(name):
    cases = [case for case in CASES.values() if case.scenario == name]
    for parameter in catalog.scenario(name).parameters:
        if parameter.role == "choice":
            seen = {case.values()[parameter.name] for case in cases}
            assert seen == set(parameter.choices), parameter.name
        elif parameter.name not in SPIN:
            typical = [case for case in cases if parameter.name in case.typical]
            assert typical, f"{parameter.name} is in no case"
            if parameter.role == "coupling":
                huge = [case for case in typical if parameter.name in case.huge]
                assert huge, f"{parameter.name} is huge in no case"


@_cases()
def test_the_values_of_a_case_make_sense(case):
    made = CASES[case]
    made.form.validate(made.values())
    for name, value in (made.values() | made.huge).items():
        assert made.form.parameter(name).check(value, name) == value


# --- the laws -------------------------------------------------------------------------------------


@_measured(lambda case: "R_n" not in case.typical)  # one radius for all is nowhere that of tables
def test_couplings_at_their_standard_model_values_give_the_standard_model(case, experiment):
    at = CASES[case].standard_model()
    model = _model(case, experiment, at)
    found, sm = model.signal({})[0], model.standard_model()
    np.testing.assert_array_equal(found, sm)
    chi2 = model.likelihood.profile(np.stack([found, sm])).chi2
    assert chi2[0] == chi2[1]


@_cases(lambda case: case.typical and "R_n" not in case.typical)
def test_a_scan_passes_through_the_standard_model(case):
    at = CASES[case].standard_model()
    sm = _model(case, "csi", at).standard_model()
    names = CASES[case].scanned()
    for i in range(0, len(names), 3):
        found = _counts(case, "csi", at, {n: at[n] for n in names[i : i + 3]})[0]
        # a polynomial at values other than 0 adds up to rounding
        np.testing.assert_allclose(found, sm, rtol=1e-12, atol=1e-13 * sm.max())


@_cases(lambda case: case.form.electrons is None)
def test_electrons_are_refused_where_the_scenario_says_nothing_about_them(case):
    with pytest.raises(DefinitionError, match=r'electrons; choose "ignored"'):
        _model(case, "csi-electrons", CASES[case].values())


@_measured(lambda case: case.huge and case.scenario != "sterile")
def test_a_huge_coupling_does_something(case, experiment):
    typical, names = CASES[case].values(), _felt(case)
    counts = _counts(case, experiment, typical, _one_huge_after_the_other(case, names))
    model = _model(case, experiment, typical)
    sm = model.standard_model()
    for name, found in zip(names, counts[1:], strict=True):
        chi2 = model.likelihood.profile(np.stack([found, sm])).chi2
        assert chi2[0] > chi2[1] + 30.0, name
        # sin^2 theta_W is at most 1
        more = 2.0 if name == "sin2_theta_w" else 100.0
        assert found.sum() > more * max(counts[0].sum(), sm.sum()), name


@_measured(lambda case: case.scenario == "sterile")
def test_a_huge_mixing_takes_neutrinos_away(case, experiment):
    typical, names = CASES[case].values(), CASES[case].couplings()
    base, *counts = _counts(case, experiment, typical, _one_huge_after_the_other(case, names))
    sm = _model(case, experiment, typical).standard_model()
    assert np.all(base <= sm)
    for name, found in zip(names, counts, strict=True):
        assert np.all(found <= sm), name
        if name == "U_tau4_squared":  # it leaves less of |U_s4|^2 to the others
            assert base.sum() < found.sum() < sm.sum()
        else:
            assert found.sum() < 0.9 * sm.sum(), name


def _felt(case):
    """Couplings that neutrinos of the beams feel."""
    return tuple(n for n in CASES[case].couplings() if n not in WITHOUT_TAU)


def _one_huge_after_the_other(case, names):
    """Typical values, then those with each coupling in turn at its huge value."""
    typical, huge = CASES[case].typical, CASES[case].huge
    return {
        n: np.array([typical[n], *(huge[n] if m == n else typical[n] for m in names)])
        for n in names
    }


@_cases()
def test_every_coupling_enters_some_amplitude(case):
    # trap 5: a coupling that is copy-pasted away, or read as another one
    values = CASES[case].values()
    base, seen = _said(case, values), {}
    for name in CASES[case].couplings():
        moved = _said(case, values | {name: _moved(values[name])})
        change = tuple(complex(moved[k] - base[k]) for k in sorted(base))
        assert any(change), name
        seen[name] = change
    assert len(set(seen.values())) == len(seen), "two couplings do the same"


def _moved(value):
    return value * 1.5 + 1e-3


def _said(case, values, couplings=()):
    """Every coefficient that a scenario gives: of amplitudes, of terms, of what disappears."""
    form = CASES[case].form
    fixed = {n: v for n, v in values.items() if n not in couplings}
    amplitudes = Amplitudes(form, Conventions(), fixed, tuple(couplings))
    coefficients = [term.coefficient for term in form.terms]
    coefficients += [form.transition.coefficient] if form.transition else []
    found = {}
    for a in FLAVORS:
        for b in FLAVORS:
            found |= {("nuclear", a, b, k): p for k, p in amplitudes.nuclear(a, b, {}).items()}
            found |= {("electron", a, b, k): p for k, p in amplitudes.electronic(a, b, {}).items()}
        for i, coefficient in enumerate(coefficients):
            asked = amplitudes.ask(coefficient, a, values=amplitudes.values({}))
            found["coefficient", a, "", str(i)] = asked
    at = {n: values[n] for n in couplings}
    return {key: _number(value, at) for key, value in found.items()}


def _number(polynomial, at):
    """Value of a polynomial (or of a number) at these couplings."""
    if not hasattr(polynomial, "terms"):
        return polynomial
    monomials = [
        np.prod([at[n] ** p for n, p in zip(polynomial.variables, e, strict=True)])
        for e in polynomial.terms
    ]
    return sum((c * m for c, m in zip(polynomial.terms.values(), monomials, strict=True)), 0.0)


@_cases()
def test_coefficients_take_polynomials(case):
    values = CASES[case].values()
    symbolic = _said(case, values, CASES[case].couplings())
    for key, value in _said(case, values).items():
        assert symbolic[key] == pytest.approx(value, rel=1e-12), key


@_cases(lambda case: case.typical)
def test_every_parameter_changes_some_count(case):
    # trap 13, shape parameters included
    values = CASES[case].values()
    before = {e: _counts(case, e, values) for e in ("csi", "lar")}
    for name in CASES[case].scanned():
        moved = values | {name: _moved(values[name])}
        change = [np.abs(_counts(case, e, moved) / c - 1.0).max() for e, c in before.items()]
        assert (max(change) > 1e-6) == (name not in WITHOUT_TAU), name


@_measured()
def test_rates_are_never_negative(case, experiment):
    values, names = CASES[case].values(), _felt(case)
    rng = np.random.default_rng(3)
    points = {}
    for name in names:
        drawn = rng.choice([-1.0, 1.0], 300) * values[name] * 10 ** rng.uniform(-3, 4, 300)
        parameter = CASES[case].form.parameter(name)
        points[name] = np.clip(drawn, parameter.minimum, parameter.maximum)
    if case == "sterile":  # unitarity
        inside = sum(points.values()) <= 1.0
        points = {n: v[inside] for n, v in points.items()}
    counts = _counts(case, experiment, values, points)
    assert len(counts) > 20 or not names
    # the sum of the monomials cancels to rounding
    assert np.all(counts >= -1e-12 * counts.max(axis=1, keepdims=True))


@_measured()
def test_counts_are_the_polynomial_that_they_are_folded_as(case, experiment):
    # scanned (couplings as a polynomial, shapes as arrays) or fixed as numbers: the same counts
    values = CASES[case].values()
    scanned = {n: values[n] for n in CASES[case].scanned()}
    found, fixed = _counts(case, experiment, values, scanned), _counts(case, experiment, values)
    np.testing.assert_allclose(found[0], fixed[0], rtol=1e-11, atol=1e-14 * fixed.max())


@_cases(lambda case: case.shapes())
def test_shape_values_at_once_are_those_one_by_one(case):
    values = CASES[case].values()
    points = {n: values[n] * np.array([1.0, 1.3, 0.9]) for n in CASES[case].shapes()}
    together = _counts(case, "csi", values, points)
    for i, counts in enumerate(together):
        alone = _counts(case, "csi", values | {n: float(v[i]) for n, v in points.items()})
        np.testing.assert_allclose(counts, alone[0], rtol=1e-11, atol=1e-14 * counts.max())


# --- what a scenario says of itself ---------------------------------------------------------------


@pytest.mark.parametrize("name", catalog.scenario_names())
def test_scenarios_say_what_they_are(name):
    scenario = catalog.scenario(name)
    assert scenario.title
    assert scenario.formula
    assert scenario.references
    assert all(r.arxiv or r.doi for r in scenario.references)
    names = [p.name for p in scenario.parameters]
    assert len(set(names)) == len(names)
    for parameter in scenario.parameters:
        assert parameter.description
        assert parameter.latex or parameter.role == "choice"
        if parameter.default is not None:
            assert parameter.check(parameter.default, parameter.name) == parameter.default


@pytest.mark.parametrize("name", catalog.scenario_names())
def test_standard_model_values_are_those_of_couplings(name):
    scenario = catalog.scenario(name)
    for coupling, value in scenario.standard_model.items():
        assert scenario.parameter(coupling).role == "coupling"
        assert scenario.parameter(coupling).check(value, coupling) == value
        # what is left alone is the Standard Model
        assert scenario.parameter(coupling).default in (None, value)
    couplings = {p.name for p in scenario.parameters if p.role == "coupling"}
    # the others multiply a coupling, or can only be 0
    others = {*CHARGES, "kinetic_mixing", *SPIN, *STANDARD_MODEL}
    assert couplings - set(scenario.standard_model) <= others
