"""Profiles of batch systems: what a file may say, and what is said of a wrong one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from scanner.errors import ClusterError, DefinitionError
from scanner.execution.batch import mends, queues
from scanner.execution.batch import profile as profiles
from scanner.execution.batch.jobs import job_script
from scanner.execution.batch.profile import load
from scanner.execution.batch.walltime import seconds_of

GOOD = {
    "title": "Here",
    "engine": "slurm",
    "workers": 4,
    "drain": 90,
    "job": {"memory": "2GB", "walltime": "01:00:00", "processes": 2},
}


def written(folder: Path, changes: dict[str, object]) -> Path:
    """A profile with changes; ``job.x`` is a key of its table, None takes a key out."""
    tables = {**GOOD, "job": dict(GOOD["job"])}
    for key, value in changes.items():
        place = tables["job"] if key.startswith("job.") else tables
        place[key.removeprefix("job.")] = value
    path = folder / "site.toml"
    import tomli_w

    kept = {k: v for k, v in tables.items() if v is not None}
    kept["job"] = {k: v for k, v in tables["job"].items() if v is not None}
    path.write_text(tomli_w.dumps(kept))
    return path


def test_a_profile_is_read(tmp_path: Path) -> None:
    found = load(written(tmp_path, {}))
    assert (found.title, found.engine, found.workers, found.drain) == ("Here", "slurm", 4, 90.0)
    assert (found.walltime, found.processes, found.jobs(4), found.jobs(5)) == (3600, 2, 2, 3)
    assert found.job["cores"] == 2  # one thread each


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"engin": "slurm"}, "unknown key 'engin': did you mean 'engine'"),
        ({"engine": "lsf"}, "engine = 'lsf': give 'slurm' or 'htcondor'"),
        ({"engine": None}, "engine = None: give 'slurm'"),
        ({"workers": 0}, "workers = 0: give a whole number from 1"),
        ({"workers": 1.5}, "workers = 1.5: give a whole number"),
        ({"workers": True}, "workers = True: give a whole number"),
        ({"drain": -1}, "drain = -1: give seconds"),
        ({"drain": "1 min"}, "drain = '1 min': give seconds"),
        ({"drain": 3600}, "no chunk would ever begin in jobs of 3600 s"),
        ({"job.walltime": "an hour"}, "job.walltime = 'an hour': give .hours:minutes:seconds"),
        ({"job.walltime": 60}, "job.walltime = 60: give .hours:minutes:seconds"),
        ({"job.walltime": "30"}, 'job.walltime = .30.: .* 30 minutes are "00:30:00"'),
        ({"job.walltime": 30}, 'job.walltime = 30: .* 30 minutes are "00:30:00"'),
        ({"job.memory": 2}, 'job.memory = 2: give a size with its unit, such as memory = "2GB"'),
        ({"job.memory": "10kB"}, 'job.memory = .10kB.: .*at least "600MB" for 2 of them'),
        ({"job.memory": "299MB", "job.processes": 1}, 'job.memory = .299MB.: .*least "300MB"'),
        ({"job.queue": 3}, 'job.queue = 3: it is a text: queue = "3"'),
        ({"job.account": 12345}, 'job.account = 12345: it is a text: account = "12345"'),
        ({"job.python": True}, "job.python = True: give a text"),
        ({"job.log_directory": ["logs"]}, "job.log_directory = .*: give a text"),
        ({"job.nanny": "no"}, "job.nanny = 'no': give true or false"),
        ({"job.scheduler_options": 8786}, "job.scheduler_options = 8786: make it a table"),
        ({"job.job_extra_directives": [3]}, "job.job_extra_directives = .*--requeue"),
        ({"job.queu": "short"}, "unknown key 'job.queu': did you mean 'job.queue'"),
        ({"job.n_workers": 3}, "unknown key 'job.n_workers'"),
        ({"job.cores": 4}, "job.cores = 4: workers have one thread.* processes .2."),
        ({"job.processes": 0}, "job.processes = 0: give a whole number"),
        ({"job.memory": "much"}, "job.memory = 'much': give a size"),
        ({"job.memory": None}, 'job.memory is missing: give memory = "2GB"'),
        ({"job.job_script_prologue": "module load x"}, "give a list of texts"),
        ({"job.job_extra_directives": {"a": "b"}}, "job.job_extra_directives = .*--requeue"),
        ({"engine": "htcondor"}, 'job.disk is missing: give disk = "1GB"'),
        ({"engine": "htcondor", "job.queue": "x"}, "unknown key 'job.queue'"),
        ({"job": 3}, "job = 3: make it a table"),
        ({"title": "a\nb"}, "title = 'a.nb': write it in one line"),
        ({"job.account": "me\nrm -rf /"}, "job.account = 'me.nrm -rf /': write it in one line"),
        ({"job.memory": "2GB\n#"}, "job.memory = '2GB.n#': write it in one line"),
        ({"job.walltime": "01:00:00\r#"}, "job.walltime = .*: write it in one line"),
        ({"job.python": "python\x1b"}, "job.python = .*without control characters"),
        ({"job.job_script_prologue": ["cd /x\nrm y"]}, "each line is an entry of its own"),
        ({"job.job_extra_directives": ["--a\n#SBATCH -b"]}, "job_extra_directives = .*one line"),
        (
            {"engine": "htcondor", "job.job_extra_directives": {"a\nqueue 9": "b"}},
            "job.job_extra_directives = .*one line",
        ),
        ({"job.scheduler_options": {"host": "x\u2028"}}, "job.scheduler_options.host = .*one line"),
    ],
)
def test_a_wrong_profile_is_refused(tmp_path: Path, changes, said: str) -> None:
    path = written(tmp_path, changes) if changes != {"job": 3} else tmp_path / "site.toml"
    if changes == {"job": 3}:
        path.write_text('engine = "slurm"\njob = 3\n')
    with pytest.raises(DefinitionError, match=said) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_the_least_memory_is_taken(tmp_path: Path) -> None:
    path = written(tmp_path, {"job.memory": "300MB", "job.processes": 1})
    assert load(path).job["memory"] == "300MB"


def test_a_profile_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        DefinitionError, match="unknown cluster profile 'slrm': did you mean 'slurm'"
    ):
        load("slrm")
    with pytest.raises(DefinitionError, match="cannot be read"):
        load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("PartitionTimeLimit", 'job.walltime = "01:00:00" and job.queue: give less time'),
        ("QOSMaxWallDurationPerJobLimit", 'job.walltime = "01:00:00": the account or QOS allows'),
        ("PartitionNodeLimit", "job.queue and job.processes = 2: "),
        ("QOSMaxCpuPerJobLimit", 'job.memory = "2GB" and job.processes = 2: .* less in one job'),
        ("AssocGrpCpuLimit", 'job.account = "physics": the account is at its limit'),
        ("QOSGrpNodeLimit", 'job.account = "physics", job.queue and job.job_extra_directives: '),
        ("InvalidAccount", 'job.account = "physics" and job.queue: give an account'),
        ("sbatch: error: Requested node configuration is not available", "no node has that much"),
        ("sbatch: error: Memory specification can not be satisfied", 'job.memory = "2GB": no node'),
        ("Resources", "^$"),
        ("Priority", "^$"),
    ],
)
def test_a_reason_of_the_queue_names_the_keys(tmp_path: Path, reason: str, told: str) -> None:
    found = load(written(tmp_path, {"job.account": "physics"}))
    assert re.search(told, mends.of_reason(found, reason))


@pytest.mark.parametrize(
    ("fate", "told"),
    [
        ("OUT_OF_MEMORY", '^job.memory = "2GB": give more$'),
        ("TIMEOUT", "^job.walltime is 3600 s"),
        ("FAILED, exit code 1", '^look at job.memory = "2GB", job.job_script_prologue and job.py'),
    ],
)
def test_how_a_job_ended_names_the_keys(tmp_path: Path, fate: str, told: str) -> None:
    assert re.search(told, mends.of_ending(load(written(tmp_path, {})), fate))


@pytest.mark.parametrize("text", ["", "x", "0", "90", "00:00:00", "1:2:3:4", "-5", "1-", "1.5"])
def test_no_walltime(text: str) -> None:
    with pytest.raises(ValueError, match="no "):
        seconds_of(text)


@pytest.mark.parametrize("name", ["slurm", "htcondor"])
def test_ready_profiles_name_neither_queue_nor_account(name: str) -> None:
    found = load(name)
    assert found.engine == name
    assert not {"queue", "account"} & found.job.keys()
    assert found.walltime is not None
    assert found.drain < found.walltime / 10
    text = (profiles.DEPLOY / f"{name}.toml").read_text()
    # what is commented out can be commented in
    lines = [line.removeprefix("# ") for line in text.splitlines() if " = " in line]
    assert "queue" in text or name == "htcondor"
    keys = profiles.known_keys(name)
    for line in lines:
        key = line.partition(" = ")[0].strip()
        if line.startswith(("# ", "port", "accounting_group")) or key in profiles.KEYS:
            continue
        assert key in keys, line
    assert tomllib.loads(text)["engine"] == name


def test_the_script_of_a_slurm_job(tmp_path: Path) -> None:
    more = {"job.job_script_prologue": ["module load special"], "job.queue": "short"}
    lines = job_script(load(written(tmp_path, more))).splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert {"#SBATCH -p short", "#SBATCH -t 01:00:00", "#SBATCH --cpus-per-task=2"} <= set(lines)
    end = "${SLURM_JOB_END_TIME:-`date -d +3600seconds +%s`}"
    assert f"export SCANNER_WALLTIME_END={end} SCANNER_DRAIN=90" in lines
    assert lines[-2] == "module load special"
    worker = lines[-1]
    # the batch system's signal goes to the shell, which this makes the worker
    assert worker.startswith(f"exec {sys.executable} -m distributed.cli.dask_worker tls://ADDRESS")
    for option in (
        "--nthreads 1 ",
        "--nworkers 2 ",
        "--preload scanner.execution.drain --preload-nanny scanner.execution.drain",
        "--no-dashboard --dashboard-address 127.0.0.1:0",
    ):
        assert option in worker


def test_the_script_of_an_htcondor_job() -> None:
    script = job_script(load("htcondor"))
    assert "allowed_job_duration = 14400" in script
    [line] = [line for line in script.splitlines() if line.startswith("Arguments")]
    assert "$(" not in line  # HTCondor would take it for its own
    assert "SCANNER_WALLTIME_END=`date -d +14400seconds +%s` SCANNER_DRAIN=120; exec " in line


def test_without_dask_jobqueue(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    with pytest.raises(ClusterError, match=r"pip install 'cevns-scanner\[jobqueue\]'"):
        load("slurm")


def test_a_batch_system_that_is_silent(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert queues.jobs("slurm") is None
    assert queues.jobs("htcondor") is None
    assert queues.node_address("slurm") is None


@pytest.mark.parametrize(
    ("job", "hopeless"),
    [
        (queues.Job("PENDING", "PartitionTimeLimit"), True),
        (queues.Job("PENDING", "QOSMaxWallDurationPerJobLimit"), True),
        (queues.Job("PENDING", "QOSMaxJobsPerUserLimit"), False),
        (queues.Job("PENDING", "Priority"), False),
        (queues.Job("RUNNING", "None"), False),
        (queues.Job("HELD", "Error from slot1"), True),
        (queues.Job("IDLE"), False),
    ],
)
def test_what_will_never_start(job: queues.Job, hopeless: bool) -> None:
    assert job.hopeless is hopeless


def test_the_address_that_nodes_see() -> None:
    assert queues.facing("127.0.0.1") == "127.0.0.1"
    assert queues.facing("no.such.host.invalid") == queues.facing(None)


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ({"job.job_script_prologue": ["exit 7"]}, 7, ""),
        ({"job.python": "/bin/sh -c 'test -d $SCANNER_SCRATCH; echo $?'"}, 0, "0\n"),
    ],
    ids=["prologue", "Dask"],
)
def test_a_job_that_fails_early_leaves_no_folder(tmp_path: Path, more, code, said) -> None:
    """What is there for Dask stays until Dask removes it."""
    temporary = tmp_path / "node"
    temporary.mkdir()
    done = subprocess.run(
        ["bash"],
        input=job_script(load(written(tmp_path, more))),
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (code, said)
    assert len(list(temporary.iterdir())) == (code == 0)
