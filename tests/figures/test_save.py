"""Files: whole or not at all, the same bytes each time, fonts that journals take."""

import re
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from scanner.errors import DefinitionError, StoreError
from scanner.figures.exclusion import Planes, exclusion_figure
from scanner.figures.frame import Note
from scanner.figures.save import save
from scanner.grid import Axis

AXES = (Axis("a", "linear", -3.0, 3.0, 30), Axis("b", "linear", -3.0, 3.0, 30))
A, B = np.meshgrid(AXES[0].coordinates, AXES[1].coordinates, indexing="ij")


def make() -> Figure:
    return exclusion_figure(
        Planes(axes=AXES, combined=A**2 + B**2), note=Note("Circle", provenance="abc")
    )


@pytest.mark.parametrize("suffix", ["pdf", "png", "svg"])
def test_the_same_figure_is_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    first = save(make(), tmp_path / f"one.{suffix}")
    second = save(make(), tmp_path / f"two.{suffix}")
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size > 5000
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"one.{suffix}", f"two.{suffix}"]


def test_the_bytes_of_each_kind(tmp_path: Path) -> None:
    pdf = save(make(), tmp_path / "f.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf
    assert save(make(), tmp_path / "f.PNG").read_bytes().startswith(b"\x89PNG")
    svg = save(make(), tmp_path / "f.svg").read_text()
    assert "<svg" in svg
    assert "<dc:date>" not in svg


def test_the_whole_provenance_stands_in_the_file(tmp_path: Path) -> None:
    assert b"/Subject (abc)" in save(make(), tmp_path / "f.pdf").read_bytes()
    with Image.open(save(make(), tmp_path / "f.png")) as picture:
        assert picture.info["Description"] == "abc"
    described = r"<dc:description>\s*abc\s*</dc:description>"
    assert re.search(described, save(make(), tmp_path / "f.svg").read_text())


def test_saving_twice_writes_the_same_file_and_replaces_it(tmp_path: Path) -> None:
    figure = make()
    first = save(figure, tmp_path / "f.pdf").read_bytes()
    assert save(figure, tmp_path / "f.pdf").read_bytes() == first


@pytest.mark.parametrize("name", ["limit.jpg", "limit", "limit.pdf.gz"])
def test_other_suffixes_are_refused_and_write_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(DefinitionError, match=r"end the name in \.pdf, \.png, \.svg"):
        save(make(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist: make it first"):
        save(make(), tmp_path / "nowhere" / "f.pdf")


def test_a_failed_write_leaves_the_old_file_and_no_debris(tmp_path: Path) -> None:
    class Broken(Figure):
        def savefig(self, stream: BinaryIO, **_: object) -> None:
            stream.write(b"half")
            raise OSError(28, "No space left on device")

    target = tmp_path / "f.pdf"
    target.write_bytes(b"old")
    with pytest.raises(StoreError, match="No space left"):
        save(Broken(), target)
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["f.pdf"]
