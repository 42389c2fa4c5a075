"""Log: one line for each job that is asked for, begins, is put back, and ends."""

from __future__ import annotations

import logging

from scanner.service.jobs.job import Job

LOGGER = logging.getLogger("scanner.service")
SHOWN = 500
"""Characters of a message that are repeated."""


def said(job: Job, what: str, level: int = logging.INFO) -> None:
    """Say what became of a job, with the scan and who asked for it."""
    who = f"token {job.token}" if job.token else "no token"
    LOGGER.log(level, "job %d, scan %s, %s: %s", job.id, job.scan, _line(who), _line(what))


def begun(job: Job) -> None:
    """Say on which run a job relies."""
    if job.run:
        said(job, f"begun, attempt {job.attempts}" if job.own else "somebody works on it already")


def put_back(job: Job) -> None:
    """Say why a job waits to be tried again."""
    said(job, f"put back: {job.message}", logging.WARNING)


def ended(job: Job) -> None:
    """Say how a job ended."""
    failed = job.state == "failed"
    why = f": {job.message} (exit code {job.exit_code})" if job.message else ""
    said(job, f"{job.state}{why}", logging.ERROR if failed else logging.INFO)


def _line(text: str) -> str:
    """Text as one line, without what a terminal would take for a command."""
    return "".join(c if c.isprintable() else " " for c in text[:SHOWN])
