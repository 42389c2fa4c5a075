"""SLURM over two nodes, network namespaces with an encrypted wire between them; one node dies."""

from __future__ import annotations

import importlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import engines
import pytest

from scanner.execution.batch import keeper
from scanner.execution.clusters import connect
from scanner.execution.runner import run

sys.path.insert(0, str(Path(__file__).parents[1] / "hosts"))
network = importlib.import_module("network")
slurm_servers = importlib.import_module("slurm_servers")
watching = importlib.import_module("watching")
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        os.environ.get("SCANNER_LONG_TESTS") != "1", reason="long form: SCANNER_LONG_TESTS=1"
    ),
]

NODES = """\
NodeName=one NodeAddr={one} CPUs=1 RealMemory=4000 State=UNKNOWN
NodeName=two NodeAddr={two} CPUs=1 RealMemory=4000 State=UNKNOWN
PartitionName=short Nodes=one,two Default=YES MaxTime=60 State=UP
"""
PROFILE = """\
title = "two nodes"
engine = "slurm"
workers = 2
drain = 5
[job]
memory = "1GB"
walltime = "00:10:00"
interface = "eth0"
job_extra_directives = ["--no-requeue"]
"""


@pytest.fixture
def hosts():
    obstacle = network.obstacle()
    engines.need(not obstacle, obstacle)
    made = network.Network(("sched", "one", "two"))
    made.up()
    yield made
    made.down()
    assert made.left() == []


@pytest.fixture
def slurm(hosts, monkeypatch, tmp_path):
    slurm_servers.need()
    addresses = hosts.addresses
    nodes = NODES.format(**addresses)
    with slurm_servers.prepared("sched", addresses["sched"], nodes) as slurm:
        where = {"SLURM_CONF": str(slurm.configuration)}
        monkeypatch.setenv("SLURM_CONF", where["SLURM_CONF"])
        for name, program in (("sched", "slurmctld"), ("one", "slurmd"), ("two", "slurmd")):
            command = [program, "-f", where["SLURM_CONF"]]
            assert hosts.start(name, command, tmp_path / f"{name}.log", where).wait(30) == 0
        with hosts.inside("sched"):
            slurm_servers.wait_until_idle(slurm, 2)
            yield slurm


def test_a_node_that_dies(slurm, hosts, make, fault_table, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(keeper, "POLL", 1.0)
    Path("site.toml").write_text(PROFILE)
    stored, unbroken = make(seconds=6.0)
    with (
        fault_table.fault("kill -9 of a SLURM node", stored, unbroken) as fault,
        connect(cluster="site.toml") as connection,
        ThreadPoolExecutor(1) as beside,
    ):
        assert connection.client.scheduler.address.startswith(f"tls://{hosts.addresses['sched']}:")

        def strike() -> None:
            watching.wait_for(lambda: len({e.pid for e in watching.evaluations(stored)}) == 2, 60)
            before = slurm.jobs()
            fault.now()
            hosts.kill("two")
            # the job that was there is replaced by one that waits for a node; SLURM finds out later
            watching.wait_for(lambda: set(slurm.jobs()) - set(before), 90)
            watching.wait_for(lambda: "down" in slurm.ask("sinfo", "-h", "-N", "-o", "%T"), 90)

        struck = beside.submit(strike)
        report = run(stored, connection.client, evaluator="faulty:Faulty")
        struck.result()
    assert report.complete
    assert report.quarantined == ()
    watching.wait_for(lambda: slurm.jobs() == [], 90)
    assert list(tmp_path.glob(".scanner-jobs-*")) == []
