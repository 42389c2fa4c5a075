"""`diff`, `verify`, `rm`: looking after stored scans."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli.options import Json, ScanName, Store
from scanner.cli.output import duration, note, show_json, show_table, size
from scanner.errors import DefinitionError

if TYPE_CHECKING:
    from scanner.difference import Difference
    from scanner.store.audit import Audit
    from scanner.store.removal import Candidate
    from scanner.store.stored import StoredScan

DIFFERENT = 1
"""Exit code of `diff` for two that differ, as of diff(1); trouble is 2 and above."""

_SHA_SHOWN = 16  # letters of a sha256
_SHOWN = 10  # chunk numbers in one line
_Side = Annotated[
    str,
    typer.Argument(metavar="SCAN|NAME|FILE", help="Stored scan, its folder, or a definition."),
]


def diff(one: _Side, other: _Side, store: Store = None, json: Json = False) -> None:
    """Say what differs between two scans: physics, sources, versions, values. Exit code 0 or 1."""
    from scanner import difference

    found = difference.difference(difference.side(one, store), difference.side(other, store))
    if json:
        show_json(found.to_dict())
    else:
        _print_difference(found)
    if not found.same:
        raise typer.Exit(DIFFERENT)


def _print_difference(found: Difference) -> None:
    sections = dict.fromkeys(change.section for change in found.changes)
    for section in sections:
        print(f"{section}:")
        rows = [("", found.one, found.other)]
        width = _SHA_SHOWN if section == "sources" else None
        rows += [
            (c.key, c.one[:width], c.other[:width]) for c in found.changes if c.section == section
        ]
        show_table(rows, "  ")
    cubes = found.cubes
    if cubes is None:
        print("values: not compared, there are no two cubes over the same axes")
    elif cubes.same:
        print(f"values: the same in all {cubes.points} compared points")
    else:
        print(f"values: {cubes.different} of {cubes.points} compared points differ")
        if cubes.one_sided:
            print(f"  {cubes.one_sided} points have a chi2 in one of them alone")
        if cubes.chi2 is not None:
            place = ", ".join(f"{name} = {value:.6g}" for name, value in cubes.at.items())
            print(
                f"  largest |Delta chi2| = {cubes.largest:.6g} in {cubes.experiment} at {place} "
                f"({cubes.chi2[0]:.6f} and {cubes.chi2[1]:.6f})"
            )
    print("the same physics and numbers" if found.same else "different")


def verify(scan: ScanName, store: Store = None, json: Json = False) -> None:
    """Compare every chunk with its marker. Exit code 0 whole, 4 damaged, 3 incomplete."""
    from scanner.scan import Scan
    from scanner.store.audit import audit

    opened = Scan.open(scan, store=store).stored
    found = audit(opened)
    if json:
        show_json(
            {
                "scan": opened.id,
                "whole": found.whole,
                "chunks": found.total,
                "damaged": [{"chunk": n, "reason": why} for n, why in found.damaged.items()],
                "missing": list(found.missing),
                "unmarked": list(found.unmarked),
                "foreign_markers": found.foreign_markers,
                "strays": list(found.strays),
            }
        )
    else:
        _print_audit(opened, found)
    if found.exit_code:
        raise typer.Exit(found.exit_code)


def _print_audit(stored: StoredScan, found: Audit) -> None:
    good = found.total - len(found.missing) - len(found.damaged)
    print(f"scan {stored.id}: {good} of {found.total} chunks are whole")
    for number, reason in found.damaged.items():
        print(f"  chunk {number} {reason}")
    if found.missing:
        print(f"  {len(found.missing)} not computed: {_numbers(found.missing)}")
    if found.unmarked:
        print(f"  {len(found.unmarked)} of these have data without a marker, which do not count")
    if found.foreign_markers:
        print(f"  {found.foreign_markers} markers are broken or of another scan, and ignored")
    if found.strays:
        print(f"  {len(found.strays)} stray files, such as {found.strays[0]}")
    if found.damaged:
        print(f"mend it with `scanner resume {stored.words} --verify`")
    elif found.missing:
        print(f"go on with `scanner resume {stored.words}`")


def _numbers(numbers: tuple[int, ...]) -> str:
    shown = ", ".join(str(number) for number in numbers[:_SHOWN])
    return shown if len(numbers) <= _SHOWN else f"{shown}, ..."


def rm(
    scans: Annotated[
        list[str], typer.Argument(metavar="SCAN...", help="Ids, unique prefixes or names.")
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Even one that seems to be running.")
    ] = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """Remove stored scans; all are looked up, and asked about, before the first one goes."""
    from scanner.store.archive import Archive
    from scanner.store.removal import candidate, check_idle, remove

    archive = Archive(store)
    found = {c.id: c for c in (candidate(archive, scan) for scan in scans)}
    for one in found.values():
        if not force:
            check_idle(one)
    if not yes:
        _ask(list(found.values()))
    for one in found.values():
        remove(one)
        if not json:
            print(f"removed {one.id} ({one.title}, {size(one.size)})")
    if json:
        show_json({"removed": [{"scan": c.id, "bytes": c.size} for c in found.values()]})


def _ask(found: list[Candidate]) -> None:
    """Go on if somebody at a terminal says yes."""
    import sys

    for one in found:
        written = duration(one.idle_seconds)
        note(f"{one.id}  {one.title}, {size(one.size)}, last written {written} ago")
    if not sys.stdin.isatty():
        raise DefinitionError("rm: nobody can be asked here: give --yes to remove these scans")
    typer.confirm(f"remove {len(found)} scan{'s' if len(found) > 1 else ''}?", abort=True, err=True)


VERBS: tuple[Callable[..., None], ...] = (diff, verify, rm)
