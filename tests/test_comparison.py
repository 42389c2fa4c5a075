"""What the rows of a figure of many intervals are called, and how combined limits are drawn."""

import re
from types import SimpleNamespace

from scanner import comparison
from scanner.comparison import Limits, draw_combination
from scanner.limits.combine import combine
from scanner.scan import Scan


def shown(
    title: str, parameter: str = "sin2_theta_w", name: str = "a", id_: str = "0123456789"
) -> Limits:
    definition = SimpleNamespace(title=title, name=name)
    return Limits(SimpleNamespace(definition=definition, id=id_), parameter, {})  # type: ignore[arg-type]


def names(*rows: Limits) -> list[str]:
    return comparison._names(rows)


def test_rows_of_one_parameter_are_called_by_what_their_titles_do_not_share():
    rows = [shown("Weak angle, COHERENT CsI"), shown("Weak angle at low energy, CONUS+")]
    assert names(*rows) == ["COHERENT CsI", "at low energy, CONUS+"]


def test_a_parameter_that_stands_once_needs_no_name():
    assert names(shown("NSI, CsI", "eps_ee_u"), shown("NSI, CsI", "eps_ee_d")) == ["", ""]


def test_scans_of_one_title_are_called_by_their_id():
    assert names(shown("One", id_="aaaaaaaaa1"), shown("One", id_="bbbbbbbbb2")) == [
        "a aaaaaaaa",
        "a bbbbbbbb",
    ]


def test_sensitivities_exclude_nothing_yet(tmp_path):
    """Asimov data of the Standard Model have no best fit, and what they exclude is to come."""
    cut = ["axes.mass.n=8", "axes.coupling.n=30"]
    scans = [
        Scan.launch("light_vector_universal", [*cut, f"experiments=['{name}']"], store=tmp_path)[0]
        for name in ("csi_ess", "coherent_lar_2020")
    ]
    both = combine(scans)
    path = draw_combination(both, tmp_path / "both.svg")
    written = " ".join(re.findall("<!-- (.*?) -->", path.read_text()))
    assert "expected to be excluded at 90 % CL" in written
    whole = both.delta_chi2(("mass", "coupling"))
    assert comparison._marks(both, whole, expected=True) == []  # no coupling of 0 on a log axis
    assert "CsI at the ESS (expected)" in written
