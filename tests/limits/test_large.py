"""A cube that is read by parts answers as one in memory does, to the last bit."""

from __future__ import annotations

import importlib
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scanner.errors import DefinitionError, IncompleteScanError, MismatchError
from scanner.execution.clusters import connect
from scanner.grid import Axis
from scanner.limits import large, spaces, tiles, workers
from scanner.limits.answers import Answers
from scanner.limits.export.profile import profile_record
from scanner.limits.surface import Surface
from scanner.limits.workers import Workers
from scanner.store.cube import Cube

sys.path.insert(0, str(Path(__file__).parent))
store = importlib.import_module("store")

AXES = (
    Axis("mass", "log", 0.1, 1e4, 7, "MeV"),
    Axis("eps", "linear", -1.0, 1.0, 9),
    Axis("eta", "list", 0.0, 5.0, 6, values=(0.0, 0.5, 0.7, 2.0, 3.0, 5.0)),
    Axis("g", "log", 1e-6, 1e-2, 11),
)
NAMES = tuple(axis.name for axis in AXES)
SHAPE = tuple(len(axis) for axis in AXES)
CHUNKS = ((3, 4, 2, 11), (7, 9, 6, 11), (3, 5, 4, 4), (7, 2, 6, 3))


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any cube is too large for memory; readings stay in this process."""
    monkeypatch.setattr(spaces, "LARGE", 10)


def values(seed: int = 1, layers: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Rough chi2 with all kinds of status."""
    random = np.random.default_rng(seed)
    mesh = np.meshgrid(*(axis.to_scale(axis.coordinates) for axis in AXES), indexing="ij")
    smooth = sum((m - m.mean() - 0.1) ** 2 for m in mesh) + mesh[1] * mesh[3]
    chi2 = np.stack([smooth * (1 + k) + random.normal(size=SHAPE) for k in range(layers)])
    status = random.choice([1, 2, 3, 4, 5], p=[0.8, 0.1, 0.04, 0.03, 0.03], size=chi2.shape)
    status[:, 2, 3] = 4  # a whole plane
    status = status.astype(np.uint8)
    return np.where(status >= 3, np.nan, chi2), status


def scan(
    root: Path, chunks: tuple[int, ...] = CHUNKS[0], left_out: tuple[int, ...] = (), **kind: int
) -> Answers:
    stored = store.write_scan(root, AXES, chunks, *values(**kind), left_out=left_out)
    return Answers(stored, partial=bool(left_out))


def in_memory(answers: Answers, experiments: tuple[str, ...] | None = None) -> Surface:
    return Surface.from_dataset(answers.stored.dataset(load=True), AXES, experiments)


def same(a: Surface, b: Surface) -> None:
    assert (a.names, a.experiments, a.computed, a.coverage) == (
        b.names,
        b.experiments,
        b.computed,
        b.coverage,
    )
    assert a.fixed == b.fixed
    assert list(a.profiled) == list(b.profiled)
    assert a.chi2.shape == b.chi2.shape
    assert a.chi2.tobytes() == b.chi2.tobytes()
    for name, at in b.profiled.items():
        assert a.profiled[name].tobytes() == at.tobytes(), name


@contextmanager
def reading() -> Iterator[list[tuple[slice, ...]]]:
    """The regions that are read of any cube."""
    seen: list[tuple[slice, ...]] = []
    original = Cube.read_region

    def spy(self: Cube, slices: tuple[slice, ...]) -> tuple[np.ndarray, np.ndarray]:
        seen.append(slices)
        return original(self, slices)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cube, "read_region", spy)
        yield seen


KEPT = [
    *((name,) for name in NAMES),
    ("mass", "g"),
    ("g", "mass"),
    ("eta", "eps"),
    ("mass", "eta"),
    ("g", "mass", "eta"),
    ("eps", "eta", "g"),
    ("eta", "eps", "mass"),
    (),
    NAMES,
]


@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize("more_kept", [0, 2**20])
def test_profiles_are_those_in_memory(
    tmp_path: Path, chunks: tuple[int, ...], more_kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "_MORE_KEPT", more_kept)
    answers = scan(tmp_path, chunks)
    whole = in_memory(answers)
    for keep in KEPT:
        same(answers.profile(keep), whole.profile(keep))
    same(answers.profile(["eta"], experiments=["b"]), in_memory(answers, ("b",)).profile(["eta"]))


@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize(
    "at",
    [
        {"mass": 3.7},
        {"g": 1e-6, "eta": 0.6},
        {"eps": 0.25, "mass": 1e4},
        {"eta": 4.0, "g": 2e-4, "mass": 77.0},
        {"eta": 4.0, "g": 2e-4, "mass": 77.0, "eps": -0.9},
    ],
)
def test_holding_axes_is_as_in_memory(
    tmp_path: Path, chunks: tuple[int, ...], at: dict[str, float]
) -> None:
    answers = scan(tmp_path, chunks)
    whole = in_memory(answers).at(**at)
    free = [name for name in NAMES if name not in at]
    for keep in ([], free[-1:], free[::-1]):
        same(answers.profile(keep, at=at), whole.profile(keep))


def test_a_scan_that_grows(tmp_path: Path) -> None:
    """Missing chunks; one has its data and no marker yet, one has a marker and no data."""
    answers = scan(tmp_path, left_out=(0, 5, 17))
    stored = answers.stored
    chi2, status = values()
    region = (slice(None), *stored.grid.chunk(5).slices)
    stored.cube.write(stored.grid.chunk(5), chi2[region], status[region])
    stored.cube.remove(8)
    whole = in_memory(answers)
    assert whole.computed < 1.0
    for keep in (("mass", "g"), ("eta",), ()):
        same(answers.profile(keep), whole.profile(keep))
    same(answers.profile(["g"], at={"eps": 0.1}), whole.at(eps=0.1).profile(["g"]))
    with pytest.raises(IncompleteScanError, match="scanner resume"):
        replace(answers, partial=False).profile(["g"])


def test_shares_are_read_only_where_the_ledger_does_not_tell(tmp_path: Path) -> None:
    chi2, status = values()
    status[:], chi2 = 1, np.nan_to_num(chi2)
    status[0, :3, :4, :2], chi2[0, :3, :4, :2] = 3, np.nan  # one of two layers of chunk 0
    status[:, :3, 4:8, :2], chi2[:, :3, 4:8, :2] = 4, np.nan  # all of another chunk
    answers = Answers(store.write_scan(tmp_path, AXES, CHUNKS[0], chi2, status))
    seen = []
    original = Cube.read_status

    def spy(self, chunk):
        seen.append(chunk.number)
        return original(self, chunk)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cube, "read_status", spy)
        for experiments in (None, ("a",), ("b",)):
            found = answers.spaces.of(experiments)
            whole = in_memory(answers, experiments)
            assert (found.computed, found.coverage) == (whole.computed, whole.coverage)
    assert seen == [0, 0, 0]


def test_every_chunk_is_read_once(tmp_path: Path) -> None:
    answers = scan(tmp_path)
    grid = answers.stored.grid
    for keep in (("mass", "g"), ("eta",), ()):
        with reading() as seen:
            answers.profile(keep)
        touched = [number for slices in seen for number in grid.touched(slices)]
        assert sorted(touched) == list(range(grid.n_chunks))


def test_only_chunks_beside_the_held_values_are_read(tmp_path: Path) -> None:
    chunks = (1, 1, 1, 11)
    answers = scan(tmp_path, chunks)
    at = {"mass": 3.7, "eps": float(AXES[1].coordinates[2])}
    with reading() as seen:
        answers.profile(["eta", "g"], at=at)
    touched = {number for slices in seen for number in answers.stored.grid.touched(slices)}
    index = np.array([answers.stored.grid.block_index(number) for number in touched])
    # six masses around 3.7 MeV (log10: node 1.9 of 0..6), and the one plane of eps
    assert set(index[:, 0]) == {0, 1, 2, 3, 4}
    assert set(index[:, 1]) == {2}
    assert len(touched) == 5 * 6
    with reading() as seen:
        answers.profile([], at=dict(zip(NAMES, (0.1, -1.0, 0.5, 1e-6), strict=True)))
    touched = {number for slices in seen for number in answers.stored.grid.touched(slices)}
    assert len(touched) == 1


@pytest.mark.parametrize("bound", [2**12, 2**14, 2**17])
def test_tiles_are_cut_to_the_bound(
    tmp_path: Path, bound: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "TILE_BYTES", bound)
    monkeypatch.setattr(tiles, "_MORE_KEPT", 0)
    answers = scan(tmp_path, (7, 9, 6, 11))
    whole = in_memory(answers)
    for keep in (("mass", "g"), ("eps",), ()):
        with reading() as seen:
            same(answers.profile(keep), whole.profile(keep))
        largest = max(np.prod([s.stop - s.start for s in slices]) for slices in seen)
        assert largest * (9 * 2 + 16) <= max(bound, 11 * 34)


def test_memory_of_a_profile_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "TILE_BYTES", 2**21)
    monkeypatch.setattr(tiles, "_MORE_KEPT", 2**10)
    axes = tuple(Axis(name, "linear", -1.0, 1.0, 32) for name in "wxyz")
    mesh = np.meshgrid(*(axis.coordinates for axis in axes), indexing="ij", sparse=True)
    chi2 = sum((m - 0.1) ** 2 for m in mesh)[None]
    answers = Answers(store.write_scan(tmp_path, axes, (8, 8, 8, 32), chi2))
    expected = Surface(axes, chi2[0], ("a",)).profile(["x"])
    del chi2
    answers.profile(["w"], at={"x": 0.0, "y": 0.0})  # what is loaded once
    tracemalloc.start()
    try:
        found = answers.profile(["x"])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    same(found, expected)
    # the cube is 8 MB; searching minima takes a few arrays of 2^17 values, whatever the cube
    assert peak < 2**21 + 3 * 2**20


def test_intervals_contours_queries_and_summaries_are_those_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = scan(tmp_path)

    def ask() -> list[object]:
        at = {"eps": 0.3, "eta": 1.0}
        return [
            answers.interval("g").to_dict(),
            answers.interval("g", at={**at, "mass": 10.0}, reference="raster").to_dict(),
            answers.interval("eps", at={"mass": 3.0}, experiments=["a"]).to_dict(),
            answers.contour().to_dict(),
            answers.contour(["g", "mass"], at=at, reference="raster").to_dict(),
            answers.query(at).to_dict(),
            answers.query(
                {"mass": 0.1, "eps": 0.5, "eta": 3.0, "g": 1e-6}, reference="raster"
            ).to_dict(),
            answers.summary().lines(),
            answers.summary("raster").to_dict(),
            answers.delta_chi2(["mass", "g"]).chi2.tobytes(),
            profile_record(answers.profile(["eta"])),
        ]

    by_parts = ask()
    monkeypatch.setattr(spaces, "LARGE", 2**24)
    for found, expected in zip(by_parts, ask(), strict=True):
        assert repr(found) == repr(expected)


def test_what_does_not_fit_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = scan(tmp_path)
    monkeypatch.setattr(large, "LARGE", 100)
    with pytest.raises(DefinitionError, match=r"keep = mass, eps, g: 693 points .* --at"):
        answers.profile(["mass", "eps", "g"])
    with pytest.raises(DefinitionError, match=r"4.16e\+03 points are not loaded .*dataset\(\)"):
        answers.surface()
    assert answers.dataset()["chi2"][0, 0, 0, 0, :3].shape == (3,)
    with pytest.raises(DefinitionError, match="unknown axis 'gg'"):
        answers.profile(["gg"])
    with pytest.raises(DefinitionError, match=r"mass = 1e\+06 is outside"):
        answers.profile(["g"], at={"mass": 1e6})
    with pytest.raises(DefinitionError, match="unknown axis 'mass'"):
        answers.profile(["mass"], at={"mass": 1.0})


def test_a_damaged_chunk_is_named(tmp_path: Path) -> None:
    answers = scan(tmp_path)
    path = answers.stored.path / "cube.zarr" / "chi2" / "c" / "0" / "1" / "0" / "2" / "0"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    number = int(np.ravel_multi_index((1, 0, 2, 0), answers.stored.grid.blocks))
    with pytest.raises(MismatchError, match=rf"chunk {number} cannot be read.*--verify"):
        answers.profile(["g"])


@pytest.mark.cluster
def test_worker_processes_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "LARGE", 10)
    answers = scan(tmp_path, CHUNKS[2])
    whole = in_memory(answers)
    said: list[str] = []
    own = replace(answers, workers=Workers({"workers": 2}, told=said.append))
    same(own.profile(["eps", "g"]), whole.profile(["eps", "g"]))
    assert said == ["reading 4.16e+03 points on this host, 2 workers (no cluster given)"]
    with connect(workers=2) as connection:
        given = replace(answers, workers=Workers(client=connection.client))
        for keep in (("mass",), ("g", "eta"), ()):
            same(given.profile(keep), whole.profile(keep))
        assert connection.client.status == "running"
