"""What a reader of the figure relies on: regions, lines that differ, words, sizes."""

import dataclasses

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch

from scanner.figures import style
from scanner.figures.exclusion import Mark, Planes, exclusion_figure
from scanner.figures.frame import Note
from scanner.grid import Axis

AXES = (Axis("mass", "log", 0.1, 1e4, 60, "MeV"), Axis("coupling", "log", 1e-6, 1e-2, 120))
M, G = np.meshgrid(*(axis.coordinates for axis in AXES), indexing="ij")


def universal(power: float, m: np.ndarray = M, g: np.ndarray = G) -> np.ndarray:
    return power * ((1.0 - (g / 6e-5) ** 2 / (1.0 + (m / 50.0) ** 2)) ** 2 - 0.97) ** 2


PLANES = Planes(
    axes=AXES,
    combined=universal(60.0),
    combined_label="CsI + LAr",
    singles={"CsI": universal(50.0), "LAr": universal(10.0)},
)
NOTE = Note(title="Universal light vector", provenance="3f2a91c0, AC22, helm, scanner 0.1.0")


def legend_words(figure: Figure) -> list[str]:
    legend = figure.axes[0].get_legend()
    return [text.get_text() for text in legend.get_texts()] + [legend.get_title().get_text()]


def filled(figure: Figure) -> PathPatch:
    (patch,) = (
        p
        for p in figure.axes[0].patches
        if isinstance(p, PathPatch)
        and p.get_facecolor()[:3] == pytest.approx((0.788, 0.827, 0.871), abs=0.01)
    )
    return patch


def test_the_excluded_side_is_filled_and_the_strip_is_not() -> None:
    fine = (Axis("mass", "log", 0.1, 1e4, 200, "MeV"), Axis("coupling", "log", 1e-6, 1e-2, 400))
    m, g = np.meshgrid(*(axis.coordinates for axis in fine), indexing="ij")
    path = filled(exclusion_figure(Planes(axes=fine, combined=universal(60.0, m, g)))).get_path()
    strip = 6e-5 * np.sqrt(2.0) * 20.0
    assert not path.contains_point((1000.0, strip * 0.992))
    assert path.contains_point((1000.0, strip * 0.7))
    assert path.contains_point((1000.0, strip * 1.5))
    assert not path.contains_point((1.0, 1e-6))


def test_experiments_differ_in_colour_and_in_dashes() -> None:
    frame = exclusion_figure(PLANES, note=NOTE).axes[0]
    looks = {
        (h.get_label(), str(h.get_color()), h.get_linestyle(), str(h._dash_pattern))
        for h in frame.get_legend().get_lines()
        if isinstance(h, Line2D)
    }
    assert len({look[1] for look in looks}) == len({look[3] for look in looks}) == 2
    assert len({style.line(n)["dashes"] + (style.line(n)["color"],) for n in range(12)}) == 12


def test_lines_are_cut_to_the_excluded_side() -> None:
    frame = exclusion_figure(PLANES, note=NOTE).axes[0]
    assert frame.lines
    assert all(line.get_clip_path() is not None for line in frame.lines)


def test_the_figure_says_level_reference_experiments_and_origin() -> None:
    figure = exclusion_figure(
        PLANES, cl=0.9545, dof=2, note=dataclasses.replace(NOTE, reference="sm")
    )
    words = legend_words(figure)
    assert words[:3] == ["CsI + LAr", "CsI", "LAr"]
    assert "excluded at 95.45 % CL, 2 dof" in words[3]
    assert "from the Standard Model" in words[3]
    assert figure.get_suptitle() == "Universal light vector"
    assert any("3f2a91c0" in text.get_text() for text in figure.texts)


def test_an_incomplete_scan_says_so_and_hatches_what_is_missing() -> None:
    combined = PLANES.combined.copy()
    combined[40:, 60:] = np.nan
    planes = dataclasses.replace(PLANES, combined=combined)
    words = legend_words(exclusion_figure(planes, note=dataclasses.replace(NOTE, computed=0.8333)))
    assert "no value" in words
    assert "83 % of the grid computed" in words[-1].replace("\n", " ")
    complete = legend_words(exclusion_figure(PLANES, note=NOTE))
    assert "no value" not in complete
    assert "computed" not in complete[-1]


def test_axis_labels_scales_and_limits() -> None:
    labels = (style.label(r"M_{Z'}", "MeV"), style.label(r"g_{Z'}", ""))
    frame = exclusion_figure(PLANES, labels=labels).axes[0]
    assert (frame.get_xlabel(), frame.get_ylabel()) == ("$M_{Z'}$ [MeV]", "$g_{Z'}$")
    assert (frame.get_xscale(), frame.get_yscale()) == ("log", "log")
    assert frame.get_xlim() == pytest.approx((0.1, 1e4))
    assert frame.get_ylim() == pytest.approx((1e-6, 1e-2))
    assert len(frame.xaxis.get_minorticklocs()) >= 40
    plain = exclusion_figure(PLANES).axes[0]
    assert (plain.get_xlabel(), plain.get_ylabel()) == ("mass [MeV]", "coupling")


def test_one_column_and_no_type_below_seven_points() -> None:
    figure = exclusion_figure(PLANES, note=NOTE)
    assert tuple(figure.get_size_inches()) == (3.4, 3.0)
    frame = figure.axes[0]
    legend = frame.get_legend()
    texts = [
        *figure.texts,
        *frame.texts,
        *legend.get_texts(),
        legend.get_title(),
        frame.xaxis.label,
    ]
    texts += [*frame.get_xticklabels(), *frame.get_yticklabels()]
    assert min(text.get_fontsize() for text in texts) >= 7.0


def test_the_legend_hides_no_line() -> None:
    figure = exclusion_figure(PLANES, note=NOTE)
    frame = figure.axes[0]
    box = frame.get_legend().get_window_extent()
    for line in frame.lines:
        points = frame.transData.transform(line.get_xydata())
        inside = (points >= (box.x0, box.y0)) & (points <= (box.x1, box.y1))
        assert not inside.all(axis=1).any()


def test_a_full_frame_puts_the_legend_above() -> None:
    waves = 20.0 * np.sin(3.0 * np.log(M)) ** 2 * np.sin(3.0 * np.log(G)) ** 2
    figure = exclusion_figure(Planes(axes=AXES, combined=waves))
    frame = figure.axes[0]
    assert frame.get_legend().get_window_extent().y0 >= frame.get_window_extent().y1 - 1.0


def test_several_levels_differ_in_dashes_and_experiments_in_colour() -> None:
    figure = exclusion_figure(PLANES, cl=[0.9545, 0.9], note=NOTE)
    words = legend_words(figure)
    assert words[:5] == ["CsI + LAr", "CsI", "LAr", "90 % CL", "95.45 % CL"]
    assert "excluded at 90 %, 95.45 % CL, 2 dof" in words[-1]
    looks = {(str(line.get_color()), str(line._dash_pattern)) for line in figure.axes[0].lines}
    assert len({colour for colour, _ in looks}) == 3
    assert len(looks) == 6  # each colour in two patterns
    assert len({pattern for colour, pattern in looks if colour == "black"}) == 2


def test_marks_lie_where_they_belong_and_are_named() -> None:
    marks = (Mark("best fit", (30.0, 2e-4)), Mark("Standard Model", (1.0, 2e-6)))
    figure = exclusion_figure(dataclasses.replace(PLANES, marks=marks))
    drawn = [
        line.get_xydata().tolist() for line in figure.axes[0].lines if len(line.get_xdata()) == 1
    ]
    assert drawn == [[[30.0, 2e-4]], [[1.0, 2e-6]]]
    assert {text.get_text() for text in figure.axes[0].texts} == {"best fit", "Standard Model"}
    assert not {"best fit", "Standard Model"} & set(legend_words(figure))


def test_a_mark_without_room_for_its_name_is_named_in_the_legend() -> None:
    waves = 20.0 * np.sin(3.0 * np.log(M)) ** 2 * np.sin(3.0 * np.log(G)) ** 2
    mark = Mark("a long name of the best fit of all", (30.0, 2e-4))
    figure = exclusion_figure(Planes(axes=AXES, combined=waves, marks=(mark,)))
    assert mark.label in legend_words(figure)
    assert not figure.axes[0].texts


def test_a_plane_where_nothing_is_excluded_says_so_and_names_no_lines() -> None:
    nothing = np.zeros(M.shape)
    figure = exclusion_figure(
        dataclasses.replace(PLANES, combined=nothing, singles={"CsI": nothing})
    )
    assert "nothing excluded at this level\nCsI + LAr, CsI" in [
        text.get_text() for text in figure.axes[0].texts
    ]
    assert legend_words(figure)[:-1] == []


def test_a_curve_without_a_line_says_why() -> None:
    nothing = np.zeros(M.shape)
    singles = {"CsI": nothing, "LAr": nothing + 99.0, "Ge": nothing * np.nan}
    figure = exclusion_figure(dataclasses.replace(PLANES, singles=singles))
    assert legend_words(figure)[:-1] == [
        "CsI + LAr",
        "CsI (nothing excluded)",
        "LAr (all excluded)",
        "Ge (no value)",
    ]
    assert not figure.axes[0].texts


def test_nothing_excluded_and_everything_missing_still_make_a_figure() -> None:
    for plane in (np.zeros(M.shape), np.full(M.shape, np.nan), np.full(M.shape, 99.0)):
        assert exclusion_figure(Planes(axes=AXES, combined=plane)).axes


def test_a_plane_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"plane has shape"):
        exclusion_figure(dataclasses.replace(PLANES, combined=PLANES.combined.T))


def test_settings_do_not_leak() -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    exclusion_figure(PLANES, note=NOTE)
    assert dict(mpl.rcParams) == before


def strip(n_mass: int, n_coupling: int) -> Planes:
    """A thin allowed strip inside an excluded region, on a grid of that size."""
    axes = (
        Axis("mass", "log", 1e2, 1e4, n_mass, "MeV"),
        Axis("coupling", "log", 1e-4, 1.0, n_coupling),
    )
    m, g = np.meshgrid(*(axis.coordinates for axis in axes), indexing="ij")
    return Planes(axes, 4e3 * np.log10(g / (2e-6 * m**1.3)) ** 2)


@pytest.mark.parametrize(("n", "said"), [((12, 31), True), ((60, 481), False)])
def test_a_strip_that_the_grid_breaks_up_is_said_to_be(n: tuple[int, int], said: bool) -> None:
    words = " ".join(legend_words(exclusion_figure(strip(*n), note=NOTE)))
    assert ("grid too coarse" in words) is said
