"""Requests to a service: asked again while it works, each answer kept for as long as it holds."""

from __future__ import annotations

import json
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner.client.address import Address, Token
from scanner.client.failures import failure, unreachable
from scanner.errors import ClusterError, DefinitionError

if TYPE_CHECKING:
    import ssl

    import httpx

Arguments = Sequence[tuple[str, str]]

CONNECT_SECONDS = 10.0
READ_SECONDS = 120.0  # between two pieces of an answer; above the patience of a service
EVENT_SECONDS = 45.0  # the same of a stream of events, which says something every 15 s
MOST_REFUSALS = 12  # times that a busy service is asked again
LONGEST_WAIT = 60.0  # s that a service may make us wait before we ask again
CACHE_BYTES = 2**26


@dataclass(frozen=True)
class Kept:
    """An answer and the tag by which the service knows it."""

    etag: str
    content: bytes


class Cache:
    """Answers by their address, the least recently used put away."""

    def __init__(self, most_bytes: int = CACHE_BYTES) -> None:
        self._most, self._bytes = most_bytes, 0
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, url: str) -> Kept | None:
        """The answer of that address, if one is kept."""
        with self._lock:
            if url in self._kept:
                self._kept.move_to_end(url)
            return self._kept.get(url)

    def put(self, url: str, etag: str, content: bytes) -> None:
        """Keep an answer; without a tag, or too long, it only drives out the older one."""
        with self._lock:
            if (old := self._kept.pop(url, None)) is not None:
                self._bytes -= len(old.content)
            if not etag or len(content) > self._most // 4:
                return
            self._kept[url] = Kept(etag, content)
            self._bytes += len(content)
            while self._bytes > self._most:
                _, old = self._kept.popitem(last=False)
                self._bytes -= len(old.content)


class Transport:
    """HTTP to one service.

    Parameters
    ----------
    place : Address
        Where it is.
    token : Token, optional
        Shown with every request, in a header.
    verify : path, optional
        Certificate of the authority that signed the service's; by default the usual ones.
    patience : float
        Seconds that one answer may take in all.
    """

    def __init__(
        self, place: Address, token: Token | None, verify: str | Path | None, patience: float
    ) -> None:
        import httpx

        self.place, self.token, self.patience = place, token, patience
        self.context = None if verify is None else _context(verify)
        self.cache = Cache()
        self._http = httpx.Client(
            headers=token.headers() if token else {},
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            verify=True if self.context is None else self.context,
            trust_env=not place.loopback,  # no proxy stands before this host
        )
        self._closing = weakref.finalize(self, self._http.close)  # where nobody does

    def __repr__(self) -> str:
        return f"Transport({self.place.url})"

    def close(self) -> None:
        """Let go of the connections."""
        self._closing()

    def get(self, path: str, arguments: Arguments = ()) -> bytes:
        """Answer to a question; where it did not change since, the one that is kept.

        Raises
        ------
        ScannerError
            What the service answered instead, or that it cannot be reached.
        """
        request = self._http.build_request("GET", self._url(path), params=list(arguments))
        url = str(request.url)
        kept = self.cache.get(url)
        if kept is not None:
            request.headers["If-None-Match"] = kept.etag
        response = self._settled(request)
        if response.status_code == 304 and kept is not None:
            return kept.content
        content = self._content(response)
        self.cache.put(url, response.headers.get("etag", ""), content)
        return content

    def json(self, path: str, arguments: Arguments = ()) -> Any:
        """The same of JSON."""
        return self._parsed(self.get(path, arguments))

    def record(self, path: str, arguments: Arguments = ()) -> dict[str, Any]:
        """The same of a JSON object."""
        return self._object(self.json(path, arguments))

    def post(self, path: str, record: Any = None, arguments: Arguments = ()) -> dict[str, Any]:
        """Record that a wish is answered with; `record` is sent as JSON."""
        body = None if record is None else json.dumps(record, allow_nan=False).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        request = self._http.build_request(
            "POST", self._url(path), params=list(arguments), content=body, headers=headers
        )
        return self._object(self._parsed(self._content(self._settled(request))))

    @contextmanager
    def lines(self, path: str) -> Iterator[Iterator[str]]:
        """Lines of an answer that goes on.

        Raises
        ------
        ScannerError
            As `get`; a stream that breaks off raises ClusterError.
        """
        import httpx

        timeout = httpx.Timeout(EVENT_SECONDS, connect=CONNECT_SECONDS)
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        try:
            with self._http.stream(
                "GET", self._url(path), headers=headers, timeout=timeout
            ) as response:
                if response.status_code != 200:
                    response.read()
                    raise failure(response.status_code, response.content, self.place.url)
                yield response.iter_lines()
        except httpx.HTTPError as error:
            raise unreachable(error, self.place.url) from error

    def _url(self, path: str) -> str:
        return f"{self.place.api}/{path}"

    def _settled(self, request: httpx.Request) -> httpx.Response:
        """Answer to a request, asked again while the service works on it or is busy."""
        deadline, refusals = time.monotonic() + self.patience, 0
        while True:
            response = self._sent(request)
            wait = _wait(response)
            if wait is None:
                return response
            refusals += response.status_code != 202
            late = time.monotonic() + wait > deadline
            if response.status_code != 202 and (late or refusals > MOST_REFUSALS):
                raise failure(response.status_code, response.content, self.place.url)
            if late:
                raise ClusterError(
                    f"{self.place.url}: the answer takes longer than {self.patience:g} s: ask "
                    "again later, it is being worked out, or connect with a larger patience"
                )
            time.sleep(wait)

    def _sent(self, request: httpx.Request) -> httpx.Response:
        """Send it; once more where a kept connection turns out to be closed.

        Every request may be sent twice: the same definition is the same scan.
        """
        import httpx

        try:
            return self._http.send(request)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            pass
        except httpx.HTTPError as error:
            raise unreachable(error, self.place.url) from error
        try:
            return self._http.send(request)
        except httpx.HTTPError as error:
            raise unreachable(error, self.place.url) from error

    def _content(self, response: httpx.Response) -> bytes:
        if not 200 <= response.status_code < 300:
            raise failure(response.status_code, response.content, self.place.url)
        return response.content

    def _parsed(self, content: bytes) -> Any:
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self._another() from error

    def _object(self, value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        raise self._another()

    def _another(self) -> ClusterError:
        return ClusterError(
            f"{self.place.url}: what answers there is no scanner's service: check the address"
        )


def _context(verify: str | Path) -> ssl.SSLContext:
    import ssl

    try:
        return ssl.create_default_context(cafile=str(Path(verify).expanduser()))
    except (OSError, ssl.SSLError) as error:
        raise DefinitionError(
            f"verify={verify}: cannot be read as certificates ({error}): give the PEM file of the "
            "authority that signed the service's certificate"
        ) from error


def _wait(response: httpx.Response) -> float | None:
    """Seconds after which to ask again; None for an answer that is one."""
    if response.status_code not in (202, 429, 503) or "retry-after" not in response.headers:
        return None
    return min(max(_seconds(response.headers["retry-after"]), 0.1), LONGEST_WAIT)


def _seconds(text: str) -> float:
    """Seconds of a Retry-After header, which may name a time instead.

    >>> _seconds("2"), _seconds("Fri, 01 Jan 1999 00:00:00 GMT"), _seconds("soon")
    (2.0, 0.0, 1.0)
    """
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except ValueError:
        return 1.0
