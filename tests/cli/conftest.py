"""A small real scan in a store of its own, and the command run in this process."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scanner.cli import main

SMALL = ("--set", "axes.mass.n=16", "--set", "axes.coupling.n=90")


@dataclass(frozen=True)
class Outcome:
    """Exit code and what was printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


Command = Callable[..., Outcome]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """``command("run", "NAME", ...)`` as the shell would call it."""

    def call(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["scanner", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err)

    return call


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of a store with the universal model on 16 x 90 points, run by real workers."""
    from scanner.scan import Scan

    root = tmp_path_factory.mktemp("store")
    overrides = [text for text in SMALL if text != "--set"]
    Scan.of("light_vector_universal", overrides, store=root, workers=2).run(workers=2)
    return root
