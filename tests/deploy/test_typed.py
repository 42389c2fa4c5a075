"""The recipes for systemd run as they are typed, in a folder instead of /opt, /etc, /srv, /var."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.execution.recipes import DEPLOY
from scanner.execution.security.certificates import make_certificates
from scanner.service.access.tokens import Tokens

BIN = Path(sys.executable).parent
# what only root, the network or systemd can do says what it was asked; -o and -g need the user
STAND_INS = """\
useradd() { echo useradd "$@"; }
systemctl() { echo systemctl "$@"; }
loginctl() { echo loginctl "$@"; }
sudo() { shift 2; "$@"; }
umask 022
"""


def blocks(recipe: str) -> list[str]:
    text = (DEPLOY / recipe / "README.md").read_text()
    return re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A folder with the command where the recipe installs it, and certificates."""
    (tmp_path / "opt" / "cevns-scanner").mkdir(parents=True)
    (tmp_path / "opt" / "cevns-scanner" / "bin").symlink_to(BIN)
    for name in ("etc/systemd/system", "srv", "var/lib", "work"):
        (tmp_path / name).mkdir(parents=True)
    make_certificates(tmp_path / "work" / "tls")
    return tmp_path


def typed(host: Path, block: str) -> str:
    """Standard output of a block's lines, typed by root; each must succeed."""
    text = re.sub(r"(?<![\w.])/(opt|etc|srv|var)/", rf"{host}/\1/", block)
    text = re.sub(r"^.*(/pip install| -m venv) .*$", "", text, flags=re.MULTILINE)
    return run(host, re.sub(r" -[og] scan\b", "", text))


def run(host: Path, text: str) -> str:
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", STAND_INS + text],
        cwd=host / "work",
        env={**os.environ, "HOME": str(host / "home"), "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_units_of_the_host(host: Path) -> None:
    first, shell, _ = blocks("systemd")
    said = typed(host, first)
    assert "systemctl enable --now scanner-worker@1 scanner-worker@2" in said
    etc = host / "etc"
    assert (etc / "dask" / "dask.yaml").read_text() == (DEPLOY / "dask.yaml").read_text()
    assert mode(etc / "cevns-scanner" / "environment") == 0o640
    assert mode(etc / "cevns-scanner" / "tls" / "node.key") == 0o640
    assert mode(etc / "cevns-scanner" / "tls") == 0o750
    assert mode(host / "srv" / "scans") == 0o2775
    names = {path.name for path in (etc / "systemd" / "system").iterdir()}
    assert names == {"scanner-scheduler.service", "scanner-worker@.service"}
    reading = shell.splitlines()[0].partition("#")[0]
    told = typed(host, f'{reading}; echo "$(umask) $DASK_SCHEDULER_ADDRESS"; env')
    assert told.startswith("0002 tls://scheduler.example.org:8786\n")
    assert "\nSCANNER_STORE=/srv/scans\n" in told  # exported: the command sees it


def test_units_of_a_user(host: Path) -> None:
    said = run(host, blocks("systemd")[2])
    assert "systemctl --user enable --now scanner-scheduler scanner-worker@1" in said
    config = host / "home" / ".config"
    for name in ("scanner-scheduler", "scanner-worker@"):
        text = (config / "systemd" / "user" / f"{name}.service").read_text()
        assert "\nWantedBy=default.target\n" in text  # a user's manager has no other
        assert f"ExecStart={host}/home/venv/bin/dask" in text
        assert (config / "systemd" / "user" / f"{name}.service.d" / "user.conf").exists()
    assert f"{config}/cevns-scanner/tls" in (config / "cevns-scanner" / "dask.yaml").read_text()


def test_the_service_has_a_token_before_it_starts(host: Path) -> None:
    [start] = [text for text in blocks("service") if "systemctl enable" in text]
    said = typed(host, start)
    assert said.splitlines()[-1] == "systemctl enable --now scanner-serve"
    state = host / "var" / "lib" / "cevns-scanner"
    assert mode(state) == 0o700
    assert [token.name for token in Tokens(state).list()] == ["anna"]
    assert mode(host / "etc" / "cevns-scanner" / "service") == 0o640
