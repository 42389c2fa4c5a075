"""Start: whether a service can work with what it was told, and the lines of its log."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from scanner.errors import ClusterError, StoreError
from scanner.service.jobs.log import LOGGER
from scanner.service.settings import Settings
from scanner.store.archive import Archive
from scanner.store.naming import default_root

FORM = "%(asctime)sZ %(levelname)s %(message)s"


def log_to_stderr() -> None:
    """Let the log of the service go to standard error, where a journal finds it."""
    if LOGGER.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    formatter = logging.Formatter(FORM, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


def check(settings: Settings) -> None:
    """Refuse what no scan could be read from or computed with; warn of what may come yet.

    Raises
    ------
    DefinitionError
        The profile, or the address of the scheduler, cannot be one.
    StoreError
        The store cannot be read, or is not there and cannot be made.
    """
    _check_store(settings.root)
    from scanner.execution import clusters

    try:
        clusters.check(**settings.cluster)
    except ClusterError as error:
        LOGGER.warning("%s; what is in the store is served, jobs wait", error)
        return
    # a host that is silent takes seconds to say so
    threading.Thread(target=_look_for_scheduler, args=(settings.cluster,), daemon=True).start()


def _check_store(root: str) -> None:
    folder = Archive(root).folder
    if folder.exists():
        folder.names()  # raises where it cannot be read; it need not be writable to be served
        return
    if "://" not in folder.location and root != default_root() and not folder.parent.exists():
        raise StoreError(
            f"--store {root}: neither it nor the folder {folder.parent} is there: check the path, "
            f"or make it with `mkdir -p {folder}`"
        )
    folder.check_makeable()


def _look_for_scheduler(cluster: Mapping[str, Any]) -> None:
    """Warn where the scheduler that is named takes no connection."""
    from scanner.execution.addresses import address_of, unreached

    if cluster.get("cluster"):
        return
    address, origin = address_of(cluster.get("scheduler"), cluster.get("scheduler_file"))
    if address is not None and (why := unreached(address)):
        LOGGER.warning(
            "no Dask scheduler answers at %s (from %s): %s; what is in the store is served, jobs "
            "are tried a few times and then fail: start it with `dask scheduler`",
            address,
            origin,
            why,
        )


def tell(settings: Settings, address: str) -> None:
    """Say where the service answers, over which store, and where it computes."""
    named = " ".join(
        f"--{key.replace('_', '-')} {value}" for key, value in settings.cluster.items()
    )
    LOGGER.info(
        "serving %s, store %s, state %s, cluster: %s",
        address,
        Archive(settings.root).folder,
        settings.state,
        named or "worker processes of this host, unless Dask's configuration names another",
    )
