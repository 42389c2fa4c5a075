"""A service without its web side, as a process to be killed: queue and dispatcher of one folder.

``python jobs_alone.py STATE ROOT``; says ``ready``, ends when its input does.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scanner.service.jobs.dispatcher import Dispatcher
from scanner.service.jobs.queue import Queue
from scanner.service.settings import Settings


def main(state: str, root: str) -> None:
    queue = Queue(Path(state) / "jobs.sqlite")
    dispatcher = Dispatcher(queue, Settings(root=root, cluster={"workers": 1}), waits=(0.1, 1.0))
    dispatcher.start()
    print("ready", flush=True)
    sys.stdin.read()
    dispatcher.stop()
    queue.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
