"""A real S3 server for tests: OpenStack Swift with its s3api, of a Python environment of its own.

`s3_server` starts it once per session on free ports of the loopback, everything in one temporary
folder; the processes end with the session, or with the process that runs the tests.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import textwrap
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from engines import SERVERS, need

KEY, SECRET = "scan:tests", "0123456789secret"
READER, READER_SECRET = "scan:reader", "9876543210secret"
"""Keys without any right."""
PAGE = 20
"""Objects of one page of a listing."""
START_SECONDS = 60.0
_RINGS = """\
    import sys
    from swift.common.ring import RingBuilder

    for kind, port in zip(("account", "container", "object"), sys.argv[1:]):
        builder = RingBuilder(4, 1, 1)
        builder.add_dev({
            "region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "d1",
            "weight": 1.0, "replication_ip": "127.0.0.1", "replication_port": int(port),
        })
        builder.rebalance()
        builder.get_ring().save(f"{kind}.ring.gz")
"""
_HEAD = "[DEFAULT]\nbind_ip = 127.0.0.1\nworkers = 0\nmount_check = false\nlog_level = ERROR\n"
_FILTERS = "catch_errors cache listing_formats bulk s3api tempauth copy slo dlo"


@dataclass(frozen=True)
class S3Server:
    """A running server.

    Parameters
    ----------
    port : int
        Of ``http://127.0.0.1``.
    bucket : str
        A bucket that is there.
    """

    port: int
    bucket: str = "scans"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs, as everywhere in the environment."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.endpoint,
        }

    def make_bucket(self, name: str) -> None:
        """Make a bucket; OSError where the server does not answer yet."""
        from obstore import sign
        from obstore.store import S3Store

        client = S3Store(
            name,
            endpoint=self.endpoint,
            access_key_id=KEY,
            secret_access_key=SECRET,
            region="us-east-1",
            client_options={"allow_http": True},
        )
        address = sign(client, "PUT", "", timedelta(minutes=1))
        with urllib.request.urlopen(urllib.request.Request(address, method="PUT"), timeout=10):
            pass


@contextmanager
def running(folder: Path) -> Iterator[S3Server]:
    """Start a server whose files are below a folder; ends it."""
    programs = Path(os.environ.get("SCANNER_SERVERS_VENV") or SERVERS / "servers" / "swift") / "bin"
    need((programs / "swift-proxy-server").exists(), "Swift")
    need(shutil.which("memcached"), "memcached")
    proxy, cache, *backends = _free_ports(5)
    commands = _configured(folder, programs, proxy, cache, backends)
    with ExitStack() as ends:
        for name, command in commands.items():
            ends.enter_context(_process(command, folder / f"{name}.log"))
        server = S3Server(proxy)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                server.make_bucket(server.bucket)
                break
            except OSError:
                if time.monotonic() > deadline:
                    logs = [path.read_text()[-500:] for path in folder.glob("*.log")]
                    raise RuntimeError(f"no answer from Swift: {logs}") from None
                time.sleep(0.1)
        yield server


def _configured(
    folder: Path, programs: Path, proxy: int, cache: int, backends: list[int]
) -> dict[str, list[str]]:
    """Write the configuration; the commands by name."""
    (folder / "srv" / "d1").mkdir(parents=True)
    (folder / "swift.conf").write_text(
        "[swift-hash]\nswift_hash_path_suffix = a\nswift_hash_path_prefix = b\n"
        "[storage-policy:0]\nname = default\ndefault = yes\n"
    )
    ports = [str(port) for port in backends]
    rings = [programs / "python", "-W", "ignore", "-c", textwrap.dedent(_RINGS), *ports]
    subprocess.run(rings, cwd=folder, check=True, timeout=60)
    common = f"{_HEAD}swift_dir = {folder}\nuser = {_user()}\n"
    commands = {}
    for kind, port in zip(("account", "container", "object"), backends, strict=True):
        (folder / f"{kind}.conf").write_text(
            f"{common}bind_port = {port}\ndevices = {folder}/srv\nrecon_cache_path = {folder}\n"
            f"[pipeline:main]\npipeline = {kind}-server\n"
            f"[app:{kind}-server]\nuse = egg:swift#{kind}\n"
        )
        commands[kind] = [str(programs / f"swift-{kind}-server"), str(folder / f"{kind}.conf")]
    settings = {
        "cache": f"memcache_servers = 127.0.0.1:{cache}",
        "s3api": f"location = us-east-1\nmax_bucket_listing = {PAGE}",
        "tempauth": f"user_{KEY.replace(':', '_')} = {SECRET} .admin\n"
        f"user_{READER.replace(':', '_')} = {READER_SECRET}",
    }
    filters = "".join(
        f"[filter:{name}]\nuse = egg:swift#{'memcache' if name == 'cache' else name}\n"
        f"{settings.get(name, '')}\n"
        for name in _FILTERS.split()
    )
    (folder / "proxy.conf").write_text(
        f"{common}bind_port = {proxy}\n[pipeline:main]\npipeline = {_FILTERS} proxy-server\n"
        "[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\n"
        f"allow_account_management = true\n{filters}"
    )
    commands["proxy"] = [str(programs / "swift-proxy-server"), str(folder / "proxy.conf")]
    memcached = ["memcached", "-l", "127.0.0.1", "-p", str(cache), "-U", "0"]
    commands["memcached"] = [*memcached, *(["-u", "nobody"] if os.geteuid() == 0 else [])]
    return commands


@contextmanager
def _process(command: list[str], log: Path) -> Iterator[None]:
    """A process that ends with the context, or with this process where that can be had."""
    tied = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
    with log.open("wb") as said:
        process = subprocess.Popen([*tied, *command], stdout=said, stderr=said)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server for the whole session."""
    with running(tmp_path_factory.mktemp("swift")) as server:
        yield server


@pytest.fixture
def s3_root(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty root on the server, and the environment to reach it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://{s3_server.bucket}/{uuid.uuid4().hex}"
