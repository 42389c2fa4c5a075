"""The API against its own OpenAPI document: whatever it allows is answered as it says."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from scanner.scan import Scan
from scanner.service.access.tokens import Tokens
from scanner.service.app import API, create_app
from scanner.service.settings import Settings

EXAMPLES = 15
SCHEMA = schemathesis.openapi.from_dict(
    create_app(Settings(root="nowhere", state=Path("nowhere"))).openapi()
)
OPERATIONS = {
    f"{one.ok().method.upper()} {one.ok().path.removeprefix(API)}": one.ok()
    for one in SCHEMA.get_all_operations()
    if isinstance(one, Ok)
}


def test_the_document_is_served(served):
    assert served.get("openapi.json").json()["paths"].keys() == SCHEMA.raw_schema["paths"].keys()


def _name_what_there_is(case: Case, scan: Scan) -> None:
    """Axes, experiments and scans that exist get further; two thirds of the cases keep theirs.

    Which they are the document cannot say, so that a name it allows may be refused.
    """
    names = {
        "at": ["mass=10", "coupling=5e-5"],
        "keep": ["mass", "coupling"],
        "experiment": ["coherent_csi_2021"],
        "parameter": "coupling",
        "overlay": ["bl_*"],
    }
    query = case.query or {}
    for name, usual in names.items():
        if name in query and len(str(query[name])) % 3:
            query[name] = usual
    if "scan" in (case.path_parameters or {}):
        case.path_parameters["scan"] = scan.id


@pytest.mark.parametrize("name", OPERATIONS)
def test_answers_are_those_of_the_document(served, scan, name):
    operation = OPERATIONS[name]

    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def answered(case: Case) -> None:
        _name_what_there_is(case, scan)
        # on the loopback no token is looked at; where they are is tested below
        case.call_and_validate(
            base_url=served.url,
            timeout=60,
            excluded_checks=[positive_data_acceptance, ignored_auth],
        )

    answered()


def _address(url: str, scan: Scan, name: str) -> tuple[str, str]:
    """Method and address of an operation, its places filled with what there is."""
    method, path = name.split(" ", 1)
    place = {"scan": scan.id, "suffix": "png", "number": "1", "name": "coherent_csi_2021"}
    filled = re.sub(r"\{(\w+)(:\w+)?\}", lambda m: place.get(m[1], "zarr.json"), path)
    return method, f"{url}{API}{filled}"


def test_every_operation_but_two_wants_a_token(root, scan, tmp_path, serving):
    secret = Tokens(tmp_path).create("anna", "read")
    with serving(Settings(root=str(root), state=tmp_path, access="token")) as served:
        asked = {name: _address(served.url, scan, name) for name in OPERATIONS}
        bare = {name: httpx.request(*one, timeout=60) for name, one in asked.items()}
        free = {name for name, answer in bare.items() if answer.status_code != 401}
        assert free == {"GET /", "GET /health"}
        assert {OPERATIONS[n].definition.raw.get("security") is None for n in free} == {True}
        shown = {"Authorization": f"Bearer {secret}"}
        for name, one in asked.items():
            found = httpx.request(*one, headers=shown, timeout=60).status_code
            # reading is never refused; everything else starts or ends something
            assert (found == 403) == name.startswith("POST /scans"), name
            assert found != 401, name
