"""The composition: valid by Compose itself where it is, closed to the outside, supervised."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import commands

from scanner.execution.recipes import DEPLOY

FILE = DEPLOY / "compose" / "compose.yaml"


def test_compose_itself_takes_it(compose, tmp_path):
    read = [*compose, "-f", FILE, "config", "-q"]
    done = subprocess.run(read, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(FILE.read_text().replace("stop_grace_period", "stop_grace"))
    done = subprocess.run(
        [*compose, "-f", wrong, "config", "-q"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0


PORTS = {"service": ["127.0.0.1:${PORT:-8642}:8642"]}


def test_services():
    services = commands.compose_services()
    assert set(services) == {"scheduler", "worker", "shell", "scan", "service"}
    for name, service in services.items():
        assert service["restart" if name != "scan" else "profiles"] in ("unless-stopped", ["scan"])
        # nothing is reached from outside; the service from this host, and it asks for tokens
        assert service.get("ports", []) == PORTS.get(name, [])
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["user"] == "${SCAN_USER:-10001:10001}"
        assert service["init"] is True
        assert service["environment"] == {"DASK_SCHEDULER_ADDRESS": "tls://scheduler:8786"}
        mounts = {m["target"]: m for m in service["volumes"]}
        assert mounts["/etc/cevns-scanner/tls"]["read_only"] is True
        # a folder that is missing is an error, not a new one of root's
        assert all(m["bind"] == {"create_host_path": False} for m in mounts.values())
    assert services["worker"]["stop_grace_period"] == "2m"
    assert services["worker"]["deploy"]["replicas"] == "${WORKERS:-2}"


def test_variables_are_explained():
    used = set(re.findall(r"\$\{(\w+)", FILE.read_text()))
    explained = set(re.findall(r"\b([A-Z_]+)=", (FILE.parent / "README.md").read_text()))
    assert used <= explained


def test_example_of_s3_names_what_the_store_reads():
    lines = (FILE.parent / "s3.env.example").read_text().splitlines()
    given = dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", "\n".join(lines), re.MULTILINE))
    assert given["SCANNER_STORE"].startswith("s3://")
    # no key of anybody's
    assert given["AWS_ACCESS_KEY_ID"] == given["AWS_SECRET_ACCESS_KEY"] == ""
    assert not Path(FILE.parent / "s3.env").exists()
