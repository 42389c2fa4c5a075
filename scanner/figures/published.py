"""Published limits beneath our own: pale regions with thin outlines, one look for each kind."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from scanner.figures import style
from scanner.figures.legend import covers, points_in_pixels
from scanner.figures.thinning import thinned

Array = npt.NDArray[np.float64]
Shows = Literal["excluded", "preferred", "line"]

_WIDTH = 0.4  # pt, of an outline


@dataclass(frozen=True)
class Piece:
    """One region of a published limit.

    Parameters
    ----------
    vertices : array, shape (n, 2)
        In the units of the two axes: a closed ring, or a lower edge.
    above : bool
        True for a lower edge: the region goes on to the upper end of the frame.
    """

    vertices: Array
    above: bool = False


@dataclass(frozen=True)
class Published:
    """A published limit to draw beside ours.

    Parameters
    ----------
    label : str
        Name of the experiment, written beside its region.
    pieces : sequence of Piece
        What it covers.
    kind : str
        Of experiment; limits of one kind share a look and an entry of the legend.
    shows : "excluded", "preferred" or "line"
        What the regions are; a line has no inside.
    """

    label: str
    pieces: Sequence[Piece]
    kind: str = "published"
    shows: Shows = "excluded"


@dataclass(frozen=True)
class Drawn:
    """A published limit in a frame.

    Parameters
    ----------
    limit : Published
        What was drawn.
    look : mapping
        Colours and hatch of its kind.
    outlines : list of array (n, 2)
        In data units, inside the frame or not.
    seen : bool
        Whether any of it lies inside the frame.
    """

    limit: Published
    look: Mapping[str, str]
    outlines: list[Array]
    seen: bool

    @property
    def label(self) -> str:
        """Name of the experiment."""
        return self.limit.label

    @property
    def colour(self) -> str:
        """Of the outline."""
        return self.look["edge"]


def draw_published(frame: Axes, published: Sequence[Published]) -> list[Drawn]:
    """Draw all limits, those of one kind alike.

    Parameters
    ----------
    frame : Axes
        With its scales and limits.
    """
    looks = style.published([*dict.fromkeys(o.kind for o in published if o.shows != "preferred")])
    drawn = [
        _drawn(frame, other, style.preferred() if other.shows == "preferred" else looks[other.kind])
        for other in published
    ]
    rings = [(other, ring) for other in drawn for ring in other.outlines]
    # the largest first, so that none is hidden
    for rank, (other, ring) in enumerate(sorted(rings, key=lambda pair: -_area(frame, pair[1]))):
        _draw_one(frame, other, ring, 0.5 + 0.4 * rank / len(rings))
    return drawn


def entries(drawn: Sequence[Drawn], named: Container[str]) -> list[Artist]:
    """One legend entry for each kind, with the names that are not written in the frame.

    What lies outside the frame is said, not left out.
    """
    kinds = dict.fromkeys((other.limit.kind, other.limit.shows) for other in drawn)
    found = []
    for kind in kinds:
        group = [other for other in drawn if (other.limit.kind, other.limit.shows) == kind]
        found.append(_entry(group, named))
    return found


def _entry(group: Sequence[Drawn], named: Container[str]) -> Artist:
    first = group[0]
    kind = first.limit.kind
    seen = dict.fromkeys(other.label for other in group if other.seen)
    outside = dict.fromkeys(o.label for o in group if not o.seen and o.label not in seen)
    names = [name for name in seen if name not in named and name not in kind]
    names += [f"{name} (outside)" for name in outside]
    label = f"{kind}: {', '.join(names)}" if names else kind
    if first.limit.shows == "line":
        return Line2D([], [], color=first.colour, linewidth=style.stroke(_WIDTH), label=label)
    return Patch(label=label, linewidth=style.stroke(_WIDTH), **_inside(first.look))


def _drawn(frame: Axes, other: Published, look: Mapping[str, str]) -> Drawn:
    outlines = [_outline(frame, piece) for piece in other.pieces]
    return Drawn(other, look, outlines, covers(frame.bbox, points_in_pixels(frame, outlines)))


def _draw_one(frame: Axes, other: Drawn, ring: Array, zorder: float) -> None:
    line = thinned(frame, ring) if len(ring) > 2 else ring
    if other.limit.shows != "line":
        look = _inside(other.look)
        patch = PathPatch(Path(line), **look, linewidth=0.0, zorder=zorder)
        frame.add_patch(patch)
        patch.set_in_layout(False)
    # above our own region, below our own lines
    artist = Line2D(*line.T, color=other.colour, linewidth=style.stroke(_WIDTH), zorder=2.0)
    frame.add_line(artist)
    artist.set_in_layout(False)  # it ends at the frame, and to measure it takes long


def _area(frame: Axes, ring: Array) -> float:
    """Pixels that a ring covers inside the frame, about."""
    low, high = frame.bbox.get_points()
    x, y = np.clip(frame.transData.transform(ring), low, high).T
    return abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))) / 2.0


def _outline(frame: Axes, piece: Piece) -> Array:
    """The ring; an edge goes up at both ends, far enough that no end of it is seen."""
    if not piece.above:
        return piece.vertices
    low, high = frame.get_ylim()
    top = high * (high / low) if frame.get_yscale() == "log" else 2.0 * high - low
    first, last = piece.vertices[0], piece.vertices[-1]
    return np.concatenate([[(first[0], top)], piece.vertices, [(last[0], top)]])


def _inside(look: Mapping[str, str]) -> dict[str, Any]:
    """Face and hatch; a hatch takes the colour of the edge."""
    edge = look["hatch_colour"] or look["edge"]
    return {"facecolor": look["face"], "edgecolor": edge, "hatch": look["hatch"] or None}
