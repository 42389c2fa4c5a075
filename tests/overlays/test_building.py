"""Shipped tables come from the releases, byte for byte, and stay close to them."""

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from scanner import tables
from scanner.errors import DataError
from scanner.overlays import building, shelf
from scanner.polyline import distance


def test_the_shipped_tables_are_rebuilt(releases: Path, tmp_path: Path) -> None:
    assert tables.build("overlays", releases, tmp_path / "made")
    made = {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()}
    assert made == {name: (shelf.DATA / name).read_bytes() for name in made}
    assert set(made) - {shelf.CHECKSUMS} == {path.name for path in shelf.DATA.glob("*.csv")}
    assert tables.build("overlays", releases, tmp_path / "made") == ()


def test_the_folder_of_one_release_will_do(releases: Path, tmp_path: Path) -> None:
    assert tables.build("overlays", releases / "limits_foresee_BmL", tmp_path / "made")


def test_a_missing_release_file_is_named_and_nothing_is_written(
    releases: Path, tmp_path: Path
) -> None:
    for release in ("limits_foresee_BmL", "limits_kavanagh_coherent2017"):
        shutil.copytree(releases / release, tmp_path / "data" / release)
    (tmp_path / "data" / "limits_foresee_BmL" / "bounds_E137.txt").unlink()
    with pytest.raises(DataError, match=r"limits_foresee_BmL/bounds_E137\.txt not found"):
        tables.build("overlays", tmp_path / "data", tmp_path / "made")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("name", ["bl_babar", "bl_e137", "bl_texono", "bl_lhcb"])
def test_a_reduced_line_stays_within_its_tolerance(releases: Path, name: str) -> None:
    overlay = shelf.shipped()[name]
    raw = np.loadtxt(releases / overlay.source["release"] / overlay.source["file"])
    whole = np.log10(raw[raw[:, 1] < 1.0] * np.array([1e3, 1.0]))
    lines = [np.log10(region.vertices) for region in overlay.regions]
    away = np.min(
        [distance(whole, a, b) for line in lines for a, b in pairwise(line)],
        axis=0,
    )
    # five digits of a table are 2e-5 decades
    assert away.max() < building.TOLERANCE + 5e-5
    assert sum(len(line) for line in lines) < len(whole)


def test_the_line_of_the_2017_data_is_where_delta_chi2_crosses(releases: Path) -> None:
    overlay = shelf.shipped()["csi_2017_scalar"]
    mass, product, chi2 = np.loadtxt(
        releases / overlay.source["release"] / overlay.source["file"]
    ).T
    light = mass == mass[0]
    delta = chi2[light] - chi2.min()
    # 2 dof, 90 %: the couplings beside the crossing at the lightest mass
    above = int(np.argmax(delta > 4.60517))
    low, high = np.sqrt(product[light][above - 1 : above + 1])
    (region,) = overlay.regions
    edge = region.vertices[np.isclose(region.vertices[:, 0], mass[0]), 1].min()
    assert low <= edge <= high
