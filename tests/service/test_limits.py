"""What is refused of a request, and nobody waited for: over raw connections to a real server."""

from __future__ import annotations

import json
import select
import time
from contextlib import suppress

import httpx
import pytest
from attacks import LONG, answer, attacked, chunked, ended, request, wait_for

from scanner.execution.security.certificates import make_certificates
from scanner.service.access import gate, patience
from scanner.service.settings import Settings

MB = 2**20
SLOWER = 0.2  # s allowed beyond a deadline of 0.5 s before it began


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with attacked(Settings(state=tmp_path_factory.mktemp("state"), hosts=("scans.org",))) as one:
        yield one


@pytest.fixture
def hasty(monkeypatch):
    """Deadlines of half a second, so that tests of them are short."""
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(patience, "READ_SECONDS", 0.5)
    monkeypatch.setattr(gate, "BODY_SECONDS", 0.5)
    monkeypatch.setattr(gate, "LINGER_SECONDS", 0.5)


@pytest.mark.parametrize("sent", [b"", b"GET", request()[:-2]])
def test_a_head_that_does_not_end_is_not_waited_for(server, hasty, sent):
    with server.connected() as connection:
        connection.sendall(sent)
        start = time.monotonic()
        assert ended(connection)
        assert 0.5 - SLOWER < time.monotonic() - start < 5.0


def test_a_head_that_drips_is_not_waited_for_either(server, hasty):
    with server.connected() as connection:
        connection.sendall(request()[:-2])
        start = time.monotonic()
        while not select.select([connection], [], [], 0.05)[0]:
            assert time.monotonic() - start < 5.0
            connection.sendall(b"X-More: 1\r\n")
        assert ended(connection)
        assert time.monotonic() - start > 0.5 - SLOWER


def test_a_connection_that_is_kept_may_be_silent_between_its_requests(server, hasty):
    with server.connected() as connection:
        for _ in range(3):
            connection.sendall(request())
            assert answer(connection).status == 200
            assert select.select([connection], [], [], 0.8)[0] == []  # beyond the deadline
        connection.sendall(request()[:20])
        assert ended(connection)


def test_a_head_after_another_has_its_own_deadline(server, hasty):
    with server.connected() as connection:
        connection.sendall(request() + request()[:-2])
        assert answer(connection).status == 200
        connection.sendall(b"X-More: 1\r\n")
        start = time.monotonic()
        assert ended(connection)
        assert time.monotonic() - start < 5.0


def test_events_go_on_far_beyond_every_deadline(server, hasty):
    start = time.monotonic()
    with httpx.stream("GET", f"{server.url}/stream?events=4&pause=0.4", timeout=LONG) as stream:
        told = [line for line in stream.iter_lines() if line]
    assert told == [f"data: {number}" for number in range(4)]
    assert time.monotonic() - start > 1.5


def test_a_body_that_does_not_come_is_not_waited_for(server, hasty):
    before = len(server.app.state.reached)
    with server.connected() as connection:
        connection.sendall(request("POST", Content_Length="100") + b"x" * 10)
        found = answer(connection)
        assert (found.status, found.error["kind"]) == (408, "slow")
        assert found.headers["connection"] == "close"
        assert ended(connection)
    assert len(server.app.state.reached) == before


def test_a_body_that_drips_is_not_waited_for_either(server, hasty):
    with server.connected() as connection:
        connection.sendall(request("POST", Transfer_Encoding="chunked"))
        start = time.monotonic()
        while not select.select([connection], [], [], 0.05)[0]:
            assert time.monotonic() - start < 5.0
            connection.sendall(b"1\r\nx\r\n")
        assert answer(connection).status == 408


@pytest.mark.parametrize("way", ["length", "chunks", "both", "no end", "announced"])
def test_bodies_of_ten_megabytes_are_refused_and_the_caller_learns_it(server, way):
    before = len(server.app.state.reached)
    body = b"x" * (10 * MB)
    sent = {
        "length": request("POST", body=body),
        "chunks": request("POST", Transfer_Encoding="chunked") + chunked(body, 65536),
        "both": request("POST", Transfer_Encoding="chunked", Content_Length="5")
        + chunked(body, 65536),
        "no end": request("POST", Transfer_Encoding="chunked") + b"ffffffff\r\n" + body,
        "announced": request("POST", Content_Length=str(10 * MB), Expect="100-continue"),
    }[way]
    if way == "announced":  # refused before a byte of it was sent
        found = server.raw(sent)
    else:
        found = server.raw(*(sent[start : start + MB] for start in range(0, len(sent), MB)))
    assert (found.status, found.error["kind"]) == (413, "too_large")
    assert "1048576 bytes" in found.error["message"]
    assert len(server.app.state.reached) == before


def test_a_usual_client_sees_the_refusal_of_its_large_body(server):
    def pieces():
        yield from (b"x" * MB for _ in range(10))

    for content in (b"x" * (10 * MB), pieces()):
        found = httpx.post(f"{server.url}/ping", content=content, timeout=LONG)
        assert found.status_code == 413


@pytest.mark.parametrize(("beyond", "status"), [(0, 200), (1, 413)])
@pytest.mark.parametrize("way", ["length", "chunks"])
def test_the_limit_of_a_body_is_exact(server, beyond, status, way):
    body = b"x" * (MB + beyond)
    if way == "length":
        found = server.raw(request("POST", body=body))
    else:
        found = server.raw(request("POST", Transfer_Encoding="chunked"), chunked(body, 1000))
    assert found.status == status
    if status == 200:
        assert json.loads(found.content) == {"bytes": MB}


def test_many_small_pieces_cost_no_more_than_their_bytes(server):
    body = b"x" * 100_000
    start = time.monotonic()
    found = server.raw(request("POST", Transfer_Encoding="chunked"), chunked(body, 1))
    assert json.loads(found.content) == {"bytes": 100_000}
    assert time.monotonic() - start < 10.0


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 33 + "]" * 33])
def test_json_that_is_nested_deep_is_refused(server, text):
    found = server.raw(
        request("POST", "/definition", text.encode(), Content_Type="application/json")
    )
    assert (found.status, found.error["kind"]) == (422, "definition")
    assert "32 levels" in found.error["message"]


def test_json_that_is_not_nested_deep_is_taken(server):
    inner = "[" * 31 + "]" * 31
    body = json.dumps({"brackets": "[" * 1000})[:-1] + f', "deep": {inner}}}'
    found = server.raw(
        request("POST", "/definition", body.encode(), Content_Type="application/json")
    )
    assert (found.status, json.loads(found.content)) == (200, ["brackets", "deep"])


@pytest.fixture(scope="module", params=["http", "https"])
def either(request, server, tmp_path_factory):
    """The server, also with TLS, whose transport keeps buffers of its own."""
    if request.param == "http":
        yield server
        return
    folder = tmp_path_factory.mktemp("tls") / "made"
    make_certificates(folder)
    settings = Settings(state=tmp_path_factory.mktemp("state"))
    with attacked(settings, folder / "node.pem", folder / "node.key") as one:
        yield one


@pytest.mark.parametrize("kept", ["keep-alive", "close"])
def test_a_reader_who_takes_nothing_is_cut(either, hasty, kept):
    wait_for(lambda: either.connections() == 0, "connections of other tests stay")
    with either.connected(buffer=65536) as connection:
        connection.sendall(request(path=f"/large?size={8 * MB}", Connection=kept))
        assert connection.recv(12) == b"HTTP/1.1 200"
        assert either.connections() == 1
        assert wait_for(lambda: either.connections() == 0, "the reader is waited for") < 10.0


def test_a_reader_who_leaves_the_last_bytes_is_cut(server, hasty):
    wait_for(lambda: server.connections() == 0, "connections of other tests stay")
    with server.connected(buffer=65536) as connection:
        # refusals are smaller than any buffer: only many of them fill those of the system
        connection.settimeout(1.0)
        many = request(path="/" + "x" * 500) * 4_000
        with suppress(OSError):  # whether all of it fits in is the system's business
            connection.sendall(many)
        assert wait_for(lambda: server.connections() == 0, "the reader is waited for") < 10.0


def test_a_slow_reader_who_takes_all_gets_all(either, hasty):
    size, pause, taken = 16 * MB, 0.02, 0
    start = time.monotonic()
    with either.connected(buffer=65536) as connection:
        connection.sendall(request(path=f"/large?size={size}", Connection="close"))
        with connection.makefile("rb") as stream:
            while stream.readline() != b"\r\n":
                continue
            while piece := stream.read(128 * 1024):
                assert set(piece) == {0}
                taken += len(piece)
                time.sleep(pause)  # a link of 6 MB/s
    assert taken == size
    assert time.monotonic() - start > 4 * patience.READ_SECONDS


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8642",
        "localhost",
        "LOCALHOST:1",
        "[::1]:5",
        "scans.org",
        "127.9.9.9",
    ],
)
def test_names_of_this_service(server, host):
    assert server.raw(request(Host=host)).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8642",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "localhost@evil.example",
        "192.0.2.1",
        "[::1",
        "",
        "0.0.0.0",
    ],
)
def test_another_name_leads_here_by_a_foreign_dns(server, host):
    found = server.raw(request(Host=host))
    assert (found.status, found.error["kind"]) == (403, "forbidden")
    assert "--allow-host" in found.error["message"]


def test_behind_tokens_any_name_will_do(tmp_path):
    with attacked(Settings(state=tmp_path, access="token")) as server:
        assert server.raw(request(Host="any.example")).status == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://[::1", "http://127.0.0.1:1", "file://"]
)
def test_pages_of_other_sites_change_nothing(server, origin):
    before = len(server.app.state.reached)
    for method in ("POST", "PUT", "DELETE"):
        found = server.raw(request(method, body=b"x", Origin=origin))
        assert (found.status, found.error["kind"]) == (403, "forbidden")
    assert len(server.app.state.reached) == before
    # they may send a GET as any link does, but no browser lets them read what it brings
    seen = server.raw(request(Origin=origin))
    assert seen.status == 200
    assert "access-control-allow-origin" not in seen.headers
    assert seen.headers["cross-origin-resource-policy"] == "same-origin"


def test_its_own_page_may(server):
    own = f"127.0.0.1:{server.port}"
    found = server.raw(request("POST", body=b"x", Host=own, Origin=f"http://{own}"))
    assert json.loads(found.content) == {"bytes": 1}


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(), 200),
        (request(path="/nowhere"), 404),
        (request("DELETE"), 405),
        (request(Host="evil.example"), 403),
        (request(path="/large?size=x"), 422),
        (request("POST", body=b"x", Origin="null"), 403),
        (request("POST", Content_Length=str(2 * MB)), 413),
    ],
)
def test_every_answer_says_what_browsers_may_do_with_it(server, sent, status):
    found = server.raw(sent)
    assert found.status == status
    assert {name: found.headers[name] for name in gate.HEADERS} == gate.HEADERS
    assert "'none'" in found.headers["content-security-policy"]
    assert status == 200 or found.error["message"]


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01 not even HTTP\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",  # no Host
        request(Host="a")[:-2] + b"Host: b\r\n\r\n",
        request("POST", Content_Length="-1"),
        request("POST", Content_Length="1e3"),
        request("POST", Transfer_Encoding="chunked, gzip"),
        request(X_Large="x" * 17_000)[:-4],  # a head without an end
    ],
)
def test_what_is_no_http_is_refused_in_the_same_form(server, sent):
    found = server.raw(sent)
    assert found.status in (400, 501)
    assert found.error["kind"] == "request"


def test_a_fault_of_the_service_tells_callers_nothing_of_it(server):
    found = server.raw(request(path="/fault"))
    assert (found.status, found.error["kind"]) == (500, "error")
    assert b"not for callers" not in found.content


def test_too_many_connections_are_refused_and_soon_forgotten(tmp_path, hasty):
    with (
        attacked(Settings(state=tmp_path), limit_concurrency=3) as server,
        server.connected(),
        server.connected(),
    ):
        wait_for(lambda: server.connections() == 2, "they do not connect")
        found = server.raw(request())
        assert (found.status, found.error["kind"]) == (503, "busy")
        assert found.headers["retry-after"] == "1"
        # those who say nothing lose their places
        wait_for(lambda: server.connections() == 0, "idle connections stay")
        assert server.raw(request()).status == 200


def test_a_body_of_one_request_is_not_another_request(server):
    inner = request(path="/admin")
    with server.connected() as connection:
        connection.sendall(request("POST", body=inner) + request())
        assert json.loads(answer(connection).content) == {"bytes": len(inner)}
