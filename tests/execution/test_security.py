from __future__ import annotations

import itertools
import os
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import dask
import psutil
import pytest

from scanner.errors import ClusterError, DefinitionError, StoreError
from scanner.execution import clusters, remote
from scanner.execution.security import authority, encryption
from scanner.execution.security.certificates import Certificates, add_certificate, make_certificates
from scanner.execution.security.handshake import ends


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates of a cluster."""
    return make_certificates(tmp_path_factory.mktemp("one") / "tls", ["127.0.0.1"]).folder


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those of another one."""
    return make_certificates(tmp_path_factory.mktemp("other") / "tls").folder


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch, tmp_path: Path) -> Iterator[None]:
    """Neither this user's certificates nor configuration take part."""
    monkeypatch.setenv("SCANNER_TLS", str(tmp_path / "none"))
    quiet = {"distributed.comm.require-encryption": None, "distributed.comm.tls.ca-file": None}
    with dask.config.set(quiet):
        yield


@contextmanager
def scheduler(protocol: str, folder: Path | None, *options: str) -> Iterator[str]:
    """Address of a scheduler with one worker, started by hand as `scanner deploy tls` says."""
    environment = dict(os.environ)
    if folder is not None:
        environment |= Certificates(folder, (), "node", datetime.now(UTC)).environment()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"{protocol}://127.0.0.1:{probe.getsockname()[1]}"
    module = "distributed.cli.dask_{}"
    quiet = {"stderr": subprocess.DEVNULL, "env": environment}
    here = ["--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
    one = [sys.executable, "-m", module.format("scheduler"), "--host", address, *(options or here)]
    two = [sys.executable, "-m", module.format("worker"), address, "--nthreads", "1", "--no-nanny"]
    two += ["--host", "127.0.0.1"]
    with (
        subprocess.Popen(one, **quiet) as first,
        subprocess.Popen([*two, *here, "--death-timeout", "20"], **quiet) as second,
    ):
        try:
            _wait_for(lambda: _listens(address))
            yield address
        finally:
            second.kill()
            first.kill()


def _listens(address: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) == 0


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_folder_is_the_environments_else_the_users(monkeypatch, tmp_path) -> None:
    assert encryption.tls_folder() == tmp_path / "none"
    monkeypatch.delenv("SCANNER_TLS")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert encryption.tls_folder() == tmp_path / "cevns-scanner" / "tls"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert encryption.tls_folder() == Path.home() / ".config" / "cevns-scanner" / "tls"


@pytest.mark.parametrize(
    "address",
    [
        "tcp://127.0.0.1:8786",
        "tcp://127.8.1.2:8786",
        "tcp://[::1]:8786",
        "tcp://[::ffff:127.0.0.1]:8786",
        "tcp://localhost:8786",
        "localhost:8786",
        "ws://127.0.0.1:8786",
        "tls://192.0.2.1:8786",
        "wss://192.0.2.1:8786",
        "inproc://192.0.2.1/1/2",
    ],
)
def test_encrypted_and_loopback_addresses_are_taken(address: str) -> None:
    encryption.check_encrypted(address)


@pytest.mark.parametrize(
    ("address", "secure"),
    [
        ("tcp://192.0.2.1:8786", "tls://192.0.2.1:8786"),
        ("192.0.2.1:8786", "tls://192.0.2.1:8786"),
        ("tcp://[2001:db8::1]:8786", "tls://[2001:db8::1]:8786"),
        ("tcp://[::ffff:192.0.2.1]:8786", "tls://"),
        ("tcp://0.0.0.0:8786", "tls://0.0.0.0:8786"),
        ("tcp://:8786", "tls://:8786"),
        ("ucx://192.0.2.1:8786", "tls://192.0.2.1:8786"),
        ("ws://192.0.2.1:8786", "wss://192.0.2.1:8786"),
        ("unheard-of://192.0.2.1:8786", "tls://192.0.2.1:8786"),
    ],
)
def test_plaintext_off_the_loopback_is_refused(address: str, secure: str) -> None:
    with pytest.raises(ClusterError) as caught:
        encryption.check_encrypted(address, "--scheduler")
    message = str(caught.value)
    assert f"{address} (from --scheduler) is not encrypted" in message
    assert secure in message
    assert "scanner deploy tls" in message
    assert "distributed.comm.require-encryption: false" in message
    with dask.config.set({"distributed.comm.require-encryption": False}):
        encryption.check_encrypted(address)


def test_name_is_on_the_loopback_if_all_it_resolves_to_is(monkeypatch) -> None:
    found = {"both": ["127.0.0.1", "192.0.2.1"], "here": ["127.0.0.1", "::1"]}

    def resolve(host, port, **_):
        return [(0, 0, 0, "", (address, port)) for address in found[host]]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    encryption.check_encrypted("tcp://here:8786")
    with pytest.raises(ClusterError, match="not encrypted"):
        encryption.check_encrypted("tcp://both:8786")


def test_address_that_leads_nowhere() -> None:
    for address in ("tcp://no-such-host.invalid:8786", "tcp://1:2:3:4"):
        with pytest.raises(ClusterError, match=r"leads nowhere .*: check the address"):
            encryption.check_encrypted(address)


def test_configuration_may_ask_for_encryption_even_on_the_loopback() -> None:
    with (
        dask.config.set({"distributed.comm.require-encryption": True}),
        pytest.raises(ClusterError, match=r"require-encryption: true.*: use tls://127"),
    ):
        encryption.check_encrypted("tcp://127.0.0.1:8786")


@pytest.mark.parametrize("how", ["argument", "environment", "configuration", "file"])
def test_every_way_to_name_a_scheduler_is_checked(how: str, monkeypatch, tmp_path) -> None:
    address = "tcp://192.0.2.1:8786"
    arguments, configuration = {}, {}
    if how == "argument":
        arguments = {"scheduler": address}
    elif how == "environment":
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", address)
    elif how == "configuration":
        configuration = {"scheduler-address": address}
    else:
        path = tmp_path / "scheduler.json"
        path.write_text(f'{{"address": "{address}"}}')
        arguments = {"scheduler_file": path}
    start = time.monotonic()
    with (
        dask.config.set(configuration),
        pytest.raises(ClusterError, match="is not encrypted"),
        clusters.connect(**arguments),
    ):
        pass
    assert time.monotonic() - start < 2  # nothing was sent


def test_certificates_are_private_and_agree(folder: Path) -> None:
    assert sorted(p.name for p in folder.iterdir()) == ["ca.key", "ca.pem", "node.key", "node.pem"]
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (folder, *folder.glob("*.key"))}
    assert modes == {"tls": 0o700, "ca.key": 0o600, "node.key": 0o600}
    assert [p for p in folder.parent.iterdir() if p != folder] == []
    ca = authority.read((folder / "ca.pem").read_bytes(), (folder / "ca.key").read_bytes())
    node = authority.read((folder / "node.pem").read_bytes(), (folder / "node.key").read_bytes())
    node.certificate.verify_directly_issued_by(ca.certificate)
    with pytest.raises(ValueError, match="not that of the certificate"):
        authority.read(ca.certificate_pem(), node.key_pem())


def test_certificates_pass_the_strict_rules_of_openssl(folder: Path) -> None:
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_cert_chain(folder / "node.pem", folder / "node.key")
    listening = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "ca.pem")
    listening.verify_mode = ssl.CERT_REQUIRED
    listening.load_cert_chain(folder / "node.pem", folder / "node.key")
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(back, there, server_hostname="127.0.0.1")
    server = listening.wrap_bio(there, back, server_side=True)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    with pytest.raises(ssl.SSLWantReadError):
        server.do_handshake()
    client.do_handshake()  # names the host, too
    server.do_handshake()
    assert server.getpeercert()["subject"] == ((("commonName", "node"),),)


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    made = make_certificates(tmp_path / "tls")
    before = {p.name: p.read_bytes() for p in made.folder.iterdir()}
    with pytest.raises(DefinitionError, match=r"holds ca\.key, ca\.pem.* already: --node"):
        make_certificates(tmp_path / "tls")
    with pytest.raises(DefinitionError, match=r"node\.pem and node\.key already"):
        add_certificate(tmp_path / "tls", "node")
    assert {p.name: p.read_bytes() for p in made.folder.iterdir()} == before
    make_certificates(tmp_path / "tls", force=True)
    after = {p.name: p.read_bytes() for p in made.folder.iterdir()}
    assert after.keys() == before.keys()
    assert all(after[name] != before[name] for name in after)
    assert list(tmp_path.iterdir()) == [made.folder]


def test_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(DefinitionError, match=r"holds other files \(thesis\.tex\)"):
        make_certificates(tmp_path, force=True)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_failure_in_the_middle_leaves_what_was_there(tmp_path: Path, monkeypatch) -> None:
    made = make_certificates(tmp_path / "tls")
    before = {p.name: p.read_bytes() for p in made.folder.iterdir()}
    renames = itertools.count()
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if next(renames) == 1:  # the new folder into the place of the old
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(StoreError, match="No space left"):
        make_certificates(tmp_path / "tls", force=True)
    assert {p.name: p.read_bytes() for p in made.folder.iterdir()} == before
    assert list(tmp_path.iterdir()) == [made.folder]


def test_a_bad_host_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"--host 'kölner-dom': give the name of a host"):
        make_certificates(tmp_path / "tls", ["kölner-dom"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_days_are_bounded(tmp_path: Path, days: int) -> None:
    with pytest.raises(DefinitionError, match=f"--days {days}: give 1 to 3650"):
        make_certificates(tmp_path / "tls", days=days)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["ca", "", "..", "a/b", "-x", "a b"])
def test_names_of_nodes_are_file_names(folder: Path, name: str) -> None:
    with pytest.raises(DefinitionError, match="use letters, digits"):
        add_certificate(folder, name)


def test_no_authority_in_the_folder(tmp_path: Path) -> None:
    with pytest.raises(
        DefinitionError, match=r"holds no CA .*: make one with `scanner deploy tls`"
    ):
        add_certificate(tmp_path, "w1")
    assert list(tmp_path.iterdir()) == []


def test_further_certificates_end_with_their_authority(tmp_path: Path) -> None:
    made = make_certificates(tmp_path / "tls", days=1)
    further = add_certificate(made.folder, "w1", ["w1.example", "10.0.0.7"], days=365)
    assert further.files == ("w1.pem", "w1.key")
    assert 9 < (further.ends - made.ends).total_seconds() / 86400 + 1 <= 10
    assert sorted(p.name for p in made.folder.glob("w1*")) == ["w1.key", "w1.pem"]
    assert stat.S_IMODE((made.folder / "w1.key").stat().st_mode) == 0o600


def test_security_is_that_of_the_folder(folder: Path, monkeypatch) -> None:
    assert encryption.security_for("tcp://127.0.0.1:8786") is None
    monkeypatch.setenv("SCANNER_TLS", str(folder))
    found = encryption.security_for("tls://192.0.2.1:8786")
    assert found is not None
    for role in ("client", "scheduler", "worker"):
        assert found.get_tls_config_for_role(role) == {
            "ca_file": str(folder / "ca.pem"),
            "ciphers": None,
            "cert": str(folder / "node.pem"),
            "key": str(folder / "node.key"),
        }
    assert encryption.remarks(found) == ()


def test_configuration_goes_before_the_folder(folder: Path, foreign: Path, monkeypatch) -> None:
    monkeypatch.setenv("SCANNER_TLS", str(foreign))
    named = {
        "distributed.comm.tls.ca-file": str(folder / "ca.pem"),
        "distributed.comm.tls.client.cert": str(folder / "node.pem"),
        "distributed.comm.tls.client.key": str(folder / "node.key"),
    }
    with dask.config.set(named):
        found = encryption.security_for("tls://192.0.2.1:8786")
        assert found is not None
        assert found.tls_client_cert == str(folder / "node.pem")
    with (
        dask.config.set({"distributed.comm.tls.ca-file": str(folder / "ca.pem")}),
        pytest.raises(ClusterError, match=r"no distributed\.comm\.tls\.client\.cert: add it"),
    ):
        encryption.security_for("tls://192.0.2.1:8786")


def test_missing_certificates_are_named(folder: Path, monkeypatch, tmp_path) -> None:
    with pytest.raises(ClusterError, match=r"none has no ca\.pem, node\.pem, node\.key: copy"):
        encryption.security_for("tls://192.0.2.1:8786")
    part = tmp_path / "part"
    part.mkdir()
    (part / "ca.pem").write_bytes((folder / "ca.pem").read_bytes())
    monkeypatch.setenv("SCANNER_TLS", str(part))
    with pytest.raises(ClusterError, match=r"part has no node\.pem, node\.key: copy"):
        encryption.security_for("tls://192.0.2.1:8786")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ca.pem", "verify failed|signature|local issuer"),
        ("node.key", "mismatch"),
        ("node.pem", "mismatch"),
    ],
)
def test_files_of_two_clusters_do_not_go_together(
    folder, foreign, tmp_path, monkeypatch, name: str, reason: str
) -> None:
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for file in ("ca.pem", "node.pem", "node.key"):
        source = foreign if file == name else folder
        (mixed / file).write_bytes((source / file).read_bytes())
    monkeypatch.setenv("SCANNER_TLS", str(mixed))
    with pytest.raises(ClusterError, match=rf"mixed/node\.pem.* cannot be used \(.*({reason})"):
        encryption.security_for("tls://192.0.2.1:8786")


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
@pytest.mark.parametrize("name", ["ca.pem", "node.pem", "node.key"])
def test_damaged_files(folder, tmp_path, monkeypatch, name: str, content: bytes) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in ("ca.pem", "node.pem", "node.key"):
        (damaged / file).write_bytes(content if file == name else (folder / file).read_bytes())
    monkeypatch.setenv("SCANNER_TLS", str(damaged))
    with pytest.raises(ClusterError, match=r"cannot be used .*: copy"):
        encryption.security_for("tls://192.0.2.1:8786")


def _lasting(folder: Path, days: float, tmp_path: Path) -> Path:
    """The same CA and a node that ends in so many days."""
    place = tmp_path / "lasting"
    place.mkdir()
    ca = authority.read((folder / "ca.pem").read_bytes(), (folder / "ca.key").read_bytes())
    node = authority.issue(ca, "node", (), days)  # type: ignore[arg-type]
    (place / "ca.pem").write_bytes(ca.certificate_pem())
    (place / "node.pem").write_bytes(node.certificate_pem())
    (place / "node.key").touch(mode=0o600)
    (place / "node.key").write_bytes(node.key_pem())
    return place


def test_certificate_that_has_ended_is_named(folder, tmp_path, monkeypatch) -> None:
    place = _lasting(folder, -0.5, tmp_path)
    monkeypatch.setenv("SCANNER_TLS", str(place))
    with pytest.raises(ClusterError, match=r"node\.pem has ended on 20..-..-..: renew it with"):
        encryption.security_for("tls://192.0.2.1:8786")


def test_certificate_that_ends_soon_is_said_aloud(folder, tmp_path, monkeypatch) -> None:
    place = _lasting(folder, 9.9, tmp_path)
    monkeypatch.setenv("SCANNER_TLS", str(place))
    found = encryption.security_for("tls://192.0.2.1:8786")
    assert found is not None
    [said] = encryption.remarks(found)
    assert f"{place}/node.pem or its CA ends in 10 days: renew it" in said
    (place / "node.key").chmod(0o640)
    assert f"chmod 600 {place}/node.key" in encryption.remarks(found)[1]


def test_ends_are_those_of_the_certificates(folder: Path, monkeypatch) -> None:
    monkeypatch.setenv("SCANNER_TLS", str(folder))
    found = encryption.security_for("tls://192.0.2.1:8786")
    assert found is not None
    pairs = [
        authority.read((folder / f"{name}.pem").read_bytes(), (folder / f"{name}.key").read_bytes())
        for name in ("ca", "node")
    ]
    assert ends(found) == tuple(pair.ends.timestamp() for pair in pairs)


@pytest.fixture(scope="module")
def encrypted(folder: Path) -> Iterator[str]:
    with scheduler("tls", folder) as address:
        yield address


@pytest.mark.cluster
def test_encrypted_cluster_answers_who_has_its_certificate(encrypted, folder, monkeypatch) -> None:
    monkeypatch.setenv("SCANNER_TLS", str(folder))
    with clusters.connect(scheduler=encrypted) as connection:
        assert connection.client.submit(sum, [1, 2]).result(timeout=20) == 3
        workers = connection.client.nthreads()
        assert connection.description == f"Dask cluster at {encrypted} (--scheduler), 1 worker"
    assert all(address.startswith("tls://") for address in workers)


def _refused(address: str) -> str:
    start = time.monotonic()
    with pytest.raises(ClusterError) as caught, clusters.connect(scheduler=address):
        pass
    assert time.monotonic() - start < 8
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def short(monkeypatch) -> None:
    monkeypatch.setattr(remote, "CONNECT_SECONDS", 1.5)


@pytest.mark.cluster
def test_nothing_behind_an_encrypted_address(folder, short, monkeypatch) -> None:
    monkeypatch.setenv("SCANNER_TLS", str(folder))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = f"start it with `dask scheduler --protocol tls --port {port}` (certificates: `scanner "
    assert told + "deploy tls`), or let its firewall pass that port" in _refused(
        f"tls://127.0.0.1:{port}"
    )


@pytest.mark.cluster
@pytest.mark.parametrize("verb", ["run", "doctor"])
def test_a_key_that_others_can_read_is_told(encrypted, folder, tmp_path, verb: str) -> None:
    place = tmp_path / "tls"
    shutil.copytree(folder, place)
    (place / "node.key").chmod(0o640)
    name = ("weak_mixing_angle_lar", "--set", "axes.sin2_theta_w.n=9", "--no-figure")
    arguments = [*(name if verb == "run" else ()), "--store", tmp_path, "--scheduler", encrypted]
    done = subprocess.run(
        [Path(sys.executable).parent / "scanner", verb, *arguments],
        env={**os.environ, "SCANNER_TLS": str(place)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    said = done.stderr if verb == "run" else done.stdout
    assert f"others can read the key {place}/node.key" in said
    assert f"chmod 600 {place}/node.key" in said
    assert done.returncode == (0 if verb == "run" else 5), done.stderr


def test_a_key_that_root_gives_to_a_group(folder, tmp_path, monkeypatch) -> None:
    """As in the recipe for systemd: whoever is in the group is meant to read it."""
    place = tmp_path / "tls"
    shutil.copytree(folder, place)
    (place / "node.key").chmod(0o640)
    monkeypatch.setenv("SCANNER_TLS", str(place))
    monkeypatch.setattr(encryption.os, "geteuid", lambda: place.stat().st_uid + 1)
    assert encryption.standing().startswith(f"{place}/node.pem, valid until")
    (place / "node.key").chmod(0o644)
    with pytest.raises(ClusterError, match="others can read the key"):
        encryption.standing()


@pytest.mark.cluster
def test_foreign_certificate_authority(encrypted, foreign, short, monkeypatch) -> None:
    monkeypatch.setenv("SCANNER_TLS", str(foreign))
    message = _refused(encrypted)
    assert f"shows a certificate that {foreign}/ca.pem does not vouch for" in message
    assert message.endswith("use the ca.pem of that cluster")


@pytest.mark.cluster
def test_certificate_that_the_scheduler_does_not_know(
    encrypted, folder, foreign, short, monkeypatch, tmp_path
) -> None:
    place = tmp_path / "both"
    place.mkdir()
    for file in ("node.pem", "node.key"):
        (place / file).write_bytes((foreign / file).read_bytes())
    both = (folder / "ca.pem").read_bytes() + (foreign / "ca.pem").read_bytes()
    (place / "ca.pem").write_bytes(both)
    monkeypatch.setenv("SCANNER_TLS", str(place))
    message = _refused(encrypted)
    assert f"refuses the certificate {place}/node.pem (unknown ca)" in message


@pytest.mark.cluster
def test_plaintext_client_of_an_encrypted_scheduler(encrypted, short) -> None:
    plain = encrypted.replace("tls", "tcp")
    message = _refused(plain)
    assert message.endswith(f"it is encrypted: use {encrypted}")


@pytest.mark.cluster
def test_encrypted_client_of_a_plaintext_scheduler(folder, short, monkeypatch) -> None:
    monkeypatch.setenv("SCANNER_TLS", str(folder))
    with scheduler("tcp", None) as address:
        message = _refused(address.replace("tcp", "tls"))
    assert "does not speak TLS: use its tcp:// address, or start it with tls://" in message


@pytest.mark.parametrize("scheme", ["tcp", "tls"])
def test_something_that_says_nothing(scheme: str, folder, short, monkeypatch) -> None:
    monkeypatch.setenv("SCANNER_TLS", str(folder))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        message = _refused(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}")
    assert "takes no client: it says nothing for 1.5 s" in message


@pytest.mark.parametrize(
    ("banner", "reason"), [(b"SSH-2.0-OpenSSH_9.2\r\n", "is no Dask"), (b"", "hangs up")]
)
def test_something_else_that_speaks(banner: bytes, reason: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connected, _ = server.accept()
            with connected:
                connected.sendall(banner)

        thread = threading.Thread(target=answer)
        thread.start()
        message = _refused(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        thread.join()
    assert reason in message


@pytest.mark.cluster
def test_open_pages_are_said_aloud(folder, monkeypatch) -> None:
    monkeypatch.setenv("SCANNER_TLS", str(folder))
    with (
        scheduler("tls", folder, "--no-dashboard", "--dashboard-address", ":0") as address,
        clusters.connect(scheduler=address) as connection,
    ):
        said = connection.description
    assert "the scheduler's web pages at http://" in said
    assert said.endswith("start the scheduler with --dashboard-address 127.0.0.1:0")


@pytest.mark.cluster
def test_a_web_server_for_health_alone_is_not_worth_a_word(folder, monkeypatch) -> None:
    """As in the Kubernetes recipe, whose probes need it."""
    monkeypatch.setenv("SCANNER_TLS", str(folder))
    routes = "DASK_DISTRIBUTED__SCHEDULER__HTTP__ROUTES"
    monkeypatch.setenv(routes, "['distributed.http.health']")
    with (
        scheduler("tls", folder, "--no-dashboard", "--dashboard-address", ":0") as address,
        clusters.connect(scheduler=address) as connection,
    ):
        assert connection.description == f"Dask cluster at {address} (--scheduler), 1 worker"


@pytest.mark.cluster
def test_local_clusters_show_no_dashboard() -> None:
    """Of all that listens, scheduler's, nannies' and workers', none shows Dask's pages."""
    before = _listening()
    with clusters.connect(workers=2) as connection:
        opened = _listening() - before
        info = connection.client.scheduler_info()
        ends = [info, *info["workers"].values()]
        web = {end["services"]["dashboard"] for end in ends}
        shown = {port: _shown(port, 5.0 if port in web else 0.2) for _, port in opened}
    assert {host for host, _ in opened} == {"127.0.0.1"}
    assert len(web) == 3
    assert {port: shown[port] for port in web} == dict.fromkeys(web, 404)
    assert set(shown.values()) == {0, 404}


def _listening() -> set[tuple[str, int]]:
    """Addresses at which this process and those below it listen."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    found = [c for p in processes for c in p.net_connections() if c.status == "LISTEN"]
    return {(str(c.laddr.ip), int(c.laddr.port)) for c in found}


def _shown(port: int, seconds: float) -> int:
    """Status of the dashboard's page; 0 where no web server answers."""
    try:
        with closing(HTTPConnection("127.0.0.1", port, timeout=seconds)) as connection:
            connection.request("GET", "/status")
            return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
