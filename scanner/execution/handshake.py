"""TLS by hand: what a certificate says, and why a scheduler does not answer."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import Any

from distributed import Security
from distributed.comm.addressing import parse_address, parse_host_port

PROBE_SECONDS = 3.0
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which the ssl module does not name


def ends(security: Security) -> tuple[float, float]:
    """When the CA and the client's certificate end, in seconds since 1970.

    Python has no public reader of a certificate of its own, but tells that of a peer: both ends
    of a connection in memory show the same certificate.

    Raises
    ------
    ssl.SSLError
        The certificate is not one of the CA, or the key is not its own.
    OSError
        A file cannot be read.
    """
    both = Security(
        require_encryption=True,
        tls_ca_file=security.tls_ca_file,
        tls_client_cert=security.tls_client_cert,
        tls_client_key=security.tls_client_key,
        tls_scheduler_cert=security.tls_client_cert,
        tls_scheduler_key=security.tls_client_key,
    )
    connecting = both.get_connection_args("client")["ssl_context"]
    listening = both.get_listen_args("scheduler")["ssl_context"]
    for context in (connecting, listening):
        context.verify_flags |= _NO_CHECK_TIME
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
    return client.getpeercert()


def why_not(address: str, security: Security | None) -> str:
    """Why the scheduler at `address` takes no client, as far as a handshake tells; else "".

    Parameters
    ----------
    address : str
        Tried for at most a few seconds.
    security : Security, optional
        What the client shows; None for an address without encryption.
    """
    scheme, place = parse_address(address)
    try:
        with socket.create_connection(parse_host_port(place), timeout=PROBE_SECONDS) as raw:
            return _refusal(raw, security) if security else _only_encrypted(raw, scheme, place)
    except (OSError, ValueError):
        return ""


def _refusal(raw: socket.socket, security: Security) -> str:
    context = security.get_connection_args("client")["ssl_context"]
    try:
        with context.wrap_socket(raw) as wrapped:
            wrapped.recv(1)  # TLS 1.3: the other side's verdict comes after the handshake
    except ssl.SSLCertVerificationError as error:
        return (
            f"it shows a certificate that {security.tls_ca_file} does not vouch for "
            f"({error.verify_message}): use the ca.pem of that cluster"
        )
    except ssl.SSLError as error:
        if "ALERT" in (error.reason or ""):
            return (
                f"it refuses the certificate {security.tls_client_cert} "
                f"({_words(error)}): use one of that cluster's CA"
            )
        return "it does not speak TLS: use its tcp:// address, or start it with tls://"
    return ""


def _only_encrypted(raw: socket.socket, scheme: str, place: str) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        context.wrap_socket(raw).close()
    except ssl.SSLError as error:
        if "ALERT" not in (error.reason or ""):
            return ""
    secure = "wss" if scheme == "ws" else "tls"
    return f"it is encrypted: use {secure}://{place}"


def _words(error: ssl.SSLError) -> str:
    return (error.reason or "").partition("ALERT_")[2].lower().replace("_", " ")
