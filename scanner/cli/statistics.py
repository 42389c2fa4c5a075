"""`expected`, `cls`, `marginal`: limits of other statistics than Delta chi2 of the data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scanner.cli.ask import opened_scan
from scanner.cli.options import (
    At,
    Experiments,
    Json,
    Level,
    ScanName,
    Store,
    axis_names,
    named_values,
    numbers,
    one_level,
)
from scanner.cli.output import note, show_json, show_table

if TYPE_CHECKING:
    from scanner.limits.expected import Expected
    from scanner.scan import Scan

Parameter = Annotated[str, typer.Argument(help="An axis of the scan.")]
Seed = Annotated[int, typer.Option("--seed", help="Another number makes other toys.")]
FitPoints = Annotated[
    int, typer.Option("--fit-points", help="Grid points on which a toy is evaluated at most.")
]


def expected(
    scan: ScanName,
    parameter: Parameter,
    at: At = None,
    along: Annotated[
        str | None, typer.Option("--along", help="Axis: a limit for each of its values.")
    ] = None,
    cl: Level = None,
    dof: Annotated[int, typer.Option("--dof", help="Degrees of freedom of the limit.")] = 1,
    sided: Annotated[
        str, typer.Option("--sided", help="two: intervals; one: an upper limit, dof 1.")
    ] = "two",
    toys: Annotated[int, typer.Option("--toys", help="Toys of the Standard Model.")] = 300,
    fit_points: FitPoints = 16384,
    seed: Seed = 0,
    experiment: Experiments = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write CSV or JSON.")
    ] = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Expected limits of Asimov's data, with 1 and 2 sigma bands from toys."""
    from scanner.known import asimov_notes, sensitivity_notes
    from scanner.limits.export import check_record_path, write_record

    if output is not None:
        check_record_path(output)
    opened = opened_scan(scan, store, partial=False, experiments=experiment)
    found = opened.expected(
        parameter,
        at=numbers(at),
        along=along,
        cl=one_level(cl),
        dof=dof,
        sided=sided,
        toys=toys,
        fit_points=fit_points,
        seed=seed,
        experiments=experiment,
    )
    repeated = [
        *asimov_notes(opened.definition, experiment),
        *([] if along else _of_the_grid(opened, parameter, at, cl, dof, experiment)),
    ]
    for sentence in repeated:
        note(sentence)
    notes = [*sensitivity_notes(opened.definition, experiment), *repeated]
    record = {"scan": opened.id, **found.to_dict(), "notes": notes}
    if output is not None:
        write_record(record, found.table(), output)
        print(output)
    elif json:
        show_json(record)
    else:
        _print(found)


def _of_the_grid(
    opened: Scan,
    parameter: str,
    at: list[str] | None,
    cl: list[float] | None,
    dof: int,
    experiment: list[str] | None,
) -> tuple[str, ...]:
    """What an interval from the same grid warns of."""
    from scanner.limits.remarks import of_the_grid

    interval = opened.interval(
        parameter, cl=one_level(cl), dof=dof, at=numbers(at), experiments=experiment
    )
    return of_the_grid(interval.notes)


def _print(found: Expected) -> None:
    columns, rows = found.table()
    shown = columns if found.curves.along else columns[1:]
    show_table([shown, *([_cell(v) for v in row[-len(shown) :]] for row in rows)])
    print(
        f"upper limits on {found.curves.parameter}, {100 * found.cl:g} % CL, {found.dof} dof, "
        f"{'one' if found.sided == 'one' else 'two'}-sided, Delta chi2 < {found.level:.3f} from "
        f"the minimum of the free parameters; bands from {found.n_toys} toys of the Standard Model"
    )
    if found.sided == "two" and not found.curves.along:
        (row,) = found.rows
        lower = ", ".join(f"{k:+d}: {_cell(v)}" for k, v in row.lower.items())
        print(f"lower limits: {lower}")


def _cell(value: float | None) -> str:
    return "none" if value is None or abs(value) == float("inf") else f"{value:.5g}"


def cls(
    scan: ScanName,
    parameter: Parameter,
    at: At = None,
    cl: Level = None,
    toys: Annotated[
        int, typer.Option("--toys", help="Toys of each tested value. Default: asymptotic only.")
    ] = 0,
    fit_points: FitPoints = 16384,
    seed: Seed = 0,
    experiment: Experiments = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """CLs upper limit of one parameter, observed and expected."""
    opened = opened_scan(scan, store, partial=False, experiments=experiment)
    found = opened.cls(
        parameter,
        at=numbers(at),
        cl=one_level(cl),
        toys=toys,
        fit_points=fit_points,
        seed=seed,
        experiments=experiment,
    )
    notes = _of_the_grid(opened, parameter, at, cl, 1, experiment)
    for sentence in notes:
        note(sentence)
    record = {"scan": opened.id, **found.to_dict(), "notes": list(notes)}
    if json:
        show_json(record)
        return
    kinds = [("asymptotic", record["asymptotic"])]
    if found.toys is not None:
        kinds.append((f"{found.toys.n_toys} toys each", record["toys"]))
    bands = list(record["asymptotic"]["expected"])
    rows = [("", "observed", *(f"expected {int(k):+d} sigma" for k in bands))]
    rows += [
        (name, _cell(one["observed"]), *(_cell(one["expected"][k]) for k in bands))
        for name, one in kinds
    ]
    show_table(rows)
    print(f"CLs upper limit on {parameter}, {100 * found.cl:g} % CL; best {found.best:.4g}")


def marginal(
    scan: ScanName,
    keep: Annotated[list[str], typer.Option("--keep", help="One or two axes: a or a,b.")],
    prior: Annotated[
        list[str] | None,
        typer.Option("--prior", metavar="AXIS=flat|log", help="Default: flat in the parameter."),
    ] = None,
    at: At = None,
    cl: Annotated[
        list[float] | None, typer.Option("--cl", help="Credibility; repeat for several.")
    ] = None,
    experiment: Experiments = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Bayesian marginal of one or two axes, with credible regions of highest density."""
    opened = opened_scan(scan, store, partial=False, experiments=experiment)
    found = opened.marginal(
        axis_names(keep),
        priors={name: str(value) for name, value in _priors(prior).items()},
        cls=cl or [0.9],
        at=numbers(at),
        experiments=experiment,
    )
    if json:
        show_json({"scan": opened.id, "digest": opened.stored.digest, **found.to_dict()})
        return
    for region in found.regions:
        pieces = [f"{a:.5g} < {found.axes[0].name} < {b:.5g}" for a, b in region.intervals]
        shape = " or ".join(pieces) or f"{len(region.lines)} lines (--json has their vertices)"
        print(f"{100 * region.credibility:g} % credible: {shape}; probability {region.mass:.4f}")
    mean = ", ".join(f"{a.name} = {v:.4g}" for a, v in zip(found.axes, found.mean, strict=True))
    priors = ", ".join(f"{kind} in {name}" for name, kind in found.priors.items())
    print(f"mean {mean}; prior {priors}; ln evidence over the best point {found.evidence:.3f}")
    for sentence in found.notes:
        print(f"note: {sentence}")


def _priors(texts: list[str] | None) -> dict[str, Any]:
    return named_values(texts, "--prior", "coupling=log")


VERBS: tuple[Callable[..., None], ...] = (expected, cls, marginal)
