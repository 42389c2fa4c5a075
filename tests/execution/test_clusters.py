from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import dask
import psutil
import pytest
from distributed.versions import VersionMismatchWarning
from threadpoolctl import threadpool_info

from scanner.errors import ClusterError, DefinitionError
from scanner.execution import clusters, remote

ROLES = ("scheduler", "worker", "client")


@pytest.fixture
def nowhere() -> str:
    """Address at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def scheduler_file(tmp_path: Path) -> Iterator[Path]:
    """A scheduler of its own, without workers."""
    path = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard"]
    options = ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(path)]
    with subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 20
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield path
        process.kill()


@pytest.mark.cluster
def test_local_workers_have_one_thread_and_ignore_the_interrupt(client) -> None:
    def look() -> tuple[str | None, str | None, bool]:
        import os
        import signal

        ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        kept = os.environ.get("MALLOC_TRIM_THRESHOLD_")
        return os.environ.get("OMP_NUM_THREADS"), kept, ignored

    assert list(client.nthreads().values()) == [1, 1]
    assert set(client.run(look).values()) == {("1", str(2**27), True)}
    assert all(address.startswith("tls://127.0.0.1:") for address in client.nthreads())


@pytest.mark.cluster
def test_what_another_cluster_left_in_the_environment_is_not_heeded(monkeypatch) -> None:
    names = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "OMP_NUM_THREADS")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")  # as Dask's own clusters do

    def look() -> list[str | None]:
        import os

        return [os.environ.get(name) for name in names]

    with clusters.connect(workers=1) as connection:
        assert list(connection.client.run(look).values()) == [[str(2**27), str(2**25), "1"]]
    assert look() == ["65536", None, None]


@pytest.mark.cluster
@pytest.mark.parametrize("many", [False, True], ids=["a text", "a list"])
def test_preloads_of_the_users_configuration_are_loaded_too(tmp_path: Path, many: bool) -> None:
    (tmp_path / "theirs.py").write_text("import os\nos.environ['THEIRS'] = 'loaded'\n")
    path = str(tmp_path / "theirs.py")

    def look() -> tuple[str | None, bool]:
        import os
        import signal

        return os.environ.get("THEIRS"), signal.getsignal(signal.SIGINT) == signal.SIG_IGN

    configured = {"distributed.worker.preload": [path] if many else path}
    with dask.config.set(configured), clusters.connect(workers=1) as connection:
        assert list(connection.client.run(look).values()) == [("loaded", True)]


@pytest.mark.cluster
def test_a_worker_whose_nanny_was_given_up_is_started_anew() -> None:
    impatient = {"distributed.deploy.lost-worker-timeout": "10ms"}
    with dask.config.set(impatient), clusters.connect(workers=2) as connection:
        first = set(connection.client.nthreads())
        for pid in connection.client.run(os.getpid).values():
            os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while len(set(connection.client.nthreads()) - first) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.cluster
def test_local_cluster_is_said_aloud_and_listens_on_loopback_only() -> None:
    with clusters.connect(workers=1) as connection:
        processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        opened = [c for p in processes for c in p.net_connections() if c.status == "LISTEN"]
        assert {c.laddr.ip for c in opened} == {"127.0.0.1"}
        assert connection.description == "this host, 1 worker (no cluster given)"
        client = connection.client
    assert client.status == "closed"


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("workers", "cpu_seconds", "here"),
    [
        (None, 0.9 * clusters.SMALL_SECONDS, True),
        (None, 1.1 * clusters.SMALL_SECONDS, False),
        (None, None, False),
        (1, 0.1, False),
    ],
)
def test_little_work_is_done_in_this_process_unless_workers_are_wished_for(
    workers, cpu_seconds, here
) -> None:
    with clusters.connect(workers=workers, cpu_seconds=cpu_seconds) as connection:
        pids = set(connection.client.run(os.getpid).values())
        assert (pids == {os.getpid()}) is here
        assert ("this process" in connection.description) is here
        if here:
            openblas = [lib["num_threads"] for lib in threadpool_info()]
            assert set(openblas) == {1}
    assert connection.client.status == "closed"


@pytest.mark.cluster
@pytest.mark.parametrize(("workers", "cpu_seconds"), [(1, None), (None, 0.1)])
def test_a_host_configured_for_a_cluster_works_alone_without_its_certificates(
    workers, cpu_seconds
) -> None:
    comm = "distributed.comm"
    tls = {f"{comm}.tls.{r}.{k}": f"/no/{k}.pem" for r in ROLES for k in ("cert", "key")}
    required = {f"{comm}.require-encryption": True, f"{comm}.tls.ca-file": "/no/ca.pem", **tls}
    with (
        dask.config.set(required),
        clusters.connect(workers=workers, cpu_seconds=cpu_seconds) as connection,
    ):
        assert connection.client.submit(sum, [1, 2]).result(timeout=20) == 3


@pytest.mark.cluster
def test_script_without_main_guard_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("from scanner.execution.clusters import connect\nconnect().__enter__()\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert "below `if __name__ ==" in done.stderr.splitlines()[-1]


def test_no_scheduler_answers(nowhere: str, monkeypatch) -> None:
    monkeypatch.setattr(remote, "CONNECT_SECONDS", 0.5)
    start = time.monotonic()
    with (
        pytest.raises(ClusterError, match=r"no Dask scheduler .* \(from --scheduler\)") as caught,
        clusters.connect(scheduler=nowhere),
    ):
        pass
    assert nowhere in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - start < 5


def test_versions_that_differ_are_told_by_the_comparison_alone(monkeypatch) -> None:
    """Not by a box of Dask's besides; a warning is an error in tests."""

    def warned(*_: object, **__: object) -> str:
        warnings.warn(VersionMismatchWarning("+---+"), stacklevel=2)
        return "client"

    monkeypatch.setattr(remote, "Client", warned)
    monkeypatch.setattr(remote, "why_not", lambda *_: "")
    assert remote._client("tcp://127.0.0.1:8786", "--scheduler", None) == "client"


def test_address_of_the_environment_is_used(nowhere: str, monkeypatch) -> None:
    monkeypatch.setattr(remote, "CONNECT_SECONDS", 0.5)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", nowhere)
    with pytest.raises(ClusterError, match="from DASK_SCHEDULER_ADDRESS"), clusters.connect():
        pass


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON"),
        ('{"address": "tls', "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "address = missing: name what `dask scheduler --scheduler-file` writes"),
        ("{}", "address = missing"),
        ('{"address": 5}', "address = 5: name what"),
        ('{"address": "garbage"}', "garbage: the port is missing"),
    ],
)
def test_scheduler_file_that_says_nothing(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "scheduler.json"
    path.write_text(text)
    with (
        pytest.raises(DefinitionError, match=said) as caught,
        clusters.connect(scheduler_file=path),
    ):
        pass
    assert str(caught.value).startswith(f"--scheduler-file {path}")


def test_scheduler_file_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    path = tmp_path / "scheduler.json"
    with pytest.raises(ClusterError, match="first"), clusters.connect(scheduler_file=path):
        pass
    os.mkfifo(path)
    start = time.monotonic()
    with (
        pytest.raises(DefinitionError, match="a pipe, not a regular file"),
        clusters.connect(scheduler_file=path),
    ):
        pass
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://x:1", "http:// is nothing that Dask speaks"),
        ("garbage", "the port is missing: give its address, such as tls://garbage:8786"),
        ("x:y", "it is no HOST:PORT"),
        ("tls://x:99999", "port 99999 is not in 1 .. 65535"),
        ("tls://a b:1", "'a b' is no name of a host"),
        ("tls://x:1/y", "it is no HOST:PORT"),
    ],
)
@pytest.mark.parametrize("where", ["--scheduler", "DASK_SCHEDULER_ADDRESS"])
def test_what_is_no_address_is_told_in_our_words(
    monkeypatch: pytest.MonkeyPatch, where: str, address: str, said: str
) -> None:
    named = {"scheduler": address} if where == "--scheduler" else {}
    if not named:
        monkeypatch.setenv(where, address)
    with pytest.raises(DefinitionError, match=said) as caught, clusters.connect(**named):
        pass
    assert where in str(caught.value)
    assert address in str(caught.value)


def test_no_workers_wanted() -> None:
    with pytest.raises(DefinitionError, match="at least 1"), clusters.connect(workers=0):
        pass


@pytest.mark.cluster
def test_scheduler_without_workers(scheduler_file: Path, monkeypatch) -> None:
    monkeypatch.setattr(remote, "WORKERS_SECONDS", 0.5)
    with (
        pytest.raises(ClusterError, match=r"has 0 workers after 0\.5 s, 1 wanted"),
        clusters.connect(scheduler_file=scheduler_file),
    ):
        pass


@pytest.mark.parametrize("other", [{"scheduler": "tcp://there:1"}, {"scheduler_file": "there"}])
def test_two_clusters_are_one_too_many(other) -> None:
    with (
        pytest.raises(DefinitionError, match=r"--scheduler.* and --cluster slurm are two clusters"),
        clusters.connect(cluster="slurm", **other),
    ):
        pass


@pytest.mark.timeout(30)
def test_a_cluster_that_is_named_goes_before_the_environment(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:1")
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(ClusterError, match="the job is refused: sbatch is not found: run this on"),
        clusters.connect(cluster="slurm"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_workers_that_chunks_are_cut_for() -> None:
    assert clusters.planned_workers(None, None) is None
    assert clusters.planned_workers(3, "slurm") == 3
    assert clusters.planned_workers(None, "slurm") == 8
