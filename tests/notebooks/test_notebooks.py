"""Every notebook runs, and what it shows is what is stored in it.

After a change that is meant to alter what they show run this file as a program: it executes them
(all, or those named) and stores text, figures and nothing of the machine.
"""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import pytest
from PIL import Image

FOLDER = Path(__file__).parents[2] / "notebooks"
NAMES = [path.stem for path in sorted(FOLDER.glob("*.ipynb"))]
NUMBER = re.compile(r"(?<![\w.])([+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w])")
FIGURE = "image/png"
MOST_BYTES = 120_000
COLOURS = 64
MOST_CELLS = 12
STARTS_PROCESSES = ("7_", "8_")


@contextmanager
def environment(folder: Path) -> Iterator[None]:
    """That of a user who has activated this environment and set nothing else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "jupyter"))
        patch.setenv("TERM", "dumb")
        for name in ("SCANNER_STORE", "SCANNER_TOKEN", "DASK_SCHEDULER_ADDRESS", "MPLBACKEND"):
            patch.delenv(name, raising=False)
        yield


def executed(name: str, folder: Path) -> Any:
    """The notebook after a run in a copy of the folder; an error in a cell is raised."""
    from nbclient import NotebookClient

    shutil.copytree(FOLDER, folder / "notebooks", ignore=shutil.ignore_patterns("figures"))
    book = nbformat.read(folder / "notebooks" / f"{name}.ipynb", as_version=4)
    place = {"metadata": {"path": str(folder / "notebooks")}}
    with environment(folder), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the machinery of notebooks
        NotebookClient(book, timeout=200, kernel_name="python3", resources=place).execute()
    return book


def code(book: Any) -> list[Any]:
    """Its cells of code."""
    return [cell for cell in book.cells if cell.cell_type == "code"]


def text(cell: Any) -> str:
    """What a cell says, on both streams and as its value."""
    told = ""
    for output in cell.outputs:
        if output.output_type == "stream":
            told += output.text
        elif FIGURE not in output.data:
            told += output.data.get("text/plain", "") + "\n"
    return told.replace("\r", "")


def figures(cell: Any) -> list[bytes]:
    """What a cell shows."""
    shown = [output.data for output in cell.outputs if "data" in output]
    return [base64.b64decode(data[FIGURE]) for data in shown if FIGURE in data]


def difference(one: str, other: str) -> str:
    """The first pair of words that differ; a number with a point may by a unit of its last digit.

    >>> difference("mass = 1.000 in 24", "mass  =  1.001 in 24")
    ''
    >>> difference("mass = 1.000 in 24", "mass = 1.002 in 24")
    '1.000 is not 1.002'
    >>> difference("mass = 1.000 in 24", "mass = 1.000 in 25")
    '24 is not 25'
    """
    pair = [NUMBER.split(" ".join(told.split())) for told in (one, other)]
    for mine, theirs in zip(*pair, strict=False):
        if mine != theirs and not alike(mine, theirs):
            return f"{mine} is not {theirs}"
    return "" if len(pair[0]) == len(pair[1]) else "one says more than the other"


def alike(one: str, other: str) -> bool:
    """Whether two words are numbers with decimals that differ by one unit of the last at most."""
    if not (NUMBER.fullmatch(one) and NUMBER.fullmatch(other) and "." in one + other):
        return False
    numbers = [Decimal(one), Decimal(other)]
    unit = max(Decimal(1).scaleb(int(n.as_tuple().exponent)) for n in numbers)
    return abs(numbers[0] - numbers[1]) <= unit


def marked(name: str) -> Any:
    """A notebook, marked where it starts worker processes or a service."""
    marks = [pytest.mark.cluster] if name.startswith(STARTS_PROCESSES) else []
    return pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", [marked(name) for name in NAMES])
def test_a_notebook_shows_what_is_stored(name: str, tmp_path: Path) -> None:
    stored = code(nbformat.read(FOLDER / f"{name}.ipynb", as_version=4))
    made = code(executed(name, tmp_path))
    for number, (cell, fresh) in enumerate(zip(stored, made, strict=True), 1):
        assert difference(text(cell), text(fresh)) == "", f"{name}, cell {number}: {text(fresh)}"
        assert len(figures(cell)) == len(figures(fresh)), f"{name}, cell {number}"


def test_there_are_eight() -> None:
    assert [name[:2] for name in NAMES] == [f"{n}_" for n in range(1, 9)]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_short_clean_and_told(name: str) -> None:
    book = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    nbformat.validate(book)
    cells = code(book)
    assert len(cells) <= MOST_CELLS
    assert [cell.cell_type for cell in book.cells] == ["markdown", "code"] * len(cells)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(not cell.metadata for cell in book.cells)
    assert any(figures(cell) for cell in cells) or name.startswith("7_")
    assert all(len(figure) < MOST_BYTES for cell in cells for figure in figures(cell))
    assert not re.search(r"/(tmp|root|home|work)/|127\.0\.0\.1:[1-9]|\d s\b", shown(cells))


@pytest.mark.parametrize("name", ["up_vector.py", "my_detector.toml"])
def test_files_are_written_as_the_readme_has_them(name: str) -> None:
    books = [nbformat.read(FOLDER / f"{book}.ipynb", as_version=4) for book in NAMES]
    sources = [cell.source for book in books for cell in code(book)]
    [written] = [text for text in sources if text.startswith(f"%%writefile {name}\n")]
    readme = (FOLDER.parent / "README.md").read_text()
    assert f"{written.partition(chr(10))[2]}\n```" in readme


def shown(cells: list[Any]) -> str:
    return "\n".join(text(cell) for cell in cells)


def cleaned(book: Any) -> Any:
    """Without anything of the machine or the moment; figures with few colours."""
    for cell in book.cells:
        cell.metadata = {}
    for number, cell in enumerate(code(book), 1):
        cell.execution_count = number
        told, shown = text(cell), figures(cell)
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=told)] if told else []
        for figure in shown:
            data = {FIGURE: base64.b64encode(smaller(figure)).decode() + "\n"}
            cell.outputs.append(nbformat.v4.new_output("display_data", data=data))
    book.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return book


def smaller(figure: bytes) -> bytes:
    """The same picture with a palette."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(figure)) as picture:
        picture.convert("RGB").quantize(COLOURS).save(out, "PNG", optimize=True)
    return out.getvalue()


def main(names: list[str]) -> None:
    """Execute the named notebooks, or all, and store what they show."""
    for name in names or NAMES:
        with TemporaryDirectory() as folder:
            book = cleaned(executed(name, Path(folder)))
        nbformat.write(book, FOLDER / f"{name}.ipynb")
        print(name)


if __name__ == "__main__":
    main(sys.argv[1:])
