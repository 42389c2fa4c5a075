"""Write an export: the format decides the view of the content, the name the place."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from scanner import catalog, sources
from scanner.errors import DefinitionError, unknown
from scanner.limits.answers import Answers
from scanner.limits.export import hepdata, netcdf, text
from scanner.limits.export.content import Question, content, default_content
from scanner.limits.export.hepdata import Resource
from scanner.limits.export.origin import Origin
from scanner.limits.export.place import put_file, put_folder
from scanner.limits.export.profile import columns_of, profile_record
from scanner.limits.export.table import Content, Sheet
from scanner.limits.surface import Surface

FORMATS = ("hepdata", "csv", "json", "netcdf")
WHATS = ("contour", "profile", "interval", "cube")
SUFFIXES = (".csv", ".json", ".nc")
FOREIGN = (".rar", ".7z", ".tar", ".gz", ".bz2", ".xz", ".zst", ".yaml", ".yml", *SUFFIXES)
"""Suffixes of files that a HEPData submission is not."""


def check(form: str, what: str | None, output: Path | None, figure: bool = False) -> None:
    """DefinitionError for a format, a content, an output or a figure that do not go together."""
    if form not in FORMATS:
        raise DefinitionError(f"--format: {unknown('format', form, FORMATS)}")
    if what is not None and what not in WHATS:
        raise DefinitionError(f"--what: {unknown('content', what, WHATS)}")
    if what == "cube" and form != "netcdf":
        raise DefinitionError(f"--what cube --format {form}: a cube goes into netcdf alone")
    if figure and form != "hepdata":
        raise DefinitionError(f"--figure --format {form}: a figure goes along with hepdata alone")
    if output is None and form in ("hepdata", "netcdf"):
        kind = "a folder, .zip or .tar.gz" if form == "hepdata" else "a file"
        raise DefinitionError(f"--format {form}: name {kind} with --output")


def as_text(made: Content, form: str) -> str:
    """The export as CSV or JSON text."""
    return text.to_csv(made.sheet()) if form == "csv" else text.to_json(made)


def export(
    scan: Answers,
    form: str,
    path: Path,
    *,
    what: str | None = None,
    asked: Question | None = None,
    resources: Sequence[Resource] = (),
) -> Path:
    """Export limits or the cube of a scan; see `check`, `content`, `write` for what is refused."""
    question = asked or Question()
    check(form, what, path)
    question.check()
    chosen = what or default_content(scan, form, question.at)
    if chosen == "cube":
        _check_whole(question)
        return write_cube(scan, path)
    return write(content(scan, chosen, question), form, path, resources)


def _check_whole(asked: Question) -> None:
    """DefinitionError for what a whole cube does not answer."""
    given = {
        "keep": asked.keep,
        "cl": tuple(asked.cls) != Question().cls,
        "dof": asked.dof,
        "at": asked.at,
        "experiment": asked.experiments,
        "reference": asked.reference != Question().reference,
        "each": asked.each,
    }
    if told := ", ".join(name for name, value in given.items() if value):
        raise DefinitionError(
            f"{told}: a cube is exported whole; leave that out, or ask for --what profile"
        )


def write(made: Content, form: str, path: Path, resources: Sequence[Resource] = ()) -> Path:
    """Write an export, whole or not at all.

    Parameters
    ----------
    made : Content
        What is exported.
    form : str
        One of `FORMATS`.
    path : Path
        File; for ``hepdata`` a folder, or an archive whose suffix says so.
    resources : sequence of Resource
        Files that go along with a HEPData submission.

    Raises
    ------
    DefinitionError
        The format cannot hold that, or the place is of another kind.
    StoreError
        The place cannot be written.
    """
    if form == "hepdata":
        _submission(made, path, resources)
    elif form == "netcdf":
        put_file(path, partial(netcdf.write_dataset, made.dataset(), made.origin))
    else:
        written = as_text(made, form)
        put_file(path, lambda file: file.write_text(written))
    return path


def write_cube(scan: Answers, path: Path) -> Path:
    """Write the whole cube of a scan as NetCDF."""
    put_file(path, partial(netcdf.write_dataset, netcdf.cube_dataset(scan), Origin.of(scan)))
    return path


def _submission(made: Content, path: Path, resources: Sequence[Resource]) -> None:
    fill = partial(hepdata.write_submission, content=made, resources=resources)
    if not path.name.endswith(tuple(hepdata.ARCHIVES)):
        if path.suffix in FOREIGN:
            raise DefinitionError(
                f"--output {path}: end the name in {', '.join(hepdata.ARCHIVES)}, or name a folder"
            )
        put_folder(path, fill, hepdata.SUBMISSION)
        return
    with tempfile.TemporaryDirectory() as around:
        folder = Path(around) / "submission"
        folder.mkdir()
        fill(folder)
        put_file(path, partial(hepdata.pack, folder, kind=hepdata.archive_kind(path)))


def write_profile(surface: Surface, path: Path, origin: Origin) -> None:
    """Write a profiled surface, whole or not at all; the suffix says the format.

    Raises
    ------
    DefinitionError
        An unknown suffix.
    StoreError
        The file cannot be written.
    """
    if path.suffix not in SUFFIXES:
        raise DefinitionError(f"output {path.name!r}: end the name in {', '.join(SUFFIXES)}")
    if path.suffix == ".nc":
        put_file(path, partial(netcdf.write_dataset, surface.to_dataset(), origin))
        return
    if path.suffix == ".csv":
        head = {
            **origin.identity(),
            "experiments": list(surface.experiments),
            "fixed": dict(surface.fixed),
            "coverage": surface.coverage,
            "origin": origin.rest(),
        }
        written = text.to_csv(Sheet(head, columns_of(surface)))
    else:
        record = {**origin.identity(), **profile_record(surface), "origin": origin.rest()}
        written = text.dumps(record)
    put_file(path, lambda file: file.write_text(written))


def resources_of(scan: Answers, references: str, figure: Path | None = None) -> list[Resource]:
    """What goes along with a submission: definition, own scenarios, references, the figure."""
    found = [
        Resource(
            "definition.toml",
            "Definition of the scan: the CEvNS scanner makes the same cube of it",
            scan.definition.to_toml().encode(),
        ),
        *_own_scenarios(scan.definition.scenario),
        Resource("references.bib", "Papers and data to be cited, BibTeX", references.encode()),
    ]
    if figure is not None:
        found.append(Resource(figure.name, "Figure of the exclusion limits", figure.read_bytes()))
    return found


def _own_scenarios(scenario: str) -> list[Resource]:
    """Python files of scenarios outside the catalogue, without which nobody makes the cube."""
    plugins = [part.strip() for part in scenario.split(catalog.JOIN) if ":" in part]
    found = []
    for plugin in plugins:
        catalog.scenario(plugin)
        module = sys.modules[plugin.partition(":")[0]]
        main, *helpers = sources.source_files(module)
        for path in (main, *helpers):
            name = "_".join(path.relative_to(main.parent).parts)  # a submission has no folders
            found.append(Resource(name, f"Source of {plugin}", path.read_bytes()))
    return found
