"""A small real scan in a store of its own, served by a real server on a free port."""

from __future__ import annotations

import importlib
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from scanner.scan import Scan
from scanner.service.app import create_app
from scanner.service.settings import Settings

sys.path.insert(0, str(Path(__file__).parent))  # `attacks` and `slow`, for the tests of this folder
slow = importlib.import_module("slow")

OVERRIDES = ("axes.mass.n=16", "axes.coupling.n=90")


@dataclass(frozen=True)
class Served:
    """A server that runs, and the store behind it."""

    url: str
    root: Path
    app: Any

    @property
    def api(self) -> str:
        """Where the API begins."""
        return f"{self.url}/api/v1"

    def get(self, path: str, **how: Any) -> httpx.Response:
        """Answer of the API, asked again while it is being worked out."""
        for _ in range(60):
            answer = httpx.get(f"{self.api}/{path}", timeout=60, **how)
            if answer.status_code != 202:
                return answer
            time.sleep(float(answer.headers["Retry-After"]))
        raise AssertionError(f"no answer to {path}")

    def post(self, path: str, **how: Any) -> httpx.Response:
        """The same of a POST."""
        return httpx.post(f"{self.api}/{path}", timeout=60, **how)


@contextmanager
def _serving(settings: Settings) -> Iterator[Served]:
    """A server in a thread of this process."""
    app = create_app(settings)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_level="warning", ws="none", timeout_graceful_shutdown=5)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.02)
        try:
            port = listening.getsockname()[1]
            yield Served(f"http://127.0.0.1:{port}", Path(settings.root), app)
        finally:
            server.should_exit = True
            thread.join(timeout=30)
            assert not thread.is_alive()


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of the drivers take 0.1 s longer for a chunk."""
    monkeypatch.setenv("DASK_DISTRIBUTED__WORKER__PRELOAD", slow.PRELOAD)


@pytest.fixture(scope="session")
def serving() -> Callable[[Settings], AbstractContextManager[Served]]:
    """``with serving(settings) as served``."""
    return _serving


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of a store with the universal model on 16 x 90 points."""
    place = tmp_path_factory.mktemp("served")
    Scan.of("light_vector_universal", OVERRIDES, store=place, workers=2).run()
    return place


@pytest.fixture(scope="session")
def scan(root: Path) -> Scan:
    """The scan that is served, opened here."""
    return Scan.of("light_vector_universal", OVERRIDES, store=root)


@pytest.fixture(scope="session")
def served(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of that store."""
    with _serving(Settings(root=str(root), state=tmp_path_factory.mktemp("state"))) as one:
        yield one
