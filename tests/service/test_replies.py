"""ETags, answers that take long, scans that change under the service."""

from __future__ import annotations

import shutil
import time

import httpx
import pytest

from scanner.scan import Scan
from scanner.service.settings import Settings
from scanner.store.archive import Archive

OVERRIDES = ("axes.mass.n=16", "axes.coupling.n=90")


def test_an_answer_that_did_not_change_is_not_sent_again(served, scan):
    path = f"scans/{scan.id}/contour?cl=0.9"
    first = served.get(path)
    etag = first.headers["etag"]
    again = served.get(path, headers={"If-None-Match": f'"other", {etag}'})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == etag
    other = served.get(f"scans/{scan.id}/contour?cl=0.95", headers={"If-None-Match": etag})
    assert other.status_code == 200
    assert other.headers["etag"] != etag


def test_a_long_answer_is_sent_compressed_to_who_understands_it(served, scan):
    path = f"scans/{scan.id}/contour?cl=0.6827"
    packed = served.get(path, headers={"Accept-Encoding": "gzip"})
    plain = served.get(path, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert packed.json() == plain.json()
    assert packed.headers["etag"] != plain.headers["etag"]
    for one in (packed, plain):
        again = served.get(path, headers={"If-None-Match": one.headers["etag"]})
        assert again.status_code == 304
        assert again.headers["etag"] == one.headers["etag"]


def test_a_scan_that_is_not_complete_is_answered_in_part_and_has_no_etag(tmp_path, serving):
    cut = (*OVERRIDES, "chunks.points=200")
    whole = Scan.of("light_vector_universal", cut, store=tmp_path / "a")
    whole.run()
    half = whole.stored
    numbers = sorted(half.done())[::2]
    half.discard(numbers)
    with serving(Settings(root=str(tmp_path / "a"), state=tmp_path / "state")) as served:
        path = f"scans/{half.id}/query?at=mass=10&at=coupling=5e-5"
        refused = served.get(path)
        assert refused.status_code == 409
        assert refused.json()["error"]["kind"] == "incomplete"
        assert f"of {half.grid.n_chunks} chunks done" in refused.json()["error"]["message"]
        listed = served.get("scans").json()["scans"][0]
        assert listed["phase"] == "incomplete"
        assert 0.0 < listed["fraction"] < 1.0
        picture = served.get(f"scans/{half.id}/thumbnail.png")
        assert picture.content.startswith(b"\x89PNG")
        assert "etag" not in picture.headers
        Scan.open(half.id, store=tmp_path / "a").run()
        deadline = time.monotonic() + 10
        while (answer := served.get(path)).status_code == 409:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert answer.headers["etag"]


def test_a_scan_that_was_removed_is_gone(tmp_path, serving):
    scan = Scan.of("light_vector_universal", OVERRIDES, store=tmp_path / "a")
    scan.run()
    with serving(Settings(root=str(tmp_path / "a"), state=tmp_path / "state")) as served:
        assert served.get(f"scans/{scan.id}/query?at=mass=10").status_code == 200
        shutil.rmtree(scan.stored.path)
        deadline = time.monotonic() + 10
        while served.get(f"scans/{scan.id}/query?at=mass=10").status_code != 404:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert served.get("scans").json()["scans"] == []
        assert Archive(tmp_path / "a").list() == []


def test_long_work_is_answered_later_and_blocks_nobody(root, scan, tmp_path, serving, monkeypatch):
    from scanner.service.routes import figures

    drawn = []
    original = figures.draw

    def slowly(*args, **how):
        drawn.append(1)
        time.sleep(2.0)
        return original(*args, **how)

    monkeypatch.setattr(figures, "draw", slowly)
    with serving(Settings(root=str(root), state=tmp_path, patience=0.2)) as served:
        path = f"{served.api}/scans/{scan.id}/figure.png"
        first = httpx.get(path)
        assert first.status_code == 202
        assert first.json() == {"wait": True}
        start = time.monotonic()
        assert httpx.get(f"{served.api}/health").status_code == 200
        assert httpx.get(f"{served.api}/scans/{scan.id}/query?at=mass=10").status_code == 200
        assert time.monotonic() - start < 1.5
        late = served.get(f"scans/{scan.id}/figure.png")
        assert late.content.startswith(b"\x89PNG")
        assert len(drawn) == 1


def test_a_late_answer_is_found_though_the_scan_grew_meanwhile(tmp_path, serving, monkeypatch):
    from scanner.service.routes import figures

    drawn = []
    original = figures.draw

    def slowly(*args, **how):
        drawn.append(1)
        time.sleep(4.0)
        return original(*args, **how)

    monkeypatch.setattr(figures, "draw", slowly)
    cut = (*OVERRIDES, "chunks.points=200")
    whole = Scan.of("light_vector_universal", cut, store=tmp_path / "a")
    whole.run()
    stored = whole.stored
    stored.discard(sorted(stored.done())[:2])
    settings = Settings(root=str(tmp_path / "a"), state=tmp_path / "state", patience=0.2)
    with serving(settings) as served:
        path = f"scans/{stored.id}/thumbnail.png"
        assert httpx.get(f"{served.api}/{path}").status_code == 202
        before = served.get("scans").json()["scans"][0]["fraction"]
        stored.discard(sorted(stored.done())[:1])
        deadline = time.monotonic() + 10
        while served.get("scans").json()["scans"][0]["fraction"] == before:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert served.get(path).content.startswith(b"\x89PNG")
        assert len(drawn) == 1


def test_too_much_waiting_is_refused(root, scan, tmp_path, serving, monkeypatch):
    from scanner.service.routes import figures

    monkeypatch.setattr(figures, "draw", lambda *a, **k: time.sleep(3.0))
    with serving(Settings(root=str(root), state=tmp_path, patience=0.01, waiting=2)) as served:
        looks = ["journal", "wide", "talk"]
        paths = [f"{served.api}/scans/{scan.id}/figure.svg?look={look}" for look in looks]
        answers = [httpx.get(path) for path in paths]
        answers += [httpx.get(f"{path}&dof=1") for path in paths]
        refused = [a for a in answers if a.status_code == 503]
        assert refused
        assert refused[0].headers["Retry-After"] == "1"
        assert refused[0].json()["error"]["kind"] == "busy"
        assert httpx.get(f"{served.api}/health").status_code == 200


@pytest.mark.parametrize("size", [0, 10**9])
def test_cubes_leave_memory_but_never_the_one_that_is_asked(root, scan, tmp_path, size):
    from scanner.service.shelf import Shelf

    shelf = Shelf(str(root), size)
    held = shelf.scan(scan.id)
    assert shelf.scan(scan.id) is held
    assert held.settled
