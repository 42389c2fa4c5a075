"""The service behind https: its unit is valid and hardened, servers in front pass events on."""

from __future__ import annotations

import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import commands
import httpx
import pytest
from engines import need

from scanner.execution.recipes import DEPLOY
from scanner.execution.security.certificates import make_certificates
from scanner.service.access.tokens import Tokens
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


AROUND = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
access_log off;
client_body_temp_path {folder}/body;
proxy_temp_path {folder}/proxy;
fastcgi_temp_path {folder}/fastcgi;
uwsgi_temp_path {folder}/uwsgi;
scgi_temp_path {folder}/scgi;
{server}
}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(words: list[object], port: int, log: Path) -> Iterator[None]:
    """A server, from when its port answers."""
    with log.open("wb") as stream:
        process = subprocess.Popen(list(map(str, words)), stdout=stream, stderr=stream)
    try:
        deadline = time.monotonic() + 60
        while not listens(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture
def behind_nginx(tmp_path: Path) -> Iterator[tuple[str, httpx.Client]]:
    """Address and client of the real service, as the unit starts it, behind a real nginx."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    need(found, "nginx", "apt-get install nginx-light")
    make_certificates(tmp_path / "tls")
    inside, outside = free_port(), free_port()
    text = (FOLDER / "nginx.conf.example").read_text()
    text = text.replace(f"127.0.0.1:{PORT}", f"127.0.0.1:{inside}")
    text = text.replace("443", str(outside)).replace(f"    listen [::]:{outside} ssl;\n", "")
    for was, name in (("pem", "node.pem"), ("key", "node.key")):
        text = text.replace(f"/etc/ssl/scans.example.org.{was}", str(tmp_path / "tls" / name))
    (tmp_path / "nginx.conf").write_text(AROUND.format(folder=tmp_path, server=text))
    secret = Tokens(tmp_path / "state").create("anna", "submit")
    line = shlex.split(commands.unit(UNIT)["Service"]["ExecStart"])
    here = {"/var/lib/cevns-scanner": tmp_path / "state", str(PORT): inside, "${NAME}": "localhost"}
    words = [BIN / "scanner", *(here.get(word, word) for word in line[1:])]
    words += ["--store", tmp_path / "scans"]
    nginx = [found, "-c", tmp_path / "nginx.conf", "-p", tmp_path]
    url = f"https://localhost:{outside}"
    context = ssl.create_default_context(cafile=tmp_path / "tls" / "ca.pem")
    context.check_hostname = False  # the certificates of a cluster name its hosts
    with (
        running(words, inside, tmp_path / "service.log"),
        running(nginx, outside, tmp_path / "nginx.log"),
        httpx.Client(base_url=url, verify=context, timeout=60) as client,
    ):
        client.headers["Authorization"] = f"Bearer {secret}"
        yield url, client


def test_nginx_takes_its_example_and_lets_the_page_work(behind_nginx):
    url, client = behind_nginx
    assert client.get("/api/v1/").json()["access"] == "token"
    assert client.get("/api/v1/scenarios").status_code == 200
    definition = {"scenario": "light_vector_universal"}
    # the page's own requests name it, with its port; those of others are refused
    own = client.post("/api/v1/plan", json=definition, headers={"Origin": url})
    assert own.status_code == 422, own.text
    assert own.json()["error"]["kind"] == "definition"
    other = client.post("/api/v1/plan", json=definition, headers={"Origin": "https://evil.example"})
    assert other.status_code == 403
    nobody = client.get("/api/v1/scenarios", headers={"Authorization": "Bearer x"})
    assert nobody.status_code == 401
