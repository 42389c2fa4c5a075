"""Every command line in deploy/ is one that scanner and Dask understand."""

from __future__ import annotations

import re

import commands
import pytest

from scanner.execution.local import KEEP_MEMORY
from scanner.execution.recipes import DEPLOY

FOUND = list(commands.command_lines())


@pytest.mark.parametrize(("where", "words"), FOUND, ids=lambda v: v if isinstance(v, str) else "")
def test_the_real_parser_takes_it(where, words):
    commands.check(words)


def test_lines_are_found_in_every_recipe():
    places = {where.partition("/")[0].partition(" ")[0] for where, _ in FOUND}
    assert {"container", "compose", "kubernetes", "systemd", "README.md"} <= places
    assert {"scheduler.yaml", "workers.yaml", "scan.yaml"} <= places
    assert {"scanner-scheduler.service", "scanner-worker@.service"} <= places


@pytest.mark.parametrize(
    "line",
    [
        "dask worker --nworker 2 --nthread=1",
        "dask scheduler --port 8786 --dashboards",
        "tini -- dask worker --nthreads one",
        "scanner scan light_vector_universal",
        "scanner run light_vector_universal --worker 2",
        "scanner deploy shows compose",
    ],
)
def test_a_wrong_line_is_refused(line):
    with pytest.raises(Exception, match=r"[Nn]o (such|verb)|not a valid|unexpected"):
        commands.check(line.split())


def servers():
    return [(w, words) for w, words in FOUND if "dask" in words[:3] and "md" not in w]


@pytest.mark.parametrize(
    ("where", "words"), servers(), ids=lambda v: v if isinstance(v, str) else ""
)
def test_servers_are_encrypted_and_show_no_dashboard(where, words):
    options = dict(zip(words, [*words[1:], ""], strict=True))
    assert options["--protocol"] == "tls"
    assert "--no-dashboard" in words
    # the web server behind it only says whether the process is well; else on the loopback
    assert re.fullmatch(r"(127\.0\.0\.1)?:(0|8787)", options["--dashboard-address"])
    if "worker" in words:
        assert options["--nthreads"] == "1"
        assert "--no-nanny" in words


def test_one_thread_and_the_memory_settings_of_local_workers_everywhere():
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    wanted = dict.fromkeys(threads, "1") | {name: str(n) for name, n in KEEP_MEMORY.items()}
    for file in ("container/Containerfile", "systemd/environment"):
        text = (DEPLOY / file).read_text()
        found = dict(re.findall(r"^(?:ENV)? *([A-Z_]+)=([^\s\\]+)", text, re.MULTILINE))
        assert {name: found.get(name) for name in wanted} == wanted, file
