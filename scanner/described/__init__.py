"""Experiments as text: tables of a TOML file that describe a source, a target and a detector."""

from scanner.described.build import experiment
from scanner.described.text import (
    LABELS,
    SUFFIX,
    is_description,
    name_of,
    no_measurement,
    physics,
    read,
)

__all__ = [
    "LABELS",
    "SUFFIX",
    "experiment",
    "is_description",
    "name_of",
    "no_measurement",
    "physics",
    "read",
]
