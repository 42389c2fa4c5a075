"""Every scenario's counts against brute force: formulas written again, on dense grids.

Nothing of the machine is used on this side: cross sections are functions of (E, T) that are added
up over the flux, the response and the time windows. The oscillation integrates over the energy
first and the recoil inside, the dipole portal over the scattering angle, so that neither shares the
order of integration with the machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.interpolate import CubicSpline
from scipy.special import spherical_jn
from scipy.stats import exponnorm, gamma, norm

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.experiments import _tables

# --- the machine's side ---------------------------------------------------------------------------


def counts(scenario, experiment, scanned, choices=None, **fixed):
    """Counts (n, n_bins) of the machine: couplings as a polynomial, shapes as arrays."""
    form = catalog.scenario(scenario)
    values = {p.name: p.default for p in form.parameters if p.default is not None} | fixed
    columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, float)) for v in scanned.values()))
    model = ExperimentModel(
        form,
        catalog.experiment(experiment, choices),
        Conventions(),
        {n: v for n, v in values.items() if n not in scanned},
        tuple(scanned),
    )
    return model.signal(dict(zip(scanned, columns, strict=True)))


def close(found, expected, rtol=1e-6):
    # bins far above the largest recoil hold nothing: 1e-10 counts is no relative matter
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-10)


# --- brute force ----------------------------------------------------------------------------------

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"
EXPERIMENTS = pytest.mark.parametrize("name", [CSI, LAR])

GF, HBARC, ALPHA = 1.1663787e-11, 197.3269804, 1 / 137.036
M_MU, M_PI, U, M_E = 105.6583755, 139.57039, 931.49410242, 0.51099895
CM2 = (HBARC * 1e-13) ** 2
E_LINE, E_END = (M_PI**2 - M_MU**2) / (2 * M_PI), M_MU / 2
AVOGADRO = 6.02214076e23
LENGTH = {CSI: 19.3, LAR: 27.5}
FLUENCE = {
    CSI: 0.0848 * 3.198e23 / (4 * math.pi * 1930.0**2),
    LAR: 0.09 * 1.37e23 / (4 * math.pi * 2750.0**2),
}
ATOMS = {CSI: AVOGADRO * 14600 / 259.81, LAR: AVOGADRO * 24000 / 39.95}  # of each isotope
COMPONENTS = {"nu_mu": "mu", "nu_e": "e", "nubar_mu": "mu"}
G_P, G_N = {"e": 0.0382, "mu": 0.0300, "tau": 0.0256}, -0.5117


@dataclass(frozen=True)
class Nuclide:
    """A nuclide, with its Helm form factors."""

    symbol: str
    z: int
    a: int
    atomic: float
    r_p: float
    r_n: float

    @property
    def mass(self):
        return self.atomic * U - self.z * M_E

    def protons(self, t):
        return self.z * helm(2 * self.mass * t, self.r_p)

    def neutrons(self, t, radius=None):
        return (self.a - self.z) * helm(2 * self.mass * t, radius or self.r_n)


NUCLIDES = {
    CSI: (
        Nuclide("Cs", 55, 133, 132.905451958, 4.821, 5.09),
        Nuclide("I", 53, 127, 126.904472592, 4.766, 5.03),
    ),
    LAR: (Nuclide("Ar", 18, 40, 39.962383122, 3.448, 3.55),),
}


def helm(q2, radius):
    q = np.sqrt(q2) / HBARC
    x = q * math.sqrt(5 / 3 * (radius**2 - 3 * 0.81))
    return 3 * spherical_jn(1, x) / x * np.exp(-0.5 * (0.9 * q) ** 2)


def nodes(points, order):
    """Gauss-Legendre between neighbouring points."""
    x, w = np.polynomial.legendre.leggauss(order)
    low, width = np.asarray(points)[:-1, None], np.diff(points)[:, None]
    return (low + 0.5 * (x + 1) * width).ravel(), (0.5 * w * width).ravel()


def accepted(name, t, electrons=False):
    """Probability (n_bins, n) of each energy bin for recoils t in MeV."""
    kev = 1e3 * t
    if name == CSI:
        edges = [0, 8, 12, 16, 20, 24, 32, 40, 50, 60]
        kink = 10.8646 - math.log(1.32045 / 0.333322 - 1) / 0.285979
        x, w = nodes(np.sort([*np.arange(0, 60.5, 0.5), kink]), 8)
        e = 1e3 * (0.0554628 * t + 4.30681 * t**2 - 111.707 * t**3 + 840.384 * t**4)
        e = kev if electrons else e
        shape = 1 + 9.56 * e
        density = gamma.pdf(x[:, None], shape, scale=e / 0.0749 / shape)
        efficiency = np.maximum(1.32045 / (1 + np.exp(-0.285979 * (x - 10.8646))) - 0.333322, 0)
    else:
        edges = list(range(0, 130, 10))
        table = _tables.read(name, "efficiency.csv")
        x, w = nodes(np.union1d(np.arange(0, 120.25, 0.25), table["energy_kevee"]), 6)
        e = (0.246 + 0.00078 * kev) * kev
        density = norm.pdf(x[:, None], e, 0.58 * np.sqrt(e))
        efficiency = np.interp(x, table["energy_kevee"], table["efficiency"])
    mass = (w * efficiency)[:, None] * density
    return np.array([mass[(x > a) & (x < b)].sum(axis=0) for a, b in pairwise(edges)])


def density(component, e):
    """Normalised Michel spectra, MeV^-1."""
    if component == "nu_e":
        return 192 * e**2 / M_MU**3 * (0.5 - e / M_MU)
    return 64 * e**2 / M_MU**3 * (0.75 - e / M_MU)


@cache
def shares(name):
    """Accepted share of prompt and delayed arrivals per time bin."""
    mean, edges = (0.5, [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1, 2, 4, 6])
    if name == LAR:
        mean, edges = 0.44, np.linspace(-0.1, 4.9, 11)

    def pdf(t, tau):
        return exponnorm.pdf(t, tau / 0.15, loc=mean, scale=0.15)

    def delayed(t):
        mu, pi = 2.1969811, 0.026033
        return (mu * pdf(t, mu) - pi * pdf(t, pi)) / (mu - pi)

    def share(arrival, a, b):
        def rate(t):
            return arrival(t) * (math.exp(-0.0494 * max(t - 0.52, 0)) if name == CSI else 1.0)

        return quad(rate, a, b, points=[mean, 0.52], epsabs=1e-14, limit=200)[0]

    found = {}
    for key, arrival in (("prompt", lambda t: pdf(t, 0.026033)), ("delayed", delayed)):
        parts = np.array([share(arrival, a, b) for a, b in pairwise(edges)])
        found[key] = parts / (parts.sum() if name == LAR else 1.0)
    return found


def in_time(name, component, energy):
    """Counts in all bins of those in the energy bins."""
    return np.outer(energy, shares(name)["prompt" if component == "nu_mu" else "delayed"]).ravel()


@cache
def recoils(name, nuclide, line):
    """Recoil nodes (n,), and response x width x targets x fluence at them, (n_bins, n)."""
    e_max = E_LINE if line else E_END
    t, w = nodes(np.linspace(0, 2 * e_max**2 / (nuclide.mass + 2 * e_max), 81), 8)
    return t, accepted(name, t) * w * ATOMS[name] * FLUENCE[name]


def energies(component, e_min):
    """Energies and flux x width above each e_min (n,), both (m, n)."""
    if component == "nu_mu":
        return np.full((1, len(e_min)), E_LINE), np.ones((1, len(e_min)))
    u, v = nodes(np.array([0.0, 0.5, 1.0]), 20)
    e = e_min + u[:, None] * (E_END - e_min)
    return e, v[:, None] * (E_END - e_min) * density(component, e)


def smallest_energy(t, mass):
    return (t + np.sqrt(t**2 + 2 * mass * t)) / 2


def brute_force(name, cross_section):
    """Counts in all bins of ``cross_section(nuclide, flavor, e, t)`` in cm^2/MeV."""
    total = 0.0
    for nuclide in NUCLIDES[name]:
        for component, flavor in COMPONENTS.items():
            t, weights = recoils(name, nuclide, component == "nu_mu")
            e, flux = energies(component, smallest_energy(t, nuclide.mass))
            spectrum = np.sum(flux * cross_section(nuclide, flavor, e, t), axis=0)
            total = total + in_time(name, component, weights @ spectrum)
    return total


def weak_unit(mass, e, t):
    """G_F^2 M/pi (1 - T/E - M T/(2 E^2))."""
    return GF**2 * mass / math.pi * CM2 * (1 - t / e - mass * t / (2 * e**2))


def weak(charges):
    """Cross section of ``charges(nuclide, flavor, t)``: amplitudes to the final flavours."""

    def cross_section(nuclide, flavor, e, t):
        square = sum(np.abs(q) ** 2 for q in charges(nuclide, flavor, t))
        return weak_unit(nuclide.mass, e, t) * square

    return cross_section


def q_sm(nuclide, flavor, t):
    return G_P[flavor] * nuclide.protons(t) + G_N * nuclide.neutrons(t)


def standard_model(nuclide, flavor, e, t):
    return weak_unit(nuclide.mass, e, t) * q_sm(nuclide, flavor, t) ** 2


def plus(*cross_sections):
    return lambda *point: sum(f(*point) for f in cross_sections)


# --- scenarios on nuclei --------------------------------------------------------------------------


@EXPERIMENTS
def test_standard_model(name):
    close(counts("standard_model", name, {})[0], brute_force(name, standard_model))


MASSES = (0.1, 30.0, 1000.0)


@EXPERIMENTS
@pytest.mark.parametrize(
    ("charges", "c_p", "c_n"),
    [("sigma_term", 59.1 / 3.42, 59.1 / 3.42), ("quark_content", 15.1, 14.0)],
)
def test_light_scalar(name, charges, c_p, c_n):
    g = np.array([2e-5, 3e-5, 5e-4])
    found = counts("light_scalar", name, {"mass": MASSES, "coupling": g}, nucleon_charges=charges)
    for i, mass in enumerate(MASSES):

        def scalar(nuclide, _, e, t, mass=mass, g=g[i]):
            charge = g**2 * (c_p * nuclide.protons(t) + c_n * nuclide.neutrons(t))
            exchange = charge / (2 * nuclide.mass * t + mass**2)
            return nuclide.mass**2 * t / (4 * math.pi * e**2) * exchange**2 * CM2

        expected = brute_force(name, plus(standard_model, scalar))
        assert expected.sum() > 1.2 * found[0].sum() or i == 0
        close(found[i], expected)


@EXPERIMENTS
def test_light_tensor(name):
    g = np.array([2e-4, 3e-4, 5e-3])
    found = counts("light_tensor", name, {"mass": MASSES, "coupling": g})
    sm = counts("standard_model", name, {})[0].sum()
    for i, mass in enumerate(MASSES):

        def tensor(nuclide, _, e, t, mass=mass, g=g[i]):
            charge = g**2 * 0.31 * (nuclide.protons(t) + nuclide.neutrons(t))
            exchange = charge / (2 * nuclide.mass * t + mass**2)
            shape = 1 - nuclide.mass * t / (4 * e**2) - t / e
            return nuclide.mass / (2 * math.pi) * exchange**2 * shape * CM2

        assert found[i].sum() > 1.05 * sm
        close(found[i], brute_force(name, plus(standard_model, tensor)))


@EXPERIMENTS
@pytest.mark.parametrize("mass", [None, 40.0])
def test_generalized_interactions(name, mass):
    c_v, c_s, c_t = 0.11, 0.07, 1.3
    fixed = {} if mass is None else {"mass": mass}
    found = counts(
        "generalized_interactions", name, {"C_V": [c_v, -c_v], "C_S": c_s, "C_T": c_t}, **fixed
    )
    for i, sign in enumerate((1, -1)):

        def exchange(nuclide, t):
            return 1.0 if mass is None else mass**2 / (2 * nuclide.mass * t + mass**2)

        def vector(nuclide, flavor, e, t, sign=sign):
            nucleons = nuclide.protons(t) + nuclide.neutrons(t)
            q = q_sm(nuclide, flavor, t) + sign * 1.5 * c_v * nucleons * exchange(nuclide, t)
            return weak_unit(nuclide.mass, e, t) * q**2

        def others(nuclide, _, e, t):
            nucleons = (nuclide.protons(t) + nuclide.neutrons(t)) * exchange(nuclide, t)
            unit = GF**2 * nuclide.mass / (4 * math.pi) * CM2 * nucleons**2
            t_max = 2 * e**2 / nuclide.mass
            scalar = (c_s * 59.1 / 3.42) ** 2 * t / t_max
            return unit * (scalar + (c_t * 0.31) ** 2 * (1 - t / (2 * t_max) - t / e))

        close(found[i], brute_force(name, plus(vector, others)))


@EXPERIMENTS
def test_nsi(name):
    """Diagonal, and complex off the diagonal with unlike phases of u and d, all at once."""
    eps = {
        ("ee", "u"): 0.11,
        ("mumu", "u"): -0.07,
        ("ee", "d"): -0.05,
        ("mumu", "d"): 0.13,
        ("emu", "u"): 0.06,
        ("emu", "d"): 0.09,
        ("etau", "u"): -0.08,
        ("etau", "d"): 0.05,
        ("mutau", "u"): 0.12,
        ("mutau", "d"): -0.1,
    }
    phases = {("emu", "u"): 0.4, ("emu", "d"): 2.2, ("etau", "u"): 1.3, ("mutau", "d"): -0.9}
    pairs = {"e": ("ee", "emu", "etau"), "mu": ("mumu", "emu", "mutau")}

    def charges(nuclide, flavor, t, mass=None):
        zf, nf = nuclide.protons(t), nuclide.neutrons(t)
        reach = 1.0 if mass is None else mass**2 / (2 * nuclide.mass * t + mass**2)
        for pair in pairs[flavor]:
            u, d = (eps[pair, q] * np.exp(1j * phases.get((pair, q), 0.0)) for q in ("u", "d"))
            q_new = reach * ((2 * u + d) * zf + (u + 2 * d) * nf)
            yield q_new + (q_sm(nuclide, flavor, t) if pair in ("ee", "mumu") else 0.0)

    strengths = {f"eps_{pair}_{q}": value for (pair, q), value in eps.items()}
    angles = {f"phase_{pair}_{q}": value for (pair, q), value in phases.items()}
    scanned = {n: strengths.pop(n) for n in ("eps_ee_u", "eps_emu_u", "eps_emu_d", "eps_mutau_d")}
    found = counts("nsi", name, {**scanned, **angles}, **strengths)[0]
    expected = brute_force(name, weak(charges))
    close(found, expected)
    # the phases matter
    real = counts("nsi", name, scanned, **strengths)[0]
    assert abs(found.sum() / real.sum() - 1.0) > 0.02
    light = counts("nsi", name, {**scanned, **angles, "mass": 25.0}, **strengths)[0]
    close(light, brute_force(name, weak(lambda *point: charges(*point, mass=25.0))))


RADIUS = math.sqrt(2) * math.pi * ALPHA / (3 * GF) / CM2 * 1e-32  # per 1e-32 cm^2
SM_RADII = {"e": -0.83, "mu": -0.48}


@EXPERIMENTS
def test_charge_radius(name):
    assert abs(RADIUS / 2.3796e-2 - 1.0) < 1e-4
    own, changing = {"e": -21.0, "mu": 9.0}, {"emu": 7.0, "etau": 11.0, "mutau": 5.0}

    def charges(nuclide, flavor, t):
        g_p = G_P[flavor] - RADIUS * (own[flavor] - SM_RADII[flavor])
        yield g_p * nuclide.protons(t) + G_N * nuclide.neutrons(t)
        for pair, radius in changing.items():
            if pair.startswith(flavor) or pair == "emu":
                yield RADIUS * radius * nuclide.protons(t)

    found = counts(
        "charge_radius",
        name,
        {"r2_nue": own["e"], "r2_numu": own["mu"], "r2_emu": 7.0},
        r2_etau=11.0,
        r2_mutau=5.0,
    )
    close(found[0], brute_force(name, weak(charges)))


@EXPERIMENTS
def test_millicharge(name):
    own, changing = {"e": 13.0, "mu": -8.0}, {"emu": 5.0, "etau": 9.0, "mutau": 6.0}

    def charges(nuclide, flavor, t):
        photon = 2 * math.sqrt(2) * math.pi * ALPHA * 1e-8 / (GF * 2 * nuclide.mass * t)
        g_p = G_P[flavor] + photon * own[flavor]
        yield g_p * nuclide.protons(t) + G_N * nuclide.neutrons(t)
        for pair, charge in changing.items():
            if pair.startswith(flavor) or pair == "emu":
                yield photon * charge * nuclide.protons(t)

    found = counts(
        "millicharge",
        name,
        {"q_nue": own["e"], "q_numu": own["mu"], "q_mutau": 6.0},
        q_emu=5.0,
        q_etau=9.0,
    )
    close(found[0], brute_force(name, weak(charges)))


@EXPERIMENTS
def test_magnetic_moment(name):
    # transition moments add to both of their flavours
    squares = {"e": 30.0**2 + 11.0**2 + 17.0**2, "mu": 25.0**2 + 11.0**2 + 13.0**2}

    def moment(nuclide, flavor, e, t):
        unit = math.pi * ALPHA**2 / M_E**2 * CM2 * (1 / t - 1 / e)
        return unit * nuclide.protons(t) ** 2 * squares[flavor] * 1e-20

    found = counts(
        "magnetic_moment",
        name,
        {"mu_nue": 30.0, "mu_numu": 25.0, "mu_emu": 11.0},
        mu_etau=17.0,
        mu_mutau=13.0,
    )
    close(found[0], brute_force(name, plus(standard_model, moment)))


@EXPERIMENTS
def test_weak_mixing_angle_and_neutron_radii(name):
    radii = {"Cs": 5.6, "I": 4.4, "Ar": 4.1}
    own = {f"R_n_{n.symbol}": radii[n.symbol] for n in NUCLIDES[name]}

    def charges(nuclide, flavor, t, shift=0.0):
        g_p = G_P[flavor] - 2 * shift
        radius = radii[nuclide.symbol]
        yield g_p * nuclide.protons(t) + G_N * nuclide.neutrons(t, radius)

    close(counts("neutron_radius", name, own)[0], brute_force(name, weak(charges)))
    # both inputs at once
    scanned = {"sin2_theta_w": [0.31, 0.15], **own}
    shifted = counts("weak_mixing_angle", name, scanned)
    for found, shift in zip(shifted, (0.31 - 0.23857, 0.15 - 0.23857), strict=True):
        law = weak(lambda *point, s=shift: charges(*point, shift=s))
        close(found, brute_force(name, law))


@EXPERIMENTS
def test_one_radius_for_all_nuclei(name):
    def charges(nuclide, flavor, t):
        yield G_P[flavor] * nuclide.protons(t) + G_N * nuclide.neutrons(t, 4.6)

    close(counts("neutron_radius", name, {"R_n": [4.6, 5.0]})[0], brute_force(name, weak(charges)))


# --- disappearance --------------------------------------------------------------------------------


@cache
def by_energy(name, nuclide, flavor):
    """Standard Model events per unit fluence from one energy: a function e (n,) -> (n_bins, n).

    The integral over the recoil up to 2 E^2/(M + 2 E), from antiderivatives of the powers of T.
    """
    mass = nuclide.mass
    t = np.linspace(0.0, 2 * E_END**2 / (mass + 2 * E_END), 6001)
    response = np.zeros((len(accepted(name, t[1:2])), len(t)))
    response[:, 1:] = accepted(name, t[1:])
    charge = np.append(G_P[flavor] * nuclide.z + G_N * (nuclide.a - nuclide.z), 0.0)[:1]
    charge = np.append(charge, q_sm(nuclide, flavor, t[1:]))
    strength = GF**2 * mass / math.pi * CM2 * charge**2 * response
    flat, rising = (CubicSpline(t, strength * t**k, axis=1).antiderivative() for k in (0, 1))

    def events(e):
        top = 2 * e**2 / (mass + 2 * e)
        return flat(top) - rising(top) * (1 / e + mass / (2 * e**2))

    return events


def disappearing(name, survival, n=100_000):
    """Counts in all bins with ``survival(flavor, e)``, summed over the energy in small steps."""
    e = (np.arange(n) + 0.5) * E_END / n
    total = 0.0
    for nuclide in NUCLIDES[name]:
        for component, flavor in COMPONENTS.items():
            events = by_energy(name, nuclide, flavor)
            if component == "nu_mu":
                at = np.array([E_LINE])
                energy = (events(at) * survival(flavor, at))[:, 0]
            else:
                flux = density(component, e) * E_END / n
                energy = events(e) @ (flux * survival(flavor, e))
            energy = energy * ATOMS[name] * FLUENCE[name]
            total = total + in_time(name, component, energy)
    return total


@EXPERIMENTS
def test_order_of_integration(name):
    expected = brute_force(name, standard_model)
    close(disappearing(name, lambda flavor, e: 1.0), expected, rtol=3e-6)


def survives(name, angles, dm2):
    def survival(flavor, e):
        return 1 - angles[flavor] * np.sin(1.267 * dm2 * LENGTH[name] / e) ** 2

    return survival


@EXPERIMENTS
@pytest.mark.parametrize("dm2", [0.3, 2.0, 50.0])
def test_sterile_with_effective_angles(name, dm2):
    scanned = {"dm2_41": dm2, "sin2_2theta_e": [0.9, 0.0, 0.5], "sin2_2theta_mu": [0.0, 0.8, 0.3]}
    found = counts("sterile", name, scanned)
    for row, e, mu in zip(found, scanned["sin2_2theta_e"], scanned["sin2_2theta_mu"], strict=True):
        expected = disappearing(name, survives(name, {"e": e, "mu": mu}, dm2))
        close(row, expected, rtol=1e-5)


@EXPERIMENTS
def test_sterile_with_mixings(name):
    mixing = {"e": 0.15, "mu": 0.1, "tau": 0.05}
    found = counts(
        "sterile",
        name,
        {"dm2_41": [2.0], "U_e4_squared": 0.15, "U_mu4_squared": 0.1},
        U_tau4_squared=0.05,
    )
    angles = {flavor: 4 * u * (1 - 0.3) for flavor, u in mixing.items()}
    close(found[0], disappearing(name, survives(name, angles, 2.0)), rtol=1e-5)


def test_baseline_with_a_spread():
    dm2, spread = 2.0, 1.5
    found = counts("sterile", CSI, {"dm2_41": dm2, "sigma_L": spread, "sin2_2theta": 0.7})[0]
    # the average over a Gaussian of baselines, by hand
    x, w = np.polynomial.hermite_e.hermegauss(40)
    w = w / w.sum()

    def survival(flavor, e):
        lengths = 19.3 + spread * x
        phase = 1.267 * dm2 * lengths[:, None] / e
        return 1 - 0.7 * np.sum(w[:, None] * np.sin(phase) ** 2, axis=0)

    close(found, disappearing(CSI, survival, 20_000), rtol=1e-5)


@EXPERIMENTS
def test_fast_oscillation_averages_to_half(name):
    # trap 21; the line stays a line: its one energy has one phase
    dm2 = 1e4
    found = counts("sterile", name, {"dm2_41": dm2, "sin2_2theta": 1.0})[0]
    line = math.sin(1.267 * dm2 * LENGTH[name] / E_LINE) ** 2

    def averaged(flavor, e):
        return np.where(np.size(e) == 1, 1 - line, 0.5)

    close(found, disappearing(name, averaged), rtol=1e-5)
    # so does the oscillation itself, step by step: to 1e-4 of the counts
    exact = disappearing(name, survives(name, {"e": 1.0, "mu": 1.0}, dm2), 1_000_000)
    np.testing.assert_allclose(found, exact, rtol=1e-3, atol=1e-4 * exact.max())


def test_where_averaging_begins():
    """What is left of an oscillation that is taken as averaged: 5e-4 of argon's counts.

    The spectrum of nubar_mu does not vanish at its end point, so its last half period stays.
    """
    dm2 = 1335.0
    found = counts("sterile", LAR, {"dm2_41": dm2, "sin2_2theta": 1.0})[0]
    exact = disappearing(LAR, survives(LAR, {"e": 1.0, "mu": 1.0}, dm2), 400_000)
    sm = counts("standard_model", LAR, {})[0]
    assert abs(found.sum() - exact.sum()) < 1e-3 * sm.sum()
    np.testing.assert_allclose(found, exact, rtol=0.05, atol=2e-3 * sm.max())


# --- dipole portal --------------------------------------------------------------------------------


@cache
def response_over_recoil(name, nuclide):
    """Response (n_bins,) over sqrt(T), from a dense table."""
    root = np.linspace(0, math.sqrt(2 * E_END**2 / nuclide.mass) * 1.01, 4001)[1:]
    return CubicSpline(root, accepted(name, root**2), axis=1)


COSINES = nodes(1 - 2 * np.linspace(0, 1, 41) ** 3, 10)
"""cos(theta) of the scattering, from forward (small recoils) to backward; weights are negative."""


def upscattered(name, nuclide, heavy, e):
    """Counts per fluence and nucleus in the energy bins, for each energy (n,), over the angle."""
    mass = nuclide.mass
    s = mass**2 + 2 * mass * e
    before = (s - mass**2) / (2 * np.sqrt(s))
    e_heavy = (s + heavy**2 - mass**2) / (2 * np.sqrt(s))
    after = np.sqrt(np.maximum(e_heavy**2 - heavy**2, 0.0))
    cos, weights = COSINES
    minus_t = 2 * before * e_heavy - heavy**2 - 2 * before * after * cos[:, None]
    t = minus_t / (2 * mass)
    dt = -weights[:, None] * before * after / mass  # 2 M dT = 2 k k' d cos
    unit = math.pi * ALPHA**2 / M_E**2 * CM2 * 1e-20 * nuclide.protons(t) ** 2
    shape = (
        1 / t
        - 1 / e
        - heavy**2 / (2 * e * t * mass) * (1 - t / (2 * e) + mass / (2 * e))
        + heavy**4 * (t - mass) / (8 * e**2 * t**2 * mass**2)
    )
    assert np.all(shape > 0.0)
    response = response_over_recoil(name, nuclide)(np.sqrt(t))
    return np.sum(response * unit * shape * dt, axis=1)


def dipole(name, heavy, dipoles):
    total = 0.0
    for nuclide in NUCLIDES[name]:
        threshold = heavy + heavy**2 / (2 * nuclide.mass)
        for component, flavor in COMPONENTS.items():
            e_max = E_LINE if component == "nu_mu" else E_END
            if threshold >= e_max:
                continue
            if component == "nu_mu":
                energy = upscattered(name, nuclide, heavy, np.array([E_LINE]))[:, 0]
            else:
                # the phase space opens like a square root at the threshold
                u, w = nodes(np.linspace(0, 1, 17), 8)
                e = threshold + (e_max - threshold) * u**2
                flux = density(component, e) * w * 2 * u * (e_max - threshold)
                energy = upscattered(name, nuclide, heavy, e) @ flux
            energy = energy * ATOMS[name] * FLUENCE[name] * dipoles[flavor] ** 2
            total = total + in_time(name, component, energy)
    return total


@EXPERIMENTS
@pytest.mark.parametrize("heavy", [5.0, 10.0, 30.0, 45.0])
def test_dipole_portal(name, heavy):
    sm = counts("standard_model", name, {})[0]
    dipoles = {"e": np.array([1e3, 0.0, 7e2]), "mu": np.array([0.0, 1e3, 9e2])}
    scanned = {"mass": heavy, "d_e": dipoles["e"], "d_mu": dipoles["mu"]}
    for i, row in enumerate(counts("dipole_portal", name, scanned)):
        expected = dipole(name, heavy, {flavor: d[i] for flavor, d in dipoles.items()})
        assert expected.sum() > 1.0 or (i, heavy) == (1, 45.0)
        np.testing.assert_allclose(row - sm, expected, rtol=1e-5, atol=1e-7 * expected.max())
    common = counts("dipole_portal", name, {"mass": heavy, "d": 8e2})[0]
    expected = dipole(name, heavy, {"e": 8e2, "mu": 8e2})
    np.testing.assert_allclose(common - sm, expected, rtol=1e-5, atol=1e-7 * expected.max())


def test_too_heavy_a_lepton_is_not_made():
    sm = counts("standard_model", CSI, {})[0]
    found = counts("dipole_portal", CSI, {"mass": [29.8, 52.9], "d_e": 1e3, "d_mu": 1e3})
    np.testing.assert_array_equal(found[1], sm)
    assert found[0].sum() > 10 * sm.sum()
    # above the line's energy no prompt neutrino makes it: nothing is added early on
    new = (found[0] - sm).reshape(9, 11).sum(axis=0)
    delayed = shares(CSI)["delayed"]
    np.testing.assert_allclose(new / new.sum(), delayed / delayed.sum(), rtol=1e-7)


# --- electrons in CsI -----------------------------------------------------------------------------

SHELLS = {  # keV, electrons: X-ray tables as quoted by physics of the CsI analyses
    "Cs": "35.985 2 5.714 2 5.359 2 5.012 4 1.211 2 1.071 2 1.003 4 .7405 4 .7266 6 "
    ".2323 2 .1724 2 .1613 4 .079 4 .077 6 0 9",
    "I": "33.169 2 5.188 2 4.852 2 4.557 4 1.072 2 .931 2 .875 4 .631 4 .619 6 "
    ".186 2 .123 2 .123 4 .0506 4 .049 6 0 7",
}
ELECTRON = {"e": (0.9521, 0.4938), "mu": (-0.0397, -0.5062)}


def shells(symbol):
    numbers = [float(x) for x in SHELLS[symbol].split()]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


@cache
def electron_recoils():
    """Nodes (n,) in MeV, and response x width x electrons x fluence at them, (n_bins, n)."""
    steps = {e * 1e-3 for symbol in SHELLS for e, _ in shells(symbol) if 0 < e < 20}
    points = np.union1d(np.geomspace(1e-6, 0.02, 400), [0.0, *steps])
    t, w = nodes(points, 6)
    free = sum(n * (1e3 * t > e) for symbol in SHELLS for e, n in shells(symbol))
    return t, accepted(CSI, t, electrons=True) * w * free * ATOMS[CSI] * FLUENCE[CSI]


def electrons(couplings, moment=None):
    """Counts in all bins of neutrino-electron scattering.

    ``couplings(flavor, t)``: vector couplings of the electron to the final flavours, the flavour
    itself first; ``moment``: squared magnetic moment by flavour in 1e-20 mu_B^2.
    """
    t, weights = electron_recoils()
    total = 0.0
    for component, flavor in COMPONENTS.items():
        e, flux = energies(component, smallest_energy(t, M_E))
        g_a = ELECTRON[flavor][1] * (-1 if component == "nubar_mu" else 1)
        own, *others = couplings(flavor, t)
        unit = GF**2 * M_E / (2 * math.pi) * CM2

        def dirac(v, a, e=e):
            return (v + a) ** 2 + (v - a) ** 2 * (1 - t / e) ** 2 - (v**2 - a**2) * M_E * t / e**2

        sigma = unit * (dirac(own, g_a) + sum(dirac(v, 0.0) for v in others))
        if moment:
            photon = math.pi * ALPHA**2 / M_E**2 * CM2 * (1 / t - 1 / e)
            sigma = sigma + photon * moment[flavor] * 1e-20
        total = total + in_time(CSI, component, weights @ np.sum(flux * sigma, axis=0))
    return total


SIGNAL = {"electron_scattering": "signal"}


def on_electrons(scenario, scanned, **fixed):
    """What counting electrons adds, (n, n_bins)."""
    with_them = counts(scenario, CSI, scanned, SIGNAL, **fixed)
    return with_them - counts(scenario, CSI, scanned, **fixed)


def g_v(flavor, t, shift=0.0):
    return ELECTRON[flavor][0] + shift * np.ones_like(t)


def test_electrons_in_the_standard_model():
    found = on_electrons("standard_model", {})[0]
    expected = electrons(lambda flavor, t: [g_v(flavor, t)])
    assert 5e-5 < expected.sum() < 2e-4
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-13)
    at = on_electrons("weak_mixing_angle", {"sin2_theta_w": 0.3})[0]
    shift = 2 * (0.3 - 0.23857)  # g_V = 2 sin^2 theta_W +- 1/2
    expected = electrons(lambda flavor, t: [g_v(flavor, t, shift)])
    np.testing.assert_allclose(at, expected, rtol=1e-6, atol=1e-13)


def test_electrons_with_magnetic_moments():
    found = on_electrons("magnetic_moment", {"mu_nue": 40.0, "mu_numu": 30.0, "mu_emu": 5.0})[0]
    squares = {"e": 40.0**2 + 25.0, "mu": 30.0**2 + 25.0}
    expected = electrons(lambda flavor, t: [g_v(flavor, t)], squares)
    assert expected.sum() > 5.0
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-10)


def test_electrons_with_charge_radii():
    own, changing = {"e": 30.0, "mu": -40.0}, {"emu": 20.0, "etau": 25.0, "mutau": 35.0}

    def couplings(flavor, t):
        # the electron's charge is -1: + K <r^2>
        yield g_v(flavor, t, RADIUS * (own[flavor] - SM_RADII[flavor]))
        for pair, radius in changing.items():
            if pair.startswith(flavor) or pair == "emu":
                yield RADIUS * radius * np.ones_like(t)

    found = on_electrons(
        "charge_radius",
        {"r2_nue": 30.0, "r2_numu": -40.0, "r2_emu": 20.0},
        r2_etau=25.0,
        r2_mutau=35.0,
    )[0]
    np.testing.assert_allclose(found, electrons(couplings), rtol=1e-6, atol=1e-11)


def test_electrons_with_millicharges():
    own, changing = {"e": 1e-3, "mu": -2e-3}, {"emu": 5e-4, "etau": 7e-4, "mutau": 1e-3}

    def couplings(flavor, t):
        photon = 2 * math.sqrt(2) * math.pi * ALPHA * 1e-8 / (GF * 2 * M_E * t)
        yield g_v(flavor, t) - photon * own[flavor]
        for pair, charge in changing.items():
            if pair.startswith(flavor) or pair == "emu":
                yield photon * charge

    found = on_electrons(
        "millicharge",
        {"q_nue": 1e-3, "q_numu": -2e-3, "q_emu": 5e-4},
        q_etau=7e-4,
        q_mutau=1e-3,
    )[0]
    np.testing.assert_allclose(found, electrons(couplings), rtol=1e-5, atol=1e-10)


def test_electrons_of_a_light_vector():
    g, mass = 1e-5, 0.5

    def couplings(flavor, t):
        # charge -1 of every lepton under B-L
        yield g_v(flavor, t, g**2 / (math.sqrt(2) * GF * (2 * M_E * t + mass**2)))

    found = on_electrons("light_vector", {"mass": mass, "coupling": g}, model="B-L")[0]
    np.testing.assert_allclose(found, electrons(couplings), rtol=1e-6, atol=1e-10)
