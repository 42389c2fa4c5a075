"""`scanner deploy tls`: what it makes, prints and refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_makes_certificates_where_clients_look_for_them(command, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SCANNER_TLS", str(tmp_path / "tls"))
    made = command("deploy", "tls", "--days", "30", "--host", "node7.example", "--json")
    assert (made.code, made.err) == (0, "")
    assert made.json["folder"] == str(tmp_path / "tls")
    assert made.json["files"] == ["ca.pem", "ca.key", "node.pem", "node.key"]
    from scanner.execution.security.encryption import security_for

    assert security_for("tls://192.0.2.1:8786") is not None
    again = command("deploy", "tls")
    assert again.code == 2
    assert "already" in again.err
    assert len(again.err.splitlines()) == 1


@pytest.mark.parametrize(
    "host",
    [
        "x\ny",
        "x\x1b[2J",
        "a b",
        "",
        "-x",
        "x-",
        "a..b",
        "http://x",
        "x:1",
        "fe80::1%eth0",
        "a" * 64,
    ],
)
@pytest.mark.parametrize("node", [(), ("--node", "w1")])
def test_a_host_that_is_none_is_refused(command, tmp_path: Path, host: str, node) -> None:
    place = tmp_path / "tls"
    if node:
        assert command("deploy", "tls", place).code == 0
    before = sorted(place.iterdir()) if node else []
    done = command("deploy", "tls", place, "--host", host, *node)
    assert done.code == 2
    assert f"--host {host!r}: give the name of a host" in done.err
    assert len(done.err.splitlines()) == 1
    assert (sorted(place.iterdir()) if place.exists() else []) == before


def test_hosts_are_names_and_addresses(command, tmp_path: Path) -> None:
    hosts = ("node7", "node_7.example.org.", "*.example", "192.0.2.1", "2001:db8::1", "a" * 63)
    options = [text for host in hosts for text in ("--host", host)]
    assert command("deploy", "tls", tmp_path / "tls", *options).code == 0


LOOK = """
from distributed import Security
security = Security()
roles = ("scheduler", "worker", "client")
assert all(security.get_listen_args(role)["ssl_context"] for role in roles)
keys = {security.get_tls_config_for_role(role)["key"] for role in roles}
print(security.require_encryption, *keys)
"""


@pytest.mark.parametrize("how", ["file", "environment"])
def test_configuration_that_is_printed_is_dasks(command, tmp_path: Path, how: str) -> None:
    made = command("deploy", "tls", tmp_path / "tls", "--json").json
    (tmp_path / "config").mkdir()
    environment = {**os.environ, "DASK_CONFIG": str(tmp_path / "config")}
    if how == "file":
        (tmp_path / "config" / "tls.yaml").write_text(made["dask_yaml"])
    else:
        environment |= made["environment"]
    look = [sys.executable, "-c", LOOK]
    seen = subprocess.run(look, env=environment, capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == f"True {tmp_path}/tls/node.key"


def test_text_says_what_to_copy_and_to_start(command, tmp_path: Path) -> None:
    made = command("deploy", "tls", tmp_path / "tls")
    assert made.code == 0
    for word in ("Copy ca.pem, node.pem", "ca.key stays here", "dask scheduler --protocol tls"):
        assert word in made.out
    assert f"export DASK_DISTRIBUTED__COMM__TLS__CA_FILE={tmp_path}/tls/ca.pem" in made.out
    further = command("deploy", "tls", tmp_path / "tls", "--node", "w1")
    assert "Copy ca.pem, w1.pem and w1.key" in further.out
    assert sorted(path.name for path in (tmp_path / "tls").glob("w1.*")) == ["w1.key", "w1.pem"]


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (("--days", "0"), "--days 0: give 1 to 3650", 2),
        (("--node", "w1"), "holds no CA", 2),
        (("--host", ""), "--host '': give the name of a host", 2),
    ],
)
def test_what_is_refused_leaves_nothing(command, tmp_path, arguments, said: str, code: int) -> None:
    refused = command("deploy", "tls", tmp_path / "tls", *arguments)
    assert refused.code == code
    assert said in refused.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc").is_dir(), reason="no place is refused")
def test_place_that_cannot_be_written(command) -> None:
    refused = command("deploy", "tls", "/proc/tls")
    assert refused.code == 6
    assert refused.err.startswith("error: certificates in /proc/tls: ")
