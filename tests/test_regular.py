"""Pipes, devices and files without an end in the place of a file: one error, at once."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from scanner.regular import IrregularFileError, check, read_bytes, read_text
from scanner.scan import Scan

SCRIPT = Path(sys.executable).parent / "scanner"
SECONDS = 60.0
MEMORY = 6 * 2**30  # of addresses: a reader of /dev/zero meets it soon


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(2**40)  # takes no space


HOSTILE = pytest.mark.parametrize("put", [pipe, endless, huge], ids=lambda put: put.__name__)


def scanner(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The real command; a reader that waits or swallows is ended, which fails the test."""
    limited = f'ulimit -v {MEMORY // 1024}; exec "$@"'
    line = ["bash", "-c", limited, "-", SCRIPT, *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=SECONDS)


def test_a_small_file_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "marker"
    path.write_bytes(b"done")
    tracemalloc.start()
    try:
        read_bytes(path)
        assert tracemalloc.get_traced_memory()[1] < 2**18
    finally:
        tracemalloc.stop()


def test_a_file_that_is_longer_than_it_says_is_read_whole() -> None:
    assert b"VmSize" in read_bytes(Path("/proc/self/status"))


def test_a_regular_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes("χ\r\n".encode())
    (tmp_path / "link").symlink_to(path)
    assert read_bytes(path, 4) == path.read_bytes()
    assert read_text(tmp_path / "link") == "χ\n"
    check(path, 4)
    with pytest.raises(IrregularFileError, match="larger than the"):
        read_bytes(path, 3)
    with pytest.raises(IrregularFileError, match="larger than the"):
        check(path, 3)
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "none")
    check(tmp_path / "none")


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as held:
        held.bind(str(tmp_path / "socket"))
        pipe(tmp_path / "pipe")
        endless(tmp_path / "device")
        for name, said in (("pipe", "a pipe"), ("device", "a device")):
            with pytest.raises(IrregularFileError, match=f"{said}, not a regular file"):
                read_bytes(tmp_path / name)
        with pytest.raises(IsADirectoryError):
            read_bytes(tmp_path)
        with pytest.raises(OSError):  # noqa: PT011 - of the system: a socket is not even opened
            read_bytes(tmp_path / "socket")
        with pytest.raises(IrregularFileError, match="a socket"):
            check(tmp_path / "socket")


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a complete scan."""
    root = tmp_path_factory.mktemp("store")
    made = Scan.of("weak_mixing_angle_lar", ["axes.sin2_theta_w.n=9"], store=root)
    made.run()
    return Path(made.stored.location)


def record(folder: Path) -> Path:
    return folder / "runs" / "00000000000000000001-00000000.json"


def segment(folder: Path) -> Path:
    return next(path for path in sorted((folder / "ledger").iterdir()) if path.is_file())


def coordinates(folder: Path) -> Path:
    return folder / "cube.zarr" / "sin2_theta_w" / "c" / "0"


PLACES: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "definition": ("status", lambda folder: folder / "definition.json"),
    "summary": ("status", lambda folder: folder / "summary.json"),
    "run": ("status", record),
    "ledger": ("status", segment),
    "metadata": ("show", lambda folder: folder / "cube.zarr" / "chi2" / "zarr.json"),
    "coordinates": ("interval", coordinates),
}


@HOSTILE
@pytest.mark.parametrize("place", PLACES)
def test_a_store_holds_nobody_up(scan: Path, tmp_path: Path, place: str, put) -> None:
    folder = tmp_path / scan.name
    shutil.copytree(scan, folder)
    verb, find = PLACES[place]
    path = find(folder)
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    put(path)
    more = ["sin2_theta_w"] if verb == "interval" else []
    done = scanner(verb, scan.name, *more, "--store", tmp_path)
    assert done.returncode == 6, done.stdout + done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: store: {path} is ")
    assert line.endswith("it may be hostile; remove it")


@HOSTILE
def test_a_file_that_is_named_holds_nobody_up(tmp_path: Path, put) -> None:
    path = tmp_path / "odd.toml"
    put(path)
    for arguments in (
        ("run", path, "--store", tmp_path),
        ("show", path),
        ("run", "nsi_ee_u", "--cluster", path, "--store", tmp_path),
        ("deploy", "script", path),
    ):
        done = scanner(*arguments)
        assert done.returncode == 2, done.stderr
        [line] = done.stderr.splitlines()
        assert line.startswith(f"error: {path}: cannot be read (")
        assert "regular file" in line or "larger than" in line
