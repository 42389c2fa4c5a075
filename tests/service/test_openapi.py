"""The API against its own OpenAPI document: whatever it allows is answered as it says."""

from __future__ import annotations

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from scanner.scan import Scan
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
        case.call_and_validate(
            base_url=served.url, timeout=60, excluded_checks=[positive_data_acceptance]
        )

    answered()
