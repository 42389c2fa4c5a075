"""How fine a contour is wanted: tolerances of the axes, and the mesh that keeps them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from scanner.errors import DefinitionError, unknown
from scanner.grid import Axis
from scanner.limits.refinement.mesh import Mesh
from scanner.limits.workers import LARGE

MOST_HALVINGS = 40
DEX = "dex"

Wish = str | float | Mapping[str, str | float] | Iterable[str]


def tolerances(to: Wish, axes: tuple[Axis, Axis]) -> dict[str, float]:
    """Largest cell of each axis: in dex for a logarithmic one, else in its unit.

    Parameters
    ----------
    to : str, number, mapping or sequence of str
        ``"0.005dex"`` for all logarithmic axes, ``"0.01"`` for all linear ones, ``"mass=0.01dex"``
        or ``{"mass": "0.01dex"}`` for one.

    Raises
    ------
    DefinitionError
        An axis without tolerance, an unknown one, one named twice, or a number in the wrong unit.

    Examples
    --------
    >>> mass, eps = Axis("mass", "log", 1, 10, 3), Axis("eps", "linear", -1, 1, 3)
    >>> tolerances(["0.01dex", "eps=0.1"], (mass, eps))
    {'mass': 0.01, 'eps': 0.1}
    """
    named, common = _read(to)
    for name in named:
        if name not in [axis.name for axis in axes]:
            raise DefinitionError(f"to: {unknown('axis', name, [axis.name for axis in axes])}")
    for in_dex, text in common.items():
        if not any(axis.logarithmic == in_dex and axis.name not in named for axis in axes):
            needs = "; ".join(_need(axis) for axis in axes)
            raise DefinitionError(f"to = {text}: it is for no axis here; {needs}")
    return {axis.name: _of_axis(axis, named, common) for axis in axes}


def mesh_of(axes: tuple[Axis, Axis], wanted: Mapping[str, float]) -> Mesh:
    """The mesh whose finest cells are not larger than wanted.

    Raises
    ------
    DefinitionError
        More points in its finest grid than memory is given to.
    """
    halvings = [_halvings(axis, wanted[axis.name]) for axis in axes]
    points = math.prod((len(a) - 1) * 2.0**k + 1 for a, k in zip(axes, halvings, strict=True))
    if points > LARGE or max(halvings) > MOST_HALVINGS:
        text = ", ".join(f"{name} = {value:g}" for name, value in wanted.items())
        raise DefinitionError(
            f"to: {text}: the finest grid would have {points:.3g} points (at most {LARGE:.3g}); "
            "give a coarser one, or scan a smaller part of the plane and refine that"
        )
    return Mesh(axes, (halvings[0], halvings[1]))


def _halvings(axis: Axis, wanted: float) -> int:
    cell = float(np.diff(axis.to_scale(axis.coordinates)).max())
    return max(0, math.ceil(math.log2(cell / wanted) - 1e-9))


def _read(to: Wish) -> tuple[dict[str, str], dict[bool, str]]:
    """Texts by axis, and texts for all axes by whether they are in dex."""
    if isinstance(to, Mapping):
        return {name: str(value) for name, value in to.items()}, {}
    texts = [str(to)] if isinstance(to, str | float | int) else list(to)
    named: dict[str, str] = {}
    common: dict[bool, str] = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        known: dict[str, str] | dict[bool, str] = named if equals else common
        key = name.strip() if equals else value.strip().endswith(DEX)
        if key in known:
            raise DefinitionError(f"to = {text}: a second tolerance of the same axis; give one")
        known[key] = value.strip()  # type: ignore[index]
    return named, common


def _of_axis(axis: Axis, named: Mapping[str, str], common: Mapping[bool, str]) -> float:
    text = named.get(axis.name, common.get(axis.logarithmic))
    need = _need(axis)
    if text is None:
        raise DefinitionError(f"to: no tolerance for {axis.name}; {need}")
    if text.endswith(DEX) != axis.logarithmic:
        raise DefinitionError(f"to: {axis.name} = {text}: {need}")
    try:
        value = float(text.removesuffix(DEX))
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise DefinitionError(f"to: {axis.name} = {text}: it must be above 0; {need}")
    return value


def _need(axis: Axis) -> str:
    """What a tolerance of that axis looks like."""
    if axis.logarithmic:
        return f"the axis {axis.name} is logarithmic: give it in dex, such as {axis.name}=0.005dex"
    unit = f" in {axis.unit}" if axis.unit else ""
    return f"the axis {axis.name} is linear: give a plain number{unit}, such as {axis.name}=0.01"
