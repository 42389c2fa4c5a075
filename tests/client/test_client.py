"""The client: what a service lists, what is submitted to it, how it is reached."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest
import uvicorn
import xarray as xr

import scanner
from scanner import definition
from scanner.client import written
from scanner.client.client import connect
from scanner.errors import (
    CatalogError,
    ClusterError,
    DefinitionError,
    IncompleteScanError,
    MismatchError,
)
from scanner.execution.security.certificates import make_certificates
from scanner.service.app import create_app
from scanner.service.settings import Settings

NAME = "light_vector_universal"
SMALL = ("axes.mass.n=16", "axes.coupling.n=90")


def test_the_door_is_in_the_package(served, scan):
    with scanner.connect(served.url + "/api/v1") as client:
        assert repr(client) == f"Client({served.url})"
        assert client.scan(scan.id).id == scan.id
        assert repr(client.scan(scan.id)) == f"RemoteScan({scan.id}, {served.url})"


def test_list(client, scan):
    [one] = client.scans()
    assert client.list() == [one]
    assert (one["id"], one["name"], one["phase"]) == (scan.id, NAME, "complete")


def test_a_scan_by_id_prefix_and_name(client, scan):
    for name in (scan.id, scan.id[:5], NAME):
        assert client.scan(name).id == scan.id


@pytest.mark.parametrize("name", ["0" * 16, "light_vector_universl", "abc", "../.."])
def test_a_scan_that_is_not_there(client, scan, name):
    with pytest.raises(CatalogError) as told:
        client.scan(name)
    assert name in str(told.value)
    if name.startswith("light"):
        assert f"did you mean {NAME!r}" in str(told.value)


def test_of_two_scans_of_one_name_that_of_the_definition_as_it_stands(script):
    def listed(*ids):
        rows = ", ".join(f'{{"id": "{i}", "name": "a"}}' for i in ids)
        return [(200, {}, f'{{"scans": [{rows}], "total": {len(ids)}}}'.encode())]

    script.answers["definitions"] = [(200, {}, b'[{"name": "a", "scan": "0123456789abcde1"}]')]
    script.answers["scans"] = listed("0123456789abcde0", "0123456789abcde1")
    with connect(script.url) as client:
        assert client.scan("a").id == "0123456789abcde1"
        script.answers["scans"] = listed("0123456789abcde2", "0123456789abcde3")
        with pytest.raises(CatalogError, match=r"may be 0123456789abcde2 \(a\), 0123456789abcde3"):
            client.scan("a")


@pytest.mark.parametrize(
    "ask",
    [
        lambda scan: scan.chi2_sm,
        lambda scan: scan.bibliography(),
        lambda scan: scan.minima,
        lambda scan: scan.state(),
        lambda scan: scan.query({"mass": 10.0}),
    ],
    ids=["chi2_sm", "bibliography", "minima", "state", "query"],
)
def test_a_scan_that_waits_to_be_made_says_so(waiting, ask):
    with pytest.raises(IncompleteScanError, match=r"^scan \w{16} is queued and not made yet: wait"):
        ask(waiting)


@pytest.fixture(scope="module")
def waiting(serving, tmp_path_factory):
    """A scan in the queue of a service that begins none."""
    place = tmp_path_factory.mktemp("waiting")
    settings = Settings(root=str(place / "store"), state=place / "state", at_once=0)
    with serving(settings) as one, connect(one.url) as made:
        yield made.submit(NAME, SMALL)


def test_a_long_list_comes_in_pages(script):
    def page(first, n):
        rows = ", ".join(f'{{"id": "{i}"}}' for i in range(first, first + n))
        return 200, {}, f'{{"scans": [{rows}], "total": 250}}'.encode()

    script.answers["scans"] = [page(0, 200), page(200, 50)]
    with connect(script.url) as client:
        assert [one["id"] for one in client.list()] == [f"{i}" for i in range(250)]
    assert script.asked[-1][1].endswith("offset=200&limit=200")


def test_catalogue(client):
    from scanner import catalog

    assert {one["scenario"] for one in client.scenarios()} == set(catalog.scenario_names())
    assert {one["name"] for one in client.experiments()} == set(catalog.experiment_names())
    assert {one["name"] for one in client.definitions()} == set(catalog.definition_names())


def test_a_plan_by_name_file_tables_and_definition(client, scan, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(scan.definition.to_toml())
    tables = {k: v for k, v in scan.definition.to_dict().items() if k != "name"}
    for source, overrides in (
        (NAME, SMALL),
        (file, ()),
        (str(file), ()),
        (tables, ()),
        (scan.definition, ()),
    ):
        told = client.plan(source, overrides)
        assert told["scan"] == scan.id
        assert told["stored"] is True
        assert told["cost"]["points"] == 16 * 90
    assert client.plan(NAME, SMALL)["definition"]["name"] == NAME


def test_what_is_overridden_is_another_scan(client, scan):
    told = client.plan(NAME, (*SMALL, "parameters.model=B-L"))
    assert told["scan"] == definition.load(NAME, (*SMALL, "parameters.model=B-L")).id != scan.id
    assert told["stored"] is False


def test_experiments_in_files_are_sent_as_text(client, tmp_path):
    """The service opens no file; what is beside the definition is read here."""
    from scanner import catalog

    name = catalog.text_names()[0]
    text = catalog.experiment_text(name)
    (tmp_path / "mine_here.toml").write_text(text.read_text())
    for beside in re.findall(r'"([\w/]+\.csv)"', text.read_text()):
        (tmp_path / beside).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / beside).write_bytes((text.parent / beside).read_bytes())
    file = tmp_path / "scan.toml"
    file.write_text(
        'scenario = "light_vector"\nexperiments = ["mine_here.toml", "coherent_csi_2021"]\n'
        '[parameters]\nmodel = "universal"\n'
        '[axes.mass]\nspacing = "log"\nstart = 1\nstop = 100\nn = 4\nunit = "MeV"\n'
        '[axes.coupling]\nspacing = "log"\nstart = 1e-6\nstop = 1e-3\nn = 5\n'
        '[experiment.mine_here]\ntitle = "Changed"\n'
    )
    here = definition.load(file)
    told = client.plan(file)
    assert told["scan"] == here.id
    assert told["definition"]["name"] == "scan"
    assert told["definition"]["experiment"]["mine_here"]["title"] == "Changed"
    sent = written.tables(file)
    assert sent["experiments"] == ["mine_here", "coherent_csi_2021"]
    assert str(tmp_path) not in repr(sent)


@pytest.mark.parametrize(
    ("source", "overrides", "kind", "said"),
    [
        ("light_vector_universl", (), CatalogError, f"did you mean '{NAME}'"),
        ("nowhere.toml", (), DefinitionError, "nowhere.toml: cannot be read"),
        (NAME, ("axes.mass.n=1",), DefinitionError, "n"),
        (NAME, ("axes",), DefinitionError, "key=value"),
        ({"scenario": "os:system", "experiments": ["a"]}, (), DefinitionError, "os:system"),
        ({"scenario": "nsi", "experiments": ["/etc/x.toml"]}, (), DefinitionError, "cannot be rea"),
    ],
)
def test_what_cannot_be_planned(client, source, overrides, kind, said):
    with pytest.raises(kind, match=said):
        client.plan(source, overrides)


def test_a_resolved_definition_takes_no_overrides(client, scan):
    with pytest.raises(DefinitionError, match="resolved already"):
        client.plan(scan.definition, SMALL)


def test_a_resolved_definition_that_is_another_scan_there(script, scan):
    script.answers["plan"] = [(200, {}, b'{"scan": "0123456789abcdef"}')]
    with connect(script.url) as client, pytest.raises(MismatchError, match="other versions"):
        client.submit(scan.definition)
    assert script.count("scans") == 0


def test_a_repeated_question_is_answered_from_memory(client, scan):
    seen = []
    client._transport._http.event_hooks["response"].append(
        lambda response: seen.append((response.request.url.path, response.status_code))
    )
    first = client.scan(scan.id).contour(cls=(0.9, 0.95))
    asked = len(seen)
    assert (f"/api/v1/scans/{scan.id}/contour", 200) in seen
    again = client.scan(scan.id).contour(cls=(0.9, 0.95))
    assert {status for _, status in seen[asked:]} == {304}
    assert again.to_dict() == first.to_dict()


@pytest.fixture
def encrypted(root, tmp_path):
    """A server that speaks https with the certificate of an authority of its own, and that."""
    made = make_certificates(tmp_path / "tls", hosts=("127.0.0.1",))
    app = create_app(Settings(root=str(root), state=tmp_path / "state"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            app,
            log_level="critical",
            ws="none",
            timeout_graceful_shutdown=5,
            ssl_certfile=made.folder / "node.pem",
            ssl_keyfile=made.folder / "node.key",
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.02)
        try:
            yield f"https://127.0.0.1:{listening.getsockname()[1]}", made.folder / "ca.pem"
        finally:
            server.should_exit = True
            thread.join(timeout=30)


def test_a_private_authority_is_trusted_where_it_is_named(encrypted, scan):
    url, authority = encrypted
    with pytest.raises(ClusterError, match=r"certificate cannot be trusted.*verify=FILE"):
        connect(url)
    with connect(url, verify=authority) as client:
        remote = client.scan(scan.id)
        assert remote.contour().to_dict() == scan.contour().to_dict()
        xr.testing.assert_identical(remote.dataset(), scan.dataset())
        # the two ways of deploy/service/README.md
        by_address = {"ssl": ssl.create_default_context(cafile=authority)}
        for options in (remote.storage_options, by_address):
            with xr.open_zarr(remote.cube_url, storage_options=options) as cube:
                assert (cube["chi2"].values == scan.dataset()["chi2"].values).all()


@pytest.mark.parametrize(
    "ask",
    [
        lambda scan: scan.query({"mass": 1.0}),
        lambda scan: scan.interval("mass"),
        lambda scan: scan.contour(),
        lambda scan: scan.state(),
        lambda scan: scan.minima,
        lambda scan: scan.definition,
        lambda scan: scan.phase,
    ],
)
@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"state": 1, "minima": [1]}'])
def test_an_answer_in_another_form_is_told_in_one_line(script, ask, body):
    name = "0123456789abcdef"
    for verb in ("", "/query", "/interval", "/contour"):
        script.answers[f"scans/{name}{verb}"] = [(200, {}, body)]
    with connect(script.url) as client, pytest.raises(ClusterError, match=r"version|no scanner's"):
        ask(client.scan(name))


def test_connecting_brings_no_machine_along():
    """Neither Dask, nor matplotlib, nor the web framework; httpx when it connects."""
    heavy = {"dask", "distributed", "matplotlib", "numba", "fastapi", "uvicorn", "httpx"}
    code = f"import sys, scanner; scanner.connect; print(*sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
