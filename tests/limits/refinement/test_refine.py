"""Refinements of real scans, on Dask workers: against dense grids, killed, damaged, held axes."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator

import numpy as np
import pytest
from scipy.spatial import cKDTree

from scanner.errors import DefinitionError, IncompleteScanError, MismatchError, ScannerError
from scanner.execution.clusters import connect
from scanner.grid import Grid
from scanner.limits.minimum import COMBINED
from scanner.limits.plane import plane
from scanner.limits.reference import Minimum
from scanner.limits.refinement import batches
from scanner.limits.refinement.bound import crossed_cells
from scanner.limits.surface import Surface
from scanner.scan import Scan

pytestmark = pytest.mark.cluster

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"
MODELS = ("light_vector_universal", "light_vector_lmu_minus_ltau")
START = ["axes.mass.n=32", "axes.coupling.n=32"]
TO = "0.025dex"


@pytest.fixture(scope="module")
def client():
    with connect(workers=2) as connection:
        yield connection.client


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module", params=MODELS)
def refinement(request, root, client):
    scan = Scan.of(request.param, START, store=root)
    scan.run(client)
    return scan.refine(to=TO, cls=(0.9, 0.9545), client=client)


@pytest.fixture(scope="module")
def universal(root, client):
    scan = Scan.of(MODELS[0], START, store=root)
    scan.run(client)
    return scan


@pytest.fixture
def own(universal, tmp_path) -> Iterator[Scan]:
    """The universal scan in a store of its own, without refinements."""
    copied = shutil.copytree(universal.stored.path, tmp_path / universal.id)
    shutil.rmtree(copied / "refined", ignore_errors=True)
    batches._bench.cache_clear()
    return Scan.open(universal.id, store=tmp_path)


def dense_chi2(refinement):
    """chi2 of every point of the finest grid, from the likelihood."""
    mesh, evaluator = refinement.mesh, refinement.scan.evaluator
    grid = Grid(mesh.axes, (128, mesh.shape[1]))
    return np.concatenate([evaluator.block(grid, chunk).chi2 for chunk in grid], axis=1)


def along_lines(contour, axes):
    """Points along all lines, a tenth of the finest cell apart, on the axis scales."""
    found = []
    for line in contour.lines:
        columns = zip(axes, line.vertices.T, strict=True)
        v = np.stack([axis.to_scale(column) for axis, column in columns], axis=1)
        for a, b in itertools.pairwise(v):
            n = max(int(np.ceil(np.hypot(*(b - a)) / 1e-3)), 1)
            found.append(a + np.arange(n)[:, np.newaxis] / n * (b - a))
        found.append(v[-1:])
    return np.concatenate(found)


def test_it_equals_the_dense_grid_at_a_fraction_of_its_points(refinement):
    dense = refinement.dataset().copy()
    dense["chi2"] = (dense["chi2"].dims, dense_chi2(refinement))
    dense["status"] = (dense["chi2"].dims, np.ones(dense["chi2"].shape, np.uint8))
    assert refinement.evaluated == refinement.record["points"]
    assert refinement.evaluated < 0.2 * dense["chi2"][0].size
    for label, subset in refinement.question.subsets.items():
        zero = Minimum.from_dict(refinement.record["references"][label])
        surface = Surface.from_dataset(dense, refinement.mesh.axes, subset)
        truth = plane(surface, refinement.question.keep, cls=(0.9, 0.9545), minimum=zero)
        found = refinement.contour(experiments=subset)
        for one, true, bound in zip(
            found.plane.contours, truth.contours, found.bounds, strict=True
        ):
            crossed = crossed_cells(truth.delta_chi2, true.level)
            assert np.array_equal(crossed, crossed_cells(found.plane.delta_chi2, one.level))
            assert bound.unevaluated == 0
            assert [line.closed for line in one.lines] == [line.closed for line in true.lines]
            mine, theirs = (along_lines(c, truth.axes) for c in (one, true))
            apart = max(cKDTree(mine).query(theirs)[0].max(), cKDTree(theirs).query(mine)[0].max())
            assert apart < 0.05 * max(bound.cell.values())


def test_the_strip_is_found_though_the_start_misses_it(refinement):
    """From 150 MeV to 1 GeV every column goes allowed, excluded, allowed in the strip, excluded."""

    def share_with_strip(plane):
        masses = plane.axes[0].coordinates
        allowed = plane.delta_chi2[(masses > 150.0) & (masses < 1e3)] <= plane.contours[0].level
        return (np.diff(allowed.astype(int), axis=1) == 1).any(axis=1).mean()

    assert share_with_strip(refinement.contour(cls=[0.9]).plane) == 1.0
    assert share_with_strip(refinement.scan.contour(cls=[0.9])) < 0.6


def test_the_true_line_is_within_the_bound(refinement):
    """The exact Delta chi2 one bound off a line, on both sides, is above and below the level."""
    found = refinement.contour(cls=[0.9])
    contour, bound = found.plane.contours[0], found.bounds[0].to_dict()["axes"]
    axes, zero = found.plane.axes, refinement.record["references"][COMBINED]["chi2"]
    vertices = np.concatenate([line.vertices for line in contour.lines])[::7]
    scaled = np.stack([a.to_scale(v) for a, v in zip(axes, vertices.T, strict=True)], axis=1)
    between = np.ones(len(scaled), bool)
    crosses = np.zeros(len(scaled), bool)
    for k, axis in enumerate(axes):
        signs = []
        for side in (-1.0, 1.0):
            moved = scaled.copy()
            moved[:, k] += side * bound[axis.name]["bound"]
            ends = axes[k].to_scale(axes[k].coordinates[[0, -1]])
            between &= (moved[:, k] >= ends[0]) & (moved[:, k] <= ends[1])
            values = {a.name: a.from_scale(m) for a, m in zip(axes, moved.T, strict=True)}
            chi2 = refinement.scan.evaluator.chi2_at(values).sum(axis=0)
            signs.append(chi2 - zero > contour.level)
        crosses |= signs[0] != signs[1]
    assert between.sum() > 50
    assert crosses[between].mean() > 0.97  # the rest are tips, where the line turns within a cell


def test_a_finished_one_computes_nothing(refinement, client):
    again = refinement.scan.refine(to=[TO], cls=[0.9545, 0.9], client=client)
    assert again.evaluated == 0
    assert again.stored.key == refinement.stored.key
    assert again.record == refinement.record
    for mine, theirs in zip(again.values, refinement.values, strict=True):
        assert np.array_equal(mine, theirs, equal_nan=True)


def test_it_goes_on_where_it_stopped_bit_for_bit(own, client, monkeypatch):
    whole = own.refine(to="0.04dex", client=client)
    expected = {p.name: p.read_bytes() for p in whole.stored.folder.path.glob("batches/*.npz")}
    shutil.rmtree(whole.stored.folder.path)
    original, calls = batches.Batches.__call__, []

    def stops(self, level, index):
        calls.append(level)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(self, level, index)

    monkeypatch.setattr(batches.Batches, "__call__", stops)
    with pytest.raises(KeyboardInterrupt):
        own.refine(to="0.04dex", client=client)
    assert whole.stored.done is None
    monkeypatch.undo()
    resumed = own.refine(to="0.04dex", client=client)
    assert 0 < resumed.evaluated < whole.evaluated
    found = {p.name: p.read_bytes() for p in whole.stored.folder.path.glob("batches/*.npz")}
    assert found == expected


def test_a_damaged_batch_is_told_and_made_again(own, client):
    whole = own.refine(to="0.04dex", client=client)
    batch = whole.stored.folder.path / "batches" / "000001.npz"
    data = batch.read_bytes()
    batch.write_bytes(data[:-7] + bytes([data[-7] ^ 1]) + data[-6:])
    with pytest.raises(MismatchError, match=r"000001\.npz is missing or damaged"):
        own.refined_contour()
    mended = own.refine(to="0.04dex", client=client)
    assert 0 < mended.evaluated < whole.evaluated
    assert batch.read_bytes() == data
    assert own.refined_contour().bounds[0].unevaluated == 0


@pytest.mark.parametrize("name", ["manifest.json", "done.json"])
def test_damaged_records_are_written_again_and_no_point_is_lost(own, client, name):
    whole = own.refine(to="0.04dex", client=client)
    (whole.stored.folder.path / name).write_text("{")
    with pytest.raises(ScannerError, match="scanner refine"):
        own.refined_contour()
    mended = own.refine(to="0.04dex", client=client)
    assert mended.evaluated == 0
    assert mended.record == whole.record
    assert own.refined_contour().bounds[0].unevaluated == 0


def test_a_lower_point_than_the_stored_minimum_is_used_and_told(own, client):
    summary = json.loads((own.stored.path / "summary.json").read_text())
    summary["minimum"][LAR]["chi2"] += 0.5
    (own.stored.path / "summary.json").write_text(json.dumps(summary))
    found = own.refine(to="0.04dex", experiments=[LAR], client=client)
    zero = found.record["references"][LAR]
    assert zero["chi2"] == pytest.approx(summary["minimum"][LAR]["chi2"] - 0.5, abs=1e-3)
    assert zero["chi2"] <= float(found.dataset()["chi2"].sel(experiment=LAR).min())
    row = own.definition.layers.index(LAR)
    assert float(own.evaluator.chi2_at(zero["at"], [row])[0, 0]) == pytest.approx(zero["chi2"])
    assert found.record["lowered"][LAR] > 0.2
    assert found.contour().plane.reference.chi2 == zero["chi2"]


def test_held_axes_take_any_value(root, client):
    scan = Scan.of(
        "light_vector_universal",
        ["axes.mass.n=6", "axes.coupling.n=9", "axes.sin2_theta_w.start=0.22",
         "axes.sin2_theta_w.stop=0.26", "axes.sin2_theta_w.n=3",
         "axes.sin2_theta_w.spacing=linear"],
        store=root,
    )  # fmt: skip
    scan.run(client)
    with pytest.raises(DefinitionError, match="--at sin2_theta_w=VALUE"):
        scan.refine(to="0.1dex", keep=("mass", "coupling"), client=client)
    at = {"sin2_theta_w": 0.2337}
    found = scan.refine(to="0.1dex", at=at, client=client)
    assert found.record["levels"][0]["points"] == 54
    line = scan.refined_contour(at=at).plane.contours[0].lines[0].vertices[3]
    values = {"mass": line[0], "coupling": line[1], **at}
    delta = scan.evaluator.chi2_at(values).sum() - scan.minima[COMBINED].chi2
    assert float(delta) == pytest.approx(4.605, abs=1.5)


def test_the_axes_may_be_turned(refinement):
    straight = refinement.contour(cls=[0.9])
    turned = refinement.scan.refined_contour(keep=("coupling", "mass"))
    assert [axis.name for axis in turned.plane.axes] == ["coupling", "mass"]
    assert turned.bounds[0].unevaluated == 0
    assert turned.bounds[0].cell == straight.bounds[0].cell
    crossed = crossed_cells(straight.plane.delta_chi2, 4.605)
    assert np.array_equal(crossed_cells(turned.plane.delta_chi2, 4.605).T, crossed)


def test_levels_and_experiments_that_were_not_refined_are_refused(refinement):
    scan = refinement.scan
    with pytest.raises(DefinitionError, match="scanner refine"):
        scan.refined_contour(cls=[0.99])
    with pytest.raises(DefinitionError, match="scanner refine"):
        scan.refined_contour(reference="sm")
    with pytest.raises(DefinitionError, match="refine again"):
        refinement.contour(cls=[0.68])


def test_an_incomplete_scan_is_refused(tmp_path):
    scan = Scan.of(MODELS[0], START, store=tmp_path)
    with pytest.raises(IncompleteScanError, match="complete"):
        scan.refine(to=TO)
    assert not (scan.stored.path / "refined").exists()
