"""What is measured, and what by: scans of three likelihoods, and the dgemm of the same core."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.definition import ScanDefinition, load
from scanner.statistics.lines import Lines
from scanner.statistics.poisson_kernel import PoissonKernel
from scanner.statistics.poisson_source import LOG_TERMS, Structure

Array = npt.NDArray[np.float64]

LIKELIHOODS = {  # name: experiment, its choices
    "CsI": ("coherent_csi_2021", {}),
    "LAr": ("coherent_lar_2020", {"analysis": "energy_time"}),
    "LAr F90": ("coherent_lar_2020", {"analysis": "energy_f90_time"}),
}
NSI_AXES = tuple(axis.name for axis in load("nsi_6d").axes)


@dataclass(frozen=True)
class Work:
    """Templates (n_shapes, n_terms, n_bins) and lines, for one model."""

    model: ExperimentModel
    rows: Array
    lines: Lines

    @property
    def points(self) -> int:
        return len(self.rows) * self.lines.shape[0] * self.lines.shape[1]

    def fast(self) -> tuple[Array, npt.NDArray[np.uint8]]:
        """As large grids are evaluated: the compiled kernel, or Gram polynomials."""
        return self.model.gridded.scan(self.rows, self.lines)

    def plain(self) -> Array:
        """Batched numpy, bin by bin: chi2 (n_shapes, n_points of all lines)."""
        coefficients = self.lines.coefficients()
        return np.array([self.model.likelihood.profile(coefficients @ r).chi2 for r in self.rows])

    def check(self, chi2: Array, status: npt.NDArray[np.uint8], points: int = 200) -> None:
        """The fast results are all there, and some of them are the plain ones."""
        assert chi2.shape == status.shape == (len(self.rows), *self.lines.shape)
        assert (status == 1).all()
        rng = np.random.default_rng(7)
        shape = rng.integers(len(self.rows), size=points)
        point = rng.integers(self.points // len(self.rows), size=points)
        signal = np.einsum("pt,ptb->pb", self.lines.at(point), self.rows[shape])
        expected = self.model.likelihood.profile(signal).chi2
        found = chi2.reshape(len(self.rows), -1)[shape, point]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)

    @property
    def title(self) -> str:
        """Bins and pulls."""
        pulls = len(self.model.experiment.pulls)
        return f"{self.model.experiment.n_bins} bins, {pulls} pulls"


def bound(definition: ScanDefinition, name: str) -> ExperimentModel:
    """The scenario of a definition in one likelihood, ready for large grids."""
    experiment, choices = LIKELIHOODS[name]
    return ExperimentModel(
        catalog.scenario(definition.scenario),
        catalog.experiment(experiment, {**definition.experiment_options[experiment], **choices}),
        Conventions(**definition.options),
        dict(definition.parameters),
        [axis.name for axis in definition.axes],
        compiled=True,
    )


def cube(n: int) -> ScanDefinition:
    """The six-dimensional scan with n points on every axis."""
    return load("nsi_6d", [f"axes.{name}.n={n}" for name in NSI_AXES])


def nsi(name: str, n: int, *, cold: bool = False, near: int = 8) -> Work:
    """A part of the six-dimensional cube: whole lines of n points.

    Lines follow each other as in a chunk: `near` neighbours along three axes, around the middle
    and far from each other along the other two. Cold ones lie anywhere, in no order, and so do
    the points on them: no fit is of use to the next.
    """
    definition = cube(n)
    model = bound(definition, name)
    *outer, z = (axis.coordinates for axis in definition.axes)
    middle = [a[(n - near) // 2 :][:near] for a in outer[2:]]
    spread = [a[[n // 4, 3 * n // 4]] for a in outer[:2]]
    held = [v.ravel() for v in np.meshgrid(*spread, *middle, indexing="ij")]
    if cold:
        rng = np.random.default_rng(5)
        held, z = [rng.choice(a, len(held[0])) for a in outer], rng.permutation(z)
    templates = model.fold({})
    rows = np.ascontiguousarray(templates.counts[np.newaxis])
    return Work(model, rows, Lines.of_couplings(templates.exponents, held, z))


def mediator(name: str, masses: int = 50, *, cold: bool = False) -> Work:
    """The plane of a universal mediator, mass x coupling; cold ones in no order."""
    definition = load("light_vector_universal", [f"axes.mass.n={masses}"])
    model = bound(definition, name)
    mass, coupling = (axis.coordinates for axis in definition.axes)
    if cold:
        rng = np.random.default_rng(5)
        mass, coupling = rng.permutation(mass), rng.permutation(coupling)
    templates = model.fold({"mass": mass})
    rows = np.ascontiguousarray(np.moveaxis(templates.counts, 1, 0))
    return Work(model, rows, Lines.of_couplings(templates.exponents, [], coupling))


def dgemm_rate() -> float:
    """Floating-point operations per second of a matrix product that fits the cache."""
    a = np.random.default_rng(1).random((384, 384))
    a @ a
    seconds = []
    for _ in range(20):  # the fastest: what else the core did is not its speed
        start = time.perf_counter()
        a @ a
        seconds.append(time.perf_counter() - start)
    return 2 * 384**3 / min(seconds)


def least_flop(work: Work) -> int:
    """Floating-point operations without which the kernel finishes no point.

    One pass over the bins with events and one over all bins for chi2; +, -, x and / count as one
    each. The second and later passes of points with a poor start are left out, for the kernel
    does not tell how many there were, and so are the unrolled Cholesky and what lines share.
    """
    kernel = work.model.gridded
    assert isinstance(kernel, PoissonKernel)
    made: Structure = kernel._structure
    signal, degree = len(made.signal), work.lines.degree
    both = sum(made.background[j] for j in made.signal)
    # Horner, derivatives, prediction
    count = 2 * degree + signal + both + 2 * made.n + made.direct
    sums = 2 * made.n + made.n + 2 * len(made.pairs)  # of the gradient, v j, of the curvature
    step = count + 3 + 1 + sums  # 1/mu, w, v; whether mu is positive
    logarithm = 4 + 2 * (LOG_TERMS - 1) + 3 + 2
    finish = count + 2 + logarithm
    observed = work.model.experiment.observed
    return int(np.sum(observed > 0.0)) * step + len(observed) * finish
