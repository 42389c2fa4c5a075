"""`deploy`: what is shipped is listed, shown and copied as it is."""

from __future__ import annotations

import pytest

from scanner.execution.recipes import DEPLOY, recipes


def test_list_names_every_recipe_with_its_title(command):
    listed = command("deploy", "list")
    assert listed.code == 0
    rows = [line.split(maxsplit=2) for line in listed.out.splitlines()]
    assert [(row[0], row[1]) for row in rows] == [(one.name, one.kind) for one in recipes()]
    assert all(len(row) == 3 for row in rows)
    assert ["dask", "file"] in [row[:2] for row in rows]


def test_list_for_machines(command):
    rows = command("deploy", "list", "--json").json
    files = {(DEPLOY / row["path"]).name for row in rows}
    # nothing lies in deploy/ that the list does not know
    there = {p.name for p in DEPLOY.iterdir() if not p.name.startswith((".", "_"))}
    assert files == there - {"README.md"}
    assert all(row["files"] and row["title"] for row in rows)


@pytest.mark.parametrize("name", ["dask", "dask.yaml"])
def test_show_prints_the_file(command, name):
    shown = command("deploy", "show", name)
    assert shown.code == 0
    assert shown.out == (DEPLOY / "dask.yaml").read_text()


def test_copies_of_everything_equal_what_is_shipped(command, tmp_path):
    for one in recipes():
        copied = command("deploy", "show", one.name, "--output", tmp_path / one.name)
        assert copied.code == 0
        assert copied.out.split() == [str(tmp_path / one.name / name) for name in one.files]
        for name in one.files:
            assert (tmp_path / one.name / name).read_bytes() == (one.folder / name).read_bytes()


def test_an_edited_copy_is_not_overwritten(command, tmp_path):
    command("deploy", "show", "dask", "--output", tmp_path)
    again = command("deploy", "show", "dask", "--output", tmp_path)
    assert again.code == 0
    (tmp_path / "dask.yaml").write_text("edited\n")
    refused = command("deploy", "show", "dask", "--output", tmp_path)
    assert refused.code == 2
    assert f"{tmp_path / 'dask.yaml'} is there with other contents" in refused.err
    assert (tmp_path / "dask.yaml").read_text() == "edited\n"


def test_a_folder_that_cannot_be_written(command, tmp_path):
    (tmp_path / "file").write_text("")
    refused = command("deploy", "show", "dask", "--output", tmp_path / "file")
    assert refused.code == 6
    assert "cannot be written" in refused.err


def test_an_unknown_name_suggests_the_nearest(command):
    refused = command("deploy", "show", "dusk")
    assert refused.code == 2
    assert "unknown recipe 'dusk': did you mean 'dask'?" in refused.err


@pytest.mark.parametrize(
    ("folder", "file"), [("compose", "compose.yaml"), ("systemd", "README.md")]
)
def test_a_file_of_a_folder_is_shown(command, folder, file):
    shown = command("deploy", "show", f"{folder}/{file}")
    assert shown.out == (DEPLOY / folder / file).read_text()
    assert shown.err == ""


def test_of_a_folder_the_readme_is_shown_and_how_to_have_all(command):
    shown = command("deploy", "show", "kubernetes")
    assert shown.out == (DEPLOY / "kubernetes" / "README.md").read_text()
    assert "`scanner deploy show kubernetes --output DIR`" in shown.err
    refused = command("deploy", "show", "kubernetes/worker.yaml")
    assert refused.code == 2
    assert "did you mean 'kubernetes/workers.yaml'" in refused.err


@pytest.mark.parametrize(("profile", "says"), [("slurm", "#SBATCH"), ("htcondor", "Executable")])
def test_the_script_of_a_job_is_printed(command, tmp_path, profile, says):
    printed = command("deploy", "script", profile)
    assert printed.code == 0
    assert says in printed.out
    # what is shown can be kept, edited and used
    edited = tmp_path / "my.toml"
    edited.write_text(command("deploy", "show", profile).out.replace('"2GB"', '"3GB"'))
    assert command("deploy", "script", edited).out != printed.out


def test_the_script_of_an_unknown_profile(command):
    refused = command("deploy", "script", "slrum")
    assert refused.code == 2
    assert "did you mean 'slurm'?" in refused.err


def test_a_single_file_is_copied_to_a_file(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = (DEPLOY / "slurm.toml").read_bytes()
    made = command("deploy", "show", "slurm", "--output", "my.toml")
    assert (made.code, made.out) == (0, "my.toml\n")
    assert (tmp_path / "my.toml").read_bytes() == shipped
    assert command("deploy", "show", "slurm", "--output", "my.toml").code == 0
    (tmp_path / "my.toml").write_text("edited\n")
    refused = command("deploy", "show", "slurm", "--output", "my.toml")
    assert refused.code == 2
    assert "my.toml is there with other contents: give another place, or move it" in refused.err
    assert (tmp_path / "my.toml").read_text() == "edited\n"
    nowhere = command("deploy", "show", "slurm", "--output", "typo/my.toml")
    assert nowhere.code == 2
    assert "the folder typo does not exist: make it first" in nowhere.err
    (tmp_path / "folder.toml").mkdir()
    assert command("deploy", "show", "slurm", "--output", "folder.toml").code == 0
    assert (tmp_path / "folder.toml" / "slurm.toml").read_bytes() == shipped
    assert not (tmp_path / "typo").exists()
