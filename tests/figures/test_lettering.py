"""Lines are as long as they may be, and maths is never torn."""

import pytest

from scanner.figures import style
from scanner.figures.lettering import listed, safe, width, words, wrapped


@pytest.fixture(autouse=True)
def _journal():
    with style.journal():
        yield


def test_lines_are_no_wider_than_asked_and_nothing_is_lost() -> None:
    text = r"The $L_\mu - L_\tau$ boson, " * 6 + "x" * 80
    lines = wrapped(words(text), 1.5, 8.0).split("\n")
    assert all(width(line, 8.0) <= 1.5 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(line.count("$") % 2 == 0 for line in lines)


def test_pieces_stay_whole_while_they_fit() -> None:
    pieces = listed(["scan 0123", "neutron radius = 5", "cevns scanner 0.1"])
    assert wrapped(pieces, 1.0, 7.0).split("\n") == pieces
    assert wrapped(pieces, 9.0, 7.0) == "scan 0123, neutron radius = 5, cevns scanner 0.1"


def test_width_is_in_inches_and_grows_with_the_size() -> None:
    assert width("M" * 10, 14.0) == pytest.approx(2.0 * width("M" * 10, 7.0), rel=0.02)
    assert width("M" * 10, 7.0) == pytest.approx(10 * 0.88 * 7.0 / 72.0, rel=0.05)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        (r"$B-L$ vector", r"$B-L$ vector"),
        ("5 $", r"5 \$"),
        (r"\$5 and $6", r"\$5 and \$6"),
        (r"$\nosuchsymbol$", r"\$\nosuchsymbol\$"),
        ("plain", "plain"),
    ],
)
def test_only_maths_that_parses_keeps_its_dollars(text: str, printed: str) -> None:
    assert safe(text) == printed
