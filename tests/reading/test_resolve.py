"""What the scenario refuses all over the grid."""

from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest

from scanner.errors import DefinitionError
from scanner.reading import resolve


class Refusing:
    """A scenario that refuses every combination, and counts them."""

    def __init__(self) -> None:
        self.asked = count()

    def validate(self, _: object) -> None:
        next(self.asked)
        raise DefinitionError("makes no sense")


def axes(n: int) -> tuple[SimpleNamespace, ...]:
    return tuple(SimpleNamespace(name=f"x{k}", coordinates=np.array([1.0, 2.0])) for k in range(n))


def test_a_grid_that_makes_no_sense_anywhere_is_refused():
    with pytest.raises(DefinitionError, match="a file: makes no sense"):
        resolve.check_combination("a file", Refusing(), {}, axes(3))


def test_of_many_axes_not_every_corner_is_asked():
    scenario = Refusing()
    resolve.check_combination("", scenario, {}, axes(30))
    assert next(scenario.asked) == resolve.MOST_CORNERS
