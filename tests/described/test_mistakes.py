"""Mistakes in a description: each is found, with the file, the key, the value and the mend."""

from __future__ import annotations

import pytest

from scanner import described
from scanner.errors import DefinitionError

KG = {"value": 24.0, "unit": "kg"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        # the three of the README: a unit, a missing key, an efficiency above 1
        ([("target.mass.unit", "m")], "toy.toml: target.mass.unit = \"m\": unit 'm' does not"),
        ([("source.distance", None)], "toy.toml: source.distance: is missing; write distance = {"),
        (
            [("response.efficiency.value", [0.0, 0.0, 0.5, 0.9, 1.2])],
            "response.efficiency.value = [0.0, 0.0, 0.5, 0.9, 1.2]: 1.2 is outside 0 .. 1",
        ),
        # keys
        ([("sources", {})], "toy.toml: sources: unknown key 'sources': did you mean 'source'"),
        ([("source.protns", 1.0)], "source.protns: unknown key 'protns': did you mean 'protons'"),
        ([("title", None)], "title: is missing"),
        ([("target", None)], "target: is missing; give a table [target]"),
        ([("response", None)], "response: is missing"),
        ([("response.resolution", None)], "give a table [response.resolution]"),
        ([("bins.energy", None)], "bins.energy: is missing"),
        ([("source.protons", None)], "source.protons: is missing; give protons, or power"),
        ([("origin", {"mass": 3})], "origin.mass = 3: write a text in quotes"),
        # data below the header of a table, and as a table
        (
            [("pulls.observed", [1.0])],
            "stands below [pulls]; move observed above the",
        ),
        ([("bins.energy.variance", [1.0])], "move variance above the first [table]"),
        (
            [("observed", {"value": [1.0]})],
            'or observed = { file = "x.csv", column',
        ),
        # quantities
        ([("target.mass", 24.0)], "target.mass = 24.0: has no unit; write mass = { value = ...,"),
        ([("target.mass", {"value": 24.0})], "target.mass.unit: is missing; say which"),
        ([("target.mass.value", -1.0)], "write a value above 0"),
        ([("target.mass.value", "24")], "write a number, without quotes"),
        ([("target.mass.units", "kg")], "unknown key 'units': did you mean 'unit'"),
        ([("target.mass.unit", "kgs")], "unknown unit 'kgs': did you mean 'kg'"),
        ([("source.neutrinos_per_proton", 0)], "write a number above 0"),
        # kinds
        ([("source.kind", "stopped_pions")], "did you mean 'stopped_pion'"),
        ([("source.kind", "supernova")], "unknown kind 'supernova' (known: stopped_pion, reactor"),
        ([("response.quenching.kind", "lindhart")], "did you mean 'lindhard'"),
        ([("response.resolution.kind", "gauss")], "did you mean 'gaussian'"),
        # target
        ([("target.material", "CsXx")], "position 3 of 'CsXx': unknown element 'Xx'"),
        ([("target.material", "C8H8")], "H is too small for the form factors"),
        ([("target.material", "ar")], "'ar' is not a chemical formula"),
        ([("target.material", "")], "'' is not a chemical formula"),
        # response
        (
            [("target.material", "CsI"), ("response.quenching", {"kind": "lindhard", "k": 0.16})],
            'response.quenching.kind = "lindhard": is for one element, not CsI',
        ),
        ([("response.resolution.sqrt", 0.0)], "has no width"),
        ([("response.resolution.sqrt", -0.5)], "write a number of 0 or above"),
        ([("response.resolution.unit", "keVnr")], "does not convert into 'keVee'"),
        ([("bins.energy.unit", "keVnr")], "bins.energy.unit = \"keVnr\": unit 'keVnr' does not"),
        ([("response.threshold", {"value": 130, "unit": "keVee"})], "is not below the last bin"),
        (
            [("response.efficiency.energy", [0.0, 1.0, 1.0, 10.0, 40.0])],
            "response.efficiency.energy = [0.0, 1.0, 1.0, 10.0, 40.0]: 1 follows 1",
        ),
        ([("response.efficiency.value", [0.0, 0.5])], "has 2 numbers for 5 of energy"),
        ([("response.efficiency.value", [0.0, 0.0, -0.5, 0.9, 1.0])], "-0.5 is outside 0 .. 1"),
        ([("response.efficiency.value", [0, 0, "a", 1, 1])], "entry 3 is not a finite number"),
        (
            [("response.efficiency", {"kind": "constant", "value": 85})],
            "85 is outside 0 .. 1; a share of 85 % is 0.85",
        ),
        ([("response.quenching", {"kind": "constant", "factor": 8.78})], "8.78 is outside 0 .. 1"),
        (
            [("response.quenching.slope", {"value": -0.01, "unit": "1/keVnr"})],
            "gives no energy to a recoil of",
        ),
        ([("bins.time", {"unit": "us", "edges": [-3, -2]})], "some neutrinos have no part in"),
        # bins
        (
            [("bins.energy", {"unit": "keVee", "edges": [0, 10, 5]})],
            "bins.energy.edges = [0, 10, 5]: 5 follows 10; write them in rising order",
        ),
        ([("bins.energy", {"unit": "keVee", "edges": [1.0]})], "give at least 2 numbers"),
        ([("bins.energy", {"unit": "keVee"})], "bins.energy.edges: is missing"),
        ([("bins.energy.stop", -1)], "is not above start = 0"),
        ([("bins.energy.n", 0)], "write a number of bins"),
        ([("bins.energy.n", 9000)], "bins with energy; write 10000 at most"),
        ([("bins.energy.start", -1)], "the first edge is below 0"),
        ([("bins.energy.spacing", "log")], "bins on a log scale start above 0"),
        ([("source.pulse", None)], 'bins.time = {"unit": "us"'),
        ([("bins.f90", {})], "bins.f90: unknown key 'f90'"),
        # backgrounds
        ([("backgrounds.steady.kind", "flatt")], "backgrounds.steady.kind: unknown kind 'flatt'"),
        ([("backgrounds.steady.counts", -1)], "write a number of 0 or above"),
        ([("backgrounds.steady.counts", None)], "give counts (all that are expected) or rate"),
        (
            [
                (
                    "backgrounds.steady",
                    {"kind": "flat", "rate": {"value": 1, "unit": "1/(keV kg day)"}},
                )
            ],
            "backgrounds.steady.rate = {",
        ),
        ([("backgrounds.steady.time", "late")], "unknown time 'late' (known: steady, prompt"),
        ([("backgrounds.steady", {"kind": "counts", "counts": [1, 2]})], "has 2 numbers; give 12"),
        (
            [("backgrounds.steady", {"kind": "counts", "counts": [-1] + [1] * 11})],
            "-1 is below 0",
        ),
        (
            [
                ("source.live_time", {"value": 1, "unit": "yr"}),
                ("backgrounds.steady", {"kind": "flat", "rate": 3}),
            ],
            "has no unit; write rate = {",
        ),
        ([("backgrounds.signal", {"kind": "flat", "counts": 1})], "is the name of what neutrinos"),
        (
            [
                (
                    "backgrounds.steady",
                    {"kind": "table", "unit": "keVee", "energy": [200, 300], "density": [1, 1]}
                    | {"counts": 3},
                )
            ],
            "is 0 in all bins",
        ),
        # pulls
        (
            [("pulls.signal.acts_on", ["stedy"])],
            "acts_on = [\"stedy\"]: unknown signal or background 'stedy': did you mean 'steady'",
        ),
        ([("pulls.signal.acts_on", [])], "name one or more of signal, steady"),
        ([("pulls.signal.acts_on", ["signal", "signal"])], "'signal' is there twice"),
        ([("pulls.signal.sigma", 0.0)], "pulls.signal.sigma = 0.0: write a number above 0"),
        ([("pulls.signal.sigma", None)], "pulls.signal.sigma: is missing"),
        ([("pulls.signal.change", [1.0])], "has 1 numbers; give 120, one per bin"),
        ([("shared", {"sns_flux": {"sigma": -0.1}})], "shared.sns_flux.sigma = -0.1: write"),
        (
            [("shared", {"sns_flux": {"sigma": 0.1, "components": ["nu_tau"]}})],
            "unknown flux component 'nu_tau'",
        ),
        ([("shared", {"sns flux": {"sigma": 0.1}})], "toy.toml: shared.sns flux: write a name of"),
        ([("shared", {"mass": {"sigma": 0.1}})], "shared.mass: write a name of letters, digits"),
        # data
        ([("observed", [1.0])], "observed = [1.0]: has 1 numbers; give 120"),
        ([("observed", [-1.0] * 120)], "holds a count below 0"),
        ([("variance", [1.0] * 120)], "belongs to observed counts"),
        ([("observed", [1.0] * 120), ("variance", [0.0] * 120)], "not above 0"),
    ],
)
def test_a_mistake_is_found(change, changes, said):
    with pytest.raises(DefinitionError) as caught:
        described.experiment("toy", change(*changes), "toy.toml")
    assert str(caught.value).startswith("toy.toml: ")
    assert said in str(caught.value)


REACTOR = {
    "kind": "reactor",
    "power": {"value": 3.6, "unit": "GW"},
    "distance": {"value": 20.7, "unit": "m"},
    "live_time": {"value": 119, "unit": "days"},
}


@pytest.mark.parametrize(
    ("entry", "value", "said"),
    [
        ("power", {"value": 3.6, "unit": "m"}, "source.power.unit = \"m\": unit 'm' does not"),
        ("spectrum", "hubber", "unknown spectrum 'hubber'"),
        ("cores", [{"power": {"value": 1, "unit": "GW"}}], "belongs into cores"),
        ("fractions", {"U235": 0.5}, "add up to 0.5"),
        ("fractions", {"U236": 1.0}, "unknown key 'U236': did you mean"),
        ("duty_cycle", 1.5, "1.5 is outside 0 .. 1"),
        ("protons", 1e23, "unknown key 'protons'"),
    ],
)
def test_a_mistake_in_a_reactor_is_found(change, entry, value, said):
    tables = change(("source", {**REACTOR, entry: value}), ("bins.time", None))
    with pytest.raises(DefinitionError) as caught:
        described.experiment("toy", tables, "toy.toml")
    assert said in str(caught.value)


def test_a_core_without_distance_is_found(change):
    cores = [{"power": {"value": 1, "unit": "GW"}}]
    source = {"kind": "reactor", "live_time": REACTOR["live_time"], "cores": cores}
    with pytest.raises(DefinitionError, match=r"source.cores.1.distance: is missing"):
        described.experiment("toy", change(("source", source), ("bins.time", None)), "toy.toml")


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        (["7Be"], "unknown solar neutrino source '7Be'"),
        (["8B", "8B"], "'8B' is there twice"),
        ([], "name one or more of 8B, hep"),
    ],
)
def test_a_mistake_in_the_sun_is_found(change, sources, said):
    source = {"kind": "solar", "live_time": REACTOR["live_time"], "sources": sources}
    with pytest.raises(DefinitionError) as caught:
        described.experiment("toy", change(("source", source), ("bins.time", None)), "toy.toml")
    assert said in str(caught.value)


def test_whole_photoelectrons_need_whole_edges(change):
    light = {"kind": "poisson", "light_yield": {"value": 13.35, "unit": "PE/keVee"}}
    tables = change(
        ("response.resolution", light),
        ("response.efficiency", None),
        ("bins.energy", {"unit": "PE", "edges": [8, 12.5, 20]}),
    )
    with pytest.raises(DefinitionError, match="have whole numbers as edges"):
        described.experiment("toy", tables, "toy.toml")


@pytest.mark.parametrize(
    ("source", "name", "mend"),
    [
        ("reactor", "sns_flux", "reactor_flux"),
        ("solar", "reactor_flux", "b8_flux"),
        ("stopped_pion", "reactor_flux", "sns_flux"),
        ("stopped_pion", "b8_flux", "sns_flux"),
    ],
)
def test_the_flux_of_another_kind_of_source_is_refused(change, source, name, mend):
    tables = {
        "reactor": REACTOR,
        "solar": {"kind": "solar", "live_time": {"value": 1, "unit": "yr"}},
    }
    changes = [("source", tables[source]), ("bins.time", None)] if source in tables else []
    right = change(*changes, ("shared", {mend: {"sigma": 0.1}}))
    assert mend in described.experiment("toy", right, "toy.toml").constraints
    own = change(*changes, ("shared", {"our_flux": {"sigma": 0.1}}))
    assert "our_flux" in described.experiment("toy", own, "toy.toml").constraints
    wrong = change(*changes, ("shared", {name: {"sigma": 0.1}}))
    with pytest.raises(DefinitionError) as caught:
        described.experiment("toy", wrong, "toy.toml")
    said = f'and source.kind = "{source}"; write [shared.{mend}], or a name of its own'
    assert str(caught.value).startswith(f"toy.toml: shared.{name}: is the flux of ")
    assert said in str(caught.value)
