"""Published limits lie beneath our own, are named once, and hide nothing."""

import dataclasses

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.text import Annotation

from scanner.figures.exclusion import Piece, Planes, Published, exclusion_figure
from scanner.grid import Axis

AXES = (Axis("mass", "log", 0.1, 1e4, 30, "MeV"), Axis("coupling", "log", 1e-6, 1e-2, 40))
M, G = np.meshgrid(*(axis.coordinates for axis in AXES), indexing="ij")
OURS = 60.0 * (G / 1e-4) ** 4 / (1.0 + (M / 50.0) ** 2) ** 2
RING = np.array([[1.0, 2e-6], [50.0, 2e-6], [10.0, 3e-5], [1.0, 2e-5], [1.0, 2e-6]])
EDGE = np.array([[200.0, 3e-4], [1000.0, 2e-4], [9000.0, 5e-4]])
DUMP = Published("E137", [Piece(RING)], "beam dumps")
COLLIDER = Published("BaBar", [Piece(EDGE, above=True)], "colliders")
BAND = Published("g-2", [Piece(RING * np.array([1.0, 300.0]))], "preferred", "preferred")


def draw(*published: Published) -> Figure:
    return exclusion_figure(Planes(axes=AXES, combined=OURS, published=published))


def entries(figure: Figure) -> list[str]:
    return [text.get_text().replace("\n", " ") for text in figure.axes[0].get_legend().get_texts()]


def tags(figure: Figure) -> dict[str, Annotation]:
    return {t.get_text(): t for t in figure.axes[0].texts if isinstance(t, Annotation)}


def regions(figure: Figure) -> list[PathPatch]:
    return [p for p in figure.axes[0].patches if isinstance(p, PathPatch) and p.get_zorder() < 1.0]


def test_each_kind_has_one_entry_and_a_look_of_its_own() -> None:
    figure = draw(DUMP, COLLIDER, dataclasses.replace(DUMP, label="E141"), BAND)
    kinds = [entry for entry in entries(figure) if entry != "combined"]
    assert [kind.split(":")[0] for kind in kinds] == ["beam dumps", "colliders", "preferred"]
    looks = {(patch.get_facecolor(), patch.get_hatch()) for patch in regions(figure)}
    assert len(looks) == 3
    assert len(regions(figure)) == 4


def test_they_lie_below_our_lines() -> None:
    figure = draw(DUMP, COLLIDER)
    ours = [line for line in figure.axes[0].lines if line.get_color() == "black"]
    others = [line for line in figure.axes[0].lines if line.get_color() != "black"]
    assert min(line.get_zorder() for line in ours) > max(line.get_zorder() for line in others)


def test_an_edge_fills_to_the_top_and_not_below() -> None:
    (patch,) = regions(draw(COLLIDER))
    assert patch.get_path().contains_point((1000.0, 9e-3))
    assert not patch.get_path().contains_point((1000.0, 1e-4))
    assert not patch.get_path().contains_point((100.0, 9e-3))


def test_a_small_region_is_not_hidden_below_a_large_one() -> None:
    whole = Published("all", [Piece(np.array([[0.1, 1.1e-6], [1e4, 1.1e-6]]), above=True)], "x")
    large, small = sorted(
        regions(draw(DUMP, whole)), key=lambda patch: -np.ptp(patch.get_path().vertices[:, 0])
    )
    assert small.get_zorder() > large.get_zorder()


def test_a_name_stands_inside_its_region_or_in_the_legend() -> None:
    figure = draw(DUMP, COLLIDER)
    frame = figure.axes[0]
    figure.draw_without_rendering()
    box = tags(figure)["E137"].get_window_extent()
    ring = frame.transData.transform(RING)
    assert Path(ring).contains_points([(box.x0, box.y0), (box.x1, box.y1)]).all()
    assert "beam dumps" in entries(figure)
    long = Published("a name that is far too long", [Piece(RING)], "beam dumps")
    assert "beam dumps: a name that is far too long" in entries(draw(long))


def test_names_lie_on_no_line_and_not_on_each_other() -> None:
    figure = draw(DUMP, dataclasses.replace(DUMP, label="CHARM"), COLLIDER, BAND)
    figure.draw_without_rendering()
    boxes = [tag.get_window_extent() for tag in tags(figure).values()]
    legend = figure.axes[0].get_legend().get_window_extent()
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in [*boxes[:number], legend])
    for line in figure.axes[0].lines:
        points = figure.axes[0].transData.transform(line.get_xydata())
        for box in boxes:
            inside = (points >= (box.x0, box.y0)) & (points <= (box.x1, box.y1))
            assert not inside.all(axis=1).any()


def test_what_lies_outside_is_said() -> None:
    away = Published("far away", [Piece(RING * np.array([1.0, 1e-4]))], "beam dumps")
    assert "beam dumps: far away (outside)" in entries(draw(away))


def test_a_line_has_no_inside() -> None:
    figure = draw(dataclasses.replace(DUMP, shows="line"))
    assert regions(figure) == []
    assert len(figure.axes[0].get_legend().get_lines()) == 1


@pytest.mark.parametrize("published", [(), (DUMP,)])
def test_our_region_lets_others_through_only_where_there_are_some(
    published: tuple[Published, ...],
) -> None:
    (ours,) = (p for p in draw(*published).axes[0].patches if p.get_zorder() == 1.0)
    assert (ours.get_alpha() is None) == (not published)
