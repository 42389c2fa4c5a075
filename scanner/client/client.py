"""Client: what a service holds and can compute.

>>> import scanner
>>> client = scanner.connect("https://scans.example.org")  # doctest: +SKIP
>>> scan = client.scan("light_vector_universal")  # doctest: +SKIP
>>> scan.interval("coupling", cl=0.9, dof=2, at={"mass": 1.0}).text()  # doctest: +SKIP
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from scanner.client import written
from scanner.client.address import address, token_for
from scanner.client.failures import understood
from scanner.client.scan import RemoteScan
from scanner.client.transport import Transport
from scanner.client.written import Source
from scanner.definition import ScanDefinition
from scanner.errors import CatalogError, ClusterError, MismatchError, unknown

Records = list[dict[str, Any]]

PATIENCE = 600.0
PAGE = 200  # scans of one list
ID = re.compile(r"[0-9a-f]{16}")
SHORTEST = 4  # digits of an id


class Client:
    """One service; made by `connect`.

    Parameters
    ----------
    transport : Transport
        The way to it.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def __repr__(self) -> str:
        return f"Client({self.url})"

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._transport.close()

    @property
    def url(self) -> str:
        """Address of the service."""
        return self._transport.place.url

    def about(self) -> dict[str, Any]:
        """Version, access and limits of the service."""
        told = self._transport.record("")
        if "engine_version" not in told:
            raise ClusterError(
                f"{self.url}: what answers there is no scanner's service: check the address"
            )
        return told

    def scans(self) -> Records:
        """All scans: id, name, title, scenario, experiments, axes, phase; last written first.

        Of scans of one name ``apart`` says what differs.
        """
        found: Records = []
        while True:
            asked = [("offset", f"{len(found)}"), ("limit", f"{PAGE}")]
            page = self._transport.record("scans", asked)
            with understood(self.url):
                found += page["scans"]
                if not page["scans"] or len(found) >= page["total"]:
                    return list({one["id"]: one for one in found}.values())

    def list(self) -> Records:
        """The same as `scans`."""
        return self.scans()

    def scan(self, scan: str, *, partial: bool = False) -> RemoteScan:
        """A scan by its id, a unique prefix of one (4 or more digits), or its name.

        Of several scans of one name, that of the ready-made definition as it stands is meant.

        Parameters
        ----------
        partial : bool
            Whether questions may be asked before every chunk is done.

        Raises
        ------
        CatalogError
            There is none, or several; lists the candidates.
        """
        if ID.fullmatch(scan):
            made = RemoteScan(self._transport, scan, partial=partial)
            made.phase  # noqa: B018 - tells here that there is none
            return made
        listed = self.scans()
        found = [one for one in listed if one["name"] == scan]
        if not found and len(scan) >= SHORTEST:
            found = [one for one in listed if one["id"].startswith(scan)]
        if len(found) > 1:
            found = [one for one in found if one["id"] == self._ready_made(scan)] or found
        if not found:
            names = [text for one in listed for text in (one["name"], one["id"])]
            raise CatalogError(f"{self.url}: {unknown('scan', scan, dict.fromkeys(names))}")
        if len(found) > 1:
            candidates = ", ".join(f"{one['id']} ({one['name']})" for one in found)
            raise CatalogError(f"{self.url}: {scan!r} may be {candidates}: give the id")
        return RemoteScan(self._transport, found[0]["id"], partial=partial)

    def _ready_made(self, name: str) -> str:
        """Id of the scan of a ready-made definition; empty where there is none of that name."""
        return next((str(one["scan"]) for one in self.definitions() if one["name"] == name), "")

    def plan(self, source: Source, overrides: Iterable[str] = ()) -> dict[str, Any]:
        """What a definition resolves to and what its scan would cost; computes a timed probe only.

        Parameters
        ----------
        source, overrides
            As for `submit`.
        """
        return self._transport.post("plan", self._tables(source, overrides))

    def submit(
        self, source: Source, overrides: Iterable[str] = (), *, priority: int = 0
    ) -> RemoteScan:
        """Let the scan of a definition be computed; one that is there is only opened.

        Parameters
        ----------
        source : str, Path, mapping or ScanDefinition
            Ready-made name of the service; a .toml or .json file, read here; tables as in one; or
            a resolved definition.
        overrides : iterable of str
            Such as ``axes.mass.n=60``.
        priority : int
            Of several jobs the highest comes first.

        Raises
        ------
        DefinitionError, CatalogError
            What is wrong with it.
        MismatchError
            A resolved definition would be another scan there: other sources or another engine.
        ClusterError
            The service cannot be reached, or takes no more jobs now.
        """
        tables = self._tables(source, overrides)
        if isinstance(source, ScanDefinition):
            self._check_same(source, tables)
        told = self._transport.post("scans", tables, [("priority", f"{int(priority)}")])
        with understood(self.url):
            return RemoteScan(self._transport, str(told["scan"]))

    def _tables(self, source: Source, overrides: Iterable[str]) -> dict[str, Any]:
        if not written.is_name(source):
            return written.tables(source, overrides)
        told = self._transport.json(f"definitions/{self._definition_name(str(source))}")
        tables = written.tables(told["written"], overrides)
        return {"name": told["name"], **tables}

    def _definition_name(self, name: str) -> str:
        known = [one["name"] for one in self.definitions()]
        if name not in known:
            raise CatalogError(f"{self.url}: {unknown('definition', name, known)}")
        return name

    def _check_same(self, source: ScanDefinition, tables: Mapping[str, Any]) -> None:
        there = self._transport.post("plan", tables)["scan"]
        if there != source.id:
            raise MismatchError(
                f"{self.url}: the definition {source.name} would be scan {there} there, not "
                f"{source.id}: the service has other versions of its sources; submit the file or "
                "the name it was made from"
            )

    def scenarios(self) -> Records:
        """Every scenario: formula, parameters with units and ranges, references."""
        return self._records("scenarios")

    def experiments(self) -> Records:
        """Name, title and choices of every experiment."""
        return self._records("experiments")

    def definitions(self) -> Records:
        """Every ready-made definition: title, scenario, experiments, and the id of its scan."""
        return self._records("definitions")

    def _records(self, path: str) -> Records:
        found: Records = self._transport.json(path)
        return found


def connect(
    url: str,
    token: str | None = None,
    *,
    verify: str | Path | None = None,
    patience: float = PATIENCE,
) -> Client:
    """Client of the service at an address; asks it once who it is.

    Its scans have the verbs of `scanner.scan.Scan` but those that need the store itself: ``run``,
    ``refine``, ``refined_contour``, ``feldman_cousins``, ``expected``, ``cls``, ``marginal``,
    ``likelihood``. Whoever asks for one is told where it is: AttributeError.

    Parameters
    ----------
    url : str
        As `scanner serve` tells it.
    token : str, optional
        Made by `scanner token create`; default ``$SCANNER_TOKEN``. Sent in a header, encrypted or
        to this host alone.
    verify : path, optional
        Certificate (PEM) of a private authority; by default the usual ones are trusted.
    patience : float
        Seconds that one answer may take in all: what takes long is asked for again until then.

    Raises
    ------
    DefinitionError
        An address, a token or a certificate that cannot be used.
    ClusterError
        No service can be reached there.
    """
    place = address(url)
    client = Client(Transport(place, token_for(place, token), verify, patience))
    try:
        client.about()
    except BaseException:
        client.close()
        raise
    return client
