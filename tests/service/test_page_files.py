"""Files of the page: as they are shipped, from a fixed table, kept by browsers while they hold."""

from __future__ import annotations

import gzip
import re
from hashlib import sha256

import httpx
import pytest

from scanner.service.page.files import FOLDER, POLICY, digest, table

PLOTLY = "vendor/plotly-cartesian-4.1.1.min.js"
SOURCES = FOLDER / "vendor" / "SOURCES.md"


def named(end: str) -> str:
    """Address of the file with that end."""
    (found,) = (path for path in table() if path.endswith(end))
    return found


def test_what_others_wrote_is_what_they_published_and_has_its_licence():
    rows = re.findall(r"^\| (\S+) \|.*?, (\S+) \| ([0-9a-f]{64}) \|$", SOURCES.read_text(), re.M)
    others = {path.name for path in SOURCES.parent.iterdir()} - {"SOURCES.md"}
    assert {name for name, _, _ in rows} | {licence for _, licence, _ in rows} == others
    for name, licence, checksum in rows:
        assert sha256((SOURCES.parent / name).read_bytes()).hexdigest() == checksum
        assert "Permission is hereby granted" in (SOURCES.parent / licence).read_text()


def test_every_file_that_a_file_names_is_there():
    index = table()[""].content.decode()
    assert "@" not in index
    assert set(re.findall(r'(?:src|href)="(static/[^"]+)"', index)) <= set(table())
    for path, file in table().items():
        folder = path.rpartition("/")[0]
        if not path.endswith(".js") or "vendor" in path:
            continue
        for other in re.findall(r'from "\./([\w.]+)"', file.content.decode()):
            assert f"{folder}/{other}" in table(), f"{path} imports {other}"


def test_no_file_of_ours_is_long_or_names_another_host():
    for path in FOLDER.rglob("*"):
        if path.suffix not in {".js", ".css", ".html"} or "vendor" in path.parts:
            continue
        text = path.read_text()
        assert len(text.splitlines()) < 300, path
        hosts = set(re.findall(r"https?://([\w.-]+)", text))
        assert hosts <= {"arxiv.org", "doi.org", "www.w3.org"}, (
            path
        )  # links and a name, not fetched
        assert "innerHTML" not in text, path
        assert "eval(" not in text, path


def test_the_page_is_asked_for_again_and_its_files_are_kept(served):
    page = httpx.get(f"{served.url}/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    again = httpx.get(f"{served.url}/", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    script = httpx.get(f"{served.url}/{named('app/main.js')}")
    assert "immutable" in script.headers["cache-control"]
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"


def test_large_files_travel_small_to_those_who_can_unpack_them(served):
    address = f"{served.url}/{named(PLOTLY)}"
    zipped = httpx.get(address, headers={"Accept-Encoding": "gzip"})
    plain = httpx.get(address, headers={"Accept-Encoding": "identity"})
    assert zipped.content == plain.content == (FOLDER / PLOTLY).read_bytes()
    assert zipped.headers["content-encoding"] == "gzip"
    assert int(zipped.headers["content-length"]) < 520_000
    assert zipped.headers["etag"] != plain.headers["etag"]
    assert gzip.decompress(table()[named(PLOTLY)].zipped) == plain.content


def test_the_policy_lets_nothing_in_from_elsewhere(served):
    policy = httpx.get(f"{served.url}/").headers["content-security-policy"]
    assert policy == POLICY
    rules = dict(rule.partition(" ")[::2] for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["connect-src"] == rules["style-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"


@pytest.mark.parametrize(
    "path",
    [
        "app/main.js",
        "../files.py",
        "..%2f..%2fapp.py",
        "%2e%2e/%2e%2e/settings.py",
        "/etc/passwd",
        "0000000000000000/app/main.js",
        "a" * 3000,
    ],
)
def test_nothing_else_is_a_file_of_the_page(served, path):
    answer = httpx.get(f"{served.url}/static/{path}")
    assert answer.status_code == 404
    assert answer.json()["error"]["kind"] == "unknown"


def test_the_digest_changes_with_every_file():
    files = {"a": b"1", "b": b"2"}
    assert len({digest(files), digest({**files, "b": b"3"}), digest({"a": b"1", "c": b"2"})}) == 3
