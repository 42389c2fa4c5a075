"""One allowed interval in words."""

from __future__ import annotations

from scanner.limits.stretches import Ends


def in_words(name: str, limits: Ends, points_end: Ends) -> str:
    """Ends that are limits, and where usable points end.

    >>> in_words("eps", (-0.08, 0.07), (None, None)), in_words("g", (None, 2e-5), (None, None))
    ('-0.08 < eps < 0.07', 'g < 2e-05')
    """
    low, high = limits
    first, last = points_end
    bounds = [f"from {first:.3g}"] if first is not None else []
    bounds += [f"to {last:.3g}"] if last is not None else []
    if low is None and high is None:
        words = f"every {name}" if bounds else f"every scanned {name}"
    elif low is None:
        words = f"{name} < {high:.3g}"
    elif high is None:
        words = f"{name} > {low:.3g}"
    else:
        words = f"{low:.3g} < {name} < {high:.3g}"
    return f"{words} (usable points only {' '.join(bounds)})" if bounds else words
