"""Two definitions, two scans, or one of each: what differs, by section."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from scanner import definition
from scanner.difference import Side, difference, side
from scanner.errors import CatalogError
from scanner.grid import Grid
from scanner.store.archive import Archive
from scanner.store.stored import StoredScan

NAME = "light_vector_universal"
SMALL = ("axes.mass.n=4", "axes.coupling.n=5")


def defined(*overrides: str) -> Side:
    return Side("x", definition.load(NAME, (*SMALL, *overrides)), None)


def changed(one: Side, other: Side, section: str) -> dict[str, tuple[str, str]]:
    found = difference(one, other).changes
    return {c.key: (c.one, c.other) for c in found if c.section == section}


def stored(root: Path, chosen: definition.ScanDefinition, shift: float = 0.0) -> StoredScan:
    shape = (4, 5)
    made = Archive(root).create(chosen, Grid(chosen.axes, shape))
    chi2 = np.arange(40.0).reshape(2, *shape) + shift
    made.commit(made.grid.chunk(0), chi2, np.ones(chi2.shape, np.uint8))
    return made


def test_a_definition_is_itself() -> None:
    found = difference(defined(), defined())
    assert found.same
    assert (found.changes, found.cubes) == ((), None)


def test_physics_is_told_by_its_key() -> None:
    other = defined(
        "axes.mass.n=7",
        "options.couplings=tree",
        "experiment.coherent_lar_2020.window=cut",
        "parameters.sin2_theta_w=0.2312",
    )
    assert changed(defined(), other, "definition") == {
        "axes.mass.n": ("4", "7"),
        "options.couplings": ("AC22", "tree"),
        "experiment.coherent_lar_2020.window": ("normalised", "cut"),
        "parameters.sin2_theta_w": ("0.23857", "0.2312"),
    }
    assert not difference(defined(), other).same


def test_experiments_sources_and_the_engine() -> None:
    one = defined()
    sources = {**one.definition.sources, "experiment.coherent_csi_2021": "0" * 64}
    later = dataclasses.replace(one.definition, sources=sources, engine_version=99)
    other = dataclasses.replace(one, definition=later)
    then = one.definition.sources["experiment.coherent_csi_2021"]
    assert changed(one, other, "sources") == {
        "sources.experiment.coherent_csi_2021": (then, "0" * 64)
    }
    assert changed(one, other, "definition") == {
        "engine_version": (str(one.definition.engine_version), "99")
    }
    alone = Side("x", definition.load(NAME, (*SMALL, 'experiments=["coherent_csi_2021"]')), None)
    found = changed(one, alone, "definition")
    assert found["experiments"] == ("coherent_csi_2021, coherent_lar_2020", "coherent_csi_2021")
    assert found["experiment.coherent_lar_2020.analysis"] == ("energy_time", "-")


def test_another_order_of_the_axes_is_another_scan() -> None:
    one = defined()
    turned = dataclasses.replace(one.definition, axes=one.definition.axes[::-1])
    other = dataclasses.replace(one, definition=turned)
    assert changed(one, other, "definition") == {"axes": ("mass, coupling", "coupling, mass")}


def test_labels_and_environment_do_not_count(tmp_path: Path) -> None:
    one = definition.load(NAME, SMALL)
    other = dataclasses.replace(one, title="Another", points_per_chunk=7)
    sides = [
        Side(str(i), chosen, stored(tmp_path / str(i), chosen))
        for i, chosen in enumerate((one, other))
    ]
    marker = next(iter(sides[1].stored.ledger.markers().values()))
    sides[1].stored.ledger.write(dataclasses.replace(marker, host="elsewhere"))
    found = difference(*sides)
    assert found.same
    assert {c.key for c in found.changes if c.section == "labels"} == {"title", "chunks.points"}
    assert changed(*sides, "environment")["hosts"][1] == "elsewhere"
    assert found.cubes is not None
    assert found.cubes.points == 40


def test_other_numbers_of_the_same_definition_are_a_difference(tmp_path: Path) -> None:
    chosen = definition.load(NAME, SMALL)
    sides = [
        Side(name, chosen, stored(tmp_path / name, chosen, shift))
        for name, shift in (("a", 0.0), ("b", 0.25))
    ]
    found = difference(*sides)
    assert not found.same
    assert found.cubes is not None
    assert found.cubes.largest == 0.25
    assert found.to_dict()["cubes"]["largest"] == 0.25


def test_a_side_is_a_scan_its_folder_a_name_or_a_file(tmp_path: Path) -> None:
    chosen = definition.load(NAME, SMALL)
    made = stored(tmp_path / "s", chosen)
    assert side(made.id[:6], tmp_path / "s").stored == made
    assert side(str(made.path), tmp_path / "other").stored == made
    file = tmp_path / "mine.toml"
    file.write_text(chosen.to_toml())
    assert side(str(file), tmp_path / "s").stored == made
    assert side(str(file), tmp_path / "other").stored is None
    assert side(NAME, tmp_path / "s").definition == definition.load(NAME)
    with pytest.raises(CatalogError, match="unknown scan 'nothing'"):
        side("nothing", tmp_path / "s")
