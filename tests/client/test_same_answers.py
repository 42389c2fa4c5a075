"""Answers over HTTP are those of the scan in its store: the same types, the same bits."""

from __future__ import annotations

import tarfile
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
import xarray as xr

from scanner import definition
from scanner.client.client import connect
from scanner.client.scan import COMMANDS
from scanner.errors import DefinitionError, IncompleteScanError
from scanner.limits.interval import Interval
from scanner.limits.plane import Plane
from scanner.limits.query import Query
from scanner.limits.surface import Surface
from scanner.scan import Scan
from scanner.service.settings import Settings

LAR = "coherent_lar_2020"
REFERENCES = ("global", "sm", "raster")


def assert_same(a, b, where=""):
    """Same types and values all the way down, numbers to the last bit."""
    if is_dataclass(a):
        assert type(a) is type(b), where
        for entry in fields(a):
            name = entry.name
            assert_same(getattr(a, name), getattr(b, name), f"{where}.{name}")
    elif isinstance(a, np.ndarray):
        assert a.shape == b.shape, where
        assert a.dtype == b.dtype, where
        assert a.tobytes() == b.tobytes() or np.array_equal(a, b, equal_nan=True), where
    elif isinstance(a, dict):
        assert list(a) == list(b), where
        for key in a:
            assert_same(a[key], b[key], f"{where}[{key}]")
    elif isinstance(a, tuple):
        assert type(b) is tuple, where
        assert len(a) == len(b), where
        for i, (one, other) in enumerate(zip(a, b, strict=True)):
            assert_same(one, other, f"{where}[{i}]")
    else:
        assert a == b or (a != a and b != b), where


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    """A scan with three axes."""
    place = tmp_path_factory.mktemp("three")
    written = {
        "scenario": "light_vector",
        "experiments": [LAR],
        "axes": {
            "mass": {"spacing": "log", "start": 1, "stop": 1000, "n": 6, "unit": "MeV"},
            "sin2_theta_w": {"spacing": "linear", "start": 0.2, "stop": 0.3, "n": 5},
            "coupling": {"spacing": "log", "start": 1e-6, "stop": 1e-2, "n": 30},
        },
        "parameters": {"model": "universal"},
    }
    made = Scan.of(definition.from_mapping(written, "test"), store=place, workers=1)
    made.run()
    return made


@pytest.fixture(scope="module")
def three_served(three, serving, tmp_path_factory):
    """The same behind a server."""
    settings = Settings(
        root=str(three.stored.path.parent), state=tmp_path_factory.mktemp("state-three")
    )
    with serving(settings) as served, connect(served.url) as client:
        yield client.scan(three.id)


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("at", [{"mass": 10, "coupling": 5e-5}, {"mass": 0.1 + 0.2}])
def test_query(remote, scan, at, reference):
    found = remote.query(at, reference=reference)
    assert isinstance(found, Query)
    assert_same(found, scan.query(at, reference=reference))
    assert found.text() == scan.query(at, reference=reference).text()


def test_query_of_one_experiment(remote, scan):
    how = {"experiments": [LAR], "dof": 3}
    assert_same(remote.query({"mass": 7.0}, **how), scan.query({"mass": 7.0}, **how))


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"at": {"mass": 1.0}, "dof": 2, "cl": 0.95},
        {"at": {"mass": 1.0}, "exact": True},
        {"sided": "one", "experiments": [LAR]},
        {"at": {"mass": 30.0}, "cl": 0.999999},
    ],
    ids=["profiled", "held", "exact", "one-sided", "far"],
)
def test_interval(remote, scan, how, reference):
    found = remote.interval("coupling", reference=reference, **how)
    here = scan.interval("coupling", reference=reference, **how)
    assert isinstance(found, Interval)
    assert_same(found, here)
    assert found.text() == here.text()
    assert found.on_grid.text() == here.on_grid.text()


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("keep", [None, ("coupling", "mass")])
def test_contour(remote, scan, keep, reference):
    how = {"cls": (0.9, 0.9545), "dof": 1, "reference": reference}
    found = remote.contour(keep, **how)
    assert isinstance(found, Plane)
    assert_same(found, scan.contour(keep, **how))
    assert found.contours[0].lines


def test_the_order_of_axes_is_part_of_the_question(remote, scan):
    """The answer of one order must not be given to who asks for the other."""
    for keep in (("mass", "coupling"), ("coupling", "mass")):
        assert_same(remote.profile(keep), scan.profile(keep))


@pytest.mark.parametrize("keep", [("mass", "coupling"), ["coupling"], ["mass"], []])
def test_profile(remote, scan, keep):
    found = remote.profile(keep, experiments=[LAR])
    assert isinstance(found, Surface)
    assert_same(found, scan.profile(keep, experiments=[LAR]))


@pytest.mark.parametrize("reference", REFERENCES)
def test_delta_chi2(remote, scan, reference):
    how = {"at": {"mass": 20.0}, "reference": reference}
    assert_same(remote.delta_chi2(["coupling"], **how), scan.delta_chi2(["coupling"], **how))


@pytest.mark.parametrize("reference", REFERENCES)
def test_of_three_axes(three_served, three, reference):
    keep = ("coupling", "mass")
    how = {"at": {"sin2_theta_w": 0.231}, "reference": reference}
    assert_same(three_served.contour(keep, **how), three.contour(keep, **how))
    all_three = ("mass", "coupling", "sin2_theta_w")
    assert_same(
        three_served.delta_chi2(all_three, reference=reference),
        three.delta_chi2(all_three, reference=reference),
    )
    assert_same(three_served.profile(all_three), three.profile(all_three))
    at = {"coupling": 3e-5}
    assert_same(three_served.query(at, reference=reference), three.query(at, reference=reference))


def test_a_profile_of_long_axes_is_made_of_the_cube(remote, scan, monkeypatch):
    monkeypatch.setattr("scanner.client.answers.TOLD_POINTS", 50)
    assert_same(remote.profile(["coupling"]), scan.profile(["coupling"]))
    assert_same(remote.contour(reference="sm"), scan.contour(reference="sm"))


def test_interval_of_what_a_derived_quantity_hangs_on(tmp_path, serving):
    here = Scan.of("neutron_radius_csi", ["axes.R_n.n=12"], store=tmp_path, workers=1)
    here.run()
    settings = Settings(root=str(tmp_path), state=tmp_path / "state")
    with serving(settings) as served, connect(served.url) as client:
        found = client.scan("neutron_radius_csi").interval(here.definition.axes[0].name)
    expected = here.interval(here.definition.axes[0].name)
    assert_same(found, expected)
    assert expected.derived
    name = next(iter(expected.derived))
    assert_same(found.shifted(name), expected.shifted(name))


@pytest.mark.parametrize("reference", ["global", "sm"])
def test_summary(remote, scan, reference):
    assert remote.summary(reference).lines() == scan.summary(reference).lines()
    assert_same(remote.summary(reference), scan.summary(reference))


def test_what_it_is_and_how_far(remote, scan):
    assert remote.definition == scan.definition
    assert remote.definition.digest == scan.definition.digest
    assert_same(remote.state(), scan.state())
    assert_same(remote.minima, scan.minima)
    assert_same(remote.chi2_sm, scan.chi2_sm)
    assert remote.phase == "complete"
    assert remote.bibliography() == scan.bibliography()


def test_dataset(remote, scan):
    found = remote.dataset()
    xr.testing.assert_identical(found, scan.dataset())
    assert_same(remote.surface([LAR]), scan.surface([LAR]))


def test_plain_xarray_opens_the_cube(remote, scan):
    opened = xr.open_zarr(remote.cube_url, storage_options=remote.storage_options, chunks=None)
    assert np.array_equal(opened["chi2"].values, scan.dataset()["chi2"].values)


def test_exports_are_those_of_the_scan(remote, scan, tmp_path):
    for form, what in (("csv", "contour"), ("json", "interval"), ("csv", "profile")):
        asked = {"cls": (0.9, 0.95), "at": {}, "reference": "sm"}
        here = scan.export(tmp_path / "here", form, what, **asked)
        there = remote.export(tmp_path / "there", form, what, **asked)
        assert there.read_bytes() == here.read_bytes()
    packed = remote.export(tmp_path / "a.tar.gz", "hepdata")
    with tarfile.open(packed) as opened:
        assert any(name.endswith("submission.yaml") for name in opened.getnames())
    cube = remote.export(str(tmp_path / "cube.nc"), "netcdf")
    with xr.open_dataset(cube, engine="scipy") as read:
        assert np.array_equal(read["chi2"].to_numpy(), scan.dataset()["chi2"].to_numpy())


def test_figures(remote, tmp_path):
    made = remote.plot(tmp_path / "a.png", cl=0.9, keep=("mass", "coupling"), look="wide")
    assert made.read_bytes().startswith(b"\x89PNG")
    whole = remote.plot(tmp_path / "a.svg").read_bytes()
    bare = remote.plot(tmp_path / "b.svg", bare=True).read_bytes()
    assert (whole[:5], bare[:5]) == (b"<?xml", b"<?xml")
    assert len(bare) < len(whole)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("plot", ("a.gif",), r"\.pdf, \.png, \.svg"),
        ("export", ("a", "xlsx"), "unknown format 'xlsx'"),
        ("export", ("a", "hepdata"), r"hepdata as \.tar\.gz"),
        ("export", ("a.csv", "csv", "cube"), "netcdf alone"),
    ],
)
def test_files_that_cannot_be(remote, tmp_path, monkeypatch, name, arguments, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DefinitionError, match=said):
        getattr(remote, name)(*arguments)
    assert list(tmp_path.iterdir()) == []


def test_an_export_with_an_argument_of_a_store(remote, tmp_path):
    with pytest.raises(DefinitionError, match="unknown argument 'each'"):
        remote.export(tmp_path / "a.csv", "csv", each=True)


def test_a_point_explained(remote):
    told = remote.explain({"mass": 10, "coupling": 5e-5})
    assert told["parameters"]["mass"] == 10.0
    assert set(told["spectra"]) == {"coherent_csi_2021", LAR}


@pytest.mark.parametrize(
    ("verb", "arguments", "how"),
    [
        ("query", ({"mass": 1e9},), {}),
        ("query", ({"mas": 1.0},), {}),
        ("query", ({"mass": 10.0},), {"experiments": ["nobody"]}),
        ("interval", ("epsilon",), {}),
        ("interval", ("mass",), {"at": {"mass": 1.0}}),
        ("contour", (("mass",),), {}),
        ("profile", (["nothing"],), {}),
    ],
)
def test_what_cannot_be_asked_is_the_same_error(remote, scan, verb, arguments, how):
    with pytest.raises(DefinitionError) as here:
        getattr(scan, verb)(*arguments, **how)
    with pytest.raises(type(here.value)) as there:
        getattr(remote, verb)(*arguments, **how)
    assert str(there.value) == str(here.value)


def test_a_value_that_is_no_number(remote):
    with pytest.raises(DefinitionError, match="at mass = 'heavy': write a number"):
        remote.query({"mass": "heavy"})


def test_every_verb_of_a_scan_is_there_or_says_where_it_is(remote, scan):
    verbs = {name for name in dir(scan) if not name.startswith("_")}
    made_otherwise = {"of", "open", "launch", "submit", "workers", "settled", "unchanged"}
    for name in verbs - made_otherwise - {"default_plane"}:
        if hasattr(type(remote), name) or name in vars(remote):
            continue
        with pytest.raises(AttributeError, match=r"needs the store itself.*Scan\.open"):
            getattr(remote, name)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        remote.nonsense  # noqa: B018


def test_a_verb_that_is_missing_names_a_command(remote):
    """That the commands exist is asked in tests/cli/test_mends.py."""
    for verb, command in COMMANDS.items():
        with pytest.raises(AttributeError, match=f"type there {command} with {remote.id}"):
            getattr(remote, verb)


def test_a_point_is_given_by_name_or_as_a_mapping(remote, scan):
    held = {"mass": 10.0, "coupling": 5e-5}
    asked = scan.query(held)
    for one in (scan, remote):
        assert one.query(**held) == asked
        assert one.query({"mass": 10.0}, coupling=5e-5, reference="global") == asked
        for wrong, said in [
            (lambda one=one: one.query(), "no point is given"),
            (lambda one=one: one.query(held, mass=1.0), "mass is given twice"),
            (lambda one=one: one.query(mas=1.0), "did you mean 'mass'"),
        ]:
            with pytest.raises(DefinitionError, match=said):
                wrong()


def test_a_cube_is_read_once(remote):
    assert remote.dataset() is remote.dataset()


def test_a_scan_that_is_not_complete(tmp_path, serving):
    whole = Scan.of(
        "light_vector_universal",
        ("axes.mass.n=16", "axes.coupling.n=90", "chunks.points=200"),
        store=tmp_path,
    )
    whole.run()
    whole.stored.discard(sorted(whole.stored.done())[::2])
    part = Scan.open(whole.id, store=tmp_path, partial=True)
    settings = Settings(root=str(tmp_path), state=tmp_path / "state")
    with serving(settings) as served, connect(served.url) as client:
        found = client.scan(whole.id)
        assert_same(found.state(), part.state())
        for ask in (found.contour, found.dataset, lambda: found.query({"mass": 1.0})):
            with pytest.raises(IncompleteScanError, match=whole.id):
                ask()
        growing = client.scan(whole.id, partial=True)
        assert_same(growing.contour(), part.contour())
        chi2 = growing.dataset()["chi2"].values
    assert np.array_equal(chi2, part.dataset()["chi2"].values, equal_nan=True)
