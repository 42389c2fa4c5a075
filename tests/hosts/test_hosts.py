"""A scan over several hosts that die, and whose links are cut and slow: bit for bit the same."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

import dask
import pytest
from distributed import Client, Security
from engines import need

from scanner.errors import ClusterError
from scanner.execution import clusters, remote
from scanner.execution.progress import Progress, Report
from scanner.execution.runner import run
from scanner.execution.security.certificates import make_certificates
from scanner.store.stored import StoredScan

faults = importlib.import_module("fault_table")
repeats = faults.repeats

pytestmark = pytest.mark.cluster
FAULTY = "faulty:Faulty"
TCP_SECONDS = 12.0  # of the fixture


def wait_for(condition: Callable[[], object], seconds: float = 40.0) -> float:
    """Wait until it is true, fail after some seconds; how long it took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() < start + seconds, "waited in vain"
        time.sleep(0.05)
    return time.monotonic() - start


class Fault:
    """One injected fault; how the run ended, to be told."""

    def __init__(self) -> None:
        self.moment = 0.0
        self.ended = "complete"

    def at(self, done: int, what: Callable[[], None]) -> Callable[[Progress], None]:
        """Progress that does it once, when so many chunks are done."""

        def strike(state: Progress) -> None:
            if not self.moment and state.done >= done:
                self.now()
                what()

        return strike

    def now(self) -> None:
        self.moment = time.time()


@pytest.fixture
def injected(fault_table):
    """``injected(name, stored, unbroken)``: measure a fault; the cube must be the unbroken one.

    What other hosts do goes on, so the time to recover is the longest without a chunk begun.
    """

    @contextmanager
    def measured(name: str, stored: StoredScan, unbroken: StoredScan) -> Iterator[Fault]:
        fault = Fault()
        yield fault
        assert fault.moment
        log = Path(str(stored.definition.parameters["log"]))
        begun = sorted(float(line.split()[2]) for line in log.read_text().splitlines())
        after = [fault.moment, *(moment for moment in begun if moment > fault.moment)]
        wrong = faults.wrong_points(stored, unbroken)
        fault_table.add(
            name,
            wrong=wrong,
            recomputed=faults.recomputed(log),
            seconds=max((b - a for a, b in pairwise(after)), default=0.0),
            ended=fault.ended,
        )
        assert wrong == 0
        faults.assert_whole(stored)

    return measured


def test_a_scan_over_two_hosts_is_that_of_one_process(client: Client, make) -> None:
    stored, unbroken = make(seconds=0.05)
    report = run(stored, client, evaluator=FAULTY)
    assert (report.complete, report.computed) == (True, 24)
    assert faults.wrong_points(stored, unbroken) == 0
    assert {marker.host for marker in stored.finished().values()} == {"one", "two"}
    assert all(address.startswith("tls://10.99.0.") for address in client.nthreads())


@pytest.mark.parametrize("seed", repeats(1, 10))
def test_a_host_dies(client: Client, cluster, make, injected, seed: int) -> None:
    stored, unbroken = make(seconds=0.1, number=seed)
    with injected("SIGKILL of all of a host", stored, unbroken) as fault:
        strike = fault.at(4 + seed, lambda: cluster.hosts.kill("two"))
        report = run(stored, client, evaluator=FAULTY, progress=strike)
        assert report.complete
    cluster.start_worker("two")
    wait_for(lambda: len(client.nthreads()) == 2)


@pytest.mark.parametrize("seed", repeats(1, 10))
def test_a_link_is_cut_for_three_seconds(client, cluster, make, injected, seed: int) -> None:
    stored, unbroken = make(seconds=0.2, number=seed)
    back = threading.Timer(3.0, cluster.hosts.restore, ["two"])

    def cut() -> None:
        cluster.hosts.cut("two")
        back.start()

    with injected("link to a host cut for 3 s", stored, unbroken) as fault:
        report = run(stored, client, evaluator=FAULTY, progress=fault.at(4, cut))
        back.join()
        assert report.complete
    assert report.quarantined == ()


@pytest.mark.parametrize("seed", repeats(1, 5))
def test_a_link_is_cut_for_good(client, cluster, make, injected, seed: int) -> None:
    """The host is given up after Dask's timeout, and takes part again when it is back."""
    stored, unbroken = make(seconds=0.1, number=seed)
    with injected("link to a host cut", stored, unbroken) as fault:
        try:
            cut = fault.at(4, lambda: cluster.hosts.cut("two"))
            report = run(stored, client, evaluator=FAULTY, progress=cut)
        finally:
            cluster.hosts.restore("two")
        assert report.complete
        assert report.seconds < 3 * TCP_SECONDS
    back = wait_for(lambda: len(client.nthreads()) == 2)
    assert back < 3 * TCP_SECONDS


SLOW = {
    "slow link (0.1 s delay, 3 % lost)": ("netem", "delay", "100ms", "20ms", "loss", "3%"),
    "slow link (256 kbit/s)": ("tbf", "rate", "256kbit", "burst", "16kb", "latency", "300ms"),
}
LOSSY = "link that loses 10 % of the packets"


@pytest.mark.parametrize("seed", repeats(1, 5))
def test_a_link_is_slow(client, cluster, make, injected, seed: int) -> None:
    """In every way that this kernel knows."""
    hosts = cluster.hosts
    ways = {n: partial(hosts.slow, "two", *how) for n, how in SLOW.items() if hosts.knows(*how)}
    if hosts.loses():
        ways[LOSSY] = partial(hosts.lossy, "two", 0.1)
    need(ways, "a kernel with sch_netem, sch_tbf or xt_statistic", "modprobe sch_netem")
    for name, slow in ways.items():
        stored, unbroken = make(seconds=0.05, number=seed, way=name)
        with injected(name, stored, unbroken) as fault:
            fault.now()
            with slow():
                report = run(stored, client, evaluator=FAULTY)
            assert report.complete
        assert report.quarantined == ()
        assert {marker.host for marker in stored.finished().values()} == {"one", "two"}


def _stopped(cluster, stored, strike: Callable[[Progress], None]) -> tuple[str, float]:
    """The error of a run whose cluster goes away, and how long it took to say so."""
    with cluster.connected() as client:
        wait_for(lambda: len(client.nthreads()) == 2)
        with pytest.raises(ClusterError, match=f"scanner resume {stored.id}") as caught:
            run(stored, client, evaluator=FAULTY, progress=strike)
        told = time.monotonic()
    return str(caught.value), told


def _resumed(cluster, stored) -> Report:
    with cluster.connected(workers=1) as client:
        return run(stored, client, evaluator=FAULTY)


@pytest.mark.parametrize("seed", repeats(1, 10))
def test_the_scheduler_dies(cluster, make, injected, seed: int) -> None:
    stored, unbroken = make(seconds=0.1, number=seed)
    with injected("scheduler's host killed", stored, unbroken) as fault:
        strike = fault.at(4 + seed, lambda: cluster.hosts.kill("sched"))
        start = time.monotonic()
        message, told = _stopped(cluster, stored, strike)
        assert "the Dask scheduler was lost" in message
        assert told - start < 20
        assert 4 <= len(stored.done()) < 24
        cluster.start_scheduler()
        assert _resumed(cluster, stored).complete
        fault.ended = "exit code 5 and its mend; complete when resumed"


@pytest.mark.parametrize("seed", repeats(1, 5))
def test_the_clients_link_is_cut_for_three_seconds(cluster, make, injected, seed: int) -> None:
    stored, unbroken = make(seconds=0.2, number=seed)
    back = threading.Timer(3.0, cluster.hosts.restore, ["client"])

    def cut() -> None:
        cluster.hosts.cut("client")
        back.start()

    with (
        injected("link to the client cut for 3 s", stored, unbroken) as fault,
        cluster.connected() as client,
    ):
        report = run(stored, client, evaluator=FAULTY, progress=fault.at(4, cut))
        back.join()
        assert report.complete


@pytest.mark.parametrize("seed", repeats(1, 5))
def test_the_clients_link_is_cut_for_good(cluster, make, injected, seed: int) -> None:
    stored, unbroken = make(seconds=0.1, number=seed)
    with injected("link to the client cut", stored, unbroken) as fault:
        cut = fault.at(4, lambda: cluster.hosts.cut("client"))
        start = time.monotonic()
        try:
            message, told = _stopped(cluster, stored, cut)
        finally:
            cluster.hosts.restore("client")
        assert "the Dask scheduler was lost" in message
        assert told - start < 2.5 * TCP_SECONDS
        assert 4 <= len(stored.done()) < 24
        assert _resumed(cluster, stored).complete
        fault.ended = "exit code 5 and its mend; complete when resumed"


@pytest.mark.skipif(not faults.repeats(0, 1), reason="long form: SCANNER_LONG_TESTS=1")
@pytest.mark.parametrize("who", ["two", "client"])
def test_a_link_is_cut_before_the_run(client, cluster, make, injected, who: str) -> None:
    """Then the comparison of the workers meets it."""
    stored, unbroken = make(seconds=0.1)
    with injected(f"link to {who} cut before the run", stored, unbroken) as fault:
        fault.now()
        cluster.hosts.cut(who)
        try:
            if who == "two":
                assert run(stored, client, evaluator=FAULTY).complete
            else:
                with pytest.raises(ClusterError, match="the Dask scheduler was lost"):
                    run(stored, client, evaluator=FAULTY)
        finally:
            cluster.hosts.restore(who)
        if who == "client":
            assert _resumed(cluster, stored).complete
            fault.ended = "exit code 5 and its mend; complete when run again"


def test_who_has_no_certificate_of_the_cluster_stays_out(
    cluster, client, tmp_path, monkeypatch
) -> None:
    """By our word, and without our checks by Dask's."""
    monkeypatch.setattr(remote, "CONNECT_SECONDS", 2.0)
    plain = cluster.address.replace("tls", "tcp")
    foreign = make_certificates(tmp_path / "tls").folder
    files = {f"tls_client_{end}": f"{foreign}/node.{name}" for end, name in _ENDS}
    security = Security(require_encryption=True, tls_ca_file=f"{foreign}/ca.pem", **files)
    with pytest.raises(ClusterError, match="is not encrypted"), clusters.connect(scheduler=plain):
        pass
    with (
        dask.config.set({"distributed.comm.require-encryption": False}),
        pytest.raises(ClusterError, match=f"it is encrypted: use {cluster.address}"),
        clusters.connect(scheduler=plain),
    ):
        pass
    with pytest.raises(OSError, match=r"closed|Timed out"):
        Client(plain, timeout=2, security=Security(require_encryption=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCANNER_TLS", str(foreign))
        with (
            pytest.raises(ClusterError, match="does not vouch for"),
            clusters.connect(scheduler=cluster.address),
        ):
            pass
    with pytest.raises(OSError, match="certificate"):
        Client(cluster.address, timeout=2, security=security)
    assert len(client.nthreads()) == 2


_ENDS = (("cert", "pem"), ("key", "key"))
