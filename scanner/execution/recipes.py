"""What is shipped in deploy/: profiles of batch systems, and recipes for everything else."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from scanner.errors import CatalogError, DefinitionError, StoreError, missing_folder, unknown
from scanner.regular import read_bytes

DEPLOY = Path(__file__).parents[2] / "deploy"
MADE = ("__pycache__", "wheels", "dependencies")
"""Folders that appear when a recipe is used where it lies; they are no part of it."""


@dataclass(frozen=True)
class Recipe:
    """A file of deploy/, or a folder with its README.

    Parameters
    ----------
    name : str
        What it is called on the command line: ``slurm``, ``compose``.
    kind : str
        ``profile`` (for ``--cluster`` and ``script``), ``folder`` or ``file``.
    title : str
        One line for people.
    path : Path
        Where it is installed.
    """

    name: str
    kind: str
    title: str
    path: Path

    @property
    def files(self) -> tuple[str, ...]:
        """Names of its files, below its folder; a single file is its own name."""
        if self.kind != "folder":
            return (self.path.name,)
        found = (p.relative_to(self.path) for p in self.path.rglob("*") if p.is_file())
        return tuple(sorted(p.as_posix() for p in found if not set(MADE) & set(p.parts)))

    @property
    def folder(self) -> Path:
        """The folder that its files lie in."""
        return self.path if self.kind == "folder" else self.path.parent

    def text(self) -> str:
        """The file; of a folder its README."""
        path = self.path / "README.md" if self.kind == "folder" else self.path
        return path.read_text(encoding="utf-8")


def recipes() -> tuple[Recipe, ...]:
    """All that is shipped, profiles first."""
    found = [_recipe(path) for path in DEPLOY.iterdir() if _shipped(path)]
    order = ("profile", "folder", "file")
    return tuple(sorted(found, key=lambda one: (order.index(one.kind), one.name)))


def find(name: str) -> Recipe:
    """The recipe of that name, or a file inside one: ``slurm``, ``compose/compose.yaml``.

    Raises
    ------
    CatalogError
        There is none; names the nearest.
    """
    known = {one.name: one for one in recipes()}
    inside = {
        f"{one.name}/{file}": one
        for one in known.values()
        if one.kind == "folder"
        for file in one.files
    }
    if name in known:
        return known[name]
    if name in inside:
        path = DEPLOY / name
        return Recipe(name, "file", _title(path), path)
    for one in known.values():
        if one.kind != "folder" and one.path.name == name:
            return one
    raise CatalogError(unknown("recipe", name, [*known, *inside] if "/" in name else known))


def copy(recipe: Recipe, output: Path) -> tuple[Path, ...]:
    """Copy the files of a recipe; those that are there alike are left alone.

    Parameters
    ----------
    recipe : Recipe
        What is copied.
    output : Path
        A folder, made if need be; for a single file also the file itself, by the same suffix.

    Raises
    ------
    DefinitionError
        A file is there with other contents, or is to be made in no folder; nothing is written
        then.
    StoreError
        The folder is not writable.
    """
    contents = {
        path: (recipe.folder / name).read_bytes() for name, path in _places(recipe, output).items()
    }
    try:
        for path, content in contents.items():
            if path.exists() and read_bytes(path) != content:
                raise DefinitionError(
                    f"--output {output}: {path} is there with other contents: give another "
                    "place, or move it away"
                )
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise StoreError(f"--output {output} cannot be written ({error}): give another") from error
    return tuple(contents)


def _places(recipe: Recipe, output: Path) -> dict[str, Path]:
    """Where each file goes."""
    suffix = recipe.path.suffix
    one = recipe.kind != "folder" and suffix and output.suffix == suffix
    if not one or output.is_dir():
        return {name: output / name for name in recipe.files}
    if not output.parent.is_dir():
        raise DefinitionError(f"--output {missing_folder(str(output), str(output.parent))}")
    return {recipe.path.name: output}


def _shipped(path: Path) -> bool:
    if path.name == "README.md" or path.name.startswith(("_", ".")):
        return False
    return path.is_file() or (path / "README.md").is_file()


def _recipe(path: Path) -> Recipe:
    if path.is_dir():
        return Recipe(path.name, "folder", _title(path / "README.md"), path)
    kind = "profile" if path.suffix == ".toml" else "file"
    return Recipe(path.stem, kind, _title(path), path)


def _title(path: Path) -> str:
    """Its ``title`` if it is a profile, else its first line without the sign of a comment."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".toml":
        return str(tomllib.loads(text).get("title", path.stem))
    return text.partition("\n")[0].strip("#;< -!>").strip()
