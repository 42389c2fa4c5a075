"""Failures of an object store as one line each: what, where, and the mend; never a credential."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from scanner.errors import StoreError
from scanner.store import s3

_KEYS = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
_LATER = "run the same command again later (finished chunks are kept)"
_REASONS = {
    "NoSuchBucket": "the bucket does not exist: make it, or check --store and $SCANNER_STORE",
    "InvalidBucketName": "not a bucket's name: check --store and $SCANNER_STORE",
    "InvalidAccessKeyId": f"the keys are refused: {_KEYS}",
    "SignatureDoesNotMatch": f"the keys are refused: {_KEYS}",
    "InvalidToken": "the session token is refused: renew AWS_SESSION_TOKEN",
    "ExpiredToken": "the session token has expired: renew it, then run the same command again",
    "RequestTimeTooSkewed": "this host's clock is wrong: set it",
    "AuthorizationHeaderMalformed": "the bucket is in another region: set AWS_REGION",
    "PermanentRedirect": "the bucket is in another region: set AWS_REGION",
    "QuotaExceeded": f"no space left there: free some, then {_LATER}",
    "NotImplemented": "the server lacks a request that is needed: use another kind of server",
}
_BY_STATUS = {
    "301": "the bucket is in another region: set AWS_REGION",
    "307": "the bucket is in another region: set AWS_REGION",
    "401": f"the keys are refused: {_KEYS}",
    "403": "permission denied: the keys must be right, and may list, read, write and delete there",
    "404": "does not exist: check --store and $SCANNER_STORE",
    "413": f"no space left there: free some, then {_LATER}",
    "507": f"no space left there: free some, then {_LATER}",
}


@contextmanager
def object_errors(place: str) -> Iterator[None]:
    """Turn the failures of requests for objects below `place` into StoreErrors of one line.

    Raises
    ------
    StoreError
        Names `place` and the mend.
    """
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        # not chained: the text of the client is long, and may hold more than it should
        raise StoreError(f"store {place}: {reason(str(error))}") from None


def reason(text: str) -> str:
    """One line about the text of a client's error, with the mend.

    >>> reason("... status code: 404 Not Found: <Error><Code>NoSuchBucket</Code></Error>")
    'the bucket does not exist: make it, or check --store and $SCANNER_STORE'
    """
    code = code_of(text)
    found = re.search(r"status code: (\d{3})", text)
    status = found[1] if found else ""
    if code in _REASONS or status in _BY_STATUS:
        return _REASONS.get(code) or _BY_STATUS[status]
    if status in ("429", "503"):
        return f"the server is overloaded ({status} {code}), {_patience()}: {_LATER}"
    if status.startswith("5"):
        return f"the server fails ({status} {code}), {_patience()}: {_LATER}"
    if status:
        return f"the server refuses the request ({status} {code}): check AWS_ENDPOINT_URL"
    where = s3.endpoint() or "the server"
    return f"no answer from {where}, {_patience()}: check AWS_ENDPOINT_URL and the network"


def code_of(text: str) -> str:
    """S3's own word for an error, ``""`` where there is none."""
    found = re.search(r"<Code>(\w+)</Code>", text)
    return found[1] if found else ""


def _patience() -> str:
    return f"tried again for {s3.patience():g} s"
