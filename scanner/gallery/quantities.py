"""How pages write the quantities that were published."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple

from scanner.figures import names

_UNITS = {"1e6 /cm2/s": r"$10^6$ cm$^{-2}$ s$^{-1}$", "sigma": r"$\sigma$"}


class Quantity(NamedTuple):
    """A quantity as pages write it.

    Parameters
    ----------
    words : str
        With formulas between dollars.
    plain : str
        Without formulas.
    """

    words: str
    plain: str


def quantity(parameter: str) -> Quantity:
    r"""The quantity of a name in ``comparisons.toml``; one that is not listed stays as it is.

    >>> quantity("xsec_over_SM").words, quantity("x_new").plain
    ('$\\sigma/\\sigma_{\\rm SM}$', 'x_new')
    """
    return quantities().get(parameter, Quantity(parameter, parameter))


def unit(name: str) -> str:
    r"""Unit of ``comparisons.toml``, with formulas between dollars.

    >>> unit("1e-32 cm2"), unit("events")
    ('$10^{-32}$ cm$^{2}$', 'events')
    """
    return _UNITS.get(name) or names.unit_alone(name)


@cache
def quantities() -> Mapping[str, Quantity]:
    """All that are listed, by name."""
    text = resources.files(__package__).joinpath("quantities.toml").read_text(encoding="utf-8")
    return {name: Quantity(**raw) for name, raw in tomllib.loads(text).items()}
