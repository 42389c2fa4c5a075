"""What the README shows is what the scanner does."""

import re
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from scanner import catalog, definition, described

README = (Path(__file__).parents[1] / "README.md").read_text()


def block(language, start):
    """The code block of that language that begins with `start`."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    [found] = [text for text in blocks if text.startswith(start)]
    return found


def test_the_ten_lines_are_the_ready_made_definition():
    raw = tomllib.loads(block("toml", "# universal.toml"))
    shown = definition.from_mapping(raw, "README.md")
    assert shown.digest == definition.load("light_vector_universal").digest


def test_the_scenario_shown_is_a_scenario(tmp_path, monkeypatch):
    (tmp_path / "readme_up_vector.py").write_text(block("python", "# up_vector.py"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert catalog.scenario("readme_up_vector:SCENARIO").title == "Up-quark vector mediator"


def test_the_experiment_shown_is_one(tmp_path):
    path = tmp_path / "my_detector.toml"
    path.write_text(block("toml", "# my_detector.toml"))
    form = described.experiment("my_detector", described.read(path), str(path))
    assert form.title.endswith("(expected)")


def test_every_experiment_is_named():
    told = README.partition("## Which data")[2].partition("## An experiment as text")[0]
    assert set(catalog.experiment_names()) <= set(re.findall(r"`(\w+)`", told))


def test_the_commands_shown_exist():
    from scanner.cli.app import app

    known = {c.name or c.callback.__name__.rstrip("_") for c in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    named = re.findall(r"(?:`|^|bin/)scanner (\w+)", README, flags=re.MULTILINE)
    assert len(named) > 15
    assert set(named) <= known


FIGURES = Path(__file__).parents[1] / "notebooks" / "figures"


@pytest.mark.parametrize("name", sorted(p.stem for p in FIGURES.glob("*.png")))
def test_a_figure_that_is_shown_is_of_the_scan_as_it_is_today(name):
    assert f"(notebooks/figures/{name}.png)" in README
    if name != "service":  # a picture of a page
        with Image.open(FIGURES / f"{name}.png") as picture:
            told = picture.info["Description"]
        assert told.startswith(f"scan {definition.load(name.removesuffix('_published')).id}, ")
