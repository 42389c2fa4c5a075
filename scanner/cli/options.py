"""Options that several verbs share, and how their text becomes values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scanner.errors import DefinitionError
from scanner.reading.named import axis_names as axis_names
from scanner.reading.named import named_values as named_values
from scanner.reading.named import number_or_text as number_or_text
from scanner.reading.named import numbers as numbers

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
