"""Who may talk to the cluster: encryption off this host, and the certificates for it.

What travels on Dask's wire are pickles: whoever can connect to a scheduler can run code there and
on its workers. Off the loopback the wire is therefore encrypted, and both ends show a certificate.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address
from pathlib import Path

import dask
from distributed import Security
from distributed.comm.addressing import parse_address, parse_host_port

from scanner.errors import ClusterError
from scanner.execution.security.certificates import CA, NODE, REQUIRED, ROLES, TLS
from scanner.execution.security.certificates import add_certificate as add_certificate
from scanner.execution.security.certificates import make_certificates as make_certificates
from scanner.execution.security.certificates import tls_folder as tls_folder
from scanner.execution.security.handshake import ends, file

WARN_DAYS = 14
_ENCRYPTED = ("tls", "wss")
_HERE = ("inproc",)  # never leaves the process


def check_encrypted(address: str, origin: str = "") -> None:
    """Refuse an address whose wire can be read by others.

    Plaintext is for the loopback: a name is on it when all that it resolves to is. Dask's
    configuration ``distributed.comm.require-encryption`` has the last word: false takes plaintext
    anywhere, true nowhere.

    Parameters
    ----------
    address : str
        Of a scheduler.
    origin : str
        Where it was said, for the message.

    Raises
    ------
    ClusterError
        Names the address and the mend.
    """
    scheme, place = parse_address(address)
    required = dask.config.get(REQUIRED, None)
    if scheme in (*_ENCRYPTED, *_HERE) or required is False:
        return
    said = f"{address} (from {origin})" if origin else address
    secure = f"{'wss' if scheme == 'ws' else 'tls'}://{place}"
    if required:
        raise ClusterError(
            f"{said} is not encrypted and Dask's configuration asks for it ({REQUIRED}: true): "
            f"use {secure}"
        )
    try:
        loopback = on_loopback(parse_host_port(place, 0)[0])
    except (OSError, ValueError) as error:
        raise ClusterError(f"{said} leads nowhere ({error}): check the address") from error
    if not loopback:
        raise ClusterError(
            f"{said} is not encrypted, and whoever can read or reach it can run code there: use "
            f"{secure} with certificates of `scanner deploy tls`, an ssh tunnel to 127.0.0.1, or "
            f"accept it with {REQUIRED}: false in Dask's configuration"
        )


def on_loopback(host: str) -> bool:
    """Whether all addresses of a host are on the loopback; OSError if it has none."""
    # no host stands for all of this one
    found = socket.getaddrinfo(host or "0.0.0.0", None, type=socket.SOCK_STREAM)
    return all(_is_loopback(str(entry[4][0])) for entry in found)


def _is_loopback(text: str) -> bool:
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def security_for(address: str) -> Security | None:
    """Certificates for a cluster at that address, or one that is to listen on such an address.

    Those that Dask's configuration names, else those of `tls_folder`.

    Parameters
    ----------
    address : str
        Only its scheme counts.

    Returns
    -------
    Security or None
        None where the scheme has no encryption.

    Raises
    ------
    ClusterError
        There are none, they cannot be used, or they have ended; names the file and the mend.
    """
    if parse_address(address)[0] not in _ENCRYPTED:
        return None
    security = _configured() or _of_folder(address)
    _check(security)
    return security


def remarks(security: Security) -> tuple[str, ...]:
    """What to say aloud: certificates that end soon, a key that others can read."""
    said = []
    left = (min(ends(security)) - time.time()) / 86400
    if left < WARN_DAYS:
        certificate = _shown(file(security, "client_cert"))
        said.append(f"the certificate {certificate} or its CA ends in {left:.0f} days: {_RENEW}")
    if open_key := _open_key(security):
        said.append(open_key)
    return tuple(said)


def standing() -> str:
    """What certificates this user has and until when, for people.

    Raises
    ------
    ClusterError
        They cannot be used, or others can read the key; names the file and the mend.
    """
    folder = tls_folder()
    security = _configured()
    if security is None and not (folder / f"{NODE}.pem").exists():
        return f"none in {folder}: needed for schedulers on other hosts alone"
    if security is None:
        security = _of_folder("a scheduler on another host")
    _check(security)
    if open_key := _open_key(security):
        raise ClusterError(open_key)
    certificate = _shown(file(security, "client_cert"))
    return "; ".join(
        (f"{certificate}, valid until {_day(min(ends(security)))}", *remarks(security))
    )


def _open_key(security: Security) -> str:
    """What to say of a key that others can read; else nothing.

    One of somebody else's, such as root's, is read here through its group: that is meant so.
    """
    key = file(security, "client_key")
    if not key or "\n" in key:
        return ""
    found = Path(key).stat()
    if found.st_mode & (0o077 if found.st_uid == os.geteuid() else 0o007):
        return f"others can read the key {key}, and join the cluster with it: chmod 600 {key}"
    return ""


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


_RENEW = (
    "renew it with `scanner deploy tls DIR --node node --force` where ca.key is, and copy it to "
    "all hosts"
)


def _configured() -> Security | None:
    """What Dask's configuration names; its own class reads it."""
    names = {name: dask.config.get(f"{TLS}.{name}", None) for name in ("ca-file", "client.cert")}
    if not any(names.values()):
        return None
    if missing := [f"{TLS}.{name}" for name, value in names.items() if not value]:
        raise ClusterError(
            f"Dask's configuration names certificates, but no {missing[0]}: add it, or take the "
            "others out to use those of `scanner deploy tls`"
        )
    return Security(require_encryption=True)


def _of_folder(address: str) -> Security:
    folder = tls_folder()
    files = {name: folder / name for name in (f"{CA}.pem", f"{NODE}.pem", f"{NODE}.key")}
    missing = [name for name, path in files.items() if not path.exists()]
    if missing:
        raise ClusterError(
            f"{address} is encrypted and {folder} has no {', '.join(missing)}: copy ca.pem, "
            "node.pem and node.key of that cluster there (`scanner deploy tls` makes them), or "
            f"name them in Dask's configuration ({TLS})"
        )
    ca, certificate, key = (str(path) for path in files.values())
    pairs = {f"tls_{role}_cert": certificate for role in ROLES}
    pairs |= {f"tls_{role}_key": key for role in ROLES}
    return Security(require_encryption=True, tls_ca_file=ca, **pairs)


def _check(security: Security) -> None:
    ca, certificate = (_shown(file(security, name)) for name in ("ca_file", "client_cert"))
    try:
        ca_end, node_end = ends(security)
    except (OSError, ValueError) as error:  # also of TLS
        raise ClusterError(
            f"certificate {certificate}, its key or its CA {ca} cannot be used "
            f"({_reason(error)}): copy ca.pem, node.pem and node.key of one cluster anew"
        ) from error
    now = time.time()
    for name, end in ((ca, ca_end), (certificate, node_end)):
        if end <= now:
            raise ClusterError(
                f"certificate {name} has ended on {_day(end)}: "
                + (_RENEW if end == node_end else "make all of them anew: scanner deploy tls DIR")
            )


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return (error.reason or "").lower().replace("_", " ")
    return getattr(error, "strerror", None) or str(error)


def _shown(file: str | None) -> str:
    """Name of a file, or what to call a text that Dask's configuration holds instead."""
    return "of Dask's configuration" if not file or "\n" in file else file
