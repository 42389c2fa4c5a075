"""Questions as arguments of an address, and the records that they are answered with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits.surface import Surface, number

Names = Sequence[str] | None
Argument = tuple[str, str]


def arguments(
    at: Mapping[str, float] | None = None, experiments: Names = None, **others: Any
) -> list[Argument]:
    """A question as the service takes it; what is None or False is left out.

    >>> arguments({"mass": 10}, ["a"], cl=[0.9, 0.95], dof=None, exact=True)
    [('at', 'mass=10.0'), ('experiment', 'a'), ('cl', '0.9'), ('cl', '0.95'), ('exact', 'true')]
    """
    made = [("at", f"{name}={_number(name, value)!r}") for name, value in (at or {}).items()]
    made += [("experiment", str(name)) for name in experiments or ()]
    for key, value in others.items():
        each = value if isinstance(value, list | tuple) else [value]
        made += [(key, _text(one)) for one in each if one is not None and one is not False]
    return made


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise DefinitionError(f"at {name} = {value!r}: write a number, such as 10.0") from error


def _text(value: Any) -> str:
    """A value as it reads back: floats by their shortest text of the same number."""
    if value is True:
        return "true"
    return repr(float(value)) if isinstance(value, float) else str(value)


def surface(record: Mapping[str, Any], axes: Sequence[Axis], variable: str = "chi2") -> Surface:
    """Surface of a record of the service, to the last bit.

    Parameters
    ----------
    axes : sequence of Axis
        Those of the scan.
    variable : "chi2" or "delta_chi2"
        What stands in place of chi2.
    """
    known = {axis.name: axis for axis in axes}
    kept = tuple(known[axis["name"]] for axis in record["axes"])
    return Surface(
        axes=kept,
        chi2=_array(record[variable]),
        experiments=tuple(record["experiments"]),
        computed=float(record["computed"]),
        coverage=float(record["coverage"]),
        fixed={name: number(value) for name, value in record["fixed"].items()},
        profiled={name: _array(values) for name, values in record["profiled"].items()},
    )


def _array(values: Any) -> Any:
    return np.array(values, dtype=np.float64)  # null becomes NaN
