"""The image: its versions are the tested ones, and it holds no root, no keys and nothing unread."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from importlib.metadata import requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from scanner.execution.recipes import DEPLOY

FOLDER = DEPLOY / "container"
CONSTRAINTS = Path(__file__).parents[2] / ".ci" / "constraints.txt"
KNOWN = {"ARG", "FROM", "ENV", "WORKDIR", "RUN", "COPY", "USER", "ENTRYPOINT", "CMD"}


def instructions() -> list[tuple[str, str]]:
    """Instruction and its text, comments and continued lines resolved."""
    text = re.sub(r"^\s*#.*\n", "", (FOLDER / "Containerfile").read_text(), flags=re.MULTILINE)
    lines = (line for line in re.sub(r"\\\n", "", text).splitlines() if line.strip())
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in lines]


def pinned(path: Path) -> dict[str, str]:
    lines = (line for line in path.read_text().splitlines() if line and not line.startswith("#"))
    return {_normal(name): version for name, _, version in (line.partition("==") for line in lines)}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _needed(name: str, extras: frozenset[str], found: set[str]) -> set[str]:
    for text in requires(name) or ():
        one = Requirement(text)
        wanted = one.marker is None or any(
            one.marker.evaluate({"extra": extra}) for extra in extras | {""}
        )
        if wanted and _normal(one.name) not in found:
            found.add(_normal(one.name))
            _needed(one.name, frozenset(one.extras), found)
    return found


def test_configuration_is_the_one_of_all_recipes():
    assert (FOLDER / "dask.yaml").read_bytes() == (DEPLOY / "dask.yaml").read_bytes()


def test_every_dependency_is_pinned_to_what_is_tested():
    pins = pinned(FOLDER / "requirements.txt")
    assert set(pins) == _needed("cevns-scanner", frozenset({"s3", "jobqueue"}), set())
    tested = pinned(CONSTRAINTS)
    assert pins == {name: tested.get(name) for name in pins}


def test_instructions():
    found = instructions()
    assert {name for name, _ in found} <= KNOWN
    last = dict(found)
    assert last["USER"] == "10001:10001"
    assert yaml.safe_load(last["ENTRYPOINT"]) == ["tini", "-g", "--", "scanner"]
    # both stages begin with the same base, or the environment would not fit
    assert [text.split()[0] for name, text in found if name == "FROM"] == ["${BASE}"] * 2
    after = found[[name for name, _ in found].index("USER") :]
    assert "RUN" not in {name for name, _ in after}


def test_only_what_is_copied_is_sent():
    lines = (FOLDER / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    sent = [rule.removeprefix("!") for rule in rules[1:]]
    assert len(sent) == len([rule for rule in rules if rule.startswith("!")])
    wanted = ("requirements.txt", "dask.yaml", "wheels/a.whl", "dependencies/a.whl")
    for name in wanted:
        assert any(fnmatch(name, rule) for rule in sent), name
    for name in ("node.key", "tls/ca.key", "s3.env", "wheels/node.key", "README.md"):
        assert not any(fnmatch(name, rule) for rule in sent), name
    copied = [text for name, text in instructions() if name == "COPY" and "--from" not in text]
    assert " ".join(copied).count("/") > 0
    assert all(name.partition("/")[0].rstrip("s") in " ".join(copied) for name in wanted)


@pytest.mark.parametrize("secret", ["*.pem", "*.key", "s3.env"])
def test_nothing_secret_is_shipped(secret):
    assert list(DEPLOY.rglob(secret)) == []
