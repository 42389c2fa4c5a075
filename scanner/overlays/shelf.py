"""Which overlays there are: the shipped ones and those of a folder; which of them fit a figure."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from scanner.errors import CatalogError, DataError, DefinitionError, unknown
from scanner.overlays import darkcast
from scanner.overlays.overlay import Model, Overlay, Value
from scanner.overlays.reading import read

DATA = Path(__file__).parent / "data"
CHECKSUMS = "checksums.toml"
ALL = "all"
_WILD = "*?["


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, Overlay]:
    """The shipped overlays by name; DataError if a table of theirs is damaged."""
    verify()
    files = sorted(DATA.glob("*.toml"))
    return {f.stem: read(f) for f in files if f.name not in (CHECKSUMS, darkcast.REGISTER)}


def of_folder(folder: Path | None) -> dict[str, Overlay]:
    """The shipped overlays, and those of a folder that the user names.

    The folder holds TOML files as those shipped, or the recast limits of DarkCast as released.

    Raises
    ------
    DefinitionError
        There is no such folder, nothing in it is an overlay, or a file of it cannot be used.
    """
    known = dict(shipped())
    if folder is None:
        return known
    if not folder.is_dir():
        raise DefinitionError(f"--overlay-dir {folder}: there is no such folder")
    own = {path.stem: read(path) for path in sorted(folder.glob("*.toml"))}
    found = own | darkcast.overlays(folder)
    if not found:
        raise DefinitionError(
            f"--overlay-dir {folder}: no overlay is in it; give a folder with <name>.toml files, "
            "or the recast limits of DarkCast (<model>_boson/<limit>.lmt)"
        )
    return known | found


def chosen(
    wanted: Sequence[str],
    known: Mapping[str, Overlay],
    scenario: str,
    parameters: Mapping[str, Value],
    axes: Mapping[str, str],
) -> tuple[tuple[Overlay, Model], ...]:
    """The wanted overlays with the model that they are drawn for.

    Parameters
    ----------
    wanted : sequence of str
        Names, patterns such as ``bl_*``, or ``all``: of patterns those that fit.
    scenario, parameters : str, mapping
        What the figure shows: scenario and fixed parameters.
    axes : mapping from name to unit
        Of the figure, x first.

    Raises
    ------
    CatalogError
        An unknown name.
    DefinitionError
        An overlay of another model or plane, or without numbers.
    """
    fitting = [o for o in known.values() if o.regions and o.fits(scenario, parameters, axes)]
    names: dict[str, None] = {}
    for wish in wanted:
        names |= dict.fromkeys(_named(wish, known, fitting, scenario, axes))
    found = []
    for name in names:
        overlay = known[name]
        model = overlay.model_for(scenario, parameters)
        if model is None or not overlay.fits(scenario, parameters, axes):
            raise DefinitionError(_misfit(overlay, scenario, parameters, axes, fitting))
        if not overlay.regions:
            raise DefinitionError(f"overlay {name!r} cannot be drawn: {overlay.missing}")
        found.append((overlay, model))
    return tuple(found)


def _named(
    wish: str,
    known: Mapping[str, Overlay],
    fitting: Iterable[Overlay],
    scenario: str,
    axes: Mapping[str, str],
) -> list[str]:
    pattern = "*" if wish == ALL else wish
    if not any(sign in pattern for sign in _WILD):
        if wish not in known:
            raise CatalogError(unknown("overlay", wish, known))
        return [wish]
    names = [overlay.name for overlay in fitting if fnmatchcase(overlay.name, pattern)]
    if not names:
        raise DefinitionError(
            f"--overlay {wish}: none fits {scenario} with these fixed parameters in the plane of "
            f"{', '.join(axes)} (see `scanner list overlays`)"
        )
    return names


def _misfit(
    overlay: Overlay,
    scenario: str,
    parameters: Mapping[str, Value],
    axes: Mapping[str, str],
    fitting: Iterable[Overlay],
) -> str:
    """Why an overlay is refused, and which others fit."""
    if not overlay.in_plane(axes):
        pair = ",".join(overlay.axes)
        why = f"is drawn with --keep {pair}; the figure shows {','.join(axes)}"
    else:
        named = {name for model in overlay.models for name in model.parameters}
        shown = ", ".join(f"{n} = {parameters[n]}" for n in sorted(named) if n in parameters)
        holds = " or ".join(dict.fromkeys(model.text() for model in overlay.models))
        why = (
            f"holds for {overlay.scenario} with {holds}; the figure shows {scenario}"
            f"{f' with {shown}' if shown else ''}, and no rescaling between them is known"
        )
    others = ", ".join(o.name for o in fitting) or "none"
    return f"overlay {overlay.name!r} {why} (overlays that fit: {others})"


def checksums() -> dict[str, dict[str, str]]:
    """sha256 of the shipped tables and of the release files that they were made from."""
    try:
        return tomllib.loads((DATA / CHECKSUMS).read_text())
    except (OSError, ValueError) as error:
        raise DataError(
            f"overlays: {CHECKSUMS} cannot be read ({error}); reinstall cevns-scanner"
        ) from error


def verify() -> tuple[str, ...]:
    """Check the shipped tables against their sha256; returns their names.

    Raises
    ------
    DataError
        A table is missing or damaged.
    """
    for table, expected in checksums()["tables"].items():
        try:
            found = hashlib.sha256((DATA / table).read_bytes()).hexdigest()
        except OSError as error:
            raise DataError(
                f"overlays: table {table} is missing ({error.strerror}); reinstall cevns-scanner"
            ) from error
        if found != expected:
            raise DataError(
                f"overlays: table {table} is damaged (sha256 {found[:12]}..., expected "
                f"{expected[:12]}...); reinstall cevns-scanner, or rebuild with "
                "'scanner data build overlays'"
            )
    return tuple(checksums()["tables"])
