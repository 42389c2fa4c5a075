"""A scan on HTCondor one of whose jobs is removed: runs in the Debian that has HTCondor.

Prints the queue and what came of it, as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import watching

from scanner.execution.batch import keeper
from scanner.execution.clusters import connect
from scanner.execution.runner import run
from scanner.store.archive import Archive

POLL = 1.0


def queue(*options: str) -> str:
    return subprocess.run(["condor_q", *options], capture_output=True, text=True, check=True).stdout


def main(folder: Path, scan: str) -> None:
    keeper.POLL = POLL
    stored = Archive(folder / "root").open(scan)
    said: list[str] = []
    shown = []
    with (
        connect(cluster=folder / "site.toml", told=said.append) as connection,
        ThreadPoolExecutor(1) as beside,
    ):
        said.append(connection.description)

        def strike() -> None:
            watching.wait_for(lambda: len({e.pid for e in watching.evaluations(stored)}) == 2, 60)
            shown.append(queue("-nobatch"))
            before = queue("-af", "ClusterId").split()
            (folder / "struck").touch()
            subprocess.run(["condor_rm", before[0]], check=True, capture_output=True)
            watching.wait_for(lambda: set(queue("-af", "ClusterId").split()) - set(before), 60)

        struck = beside.submit(strike)
        report = run(stored, connection.client, evaluator="faulty:Faulty")
        struck.result()
    left = queue("-af", "ClusterId").split()
    print(
        json.dumps(
            {
                "complete": report.complete,
                "quarantined": report.quarantined,
                "seconds": report.seconds,
                "queue": shown,
                "left": left,
                "said": said,
                "folders": [path.name for path in Path().glob(".scanner-jobs-*")],
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
