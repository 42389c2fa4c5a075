"""Addresses and tokens: what can be used, and what is not repeated."""

from __future__ import annotations

import pytest

from scanner.client.address import Token, address, token_for
from scanner.client.client import connect
from scanner.errors import DefinitionError


@pytest.mark.parametrize(
    ("typed", "url", "loopback"),
    [
        ("http://127.0.0.1:8642", "http://127.0.0.1:8642", True),
        ("http://localhost:8642/", "http://localhost:8642", True),
        ("http://[::1]:1/api/v1", "http://[::1]:1", True),
        (" https://a.example/scans/api/v1/ ", "https://a.example/scans", False),
        ("https://10.0.0.1", "https://10.0.0.1", False),
    ],
)
def test_addresses(typed, url, loopback):
    place = address(typed)
    assert (place.url, place.loopback) == (url, loopback)
    assert place.api == f"{url}/api/v1"


@pytest.mark.parametrize(
    "typed",
    ["", "localhost:8642", "ftp://a", "http://", "http://a:port", "https://a?token=SECRET"],
)
def test_what_is_no_address(typed):
    with pytest.raises(DefinitionError, match="connect: ") as told:
        connect(typed)
    assert "SECRET" not in str(told.value)


def test_a_password_in_an_address_is_not_repeated():
    with pytest.raises(DefinitionError, match="no user and no password") as told:
        connect("https://me:SECRET@a.example")
    assert "SECRET" not in str(told.value)


def test_no_token_travels_in_plain_text(monkeypatch):
    monkeypatch.setenv("SCANNER_TOKEN", "SECRET")
    with pytest.raises(DefinitionError, match="plain text") as told:
        connect("http://a.example")
    assert "SECRET" not in str(told.value)
    assert token_for(address("http://a.example"), "") is None
    assert token_for(address("https://a.example"), None).headers() == {
        "Authorization": "Bearer SECRET"
    }


@pytest.mark.parametrize("secret", ["SECRET\r\nX: y", "SECRET ", "SECRÉT", "SECRET" * 100])
def test_what_is_no_token_is_not_repeated(secret):
    with pytest.raises(DefinitionError, match="copy it again") as told:
        Token(secret)
    assert "SECR" not in str(told.value)


def test_a_certificate_that_cannot_be_read(tmp_path):
    place = tmp_path / "ca.pem"
    with pytest.raises(DefinitionError, match=r"verify=.*ca\.pem.*cannot be read"):
        connect("https://127.0.0.1:1", verify=place)
    place.write_text("nothing")
    with pytest.raises(DefinitionError, match=r"verify=.*ca\.pem.*cannot be read"):
        connect("https://127.0.0.1:1", verify=place)
