"""`impacts`: which pulls move a parameter, and how far."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from scanner.cli.options import At, Definition, Experiments, Json, Overrides, numbers
from scanner.cli.output import note, show_json, show_table


def impacts(
    definition: Definition,
    parameter: Annotated[str, typer.Argument(help="An axis of the definition.")],
    at: At = None,
    overrides: Overrides = None,
    experiment: Experiments = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Draw into FILE.pdf, .png or .svg.")
    ] = None,
    json: Json = False,
) -> None:
    """Rank the pulls by how far the best fit of a parameter moves with each held one width off."""
    from scanner.definition import load
    from scanner.figures.save import check_path
    from scanner.limits.impacts import impacts as ranked
    from scanner.pictures import draw_impacts

    changes = list(overrides or ())
    if experiment:
        changes.append(f"experiments={list(experiment)}")
    chosen = load(definition, changes)
    if output is not None:
        check_path(output)
    found = ranked(chosen, parameter, at=numbers(at))
    path = None if output is None else draw_impacts(chosen, found, output)
    if json:
        record = {"definition": chosen.name, **found.to_dict()}
        show_json({**record, "figure": None if path is None else str(path)})
        return
    unit = f" {found.unit}" if found.unit else ""
    print(
        f"{parameter} = {found.best:.5g} +- {found.sigma:.3g}{unit} (statistical "
        f"{found.statistical:.3g}, systematic {found.systematic:.3g}), "
        f"{' + '.join(found.experiments)}, chi2 = {found.chi2_min:.3f}"
    )
    rows: list[tuple[str, ...]] = [
        ("pull", "fitted", "width", "shift at -1 sigma", "+1 sigma", "prior -1", "+1")
    ]
    rows += [
        (
            one.pull,
            f"{one.value:+.2f}",
            f"{one.width:.2f}",
            *(f"{shift:+.4g}" for shift in (*one.postfit, *one.prior)),
        )
        for one in found.impacts
    ]
    show_table(rows, "  ")
    for sentence in found.notes:
        note(f"note: {sentence}")
    if path is not None:
        print(path)


VERBS: tuple[Callable[..., None], ...] = (impacts,)
