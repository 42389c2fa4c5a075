"""Arguments that cannot be meant, through the real command: one line, exit code 2, nothing made."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "nsi_ee_u", "--store", "s3:/scans/p"), "did you mean s3://scans/p?"),
        (("list", "scans", "--store", "gs://scans/p"), "unknown scheme 'gs'"),
        (("run", "nsi_ee_u", "--scheduler", "http://x:1"), "http:// is nothing that Dask speaks"),
        (("run", "nsi_ee_u", "--scheduler", "garbage"), "the port is missing"),
        (("submit", "nsi_ee_u", "--scheduler-file", "five.json"), "address = 5"),
        (("run", "nsi_ee_u", "--scheduler-file", "none.json"), "address = missing"),
        (("run", "nsi_ee_u", "--scheduler-file", "broken.json"), "is not JSON"),
        (("run", "nsi_ee_u", "--cluster", "site.toml"), "job.queue = 'a\\nrm'"),
        (("deploy", "script", "site.toml"), "job.queue = 'a\\nrm'"),
    ],
)
def test_one_line_and_nothing_made(
    command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments, said: str
) -> None:
    files = {
        "five.json": '{"address": 5}',
        "none.json": "{}",
        "broken.json": "{",
        "site.toml": 'engine = "slurm"\n[job]\nmemory = "2GB"\nqueue = "a\\nrm"\n',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    done = command(*arguments)
    assert done.code == 2, done.err
    assert said in done.err
    assert len(done.err.splitlines()) == 1
    assert done.out == ""
    assert {path.name for path in tmp_path.iterdir()} == files.keys()
