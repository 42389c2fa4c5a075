"""Two scenarios at once: amplitudes add before the square, cross sections after it.

Names of parameters that both have get the scenario's name in front (``nsi_mass``,
``light_vector_mass``). What would need a rule of interference that no paper of either gives is
refused with the reason.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from scanner.errors import DefinitionError
from scanner.scenario import NOT_TOUCHED, Coherent, Scenario, Term, Value, takes

Validation = Callable[[Mapping[str, Value]], None]


def compose(parts: Mapping[str, Scenario]) -> Scenario:
    """One scenario of several.

    Parameters
    ----------
    parts : mapping from catalogue name to Scenario
        Two or more.

    Raises
    ------
    DefinitionError
        Their interference is not known.

    Examples
    --------
    >>> from scanner.scenario import Parameter
    >>> empty = dict(formula="", references=(), parameters=(Parameter("mass", "shape"),))
    >>> both = compose({"a": Scenario("A", **empty), "b": Scenario("B", **empty)})
    >>> [p.name for p in both.parameters]
    ['a_mass', 'b_mass']
    """
    _check(parts)
    own = {name: _renamed_scenario(name, form, _clashes(parts)) for name, form in parts.items()}
    forms = list(own.values())
    return Scenario(
        title=" + ".join(form.title for form in forms),
        formula="; ".join(form.formula for form in forms),
        references=tuple(dict.fromkeys(r for form in forms for r in form.references)),
        parameters=tuple({p.name: p for form in forms for p in form.parameters}.values()),
        charges={
            f"{name}.{charge}": f
            for name, form in own.items()
            for charge, f in form.charges.items()
        },
        coherent=_added({name: form.coherent for name, form in own.items()}),
        terms=tuple(term for form in forms for term in form.terms),
        electrons=_added_if_all({name: form.electrons for name, form in own.items()}),
        validate=_each([form.validate for form in forms]),
        physical=_all_of([form.physical for form in forms if form.physical is not None]),
        standard_model={k: v for form in forms for k, v in form.standard_model.items()},
        derived=tuple(d for form in forms for d in form.derived),
    )


def _each(checks: list[Validation]) -> Validation:
    def validate(values: Mapping[str, Value]) -> None:
        for check in checks:
            check(values)

    return validate


def _check(parts: Mapping[str, Scenario]) -> None:
    names = " + ".join(parts)
    flipping = [name for name, form in parts.items() if form.terms]
    if len(flipping) > 1:
        raise DefinitionError(
            f"scenario {names}: {' and '.join(flipping)} both flip the neutrino's helicity, so "
            "they interfere with a phase that depends on the model: scan them apart"
        )
    changing = [name for name, form in parts.items() if form.transition is not None]
    if changing and len(parts) > 1:
        raise DefinitionError(
            f"scenario {names}: {changing[0]} also turns flavours into each other, which no longer "
            "drops out of the rate when the couplings differ between flavours: scan it alone"
        )


def _clashes(parts: Mapping[str, Scenario]) -> set[str]:
    """Names that two scenarios have, other than inputs of the Standard Model."""
    names = [p.name for form in parts.values() for p in form.parameters if not p.shared]
    return {name for name in names if names.count(name) > 1}


def _renamed_scenario(name: str, form: Scenario, clashes: set[str]) -> Scenario:
    names = {p.name: f"{name}_{p.name}" for p in form.parameters if p.name in clashes}

    def again(function: Callable[..., Any]) -> Callable[..., Any]:
        return _renamed(function, names) if names else function

    def validate(values: Mapping[str, Value]) -> None:
        back = {new: old for old, new in names.items()}
        own = {n: v for n, v in values.items() if n not in names}
        form.validate({back.get(n, n): v for n, v in own.items()})

    return replace(
        form,
        parameters=tuple(replace(p, name=names.get(p.name, p.name)) for p in form.parameters),
        charges={key: again(charge) for key, charge in form.charges.items()},
        coherent=again(form.coherent),
        terms=tuple(
            Term(
                again(t.cross_section),
                again(t.coefficient),
                again(t.heavy_mass) if t.heavy_mass else None,
                t.electrons,
            )
            for t in form.terms
        ),
        electrons=again(form.electrons) if form.electrons else None,
        validate=validate,
        physical=again(form.physical) if form.physical else None,
        standard_model={names.get(n, n): v for n, v in form.standard_model.items()},
        derived=tuple(
            replace(d, parameter=names.get(d.parameter, d.parameter)) for d in form.derived
        ),
    )


def _renamed(function: Callable[..., Any], names: Mapping[str, str]) -> Callable[..., Any]:
    """The function with keyword-only parameters under other names, also in its signature."""
    signature = inspect.signature(function)
    parameters = [
        p.replace(name=names[p.name]) if p.kind is p.KEYWORD_ONLY and p.name in names else p
        for p in signature.parameters.values()
    ]
    back = {new: old for old, new in names.items()}

    def call(*args: Any, **values: Any) -> Any:
        return function(*args, **{back.get(name, name): value for name, value in values.items()})

    call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    call.__name__ = getattr(function, "__name__", "function")
    return call


def _keywords(functions: list[Callable[..., Any]]) -> tuple[str, ...]:
    """Keyword-only parameters of all the functions, each once."""
    parameters = [p for f in functions for p in inspect.signature(f).parameters.values()]
    return tuple(dict.fromkeys(p.name for p in parameters if p.kind is p.KEYWORD_ONLY))


def _taking(function: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    names = inspect.signature(function).parameters
    return {name: value for name, value in values.items() if name in names}


def _added(parts: Mapping[str, Coherent]) -> Coherent:
    """Coefficients of all, each under the charges of its own scenario."""
    if all(part is NOT_TOUCHED for part in parts.values()):
        return NOT_TOUCHED

    @takes(*_keywords(list(parts.values())), positional=("initial", "final"))
    def coherent(initial: str, final: str, **values: Any) -> dict[str, Any]:
        total: dict[str, Any] = {}
        for name, part in parts.items():
            for charge, c in part(initial, final, **_taking(part, values)).items():
                key = charge if charge.startswith("weak_") else f"{name}.{charge}"
                total[key] = total[key] + c if key in total else c
        return total

    return coherent


def _added_if_all(parts: Mapping[str, Coherent | None]) -> Coherent | None:
    known = {name: part for name, part in parts.items() if part is not None}
    return _added(known) if len(known) == len(parts) else None


def _all_of(parts: list[Callable[..., Any]]) -> Callable[..., Any] | None:
    """Whether all hold."""
    if not parts:
        return None

    @takes(*_keywords(parts))
    def physical(**values: Any) -> Any:
        return np.logical_and.reduce(
            np.broadcast_arrays(*(part(**_taking(part, values)) for part in parts))
        )

    return physical
