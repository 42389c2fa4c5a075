"""Requests: asked again while a service works or is busy, kept answers, what is refused."""

from __future__ import annotations

import email.utils
import json
import socket
import time

import pytest

from scanner.client import transport
from scanner.client.address import Address
from scanner.client.client import connect
from scanner.client.transport import Cache, Transport
from scanner.errors import (
    CatalogError,
    ClusterError,
    DefinitionError,
    IncompleteScanError,
    MismatchError,
    StoreError,
)

NOW = {"Retry-After": "0"}
SECRET = "cevns_0123456789abcdefSECRET"


def refused(message, code=None, kind="x"):
    return json.dumps({"error": {"kind": kind, "message": message, "exit_code": code}}).encode()


@pytest.fixture
def way(script):
    made = Transport(Address(script.url, False, True), None, None, 5.0)
    yield made
    made.close()


def test_an_answer_that_takes_long_is_asked_for_until_it_is_there(script, way):
    wait = (202, {"Retry-After": "0.2"}, b'{"wait": true}')
    script.answers["a"] = [wait, wait, (200, {}, b"[1]")]
    began = time.monotonic()
    assert way.json("a", [("keep", "x")]) == [1]
    assert time.monotonic() - began >= 0.4
    assert [one[1] for one in script.asked] == ["/api/v1/a?keep=x"] * 3


def test_patience_ends(script):
    script.answers["a"] = [(202, {"Retry-After": "0.3"}, b"{}")]
    way = Transport(Address(script.url, False, True), None, None, 0.5)
    with pytest.raises(ClusterError, match=r"longer than 0\.5 s"):
        way.get("a")
    assert script.count("a") == 2
    way.close()


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again_but_not_for_ever(script, way, monkeypatch, status):
    busy = (status, NOW, refused("too much is waiting"))
    script.answers["a"] = [busy, busy, (200, {}, b"[]")]
    assert way.json("a") == []
    monkeypatch.setattr(transport, "MOST_REFUSALS", 2)
    script.answers["b"] = [busy]
    with pytest.raises(ClusterError, match="too much is waiting"):
        way.get("b")
    assert script.count("b") == 3


def test_a_wish_is_sent_again_too(script, way):
    script.answers["scans"] = [(429, NOW, b""), (201, {}, b'{"scan": "a"}')]
    assert way.post("scans", {"name": "x"}) == {"scan": "a"}
    assert [one[3] for one in script.asked] == [b'{"name": "x"}'] * 2


def test_a_time_to_come_back_may_be_told_as_a_date(script, way):
    date = email.utils.formatdate(time.time() + 1.0, usegmt=True)
    script.answers["a"] = [(503, {"Retry-After": date}, b""), (200, {}, b"[2]")]
    assert way.json("a") == [2]


def test_a_repeated_question_costs_one_304(script, way):
    script.answers["a"] = [(200, {"ETag": '"1"'}, b"[1]"), (304, {"ETag": '"1"'}, b"")]
    assert way.json("a") == way.json("a") == way.json("a") == [1]
    assert [one[2].get("If-None-Match") for one in script.asked] == [None, '"1"', '"1"']
    script.answers["a"] = [(200, {"ETag": '"2"'}, b"[2]")]
    assert way.json("a") == [2]
    script.answers["a"] = [(200, {}, b"[3]")]
    assert way.json("a") == [3]
    assert way.json("a") == [3]
    assert "If-None-Match" not in script.asked[-1][2]


def test_what_is_kept_is_bounded():
    cache = Cache(100)
    for i in range(8):
        cache.put(f"{i}", "tag", b"x" * 20)
    assert [i for i in range(8) if cache.get(f"{i}")] == [3, 4, 5, 6, 7]
    cache.put("4", "tag", b"x" * 26)  # too long to be kept: the older one is wrong now
    assert cache.get("4") is None
    cache.put("9", "tag", b"x" * 25)
    assert cache.get("9").content == b"x" * 25
    assert cache.get("3") is None
    assert cache.get("5").content == b"x" * 20


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (422, refused("mass = 1e9 is outside", 2), DefinitionError, "outside"),
        (404, refused("no scan", 2), CatalogError, "no scan"),
        (409, refused("half done", 3), IncompleteScanError, "half done"),
        (409, refused("other sources", 4), MismatchError, "other sources"),
        (503, refused("workers lost", 5), ClusterError, "workers lost"),
        (503, refused("disk full", 6), StoreError, "disk full"),
        (401, refused("token: revoked"), DefinitionError, "127.0.0.1.*revoked"),
        (403, refused("scope submit is needed"), DefinitionError, "submit is needed"),
        (413, refused("too many points"), DefinitionError, "too many points"),
        (500, b"Internal Server Error", ClusterError, "does not answer"),
        (502, b"<html>", ClusterError, "HTTP 502"),
        (404, b"<html>", ClusterError, "check the address"),
        (301, b"", ClusterError, "sends elsewhere"),
        (409, b'{"error": []}', ClusterError, "check the address"),
        (422, refused("\x1b[2Jgone", 2), DefinitionError, r"^ \[2Jgone$"),
    ],
)
def test_a_refusal_is_the_error_it_stands_for(script, way, status, body, kind, said):
    script.answers["a"] = [(status, {}, body)]
    with pytest.raises(kind, match=said) as told:
        way.get("a")
    assert type(told.value) is kind
    assert script.count("a") == 1


def test_a_closed_connection_is_made_again_once(script, way):
    script.answers["a"] = [(0, {}, b""), (200, {}, b"[1]")]
    assert way.json("a") == [1]
    script.answers["a"] = [(0, {}, b"")]
    with pytest.raises(ClusterError, match="broke off"):
        way.json("a")
    assert script.count("a") == 4


def test_what_is_no_json(script, way):
    script.answers["a"] = [(200, {}, b"<html>")]
    with pytest.raises(ClusterError, match="no scanner's service"):
        way.json("a")


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ClusterError, match=rf"127\.0\.0\.1:{port}: no service.*scanner serve"):
        connect(f"http://127.0.0.1:{port}")


def test_somebody_else_there(script):
    script.answers[""] = [(200, {}, b'{"hello": 1}')]
    with pytest.raises(ClusterError, match="no scanner's service"):
        connect(script.url)


def test_a_token_goes_into_a_header_and_nowhere_else(script, monkeypatch):
    script.answers["scans"] = [(200, {}, b'{"scans": [], "total": 0}')]
    with connect(script.url, SECRET) as client:
        assert client.list() == []
        shown = f"{client!r} {client._transport!r} {vars(client._transport)!r}"
    monkeypatch.setenv("SCANNER_TOKEN", SECRET)
    with connect(script.url):
        pass
    assert [one[2]["Authorization"] for one in script.asked] == [f"Bearer {SECRET}"] * 3
    assert not any(SECRET in one[1] for one in script.asked)
    assert SECRET not in shown


def test_without_a_token_none_is_sent(script):
    with connect(script.url):
        pass
    assert "Authorization" not in script.asked[0][2]
