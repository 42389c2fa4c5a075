"""The recipes as they are, in real containers: built, started, a scan run in them, and cleaned up.

With ``SCANNER_LONG_TESTS=1`` and as root; needs podman, runc, netavark, aardvark-dns, catatonit,
debootstrap (all in Debian) and Docker's compose plugin. Only the base image is kept, since it takes
a minute to make; ``podman rmi localhost/scanner-test-base`` removes it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import commands
import pytest
import yaml
from engines import need

from scanner.execution.recipes import DEPLOY
from scanner.execution.security.certificates import make_certificates

ROOT = DEPLOY.parent
BASE, IMAGE, BOOTED = (f"localhost/scanner-test-{name}" for name in ("base", "image", "booted"))
USER = 10001
SMALL = ("--set", "axes.mass.n=16", "--set", "axes.coupling.n=90", "--workers", "2", "--json")
NOT_PLAYED = ("livenessProbe", "readinessProbe", "startupProbe", "ports")
SUBNET, SCHEDULER = "10.123.77.0/24", "10.123.77.10"
Run = Callable[..., str]

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("SCANNER_LONG_TESTS") != "1", reason="minutes: set SCANNER_LONG_TESTS=1"
    ),
    pytest.mark.timeout(1800),
]

# a host may lack the right to set the limits that podman always asks for
RUNTIME = """\
#!/usr/bin/python3
import json, os, sys
words = sys.argv[1:]
for option, file in (("--process", ""), ("--bundle", "/config.json")):
    if option in words:
        path = words[words.index(option) + 1] + file
        read = json.load(open(path))
        read.get("process", read).pop("rlimits", None)
        json.dump(read, open(path, "w"))
os.execvp("runc", ["runc", *words])
"""


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Podman, with runc and without the limits; its standard output."""
    for name in ("podman", "runc", "debootstrap"):
        need(shutil.which(name), name, f"apt-get install {name}")
    folder = tmp_path_factory.mktemp("podman")
    (folder / "runtime").write_text(RUNTIME)
    (folder / "runtime").chmod(0o755)
    (folder / "containers.conf").write_text(
        '[engine]\nruntime = "plain"\ncgroup_manager = "cgroupfs"\n'
        f'[engine.runtimes]\nplain = ["{folder}/runtime"]\n'
        '[network]\nnetwork_backend = "netavark"\n'
    )
    os.environ["CONTAINERS_CONF"] = str(folder / "containers.conf")

    def run(*words: object, timeout: float = 120.0) -> str:
        return call("podman", *words, timeout=timeout)

    return run


def call(*words: object, timeout: float = 120.0, **options: Any) -> str:
    """A command that must succeed; its standard output."""
    done = subprocess.run(
        list(map(str, words)), capture_output=True, text=True, timeout=timeout, **options
    )
    assert done.returncode == 0, f"{words}: {done.stdout[-2000:]} {done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def image(podman: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The image, by the commands of its README; its base is a Debian without anything else.

    Or the one that $SCANNER_TEST_IMAGE names.
    """
    if given := os.environ.get("SCANNER_TEST_IMAGE"):
        yield given
        return
    folder = tmp_path_factory.mktemp("image")
    if not podman("images", "-q", BASE):
        root = folder / "root"
        with_python = "--include=python3-minimal,python3-venv,ca-certificates"
        call("debootstrap", "--variant=minbase", with_python, "bookworm", root, timeout=900)
        call("sh", "-c", f"tar -C {root} -c . | podman import - {BASE}", timeout=300)
        shutil.rmtree(root)
    context = folder / "context"
    bin_ = Path(sys.executable).parent
    call(bin_ / "scanner", "deploy", "show", "container", "--output", context)
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    call(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", context / "wheels", ROOT)
    wanted = ("-r", context / "requirements.txt", "-d", context / "dependencies")
    call(*pip, "download", *wanted, timeout=600)
    arguments = ("--build-arg", f"BASE={BASE}", "--build-arg", "PIP_NO_INDEX=1")
    podman("build", "-t", IMAGE, *arguments, context, timeout=900)
    yield IMAGE
    podman("rmi", "-f", IMAGE)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Certificates and an empty store that the user of the image may read and write."""
    make_certificates(tmp_path / "tls")
    (tmp_path / "tls" / "ca.key").unlink()
    (tmp_path / "scans").mkdir()
    for path in (tmp_path / "scans", tmp_path / "tls", *(tmp_path / "tls").iterdir()):
        os.chown(path, USER, USER)
    return tmp_path


def test_image_scans_without_root_network_or_a_place_to_write(podman, image, folders):
    closed = ("--rm", "--read-only", "--network", "none", "--tmpfs", "/tmp", "--cap-drop", "ALL")
    store = ("-v", f"{folders / 'scans'}:/scans")
    told = podman("run", *closed, *store, image, "run", "light_vector_universal", *SMALL)
    assert json.loads(told)["computed_points"] == 1440
    assert {path.stat().st_uid for path in (folders / "scans").rglob("*")} == {USER}


@contextmanager
def served(folder: Path) -> Iterator[dict[str, str]]:
    """Podman as what compose speaks to."""
    socket = folder / "podman.sock"
    service = subprocess.Popen(["podman", "system", "service", "--time=0", f"unix://{socket}"])
    try:
        deadline = time.monotonic() + 20
        while not socket.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield {**os.environ, "DOCKER_HOST": f"unix://{socket}"}
    finally:
        service.terminate()
        service.wait(timeout=20)


def test_compose_starts_scans_and_goes(podman, image, folders, compose):
    shutil.copy(DEPLOY / "compose" / "compose.yaml", folders)
    with served(folders) as environment:
        environment |= {"IMAGE": image, "COMPOSE_PROJECT_NAME": "scanner-test"}

        def run(*words: str) -> str:
            return call(*compose, *words, cwd=folders, env=environment, timeout=180)

        try:
            run("up", "-d")
            told = run("run", "--rm", "-T", "scan", "light_vector_universal", *SMALL)
            record = json.loads(told)
            assert record["computed_points"] == 1440
            status = run("exec", "-T", "shell", "scanner", "status", record["scan"], "--json")
            assert json.loads(status)["complete"] is True
            log = run("logs", "--no-log-prefix", "worker")
            assert log.count("Registered to:       tls://scheduler:8786") == 2
            # a worker that dies is there again
            [process] = podman("inspect", "-f", "{{.State.Pid}}", "scanner-test-worker-1").split()
            os.kill(int(process), signal.SIGKILL)
            wait_until(lambda: run("logs", "worker").count("Registered to:") == 3)
            podman("stop", "-t", "60", "scanner-test-worker-2")
            assert "Reason: SIGTERM" in run("logs", "worker")
        finally:
            run("down", "-t", "20")
    assert podman("ps", "-aq", "--filter", "name=scanner-test") == ""


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture
def network(podman: Run) -> Iterator[str]:
    """A network in which the scheduler has a known address: podman has no services."""
    name = "scanner-test"
    podman("network", "create", "--subnet", SUBNET, name)
    yield name
    podman("network", "rm", "-f", name)


def played(name: str, template: dict[str, Any], image: str, tls: Path) -> dict[str, Any]:
    """A pod of a manifest as podman can play it.

    Without probes, for want of systemd on the host, and ports, which it would publish there; its
    certificates from a folder, since podman 4.3 leaves files of a secret as base64.
    """
    pod = json.loads(json.dumps(template))
    pod["spec"]["hostAliases"] = [{"ip": SCHEDULER, "hostnames": ["scheduler"]}]
    for volume in pod["spec"]["volumes"]:
        if volume.pop("secret", None):
            volume["hostPath"] = {"path": str(tls), "type": "Directory"}
    for container in pod["spec"]["containers"]:
        container["image"] = image
        for key in NOT_PLAYED:
            container.pop(key, None)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": pod["spec"]}


def test_manifests_run_a_scan(podman, image, folders, network):
    [claim] = commands.documents(DEPLOY / "kubernetes" / "store.yaml")
    templates = dict(commands.pods())
    scan = templates["scan.yaml"]["spec"]["containers"][0]
    scan["args"] = ["run", "light_vector_universal", *SMALL]
    started: list[Path] = []
    tls = folders / "tls"

    def play(name: str, manifest: dict[str, Any], *options: str) -> None:
        path = folders / f"{name}.yaml"
        # the store is made once
        path.write_text(yaml.safe_dump_all([manifest] if started else [claim, manifest]))
        started.append(path)
        podman("kube", "play", "--network", network, *options, path)

    try:
        play("one", played("one", templates["scheduler.yaml"], image, tls), "--ip", SCHEDULER)
        for name in ("two", "three"):
            play(name, played(name, templates["workers.yaml"], image, tls))
        play("four", played("four", templates["scan.yaml"], image, tls))
        code = podman("wait", "four-scan", timeout=180)
        told = call("sh", "-c", "podman logs four-scan 2>&1")
        assert code.strip() == "0", told + call("sh", "-c", "podman logs two-worker 2>&1")
        assert '"computed_points": 1440' in told
        assert "on Dask cluster at tls://scheduler:8786" in told
    finally:
        for path in reversed(started):
            with suppress(AssertionError):
                podman("kube", "down", path)
        podman("volume", "rm", "-f", claim["metadata"]["name"])
    assert podman("ps", "-aq", "--filter", f"network={network}") == ""


@pytest.fixture(scope="module")
def booted(podman: Run, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A container whose first process is systemd, with the scanner installed."""
    folder = tmp_path_factory.mktemp("booted")
    (folder / "Containerfile").write_text(
        f"FROM {image}\nUSER 0:0\nENV HOME=/root\n"
        "RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends systemd "
        "systemd-sysv dbus procps && useradd -m scan\n"
        'ENTRYPOINT ["/sbin/init"]\nCMD []\nSTOPSIGNAL SIGRTMIN+3\n'
    )
    podman("build", "-t", BOOTED, folder, timeout=600)
    options = ("--systemd=always", "--privileged", "--network", "none")
    name = podman("run", "-d", *options, BOOTED).strip()
    try:
        wait_until(lambda: "running" in states(podman, name))
        yield name
    finally:
        podman("rm", "-f", "-t", "20", name)
        podman("rmi", "-f", BOOTED)


def states(podman: Run, name: str) -> str:
    return podman("exec", name, "sh", "-c", "systemctl is-system-running || true")


INSTALL = """
set -e
scanner deploy show systemd --output units
install -D -m 644 units/environment /etc/cevns-scanner/environment
sed -i s/scheduler.example.org/127.0.0.1/ /etc/cevns-scanner/environment
scanner deploy show dask > /etc/dask/dask.yaml
install -d -m 750 -g scan /etc/cevns-scanner/tls
scanner deploy tls made
install -m 640 -g scan made/ca.pem made/node.pem made/node.key /etc/cevns-scanner/tls
install -d -o scan /srv/scans
cp units/*.service /etc/systemd/system/
systemctl daemon-reload
systemctl enable --now scanner-scheduler
systemctl enable --now scanner-worker@1 scanner-worker@2
"""
SCAN = """
set -a; . /etc/cevns-scanner/environment; set +a; cd /home/scan; export HOME=/home/scan
scanner run light_vector_universal --set axes.mass.n=100 --set axes.coupling.n=1000 \\
  --workers 2 --no-figure --json
"""


def test_units_under_systemd_itself(podman, booted):
    def inside(script: str, *words: str) -> str:
        return podman("exec", "-w", "/root", booted, *words, "bash", "-c", script, timeout=400)

    inside(INSTALL)
    scan = json.loads(inside(SCAN, "runuser", "-u", "scan", "--"))
    assert scan["computed_points"] == 100_000
    log = "journalctl --no-pager -u scanner-worker@{}"
    inside("systemctl kill -s KILL scanner-worker@1")
    wait_until(lambda: inside(log.format(1)).count("Registered to:") == 2)
    assert "NRestarts=1" in inside("systemctl show -p NRestarts scanner-worker@1")
    inside("systemctl stop scanner-worker@2")
    assert "Reason: SIGTERM" in inside(log.format(2))
    assert "Result=success" in inside("systemctl show -p Result scanner-worker@2")
