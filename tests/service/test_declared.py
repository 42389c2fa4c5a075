"""A query key that a route does not know is refused, at every route, with what to write."""

from __future__ import annotations

import re

import httpx
import pytest

from scanner.service.app import API, create_app
from scanner.service.declared import keys, mend
from scanner.service.settings import Settings


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (
            "query?mass=10&coupling=5e-5",
            "'mass' = '10': mass is an axis of the scan: write at=mass=10",
        ),
        ("interval?parameter=coupling&mass=1", "write at=mass=1"),
        ("contour?clevel=0.5", "'clevel' = '0.5': unknown key 'clevel': did you mean 'cl'?"),
        ("query?mass=1e99", "write at=mass=1e99"),
        ("query?at=mass=10&mass=10", "write at=mass=10"),
        ("query?model=B-L", "model has one value in this scan"),
        ("overlays?mass=10", "this question holds no axis (known: keep)"),
        ("cube.zarr/zarr.json?v=1", "unknown key 'v' (known: none)"),
        ("?mass=10", "this question holds no axis (known: none)"),
    ],
)
def test_an_unknown_key_is_refused_with_the_mend(served, scan, path, said):
    answer = served.get(f"scans/{scan.id}{'' if path[0] == '?' else '/'}{path}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["exit_code"] == 2
    assert said in answer.json()["error"]["message"]


def test_the_right_form_excludes_the_point_that_the_wrong_one_did_not(served, scan):
    told = served.get(f"scans/{scan.id}/query?at=mass=10&at=coupling=5e-5").json()
    assert told["at"] == {"mass": 10.0, "coupling": 5e-5}
    assert told == {**told, **scan.query({"mass": 10.0, "coupling": 5e-5}).to_dict()}


def test_every_route_refuses_and_its_document_says_so(served, scan):
    document = served.get("openapi.json").json()["paths"]
    place = {"scan": scan.id, "suffix": "png", "number": "1", "name": "x", "key": "zarr.json"}
    asked = [(method, path) for path, found in document.items() for method in found]
    assert len(asked) > 20
    for method, path in asked:
        assert "422" in document[path][method]["responses"], path
        filled = re.sub(r"\{(\w+)\}", lambda m: place[m[1]], path)
        answer = httpx.request(method, f"{served.url}{filled}?nonsense=3", timeout=60)
        assert answer.status_code == 422, f"{method} {path}: {answer.text}"
        assert "'nonsense' = '3'" in answer.json()["error"]["message"]


def test_a_long_key_is_not_repeated_whole(served, scan):
    answer = served.get(f"scans/{scan.id}/query?{'k' * 4000}={'v' * 4000}")
    assert answer.status_code == 422
    assert len(answer.text) < 600


def test_keys_are_those_of_the_document(tmp_path):
    app = create_app(Settings(root=str(tmp_path), state=tmp_path))
    assert keys(app, "GET", f"{API}/scans") == ("offset", "limit")
    assert keys(app, "POST", f"{API}/scans") == ("priority",)
    assert keys(app, "HEAD", f"{API}/health") == ()


def test_a_name_that_no_scan_has_is_only_unknown():
    assert "unknown key 'mass'" in mend("mass", "1", ("at",), (), ())
