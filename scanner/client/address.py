"""Where a service answers, and the token that is shown there."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from scanner.errors import DefinitionError

API = "/api/v1"
TOKEN_VARIABLE = "SCANNER_TOKEN"
_TOKEN = re.compile(r"[!-~]{1,500}")


class Token:
    """A secret that no repr, error or address repeats.

    >>> Token("cevns_secret")
    Token(...)
    """

    def __init__(self, secret: str) -> None:
        if not _TOKEN.fullmatch(secret):
            raise DefinitionError(
                f"token (or ${TOKEN_VARIABLE}): holds a space, a line's end or another character "
                "that no token has: copy it again from `scanner token create`"
            )
        self._secret = secret

    def headers(self) -> dict[str, str]:
        """What is sent along with a request."""
        return {"Authorization": f"Bearer {self._secret}"}

    def __repr__(self) -> str:
        return "Token(...)"


@dataclass(frozen=True)
class Address:
    """A service's address, without a slash at the end, and whether only this host reaches it."""

    url: str
    encrypted: bool
    loopback: bool

    @property
    def api(self) -> str:
        """Where its API begins."""
        return f"{self.url}{API}"


def address(url: str) -> Address:
    """Address out of what was typed: ``http(s)://HOST[:PORT][/PREFIX]``, with or without the API.

    Raises
    ------
    DefinitionError
        It is none; one that holds a password is not repeated.

    Examples
    --------
    >>> address("http://localhost:8642/api/v1/").url
    'http://localhost:8642'
    """
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise DefinitionError(f"connect: the address cannot be read ({error})") from error
    if parts.username is not None or parts.password is not None:
        raise DefinitionError(
            f"connect: an address holds no user and no password: give token=... or set "
            f"${TOKEN_VARIABLE}"
        )
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise DefinitionError(
            f"connect: {_shown(parts)!r} is no address of a service: write "
            "https://HOST:PORT as `scanner serve` tells it"
        )
    path = parts.path.rstrip("/").removesuffix(API).rstrip("/")
    return Address(
        f"{parts.scheme}://{parts.netloc}{path}", parts.scheme == "https", _is_loopback(host)
    )


def token_for(place: Address, given: str | None) -> Token | None:
    """The given token, else that of the environment, if it may be sent there.

    Raises
    ------
    DefinitionError
        Others could read it on its way.
    """
    secret = given if given is not None else os.environ.get(TOKEN_VARIABLE, "")
    if not secret:
        return None
    if not (place.encrypted or place.loopback):
        raise DefinitionError(
            f"connect: the token would travel to {place.url} in plain text: use the https:// "
            "address, or a tunnel (ssh -L) to 127.0.0.1"
        )
    return Token(secret)


def _shown(parts: SplitResult) -> str:
    """The address without what may be a secret."""
    return parts._replace(query="", fragment="").geturl()[:200]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
