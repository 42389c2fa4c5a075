"""News: read as they come, taken up again where a stream breaks off, until the scan has ended."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from scanner.client import events
from scanner.client.client import connect
from scanner.client.events import News, records
from scanner.errors import (
    CatalogError,
    ClusterError,
    IncompleteScanError,
    MismatchError,
)
from scanner.service.jobs import news as service_news
from scanner.service.jobs.queue import Queue

ID = "0123456789abcdef"
EVENTS = f"scans/{ID}/events"


def told(job):
    return 200, {}, json.dumps({"id": ID, "phase": "incomplete", "job": job}).encode()


def event(phase, done=0, **more):
    record = {"scan": ID, "phase": phase, "done": done, "total": 8, **more}
    return f"event: state\ndata: {json.dumps(record)}\n\n".encode()


def stream(*parts, cut=False):
    body = b"".join(parts)
    length = len(body) + (100 if cut else 0)
    return 200, {"Content-Type": "text/event-stream", "Content-Length": str(length)}, body


@pytest.fixture
def remote(script, monkeypatch):
    monkeypatch.setattr(events, "FIRST_WAIT", 0.01)
    script.answers[f"scans/{ID}"] = [told(None)]
    with connect(script.url) as client:
        yield client.scan(ID)


def test_news_until_it_is_complete(script, remote):
    script.answers[EVENTS] = [
        stream(
            b": hello\n\n",
            event("queued"),
            event("running", 3, stage="computing", eta_seconds=1.5, later="unknown"),
            event("running", 3, stage="computing", eta_seconds=1.5),
            event("complete", 8),
            event("running", 9),
        )
    ]
    assert list(remote.watch()) == [
        News(ID, "queued", done=0, total=8),
        News(ID, "running", "computing", 3, 8, eta_seconds=1.5),
        News(ID, "complete", done=8, total=8),
    ]


def test_a_stream_that_breaks_off_is_taken_up_again(script, remote):
    script.answers[EVENTS] = [
        stream(event("running", 1), b'event: state\ndata: {"sc', cut=True),
        (503, {}, b""),
        (0, {}, b""),
        stream(event("running", 1), b": nothing new\n\n"),
        stream(event("complete", 8)),
    ]
    seen = [(one.phase, one.done) for one in remote.watch()]
    assert seen == [("running", 1), ("complete", 8)]
    assert script.count(EVENTS) == 5


def test_nobody_waits_for_ever(script, remote, monkeypatch):
    script.answers[EVENTS] = [(502, {}, b"")]
    with pytest.raises(ClusterError, match="502"):
        list(events.news(remote._transport, EVENTS, patience=0.1))
    assert script.count(EVENTS) > 1


def test_a_scan_that_is_gone(script, remote):
    script.answers[EVENTS] = [
        stream(event("running", 1)),
        (404, {}, b'{"error": {"message": "no scan", "exit_code": 2}}'),
    ]
    found = remote.watch()
    assert next(found).phase == "running"
    with pytest.raises(CatalogError, match="no scan"):
        next(found)


@pytest.mark.parametrize(
    ("phase", "job", "kind", "said"),
    [
        ("failed", {"exit_code": 4, "message": "other sources"}, MismatchError, "other sources"),
        ("failed", None, IncompleteScanError, "failed"),
        ("incomplete", {"exit_code": 4}, IncompleteScanError, "nobody works.*2 of 8.*resume"),
        ("cancelled", {"exit_code": 3, "message": ""}, IncompleteScanError, "cancelled.*resume"),
    ],
)
def test_how_it_ended_is_an_error_unless_it_is_complete(script, remote, phase, job, kind, said):
    script.answers[f"scans/{ID}"] = [told(job)]
    script.answers[EVENTS] = [stream(event(phase, 2))]
    found = remote.watch()
    assert next(found).phase == phase
    with pytest.raises(kind, match=said):
        next(found)


def test_a_scan_that_is_asked_for_and_not_made_yet(script, remote):
    none = (404, {}, b'{"error": {"message": "no scan", "exit_code": 2}}')
    script.answers[f"scans/{ID}"] = [none]
    script.answers[EVENTS] = [stream(event("queued"))]
    assert remote.phase == "queued"
    assert remote.now() == News(ID, "queued", total=8)
    for ask in (remote.state, lambda: remote.definition, remote.dataset):
        with pytest.raises(IncompleteScanError, match=r"queued.*watch\(\)"):
            ask()
    script.answers[EVENTS] = [none]
    with pytest.raises(CatalogError, match="no scan"):
        _ = remote.phase


def test_cancel_waits_until_nobody_works(script, remote):
    script.answers[f"scans/{ID}/cancel"] = [(200, {}, b"{}")]
    script.answers[EVENTS] = [stream(event("running", 1)), stream(event("cancelled", 2))]
    assert remote.cancel() == News(ID, "cancelled", done=2, total=8)
    script.answers[EVENTS] = [stream(event("running", 1))]
    assert remote.cancel(wait=False) is None
    with pytest.raises(ClusterError, match="not ended within 0 s"):
        remote.cancel(patience=0.0)


def test_resume_asks_for_what_is_missing(script, remote):
    script.answers[f"scans/{ID}/resume"] = [(200, {}, b"{}")]
    assert remote.resume() is remote
    assert script.asked[-1][:2] == ("POST", f"/api/v1/scans/{ID}/resume")


def test_other_kinds_of_events_and_damaged_ones_are_left_out():
    lines = [
        *("event: other", 'data: {"scan": "a", "phase": "x"}', ""),
        *("event: state", "data: {", ""),
        *("event: state", "data: [1]", ""),
        *("event: state", 'data: {"scan": "a",', 'data: "phase": "queued"}', "id: 5", ""),
        *("data: no kind", ""),
        *("event: state", 'data: {"scan": "a", "phase": "cut"}'),
    ]
    assert list(records(lines)) == [{"scan": "a", "phase": "queued"}]


def test_the_service_tells_what_is_read_here(root, scan, tmp_path):
    """The record that its events are made of, and the phases after which nothing comes."""
    record = service_news.news(Queue(tmp_path / "jobs.sqlite"), str(root), scan.id)
    assert record.keys() == {entry.name for entry in fields(News)}
    state = scan.state()
    assert News.from_dict(record) == News(
        scan.id,
        "complete",
        done=state.done,
        total=state.total,
        points_done=state.points_done,
        points=state.points,
    )
    assert set(events.ENDS) == set(service_news.ENDS)
