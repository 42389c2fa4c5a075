"""The source of a described experiment: neutrinos at the detector over the whole exposure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from scanner.described.numbers import need, positive, quantity, share, signed
from scanner.described.units import DAY_S
from scanner.errors import unknown
from scanner.physics.fluxes import reactor, solar
from scanner.physics.fluxes.flux import Flux
from scanner.physics.fluxes.stopped_pion import (
    DELAYED,
    delayed_arrival_cdf,
    prompt_arrival_cdf,
    stopped_pion_flux,
)
from scanner.reference import Reference
from scanner.section import Section

Array = npt.NDArray[np.float64]
Curve = Callable[[Array], Array]

JOULES_PER_GEV = 1.602176634e-10
SUN_M = 1.495978707e11
"""Mean distance of the Earth (astronomical unit)."""


@dataclass(frozen=True)
class Source:
    """Flux, distance and exposure of a source.

    Parameters
    ----------
    flux : Flux
        At the detector, over the exposure.
    baseline_m : float
        Distance.
    exposure : str
        For people.
    live_days : float or None
        Time that backgrounds given as a rate are counted in.
    arrival : mapping from flux component to callable
        P(arrival < t), t in us; empty where the source is steady or its pulse is not given.
    no_transition : str
        Why its neutrinos are not oscillated on the way; empty if they may be.
    papers : tuple of Reference
        That its spectra are from; those of pions at rest are formulas.
    """

    flux: Flux
    baseline_m: float
    exposure: str
    live_days: float | None = None
    arrival: Mapping[str, Curve] = field(default_factory=dict)
    no_transition: str = ""
    papers: tuple[Reference, ...] = ()


def read(section: Section) -> Source:
    """Source of a table ``[source]``."""
    return KINDS[section.one_of("kind", tuple(KINDS))](section)


def _stopped_pion(section: Section) -> Source:
    """Pion decay at rest: a number of neutrinos of each flavour, spread over a sphere."""
    number, told = _neutrinos_per_flavor(section)
    distance = quantity(section, "distance", "m")
    live = quantity(section, "live_time", "s") / DAY_S if "live_time" in section else None
    flux = stopped_pion_flux(neutrinos_per_proton=1.0, protons=number, baseline_m=distance)
    return Source(flux, distance, told, live, _pulse(section) if "pulse" in section else {})


_COMMON = ("kind", "distance", "pulse", "live_time")


def _neutrinos_per_flavor(section: Section) -> tuple[float, str]:
    """Neutrinos of each flavour over the exposure, and how they are counted."""
    if "neutrinos_per_year" in section:
        section.allow((*_COMMON, "neutrinos_per_year"))
        years = quantity(section, "live_time", "yr")
        per_year = positive(section, "neutrinos_per_year")
        return years * per_year, f"{years:g} years with {per_year:g} neutrinos of each flavour"
    ratio = positive(section, "neutrinos_per_proton")
    if "protons" in section:
        section.allow((*_COMMON, "neutrinos_per_proton", "protons"))
        protons = positive(section, "protons")
        return ratio * protons, f"{protons:.4g} protons on target"
    if "power" not in section:
        section.fail(
            "protons", "is missing; give protons, or power, proton_energy and live_time of the beam"
        )
    section.allow((*_COMMON, "neutrinos_per_proton", "power", "proton_energy"))
    power, seconds = quantity(section, "power", "MW"), quantity(section, "live_time", "s")
    protons = 1e6 * power * seconds / (quantity(section, "proton_energy", "GeV") * JOULES_PER_GEV)
    gwh = 1e-3 * power * seconds / 3600.0
    return ratio * protons, f"{gwh:.4g} GWh, {protons:.4g} protons on target"


def _pulse(section: Section) -> dict[str, Curve]:
    """Arrival of each component after a Gaussian proton pulse."""
    table = section.table("pulse")
    table.allow(("mean", "sigma"))
    pulse = {"mean": 1e6 * signed(table, "mean", "s"), "sigma": 1e6 * quantity(table, "sigma", "s")}
    delayed = partial(delayed_arrival_cdf, **pulse)
    return {"nu_mu": partial(prompt_arrival_cdf, **pulse), **dict.fromkeys(DELAYED, delayed)}


def _reactor(section: Section) -> Source:
    """Antineutrinos of one core or several, running all the live time."""
    section.allow(
        ("kind", "live_time", "power", "distance", "cores", "spectrum", "fractions", "duty_cycle")
    )
    model = section.one_of("spectrum", reactor.MODELS, reactor.MODELS[0])
    seconds = quantity(section, "live_time", "s")
    on = share(section, "duty_cycle", 1.0)
    power, distance = _cores(section)
    flux = reactor.reactor_flux(
        model=model,
        thermal_power_gw=1e-3 * power,
        distance_m=distance,
        seconds=seconds * on,
        fractions=_fractions(section),
    )
    told = f"{seconds / DAY_S:g} days at {1e-3 * power:g} GW, {distance:.4g} m"
    return Source(flux, distance, told, seconds / DAY_S, papers=reactor.PAPERS[model])


def _cores(section: Section) -> tuple[float, float]:
    """Power of all cores in MW, and the distance of one core of that power with the same flux."""
    if "cores" not in section:
        return quantity(section, "power", "MW"), quantity(section, "distance", "m")
    for name in ("power", "distance"):
        if name in section:
            section.fail(name, "belongs into cores, which lists power and distance of each")
    cores = []
    for i, entries in enumerate(section.listed("cores")):
        if not isinstance(entries, Mapping):
            section.fail("cores", f"entry {i + 1} is not a table {{ power = ..., distance = ... }}")
        core = Section(section.where, f"{section.key}.cores.{i + 1}", entries)
        core.allow(("power", "distance"))
        cores.append((quantity(core, "power", "MW"), quantity(core, "distance", "m")))
    if not cores:
        section.fail("cores", "is empty; give power and distance of each core")
    power = sum(p for p, _ in cores)
    return power, math.sqrt(power / sum(p / d**2 for p, d in cores))


def _fractions(section: Section) -> Mapping[str, float]:
    """Shares of the fissions by isotope; those of a usual reactor if not given."""
    if "fractions" not in section:
        return reactor.FRACTIONS
    table = section.table("fractions")
    table.allow(reactor.ISOTOPES)
    found = {name: share(table, name) for name in table.entries}
    if not math.isclose(sum(found.values()), 1.0, abs_tol=1e-3):
        section.fail("fractions", f"add up to {sum(found.values()):g}; write shares that make 1")
    return found


def _solar(section: Section) -> Source:
    """8B and hep neutrinos from the Sun, with the flavours that they arrive with."""
    section.allow(("kind", "live_time", "sources"))
    seconds = quantity(section, "live_time", "s")
    chosen = tuple(section.texts("sources")) if "sources" in section else tuple(solar.SPECTRA)
    for i, name in enumerate(chosen):
        if name not in solar.SPECTRA:
            section.fail("sources", unknown("solar neutrino source", name, solar.SPECTRA))
        if name in chosen[:i]:
            section.fail("sources", f"{name!r} is there twice; name each once")
    if not chosen:
        section.fail("sources", f"name one or more of {', '.join(solar.SPECTRA)}")
    return Source(
        solar.solar_flux(seconds=seconds, sources=chosen),
        SUN_M,
        f"{seconds / DAY_S:g} days of solar {' and '.join(chosen)} neutrinos",
        seconds / DAY_S,
        no_transition="solar neutrinos have changed flavour before they leave the Sun",
        papers=solar.PAPERS,
    )


KINDS: Mapping[str, Callable[[Section], Source]] = {
    "stopped_pion": _stopped_pion,
    "reactor": _reactor,
    "solar": _solar,
}


def of(top: Section) -> Source:
    """Source of a description."""
    return read(need(top, "source", f"kind = one of {', '.join(KINDS)}"))
