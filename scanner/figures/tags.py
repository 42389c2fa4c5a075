"""Names written inside the regions of a figure, where there is room for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from scipy import ndimage

from scanner.figures import style
from scanner.figures.legend import points_in_pixels
from scanner.figures.lettering import safe, width
from scanner.figures.published import Drawn

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_SIZE = 6.5  # pt
_AIR = 2.0  # pt around a name
_CELLS = 160  # along each side of the frame, on which places are looked for
_HALO = 1.2  # pt
_LEAST_INSIDE = 0.9  # of the box of a name


def write_tags(frame: Axes, drawn: Sequence[Drawn], obstacles: Sequence[Array]) -> dict[str, Array]:
    """Write each name once, inside its region and clear of all lines; none where it fits nowhere.

    Parameters
    ----------
    drawn : sequence of Drawn
        What to name; the smallest regions choose first.
    obstacles : sequence of array (n, 2)
        Lines in data units that no name may lie on.

    Returns
    -------
    mapping from name to array (5, 2)
        The box of each name that is written, as a ring in data units.
    """
    if not drawn:
        return {}
    cells = _Cells(frame)
    taken = cells.mask(obstacles)
    edges = cells.mask([ring for other in drawn for ring in other.outlines]) | cells.border()
    away = ndimage.distance_transform_edt(~edges)
    regions = [(other, cells.inside(other)) for other in drawn if other.seen]
    written: dict[str, Array] = {}
    for other, inside in sorted(regions, key=lambda pair: int(pair[1].sum())):
        if other.label in written:
            continue
        box = cells.box(other.label)
        place = _place(inside, taken, away, box)
        if place is not None:
            taken[cells.around(place, box)] = True
            written[other.label] = cells.ring(place, box)
            _write(frame, other, cells.data(place))
    return written


def _place(inside: Mask, taken: Mask, away: Array, box: tuple[int, int]) -> tuple[int, int] | None:
    """Middle of the box inside the region that lies farthest from every edge, if there is one."""
    share = ndimage.uniform_filter(inside.astype(np.float64), box, mode="constant")
    free = (share >= _LEAST_INSIDE) & ~ndimage.maximum_filter(
        taken, box, mode="constant", cval=True
    )
    if not free.any():
        return None
    room = np.where(free, ndimage.minimum_filter(away, box), 0.0)
    i, j = np.unravel_index(int(np.argmax(room)), room.shape)
    return (int(i), int(j)) if room[i, j] > 0.0 else None  # else an edge runs through the name


def _write(frame: Axes, other: Drawn, at: tuple[float, float]) -> None:
    frame.annotate(
        safe(other.label),
        xy=at,
        ha="center",
        va="center",
        fontsize=style.points(_SIZE),
        color=other.colour,
        zorder=2.5,
        path_effects=[withStroke(linewidth=style.stroke(_HALO), foreground="white")],
    ).set_in_layout(False)


class _Cells:
    """A frame cut into cells: lines and regions as masks, boxes of names as counts of cells."""

    def __init__(self, frame: Axes) -> None:
        self.frame = frame
        self.shape = (_CELLS, _CELLS)
        self.corner = np.array([frame.bbox.x0, frame.bbox.y0])
        self.step = np.array([frame.bbox.width, frame.bbox.height]) / _CELLS

    def mask(self, lines: Sequence[Array]) -> Mask:
        """Cells that the lines run through."""
        found = np.zeros(self.shape, dtype=bool)
        points = (points_in_pixels(self.frame, lines) - self.corner) / self.step
        index = np.floor(points[np.isfinite(points).all(axis=1)]).astype(int)
        index = index[((index >= 0) & (index < _CELLS)).all(axis=1)]
        found[index[:, 0], index[:, 1]] = True
        return found

    def border(self) -> Mask:
        """Cells along the frame."""
        found = np.ones(self.shape, dtype=bool)
        found[1:-1, 1:-1] = False
        return found

    def inside(self, other: Drawn) -> Mask:
        """Cells whose middle lies in the region."""
        n = np.arange(_CELLS) + 0.5
        middles = np.stack(np.meshgrid(n, n, indexing="ij"), axis=-1).reshape(-1, 2)
        found = np.zeros(len(middles), dtype=bool)
        for ring in other.outlines:
            path = Path(self.frame.transData.transform(ring))
            found |= path.contains_points(self.corner + middles * self.step)
        return found.reshape(self.shape)

    def box(self, label: str) -> tuple[int, int]:
        """Cells that a name needs, with air around it."""
        size = style.points(_SIZE)
        inches = np.array([width(safe(label), size), size / 72.0]) + 2.0 * _AIR / 72.0
        across, high = np.ceil(inches * self.frame.figure.dpi / self.step).astype(int)
        return int(across), int(high)

    def around(self, place: tuple[int, int], box: tuple[int, int]) -> tuple[slice, slice]:
        """Cells of a box around its middle."""
        (i, j), (w, h) = place, box
        return slice(max(i - w // 2, 0), i + w // 2 + 1), slice(max(j - h // 2, 0), j + h // 2 + 1)

    def ring(self, place: tuple[int, int], box: tuple[int, int]) -> Array:
        """The outline of a box, in data units."""
        half = 0.5 * np.array(box)
        signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)])
        corners = np.array(place) + 0.5 + signs * half
        return np.asarray(
            self.frame.transData.inverted().transform(self.corner + corners * self.step)
        )

    def data(self, place: tuple[int, int]) -> tuple[float, float]:
        """Middle of a cell, in data units."""
        pixels = self.corner + (np.array(place) + 0.5) * self.step
        x, y = self.frame.transData.inverted().transform(pixels)
        return float(x), float(y)
