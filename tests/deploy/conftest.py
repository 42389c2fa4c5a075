"""`commands` is shared by the tests of this folder, and so is Docker's compose where it is."""

import subprocess
import sys
from pathlib import Path

import pytest
from engines import SERVERS, missing

sys.path.insert(0, str(Path(__file__).parent))

# `podman compose` only finds one of these; the plugin works by itself
PLUGIN = SERVERS / "servers" / "compose" / "docker-compose"
COMPOSE = (["docker", "compose"], ["docker-compose"], [str(PLUGIN)])


@pytest.fixture(scope="session")
def compose() -> list[str]:
    """The command, if there is one of the second generation."""
    for words in COMPOSE:
        try:
            done = subprocess.run([*words, "version", "--short"], capture_output=True, text=True)
        except OSError:
            continue
        if done.returncode == 0 and int(done.stdout.strip().lstrip("v").partition(".")[0]) >= 2:
            return words
    return missing("docker compose 2")
