"""Solar neutrinos: spectra against the release, flavours against limits and eigenstates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.linalg import eigh

from scanner import tables as shipped
from scanner.experiments import _solar_tables, _tables
from scanner.physics.fluxes import solar
from scanner.physics.fluxes import tables as flux_tables

SOURCES = pytest.mark.parametrize("source", list(solar.SPECTRA))
C13, S13 = 1.0 - solar.SIN2_THETA_13, solar.SIN2_THETA_13


def released(releases, source):
    return np.loadtxt(releases / _solar_tables.FILES[source], delimiter=",").T


def test_rebuilt_tables_equal_the_shipped_ones_byte_for_byte(releases):
    built = _solar_tables.build(releases)
    home = flux_tables.folder(solar.SOURCE)
    provenance = _tables.provenance(solar.SOURCE, home)
    assert set(built.tables) == set(provenance.tables) == set(shipped.verify(solar.SOURCE))
    assert dict(built.release) == dict(provenance.release)
    for name, table in built.tables.items():
        assert _tables.encode(table) == (home / name).read_bytes(), name


@SOURCES
def test_table_holds_rows_of_the_release(releases, source):
    energies, flux = released(releases, source)
    table = flux_tables.read(solar.SOURCE, solar.SPECTRA[source])
    kept = table["energy_mev"][1:-1]
    assert np.isin(kept.round(9), energies.round(9)).all()
    np.testing.assert_allclose(
        table["flux_per_cm2_s_mev"][1:-1], np.interp(kept, energies, flux), rtol=1e-11
    )


@SOURCES
def test_few_rows_do_for_many(releases, source):
    # moments of the release by its own rows; above 8 MeV what a xenon recoil of 1 keV needs
    energies, flux = released(releases, source)
    few, thinned = solar.spectrum(source)
    flux = flux * (np.trapezoid(thinned, few) / np.trapezoid(flux, energies))
    fine = np.linspace(0.0, few[-1], 20001)
    for lowest in (0.0, 8.0, 12.0):
        for power in (0, 2):
            weight = np.where(fine >= lowest, fine**power, 0.0)
            full = np.trapezoid(np.interp(fine, energies, flux, left=0.0) * weight, fine)
            found = np.trapezoid(np.interp(fine, few, thinned) * weight, fine)
            assert found == pytest.approx(full, rel=3e-3), (lowest, power)


def test_normalisations():
    # B16-GS98 for 8B; the integral of the release for hep, 8.04e3
    totals = {s: float(np.trapezoid(*solar.spectrum(s)[::-1])) for s in solar.SPECTRA}
    assert totals["8B"] == pytest.approx(5.46e6, rel=1e-12)
    assert totals["hep"] == pytest.approx(8.04e3, rel=1e-3)


def test_end_points():
    assert solar.spectrum("8B")[0][-1] == pytest.approx(16.02)
    assert solar.spectrum("hep")[0][-1] == pytest.approx(18.784)


def test_an_unknown_source():
    with pytest.raises(ValueError, match=r"solar neutrino source.*'pep'.*8B"):
        solar.spectrum("pep")


# --- flavours ---------------------------------------------------------------------------------


def test_no_matter_is_vacuum_averaged():
    vacuum = C13**2 * (1.0 - 2.0 * solar.SIN2_THETA_12 * (1.0 - solar.SIN2_THETA_12)) + S13**2
    for e_nu in (0.1, 10.0):
        assert solar.survival_probability(e_nu, 0.0) == pytest.approx(vacuum, rel=1e-12)
    assert solar.survival_probability(1e-6) == pytest.approx(vacuum, rel=1e-6)


def test_dense_matter_leaves_the_second_mass_state():
    dense = C13**2 * solar.SIN2_THETA_12 + S13**2
    assert solar.survival_probability(10.0, 1e8) == pytest.approx(dense, rel=1e-6)


@pytest.mark.parametrize("e_nu", [1.0, 3.0, 6.0, 10.0, 15.0])
def test_against_the_eigenstates_of_the_hamiltonian(e_nu):
    """Two flavours diagonalised: made as the eigenstates in matter, arriving as those of vacuum."""
    angle = math.asin(math.sqrt(solar.SIN2_THETA_12))
    vacuum = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    # eV; sqrt2 G_F n_e = 7.63e-14 eV for one mole of electrons per cm^3
    kinetic = np.diag([0.0, solar.DELTA_M2_21 / (2.0 * e_nu * 1e6)])
    potential = 7.63e-14 * solar.ELECTRONS_MOL_PER_CM3 * C13
    hamiltonian = vacuum @ kinetic @ vacuum.T + np.diag([potential, 0.0])
    # eigh sorts ascending: no level crosses on the way out
    _, states = eigh(hamiltonian)
    two_flavours = float(np.sum(states[0] ** 2 * vacuum[0] ** 2))
    expected = C13**2 * two_flavours + S13**2
    assert solar.survival_probability(e_nu) == pytest.approx(expected, rel=2e-3)


def test_survival_falls_with_energy_and_hardly_moves_with_the_assumed_density():
    e_nu = np.linspace(0.1, 16.0, 100)
    usual = solar.survival_probability(e_nu)
    assert np.all(np.diff(usual) < 0.0)
    for factor in (0.9, 1.1):
        moved = solar.survival_probability(e_nu, factor * solar.ELECTRONS_MOL_PER_CM3)
        assert np.max(np.abs(moved - usual)) < 0.014


def test_shares_add_up_to_one():
    shares = solar.flavor_shares(np.linspace(0.1, 16.0, 50))
    np.testing.assert_allclose(sum(shares.values()), 1.0, rtol=1e-15)
    assert np.all(shares["mu"] > shares["tau"])  # th23 below 45 degrees


def test_flux_has_three_flavours_of_each_source():
    flux = solar.solar_flux(seconds=solar.YEAR_S)
    names = {c.name: c.flavor for c in flux.components}
    assert names == {
        f"nu_{flavor} {source}": flavor for source in solar.SPECTRA for flavor in ("e", "mu", "tau")
    }
    assert not any(c.antineutrino for c in flux.components)
    total = sum(c.nodes(np.array([0.0]))[1].sum() for c in flux.components if c.name.endswith("8B"))
    assert total == pytest.approx(5.46e6 * 365.25 * 86400.0, rel=1e-12)
    [alone, *_] = solar.solar_flux(seconds=1.0, sources=("hep",)).components
    assert alone.name == "nu_e hep"
