"""Clients of S3 buckets: addresses, credentials of the standard environment and files, patience.

Credentials never stand in an address, and none goes into a message. A client belongs to the
process that made it: every process makes its own from its own environment.
"""

from __future__ import annotations

import configparser
import os
import re
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from scanner.errors import DefinitionError, StoreError

if TYPE_CHECKING:
    from obstore.store import S3Store

CONNECT_SECONDS = 5.0
SMALL_SECONDS = 15.0  # one try of a request that carries kilobytes
CHUNK_SECONDS = 60.0  # one try of a request that carries a chunk
PATIENCE_SECONDS = 30.0  # a request that fails is tried again for so long
PATIENCE_VARIABLE = "SCANNER_STORE_PATIENCE"
FILE_KEYS_SECONDS = 900.0  # keys of a file are read again after it: they may be short-lived

_MOST_RETRIES = 1000  # the time is what ends them
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=0.1), timedelta(seconds=2)
_ADDRESS = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9])(?:/(.*))?")
_FORBIDDEN = re.compile(r"[@?#:\\\s]")
_METADATA = "http://169.254.169.254/latest/api/token"  # of a machine in Amazon's cloud
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_ELSEWHERE = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_METADATA_ENDPOINT",
    "AWS_SKIP_SIGNATURE",
)


def bucket_and_prefix(address: str) -> tuple[str, str]:
    """Parts of what follows ``s3://``.

    >>> bucket_and_prefix("scans/2026/")
    ('scans', '2026')

    Raises
    ------
    DefinitionError
        Credentials or anything else that does not belong there; the address is not repeated.
    """
    if _FORBIDDEN.search(address):
        raise DefinitionError(
            "--store s3://...: an address has no credentials, port, query or blank in it: write "
            "s3://BUCKET/PREFIX, keys go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or "
            "~/.aws/credentials, the server into AWS_ENDPOINT_URL"
        )
    found = _ADDRESS.fullmatch(address)
    parts = [] if not found else (found[2] or "").removesuffix("/").split("/")
    if not found or any(part in (".", "..") for part in parts) or ("" in parts and parts != [""]):
        raise DefinitionError(
            f"--store s3://{address}: write s3://BUCKET/PREFIX, such as s3://scans/coherent"
        )
    return found[1], "/".join(parts)


def patience() -> float:
    """Seconds for which a failing request is tried again: ``$SCANNER_STORE_PATIENCE`` or 30.

    Raises
    ------
    DefinitionError
        Not a number of 0 or more.
    """
    text = os.environ.get(PATIENCE_VARIABLE) or str(PATIENCE_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds <= 280.0:  # a request is signed for five minutes
        raise DefinitionError(f"{PATIENCE_VARIABLE} = {text!r}: give seconds from 0 to 280")
    return seconds


def endpoint() -> str:
    """URL of the server, ``""`` for that of Amazon."""
    variables = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    found = next((os.environ[v] for v in variables if os.environ.get(v)), None)
    url = found or _profile().get("endpoint_url", "")
    try:
        parts = urlsplit(url)
        sound = not url or (parts.scheme in ("http", "https") and parts.hostname)
    except ValueError:
        sound, parts = False, urlsplit("")
    if "@" in url or parts.query or not sound:
        raise DefinitionError(
            "AWS_ENDPOINT_URL: write http(s)://HOST:PORT, without credentials; "
            "keys go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or ~/.aws/credentials"
        )
    return url


def client(bucket: str, prefix: str = "", *, chunks: bool = False) -> S3Store:
    """Client of a bucket, made once per process and environment.

    Parameters
    ----------
    bucket, prefix : str
        Names in the client are below the prefix.
    chunks : bool
        Whether requests carry chunks, and so may take longer.

    Raises
    ------
    StoreError
        No credentials, or the library is missing.
    """
    environment = tuple(sorted((k, v) for k, v in os.environ.items() if _counts(k)))
    return _client(bucket, prefix, chunks, os.getpid(), environment)


def _counts(variable: str) -> bool:
    return variable.startswith("AWS_") or variable in (PATIENCE_VARIABLE, "HOME")


@lru_cache(maxsize=32)
def _client(bucket: str, prefix: str, chunks: bool, *_: object) -> S3Store:
    try:
        from obstore.store import S3Store
    except ImportError as error:
        raise StoreError(
            f"store s3://{bucket}: the library obstore is not installed: "
            "`pip install 'cevns-scanner[s3]'`"
        ) from error

    where, seconds = endpoint(), patience()
    options: dict[str, Any] = {
        "allow_http": where.startswith("http://"),
        "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
        "timeout": timedelta(seconds=CHUNK_SECONDS if chunks else SMALL_SECONDS),
    }
    if os.environ.get("AWS_CA_BUNDLE"):
        options["root_certificate"] = _certificates(Path(os.environ["AWS_CA_BUNDLE"]))
    config: dict[str, Any] = {"region": _region(), **({"endpoint": where} if where else {})}
    return S3Store(
        bucket,
        prefix=prefix or None,
        client_options=options,  # type: ignore[arg-type]
        retry_config={
            "max_retries": _MOST_RETRIES,
            "retry_timeout": timedelta(seconds=seconds),
            "backoff": {"init_backoff": _FIRST_WAIT, "max_backoff": _LONGEST_WAIT, "base": 2},
        },
        credential_provider=_provider(bucket),
        **config,
    )


def _region() -> str:
    named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return named or _profile().get("region") or "us-east-1"


def _certificates(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(
            f"AWS_CA_BUNDLE = {path}: cannot be read ({error.strerror}): name a file of "
            "certificates, or unset it"
        ) from error


def _provider(bucket: str) -> Any:
    """None where the client finds the keys itself; else what reads them from the files.

    Raises
    ------
    StoreError
        There are none.
    """
    given = [bool(os.environ.get(variable)) for variable in _KEYS]
    if all(given):
        return None
    if any(given):
        raise StoreError(
            f"store s3://{bucket}: only one of {' and '.join(_KEYS)} is set: set both, or neither "
            "for the keys of AWS_PROFILE"
        )
    profile = _profile()
    if "aws_access_key_id" in profile and "aws_secret_access_key" in profile:
        return _keys_of_file
    if any(os.environ.get(variable) for variable in _ELSEWHERE) or _metadata_answers():
        return None
    other = next((k for k in profile if k.startswith(("sso_", "role_arn", "credential_p"))), None)
    found = (
        f"profile {_profile_name()!r} has {other} and no keys: run "
        f'`eval "$(aws configure export-credentials --profile {_profile_name()} --format env)"`'
        if other
        else "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
        "or AWS_PROFILE to a profile of ~/.aws/credentials"
    )
    raise StoreError(f"store s3://{bucket}: {found}")


def _keys_of_file() -> dict[str, Any]:
    profile = _profile()
    return {
        "access_key_id": profile["aws_access_key_id"],
        "secret_access_key": profile["aws_secret_access_key"],
        "token": profile.get("aws_session_token"),
        "expires_at": datetime.now(UTC) + timedelta(seconds=FILE_KEYS_SECONDS),
    }


def _metadata_answers() -> bool:
    """Whether this is a machine of a cloud that hands out keys."""
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return False
    asked = urllib.request.Request(
        _METADATA, method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=1.0):
            return True
    except OSError:
        return False


def _profile_name() -> str:
    return os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE") or "default"


def _profile() -> Mapping[str, str]:
    """Entries of the profile in ``~/.aws/config`` and, before it, ``~/.aws/credentials``.

    Raises
    ------
    StoreError
        A file cannot be read (its lines are not repeated), or a named profile is in neither.
    """
    name = _profile_name()
    config = Path(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser()
    keys = Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials").expanduser()
    sections = [_section(config, name if name == "default" else f"profile {name}")]
    sections.append(_section(keys, name))
    if name != "default" and not any(section is not None for section in sections):
        raise StoreError(
            f"AWS_PROFILE = {name!r}: no such profile in {config} or {keys}: name one of theirs"
        )
    return {key: value for section in sections for key, value in (section or {}).items()}


def _section(path: Path, name: str) -> Mapping[str, str] | None:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, configparser.Error):  # their texts repeat lines of the file
        raise StoreError(
            f"{path}: cannot be read as sections of key = value: mend it, or set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) from None
    return dict(parser[name]) if parser.has_section(name) else None
