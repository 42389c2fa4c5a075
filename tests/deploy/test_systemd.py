"""Units: valid by systemd itself, hardened, and their command lines run a real scan."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import commands
import dask
import pytest
import yaml
from engines import need

from scanner.execution.recipes import DEPLOY
from scanner.execution.security.certificates import make_certificates

FOLDER = DEPLOY / "systemd"
SCHEDULER, WORKER = "scanner-scheduler.service", "scanner-worker@.service"
INSTALLED, BIN = "/opt/cevns-scanner/bin", Path(sys.executable).parent
TLS = "/etc/cevns-scanner/tls"
EXPOSURE = 20  # of 100, as `systemd-analyze security` counts
START, STOP = 90.0, 60.0


@pytest.fixture(scope="module")
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    need(found, "systemd-analyze", "apt-get install systemd")
    return str(found)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units as on a host, where the scanner is installed in this environment."""
    for path in commands.UNITS:
        text = path.read_text().replace(INSTALLED, str(BIN))
        (tmp_path / path.name.replace("@.", "@1.")).write_text(text)
    return tmp_path


def run(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, words)),
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_systemd_itself_takes_them(analyze, units):
    names = sorted(units.iterdir())
    assert [n.name for n in names] == [SCHEDULER, WORKER.replace("@.", "@1.")]
    done = run(analyze, "verify", "--man=no", *names)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Restart=always", "Restart=sometimes"),
        ("NoNewPrivileges=", "NoNewPrivilege="),
        (str(BIN), "/nowhere"),
    ],
)
def test_systemd_would_tell_of_a_mistake(analyze, units, right, wrong):
    path = units / SCHEDULER
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong))
    assert run(analyze, "verify", "--man=no", path).stderr != ""


def test_the_drop_in_for_a_user_is_taken_too(analyze, units):
    for path in sorted(units.iterdir()):
        folder = units / f"{path.name}.d"
        folder.mkdir()
        shutil.copy(FOLDER / "user.conf", folder)
        done = run(analyze, "verify", "--user", "--man=no", path, XDG_RUNTIME_DIR=str(units))
        assert (done.returncode, done.stderr) == (0, "")


def test_they_are_hardened(analyze, units):
    for path in sorted(units.iterdir()):
        done = run(analyze, "security", "--offline=true", f"--threshold={EXPOSURE}", path)
        assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_supervision_and_time_to_drain():
    for path in commands.UNITS:
        service = commands.unit(path)["Service"]
        assert service["Restart"] == "always"
        assert service["EnvironmentFile"] == "/etc/cevns-scanner/environment"
        assert service["User"] == "scan"
    worker = commands.unit(FOLDER / WORKER)["Service"]
    assert worker["KillSignal"] == "SIGTERM"
    assert worker["TimeoutStopSec"] == "120"


@dataclass(frozen=True)
class Host:
    """Everything as the README says, in a folder instead of /etc, /opt and /srv."""

    folder: Path
    environment: dict[str, str]

    @contextmanager
    def started(self, name: str, instance: str, ready: str) -> Iterator[subprocess.Popen[bytes]]:
        """The command line of a unit, as systemd would run it, once its log says `ready`."""
        line = commands.unit(FOLDER / name)["Service"]["ExecStart"]
        here = {"/tmp": str(self.folder), "8786": self.port, "127.0.0.1:8787": "127.0.0.1:0"}
        words = [here.get(word, word) for word in shlex.split(line)]
        words[0] = words[0].replace(INSTALLED, str(BIN))
        words = [word.replace("%H-%i", f"host-{instance}") for word in words]
        log = self.folder / f"{name}{instance}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                words, env=self.environment, stderr=stream, stdin=subprocess.DEVNULL
            )
        try:
            deadline = time.monotonic() + START
            while ready not in log.read_text():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield process
        finally:
            process.kill()
            process.wait(timeout=STOP)

    @property
    def port(self) -> str:
        return self.environment["DASK_SCHEDULER_ADDRESS"].rpartition(":")[2]

    def scanner(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / "scanner", *words],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=200,
        )


@pytest.fixture
def host(tmp_path: Path) -> Host:
    make_certificates(tmp_path / "tls")
    (tmp_path / "dask").mkdir()
    text = (DEPLOY / "dask.yaml").read_text().replace(TLS, str(tmp_path / "tls"))
    (tmp_path / "dask" / "dask.yaml").write_text(text)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = re.findall(r"^([A-Z_]+)=(.*)$", (FOLDER / "environment").read_text(), re.MULTILINE)
    own = {
        "DASK_CONFIG": str(tmp_path / "dask"),
        "DASK_SCHEDULER_ADDRESS": f"tls://127.0.0.1:{port}",
        "SCANNER_STORE": str(tmp_path / "scans"),
        "SCANNER_TLS": str(tmp_path / "none"),
    }
    return Host(tmp_path, os.environ | dict(given) | own)


@pytest.mark.cluster
def test_their_command_lines_run_a_scan_encrypted(host):
    small = ("--set", "axes.mass.n=16", "--set", "axes.coupling.n=90", "--workers", "2")
    with ExitStack() as stack:
        scheduler = stack.enter_context(host.started(SCHEDULER, "", "Scheduler at:"))
        workers = [
            stack.enter_context(host.started(WORKER, number, "Registered to:")) for number in "12"
        ]
        done = host.scanner("run", "light_vector_universal", *small, "--no-figure")
        assert done.returncode == 0, done.stderr
        assert "on Dask cluster at tls://127.0.0.1:" in done.stderr
        assert "2 workers" in done.stderr
        # SIGTERM: in good order, and soon where nothing runs
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        assert [worker.wait(timeout=STOP) for worker in workers] == [0, 0]
        scheduler.send_signal(signal.SIGTERM)
        assert scheduler.wait(timeout=STOP) == 0


def test_configuration_is_read_by_dask_as_it_is_meant():
    known = dask.config.collect(paths=[], env={})
    with (Path(dask.__file__).parent / "dask.yaml").open() as stream:
        known = dask.config.merge(known, yaml.safe_load(stream))
    import distributed

    with (Path(distributed.__file__).parent / "distributed.yaml").open() as stream:
        known = dask.config.merge(known, yaml.safe_load(stream))
    ours = yaml.safe_load((DEPLOY / "dask.yaml").read_text())
    assert unknown_keys(ours, known) == []
    assert unknown_keys({"distributed": {"comm": {"require_encription": True}}}, known) == [
        "distributed.comm.require_encription"
    ]
    comm = ours["distributed"]["comm"]
    assert comm["require-encryption"] is True
    # Dask refuses less
    assert dask.utils.parse_timedelta(comm["timeouts"]["tcp"]) > 11
    assert ours["distributed"]["scheduler"]["allowed-failures"] == 0


def unknown_keys(ours: dict, known: dict, before: str = "") -> list[str]:
    """Keys that Dask does not have in its own configuration, where it would not see a mistake."""
    found = []
    for key, value in ours.items():
        if not isinstance(known, dict) or key not in known:
            found.append(before + key)
        elif isinstance(value, dict):
            found += unknown_keys(value, known[key], f"{before}{key}.")
    return found
