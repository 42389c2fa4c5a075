"""The recast limits of DarkCast from the user's folder, and the g-2 formula against them."""

import math
import tomllib
from pathlib import Path

import numpy as np
import pytest

from scanner.errors import DefinitionError
from scanner.overlays import darkcast, shelf
from scanner.overlays.formulas import vector_anomalous_moment
from scanner.overlays.reading import read


@pytest.fixture(scope="module")
def release(releases: Path) -> Path:
    folder = releases / "limits_darkcast_recast"
    if not folder.is_dir():
        pytest.skip("the recast limits of DarkCast are not here")
    return folder


def test_every_file_of_a_model_is_registered(release: Path) -> None:
    stems = {path.stem for path in release.glob("*_boson/*.lmt")}
    assert stems == set(darkcast.register())


def test_limits_are_read_with_their_metadata(release: Path) -> None:
    known = shelf.of_folder(release)
    limit = known["B-L/E137_Bjorken2009mm"]
    assert (limit.label, limit.kind, limit.shows) == ("E137", "beam dumps", "excluded")
    assert "GPL" in limit.licence
    assert "Bjorken:2009mm" in limit.provenance
    assert set(shelf.shipped()) < set(known)
    models = {o.models[0].parameters["model"] for n, o in known.items() if "/" in n}
    assert models == {"B-L", "L_e-L_mu", "L_e-L_tau", "L_mu-L_tau"}


def test_bands_keep_their_edges_and_leave_out_what_is_no_limit(release: Path) -> None:
    [ring] = darkcast.overlays(release)["B-L/E137_Bjorken2009mm"].regions
    raw = np.loadtxt(release / "B-L_boson" / "E137_Bjorken2009mm.lmt")
    good = raw[raw[:, 1] < 1.0]
    assert len(good) < len(raw)
    assert ring.vertices[:, 0].min() == pytest.approx(1e3 * good[0, 0])
    assert ring.vertices[:, 1].min() == good[:, 1].min()
    assert ring.vertices[:, 1].max() == good[:, 2].max()


@pytest.mark.parametrize(
    ("shipped", "recast", "mass"),
    [
        ("bl_texono", "B-L/Texono_Bauer2018onh", 10.0),
        ("bl_charm_ii", "B-L/CHARMII_Bauer2018onh", 100.0),
        ("bl_na64_invisible", "B-L/NA64_NA642019imj", 30.0),
    ],
)
def test_both_releases_have_the_same_units_and_couplings(
    release: Path, shipped: str, recast: str, mass: float
) -> None:
    """Two versions of one limit: 30 % apart at most, where other units are a factor 1000."""
    known = shelf.of_folder(release)
    edges = [known[name].regions[0].vertices for name in (shipped, recast)]
    first, second = (np.exp(np.interp(np.log(mass), *np.log(edge[:-2].T))) for edge in edges)
    assert first == pytest.approx(second, rel=0.3)


def test_the_folder_of_one_model_will_do(release: Path) -> None:
    assert all(
        name.startswith("Lmu-Ltau/") for name in darkcast.overlays(release / "Lmu-Ltau_boson")
    )


def test_the_formula_gives_the_recast_g_minus_2_band(release: Path) -> None:
    shipped = read(shelf.DATA / "muon_g_minus_2.toml")
    numbers = tomllib.loads((shelf.DATA / "muon_g_minus_2.toml").read_text())["formula"]
    for edge, sign in (("2l", -1.0), ("2u", 1.0)):
        raw = np.loadtxt(release / "B-L_boson" / f"AMMmu_Bodas2021fsy_{edge}.lmt")
        shift = raw[:, 1] ** 2 * vector_anomalous_moment(1e3 * raw[:, 0])
        expected = numbers["difference"] + sign * numbers["n_sigma"] * numbers["sigma"]
        # five digits of mass and of coupling, both squared
        np.testing.assert_allclose(shift, expected, rtol=5e-4)
    assert shipped.shows == "preferred"


def test_limits_of_the_formula() -> None:
    light, heavy = vector_anomalous_moment(np.array([1e-4, 1e7]))
    assert light == pytest.approx(1.0 / (8.0 * math.pi**2), rel=1e-4)
    # M >> m: a = g^2/(12 pi^2) (m/M)^2
    assert heavy == pytest.approx((105.6583755 / 1e7) ** 2 / (12.0 * math.pi**2), rel=1e-4)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "B-L_boson").mkdir()
    (tmp_path / "B-L_boson" / "A1_Merkel2011ze.lmt").write_text("1.0 2.0\n3.0 four\n")
    with pytest.raises(DefinitionError, match=r"A1_Merkel2011ze\.lmt: not a table of numbers"):
        shelf.of_folder(tmp_path)
