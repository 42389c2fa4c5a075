from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from scanner.errors import StoreError
from scanner.store.files import DiskFolder, store_errors


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EDQUOT, "no space left"),
        (errno.EROFS, "not writable"),
        (errno.EACCES, "permission denied"),
        (errno.EIO, "check the disk"),
    ],
)
def test_failures_become_store_errors_of_one_line(number: int, words: str) -> None:
    with pytest.raises(StoreError, match=words) as caught, store_errors("/data/scans"):
        raise OSError(number, os.strerror(number))
    assert "/data/scans" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_write_replaces_and_leaves_no_partial_file(tmp_path: Path) -> None:
    folder = DiskFolder(tmp_path)
    folder.write("a.json", b"one")
    folder.write("a.json", b"two")
    assert folder.read("a.json") == b"two"
    assert folder.names() == ["a.json"]


def test_failed_write_leaves_the_old_file_and_no_partial_file(tmp_path: Path) -> None:
    folder = DiskFolder(tmp_path)
    (tmp_path / "a.json").mkdir()
    with pytest.raises(StoreError):
        folder.write("a.json", b"two")
    assert folder.names() == ["a.json"]


def test_what_is_absent_reads_as_nothing(tmp_path: Path) -> None:
    folder = DiskFolder(tmp_path / "absent")
    assert folder.read("a") is None
    assert folder.names() == []
    assert folder.sizes() == {}
    assert folder.size("a") == 0
    folder.remove(["a"])


def test_root_below_a_regular_file_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="not a directory"):
        DiskFolder(tmp_path / "file" / "root").check_writable()


def test_space_is_checked_before_the_folder_exists(tmp_path: Path) -> None:
    folder = DiskFolder(tmp_path / "not" / "yet")
    folder.check_space(1)
    with pytest.raises(StoreError, match=r"needs 1e\+09 GB and .* are free"):
        folder.check_space(10**18)


def test_staged_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = DiskFolder(tmp_path)
    with folder.staged("scan") as draft:
        draft.write("a", b"1")
        assert not folder.exists("scan")
    assert folder.child("scan").read("a") == b"1"
    with pytest.raises(RuntimeError), folder.staged("other"):
        raise RuntimeError
    assert folder.names() == ["scan"]


def test_second_staged_folder_of_a_name_is_dropped(tmp_path: Path) -> None:
    folder = DiskFolder(tmp_path)
    for text in (b"first", b"second"):
        with folder.staged("scan") as draft:
            draft.write("a", text)
    assert folder.child("scan").read("a") == b"first"
    assert folder.names() == ["scan"]


def test_sweep_takes_old_partial_files_only(tmp_path: Path) -> None:
    folder = DiskFolder(tmp_path)
    (tmp_path / "c").mkdir()
    old, young, data = (tmp_path / "c" / n for n in ("0.aa.partial", "1.bb.partial", "2"))
    draft = tmp_path / ".scan.cc.partial"
    draft.mkdir()
    (draft / "zarr.json").write_text("{}")
    for path in (old, young, data):
        path.write_bytes(b"x")
    long_ago = time.time() - 3600
    for path in (old, data, draft):
        os.utime(path, (long_ago, long_ago))
    assert folder.sweep(600) == 2
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["1.bb.partial", "2", "c"]
