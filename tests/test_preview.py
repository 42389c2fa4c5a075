"""Previews: few points on the same ranges, a name and an id of their own."""

import pytest

from scanner.definition import load
from scanner.preview import MOST_POINTS, preview


@pytest.mark.parametrize("name", ["nsi_ee_u", "light_vector_universal", "nsi_4d", "nsi_6d"])
def test_axes_keep_their_ends_and_lose_their_points(name: str) -> None:
    chosen = load(name)
    thin, [said] = preview(chosen)
    for axis, full in zip(thin.axes, chosen.axes, strict=True):
        assert len(axis) == min(MOST_POINTS[len(chosen.axes)], len(full))
        assert axis.coordinates[[0, -1]].tolist() == full.coordinates[[0, -1]].tolist()
    assert thin.id != chosen.id
    assert thin.name == f"{name}_preview"
    assert thin.title.startswith("Preview: ")
    assert chosen.id in said
    assert thin.id in said


def test_a_list_keeps_some_of_its_values() -> None:
    values = [round(0.001 * i**2, 6) for i in range(100)]
    chosen = load(
        "nsi_ee_u",
        [f'axes.eps_ee_u={{spacing="list", values={values}}}'],
    )
    [axis] = preview(chosen)[0].axes
    assert len(axis) == MOST_POINTS[1]
    assert set(axis.coordinates) <= set(values)
    assert (axis.coordinates[0], axis.coordinates[-1]) == (values[0], values[-1])


def test_a_small_scan_is_its_own_preview() -> None:
    chosen = load("nsi_ee_u", ["axes.eps_ee_u.n=20"])
    thin, [said] = preview(chosen)
    assert thin is chosen
    assert "this is the scan itself" in said
