"""Scans added up: the same as one scan of all experiments, or a refusal that says why."""

from dataclasses import replace

import numpy as np
import pytest

from scanner import catalog
from scanner.definition import load
from scanner.errors import DefinitionError, IncompleteScanError, MismatchError
from scanner.limits import combinable
from scanner.limits.combinable import check_combinable
from scanner.limits.combine import combine
from scanner.limits.surface import Surface
from scanner.scan import Scan

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"
NAME = "nsi_ee_mumu_u"
SMALL = ("axes.eps_ee_u.n=25", "axes.eps_mumu_u.n=21")


def only(*experiments):
    return f"experiments=[{', '.join(repr(e) for e in experiments)}]"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def run(root):
    def launched(*experiments):
        return Scan.launch(NAME, [*SMALL, only(*experiments)], store=root)[0]

    return launched


@pytest.fixture(scope="module")
def scans(run):
    return run(CSI), run(LAR), run(CSI, LAR)


def test_the_sum_is_the_scan_of_both(scans):
    csi, lar, both = scans
    found = combine([csi, lar])
    assert found.surface.experiments == (CSI, LAR)
    plain = sum(scan.dataset()["chi2"].sum("experiment") for scan in (csi, lar))
    assert found.surface.chi2 == pytest.approx(plain.to_numpy(), abs=1e-12)
    alike = Surface.from_dataset(both.dataset(), both.definition.axes)
    assert found.surface.chi2 == pytest.approx(alike.chi2, abs=1e-9)
    assert found.minimum.source == "exact"
    assert found.minimum.chi2 == pytest.approx(both.minima["combined"].chi2, abs=1e-6)
    # the sum of the two minima is none
    apart = csi.minima["combined"].chi2 + lar.minima["combined"].chi2
    assert found.minimum.chi2 > apart + 0.1


@pytest.mark.parametrize("reference", ["global", "sm", "raster"])
def test_limits_of_the_sum_are_those_of_the_scan_of_both(scans, reference):
    *apart, both = scans
    found = combine(apart)
    ours = found.interval("eps_ee_u", reference=reference)
    theirs = both.interval("eps_ee_u", reference=reference)
    assert np.array(ours.intervals) == pytest.approx(np.array(theirs.intervals), abs=1e-6)
    lines = found.contour(cls=[0.9], reference=reference).contours[0].lines
    expected = both.contour(cls=[0.9], reference=reference).contours[0].lines
    assert len(lines) == len(expected)
    for line, same in zip(lines, expected, strict=True):
        assert line.vertices == pytest.approx(same.vertices, abs=1e-6)


def test_scans_that_are_not_what_they_were_are_refused(scans):
    csi, lar, _ = scans
    old = replace(csi.stored, definition=replace(csi.definition, engine_version=0))
    with pytest.raises(MismatchError, match="engine"):
        combine([Scan(old), lar])
    with pytest.raises(DefinitionError, match="at least two"):
        combine([csi])


def test_an_unfinished_scan_is_refused(scans, tmp_path):
    unfinished = Scan.of(NAME, [*SMALL, only(LAR)], store=tmp_path)
    with pytest.raises(IncompleteScanError):
        combine([scans[0], unfinished]).interval("eps_ee_u")


R_N = "profile.R_n_Ar={mean=3.4, sigma=0.1}"
S2W = "profile.sin2_theta_w={mean=0.23857, sigma=0.002}"


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ([], ["axes.eps_ee_u.n=13"], "axis eps_ee_u is -0.4 .. 0.8 (linear, 25 points) in one and"),
        ([], ["axes.eps_mumu_u.stop=0.5"], "-0.2 .. 0.5 (linear, 21 points) in the other"),
        ([], ["options.couplings=tree"], "options.couplings is 'AC22' in one and 'tree' in the"),
        ([], ["parameters.eps_ee_d=0.1"], "eps_ee_d is 0.0 in one and 0.1 in the other"),
        ([], ["parameters.R_n=5.0"], "R_n is left out in one and 5.0 in the other"),
        ([], [S2W], "sin2_theta_w is 0.23857 in one and profiled in the other"),
        ([S2W], [S2W], "both profile sin2_theta_w, which is one and the same number"),
    ],
)  # fmt: skip
def test_what_does_not_add_up_is_refused(one, other, reason):
    csi = load(NAME, [*SMALL, only(CSI), *one])
    lar = load(NAME, [*SMALL, only(LAR), *other])
    with pytest.raises(DefinitionError) as refused:
        check_combinable(csi, lar)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_only_one_of_them_knows_may_differ():
    csi = load(NAME, [*SMALL, only(CSI), "parameters.csi_quenching_pc0=1.0"])
    check_combinable(csi, load(NAME, [*SMALL, only(LAR), R_N]))


def test_one_experiment_twice_is_refused():
    csi, both = (load(NAME, [*SMALL, only(*names)]) for names in ((CSI,), (CSI, LAR)))
    with pytest.raises(DefinitionError, match=f"experiment {CSI} is in both"):
        check_combinable(csi, both)


def test_another_scenario_or_order_of_axes_is_refused():
    csi = load(NAME, [*SMALL, only(CSI)])
    lar = load(NAME, [*SMALL, only(LAR)])
    with pytest.raises(DefinitionError, match="scenarios are nsi and magnetic_moment"):
        check_combinable(csi, load("magnetic_moment", [only(LAR)]))
    turned = replace(lar, axes=lar.axes[::-1])
    with pytest.raises(DefinitionError, match="axes are eps_ee_u, eps_mumu_u and eps_mumu_u, eps"):
        check_combinable(csi, turned)


def test_a_shared_pull_is_refused(monkeypatch):
    """No two experiments of the catalogue share one: the second is given a pull of the first."""
    csi, lar = (load(NAME, [*SMALL, only(name)]) for name in (CSI, LAR))
    pull = catalog.experiment(CSI, csi.experiment_options[CSI]).pulls[0]
    known = combinable.loaded_experiments

    def sharing(definition):
        found = known(definition)
        if definition is lar:
            found = [replace(e, pulls=(*e.pulls, replace(pull, backgrounds={}))) for e in found]
        return found

    monkeypatch.setattr(combinable, "loaded_experiments", sharing)
    with pytest.raises(DefinitionError, match=f"share the pull '{pull.name}'"):
        check_combinable(csi, lar)
