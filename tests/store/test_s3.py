"""Addresses, credentials and refusals of buckets."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from swift_server import KEY, READER, READER_SECRET, SECRET, S3Server

from scanner.errors import DefinitionError, ScannerError, StoreError
from scanner.store import s3
from scanner.store.archive import Archive
from scanner.store.location import folder_at
from scanner.store.refusals import reason
from scanner.store.stored import StoredScan


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment without credentials; a home of its own."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / ".aws").mkdir()
    return tmp_path / ".aws"


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("s3://scans", "s3://scans"),
        ("s3://scans/", "s3://scans"),
        ("s3://my.scans-2/a/b_c/", "s3://my.scans-2/a/b_c"),
        (Path("s3://scans/a"), "s3://scans/a"),
    ],
)
def test_addresses(text: str | Path, location: str) -> None:
    assert folder_at(text).location == location


@pytest.mark.parametrize(
    "text",
    [
        "s3://key:secret@scans/a",
        "s3://key:se/cret@scans/a",
        "s3://scans/a?aws_secret_access_key=secret",
        "s3://scans:secret/a",
        "s3://scans/a#secret",
        "s3://secret\\x/a",
    ],
)
def test_credentials_in_an_address_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(DefinitionError, match="AWS_ACCESS_KEY_ID") as told:
        Archive(text).list()
    assert "cret" not in str(told.value)


@pytest.mark.parametrize("text", ["s3://", "s3:///a", "s3://x", "s3://scans/../a", "s3://scans//a"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(DefinitionError, match="write s3://BUCKET/PREFIX"):
        folder_at(text)


@pytest.mark.parametrize("text", ["http://key:secret@host", "host:9000", "http://h?k=secret"])
def test_what_is_no_endpoint(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", text)
    with pytest.raises(DefinitionError, match="AWS_ENDPOINT_URL") as told:
        s3.endpoint()
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("text", ["-1", "long", "nan", "281"])
def test_what_is_no_patience(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANNER_STORE_PATIENCE", text)
    with pytest.raises(DefinitionError, match="seconds from 0 to 280"):
        s3.patience()


def test_no_credentials_are_told_at_once(bare: Path) -> None:
    with pytest.raises(StoreError, match=r"s3://scans: no credentials: set AWS_ACCESS_KEY_ID"):
        folder_at("s3://scans/x").names()


def test_half_of_the_keys_is_told(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    with pytest.raises(StoreError, match="only one of AWS_ACCESS_KEY_ID and AWS_SECRET"):
        folder_at("s3://scans/x").names()


def test_a_profile_that_is_not_there(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    with pytest.raises(StoreError, match="AWS_PROFILE = 'work': no such profile"):
        folder_at("s3://scans/x").names()


def test_a_profile_without_keys_tells_how_to_have_them(bare: Path) -> None:
    (bare / "config").write_text("[default]\nsso_session = x\n")
    with pytest.raises(StoreError, match="aws configure export-credentials --profile default"):
        folder_at("s3://scans/x").names()


def test_lines_of_a_damaged_file_are_not_repeated(bare: Path) -> None:
    (bare / "credentials").write_text("aws_secret_access_key secret\n")
    with pytest.raises(StoreError, match="credentials: cannot be read") as told:
        folder_at("s3://scans/x").names()
    assert "secret\n" not in str(told.value)
    assert told.value.__cause__ is None


@pytest.mark.parametrize("named", [False, True])
def test_keys_of_a_profile(
    bare: Path, monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, named: bool
) -> None:
    section = "work" if named else "default"
    (bare / "credentials").write_text(
        f"[{section}]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"
    )
    (bare / "config").write_text(
        f"[{'profile work' if named else 'default'}]\nregion = us-east-1\n"
        f"endpoint_url = {s3_server.endpoint}\n"
    )
    if named:
        monkeypatch.setenv("AWS_PROFILE", "work")
    folder = folder_at(f"s3://{s3_server.bucket}/profile-{named}")
    folder.write("a", b"1")
    assert folder.names() == ["a"]
    moved = bare / "elsewhere"
    (bare / "credentials").rename(moved)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(moved))
    assert folder.read("a") == b"1"


def test_refusals_are_one_line_with_the_mend(
    s3_root: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = Archive("s3://no-such-bucket/x")
    for attempt in (absent.list, absent.check, absent.folder.check_writable):
        with pytest.raises(StoreError, match="the bucket does not exist: make it") as told:
            attempt()
        assert "\n" not in str(told.value)
    with pytest.raises(StoreError, match="the bucket does not exist"):
        StoredScan.open("s3://no-such-bucket/x/0123456789abcdef")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", READER)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", READER_SECRET)
    folder = folder_at(s3_root)
    for attempt in (folder.names, folder.check_writable, lambda: folder.exists("a")):
        with pytest.raises(StoreError, match="permission denied: the keys must be right, and may"):
            attempt()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    for attempt in (folder.names, folder.check_writable, lambda: folder.exists("a")):
        with pytest.raises(StoreError, match="the keys are refused: check AWS_ACC") as refused:
            attempt()
        assert "wrong" not in str(refused.value)
        assert refused.value.exit_code == 6


def test_no_answer_is_told_in_bounded_time(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANNER_STORE_PATIENCE", "1")
    monkeypatch.setattr(s3, "SMALL_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes requests, never answers
        port = silent.getsockname()[1]
        for place in (f"http://127.0.0.1:{port}", "http://127.0.0.1:9", "http://nowhere.invalid"):
            monkeypatch.setenv("AWS_ENDPOINT_URL", place)
            begun = time.monotonic()
            with pytest.raises(StoreError, match=f"no answer from {place}, tried again for 1 s"):
                folder_at(s3_root).check_makeable()
            assert time.monotonic() - begun < 5.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("status code: 503 X: <Code>SlowDown</Code>", "overloaded (503 SlowDown), tried again"),
        ("status code: 429 X: ", "overloaded (429 ), tried again for 30 s"),
        ("status code: 500 X: <Code>InternalError</Code>", "fails (500 InternalError)"),
        ("status code: 403 X: <Code>RequestTimeTooSkewed</Code>", "clock is wrong"),
        ("status code: 400 X: <Code>ExpiredToken</Code>", "token has expired"),
        ("status code: 301 X: <Code>PermanentRedirect</Code>", "set AWS_REGION"),
        ("status code: 507 X: ", "no space left"),
        ("status code: 418 X: <Code>Teapot</Code>", "refuses the request (418 Teapot)"),
        ("HTTP error: error sending request", "no answer from"),
    ],
)
def test_reasons(text: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCANNER_STORE_PATIENCE", raising=False)
    assert words in reason(text)


def test_credentials_go_nowhere(s3_root: str, definition, grid, block) -> None:
    stored = Archive(s3_root).create(definition, grid)
    stored.commit(stored.grid.chunk(0), *block(stored.grid.chunk(0)))
    stored.request_stop()
    held = dict(stored.folder.read_many(stored.folder.sizes()))
    assert len(held) > 10
    dataset = stored.dataset()
    texts = [repr(stored), repr(stored.cube), repr(dataset), str(dataset.attrs)]
    places = [stored, stored.cube.folder.zarr_store(read_only=True), dataset]
    for data in (*held.values(), *(t.encode() for t in texts), *map(pickle.dumps, places)):
        assert SECRET.encode() not in (data or b"")
        assert KEY.encode() not in (data or b"")


def test_another_process_makes_a_client_of_its_own(s3_root: str, definition, grid, block) -> None:
    stored = Archive(s3_root).create(definition, grid)
    chunk = stored.grid.chunk(1)
    stored.commit(chunk, *block(chunk))
    script = (
        "import pickle, sys; stored, zarr_store = pickle.load(sys.stdin.buffer); "
        "import xarray; print(sorted(stored.done()), "
        "int((xarray.open_zarr(zarr_store, consolidated=False)['status'] > 0).sum()))"
    )
    sent = pickle.dumps((stored, stored.cube.folder.zarr_store(read_only=True)))
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, input=sent, capture_output=True, timeout=60, check=True)
    assert done.stdout.split() == [b"[1]", b"%d" % (2 * chunk.size)]
    without = {k: v for k, v in os.environ.items() if k != "AWS_SECRET_ACCESS_KEY"}
    failed = subprocess.run(command, input=sent, env=without, capture_output=True, timeout=60)
    assert b"only one of" in failed.stderr


def test_a_missing_library_names_the_extra(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    s3._client.cache_clear()
    with pytest.raises(ScannerError, match=r"pip install 'cevns-scanner\[s3\]'"):
        folder_at(s3_root).check_makeable()


def test_a_server_that_does_not_answer_is_waited_for_once(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scanner.store.objects import ObjectFolder

    asked: list[str] = []
    monkeypatch.setattr(
        ObjectFolder, "_listed", lambda self: asked.append(self.location) or iter(())
    )
    monkeypatch.setenv("SCANNER_STORE_PATIENCE", "0.5")
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match=r"no answer from .*, tried again for 0.5 s"):
        folder_at("s3://scans/a").exists("definition.json")
    assert asked == []
