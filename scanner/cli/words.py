"""Intervals and contours in words and numbers, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.grid import Axis
    from scanner.limits.interval import Interval
    from scanner.limits.plane import Plane


def print_interval(found: Interval, axes: Sequence[Axis]) -> None:
    """An interval in words, with what it is counted from."""
    from scanner.limits.stretches import measured

    print(_with_unit(found))
    if found.source == "exact":
        print(f"  roots of the likelihood: {_ends(found.intervals)}")
        print(f"  interpolated on the grid: {_ends(found.grid_intervals)}")
    for name in found.derived:
        print(f"  {_with_unit(found.shifted(name))}")
    units = {axis.name: axis.unit for axis in axes}
    held = "".join(f", {n} = {measured(v, units[n])}" for n, v in found.fixed.items())
    kind = ", one-sided" if found.sided == "one" else ""
    print(
        f"{100 * found.cl:g} % CL, {found.dof} dof{kind}, {' + '.join(found.experiments)}{held}; "
        f"Delta chi2 < {found.level:.3f} from reference {found.reference.kind}, "
        f"best {found.parameter} = {found.best:.4g} (chi2 = {found.chi2_min:.3f})"
    )
    for sentence in found.notes:
        print(f"note: {sentence}")


def _with_unit(found: Interval) -> str:
    """In brackets, as on an axis: a unit may begin with a number, 1e-32 cm2."""
    return f"{found.text()} [{found.unit}]" if found.unit else found.text()


def _ends(pairs: Sequence[tuple[float | None, float | None]]) -> str:
    """Ends with all digits that tell them apart."""
    return ", ".join(" .. ".join("-" if e is None else f"{e:.8g}" for e in p) for p in pairs)


def print_plane(found: Plane) -> None:
    """Contours as polylines, each with what it is."""
    first, second = (axis.name for axis in found.axes)
    for one in found.contours:
        counted = f"from reference {found.reference.kind}, coverage {100 * one.coverage:.1f} %"
        print(
            f"# {100 * one.cl:g} % CL, {one.dof} dof, {' + '.join(found.experiments)}, Delta chi2 "
            f"= {one.level:.3f} {counted}"
        )
        if one.narrow:
            print(f"# {one.narrow} grid points lie in strips narrower than two cells")
        for i, line in enumerate(one.lines):
            kind = "open" if line.encloses is None else f"closed, encloses {line.encloses}"
            print(f"# line {i}: {kind}; {first} {second}")
            for x, y in line.vertices:
                print(f"{x:.8g} {y:.8g}")
