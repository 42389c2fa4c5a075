"""What holds of a Folder wherever it lies."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from scanner.errors import DefinitionError
from scanner.store import objects
from scanner.store.folder import Folder
from scanner.store.location import folder_at

FILES = {"a/x": b"1", "a/b/y": b"22", "last.json": b"{}"}


@pytest.fixture
def folder(root: str) -> Folder:
    made = folder_at(root)
    made.make()
    return made


def test_location_name_parent_and_child(folder: Folder) -> None:
    child = folder.child("scan").child("ledger")
    assert child.location == f"{folder.location}/scan/ledger"
    assert (child.name, child.parent.name) == ("ledger", "scan")
    assert child.parent == folder_at(f"{folder.location}/scan")
    assert folder_at(str(child)) == child


def test_what_is_written_is_read_and_replaced(folder: Folder) -> None:
    for data in (b"one", b"", b"three" * 10_000):
        folder.write("a.json", data)
        assert folder.read("a.json") == data
        assert folder.size("a.json") == len(data)
    assert folder.exists("a.json")
    assert not folder.exists("a.jso")
    assert folder.names() == ["a.json"]


def test_what_is_absent_reads_as_nothing(folder: Folder) -> None:
    absent = folder.child("absent")
    assert not absent.exists()
    assert absent.read("a") is None
    assert list(absent.read_many(["a", "b"])) == [("a", None), ("b", None)]
    assert (absent.names(), absent.sizes(), absent.size("a")) == ([], {}, 0)
    absent.remove(["a"])
    assert not absent.withdraw("a")


def test_the_first_of_two_writers_stays(folder: Folder) -> None:
    assert folder.write_new("a", b"first")
    assert folder.write_new("a", b"first")
    assert not folder.write_new("a", b"second")
    assert folder.read("a") == b"first"
    assert folder.names() == ["a"]


@pytest.mark.parametrize("root", ["disk"], indirect=True)  # Swift looks as a request begins
def test_of_many_writers_at_once_one_stays(folder: Folder) -> None:
    ready, won = threading.Barrier(8), []

    def write(number: int) -> None:
        ready.wait()
        if folder.write_new("a", b"%d" % number):
            won.append(number)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [folder.read("a")] == [b"%d" % number for number in won]


def test_listings_of_many_files_are_whole(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a page of the server, see PAGE of tests/servers, or than one removal takes."""
    monkeypatch.setattr(objects, "MOST_REMOVED", 7)
    names = [f"{number:03d}" for number in range(45)]
    place = folder.child("many")
    place.make()
    for name in names:
        place.write(name, name.encode())
    folder.write("other", b"")
    assert place.names() == names
    assert place.sizes() == dict.fromkeys(names, 3)
    assert folder.names() == ["many", "other"]
    assert dict(place.read_many(names)) == {name: name.encode() for name in names}
    place.remove(names[:-1])
    assert place.names() == names[-1:]


def test_names_of_all_kinds(folder: Folder) -> None:
    names = ["a b", "a#b", "a%20b", "a&b", "a+b", "a?b", "a[b", "a~b", "x=1", "ü"]
    for name in names:
        folder.write(name, name.encode())
    assert folder.names() == sorted(names)
    assert dict(folder.read_many(names)) == {name: name.encode() for name in names}
    folder.remove(names)
    assert folder.names() == []


def test_age_by_the_clock_of_the_storage(folder: Folder) -> None:
    folder.write("a", b"12")
    folder.child("b").make()
    folder.child("b").write("c", b"345")
    size, idle = folder.written()
    assert size == 5
    assert 0.0 <= idle < 60.0
    assert folder.clock() >= folder.clock() - 1.0
    assert folder.names() == ["a", "b"]


def test_a_child_is_published_and_withdrawn(folder: Folder) -> None:
    folder.publish("scan", FILES, "last.json")
    assert folder.published("scan", "last.json")
    child = folder.child("scan")
    assert {name: child.read(name) for name in FILES} == FILES
    folder.publish("scan", dict.fromkeys(FILES, b"other"), "last.json")
    assert {name: child.read(name) for name in FILES} == FILES
    assert folder.withdraw("scan", ("last.json",))
    assert not folder.published("scan", "last.json")
    assert folder.sizes() == {}
    assert not folder.withdraw("scan")


def test_a_test_of_writing_leaves_nothing(folder: Folder) -> None:
    folder.check_makeable()
    folder.check_writable()
    assert "writable" in folder.describe()
    assert folder.names() == []


def test_paths_and_urls_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for text in ("a b", Path("a b"), "~/a b", f"file://{tmp_path}/a%20b", f"{tmp_path}/a b"):
        assert folder_at(text).location == str(tmp_path / "a b")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("s3:/scans/p", "did you mean s3://scans/p?"),
        ("S3:scans/p", "did you mean s3://scans/p?"),
        ("file:/data/p", "did you mean file:///data/p?"),
        ("gs:/b/p", "unknown scheme 'gs': did you mean 's3'?"),
        ("s3:/key:secret@b/p", "did you mean s3://...?"),
    ],
)
def test_a_url_that_lost_a_slash_is_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, meant: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DefinitionError, match=re.escape(meant)) as told:
        folder_at(text)
    assert "secret" not in str(told.value)
    assert folder_at(f"./{text}").location == str(tmp_path / text)  # the mend of the message
    assert folder_at("a:b").location == str(tmp_path / "a:b")


@pytest.mark.parametrize("text", ["http://host:8642", "HTTPS://u:secret@host/x"])
def test_a_service_is_no_store_and_the_door_to_it_is_told(text: str) -> None:
    with pytest.raises(DefinitionError, match=r"a service, no store.*scanner\.connect") as told:
        folder_at(text)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("text", ["gs://b/p", "ftp://u:secret@host/x", "S4://secret"])
def test_an_unknown_scheme_is_told_with_the_known_ones(text: str) -> None:
    with pytest.raises(DefinitionError, match=r"unknown scheme .*known: file, s3") as told:
        folder_at(text)
    assert "secret" not in str(told.value)
