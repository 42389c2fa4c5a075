"""Figures on the command line: levels, styles, published limits, and what is refused."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.cluster

NAME = "light_vector_universal"


def test_published_limits_are_drawn_and_cited(command, store, tmp_path):
    options = ("--overlay", "all", "--store", store, "--json")
    drawn = command("plot", NAME, *options, "-o", tmp_path / "f.pdf")
    assert drawn.code == 0, drawn.err
    assert Path(drawn.json["figure"]).read_bytes().startswith(b"%PDF")
    assert any("2105.07077" in line for line in drawn.json["cite"])
    plain = command("plot", NAME, "-o", tmp_path / "g.pdf", "--store", store)
    assert plain.code == 0
    assert plain.err == ""
    assert (tmp_path / "g.pdf").stat().st_size < (tmp_path / "f.pdf").stat().st_size


def test_ones_own_folder_of_limits(command, store, tmp_path):
    contour = command("contour", NAME, "--store", store, "--json")
    (tmp_path / "ours.json").write_text(contour.out)
    (tmp_path / "ours.toml").write_text(
        'title = "Our own"\nlabel = "before"\nkind = "CEvNS"\nscenario = "light_vector"\n'
        'shows = "line"\nlicence = "ours"\nprovenance = "scanner contour"\ncl = 0.9\n'
        '[[model]]\nparameters = { model = "universal" }\n'
        '[points]\nfile = "ours.json"\nshape = "contour"\n'
    )
    options = ("--overlay", "ours", "--overlay-dir", tmp_path, "--store", store)
    answer = command("plot", NAME, *options, "-o", tmp_path / "f.svg")
    assert answer.code == 0, answer.err
    listed = command("list", "overlays", "--overlay-dir", tmp_path, "--json").json
    assert "ours" in [row["name"] for row in listed]
    shown = command("show", "ours", "--overlay-dir", tmp_path, "--json").json
    assert (shown["cl"], shown["licence"]) == (0.9, "ours")


def test_several_levels_and_styles(command, store, tmp_path):
    levels = ("--cl", "0.6827", "--cl", "0.9", "--cl", "0.9973", "--store", store)
    sizes = {}
    for style in ("journal", "wide", "talk"):
        path = tmp_path / f"{style}.png"
        assert command("plot", NAME, *levels, "--style", style, "-o", path).code == 0
        head = path.read_bytes()[16:24]
        sizes[style] = int.from_bytes(head[:4], "big")
    assert sizes["journal"] == 1020
    assert sizes["wide"] == 2100
    assert command("plot", NAME, "--keep", "coupling", *levels, "-o", tmp_path / "p.pdf").code == 0


def test_a_bare_figure_keeps_its_provenance_in_the_file_alone(command, store, tmp_path):
    whole, bare = tmp_path / "whole.svg", tmp_path / "bare.svg"
    for keep in ("mass,coupling", "coupling"):
        how = ("plot", NAME, "--keep", keep, "--store", store)
        assert command(*how, "-o", whole).code == 0
        assert command(*how, "-o", bare, "--bare").code == 0
        written = [" ".join(re.findall("<!-- (.*?) -->", p.read_text())) for p in (whole, bare)]
        assert all("from the global minimum" in texts for texts in written)
        for left_out in ("Universal light vector mediator", "scan ", "cevns-scanner"):
            assert [left_out in texts for texts in written] == [True, False]
        description = re.compile("<dc:description>(.*?)</dc:description>", re.DOTALL)
        described = [description.findall(path.read_text()) for path in (whole, bare)]
        assert described[0] == described[1]
        assert "cevns-scanner" in described[1][0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--overlay", "bl_texno"), "did you mean 'bl_texono'"),
        (("--overlay", "bl_babar"), "no rescaling between them is known (overlays that fit: "),
        (("--overlay", "connie_2019"), "published as a figure only"),
        (("--overlay", "all", "--keep", "coupling"), "none fits"),
        (("--overlay", "all", "--overlay-dir", "/nowhere"), "there is no such folder"),
        (("--overlay-dir", "."), "say which with --overlay"),
        (("--style", "poster"), "known: journal, wide, talk"),
        (("--cl", "90"), "give a fraction, 0.9 for 90 %"),
        (("--cl", "0.9", "--cl", "1"), "cl = 1"),
    ],
)
def test_what_is_refused_writes_nothing(command, store, tmp_path, options, said):
    answer = command("plot", NAME, *options, "-o", tmp_path / "f.png", "--store", store)
    assert answer.code == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_drivers_are_told_and_shaded(command, store, tmp_path):
    said = command("drivers", NAME, "--store", store, "--json").json
    assert {row["experiment"] for row in said["stretches"]} <= {*said["experiments"], ""}
    printed = command("drivers", NAME, "--store", store).out
    assert "contributes most" in printed
    assert printed.count(" %") == len(said["stretches"]) + 1
    plain, shaded = tmp_path / "plain.svg", tmp_path / "shaded.svg"
    assert command("plot", NAME, "--store", store, "-o", plain).code == 0
    assert command("plot", NAME, "--store", store, "-o", shaded, "--drivers").code == 0
    assert "colour of the largest contribution" in shaded.read_text()
    assert "colour of the largest contribution" not in plain.read_text()
    alone = command("drivers", NAME, "--store", store, "-e", "coherent_csi_2021")
    assert alone.code == 2
    assert "needs two or more" in alone.err
