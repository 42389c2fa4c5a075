"""Rates: how often each caller may ask, as a bucket that fills again."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_CALLERS = 4096  # whose buckets are remembered; the ones not heard of longest are full again


class Rate:
    """Buckets of permits, one for each caller; may be asked from several threads.

    Parameters
    ----------
    per_second, burst : float
        Permits that come each second, and that a bucket holds.
    clock : callable
        Seconds; never goes back.

    Examples
    --------
    >>> rate = Rate(1.0, 2.0, clock=iter([0.0, 0.0, 0.0, 0.5]).__next__)
    >>> [rate.wait("anna") for _ in range(3)]
    [0.0, 0.0, 1.0]
    >>> rate.wait("anna")
    0.5
    """

    def __init__(
        self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._alone = threading.Lock()  # between taking a bucket out and putting it back

    def wait(self, caller: str) -> float:
        """Take a permit; 0 if there was one, else the seconds until there will be."""
        with self._alone:
            now = self._clock()
            level, seen = self._buckets.pop(caller, (self._burst, now))
            level = min(level + (now - seen) * self._per_second, self._burst)
            allowed = level >= 1.0
            self._buckets[caller] = (level - 1.0 if allowed else level, now)
            while len(self._buckets) > MOST_CALLERS:
                self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - level) / self._per_second
