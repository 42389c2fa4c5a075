"""What a definition leaves open is filled in, and what cannot be meant is refused."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping
from typing import NoReturn

from scanner import catalog, inputs, sources
from scanner.errors import DefinitionError, unknown
from scanner.experiment import Experiment
from scanner.grid import Axis
from scanner.parameter import Constraint
from scanner.physics.charges import WEAK_COUPLINGS
from scanner.physics.nuclei import FORM_FACTORS
from scanner.reading.axes import check_range, to_own, written_unit
from scanner.scenario import Parameter, Scenario, Value
from scanner.section import Section

# physics conventions and their values, the default first
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "couplings": tuple(WEAK_COUPLINGS),
    "form_factor": FORM_FACTORS,
}

MOST_CORNERS = 4096
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")


def scenario_name(top: Section) -> str:
    """Name of the scenario; a list of several as one name, joined by ``+``."""
    if not isinstance(top.entries.get("scenario"), list):
        return top.text("scenario")
    names = top.texts("scenario")
    if not names:
        top.fail("scenario", "name one or more scenarios")
    return catalog.JOIN.join(names)


def scenario(top: Section, allow_plugins: bool) -> Scenario:
    """The scenario that the definition names, or several composed into one."""
    name = scenario_name(top)
    if allow_plugins:
        sources.ask_for(name)
    try:
        return catalog.scenario(name, allow_plugins=allow_plugins)
    except DefinitionError as error:
        raise DefinitionError(f"{top.place('scenario')}: {error}") from error


def options(section: Section) -> dict[str, str]:
    """Physics conventions, defaults filled in."""
    section.allow(OPTIONS)
    return {name: section.one_of(name, known, known[0]) for name, known in OPTIONS.items()}


def profile(
    section: Section, known: Mapping[str, Parameter], taken: Iterable[str]
) -> dict[str, Mapping[str, float]]:
    """Inputs that are profiled, with what constrains them; `taken` are scanned or fixed."""
    resolved: dict[str, Mapping[str, float]] = {}
    for name, constraint in section.tables():
        constraint.allow(("mean", "sigma", "low", "high", "unit"))
        if name not in known:
            raise DefinitionError(
                f"{section.place(name)}: {unknown('input to profile', name, known)}; "
                f"remove the table [{section.key}.{name}]"
            )
        if name in taken:
            section.fail(
                name, "is also an axis or a fixed parameter; profile it or fix it, not both"
            )
        resolved[name] = _constraint(constraint, known[name]).record()
    return resolved


def _constraint(section: Section, parameter: Parameter) -> Constraint:
    """Mean and sigma of a Gaussian, or the two ends between which the input is free."""
    ends = [key for key in ("low", "high") if key in section]
    if ends and ("mean" in section or "sigma" in section):
        section.fail(ends[0], "give mean and sigma, or low and high without them")
    unit = section.text("unit", parameter.unit)
    first, second = (
        to_own(section, key, section.number(key), unit, parameter)
        for key in (("low", "high") if ends else ("mean", "sigma"))
    )
    if ends:
        check_range(section, "low", first, parameter)
        check_range(section, "high", second, parameter)
        if second <= first:
            section.fail("high", "write a number above low")
        return Constraint.between(first, second)
    if second <= 0:
        section.fail("sigma", "write a width above 0")
    check_range(section, "mean", first, parameter)
    return Constraint(first, second)


def brought(
    experiments: Iterable[Experiment], known: Mapping[str, Parameter], taken: Iterable[str]
) -> dict[str, Mapping[str, float]]:
    """Inputs that the experiments profile of themselves, less those in `taken`.

    Raises
    ------
    DefinitionError
        Two experiments constrain one input differently.
    """
    found: dict[str, Constraint] = {}
    owner: dict[str, str] = {}
    settled = set(taken)
    for experiment in experiments:
        for name, constraint in experiment.constraints.items():
            if name in settled:
                continue
            if found.setdefault(name, constraint) != constraint:
                raise DefinitionError(
                    f"profile.{name}: {owner[name]} has {found[name]} and {experiment.name} has "
                    f"{constraint}; say which holds with [profile.{name}]"
                )
            owner.setdefault(name, experiment.name)
    return {
        name: Constraint.between(*c.ends(known[name])).record()
        if math.isinf(c.sigma)
        else c.record()
        for name, c in found.items()
    }


def parameters(
    section: Section,
    known: Mapping[str, Parameter],
    scanned: Iterable[str],
    profiled: Iterable[str] = (),
) -> dict[str, Value]:
    """Every parameter that is not scanned: the given value, else the default, if it has one."""
    for name in section.entries:
        if name not in known:
            raise DefinitionError(f"{section.place(name)}: {unknown('parameter', name, known)}")
    resolved: dict[str, Value] = {}
    for name, parameter in known.items():
        if name in scanned:
            if name in section:
                section.fail(name, f"is also an axis; remove it here, or remove [axes.{name}]")
        elif name in section:
            resolved[name] = _fixed(section, parameter)
        elif name in profiled:
            continue
        elif parameter.default is not None:
            resolved[name] = parameter.check(parameter.default, f"default of {name}")
        elif not parameter.optional:
            _refuse_missing(section, parameter)
    return resolved


def _fixed(section: Section, parameter: Parameter) -> Value:
    name = parameter.name
    if parameter.role == "choice":
        return parameter.check(section.entries[name], section.place(name))
    if not isinstance(section.entries[name], Mapping):
        value = section.number(name)
    else:
        table = section.table(name)
        table.allow(("value", "unit"))
        unit = written_unit(table, parameter)
        value = to_own(table, "value", table.number("value"), unit, parameter)
    check_range(section, name, value, parameter)
    return value


def _refuse_missing(section: Section, parameter: Parameter) -> NoReturn:
    if parameter.role == "choice":
        mend = f"fix it under [parameters] as one of {', '.join(parameter.choices)}"
    else:
        mend = f"scan it with [axes.{parameter.name}], or fix it under [parameters]"
    unit = f" (in {parameter.unit})" if parameter.unit else ""
    raise DefinitionError(
        f"{section.place(parameter.name)}: is missing and has no default; {mend}{unit}"
    )


def check_combination(
    where: str, scenario: Scenario, fixed: Mapping[str, Value], axes: tuple[Axis, ...]
) -> None:
    """Refuse what the scenario's own `validate` refuses all over the grid.

    A grid may reach into combinations that make no sense (unitarity); one that lies there as a
    whole is a mistake. Asked at the ends of each axis, zero left out: it switches a parameter off,
    also where the parameter is of no use.
    """
    ends = [axis.coordinates[axis.coordinates != 0.0][[0, -1]].tolist() for axis in axes]
    refusal: DefinitionError | None = None
    corners = itertools.product(*ends)
    for corner in itertools.islice(corners, MOST_CORNERS):
        try:
            scenario.validate({**fixed, **dict(zip((a.name for a in axes), corner, strict=True))})
        except DefinitionError as error:
            refusal = refusal or error
        else:
            return
    if next(corners, None) is not None:
        return  # of so many axes nobody looks at every corner
    raise DefinitionError(f"{where}: {refusal}" if where else str(refusal)) from refusal


def check_radii(
    where: str, given: Iterable[str], experiments: Iterable[Experiment], options: Mapping[str, str]
) -> None:
    """Refuse neutron radii that contradict each other, the targets or the form factor."""
    try:
        inputs.check_radii(given, experiments, options["form_factor"])
    except DefinitionError as error:
        raise DefinitionError(f"{where}: {error}" if where else str(error)) from error


def label(top: Section, name: str) -> str:
    """Label of the scan: the given one, else made from `name` or the scenario."""
    if "name" not in top:
        plain = re.sub(r"[^A-Za-z0-9_.+-]+", "_", name or scenario_name(top))
        return plain.strip("_.+-")[:100] or "scan"
    given = top.text("name")
    if not _NAME.fullmatch(given):
        top.fail("name", "use letters, digits and _ . + - only, at most 100; title may hold more")
    return given


def points_per_chunk(section: Section) -> int | None:
    """Wished number of points per chunk, None if not given."""
    section.allow(("points",))
    if "points" not in section:
        return None
    points = section.whole("points")
    if points < 1:
        section.fail("points", "write a number of points, such as 20000")
    return points


LARGEST_ERROR = 1e-3
"""Of a stored chi2: limits must not feel it."""


def largest_error(section: Section) -> float | None:
    """How far a stored chi2 may be rounded, None if not given."""
    section.allow(("largest_error",))
    if "largest_error" not in section:
        return None
    error = section.number("largest_error")
    if not 0.0 < error <= LARGEST_ERROR:
        section.fail("largest_error", f"write a number above 0, at most {LARGEST_ERROR:g}")
    return error
