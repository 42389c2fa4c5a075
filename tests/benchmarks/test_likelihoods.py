"""How fast: profiled points per second on one core, the plain way and the fast one."""

import numpy as np
import pytest
import yardstick

KERNELS = ("CsI", "LAr F90")  # the Gaussian chi2 has no start that could be warm
PLANES = ("lines of 32", "lines of 64", "mass x coupling")
WAYS = [
    *[(name, plane, "plain") for name in yardstick.LIKELIHOODS for plane in PLANES[::2]],
    *[(name, plane, "cold") for name in KERNELS for plane in PLANES[::2]],
    *[(name, plane, "warm") for name in KERNELS for plane in PLANES],
    *[("LAr", plane, "Gram") for plane in PLANES],
]


def work(name, plane, *, cold, points):
    """About that many points; fewer lines or masses for fewer points."""
    if plane == "mass x coupling":
        return yardstick.mediator(name, max(2, min(50, points // 400)), cold=cold)
    n = int(plane.split()[-1])
    near = max(2, min(8, round((points / 4 / n) ** (1 / 3))))
    return yardstick.nsi(name, n, cold=cold, near=near)


def beside(work, way, ratio, rate, points_per_second, info):
    """Times the plain way, and what a point costs in units of dgemm."""
    said = [f"{ratio:.1f} x plain"] if ratio and way != "plain" else []
    info["dgemm_flop_per_point"] = round(rate / points_per_second)
    if way in ("cold", "warm"):
        flop = yardstick.least_flop(work)
        info |= {"least_flop_per_point": flop, "fraction_of_dgemm": flop * points_per_second / rate}
        said.append(f"at least {100 * info['fraction_of_dgemm']:.0f} % of dgemm")
    else:
        said.append(f"a point is {info['dgemm_flop_per_point']} flop of dgemm")
    return ", ".join(said)


@pytest.mark.parametrize(("name", "plane", "way"), WAYS, ids=lambda v: v.replace(" ", "-"))
@pytest.mark.usefixtures("one_thread")
def test_profiled_points(benchmark, timing, note, measured, name, plane, way):
    if way == "plain":
        some = work(name, plane, cold=False, points=8192 if timing else 512)
        found = benchmark.pedantic(some.plain, rounds=3)
        assert np.isfinite(found).all()
    else:
        points = 65536 if way != "cold" else 16384
        some = work(name, plane, cold=way == "cold", points=points if timing else 1024)
        some.fast()  # what is compiled is compiled before
        some.check(*benchmark.pedantic(some.fast, rounds=3 if way == "cold" else 7))
    if timing:
        points = some.points / benchmark.stats.stats.min
        measured[name, plane, way] = points
        ratio = points / measured.get((name, plane.replace("64", "32"), "plain"), np.inf)
        info = benchmark.extra_info
        info |= {"points_per_second": round(points), "nanoseconds_per_point": round(1e9 / points)}
        said = beside(some, way, ratio, yardstick.dgemm_rate(), points, info)
        what = f"{name} ({some.title}), {'' if 'mass' in plane else 'NSI '}{plane}, {way}"
        note(what, points, "points/s and core", said)


@pytest.mark.usefixtures("one_thread")
def test_dgemm(benchmark, note, timing):
    rate = benchmark.pedantic(yardstick.dgemm_rate, rounds=3)
    assert rate > 0.0
    if timing:
        note("dgemm of 384 x 384, one core", rate / 1e9, "Gflop/s")
