"""The service behind https: its unit is valid and hardened, servers in front pass events on."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import commands
import pytest
from engines import need

from scanner.execution.recipes import DEPLOY
from scanner.service.settings import PORT

FOLDER = DEPLOY / "service"
UNIT = FOLDER / "scanner-serve.service"
INSTALLED, BIN = "/opt/cevns-scanner/bin", Path(sys.executable).parent
EXPOSURE = 20  # of 100, as `systemd-analyze security` counts


@pytest.fixture
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    need(found, "systemd-analyze", "apt-get install systemd")
    return str(found)


def test_systemd_takes_the_unit_and_finds_it_closed(analyze, tmp_path):
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(INSTALLED, str(BIN)))
    checked = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, timeout=60)
    assert (checked.returncode, checked.stderr) == (0, "")
    asked = ["security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", unit]
    judged = subprocess.run([analyze, *asked], capture_output=True, text=True, timeout=60)
    assert judged.returncode == 0, judged.stdout
    wrong = tmp_path / "wrong.service"
    wrong.write_text(unit.read_text().replace("Type=exec", "Type=whatever"))
    checked = subprocess.run([analyze, "verify", wrong], capture_output=True, text=True, timeout=60)
    assert "whatever" in checked.stderr


def test_the_unit_leaves_drivers_alone_and_asks_for_tokens():
    service = commands.unit(UNIT)["Service"]
    assert service["KillMode"] == "process"
    words = shlex.split(service["ExecStart"])
    assert words[:2] == [f"{INSTALLED}/scanner", "serve"]
    assert "--behind-proxy" in words
    assert "--host" not in words  # the loopback
    assert words[words.index("--state") + 1] == f"/var/lib/{service['StateDirectory']}"
    assert service["StateDirectoryMode"] == "0700"
    given = (FOLDER / "environment").read_text()
    assert set(re.findall(r"\$\{(\w+)\}", service["ExecStart"])) <= set(
        re.findall(r"^(\w+)=", given, re.MULTILINE)
    )


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Caddyfile", [f"reverse_proxy 127.0.0.1:{PORT}", "flush_interval -1", "max_size 1MB"]),
        (
            "nginx.conf.example",
            [f"proxy_pass http://127.0.0.1:{PORT}", "proxy_buffering off", "listen 443 ssl"],
        ),
    ],
)
def test_servers_in_front_pass_on_what_comes(name, wanted):
    text = (FOLDER / name).read_text()
    assert [line for line in wanted if line not in text] == []
    assert text.count("{") == text.count("}")
