"""Error bars of counts against the Poisson distribution itself."""

import numpy as np
import pytest
from scipy.stats import poisson

from scanner.statistics.counting import ONE_SIGMA, poisson_errors


@pytest.mark.parametrize("n", [1, 7, 130])
def test_each_end_leaves_half_of_the_rest(n: int) -> None:
    down, up = poisson_errors([n])[:, 0]
    tail = 0.5 * (1.0 - ONE_SIGMA)
    assert poisson.sf(n - 1, n - down) == pytest.approx(tail)
    assert poisson.cdf(n, n + up) == pytest.approx(tail)


def test_no_event_has_no_lower_bar() -> None:
    np.testing.assert_allclose(poisson_errors([0])[:, 0], [0.0, -np.log(0.5 * (1.0 - ONE_SIGMA))])


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="counts = -2: a number of events is at least 0"):
        poisson_errors([3.0, -2.0])
