"""Files for Dask's encrypted wire: a CA of the cluster's own, and what its nodes show each other.

Dask asks every peer for a certificate of the CA and looks at nothing else, not at host names:
whoever holds the key of a node may be scheduler, worker or client of the cluster.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner.errors import DefinitionError, StoreError

if TYPE_CHECKING:
    from scanner.execution.security.authority import Pair

CA = "ca"
NODE = "node"
ROLES = ("scheduler", "worker", "client")
TLS = "distributed.comm.tls"
REQUIRED = "distributed.comm.require-encryption"
DAYS = 365
MOST_DAYS = 3650
# labels of letters, digits, - and (in use, though in no standard) _, the first perhaps *
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*\.?")
_LONGEST = 253  # letters of the name of a host
CA_TIMES = 10  # the CA lasts that many times longer: nodes are renewed below the same one


@dataclass(frozen=True)
class Certificates:
    """Files that were made.

    Parameters
    ----------
    folder : Path
        Where they are, mode 0700.
    files : tuple of str
        Their names; a ``.key`` is secret, mode 0600.
    name : str
        Of the node: ``<name>.pem`` and ``<name>.key``.
    ends : datetime
        When the node's certificate ends, UTC.
    """

    folder: Path
    files: tuple[str, ...]
    name: str
    ends: datetime

    def environment(self) -> dict[str, str]:
        """Dask's configuration as environment variables, for hosts with the same folder."""
        return {
            f"DASK_{key.upper().replace('-', '_').replace('.', '__')}": value
            for key, value in self._configuration().items()
        }

    def dask_yaml(self) -> str:
        """Dask's configuration as a YAML file, for hosts with the same folder."""
        import yaml

        tree: dict[str, Any] = {}
        for key, value in self._configuration().items():
            *outer, last = key.split(".")
            place = tree
            for name in outer:
                place = place.setdefault(name, {})
            place[last] = True if value == "True" else value
        return str(yaml.safe_dump(tree, sort_keys=False))

    def _configuration(self) -> dict[str, str]:
        certificate, key = (str(path) for path in _paths(self.folder, self.name))
        files = {"ca-file": str(self.folder / f"{CA}.pem")}
        for role in ROLES:
            files |= {f"{role}.cert": certificate, f"{role}.key": key}
        secured = {f"{TLS}.{name}": file for name, file in files.items()}
        return {REQUIRED: "True", **secured}


def tls_folder() -> Path:
    """Folder of the certificates: $SCANNER_TLS, else ``~/.config/cevns-scanner/tls``."""
    if given := os.environ.get("SCANNER_TLS"):
        return Path(given).expanduser()
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "cevns-scanner" / "tls"


def make_certificates(
    folder: Path, hosts: Iterable[str] = (), days: int = DAYS, force: bool = False
) -> Certificates:
    """Make a CA, and one certificate of it for scheduler, workers and clients.

    Parameters
    ----------
    folder : Path
        Made; if it is there, it must be empty, or hold certificates and `force` be set.
    hosts : iterable of str
        Names and addresses written into the certificate. Dask does not compare them.
    days : int
        How long the certificate is valid; the CA is ten times longer.
    force : bool
        Replace the certificates that are there. Those of the old CA are refused afterwards.

    Raises
    ------
    DefinitionError
        There are certificates or other files already, or `days` or a host cannot be used.
    StoreError
        The folder cannot be written.
    """
    authority = _authority()
    _check_days(days)
    names = _checked_hosts(hosts)
    folder = folder.expanduser().resolve()
    with _errors(folder):
        _check_free(folder, force)
        with _draft(folder) as draft:
            ca = authority.new_authority(f"cevns-scanner {uuid.uuid4().hex[:8]}", days * CA_TIMES)
            node = authority.issue(ca, NODE, names, days)
            files = (*_write(draft, CA, ca), *_write(draft, NODE, node))
    return Certificates(folder, files, NODE, node.ends)


def add_certificate(
    folder: Path, name: str, hosts: Iterable[str] = (), days: int = DAYS, force: bool = False
) -> Certificates:
    """Make a further certificate, or renew one, with the CA that is in the folder.

    Parameters
    ----------
    folder : Path
        With ``ca.pem`` and ``ca.key``.
    name : str
        Files become ``<name>.pem`` and ``<name>.key``.
    hosts, days, force
        As in `make_certificates`; it ends with the CA at the latest.

    Raises
    ------
    DefinitionError
        There is no such CA, the name is taken or cannot be used, as `days` or a host.
    StoreError
        The folder cannot be written.
    """
    authority = _authority()
    _check_days(days)
    names = _checked_hosts(hosts)
    folder = folder.expanduser().resolve()
    with _errors(folder):
        _check_name(folder, name, force)
        try:
            ca = authority.read(*(path.read_bytes() for path in _paths(folder, CA)))
        except (ValueError, FileNotFoundError) as error:
            raise DefinitionError(
                f"{folder} holds no CA ({error}): make one with `scanner deploy tls`, or name the "
                "folder where ca.pem and ca.key are"
            ) from error
        node = authority.issue(ca, name, names, days)
        with _aside(folder / f".{name}.{uuid.uuid4().hex}.partial") as place:
            files = _write(place, name, node)
            for file in files:
                (place / file).replace(folder / file)
    return Certificates(folder, files, name, node.ends)


def _authority() -> Any:
    """The module that makes them; its library is slow to load."""
    from scanner.execution.security import authority

    return authority


def _paths(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.pem", folder / f"{name}.key"


def _check_days(days: int) -> None:
    if not 1 <= days <= MOST_DAYS:
        raise DefinitionError(f"--days {days}: give 1 to {MOST_DAYS}")


def _check_free(folder: Path, force: bool) -> None:
    there = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    if foreign := [name for name in there if Path(name).suffix not in (".pem", ".key")]:
        raise DefinitionError(
            f"{folder} holds other files ({', '.join(foreign[:3])}): name a new folder"
        )
    if there and not force:
        raise DefinitionError(
            f"{folder} holds {', '.join(there[:4])} already: --node NAME adds a certificate of "
            "that CA, --force replaces all of it (the old ones are refused then)"
        )


def _check_name(folder: Path, name: str, force: bool) -> None:
    if name == CA or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*", name):
        raise DefinitionError(f"--node {name!r}: use letters, digits, - and ., and not {CA}")
    taken = [path.name for path in _paths(folder, name) if path.exists()]
    if taken and not force:
        raise DefinitionError(
            f"{folder} holds {' and '.join(taken)} already: choose another name, or --force to "
            "replace (what was copied of the old one stays valid until it ends)"
        )


def _checked_hosts(hosts: Iterable[str]) -> tuple[str, ...]:
    """The hosts, if all are names or addresses."""
    names = tuple(hosts)
    for name in names:
        if not (_is_address(name) or (len(name) <= _LONGEST and _HOST.fullmatch(name))):
            raise DefinitionError(
                f"--host {name!r}: give the name of a host, such as node7.example, or an address"
            )
    return names


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text


@contextmanager
def _errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"certificates in {folder}: {error.strerror or error}: name another folder"
        ) from error


@contextmanager
def _aside(place: Path) -> Iterator[Path]:
    """A folder that only its owner may read, gone afterwards unless it was renamed."""
    place.mkdir(mode=0o700, parents=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """A folder built out of sight that takes the place of `folder` when it is whole."""
    key = uuid.uuid4().hex
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _aside(folder.with_name(f".{folder.name}.{key}.partial")) as draft:
        yield draft
        if not folder.exists():
            draft.rename(folder)
            return
        with _aside(folder.with_name(f".{folder.name}.{key}.old")) as old:
            folder.rename(old)  # over the empty one
            try:
                draft.rename(folder)
            except BaseException:
                old.rename(folder)
                raise


def _write(folder: Path, name: str, pair: Pair) -> tuple[str, ...]:
    certificate, key = _paths(folder, name)
    certificate.write_bytes(pair.certificate_pem())
    key.touch(mode=0o600)
    key.write_bytes(pair.key_pem())
    return certificate.name, key.name
