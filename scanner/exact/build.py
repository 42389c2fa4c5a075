"""From names to a likelihood: what is free, what is fixed, what changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from scanner import catalog
from scanner.definition import from_mapping
from scanner.errors import DefinitionError, unknown
from scanner.evaluate import evaluator_of
from scanner.exact.free import FreeParameter
from scanner.exact.likelihood import Likelihood
from scanner.inputs import all_parameters
from scanner.parameter import Parameter
from scanner.reading import experiments, resolve
from scanner.scenario import Scenario
from scanner.section import Section

Ends = tuple[float, float] | None
Free = Sequence[str] | Mapping[str, Ends]

WHERE = "likelihood"
NEAR_END = 0.01


def likelihood(
    scenario: str | Sequence[str],
    experiments: Sequence[str],
    options: Mapping[str, Any] | None = None,
    *,
    parameters: Mapping[str, float | str] | None = None,
    free: Free | None = None,
    profile: Mapping[str, Mapping[str, float]] | None = None,
) -> Likelihood:
    """Likelihood of a scenario in some experiments, without any cube.

    Parameters
    ----------
    scenario : str or sequence of str
        Catalogue name, ``module:NAME``, or several names that are composed.
    experiments : sequence of str
        Catalogue names.
    options : mapping
        Conventions (``couplings``, ``form_factor``) and choices of experiments, as
        ``{"coherent_lar_2020.analysis": "energy"}`` or ``{"coherent_lar_2020": {"analysis":
        "energy"}}``.
    parameters : mapping
        Fixed parameters and choices, in their own units.
    free : sequence of names, or mapping from name to (low, high) or None
        Free parameters, perhaps in a narrower range; also inputs such as ``sin2_theta_w``. By
        default the scenario's couplings and every shape parameter (mass) that has no default, but
        for those that change no count of these experiments: they keep their default and are listed
        as ``idle``.
    profile : mapping from input to ``{"mean": ..., "sigma": ...}`` or ``{"low": ..., "high": ...}``
        Inputs profiled with a Gaussian constraint, or free between two ends. Those that an
        experiment constrains of itself are profiled as it says, unless they are fixed, free or
        named here; one that is free has no constraint: add it to chi2.

    Raises
    ------
    DefinitionError, CatalogError
        Names the key, the value and the mend.

    Examples
    --------
    >>> like = likelihood("nsi", ["coherent_csi_2021"], parameters={"eps_ee_d": 0.1})
    >>> len(like.names), like.idle
    (9, ('eps_tautau_u', 'eps_tautau_d'))
    """
    tables = {
        "scenario": scenario if isinstance(scenario, str) else list(scenario),
        "experiments": list(experiments) if not isinstance(experiments, str) else experiments,
        "profile": {n: dict(constraint) for n, constraint in (profile or {}).items()},
        **_options(options or {}),
    }
    fixed = dict(parameters or {})
    form, known = _catalogued(tables)
    if free is not None:
        return _built(tables, form, known, fixed, _ends(free))
    chosen = _default(form, (*fixed, *tables["profile"]))
    try:
        built = _built(tables, form, known, fixed, chosen)
    except DefinitionError as error:
        raise DefinitionError(f"{error}; say what is to vary with free=[...]") from error
    idle = _idle(built)
    if not idle:
        return built
    rest = {name: ends for name, ends in chosen.items() if name not in idle}
    again = _built(tables, form, known, fixed, rest)
    return Likelihood(again.definition, again.parameters, idle=idle)


def _catalogued(tables: Mapping[str, Any]) -> tuple[Scenario, Mapping[str, Parameter]]:
    """The scenario, and all parameters and inputs by name."""
    top = Section(WHERE, "", tables)
    form = resolve.scenario(top, True)
    made = experiments.read(top)
    return form, all_parameters(form, [catalog.experiment(n, c) for n, c in made.items()])


def _options(options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Conventions and choices of experiments as the tables of a definition."""
    conventions: dict[str, Any] = {}
    choices: dict[str, Any] = {}
    for key, value in options.items():
        experiment, dot, choice = key.partition(".")
        if dot:
            choices.setdefault(experiment, {})[choice] = value
        elif isinstance(value, Mapping):
            choices.setdefault(key, {}).update(value)
        else:
            conventions[key] = value
    return {"options": conventions, "experiment": choices}


def _default(form: Scenario, taken: Iterable[str]) -> dict[str, Ends]:
    """Couplings that must have a value, and shape parameters without one."""
    given = set(taken)
    return {
        p.name: None
        for p in form.parameters
        if p.name not in given
        and not p.optional
        and (p.role == "coupling" or (p.role == "shape" and p.default is None))
    }


def _ends(free: Free) -> dict[str, Ends]:
    if isinstance(free, str):
        raise DefinitionError(f"free = {free!r}: give a list of names, such as [{free!r}]")
    if isinstance(free, Mapping):
        return dict(free)
    repeated = sorted({name for name in free if list(free).count(name) > 1})
    if repeated:
        raise DefinitionError(f"free: {repeated[0]} is named twice; name each once")
    return dict.fromkeys(free)


def _built(
    tables: Mapping[str, Any],
    form: Scenario,
    known: Mapping[str, Parameter],
    fixed: Mapping[str, Any],
    free: Mapping[str, Ends],
) -> Likelihood:
    if not free:
        raise DefinitionError(
            "free: no parameter is left; name those that are to vary, or use `scanner point`"
        )
    arguments = tuple(
        FreeParameter.of(_found(name, known), ends, form.standard_model.get(name))
        for name, ends in free.items()
    )
    axes = {one.name: _axis(one) for one in arguments}
    definition = from_mapping({**tables, "axes": axes, "parameters": fixed}, WHERE, name=WHERE)
    return Likelihood(definition, arguments)


def _found(name: str, known: Mapping[str, Parameter]) -> Parameter:
    if name not in known:
        raise DefinitionError(f"free: {unknown('parameter', name, known)}")
    if known[name].role == "choice":
        raise DefinitionError(f"free: {name} is a choice; fix it with parameters={{{name!r}: ...}}")
    return known[name]


def _axis(argument: FreeParameter) -> dict[str, Any]:
    """Two values inside the range: a definition wants an axis, the likelihood its name.

    The lower one is near the lower end: a definition is refused where all corners are unphysical.
    """
    low, high = argument.low, argument.high
    if not np.isfinite(low):
        low = min(-1.0, high - 2.0)
    if not np.isfinite(high):
        high = low + 2.0 if low else 1.0
    unit = {"unit": argument.unit} if argument.unit else {}
    start = float(low + NEAR_END * (high - low))
    return {"spacing": "linear", "start": start, "stop": float(high), "n": 2, **unit}


def _idle(built: Likelihood) -> tuple[str, ...]:
    """Free parameters with a default that change no count."""
    still = evaluator_of(built.definition).idle(built.definition.axes)
    return tuple(n for n in still if built.parameter(n).default is not None)
