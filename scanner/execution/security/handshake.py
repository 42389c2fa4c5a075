"""TLS by hand: what a certificate says, and why a scheduler does not answer."""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import suppress
from typing import Any

from distributed import Security
from distributed.comm.addressing import parse_address, parse_host_port

PROBE_SECONDS = 3.0
_LENGTH = struct.Struct("<Q")
_LONGEST = 2**20  # bytes; a greeting has some hundred
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which the ssl module does not name


def file(security: Security, name: str) -> str | None:
    """What its field `tls_<name>` says: a path, the PEM text itself, or nothing."""
    # Dask sets the fields by their names, unseen by type checkers
    value: str | None = getattr(security, f"tls_{name}")
    return value


def ends(security: Security) -> tuple[float, float]:
    """When the CA and the client's certificate end, in seconds since 1970.

    Python has no public reader of one's own certificate, but tells that of a peer: here the one
    is shown over a connection in memory.

    Raises
    ------
    ssl.SSLError
        The certificate is not one of the CA, or the key is not its own.
    OSError
        A file cannot be read.
    """
    ca, certificate, key = (file(security, n) for n in ("ca_file", "client_cert", "client_key"))
    both = Security(
        require_encryption=True,
        tls_ca_file=ca,
        tls_client_cert=certificate,
        tls_client_key=key,
        tls_scheduler_cert=certificate,
        tls_scheduler_key=key,
    )
    connecting = both.get_connection_args("client")["ssl_context"]
    listening = both.get_listen_args("scheduler")["ssl_context"]
    connecting.verify_mode = ssl.CERT_NONE  # a certificate may be for clients alone
    listening.verify_flags |= _NO_CHECK_TIME
    authorities = [ssl.cert_time_to_seconds(c["notAfter"]) for c in connecting.get_ca_certs()]
    shown = _certificate_shown(connecting, listening)
    return min(authorities), ssl.cert_time_to_seconds(shown["notAfter"])


def _certificate_shown(connecting: ssl.SSLContext, listening: ssl.SSLContext) -> Any:
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = connecting.wrap_bio(back, there)
    server = listening.wrap_bio(there, back, server_side=True)
    for end in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            end.do_handshake()
    return server.getpeercert()


def why_not(address: str, security: Security | None, seconds: float) -> str:
    """Why what listens at `address` takes no client; ``""`` if it greets as Dask does.

    Also ``""`` where nothing listens. Dask itself waits for a greeting without end, and tries
    again and again with a certificate that was refused.

    Parameters
    ----------
    address : str
        Of a scheduler, ``tcp`` or ``tls``; others are not tried.
    security : Security, optional
        What the client shows; None for an address without encryption.
    seconds : float
        Longest wait for the greeting.
    """
    scheme, place = parse_address(address)
    if scheme not in ("tcp", "tls"):
        return ""
    try:
        connected = socket.create_connection(parse_host_port(place), timeout=PROBE_SECONDS)
    except (OSError, ValueError):
        return ""
    try:
        with connected:
            connected.settimeout(seconds)
            return _refusal(connected, security) if security else _silence(connected, place)
    except TimeoutError:
        return f"it says nothing for {seconds:g} s: it is too busy, or no Dask scheduler"
    except OSError:
        return ""


def _refusal(raw: socket.socket, security: Security) -> str:
    context = security.get_connection_args("client")["ssl_context"]
    try:
        with context.wrap_socket(raw) as wrapped:
            return _greeting(wrapped)  # TLS 1.3: the other side's verdict is read with it
    except ssl.SSLCertVerificationError as error:
        return (
            f"it shows a certificate that {file(security, 'ca_file')} does not vouch for "
            f"({error.verify_message}): use the ca.pem of that cluster"
        )
    except ssl.SSLError as error:
        if "ALERT" in (error.reason or ""):
            return (
                f"it refuses the certificate {file(security, 'client_cert')} ({_words(error)}): "
                "use one of that cluster's CA"
            )
        return "it does not speak TLS: use its tcp:// address, or start it with tls://"


def _silence(raw: socket.socket, place: str) -> str:
    """As `_greeting`, of a scheduler without encryption; one with it waits for us to speak."""
    with suppress(TimeoutError):
        return _greeting(raw)
    raw.settimeout(PROBE_SECONDS)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        context.wrap_socket(raw).close()
    except ssl.SSLError as error:
        if "ALERT" not in (error.reason or ""):
            raise TimeoutError from error  # the greeting, too late
    return f"it is encrypted: use tls://{place}"


def _greeting(connected: socket.socket) -> str:
    """What is wrong with the first bytes that come; Dask begins with the length of its message."""
    first = b""
    while len(first) < _LENGTH.size:
        more = connected.recv(_LENGTH.size - len(first))
        if not more:
            return "it hangs up: it is no Dask scheduler, or stopping"
        first += more
    return "" if _LENGTH.unpack(first)[0] < _LONGEST else "it is no Dask scheduler"


def _words(error: ssl.SSLError) -> str:
    return (error.reason or "").partition("ALERT_")[2].lower().replace("_", " ")
