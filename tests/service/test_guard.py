"""Who may ask what, and how often: tokens shown in all forms to a real server."""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from attacks import Attacked, attacked, request

from scanner.errors import StoreError
from scanner.service.access import guard
from scanner.service.access.rate import Rate
from scanner.service.access.tokens import Tokens
from scanner.service.settings import Settings

MOST = 12345


@dataclass(frozen=True)
class Guarded:
    """A server that wants tokens, and one secret of each scope."""

    server: Attacked
    tokens: Tokens
    secrets: dict[str, str]

    def ask(self, path: str, secret: str) -> tuple[int, str]:
        """Status, and the kind of error or name of the caller."""
        found = self.server.get(path, Authorization=f"Bearer {secret}")
        record = found.json()
        return found.status_code, record.get("name") or record["error"]["kind"]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    tokens = Tokens(tmp_path / "state")
    secrets = {scope: tokens.create(f"{scope}er", scope) for scope in ("read", "submit", "admin")}
    with attacked(Settings(state=tmp_path / "state", access="token", most_points=MOST)) as server:
        yield Guarded(server, tokens, secrets)


def test_each_scope_includes_those_before_it(guarded):
    order = ("read", "submit", "admin")
    for has, secret in guarded.secrets.items():
        for needed in order:
            allowed = order.index(has) >= order.index(needed)
            assert guarded.ask(f"/{needed}", secret) == (
                (200, f"{has}er") if allowed else (403, "forbidden")
            )
    found = guarded.server.get("/admin", Authorization=f"Bearer {guarded.secrets['read']}")
    assert "scope read" in found.json()["error"]["message"]
    assert "needs admin" in found.json()["error"]["message"]


def test_a_quota_is_the_callers_own_or_that_of_the_service(guarded):
    secret = guarded.tokens.create("small", quota=7)
    shown = {"Authorization": f"Bearer {secret}"}
    assert guarded.server.get("/read", **shown).json()["quota"] == 7
    shown = {"Authorization": f"Bearer {guarded.secrets['read']}"}
    assert guarded.server.get("/read", **shown).json()["quota"] == MOST


def test_who_shows_no_token_is_told_how(guarded):
    found = guarded.server.get("/read")
    assert found.status_code == 401
    assert found.headers["www-authenticate"].startswith("Bearer")
    assert found.json()["error"]["kind"] == "unauthorised"
    assert "Authorization: Bearer" in found.json()["error"]["message"]


@pytest.mark.parametrize(
    "form",
    [
        "{}",
        "Basic {}",
        "Token {}",
        "Bearer",
        "Bearer ",
        "Bearer{}",
        "Bearer\t{}",
        "Bearer {}x",
        "Bearer x{}",
        "Bearer {} {}",
        "Bearer {},Bearer {}",
        'Bearer "{}"',
        "Bearer %20{}",
        "Bearer null",
        "Bearer \xff\xfe",
        "Bearer ' OR 1=1 --",
        "Bearer " + "x" * 8000,
    ],
)
def test_odd_forms_are_refused(guarded, form):
    shown = form.replace("{}", guarded.secrets["admin"])
    found = guarded.server.raw(request(path="/read", Authorization=shown))
    assert (found.status, found.error["kind"]) == (401, "unauthorised")
    assert guarded.secrets["admin"] not in found.content.decode()


def test_the_scheme_may_be_written_small(guarded):
    shown = f"bearer {guarded.secrets['read']}"
    assert guarded.server.raw(request(path="/read", Authorization=shown)).status == 200


def test_a_token_counts_in_its_header_alone(guarded):
    secret = guarded.secrets["admin"]
    assert guarded.server.get(f"/read?token={secret}&access_token={secret}").status_code == 401
    assert guarded.server.get("/read", Cookie=f"token={secret}").status_code == 401


def test_the_first_of_two_headers_counts(guarded):
    head = request(path="/admin", Authorization="Bearer wrong")
    both = head[:-2] + f"Authorization: Bearer {guarded.secrets['admin']}\r\n\r\n".encode()
    assert guarded.server.raw(both).status == 401


def test_revoked_and_expired_tokens_hold_no_longer_from_the_next_request_on(guarded):
    assert guarded.ask("/read", guarded.secrets["read"]) == (200, "reader")
    guarded.tokens.revoke("reader")
    assert guarded.ask("/read", guarded.secrets["read"]) == (401, "unauthorised")
    assert guarded.ask("/read", guarded.secrets["submit"]) == (200, "submiter")
    with sqlite3.connect(guarded.tokens.path) as database:
        database.execute("UPDATE tokens SET expires = '2020-01-01T00:00:00+00:00'")
    database.close()
    assert guarded.ask("/read", guarded.secrets["submit"]) == (401, "unauthorised")


def test_a_token_made_meanwhile_holds_at_once(guarded):
    secret = Tokens(guarded.tokens.path.parent).create("late")
    assert guarded.ask("/read", secret) == (200, "late")


def test_a_folder_without_tokens_lets_nobody_in(tmp_path):
    with attacked(Settings(state=tmp_path, access="token")) as server:
        assert server.get("/read", Authorization="Bearer x").status_code == 401


def test_tokens_that_others_can_read_are_not_served(tmp_path):
    tokens = Tokens(tmp_path)
    tokens.create("anna")
    tokens.path.chmod(0o644)
    with pytest.raises(StoreError, match="chmod 600"):
        guard.Guard(Settings(state=tmp_path, access="token"))


def test_on_the_loopback_nobody_needs_one(tmp_path):
    with attacked(Settings(state=tmp_path)) as server:
        assert server.get("/admin").json() == {"name": "", "scope": "admin", "quota": None}
        assert server.get("/admin", Authorization="Bearer x").status_code == 200


@pytest.fixture
def rated(tmp_path: Path) -> Iterator[Guarded]:
    """Three requests at once, then one in 100 s."""
    tokens = Tokens(tmp_path)
    secrets = {name: tokens.create(name) for name in ("anna", "bert")}
    settings = Settings(state=tmp_path, access="token", requests_per_second=0.01, burst=3)
    with attacked(settings) as server:
        yield Guarded(server, tokens, secrets)


def test_who_asks_too_often_is_told_when_to_ask_again(rated):
    path, shown = "/read", f"Bearer {rated.secrets['anna']}"
    found = [rated.server.get(path, Authorization=shown) for _ in range(4)]
    assert [one.status_code for one in found] == [200, 200, 200, 429]
    assert found[-1].json()["error"]["kind"] == "too_many"
    assert 90 <= int(found[-1].headers["retry-after"]) <= 100
    # others are not made to wait for it
    assert rated.ask(path, rated.secrets["bert"]) == (200, "bert")
    assert rated.server.get("/ping").status_code == 200


def test_who_shows_nothing_is_counted_by_address(rated):
    found = [rated.server.get("/read").status_code for _ in range(4)]
    assert found == [401, 401, 401, 429]
    assert rated.ask("/read", rated.secrets["anna"]) == (200, "anna")


def test_who_tries_tokens_is_soon_refused_and_who_has_one_is_not(guarded):
    tried = [guarded.ask("/read", f"cevns_{number}")[0] for number in range(25)]
    most = int(guard.WRONG_BURST)
    assert tried[:most] == [401] * most
    assert tried[-1] == 429
    assert guarded.ask("/read", guarded.secrets["read"]) == (200, "reader")


def test_permits_come_again_with_time_and_never_above_the_burst():
    clock = iter([0.0, 0.0, 0.0, 1.0, 1.0, 1000.0, 1000.0, 1000.0]).__next__
    rate = Rate(0.5, 2.0, clock=clock)
    assert [rate.wait("anna") for _ in range(5)] == [0.0, 0.0, 2.0, 1.0, 1.0]
    assert [rate.wait("anna") for _ in range(3)] == [0.0, 0.0, 2.0]


def test_many_addresses_fill_no_memory(monkeypatch):
    monkeypatch.setattr("scanner.service.access.rate.MOST_CALLERS", 10)
    rate = Rate(0.001, 1.0)
    assert [rate.wait(str(number)) for number in range(1000)] == [0.0] * 1000
    assert rate.wait("999") > 0.0  # the last ones are remembered
    assert rate.wait("1") == 0.0
    assert len(rate._buckets) == 10


def test_threads_take_no_permit_twice():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        rate, given = Rate(1e-9, 500.0), []
        start = threading.Barrier(8)

        def ask() -> None:
            start.wait(timeout=20)
            given.append(sum(rate.wait("anna") == 0.0 for _ in range(2000)))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
    finally:
        sys.setswitchinterval(before)
    assert len(given) == 8
    assert sum(given) == 500
