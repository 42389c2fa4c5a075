"""Makers and removers of scans on an object store who meet, or die at any step."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from scanner.errors import CatalogError, StoreError
from scanner.grid import Grid
from scanner.store import objects
from scanner.store.archive import Archive
from scanner.store.audit import audit
from scanner.store.objects import CLAIM, TOMBSTONE, ObjectFolder
from scanner.store.removal import candidate, remove
from scanner.store.stored import StoredScan

LONG = bool(os.environ.get("SCANNER_LONG_TESTS"))


class Death(BaseException):
    """Of the process: nobody catches it."""


@pytest.fixture
def archive(s3_root: str) -> Archive:
    return Archive(s3_root)


@pytest.fixture
def other_grid(grid: Grid) -> Grid:
    return Grid(grid.axes, (2, 5))


@contextmanager
def dying(steps: int) -> Iterator[list[str]]:
    """Let the process die before write or removal number `steps`; the list is of those before."""
    done: list[str] = []

    def counted(name: str) -> Callable[..., object]:
        real = getattr(ObjectFolder, name)

        def step(self: ObjectFolder, *args: object) -> object:
            if len(done) >= steps:
                raise Death
            done.append(f"{name} {args[0]}")
            return real(self, *args)

        return step

    with pytest.MonkeyPatch.context() as patch:
        # one request after the other: deaths fall between any two of them
        patch.setattr(objects, "at_once", lambda work, items, most=1: map(work, items))
        for name in ("write", "write_new", "remove"):
            patch.setattr(ObjectFolder, name, counted(name))
        with suppress(Death):
            yield done
            done.append("whole")  # not reached by the dead


def fill(stored: StoredScan, block) -> None:
    for number in stored.missing():
        stored.commit(stored.grid.chunk(number), *block(stored.grid.chunk(number)))


# the first, those at the joints, the last ones; in the long form every one
MAKING = range(30) if LONG else (0, 2, 3, 4, 10, 16, 17, 18)
REMOVING = range(30) if LONG else (0, 1, 2, 4, 5, 6, 7)


def test_a_maker_may_die_at_any_step(archive: Archive, definition, grid, other_grid, block) -> None:
    for steps in MAKING:
        root = Archive(f"{archive.folder}/{steps}")
        with dying(steps) as done:
            root.create(definition, grid)
        folder = root.folder.child(definition.id)
        claimed, there = folder.exists(CLAIM), folder.exists("definition.json")
        assert len(root.list()) == there == (root.find(definition) is not None)
        stored = root.create(definition, other_grid)
        assert stored.grid == (grid if claimed else other_grid)
        stored.cube.check()
        assert stored.dataset(load=True).attrs["digest"] == definition.digest
        assert root.list() == [stored]
        if done[-1:] == ["whole"]:
            break
    assert done[-1:] == ["whole"]
    fill(stored, block)
    assert audit(stored).whole


def test_makers_who_meet_end_with_one_layout(archive: Archive, definition, grid) -> None:
    shapes = [(4, 3), (2, 5), (6, 5)]
    ready = threading.Barrier(len(shapes))
    made: dict[tuple[int, ...], StoredScan] = {}

    def make(shape: tuple[int, ...]) -> None:
        ready.wait()
        made[shape] = archive.create(definition, Grid(grid.axes, shape))

    threads = [threading.Thread(target=make, args=(shape,)) for shape in shapes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    layouts = {stored.grid.chunk_shape for stored in made.values()}
    assert len(made) == 3
    assert len(layouts) == 1
    assert StoredScan.open(made[4, 3].location).grid.chunk_shape in layouts
    folder = made[4, 3].folder
    assert isinstance(folder, ObjectFolder)
    claimed, last = folder.claimed()
    assert {name: folder.read(name) for name in claimed} == claimed
    assert last == "definition.json"
    assert not folder.child("makers").names()


def test_a_remover_may_die_at_any_step(
    archive: Archive, definition, grid, other_grid, block
) -> None:
    for steps in REMOVING:
        root = Archive(f"{archive.folder}/{steps}")
        stored = root.create(definition, grid)
        stored.commit(stored.grid.chunk(0), *block(stored.grid.chunk(0)))
        found = candidate(root, stored.id)
        with dying(steps) as done:
            remove(found)
        if done[-1:] == ["whole"]:
            break
        if steps <= 1:  # before anything is gone
            assert root.list() == [stored]
            assert stored.done() == {0}
        else:
            assert root.list() == []
            with pytest.raises(StoreError, match=f"is being removed.*scanner rm {stored.id}"):
                root.create(definition, other_grid)
        remove(candidate(root, stored.id))
        assert root.folder.sizes() == {}
    assert done[-1:] == ["whole"]
    assert root.folder.sizes() == {}
    assert root.create(definition, other_grid).grid == other_grid


def test_order_of_a_removal(filled_on_s3: StoredScan, archive: Archive) -> None:
    filled_on_s3.write_attributes({"minimum": {}})
    found = candidate(archive, filled_on_s3.id)
    with dying(100) as done:
        remove(found)
    assert done[0] == f"write {TOMBSTONE}"
    order = ["definition.json", "summary.json", "ledger/000000000.json", "cube.zarr/chi2", CLAIM]
    places = [next(i for i, step in enumerate(done) if name in step) for name in order]
    assert places == sorted(set(places))
    assert done[-2] == f"remove ['{TOMBSTONE}']"


def test_what_a_killed_removal_left_goes_with_the_next(
    filled_on_s3: StoredScan, archive: Archive, other, grid
) -> None:
    second = archive.create(other, grid)
    second.folder.write(TOMBSTONE, b"")
    second.folder.remove(["definition.json"])
    remove(candidate(archive, filled_on_s3.id))
    assert archive.folder.sizes() == {}
    with pytest.raises(CatalogError, match="unknown scan"):
        archive.open(second.id)


def test_a_damaged_claim_is_told(archive: Archive, definition, grid) -> None:
    folder = archive.folder.child(definition.id)
    folder.write(CLAIM, b"{")
    with pytest.raises(StoreError, match=r"claim\.json is damaged: `scanner rm") as told:
        archive.create(definition, grid)
    assert definition.id in str(told.value)
    remove(candidate(archive, definition.id))
    assert archive.create(definition, grid).missing() == [0, 1, 2, 3]


@pytest.fixture
def filled_on_s3(archive: Archive, definition, grid, block) -> StoredScan:
    stored = archive.create(definition, grid)
    fill(stored, block)
    return stored
