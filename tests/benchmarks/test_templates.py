"""Templates: time to fold one value of a shape parameter."""

import numpy as np
import pytest
import yardstick

from scanner.definition import load

MASSES = np.geomspace(0.1, 1e4, 200)


@pytest.mark.parametrize("name", yardstick.LIKELIHOODS)
@pytest.mark.usefixtures("one_thread")
def test_template_fold(benchmark, note, timing, name):
    model = yardstick.bound(load("light_vector_universal"), name)
    templates = benchmark.pedantic(model.fold, ({"mass": MASSES},), rounds=20, warmup_rounds=1)
    assert templates.counts.shape[:2] == (3, len(MASSES))
    assert np.isfinite(templates.counts).all()
    if timing:
        each = 1e6 * benchmark.stats.stats.median / len(MASSES)
        benchmark.extra_info["microseconds_per_mass"] = round(each, 1)
        note(f"{name}, templates of one mass", each, "microseconds")
