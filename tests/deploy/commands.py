"""Command lines found in deploy/, and the real parsers that must take them."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import typer
import yaml

from scanner.execution.recipes import DEPLOY

INIT = ("tini", "-g", "--")
KUBERNETES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
READMES = sorted(DEPLOY.rglob("README.md"))

# a bare `scanner VERB`, or the image whose command it is
_CALL = re.compile(
    r"(?:(?<![\w./-])|/opt/cevns-scanner/bin/)(scanner|dask) ([^|;&#<>]+)"
    r"|podman run .* cevns-scanner ([^|;&#<>]+)"
)
_CODE = re.compile(r"^```bash\n(.*?)^```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)


def documents(path: Path) -> list[dict[str, Any]]:
    """All documents of a YAML file."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def unit(path: Path) -> ConfigParser:
    """A unit of systemd; of a key that is given several times the last."""
    parsed = ConfigParser(strict=False, interpolation=None, delimiters="=")
    parsed.optionxform = str  # type: ignore[assignment, method-assign]
    parsed.read_string(path.read_text(encoding="utf-8"))
    return parsed


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """File and pod of every manifest that starts some."""
    for path in KUBERNETES:
        for document in documents(path):
            if document["kind"] in ("Deployment", "Job"):
                yield path.name, document["spec"]["template"]


def compose_services() -> dict[str, dict[str, Any]]:
    [composition] = documents(DEPLOY / "compose" / "compose.yaml")
    services: dict[str, dict[str, Any]] = composition["services"]
    return services


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """Where it stands, and the words of every command that deploy/ starts or tells to type."""
    for name, pod in pods():
        for container in pod["spec"]["containers"]:
            yield name, container.get("command", ["scanner"]) + container.get("args", [])
    for name, service in compose_services().items():
        yield f"compose {name}", service["entrypoint"] + service.get("command", [])
    for path in UNITS:
        words = shlex.split(unit(path)["Service"]["ExecStart"])
        yield path.name, [Path(words[0]).name, *words[1:]]
    for path in READMES:
        for line in typed(path.read_text(encoding="utf-8")):
            for found in _CALL.finditer(line):
                words = shlex.split(found[2] or found[3])
                yield str(path.relative_to(DEPLOY)), [found[1] or "scanner", *words]


def typed(text: str) -> Iterator[str]:
    """Lines of the blocks of a README, and what stands between backquotes in its sentences."""
    for block, span in _CODE.findall(text):
        yield from (re.sub(r"\s#.*", "", line) for line in block.splitlines() or [span])


def check(words: list[str]) -> None:
    """Let the real parser read a command line, without running it.

    Raises what the parser raises: for an unknown verb or option, or a value of a wrong type.
    """
    while words[0] in INIT:
        words = words[1:]
    if words[0] == "scanner":
        _parse(_scanner(), words)
    elif words[0] == "dask":
        from distributed.cli import dask_scheduler, dask_worker

        commands = {"scheduler": dask_scheduler.main, "worker": dask_worker.main}
        commands[words[1]].make_context(words[1], list(words[2:]))
    else:
        assert words == ["sleep", "infinity"]
        assert shutil.which(words[0])


def _scanner() -> Any:
    from scanner.cli.app import app

    return typer.main.get_command(app)


def _parse(command: Any, words: list[str]) -> None:
    while hasattr(command, "commands"):
        words = words[1:]
        assert words, "a group of verbs without a verb"
        assert words[0] in command.commands, f"no verb {words[0]!r}"
        command = command.commands[words[0]]
    command.make_context(words[0], list(words[1:]))
