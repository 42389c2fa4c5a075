"""A scan under every combination of some conventions: each is a scan of its own in the store."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scanner import catalog, definition
from scanner.definition import ScanDefinition
from scanner.errors import DefinitionError, unknown
from scanner.limits.band import Band, Curve, Spread, in_words, upper_limit
from scanner.reading.resolve import OPTIONS
from scanner.scan import Scan

MOST_SCANS = 96
_LONGEST_NAME = 99


@dataclass(frozen=True)
class Refused:
    """A combination of conventions that the scenario does not take, with the reason."""

    choices: Mapping[str, str]
    reason: str


@dataclass(frozen=True)
class Variant:
    """The finished scan of one combination of conventions."""

    choices: Mapping[str, str]
    scan: Scan


def run_variants(
    source: str | Path,
    vary: Sequence[str],
    overrides: Iterable[str] = (),
    *,
    store: str | Path | None = None,
    said: Callable[[str], None] = lambda _: None,
    **cluster: Any,
) -> tuple[list[Variant], list[Refused]]:
    """Run the scans of all combinations; stored ones are only read. The nominal one comes first.

    Parameters
    ----------
    source, overrides, store, cluster
        As for `Scan.launch`.
    vary : sequence of str
        ``options.couplings`` for all its values, ``options.couplings=AC22,tree`` for some.
    said : callable
        Told which scan is next.

    Raises
    ------
    DefinitionError
        A convention that does not exist, too many scans, or a nominal scan that is refused.
    """
    given = tuple(overrides)
    nominal = definition.load(source, given)
    values = dict(_values(nominal, text) for text in vary)
    if not values:
        raise DefinitionError("--vary: name at least one convention, such as options.couplings")
    combinations = [dict(zip(values, c, strict=True)) for c in itertools.product(*values.values())]
    if len(combinations) > MOST_SCANS:
        raise DefinitionError(
            f"--vary gives {len(combinations)} scans, above {MOST_SCANS}: vary fewer conventions, "
            "or some of their values: options.couplings=AC22,tree"
        )
    done, refused = [], []
    for number, choices in enumerate(combinations):
        said(f"{number + 1} of {len(combinations)}: {in_words(choices)}")
        try:
            chosen = _chosen(source, given, choices, nominal)
            scan, _ = Scan.launch(chosen, store=store, **cluster)
        except DefinitionError as error:
            if number == 0:
                raise
            refused.append(Refused(choices, str(error)))
        else:
            done.append(Variant(choices, scan))
    return done, refused


def _values(nominal: ScanDefinition, text: str) -> tuple[str, tuple[str, ...]]:
    """Key and values of a convention, the nominal value first."""
    key, _, some = text.partition("=")
    known, own = _known(nominal, key.strip())
    wanted = tuple(v.strip() for v in some.split(",") if v.strip()) or known
    for value in wanted:
        if value not in known:
            raise DefinitionError(f"--vary {key}: {unknown('value', value, known)}")
    return key.strip(), tuple(dict.fromkeys((own, *wanted)))


def _known(nominal: ScanDefinition, key: str) -> tuple[tuple[str, ...], str]:
    """All values of a convention, and the one of the definition."""
    tables = {f"options.{name}": (values, nominal.options[name]) for name, values in _options()}
    for experiment, choices in nominal.choices.items():
        known = catalog.experiment_choices(experiment) if choices else {}
        for name, values in known.items():
            made = choices[name]
            tables[f"experiment.{experiment}.{name}"] = (tuple(values), made)
    if key not in tables:
        raise DefinitionError(f"--vary {key}: {unknown('convention', key, tables)}")
    return tables[key]


def _options() -> Iterator[tuple[str, tuple[str, ...]]]:
    yield from OPTIONS.items()


def _chosen(
    source: str | Path, given: tuple[str, ...], choices: Mapping[str, str], nominal: ScanDefinition
) -> ScanDefinition:
    """Definition of one combination, under a name of its own."""
    changes = [f'{key}="{value}"' for key, value in choices.items()]
    chosen = definition.load(source, [*given, *changes])
    if chosen.digest == nominal.digest:
        return nominal
    name = "_".join([nominal.name, *choices.values()])[:_LONGEST_NAME]
    return replace(chosen, name=name)


def band_of(
    variants: Sequence[Variant],
    parameter: str,
    along: str,
    *,
    cl: float = 0.9,
    dof: int = 2,
    at: Mapping[str, float] | None = None,
    experiments: Sequence[str] | None = None,
    reference: str = "global",
) -> Band:
    """Upper limits of all variants along an axis; see `scanner.limits.band.upper_limit`."""
    axes = {axis.name: axis for axis in variants[0].scan.definition.axes}
    for name in (parameter, along):
        if name not in axes:
            raise DefinitionError(unknown("axis", name, axes))
    curves = tuple(
        Curve(
            one.choices,
            one.scan.id,
            upper_limit(
                one.scan,
                parameter,
                along,
                cl=cl,
                dof=dof,
                at=at,
                experiments=experiments,
                reference=reference,
            ),
        )
        for one in variants
    )
    return Band(parameter, axes[parameter].unit, axes[along], cl, dof, reference, curves)


def spread_of(
    variants: Sequence[Variant],
    parameter: str,
    *,
    cl: float = 0.9,
    dof: int = 1,
    at: Mapping[str, float] | None = None,
    experiments: Sequence[str] | None = None,
    reference: str = "global",
) -> Spread:
    """Intervals of a parameter in all variants; the arguments are those of `Answers.interval`."""
    return Spread(
        tuple(
            (
                one.choices,
                one.scan.id,
                one.scan.interval(
                    parameter, cl=cl, dof=dof, at=at, experiments=experiments, reference=reference
                ),
            )
            for one in variants
        )
    )
