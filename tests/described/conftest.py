"""A small description that tests change, and the folder to write it in."""

from __future__ import annotations

import copy
from typing import Any

import pytest

BASE: dict[str, Any] = {
    "title": "Toy argon",
    "source": {
        "kind": "stopped_pion",
        "neutrinos_per_proton": 0.09,
        "protons": 1.37e23,
        "distance": {"value": 27.5, "unit": "m"},
        "pulse": {"mean": {"value": 0.44, "unit": "us"}, "sigma": {"value": 0.15, "unit": "us"}},
    },
    "target": {"material": "Ar", "mass": {"value": 24.0, "unit": "kg"}},
    "response": {
        "quenching": {
            "kind": "linear",
            "constant": 0.246,
            "slope": {"value": 7.8e-4, "unit": "1/keVnr"},
        },
        "resolution": {"kind": "gaussian", "unit": "keVee", "sqrt": 0.58},
        "efficiency": {
            "kind": "table",
            "unit": "keVee",
            "energy": [0.0, 1.0, 3.75, 10.0, 40.0],
            "value": [0.0, 0.0, 0.5, 0.9, 0.95],
        },
    },
    "bins": {
        "energy": {"unit": "keVee", "start": 0, "stop": 120, "n": 12},
        "time": {"unit": "us", "start": -0.1, "stop": 4.9, "n": 10},
    },
    "backgrounds": {"steady": {"kind": "flat", "counts": 3152}},
    "pulls": {
        "signal": {"sigma": 0.13, "acts_on": ["signal"]},
        "steady": {"sigma": 0.01, "acts_on": ["steady"]},
    },
}


def changed(*changes: tuple[str, Any], base: dict[str, Any] = BASE) -> dict[str, Any]:
    """The description with values put in by dotted key; None takes an entry out."""
    raw = copy.deepcopy(base)
    for key, value in changes:
        *tables, last = key.split(".")
        place = raw
        for name in tables:
            place = place.setdefault(name, {})
        if value is None:
            del place[last]
        else:
            place[last] = value
    return raw


@pytest.fixture
def base() -> dict[str, Any]:
    """A copy of the description."""
    return copy.deepcopy(BASE)


@pytest.fixture
def change():
    """Makes a changed copy."""
    return changed
