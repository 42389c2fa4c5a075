"""Guard: who asks, whether they may, and whether they ask too often."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from scanner.service.access.rate import Rate
from scanner.service.access.tokens import SCOPES, Tokens
from scanner.service.refusals import RefusalError
from scanner.service.settings import Settings

OPEN_RATE = 10.0  # times as fast on the loopback, where one page asks many things at once
WRONG_PER_SECOND, WRONG_BURST = 0.2, 20.0  # wrong tokens of one address
_BEARER = HTTPBearer(auto_error=False, description="A token of `scanner token create`.")
_Shown = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Parameters
    ----------
    name : str
        Of the token; ``""`` where none is needed.
    scope : str
        The highest that it has.
    quota : int or None
        Grid points that it may ask for in all; None for no end.
    """

    name: str
    scope: str
    quota: int | None

    def may(self, scope: str) -> bool:
        """Whether the caller has a scope."""
        return SCOPES.index(self.scope) >= SCOPES.index(scope)


class Guard:
    """Tokens and rates of one service.

    Parameters
    ----------
    settings : Settings
        Whether tokens are needed, where they lie, how often a caller may ask.
    """

    def __init__(self, settings: Settings) -> None:
        self._open = settings.access == "open"
        self._tokens = Tokens(settings.state)
        self._most = settings.most_points
        times = OPEN_RATE if self._open else 1.0
        self._rate = Rate(settings.requests_per_second * times, settings.burst * times)
        self._wrong = Rate(WRONG_PER_SECOND, WRONG_BURST)

    def caller(self, secret: str | None, address: str) -> Caller:
        """Who shows that secret, from that address.

        Raises
        ------
        RefusalError
            401: none, or one that does not hold. 429: too often.
        """
        if self._open:
            self._limit(self._rate, address)
            return Caller("", SCOPES[-1], None)
        if not secret:
            self._limit(self._rate, f"@{address}")  # no name of a token begins so
            raise _unknown("show a token: `Authorization: Bearer cevns_...`")
        found = self._tokens.find(secret)
        if found is None:
            self._limit(self._wrong, address)
            raise _unknown(
                "the token does not hold: it is mistyped, expired or revoked; ask whoever runs "
                "this service for a new one"
            )
        self._limit(self._rate, found.name)
        return Caller(found.name, found.scope, found.quota or self._most)

    def _limit(self, rate: Rate, caller: str) -> None:
        if seconds := rate.wait(caller):
            raise RefusalError(
                429,
                f"too many requests: ask again in {seconds:.1f} s",
                headers={"Retry-After": str(math.ceil(seconds))},
            )


def _unknown(message: str) -> RefusalError:
    return RefusalError(401, message, headers={"WWW-Authenticate": 'Bearer realm="scanner"'})


@cache  # one dependency for each scope: asked once for a request that needs it twice
def needs(scope: str) -> Callable[..., Coroutine[Any, Any, Caller]]:
    """Dependency of a route: the caller, who has that scope.

    Raises
    ------
    RefusalError
        401, 429 as `Guard.caller`; 403: another scope is needed.
    """

    async def asked(request: Request, shown: _Shown) -> Caller:
        guard: Guard = request.app.state.guard
        secret = shown.credentials if shown else None
        address = request.client.host if request.client else ""
        caller: Caller = await request.app.state.desk.look(lambda: guard.caller(secret, address))
        if not caller.may(scope):
            raise RefusalError(
                403,
                f"token {caller.name!r} has the scope {caller.scope}, and this needs {scope}: ask "
                "whoever runs this service",
            )
        return caller

    return asked


Reader = Annotated[Caller, Depends(needs("read"))]
Submitter = Annotated[Caller, Depends(needs("submit"))]


def install(app: FastAPI, settings: Settings) -> None:
    """Guard of an application."""
    app.state.guard = Guard(settings)
