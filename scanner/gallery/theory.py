"""Figures of what goes into the scans: cross sections, sources, recoils; and what data say."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import STANDARD_MODEL, ExperimentModel
from scanner.experiment import Experiment
from scanner.figures.curves import Curve, Measured, Panel
from scanner.gallery.asking import Grids
from scanner.gallery.nuclear import cross_section, momentum_transfer, recoil_rate
from scanner.gallery.strength import Said, prediction, standard_model, strength, times
from scanner.gallery.strength import (
    cross_section as averaged_cross_section,
)
from scanner.physics.fluxes.flux import Component, Line
from scanner.physics.fluxes.reactor import reactor_flux
from scanner.physics.fluxes.solar import solar_flux
from scanner.physics.fluxes.stopped_pion import stopped_pion_flux
from scanner.physics.isotopes import element, material
from scanner.physics.nuclei import Isotope
from scanner.physics.running import Z_MASS, sin2_theta_w
from scanner.scan import Scan

Array = npt.NDArray[np.float64]
Composition = Sequence[tuple[Isotope, float]]

KEV = 1e-3
"""MeV."""
DAY = 86400.0
"""s."""
ONE_SIGMA = 0.6827


def cross_sections(_: Grids) -> Sequence[Panel]:
    """Of nu_mu on some nuclei over the energy, and averaged over stopped pions over N."""
    return _over_energy(), _over_neutrons()


def _over_energy() -> Panel:
    energies = np.geomspace(1.0, 60.0, 200)
    shown = []
    for look, symbol in enumerate(("Xe", "Ge", "Ar", "Si")):
        for point in (False, True):
            sigma = cross_section(element(symbol), energies, point=point)
            shown.append(Curve(energies, sigma, "" if point else symbol, look, broken=point))
    return Panel(
        r"$E_\nu$ [MeV]",
        r"$\sigma$ [cm$^2$]",
        shown,
        (1.0, 60.0),
        x_scale="log",
        y_scale="log",
        heading="CEvNS; broken: $F = 1$",
    )


_ELEMENTS = ("O", "Na", "Si", "Ar", "Ge", "I", "Cs", "Xe", "W")
_MEASURED = ("coherent_csi_2021", "coherent_lar_2020", "coherent_ge_2026")


def _over_neutrons() -> Panel:
    flux = stopped_pion_flux(neutrinos_per_proton=1.0, protons=1.0, baseline_m=1.0).components
    neutrons = [sum(share * isotope.N for isotope, share in element(s)) for s in _ELEMENTS]
    order = np.argsort(neutrons)
    shown: list[Curve | Measured] = []
    for point in (False, True):
        sigma = [_averaged(element(symbol), flux, point) for symbol in _ELEMENTS]
        label = "$F = 1$, as $N^2$" if point else "Standard Model"
        shown.append(
            Curve(np.array(neutrons)[order], np.array(sigma)[order], label, None, broken=point)
        )
    shown += [_measured(name, look) for look, name in enumerate(_MEASURED)]
    return Panel(
        "neutrons $N$",
        r"$\langle\sigma\rangle$ [cm$^2$], pions at rest",
        shown,
        (6.0, 130.0),
        x_scale="log",
        y_scale="log",
    )


def _averaged(isotopes: Composition, flux: Sequence[Component], point: bool) -> float:
    """cm^2, averaged over all neutrinos of a flux."""
    parts = [component.nodes(np.zeros(1)) for component in flux]
    fluence = sum(float(weights.sum()) for _, weights in parts)
    sigma = sum(
        float(np.sum(weights[:, 0] * cross_section(isotopes, energies[:, 0], point=point)))
        for energies, weights in parts
    )
    return sigma / fluence


def _measured(name: str, look: int) -> Measured:
    """Cross section that an experiment measured, 1 standard deviation."""
    experiment = catalog.experiment(name)
    sigma = averaged_cross_section(experiment, Conventions())
    best, ends = _closed(times(strength(standard_model(name), ONE_SIGMA), sigma))
    shares = experiment.target.composition
    neutrons = sum(n * isotope.N for isotope, n in shares.items()) / sum(shares.values())
    return Measured(neutrons, best, *ends, label=experiment.title, look=look)


def _closed(said: Said) -> tuple[float, tuple[float, float]]:
    """A best value and the interval around it; an end that there is none of is the best value."""
    best, intervals = said
    assert best is not None, "no best value"
    low, high = intervals[0]
    return best, (best if low is None else low, best if high is None else high)


_PIONS = {"nu_mu": r"$\nu_\mu$", "nu_e": r"$\nu_e$", "nubar_mu": r"$\bar\nu_\mu$"}


def sns_flux(_: Grids) -> Sequence[Panel]:
    """Of the SNS at COHERENT CsI: energies and arrival times."""
    experiment = catalog.experiment("coherent_csi_2021")
    energies = np.linspace(0.0, 55.0, 400)
    in_energy, in_time = [], []
    edges = experiment.bins[-1].edges
    for look, component in enumerate(experiment.flux.components):
        label = _PIONS[component.name]
        in_energy.append(_spectrum(component, energies, label, look))
        share = experiment.timing[component.name] / np.diff(edges)
        x, y = np.repeat(edges, 2)[1:-1], np.repeat(share, 2)
        # nu_e and nubar_mu come together: the second line must not hide the first
        in_time.append(Curve(x, y, label, look, broken=look == 2))
    return (
        Panel(
            r"$E_\nu$ [MeV]",
            "neutrinos per MeV, each normalised",
            in_energy,
            (0.0, 55.0),
            (0.0, 0.06),
            heading="pion decay at rest",
        ),
        Panel(
            r"arrival time [$\mu$s]",
            r"share per $\mu$s",
            in_time,
            (float(edges[0]), float(edges[-1])),
            (0.0, 1.1 * max(float(c.y.max()) for c in in_time)),
            heading=experiment.title,
        ),
    )


def _spectrum(component: Component, energies: Array, label: str, look: int) -> Curve:
    """Normalised spectrum; a line is drawn as such."""
    if isinstance(component, Line):
        return Curve(np.full(2, component.energy), np.array([0.0, 1.0]), label, look)
    inside = energies[energies < component.e_max]
    # the integral above an energy falls by the density
    above = [float(component.nodes(np.array([e]))[1].sum()) for e in inside]
    density = -np.gradient(np.array(above), inside) / above[0]
    return Curve(inside, density, label, look)


def recoil_spectra(_: Grids) -> Sequence[Panel]:
    """Of CsI and argon at the SNS, by component, with and without form factors."""
    return tuple(
        _recoils(catalog.experiment(name), highest)
        for name, highest in (("coherent_csi_2021", 45.0), ("coherent_lar_2020", 120.0))
    )


def _recoils(experiment: Experiment, highest: float) -> Panel:
    """Recoils per kilogram and keV over the exposure of an experiment."""
    target = experiment.target
    counted = [(isotope, target.nuclei_per_kg(isotope)) for isotope in target.composition]
    recoil = np.linspace(0.05, highest, 400)
    shown, sums = [], {False: np.zeros_like(recoil), True: np.zeros_like(recoil)}
    for look, component in enumerate(experiment.flux.components):
        for point in (False, True):
            rate = KEV * recoil_rate(counted, component, KEV * recoil, point=point)
            sums[point] += rate
            if not point:
                inside = np.where(rate > 0.0, rate, np.nan)
                shown.append(Curve(recoil, inside, _PIONS[component.name], look))
    shown.append(Curve(recoil, sums[False], "sum", None))
    shown.append(Curve(recoil, sums[True], "sum, $F = 1$", None, broken=True))
    top = float(sums[True].max())
    return Panel(
        "nuclear recoil [keV]",
        "recoils per kg and keV",
        shown,
        (0.0, highest),
        # room for the legend above what falls
        (1e-4 * top, 30.0 * top),
        y_scale="log",
        heading=f"{target.formula}, exposure of {experiment.title}",
    )


def sources(_: Grids) -> Sequence[Panel]:
    """Recoils of germanium and argon at a reactor, at the SNS, and from the Sun."""
    return _sources("Ge"), _sources("Ar")


def _sources(symbol: str) -> Panel:
    fluxes = {
        "reactor, 2.3e13 cm$^{-2}$ s$^{-1}$": reactor_flux(fluence=2.3e13 * DAY),
        # 1.4 MW of protons of 1 GeV, and what COHERENT takes for the neutrinos of a proton
        "SNS, 1.4 MW at 20 m": stopped_pion_flux(
            neutrinos_per_proton=0.0848, protons=1.4e6 / 1.602177e-10 * DAY, baseline_m=20.0
        ),
        r"Sun, $^8$B": solar_flux(seconds=DAY, sources=("8B",)),
    }
    made = material(symbol)
    counted = [(isotope, made.nuclei_per_kg(isotope)) for isotope in made.composition]
    recoil = np.geomspace(0.01, 200.0, 400)
    shown = []
    for look, (label, flux) in enumerate(fluxes.items()):
        rate = sum(
            (KEV * recoil_rate(counted, part, KEV * recoil) for part in flux.components),
            np.zeros_like(recoil),
        )
        shown.append(Curve(recoil[rate > 0.0], rate[rate > 0.0], label, look))
    return Panel(
        f"nuclear recoil of {symbol} [keV]",
        "recoils per kg, day and keV",
        shown,
        (0.01, 200.0),
        (1e-8, 1e4),
        x_scale="log",
        y_scale="log",
    )


WEAK_SCANS = {
    "coherent_csi_2021": "weak_mixing_angle_csi",
    "coherent_lar_2020": "weak_mixing_angle_lar",
    "coherent_ge_2026": "weak_mixing_angle_germanium",
    "dresden_ii_2022": "weak_mixing_angle_dresden",
    "conus_plus_2025": "weak_mixing_angle_conus_plus",
}
"""Definition that is asked for the angle of each experiment."""
_PARITY = (
    'experiments=["apv_cesium"]',
    "axes.sin2_theta_w.start=0.2",
    "axes.sin2_theta_w.stop=0.28",
)
_SCALES = (1.0, 1.5e5)
"""MeV."""
_PARITY_MOMENTUM = 2.4
"""MeV, of parity violation in Cs: Bouchiat and Piketty, Phys. Lett. B 128, 73 (1983)."""
_OTHERS = {
    "SLAC E158": (161.2, 0.2397, math.hypot(0.0010, 0.0008)),
    r"$Z$ pole (PDG)": (Z_MASS, 0.23122, 0.00004),
}
"""Momentum transfer in MeV, value and error: hep-ex/0504049 at Q^2 = 0.026 GeV^2; PDG 2022."""


def weak_mixing_over_momentum(grids: Grids) -> Sequence[Panel]:
    """The weak mixing angle where each experiment measures it, 1 standard deviation."""
    shown: list[Curve | Measured] = []
    for look, (name, definition) in enumerate(WEAK_SCANS.items()):
        best, low, high = _weak_mixing(grids.scan(definition), name)
        experiment = catalog.experiment(name)
        left, middle, right = momentum_transfer(experiment, (0.16, 0.5, 0.84))
        shown.append(Measured(middle, best, low, high, experiment.title, look, left, right))
    parity = _weak_mixing(grids.scan("weak_mixing_angle_csi", _PARITY), "apv_cesium")
    title = catalog.experiment("apv_cesium").title
    shown.append(Measured(_PARITY_MOMENTUM, *parity, label=title, look=len(WEAK_SCANS)))
    for look, (label, (momentum, value, error)) in enumerate(_OTHERS.items(), len(shown)):
        ends = value - error, value + error
        shown.append(Measured(momentum, value, *ends, label=label, look=look, open=True))
    scales = np.geomspace(*_SCALES, 400)
    usual = Curve(scales, sin2_theta_w(scales), "Standard Model, one loop", None, broken=True)
    return (
        Panel(
            r"$|\vec q|$ [MeV]",
            r"$\sin^2\theta_W$",
            [usual, *shown],
            _SCALES,
            (0.12, 0.6),
            x_scale="log",
            heading=r"1 standard deviation, $|\vec q|$ of 68 % of the signal; open: by others",
        ),
    )


def _weak_mixing(scan: Scan, experiment: str) -> tuple[float, float, float]:
    """Best value and ends of one standard deviation, from one experiment of a scan."""
    interval = scan.interval("sin2_theta_w", cl=ONE_SIGMA, dof=1, experiments=(experiment,))
    best, (low, high) = _closed((interval.best, (interval.intervals[0],)))
    return best, low, high


def conus_quenching(_: Grids) -> Sequence[Panel]:
    """Counts expected in CONUS over the Lindhard parameter, and its limit."""
    values = np.linspace(0.12, 0.34, 45)
    shown = []
    for look, spectrum in enumerate(("mvhe", "bestiole")):
        experiment = catalog.experiment("conus_2021", {"spectrum": spectrum})
        counts = [_with_lindhard(experiment, k) for k in values]
        shown.append(Curve(values, np.array(counts), spectrum.upper(), look))
    usual = standard_model("conus_2021")
    limit = _closed(times(strength(usual, 0.9), prediction(usual)))[1][1]
    shown.append(Curve(values, np.full_like(values, limit), "limit, 90 %", None, broken=True))
    return (
        Panel(
            r"Lindhard parameter $k$",
            "neutrino events",
            shown,
            (0.12, 0.34),
            (1.0, 1e3),
            y_scale="log",
            heading=usual.experiment.title,
        ),
    )


def _with_lindhard(experiment: Experiment, k: float) -> float:
    fixed = {"ge_lindhard_k": float(k)}
    return prediction(ExperimentModel(STANDARD_MODEL, experiment, Conventions(), fixed, ()))


DRAWN: Mapping[str, Callable[[Grids], Sequence[Panel]]] = {
    "cross_sections": cross_sections,
    "sns_flux": sns_flux,
    "recoil_spectra": recoil_spectra,
    "sources": sources,
    "weak_mixing_over_momentum": weak_mixing_over_momentum,
    "conus_quenching": conus_quenching,
}
"""By the name that an entry of the gallery says."""
