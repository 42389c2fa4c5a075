"""`point`, `query`, `profile`, `interval`, `contour`: questions to a likelihood or a scan."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scanner.cli.options import (
    At,
    Cluster,
    Experiments,
    Json,
    Level,
    Partial,
    PointExperiments,
    ReferenceKind,
    ScanName,
    Scheduler,
    SchedulerFile,
    Store,
    Workers,
    axis_names,
    named_values,
    numbers,
    one_level,
)
from scanner.cli.output import note, show_json, show_table
from scanner.cli.words import print_interval, print_plane
from scanner.errors import DefinitionError, IncompleteScanError, MismatchError

if TYPE_CHECKING:
    from scanner.point import Point
    from scanner.scan import Scan

Dof = Annotated[int, typer.Option("--dof", help="Degrees of freedom of the limit.")]
Sided = Annotated[
    str,
    typer.Option(
        "--sided",
        help="two: an interval; one: an upper limit alone, dof 1, raster where values are held.",
    ),
]


def point(
    scenario: Annotated[str, typer.Argument(help="Scenario, or module:NAME.")],
    values: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE", help="Its parameters.")
    ] = None,
    experiment: PointExperiments = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            "--option",
            metavar="KEY=VALUE",
            help="Convention (couplings=tree) or choice (coherent_lar_2020.analysis=energy).",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Explain one point: counts by component, chi2, pulls, excluded or not."""
    from scanner.definition import from_mapping
    from scanner.known import sensitivity_notes
    from scanner.point import explain

    raw = point_tables(scenario, values, experiment, option)
    given = set(raw["parameters"])
    asked = from_mapping(raw, "", point=True)
    explained = explain(asked, given)
    for sentence in (*explained.notes, *sensitivity_notes(asked)):
        note(sentence)
    if json:
        show_json(explained.to_dict())
    else:
        _print_point(explained)


def point_tables(
    scenario: str,
    values: list[str] | None,
    experiments: list[str] | None,
    options: list[str] | None,
) -> dict[str, Any]:
    """Arguments that name a point, as the tables of a definition; COHERENT by default."""
    from scanner.catalog import USUAL_EXPERIMENTS

    return {
        "scenario": scenario,
        "experiments": experiments or list(USUAL_EXPERIMENTS),
        "parameters": named_values(values),
        **_conventions(named_values(options)),
    }


def _conventions(options: dict[str, Any]) -> dict[str, Any]:
    """Options of the command line as the tables of a definition, however deep they lie."""
    tables: dict[str, Any] = {"options": {}, "experiment": {}}
    for key, value in options.items():
        *path, last = key.split(".")
        table = tables["experiment" if path else "options"]
        for name in path:
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                raise DefinitionError(f"option {key}={value}: {name!r} has a value, so no keys")
        if isinstance(table.get(last), dict):
            raise DefinitionError(f"option {key}={value}: {last!r} has keys, so no value")
        table[last] = _as_in_a_file(value) if path else value
    return tables


def _as_in_a_file(value: Any) -> Any:
    """Value of an option as a definition's file has it: whole numbers, lists and tables too."""
    from scanner.reading.document import value_of

    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value_of(value) if isinstance(value, str) else value


_VERDICTS = {True: "excluded", False: "allowed", None: "no fit"}


def _print_point(explained: Point) -> None:
    for name, found in explained.experiments.items():
        print(f"{name}  chi2 = {found.chi2:.4f}, Standard Model {found.chi2_sm:.4f}")
        rows = [("", "nominal", "fitted")]
        rows += [
            (k, f"{v:.2f}", f"{found.counts_fitted.get(k, float('nan')):.2f}".replace("nan", "-"))
            for k, v in found.counts.items()
        ]
        rows.append(("total", "", f"{found.counts_fitted['total']:.2f}"))
        show_table(rows, "  ")
        shares = ", ".join(f"{k} {v:.2f}" for k, v in found.components.items())
        print(f"  signal by flux: {shares}")
        pulls = ", ".join(f"{k} {v:+.2f}" for k, v in found.pulls.items())
        print(f"  pulls (sigma): {pulls or 'none'}")
        if found.inputs:
            inputs = ", ".join(f"{k} = {v:.5g}" for k, v in found.inputs.items())
            print(f"  profiled inputs: {inputs}")
    for name, value in explained.derived.items():
        print(f"{name} = {value:.4g}")
    if explained.joint is not None:
        shared = ", ".join(f"{k} {v:.5g}" for k, v in explained.joint[0].values.items())
        print(f"fitted together: {shared}")
    delta = explained.chi2 - explained.chi2_sm
    combined = "combined (jointly)" if explained.joint else "combined"
    print(
        f"{combined}  chi2 = {explained.chi2:.4f}, Delta chi2 from the Standard Model {delta:+.4f}"
    )
    for dof in (1, 2):
        words = ", ".join(
            f"{level} {_VERDICTS[out]}" for level, out in explained.excluded(dof).items()
        )
        print(f"  {dof} dof: {words}")


def query(
    scan: ScanName,
    values: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE", help="Values of some or all axes.")
    ] = None,
    experiment: Experiments = None,
    dof: Annotated[
        int | None, typer.Option("--dof", help="Default: the number of named values.")
    ] = None,
    reference: ReferenceKind = "global",
    partial: Partial = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """chi2 at a point of a stored scan, interpolated, profiled over what is not named."""
    opened = opened_scan(scan, store, partial, experiment)
    if partial and (done := opened.stored.fraction_done) < 1.0:
        note(f"{math.floor(100.0 * done)} % of the grid computed: the minimum is that of what is")
    found = opened.query(numbers(values), dof=dof, experiments=experiment, reference=reference)
    if json:
        show_json({"scan": opened.id, **profiled(opened), **found.to_dict()})
        return
    rows = [("", "chi2", "Delta chi2", *next(iter(found.answers.values())).excluded)]
    rows += [
        (
            name,
            f"{answer.chi2:.4f}",
            f"{answer.delta_chi2:+.4f}",
            *("excluded" if out else "allowed" for out in answer.excluded.values()),
        )
        for name, answer in found.answers.items()
    ]
    show_table(rows)
    print(f"{found.dof} dof, Delta chi2 from reference {found.kind}")
    print(found.text())


def profile(
    scan: ScanName,
    keep: Annotated[
        list[str], typer.Option("--keep", help="Axis to keep; repeat, or give several: a,b.")
    ],
    at: At = None,
    experiment: Experiments = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write NetCDF (.nc), CSV or JSON.")
    ] = None,
    partial: Partial = False,
    store: Store = None,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    cluster: Cluster = None,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Profile a stored scan over all axes but the kept ones; a large one on worker processes."""
    from scanner.limits.export.origin import Origin
    from scanner.limits.export.profile import profile_record
    from scanner.limits.export.writer import write_profile

    opened = opened_scan(
        scan,
        store,
        partial,
        scheduler=scheduler,
        scheduler_file=scheduler_file,
        cluster=cluster,
        workers=workers,
    )
    surface = opened.profile(axis_names(keep), at=numbers(at), experiments=experiment)
    if output is not None:
        write_profile(surface, output, Origin.of(opened))
        print(output)
    elif json:
        show_json({"scan": opened.id, **profiled(opened), **profile_record(surface)})
    else:
        record = profile_record(surface)
        show_table([list(record["columns"]), *(_cells(row) for row in record["rows"])])


def _cells(row: list[float]) -> list[str]:
    return [f"{value:.6g}" for value in row]


def interval(
    scan: ScanName,
    parameter: Annotated[str, typer.Argument(help="An axis of the scan.")],
    cl: Level = None,
    dof: Dof = 1,
    at: At = None,
    experiment: Experiments = None,
    reference: ReferenceKind = "global",
    sided: Sided = "two",
    exact: Annotated[
        bool, typer.Option("--exact", help="Ends by root search on the likelihood itself.")
    ] = False,
    partial: Partial = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """Allowed intervals of one parameter, profiled over the axes that are not held."""
    opened = opened_scan(scan, store, partial, experiment)
    found = opened.interval(
        parameter,
        cl=one_level(cl),
        dof=dof,
        at=numbers(at),
        experiments=experiment,
        reference=reference,
        sided=sided,
        exact=exact,
    )
    if math.isnan(found.best):
        raise IncompleteScanError(
            f"scan {opened.id}: {found.text()} there: it is not computed yet, or failed (see "
            f"`scanner status {opened.stored.words}`)"
        )
    if json:
        head = {"scan": opened.id, "digest": opened.stored.digest, **profiled(opened)}
        show_json({**head, **found.to_dict()})
        return
    print_interval(found, opened.definition.axes)


def contour(
    scan: ScanName,
    cl: Annotated[
        list[float] | None, typer.Option("--cl", help="Confidence level; repeat for several.")
    ] = None,
    dof: Dof = 2,
    keep: Annotated[
        list[str] | None, typer.Option("--keep", help="The two axes: a,b. Default: first and last.")
    ] = None,
    at: At = None,
    experiment: Experiments = None,
    reference: ReferenceKind = "global",
    refined: Annotated[
        bool, typer.Option("--refined", help="From the points of `scanner refine`, with a bound.")
    ] = False,
    partial: Partial = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """Contours of two parameters: polylines, open or closed, with the coverage."""
    opened = opened_scan(scan, store, partial, experiment)
    kept = axis_names(keep) if keep else None
    asked: dict[str, Any] = {
        "cls": cl or [0.9],
        "dof": dof,
        "at": numbers(at),
        "experiments": experiment,
        "reference": reference,
    }
    answer = opened.refined_contour(keep=kept, **asked) if refined else None
    found = answer.plane if answer else opened.contour(kept, **asked)
    if json:
        record = (answer or found).to_dict()
        head = {"scan": opened.id, "digest": opened.stored.digest, **profiled(opened)}
        show_json({**head, **record})
        return
    for sentence in answer.text() if answer else ():
        print(f"# {sentence}")
    print_plane(found)


def opened_scan(
    scan: str,
    store: str | None,
    partial: bool,
    experiments: Sequence[str] | None = None,
    **cluster: Any,
) -> Scan:
    """The stored scan of that name; notes on changed sources and on what is asked of it."""
    from scanner.known import profile_notes, sensitivity_notes
    from scanner.scan import Scan

    opened = Scan.open(scan, store=store, partial=partial, told=note, **cluster)
    try:
        opened.definition.check_sources()
    except MismatchError as error:  # an old result is still a result, but not of today's code
        note(str(error))
    for sentence in (
        *profile_notes(opened.definition),
        *sensitivity_notes(opened.definition, experiments),
    ):
        note(sentence)
    return opened


def profiled(opened: Scan) -> dict[str, Any]:
    """Inputs that the scan profiles, and those that experiments share, for JSON."""
    from scanner.known import profile_record

    return profile_record(opened.definition)


VERBS: tuple[Callable[..., None], ...] = (point, query, profile, interval, contour)
