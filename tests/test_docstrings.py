"""Paragraphs and parameters of docstrings in NumPy form."""

from __future__ import annotations

import pytest

from scanner.docstrings import paragraphs, parameters

LOAD = """Load it.

    With a remark.

    Parameters
    ----------
    timing : "a" or "b"
        Arrival: one
        or two.
    low, high : float
        Range.

    Returns
    -------
    made : Experiment
        All of it.
    """


def test_entries_end_with_their_section() -> None:
    assert parameters(LOAD) == {
        "timing": "Arrival: one or two.",
        "low": "Range.",
        "high": "Range.",
    }


@pytest.mark.parametrize("text", [None, "", "One line.", "Parameters\nof life : none"])
def test_no_section_no_entries(text: str | None) -> None:
    assert parameters(text) == {}


def test_a_colon_in_a_description_starts_no_entry() -> None:
    text = "A.\n\nParameters\n----------\na : str\n    One : two.\n\n    More.\nb : str\n    B."
    assert parameters(text) == {"a": "One : two. More.", "b": "B."}


def test_paragraphs() -> None:
    assert paragraphs("A\nb.\n\n    x = 1\n    y = 2\n\nC.") == [
        "A b.",
        "    x = 1\n    y = 2",
        "C.",
    ]
    assert paragraphs(None) == []
