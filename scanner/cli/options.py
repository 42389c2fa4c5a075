"""Options that several verbs share, and how their text becomes values."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from scanner.errors import DefinitionError

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="PATH|URL",
        help="Root of the store: a folder or s3://BUCKET/PREFIX. "
        "Default: $SCANNER_STORE, else ./scans.",
    ),
]
ScanName = Annotated[
    str, typer.Argument(metavar="SCAN", help="Id, unique prefix of an id, or definition name.")
]
Definition = Annotated[
    str,
    typer.Argument(metavar="NAME|FILE", help="Ready-made definition, or a .toml or .json file."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override, such as axes.mass.n=60."),
]
Experiments = Annotated[
    list[str] | None,
    typer.Option("-e", "--experiment", help="Experiment; repeat for several. Default: all."),
]
PointExperiments = Annotated[
    list[str] | None,
    typer.Option(
        "-e",
        "--experiment",
        help="Experiment; repeat for several. Default: the two COHERENT detectors.",
    ),
]


def at_least_one(workers: int | None) -> int | None:
    """The number of workers, unless it is below 1."""
    if workers is not None and workers < 1:
        raise DefinitionError(f"--workers {workers}: give at least 1")
    return workers


Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        callback=at_least_one,
        help="Worker processes. Default: one per CPU here, or as the profile says.",
    ),
]
Scheduler = Annotated[
    str | None, typer.Option("--scheduler", help="Join a running Dask scheduler: tls://host:8786.")
]
SchedulerFile = Annotated[
    Path | None, typer.Option("--scheduler-file", help="Join by the file of `dask scheduler`.")
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="PROFILE|FILE",
        help="Start jobs of a batch system, and end them: slurm, htcondor, or a TOML file.",
    ),
]
Level = Annotated[
    list[float] | None,
    typer.Option("--cl", help="Confidence level as a fraction: 0.9 for 90 %. Default: 0.9."),
]
At = Annotated[
    list[str] | None,
    typer.Option("--at", metavar="NAME=VALUE", help="Hold an axis at a value; repeat for several."),
]
ReferenceKind = Annotated[
    str, typer.Option("--reference", help="Delta chi2 counts from: global, sm or raster.")
]
OverlayFolder = Annotated[
    Path | None,
    typer.Option(
        "--overlay-dir",
        metavar="DIR",
        help="Further published limits: your own TOML files, or DarkCast's recast limits.",
    ),
]
Partial = Annotated[bool, typer.Option("--partial", help="Ask a scan that is not complete yet.")]


def named_values(
    texts: Iterable[str] | None, key: str = "argument", example: str = "mass=10"
) -> dict[str, Any]:
    """``name=value`` texts as a mapping; numbers as floats, the rest as text.

    `key` and `example` are for the error: where the text was given, and a right one.

    Raises
    ------
    DefinitionError
        A text without ``=``, or a name given twice.
    """
    values: dict[str, Any] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise DefinitionError(f"{key} {text!r}: write name=value, such as {example}")
        if name.strip() in values:
            raise DefinitionError(f"{key} {text!r}: {name.strip()} is given twice; give it once")
        values[name.strip()] = number_or_text(value.strip())
    return values


def numbers(texts: Iterable[str] | None) -> dict[str, float]:
    """``name=value`` texts whose values are numbers."""
    values = named_values(texts)
    for name, value in values.items():
        if not isinstance(value, float):
            raise DefinitionError(f"argument {name}={value}: write a number, such as {name}=10")
    return values


def number_or_text(text: str) -> float | str:
    """A float if the text is one."""
    try:
        return float(text)
    except ValueError:
        return text


def axis_names(texts: Iterable[str]) -> list[str]:
    """Names out of repeated options and comma-separated lists.

    >>> axis_names(["mass,coupling", "eps"])
    ['mass', 'coupling', 'eps']
    """
    return [name for text in texts for name in text.replace(",", " ").split()]


def one_level(levels: list[float] | None) -> float:
    """The one confidence level of a verb that takes one.

    Raises
    ------
    DefinitionError
        There are several.
    """
    if levels and len(levels) > 1:
        given = ", ".join(f"{level:g}" for level in levels)
        raise DefinitionError(f"--cl {given}: give one level; `scanner contour` takes several")
    return levels[0] if levels else 0.9
