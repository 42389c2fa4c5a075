"""A missing server is a failure in CI, a skip with its reason elsewhere."""

from __future__ import annotations

import engines
import pytest
from _pytest.outcomes import Failed, Skipped


@pytest.mark.parametrize(("ci", "outcome"), [("true", Failed), ("", Skipped)])
def test_missing_server(monkeypatch, ci: str, outcome: type[BaseException]) -> None:
    monkeypatch.setenv("CI", ci)
    engines.need("/usr/sbin/slurmctld", "SLURM")
    with pytest.raises(outcome, match=r"SLURM is missing: run \.ci/servers\.sh as root"):
        engines.need(None, "SLURM")
