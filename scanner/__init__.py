"""Parameter scans and exclusion limits for coherent elastic neutrino-nucleus scattering."""

from typing import Any


def __getattr__(name: str) -> Any:
    """`likelihood` and `connect`, imported when asked for: the commands need none of them."""
    if name == "likelihood":
        from scanner.exact.build import likelihood

        return likelihood
    if name == "connect":
        from scanner.client.client import connect

        return connect
    raise AttributeError(f"module 'scanner' has no attribute {name!r}")
