"""Reactor spectra: totals of the papers, the release's own numbers, both normalisations."""

from __future__ import annotations

import numpy as np
import pytest

from scanner.experiments import _reactor_tables as building
from scanner.physics.fluxes import reactor, tables
from scanner.physics.fluxes.flux import Tabulated
from scanner.physics.fluxes.reactor import (
    CAPTURES_PER_FISSION,
    FRACTIONS,
    ISOTOPES,
    MODELS,
    capture_spectrum,
    fissions_per_area,
    reactor_flux,
    relative_error,
    spectrum,
)

DRESDEN = {"U235": 0.58, "Pu239": 0.29, "U238": 0.08, "Pu241": 0.05}
PER_DAY = {"thermal_power_gw": 2.96, "distance_m": 10.0, "seconds": 86400.0}


def total(spectrum):
    energies, density = spectrum
    return float(np.trapezoid(density, energies))


def fluence(flux):
    (component,) = flux.components
    return float(component.nodes(np.array([0.0]))[1].sum())


# --- spectra per fission --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("isotope", "integral"), [("U235", 6.07), ("U238", 7.15), ("Pu239", 5.49), ("Pu241", 6.24)]
)
def test_integrals_of_the_summation_spectra(isotope, integral):
    # provenance of the tables: 6.07, 7.15, 5.49, 6.24
    assert total(spectrum(isotope, "bestiole")) == pytest.approx(integral, abs=0.01)


@pytest.mark.parametrize("isotope", ISOTOPES)
def test_merged_bins_keep_the_total_and_the_mean(isotope):
    raw = tables.read(reactor.SOURCE, "bestiole.csv")
    energies, density = spectrum(isotope, "bestiole")
    own = raw[isotope.lower()]
    assert len(energies) < 0.4 * len(own)
    assert total((energies, density)) == pytest.approx(total((raw["energy_mev"], own)), rel=1e-3)
    # above 4 MeV, a common edge of both kinds of bins
    hard = own[raw["energy_mev"] > 4.0].sum() * 0.025
    flux = Tabulated("nubar_e", "e", energies, density)
    assert flux.nodes(np.array([4.0]))[1].sum() == pytest.approx(hard, rel=5e-3)


def test_each_capture_gives_two_antineutrinos():
    energies, density = capture_spectrum()
    assert total((energies, density)) == pytest.approx(2.0, abs=0.01)
    assert energies[density > 0.0].max() < 1.3


@pytest.mark.parametrize("model", MODELS)
def test_about_six_antineutrinos_per_fission(model):
    flux = reactor_flux(model=model, **PER_DAY)
    assert fluence(flux) / fissions_per_area(**PER_DAY) == pytest.approx(5.8, abs=0.25)


@pytest.mark.parametrize("isotope", ISOTOPES)
def test_below_2_mev_all_conversion_models_are_the_released_table(releases, isotope):
    energies, density = np.loadtxt(releases / building.LOW[isotope], unpack=True)
    low = energies < 2.0
    for model in ("mvhe", "huber_mueller", "mueller"):
        found = np.interp(energies[low], *spectrum(isotope, model))
        np.testing.assert_allclose(found, density[low], rtol=1e-10)


@pytest.mark.parametrize("isotope", list(building.HUBER))
def test_above_2_mev_huber_as_released(releases, isotope):
    rows = np.loadtxt(releases / building.HUBER[isotope], unpack=True)
    found = np.interp(rows[0], *spectrum(isotope, "huber_mueller"))
    np.testing.assert_allclose(found, rows[1], rtol=1e-9)
    # the polynomials are a fit to the table, whose own errors are 2 % and more
    fitted = np.interp(rows[0], *spectrum(isotope, "mvhe"))
    assert np.all(np.abs(fitted / rows[1] - 1.0)[rows[0] <= 4.0] < 0.045)
    assert np.trapezoid(fitted, rows[0]) == pytest.approx(np.trapezoid(rows[1], rows[0]), rel=5e-3)


@pytest.mark.parametrize("isotope", list(building.HUBER))
def test_polynomials_are_those_that_the_released_tables_were_extended_with(releases, isotope):
    file = releases / reactor.SOURCE / "isotope_tables" / f"huber_{isotope.lower()}.txt"
    rows = np.loadtxt(file, delimiter=",")
    outside = rows[(rows[:, 0] < 2.0) | (rows[:, 0] > 8.0)]
    found = np.exp(
        np.polynomial.polynomial.polyval(outside[:, 0], building.HUBER_POLYNOMIALS[isotope])
    )
    agree = np.abs(found / outside[:, 1] - 1.0) < 5e-3
    # one row of Pu-241 has a slipped digit
    assert np.sum(~agree) == (1 if isotope == "Pu241" else 0)
    assert len(outside) >= 8


@pytest.mark.parametrize("isotope", list(building.HUBER))
def test_straight_pieces_follow_the_polynomial(isotope):
    middle = np.arange(2.025, 8.0, 0.05)
    exact = np.exp(np.polynomial.polynomial.polyval(middle, building.HUBER_POLYNOMIALS[isotope]))
    found = np.interp(middle, *spectrum(isotope, "mvhe"))
    np.testing.assert_allclose(found, exact, rtol=3e-3)
    assert found.sum() == pytest.approx(exact.sum(), rel=3e-4)


def test_errors_of_the_author(releases):
    for isotope, file in building.HUBER.items():
        rows = np.loadtxt(releases / file)
        at, (lower, upper) = rows[:, 0], rows[:, -2:].T
        np.testing.assert_allclose(relative_error(isotope, at), 0.5 * (upper - lower), rtol=1e-9)
    assert relative_error("U235", [1.0, 20.0]) == pytest.approx(relative_error("U235", [2.0, 8.0]))
    with pytest.raises(ValueError, match="unknown isotope with the errors of Huber 'U238'"):
        relative_error("U238", 3.0)


# --- flux at a detector ---------------------------------------------------------------------------


def test_a_given_fluence_is_that_of_the_component():
    for model in MODELS:
        flux = reactor_flux(model=model, fluence=4.8e13, fractions=DRESDEN)
        assert fluence(flux) == pytest.approx(4.8e13, rel=1e-12)
        (component,) = flux.components
        assert (component.name, component.flavor, component.antineutrino) == ("nubar_e", "e", True)


def test_with_a_fluence_each_isotope_is_normalised_to_one():
    (component,) = reactor_flux(fluence=1.0, fractions=DRESDEN).components
    expected = sum(
        share * np.interp(component.energies, *spectrum(isotope)) / total(spectrum(isotope))
        for isotope, share in DRESDEN.items()
    )
    np.testing.assert_allclose(component.density, expected, rtol=1e-12)


def test_fluxes_that_experiments_quote():
    # with the captures: CONUS+ 1.5e13 /cm2/s at 20.7 m from 3.6 GW (arXiv:2501.05206), Dresden-II
    # 4.8e13 about 10 m from 2.96 GW (arXiv:2202.09672)
    for model in MODELS:
        captures = {"model": model, "captures_per_fission": CAPTURES_PER_FISSION, "seconds": 1.0}
        conus = reactor_flux(thermal_power_gw=3.6, distance_m=20.7, **captures)
        assert fluence(conus) == pytest.approx(1.5e13, rel=0.1)
        dresden = reactor_flux(thermal_power_gw=2.96, distance_m=10.0, **captures)
        assert fluence(dresden) == pytest.approx(4.8e13, rel=0.1)


def test_power_distance_and_time():
    one = fluence(reactor_flux(**PER_DAY))
    assert fluence(reactor_flux(**{**PER_DAY, "thermal_power_gw": 5.92})) == pytest.approx(2 * one)
    assert fluence(reactor_flux(**{**PER_DAY, "distance_m": 20.0})) == pytest.approx(one / 4)
    only = reactor_flux(**PER_DAY, fractions={"U235": 3.0})
    fissions = 2.96e9 * 86400 / 1.602176634e-13 / 201.92
    expected = fissions / (4 * np.pi * 1e6) * total(spectrum("U235"))
    assert fluence(only) == pytest.approx(expected, rel=1e-9)


def test_captures_add_soft_antineutrinos_only():
    (plain,) = reactor_flux(**PER_DAY).components
    (more,) = reactor_flux(**PER_DAY, captures_per_fission=0.6).components
    at = np.array([1.3])
    assert more.nodes(at)[1].sum() == pytest.approx(plain.nodes(at)[1].sum(), rel=1e-9)
    added = (
        fluence(reactor_flux(**PER_DAY, captures_per_fission=0.6))
        - fluence(reactor_flux(**PER_DAY))
    ) / fissions_per_area(**PER_DAY)
    assert added == pytest.approx(1.2, rel=0.01)


def test_typical_fractions_add_up():
    assert sum(FRACTIONS.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give either fluence, or all of"),
        ({"fluence": 1.0, "seconds": 1.0}, r"given: fluence, seconds"),
        ({"thermal_power_gw": 3.0, "seconds": 1.0}, r"given: thermal_power_gw, seconds"),
        ({"fluence": -1.0}, "fluence = -1.0: give a number above 0"),
        ({"fluence": np.nan}, "fluence = nan: give a number above 0"),
        ({**PER_DAY, "distance_m": 0.0}, "distance_m = 0.0: give a number above 0"),
        ({"fluence": 1.0, "model": "mvh"}, "unknown reactor spectrum 'mvh': did you mean 'mvhe'"),
        ({"fluence": 1.0, "fractions": {"U236": 1.0}}, "unknown fissile isotope 'U236'"),
        ({"fluence": 1.0, "fractions": {"U235": -1.0}}, "U235 = -1.0: a share of the fissions"),
        ({"fluence": 1.0, "fractions": {"U235": 0.0}}, "give a share above 0"),
        ({"fluence": 1.0, "captures_per_fission": 0.6}, "a fluence says nothing of fissions"),
        ({**PER_DAY, "captures_per_fission": -0.6}, "captures_per_fission = -0.6"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        reactor_flux(**arguments)
