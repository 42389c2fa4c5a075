"""Answers over HTTP are those of the scan itself, to the last bit; what cannot be asked is told."""

from __future__ import annotations

import json

import numpy as np
import pytest

from scanner.limits.export.content import Question, content
from scanner.limits.export.writer import as_text
from scanner.overlays import shelf
from scanner.point import explain
from scanner.service.replies import plain

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"


def _same(answer, expected):
    record = answer.json()
    record.pop("scan", None)
    record.pop("digest", None)
    assert record == json.loads(json.dumps(plain(expected)))


def test_point_lookup(served, scan):
    at = {"mass": 10.0, "coupling": 5e-5}
    answer = served.get(f"scans/{scan.id}/query?at=mass=10&at=coupling=5e-5")
    assert answer.status_code == 200
    _same(answer, scan.query(at).to_dict())
    assert answer.json()["scan"] == scan.id


@pytest.mark.parametrize("reference", ["global", "sm", "raster"])
def test_point_lookup_of_one_experiment(served, scan, reference):
    path = f"scans/{scan.id}/query?at=mass=10&experiment={LAR}&reference={reference}&dof=2"
    expected = scan.query({"mass": 10.0}, dof=2, experiments=[LAR], reference=reference)
    _same(served.get(path), expected.to_dict())


@pytest.mark.parametrize(("exact", "sided"), [("false", "two"), ("true", "two"), ("false", "one")])
def test_interval(served, scan, exact, sided):
    path = f"scans/{scan.id}/interval?parameter=coupling&at=mass=1&exact={exact}&sided={sided}"
    how = {"at": {"mass": 1.0}, "exact": exact == "true", "sided": sided}
    _same(served.get(path), scan.interval("coupling", **how).to_dict())


def test_contour_in_three_forms(served, scan):
    found = scan.contour(cls=(0.9, 0.95))
    path = f"scans/{scan.id}/contour?cl=0.9&cl=0.95"
    _same(served.get(path), found.to_dict())
    features = served.get(f"{path}&format=geojson").json()["features"]
    lines = [line for contour in found.contours for line in contour.lines]
    assert [f["geometry"]["coordinates"] for f in features] == [
        line.vertices.tolist() for line in lines
    ]
    assert {f["properties"]["cl"] for f in features} == {0.9, 0.95}
    made = content(scan, "contour", Question(cls=(0.9, 0.95)))
    answer = served.get(f"{path}&format=csv")
    assert answer.text == as_text(made, "csv")
    assert (
        f"light_vector_universal-{scan.id[:8]}_contour.csv" in answer.headers["content-disposition"]
    )


def test_profile_over_two_axes_and_over_one(served, scan):
    plane = served.get(f"scans/{scan.id}/profile").json()
    expected = scan.delta_chi2(("mass", "coupling")).chi2
    assert np.array_equal(np.array(plane["delta_chi2"], float), expected, equal_nan=True)
    assert plane["axes"][0]["coordinates"] == scan.definition.axes[0].coordinates.tolist()
    assert plane["axes"][1]["latex"]
    line = served.get(f"scans/{scan.id}/profile?keep=coupling&reference=sm").json()
    kept = scan.profile(["coupling"])
    assert np.array_equal(np.array(line["chi2"], float), kept.chi2)
    assert np.array_equal(np.array(line["profiled"]["mass"], float), kept.profiled["mass"])
    assert line["reference"] == "sm"


def test_a_large_profile_is_thinned_and_says_so(served, scan):
    thin = served.get(f"scans/{scan.id}/profile?most=10").json()
    whole = scan.profile(("mass", "coupling")).chi2
    assert thin["thinned"] is True
    mass, coupling = (axis["coordinates"] for axis in thin["axes"])
    assert len(mass) <= 11
    assert len(coupling) <= 11
    assert mass[-1] == scan.definition.axes[0].stop
    assert np.array(thin["chi2"], float)[-1, -1] == whole[-1, -1]
    assert served.get(f"scans/{scan.id}/profile").json()["thinned"] is False


def test_slice_needs_a_value_of_every_other_axis(served, scan):
    line = served.get(f"scans/{scan.id}/slice?keep=coupling&at=mass=10").json()
    expected = scan.delta_chi2(["coupling"], at={"mass": 10.0})
    assert np.array_equal(np.array(line["delta_chi2"], float), expected.chi2)
    refused = served.get(f"scans/{scan.id}/slice?keep=coupling")
    assert refused.status_code == 422
    assert "mass has no value" in refused.json()["error"]["message"]


def test_a_point_is_explained_with_its_spectra(served, scan):
    record = served.get(f"scans/{scan.id}/explain?at=mass=10&at=coupling=5e-5").json()
    from dataclasses import replace

    fixed = {**scan.definition.parameters, "mass": 10.0, "coupling": 5e-5}
    expected = explain(replace(scan.definition, axes=(), parameters=fixed))
    assert record["chi2"] == expected.chi2
    assert set(record["spectra"]) == {CSI, LAR}
    for name, one in record["spectra"].items():
        assert record["experiments"][name]["counts"]["observed"] == pytest.approx(
            sum(one["observed"])
        )
    grid = scan.query({"mass": 10.0, "coupling": 5e-5}).answers["combined"].chi2
    assert record["chi2"] == pytest.approx(grid, abs=0.05)


def test_projections_of_a_point_are_sums_of_its_bins(served, scan):
    record = served.get(f"scans/{scan.id}/explain?at=mass=10&at=coupling=5e-5").json()
    for one in record["spectra"].values():
        assert [p["name"] for p in one["projections"]] == [o["name"] for o in one["observables"]]
        shape = [len(o["edges"]) - 1 for o in one["observables"]]
        for axis, shown in enumerate(one["projections"]):
            others = tuple(n for n in range(len(shape)) if n != axis)
            observed = np.reshape(one["observed"], shape).sum(axis=others)
            assert shown["observed"] == pytest.approx(observed)
            total = sum(np.array(part) for part in one["point"]["signal"].values())
            told = sum(np.array(part) for part in shown["signal"].values())
            assert told == pytest.approx(total.reshape(shape).sum(axis=others))
            assert np.shape(shown["errors"]) == (2, shape[axis])
            assert len(shown["residuals"]) == shape[axis]


def test_a_profile_of_few_digits_is_the_same_to_those(served, scan):
    whole = served.get(f"scans/{scan.id}/profile").json()
    short = served.get(f"scans/{scan.id}/profile?digits=4").json()
    assert np.allclose(short["delta_chi2"], whole["delta_chi2"], rtol=5e-4, atol=0.0)
    assert short["delta_chi2"] != whole["delta_chi2"]
    assert short["axes"] == whole["axes"]
    best = scan.minima["combined"].at
    assert whole["marks"] == {"best_fit": [best["mass"], best["coupling"]], "standard_model": []}


def test_an_axis_without_a_value_is_where_chi2_is_least(served, scan):
    record = served.get(f"scans/{scan.id}/explain?at=mass=10").json()
    best = scan.query({"mass": 10.0}).answers["combined"].profiled["coupling"]
    assert record["parameters"]["coupling"] == best


def test_published_limits_hold_for_the_model_alone(served, scan):
    found = served.get(f"scans/{scan.id}/overlays").json()["overlays"]
    names = {one["name"] for one in found}
    assert names < set(shelf.shipped())
    for name in names:
        shipped = shelf.shipped()[name]
        assert shipped.model_for("light_vector", scan.definition.parameters) is not None
    for one in found:
        assert len(one["regions"][0]["vertices"]) > 1
        assert one["credit"] == shelf.shipped()[one["name"]].credit()


def test_where_no_published_limit_holds_there_is_none(served, scan):
    answer = served.get(f"scans/{scan.id}/overlays?keep=coupling&keep=mass")
    assert (answer.status_code, answer.json()["overlays"]) == (200, [])


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_figures_are_files_of_their_kind(served, scan, suffix):
    begins = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    answer = served.get(f"scans/{scan.id}/figure.{suffix}?cl=0.9&overlay=bl_*&look=wide")
    assert answer.status_code == 200
    assert answer.content.startswith(begins[suffix])


def test_a_bare_figure_has_no_title(served, scan):
    whole, bare = (served.get(f"scans/{scan.id}/figure.svg?bare={bare}").text for bare in (0, 1))
    assert f"<!-- {scan.definition.title.split(',')[0]}" in whole
    assert f"<!-- {scan.definition.title.split(',')[0]}" not in bare


def test_exports_are_those_of_the_command(served, scan, tmp_path):
    for form in ("csv", "json"):
        written = scan.export(tmp_path / f"here.{form}", form, "interval", keep=("coupling",))
        path = f"scans/{scan.id}/export?format={form}&what=interval&keep=coupling"
        assert served.get(path).content == written.read_bytes()
    packed = served.get(f"scans/{scan.id}/export?format=hepdata")
    assert packed.content[:2] == b"\x1f\x8b"
    name = f"light_vector_universal-{scan.id[:8]}.tar.gz"
    assert name in packed.headers["content-disposition"]
    cube = tmp_path / "cube.nc"
    cube.write_bytes(served.get(f"scans/{scan.id}/export?format=netcdf").content)
    import xarray as xr

    with xr.open_dataset(cube, engine="scipy") as read:
        assert np.array_equal(read["chi2"].to_numpy(), scan.dataset()["chi2"].to_numpy())


def test_references(served, scan):
    text = served.get(f"scans/{scan.id}/references").text
    assert text.count("@misc") + text.count("@article") >= len(scan.bibliography()) - 1


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("query?at=mass=1e9", 422, "outside the scanned"),
        ("query?at=mas=1", 422, "did you mean 'mass'"),
        ("query?at=mass", 422, "write name=value"),
        ("query?at=mass=nan", 422, "mass"),
        ("query?at=mass=10&at=mass=11", 422, "given twice"),
        ("query?experiment=nobody", 422, "unknown experiment"),
        ("query?reference=best", 422, "reference"),
        ("query?dof=0", 422, "dof"),
        ("interval", 422, "parameter"),
        ("interval?parameter=epsilon", 422, "unknown axis"),
        ("contour?cl=1.5", 422, "cl"),
        ("contour?keep=mass", 422, "two axes"),
        ("profile?keep=mass&keep=mass", 422, "mass"),
        ("figure.gif", 422, "suffix"),
        ("figure.png?overlay=nobody", 404, "nobody"),
        ("export?format=xlsx", 422, "format"),
        ("explain?at=mass=1e9", 422, "outside"),
        ("explain?at=epsilon=1", 422, "axes mass, coupling"),
        ("nothing", 404, "Not Found"),
    ],
)
def test_what_cannot_be_asked_is_told(served, scan, path, status, said):
    answer = served.get(f"scans/{scan.id}/{path}")
    assert answer.status_code == status, answer.text
    assert said in answer.json()["error"]["message"]


@pytest.mark.parametrize("name", ["0" * 16, "abcd", "A" * 16, "..", "%2e%2e%2f", "0" * 17])
def test_a_scan_is_named_by_its_whole_id(served, name):
    answer = served.get(f"scans/{name}/query")
    assert answer.status_code in (404, 422)
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("key", ["chi2/c/0", "chi2/c/0/0/0/0/0", "mass/c/0/0", "status/c/0/0"])
def test_a_chunk_of_other_dimensions_is_not_there(served, scan, key):
    answer = served.get(f"scans/{scan.id}/cube.zarr/{key}")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == f"the cube has no {key!r}"


@pytest.mark.parametrize("form", ["csv", "json", "hepdata"])
def test_a_profile_of_no_axis_is_refused(served, scan, form):
    held = "at=mass=10&at=coupling=1e-4"
    answer = served.get(f"scans/{scan.id}/export?format={form}&what=profile&{held}")
    assert answer.status_code == 422
    assert "every axis is held" in answer.json()["error"]["message"]
