"""Tokens: what is kept of them, for how long they hold, what is refused."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from scanner.errors import DefinitionError, StoreError
from scanner.service.access import tokens
from scanner.service.access.tokens import SCOPES, Tokens

SECRET = re.compile(r"cevns_[A-Za-z0-9_-]{43}")  # 32 bytes


@pytest.fixture
def kept(tmp_path):
    return Tokens(tmp_path / "made" / "state")


def test_a_secret_is_shown_once_and_only_its_hash_is_kept(kept):
    secret = kept.create("anna", "submit", quota=1000, days=90)
    assert SECRET.fullmatch(secret)
    content = kept.path.read_bytes()
    assert secret.encode() not in content
    assert secret.removeprefix("cevns_").encode() not in content
    assert sha256(secret.encode()).hexdigest().encode() in content
    found = kept.find(secret)
    assert (found.name, found.scope, found.quota, found.valid) == ("anna", "submit", 1000, True)
    assert secret not in repr(found)
    end = datetime.fromisoformat(found.expires)
    assert abs(end - datetime.now(UTC) - timedelta(days=90)) < timedelta(seconds=5)
    assert end.tzinfo is not None


def test_no_secret_comes_twice(kept):
    assert len({kept.create(f"a{number}") for number in range(50)}) == 50


def test_only_this_user_can_read_them_whatever_the_umask(kept):
    before = os.umask(0)
    try:
        kept.create("anna")
    finally:
        os.umask(before)
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_file_that_others_can_read_or_write_is_refused(kept, mode):
    kept.create("anna")
    kept.path.chmod(mode)
    with pytest.raises(StoreError, match=f"chmod 600 {kept.path}"):
        Tokens(kept.path.parent)
    kept.path.chmod(0o600)
    assert [token.name for token in Tokens(kept.path.parent).list()] == ["anna"]


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777])
def test_a_folder_that_others_can_write_in_is_refused(tmp_path, mode):
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(StoreError, match=f"chmod 700 {folder}"):
        Tokens(folder).create("anna")
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="choose another"):
        Tokens(tmp_path / "file" / "state").create("anna")


@pytest.mark.parametrize(
    ("named", "mend"),
    [
        ({"name": ""}, "letters, digits"),
        ({"name": "@127.0.0.1"}, "letters, digits"),
        ({"name": "a b"}, "letters, digits"),
        ({"name": "a\n"}, "letters, digits"),
        ({"name": "a" * 65}, "at most 64"),
        ({"scope": "reed"}, "read"),
        ({"scope": ""}, "--scope"),
        ({"quota": 0}, "--quota 0"),
        ({"quota": -5}, "--quota -5"),
        ({"quota": 10**30}, "--quota 1000"),
        ({"days": 0.0}, "--days 0"),
        ({"days": -1.0}, "--days -1"),
        ({"days": float("nan")}, "--days nan"),
        ({"days": float("inf")}, "--days inf"),
        ({"days": 1e9}, "--days 1e"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(kept, named, mend):
    with pytest.raises(DefinitionError, match=mend):
        kept.create(**{"name": "anna", **named})
    assert not kept.path.exists()


def test_a_name_is_given_once_until_it_is_revoked(kept):
    first = kept.create("anna")
    with pytest.raises(DefinitionError, match="token revoke anna"):
        kept.create("anna")
    assert kept.find(first).name == "anna"
    kept.revoke("anna")
    second = kept.create("anna", "admin")
    assert kept.find(first) is None
    assert kept.find(second).scope == "admin"


def test_who_revokes_an_unknown_name_is_told_the_nearest(kept):
    kept.create("anna")
    with pytest.raises(DefinitionError, match="anna"):
        kept.revoke("ana")
    assert kept.list()[0].valid


def test_what_is_revoked_elsewhere_holds_no_longer_here(kept):
    secret = kept.create("anna")
    assert kept.find(secret)
    Tokens(kept.path.parent).revoke("anna")
    assert kept.find(secret) is None
    assert kept.list() == ()


@pytest.mark.parametrize(("seconds", "holds"), [(-1, False), (60, True)])
def test_a_token_ends_by_itself(kept, monkeypatch, seconds, holds):
    secret = kept.create("anna", days=1)
    later = datetime.now(UTC) + timedelta(days=1, seconds=-seconds)
    monkeypatch.setattr(tokens, "_now", lambda: later.isoformat(timespec="seconds"))
    assert (kept.find(secret) is not None) is holds
    assert kept.list()[0].valid is holds


@pytest.mark.parametrize(
    "other",
    [
        "",
        "cevns_",
        "cevns_" + "A" * 43,
        "' OR '1'='1",
        "%",
        "\x00",
        "\udcff",
        "x" * 10**6,
    ],
)
def test_other_secrets_are_nobodys(kept, other):
    secret = kept.create("anna")
    assert kept.find(other) is None
    assert kept.find(secret + other) is None or other == ""
    assert kept.find(secret[:-1]) is None
    assert kept.find(secret.upper()) is None


def test_the_hash_of_a_secret_is_no_secret(kept):
    secret = kept.create("anna")
    assert kept.find(sha256(secret.encode()).hexdigest()) is None


def test_when_it_was_used_last_is_noted_once_a_minute(kept, monkeypatch):
    secret = kept.create("anna")
    assert kept.list()[0].used == ""
    kept.find(secret)
    used = kept.list()[0].used
    assert abs(datetime.fromisoformat(used) - datetime.now(UTC)) < timedelta(seconds=5)
    monkeypatch.setattr(tokens, "_now", lambda: "2099-01-01T00:00:00+00:00")
    kept.find(secret)
    assert kept.list()[0].used == used
    monkeypatch.setattr(tokens, "_USED_SECONDS", -1.0)
    kept.find(secret)
    assert kept.list()[0].used.startswith("2099")


def test_a_disk_that_cannot_be_written_keeps_nobody_out(kept, monkeypatch):
    secret = kept.create("anna")
    other = sqlite3.connect(kept.path)
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(tokens, "_WAIT", 0.05)
    with pytest.raises(StoreError, match="locked"):
        kept.create("bert")
    other.rollback()
    other.execute("BEGIN IMMEDIATE")  # others may read, none may write
    assert kept.find(secret).name == "anna"
    other.close()


def test_before_the_first_token_there_is_nothing(kept):
    assert kept.list() == ()
    assert kept.find("cevns_x") is None
    assert not kept.path.parent.exists()


def test_a_file_that_is_none_is_told(kept):
    kept.create("anna")
    kept.path.write_bytes(b"no database" * 100)
    for look in (kept.list, lambda: kept.find("x"), lambda: kept.create("bert")):
        with pytest.raises(StoreError, match=str(kept.path)):
            look()


def test_tokens_are_listed_by_name_without_their_hashes(kept):
    for name, scope in zip(("carl", "anna", "bert"), SCOPES, strict=True):
        kept.create(name, scope)
    found = kept.list()
    assert [(t.name, t.scope) for t in found] == [
        ("anna", "submit"),
        ("bert", "admin"),
        ("carl", "read"),
    ]
    assert not any(re.search(r"[0-9a-f]{64}", str(t.to_dict())) for t in found)


def test_many_processes_make_tokens_at_once(kept):
    line = (
        "import sys; from pathlib import Path; from scanner.service.access.tokens import Tokens; "
    )
    line += "[Tokens(Path(sys.argv[1])).create(sys.argv[2] + str(n)) for n in range(10)]"
    words = [sys.executable, "-c", line, str(kept.path.parent)]
    started = [subprocess.Popen([*words, name]) for name in "ab"]
    assert [one.wait(timeout=60) for one in started] == [0, 0]
    assert len(kept.list()) == 20


def test_the_command_loads_neither_the_web_framework_nor_the_store():
    line = "import scanner.service.access.tokens, sys; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)
    assert "scanner.service.access.tokens" in done.stdout
    for name in ("fastapi", "starlette", "uvicorn", "pydantic", "zarr", "xarray", "dask"):
        assert f"'{name}'" not in done.stdout
