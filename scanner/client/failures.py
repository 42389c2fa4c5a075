"""What a service refuses, as the errors of the scanner."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from scanner.errors import (
    CatalogError,
    ClusterError,
    DefinitionError,
    ScannerError,
    error_of,
)

if TYPE_CHECKING:
    import httpx

MOST_SHOWN = 2000  # characters of a message


def failure(status: int, body: bytes, place: str) -> ScannerError:
    """Error that an answer stands for: that which the service met, or what the status says.

    Parameters
    ----------
    status : int
        Of HTTP, 300 or above.
    body : bytes
        As the service sends it: ``{"error": {"kind", "message", "exit_code"}}``.
    place : str
        Address of the service, for errors that are not its own.

    Examples
    --------
    >>> failure(409, b'{"error": {"message": "half done", "exit_code": 3}}', "http://a")
    IncompleteScanError('half done')
    """
    told = _told(body)
    message = printed(str(told.get("message", "")))
    if not message:
        return _foreign(status, place)
    if status == 404:
        return CatalogError(message)
    code = told.get("exit_code")
    if isinstance(code, int) and 2 <= code <= 6:
        return error_of(code, message)
    if status in (401, 403):
        return DefinitionError(f"{place}: {message}")
    return DefinitionError(message) if status < 500 and status != 429 else ClusterError(message)


def printed(text: str) -> str:
    """A message of another host without what a terminal would take for a command.

    >>> printed("a\\x1b[2Jb")
    'a [2Jb'
    """
    return "".join(c if c.isprintable() else " " for c in text[:MOST_SHOWN])


def _told(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _foreign(status: int, place: str) -> ScannerError:
    """Of an answer that is not a service's own: a proxy's, or another server's."""
    if status < 400:
        return ClusterError(
            f"{place}: sends elsewhere (HTTP {status}): connect to the address that a browser "
            "shows in the end"
        )
    if status < 500:
        return ClusterError(
            f"{place}: HTTP {status} and not in the words of a scanner's service: check the address"
        )
    return ClusterError(
        f"{place}: HTTP {status}, the service behind it does not answer: try again, or look "
        "whether `scanner serve` runs"
    )


@contextmanager
def understood(place: str) -> Iterator[None]:
    """ClusterError for an answer that lacks what is read of it.

    >>> with understood("http://a"):
    ...     {}["chi2"]  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    scanner.errors.ClusterError: http://a: its answer cannot be read (KeyError: 'chi2'): ...
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ClusterError(
            f"{place}: its answer cannot be read ({type(error).__name__}: "
            f"{printed(str(error))[:100]}): the service is of another version than this client; "
            "install the same (client.about() tells it)"
        ) from error


def unreachable(error: httpx.HTTPError, place: str) -> ScannerError:
    """Error for a service that cannot be reached, or whose answer broke off."""
    import httpx

    said = printed(str(error)) or type(error).__name__
    if isinstance(error, httpx.ConnectError) and "CERTIFICATE" in said.upper():
        return ClusterError(
            f"{place}: its certificate cannot be trusted ({said}): give verify=FILE, the "
            "certificate of the authority that signed it"
        )
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return ClusterError(
            f"{place}: no service can be reached ({said}): check the address, and that "
            "`scanner serve` runs there"
        )
    if isinstance(error, httpx.TimeoutException):
        return ClusterError(f"{place}: no answer in time ({said}): try again")
    return ClusterError(f"{place}: the answer broke off ({said}): try again")
