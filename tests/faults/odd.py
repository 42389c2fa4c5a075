"""Preloaded by a worker that shall differ from the others in what ``SCANNER_ODD`` says."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from scanner import definition
from scanner.execution import versions
from scanner.store import provenance

KIND, _, VALUE = os.environ.get("SCANNER_ODD", "").partition("=")

if KIND == "engine":
    definition.ENGINE_VERSION = versions.ENGINE_VERSION = int(VALUE)
elif KIND == "data":

    def changed(self: definition.ScanDefinition) -> list[str]:
        return [VALUE]

    definition.ScanDefinition._changed_sources = changed
elif KIND == "hours":
    skew = timedelta(hours=float(VALUE))

    def skewed() -> str:
        return (datetime.now(UTC) + skew).isoformat(timespec="seconds")

    provenance.now_utc = skewed
elif KIND:
    found = {**provenance.numeric_versions(), KIND: VALUE}  # once: Dask may load this file twice
    versions.numeric_versions = provenance.numeric_versions = lambda: found
