"""Parameter scans and exclusion limits for coherent elastic neutrino-nucleus scattering."""

from typing import Any


def __getattr__(name: str) -> Any:
    """`likelihood`, imported when it is asked for: the commands need none of it."""
    if name == "likelihood":
        from scanner.exact.build import likelihood

        return likelihood
    raise AttributeError(f"module 'scanner' has no attribute {name!r}")
