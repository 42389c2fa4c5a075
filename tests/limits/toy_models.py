"""Small experiments with known answers, in the form that boards take."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from scanner.chi2 import Likelihood, Scanned
from scanner.grid import Axis
from scanner.limits.board import Board, fast_of
from scanner.limits.toys import Hypothesis, Trial
from scanner.statistics.gaussian import GaussianLikelihood
from scanner.statistics.poisson import PoissonLikelihood
from scanner.statistics.pulls import LinearPulls
from scanner.templates import Templates


@dataclass(frozen=True)
class Linear:
    """Counts are one coupling times a template (n_bins,)."""

    likelihood: Likelihood
    template: np.ndarray
    name: str = "mu"

    @property
    def shapes(self) -> tuple[str, ...]:
        return ()

    @property
    def couplings(self) -> tuple[str, ...]:
        return (self.name,)

    def templates(self, _: np.ndarray) -> Templates:
        rows = np.stack([np.zeros_like(self.template), self.template])
        return Templates((self.name,), ((0,), (1,)), rows[:, np.newaxis])

    def signal(self, values) -> np.ndarray:
        return np.atleast_1d(values[self.name])[:, np.newaxis] * self.template

    def fast(self, data: Likelihood) -> Scanned:
        return data


def bounded_gaussian(x: float) -> Linear:
    """x measured with unit error about a mean; the one pull changes nothing."""
    return measured_mean(x, 0.0)


def measured_mean(x: float, background_error: float) -> Linear:
    """The same over a background of mean 0 that an auxiliary measurement tells to an error."""
    pulls = LinearPulls(np.zeros((1, 1)), np.full((1, 1), background_error), np.zeros(1))
    return Linear(GaussianLikelihood(np.array([x]), np.ones(1), pulls), np.ones(1))


def counting(observed: float, background: float = 3.0, error: float = 0.3) -> Linear:
    """Events over a background that is known to a relative error."""
    pulls = LinearPulls(np.zeros((1, 1)), np.array([[background * error]]), np.array([background]))
    return Linear(PoissonLikelihood(np.array([observed]), pulls), np.ones(1))


def trial(model: Linear, mu: float, axis: Axis) -> Trial:
    """Test of one value of the coupling inside the axis."""
    models = [model]
    everywhere = Board.of(models, [axis], {axis.name: axis.coordinates})
    here = Board.of(models, [axis], {axis.name: np.array([mu])})
    return Trial(models, everywhere, here, [model.likelihood])


class ToyBench:
    """What curves need of a bench; the Standard Model has no signal."""

    def __init__(self, model: Linear, axis: Axis) -> None:
        self.models, self.data, self.axes = [model], [model.likelihood], (axis,)
        self.fast = fast_of(self.models, self.data)
        self.everywhere = self.board({})
        record = {"digest": "d", "seed": 0, "experiments": ["toy"], "at": {}}
        self.question = SimpleNamespace(
            definition=SimpleNamespace(digest="d"), key="k", record=lambda: record
        )

    def board(self, held) -> Board:
        (axis,) = self.axes
        values = {axis.name: np.array([held[axis.name]]) if held else axis.coordinates}
        return Board.of(self.models, self.axes, values)

    def standard_model(self) -> Hypothesis:
        nothing = np.zeros_like(self.models[0].template)
        return Hypothesis((nothing,), (np.zeros(self.data[0].pulls.n),))
