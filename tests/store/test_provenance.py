from __future__ import annotations

import json
from datetime import datetime

import numpy as np

from scanner.definition import ScanDefinition
from scanner.store import provenance


def test_root_attributes_say_what_made_the_numbers(definition: ScanDefinition) -> None:
    attributes = json.loads(json.dumps(provenance.root_attributes(definition, ["A paper"])))
    assert attributes["digest"] == definition.digest
    assert ScanDefinition.from_dict(attributes["definition"]) == definition
    assert attributes["references"] == ["A paper"]
    assert attributes["environment"]["numpy"] == np.__version__
    assert attributes["environment"]["cpu"]
    assert datetime.fromisoformat(attributes["created"]).utcoffset() is not None


def test_absent_packages_have_no_version() -> None:
    assert provenance.package_version("no-such-distribution") == ""
    assert "" not in provenance.numeric_versions().values()
