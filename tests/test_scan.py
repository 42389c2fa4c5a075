"""The handle: run, kill, resume, ask, on real COHERENT data with real worker processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from scanner.drawing import draw
from scanner.errors import CatalogError, IncompleteScanError
from scanner.limits import spaces, workers
from scanner.scan import Scan
from scanner.store.folder import PARTIAL

pytestmark = pytest.mark.cluster

NAME = "light_vector_universal"
KILLED = ("axes.mass.n=200", "axes.coupling.n=200", "chunks.points=1000")
SMALL = ("axes.mass.n=24", "axes.coupling.n=60")


def chunk_bytes(scan):
    """Every file of the cube by relative path: chunks, coordinates; not the root's attributes."""
    root = scan.stored.path / "cube.zarr"
    files = (p for p in root.rglob("*") if p.is_file() and p.name != "zarr.json")
    return {str(p.relative_to(root)): p.read_bytes() for p in files}


def _whole(store):
    """Markers that are written; one that is being written has another suffix, and may be lost."""
    return sum(path.suffix != PARTIAL for path in store.glob("[!.]*/ledger/*"))


def kill_after(markers, store):
    """Run the command in a process group of its own and SIGKILL all of it in mid-scan."""
    sets = [text for override in KILLED for text in ("--set", override)]
    script = Path(sys.executable).parent / "scanner"
    line = [script, "run", NAME, *sets, "--store", store, "--workers", "2", "--no-figure"]
    process = subprocess.Popen(
        line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while _whole(store) < markers and time.monotonic() < deadline:
        assert process.poll() is None, "finished before it could be killed"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_killed_and_resumed_is_bit_identical_to_unbroken(tmp_path):
    whole = Scan.of(NAME, KILLED, store=tmp_path / "whole")
    whole.run(workers=2)
    kill_after(5, tmp_path / "killed")
    broken = Scan.open(NAME, store=tmp_path / "killed")
    done = broken.state().done
    assert 5 <= done < broken.stored.grid.n_chunks
    with pytest.raises(IncompleteScanError, match="scanner resume"):
        broken.dataset()
    report = broken.run(workers=2)
    assert report.computed == broken.stored.grid.n_chunks - done
    assert chunk_bytes(broken) == chunk_bytes(whole)
    assert broken.stored.verify() == []


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A finished small scan."""
    scan = Scan.of(NAME, SMALL, store=tmp_path_factory.mktemp("store"), workers=2)
    scan.run(workers=2)
    return scan


def test_second_run_computes_nothing(small):
    assert small.run() is None


def test_cube_holds_the_exact_likelihood(small):
    dataset = small.dataset()
    mass, coupling = np.meshgrid(dataset["mass"], dataset["coupling"], indexing="ij")
    exact = small.evaluator.chi2_at({"mass": mass.ravel(), "coupling": coupling.ravel()})
    stored = dataset["chi2"].to_numpy().reshape(2, -1)
    np.testing.assert_allclose(stored, exact, rtol=1e-9)


def test_minimum_is_off_the_grid_and_below_it(small):
    lowest = small.dataset()["chi2"].sum("experiment").min()
    found = small.minima["combined"]
    assert found.chi2 < float(lowest)
    exact = small.evaluator.chi2_at({n: np.array([v]) for n, v in found.at.items()}).sum()
    assert found.chi2 == pytest.approx(exact, rel=1e-9)


def test_subset_of_experiments_comes_from_the_same_cube(small):
    both = small.surface().chi2
    parts = [small.surface([name]).chi2 for name in small.definition.experiments]
    np.testing.assert_allclose(parts[0] + parts[1], both, rtol=1e-14)


def test_same_physics_is_the_same_scan_under_both_names(small, tmp_path):
    text = small.definition.to_toml().replace(NAME, "renamed")
    (tmp_path / "renamed.toml").write_text(text)
    store = small.stored.path.parent
    again = Scan.of(tmp_path / "renamed.toml", store=store)
    assert again.id == small.id
    assert Scan.open("renamed", store=store).id == small.id
    assert Scan.open(str(tmp_path / "renamed.toml"), store=store).id == small.id
    assert Scan.open(small.id[:6], store=store).id == small.id
    with pytest.raises(CatalogError, match="renamed"):
        Scan.open("renamd", store=store)


def test_a_client_of_the_caller_is_used_and_left_open(tmp_path):
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        report = Scan.of(NAME, ("axes.mass.n=4", "axes.coupling.n=12"), store=tmp_path).run(client)
        assert report.complete
        assert client.status == "running"


@pytest.mark.cluster
def test_a_small_scan_is_run_in_this_process_and_leaves_the_bytes_of_worker_processes(tmp_path):
    said = []
    here, _ = Scan.launch(NAME, SMALL, store=tmp_path / "here", said=said.append)
    there, _ = Scan.launch(NAME, SMALL, store=tmp_path / "there", said=said.append, workers=2)
    assert ["this process" in sentence for sentence in said] == [True, False]
    markers = [
        {number: marker.sha256 for number, marker in scan.stored.finished().items()}
        for scan in (here, there)
    ]
    assert markers[0]
    assert markers[0] == markers[1]


def test_the_minimum_in_a_strip_thinner_than_a_cell_is_found(tmp_path):
    """Without a look between the nodes this coarse scan ends 1.4 above the likelihood's minimum."""
    coarse = ["axes.mass.n=24", "axes.coupling.n=60", "options.couplings=tree"]
    scan, _ = Scan.launch(NAME, coarse, store=tmp_path)
    for name in ("coherent_csi_2021", "combined"):
        lowest = scan.likelihood(None if name == "combined" else [name]).minimise()
        assert scan.minima[name].chi2 == pytest.approx(lowest.chi2, abs=0.01)


def test_a_cube_too_large_for_memory_is_finished_and_asked_by_parts(small, tmp_path, monkeypatch):
    """Run, summary and figure, on a cube that is said to be large; the numbers are the same."""
    monkeypatch.setattr(spaces, "LARGE", 100)
    monkeypatch.setattr(workers, "LARGE", 100)
    scan, report = Scan.launch(NAME, SMALL, store=tmp_path, workers=2)
    assert report.complete
    assert scan.stored.summary["usable"] == {"0": 1.0, "1": 1.0, "0+1": 1.0}
    for name, minimum in small.minima.items():
        found = scan.minima[name]
        assert found.chi2 < minimum.chi2 + 1e-6  # its search is the deeper one
        place = {axis: np.array([value]) for axis, value in found.at.items()}
        layers = scan.definition.experiments
        rows = [layers.index(name)] if name in layers else range(len(layers))
        assert found.chi2 == pytest.approx(scan.evaluator.chi2_at(place)[rows].sum(), rel=1e-9)
    lines = scan.summary().lines()
    draw(scan, tmp_path / "large.png")
    monkeypatch.setattr(spaces, "LARGE", 2**24)
    assert lines == Scan.open(NAME, store=tmp_path).summary().lines()
    draw(scan.open(NAME, store=tmp_path), tmp_path / "small.png")
    assert (tmp_path / "large.png").read_bytes() == (tmp_path / "small.png").read_bytes()
