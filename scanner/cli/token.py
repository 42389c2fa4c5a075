"""`token create|list|revoke`: who may ask a service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli.options import Json, Store
from scanner.cli.output import note, show_json, show_table

if TYPE_CHECKING:
    from scanner.service.access.tokens import Tokens

app = typer.Typer(help="Tokens of `scanner serve`.", no_args_is_help=True)

State = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR", help="As of `serve`. Default: yours for the store."),
]
Name = Annotated[str, typer.Argument(help="Whose it is, such as anna.")]


@app.command()
def create(
    name: Name,
    scope: Annotated[
        str, typer.Option("--scope", help="read; submit: also starts scans; admin.")
    ] = "read",
    quota: Annotated[
        int | None, typer.Option("--quota", help="Grid points it may ask for in all.")
    ] = None,
    days: Annotated[float | None, typer.Option("--days", help="Holds so long.")] = None,
    store: Store = None,
    state: State = None,
    json: Json = False,
) -> None:
    """Make a token; its secret is printed now and never again."""
    secret = _tokens(store, state).create(name, scope, quota, days)
    if json:
        show_json({"name": name, "scope": scope, "quota": quota, "token": secret})
        return
    note(f"token of {name}, scope {scope}: shown only now, only its hash is kept")
    print(secret)


@app.command("list")
def list_(store: Store = None, state: State = None, json: Json = False) -> None:
    """List tokens: whose, scope, quota, until when, when used last."""
    found = _tokens(store, state).list()
    if json:
        show_json([token.to_dict() for token in found])
        return
    heads = ("name", "scope", "quota", "created", "expires", "used", "")
    rows = [
        (
            token.name,
            token.scope,
            "-" if token.quota is None else token.quota,
            token.created,
            token.expires or "never",
            token.used or "never",
            "" if token.valid else "expired",
        )
        for token in found
    ]
    show_table([heads, *rows] if rows else [("no tokens",)])


@app.command()
def revoke(name: Name, store: Store = None, state: State = None, json: Json = False) -> None:
    """Let a token hold no longer; a service that runs hears it at the next request."""
    gone = _tokens(store, state).revoke(name)
    if json:
        show_json(gone.to_dict())
    else:
        print(f"token of {gone.name} is revoked")


def _tokens(store: str | None, state: Path | None) -> Tokens:
    from scanner.service.access.tokens import Tokens
    from scanner.service.settings import state_folder
    from scanner.store.naming import default_root

    return Tokens(state_folder(store or default_root(), state))
