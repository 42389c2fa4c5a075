"""`scanner token`: what it prints, keeps and refuses."""

from __future__ import annotations

import re

import pytest

SECRET = re.compile(r"cevns_[A-Za-z0-9_-]{43}")


def test_a_secret_is_printed_alone_so_that_it_can_be_piped(command, tmp_path):
    made = command("token", "create", "anna", "--scope", "submit", "--state", tmp_path / "state")
    assert made.code == 0
    assert SECRET.fullmatch(made.out.rstrip("\n"))
    assert "anna" in made.err
    assert not SECRET.search(made.err)


def test_tokens_are_listed_and_revoked(command, tmp_path):
    at = ("--state", tmp_path / "state")
    assert command("token", "list", *at).out.strip() == "no tokens"
    made = command("token", "create", "anna", "--quota", "1000", "--days", "30", "--json", *at).json
    assert SECRET.fullmatch(made["token"])
    listed = command("token", "list", *at).out
    assert {"anna", "read", "1000"} <= set(listed.split())
    assert not SECRET.search(listed)
    [record] = command("token", "list", "--json", *at).json
    assert (record["name"], record["scope"], record["quota"]) == ("anna", "read", 1000)
    assert record["expires"].endswith("+00:00")
    assert command("token", "revoke", "anna", *at).out == "token of anna is revoked\n"
    assert command("token", "list", "--json", *at).json == []


def test_each_store_has_tokens_of_its_own(command, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    first, second = tmp_path / "a", tmp_path / "b"
    assert command("token", "create", "anna", "--store", first).code == 0
    assert [t["name"] for t in command("token", "list", "--store", first, "--json").json] == [
        "anna"
    ]
    assert command("token", "list", "--store", second, "--json").json == []
    [folder] = (tmp_path / "xdg" / "cevns-scanner").iterdir()
    assert [p.name for p in folder.iterdir()] == ["tokens.sqlite"]
    assert not first.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "a b"), "letters, digits"),
        (("create", "anna", "--scope", "all"), "--scope"),
        (("create", "anna", "--quota", "0"), "--quota 0"),
        (("create", "anna", "--days", "0"), "--days 0"),
        (("revoke", "anna"), "anna"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(command, tmp_path, words, said):
    found = command("token", *words, "--state", tmp_path / "state")
    assert found.code == 2
    assert found.out == ""
    assert said in found.err
    assert len(found.err.splitlines()) == 1
    assert not (tmp_path / "state").exists()


def test_a_file_that_others_can_read_is_not_used(command, tmp_path):
    at = ("--state", tmp_path / "state")
    command("token", "create", "anna", *at)
    (tmp_path / "state" / "tokens.sqlite").chmod(0o644)
    found = command("token", "list", *at)
    assert found.code == 6
    assert "chmod 600" in found.err
    assert len(found.err.splitlines()) == 1
