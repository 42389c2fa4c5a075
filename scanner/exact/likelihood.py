"""The likelihood of a scenario in some experiments, at any point and without any cube.

>>> import scanner
>>> like = scanner.likelihood("nsi", ["coherent_csi_2021"], free=["eps_ee_u"])
>>> round(like.delta_chi2(eps_ee_u=0.2), 2)
8.11
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from scanner.definition import ScanDefinition
from scanner.errors import DefinitionError
from scanner.evaluate import evaluator_of
from scanner.exact.arguments import parameter_of, points_in, points_of, shaped
from scanner.exact.differences import slopes_by_differences
from scanner.exact.free import FreeParameter
from scanner.exact.layer import Layer
from scanner.exact.single import has_single

if TYPE_CHECKING:
    from scanner.exact.interval import ExactInterval
    from scanner.exact.minimise import Best, Curve
    from scanner.exact.walk import Scale

Array = npt.NDArray[np.float64]
Values = dict[str, Array]


class Likelihood:
    """chi2 of all experiments together, profiled over their pulls.

    Asked by name (`chi2`, `delta_chi2`, `pulls`, `gradient`) it takes numbers or arrays that
    broadcast; a parameter that is not named has its default. A value outside its range is refused;
    at a point that is unphysical or could not be fitted the answer is NaN.

    Asked by vector (`__call__` for iminuit, `log_likelihood` for samplers) it takes the parameters
    in the order of `names`, shape (n,) or (n_points, n). There a value outside its range, an
    unphysical point or a failed fit gives an infinite chi2 and a log-likelihood of minus infinity:
    a step that is turned down.

    Parameters
    ----------
    definition : ScanDefinition
        Whose axes are the free parameters.
    parameters : sequence of FreeParameter
        One for each axis, in that order.
    layers : sequence of str, optional
        Layers of the definition that are summed; by default all experiments together.
    idle : sequence of str
        Parameters that were left out because no experiment depends on them.
    """

    errordef = 1.0
    """chi2 rises by one at one standard deviation: what iminuit asks for."""

    def __init__(
        self,
        definition: ScanDefinition,
        parameters: Sequence[FreeParameter],
        layers: Sequence[str] | None = None,
        idle: Sequence[str] = (),
    ) -> None:
        self.definition = definition
        self.parameters = tuple(parameters)
        self.names = tuple(p.name for p in self.parameters)
        self.idle = tuple(idle)
        together = definition.layers[-1:] if definition.joint else definition.experiments
        self.layers = tuple(together if layers is None else layers)
        self._evaluator = evaluator_of(definition)
        self._rows = [definition.layers.index(name) for name in self.layers]
        # a joint layer has no model of its own: it stands behind them, and is profiled
        self.direct = not definition.profile and all(
            has_single(self._evaluator.models[row].likelihood) for row in self._rows
        )
        self._parts = (
            tuple(Layer(self._evaluator.models[row]) for row in self._rows) if self.direct else ()
        )
        self._couplings = [i for i, p in enumerate(self.parameters) if p.role == "coupling"]
        self.evaluations = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.definition, self.parameters, self.layers, self.idle)

    def parameter(self, name: str) -> FreeParameter:
        """Free parameter of that name; DefinitionError with the nearest names if there is none."""
        return parameter_of(self.parameters, name)

    # by name

    def chi2(self, **values: npt.ArrayLike) -> Any:
        """chi2 at named values: a float, or an array where a value is one.

        Raises
        ------
        DefinitionError
            An unknown name, a missing value without default, one outside its range, or shapes that
            do not broadcast.
        """
        points, shape = points_of(self.parameters, values)
        return shaped(self._layered(points).sum(axis=0), shape)

    def by_experiment(self, **values: npt.ArrayLike) -> dict[str, Any]:
        """chi2 of each layer by itself; as `chi2`."""
        points, shape = points_of(self.parameters, values)
        rows = self._layered(points)
        return {n: shaped(row, shape) for n, row in zip(self.layers, rows, strict=True)}

    @property
    def chi2_sm(self) -> float:
        """chi2 of the Standard Model."""
        return float(self._evaluator.standard_model()[self._rows].sum())

    def delta_chi2(self, reference: float | Best | None = None, /, **values: npt.ArrayLike) -> Any:
        """chi2 above the Standard Model's, or above `reference`: a chi2, or what `minimise` found.

        Otherwise as `chi2`.
        """
        if reference is None:
            zero = self.chi2_sm
        else:
            zero = reference if isinstance(reference, (int, float)) else reference.chi2
        return self.chi2(**values) - zero

    def pulls(self, **values: npt.ArrayLike) -> dict[str, dict[str, Any]]:
        """Fitted pulls of each experiment, in standard deviations; as `chi2`.

        Raises
        ------
        DefinitionError
            As `chi2`; and where inputs are profiled, which are no pulls.
        """
        if not self.direct:
            profiled = ", ".join(self.definition.profile)
            raise DefinitionError(
                f"pulls: {profiled} is profiled as well; free it and add its constraint instead"
                if profiled
                else "pulls: an experiment whose likelihood is told as a whole; ask its point"
            )
        points, shape = points_of(self.parameters, values)
        return {
            part.name: {
                name: shaped(column, shape)
                for name, column in zip(part.pull_names, part.fit(points).pulls.T, strict=True)
            }
            for part in self._parts
        }

    def gradient(self, **values: npt.ArrayLike) -> dict[str, Any]:
        """Derivatives of chi2 by every free parameter; as `chi2`.

        By the couplings exactly: counts are polynomials in them, and the fitted pulls may be held
        (envelope theorem). By shape parameters (masses, radii) from differences of chi2 over 1e-4
        of the value, good to about 1e-6 of chi2 per relative change; so are all of them where
        inputs are profiled.
        """
        points, shape = points_of(self.parameters, values)
        _, slopes = self._value_and_slopes(points)
        return {n: shaped(column, shape) for n, column in zip(self.names, slopes.T, strict=True)}

    # by vector

    def __call__(self, vector: npt.ArrayLike) -> Any:
        """chi2 of a vector (n,), or of vectors (n_points, n); infinite where there is none."""
        points, shape = points_in(self.parameters, vector)
        return shaped(self.finite_or_infinite(points), shape)

    def log_likelihood(self, vector: npt.ArrayLike) -> Any:
        """-chi2/2 of a vector (n,), or of vectors (n_points, n); minus infinity where none is."""
        return -0.5 * self(vector)

    def slope(self, vector: npt.ArrayLike) -> Array:
        """`gradient` of one vector (n,), as an array (n,): what iminuit takes as ``grad``."""
        return self.value_and_slope(vector)[1]

    def value_and_slope(self, vector: npt.ArrayLike) -> tuple[float, Array]:
        """chi2 and its derivatives (n,) at one vector, in one go; NaN where there is no chi2."""
        points, shape = points_in(self.parameters, vector)
        if shape:
            raise DefinitionError(f"slope: one vector of {len(self.names)} numbers at a time")
        chi2, slopes = self._value_and_slopes(points)
        return float(chi2[0]), slopes[0]

    # searches

    def minimise(
        self,
        start: Mapping[str, float] | None = None,
        fixed: Mapping[str, float] | None = None,
        *,
        starts: int = 8,
        seed: int = 1,
    ) -> Best:
        """Lowest chi2 over all parameters but the fixed ones; see `scanner.exact.minimise`."""
        from scanner.exact.minimise import minimise

        return minimise(self, start, fixed, starts=starts, seed=seed)

    def profile(
        self,
        name: str,
        values: npt.ArrayLike,
        *,
        fixed: Mapping[str, float] | None = None,
        starts: int = 4,
    ) -> Curve:
        """Lowest chi2 over the other parameters at each value of one."""
        from scanner.exact.minimise import curve

        return curve(self, name, values, fixed, starts=starts)

    def interval(
        self,
        name: str,
        cl: float = 0.9,
        dof: int = 1,
        *,
        fixed: Mapping[str, float] | None = None,
        reference: float | Best | None = None,
    ) -> ExactInterval:
        """Allowed values of one parameter by root search; see `scanner.exact.interval`."""
        from scanner.exact.interval import interval

        return interval(self, name, cl, dof, fixed=fixed, reference=reference)

    # what they stand on

    def finite_or_infinite(self, points: Mapping[str, Array]) -> Array:
        """chi2 (n,) of all parameters, each (n,); infinite outside a range and where none is."""
        inside = np.logical_and.reduce([p.inside(points[p.name]) for p in self.parameters])
        if not inside.all():
            points = {n: np.where(inside, v, self._somewhere(n)) for n, v in points.items()}
        chi2 = self._layered(points).sum(axis=0)
        return np.where(inside & np.isfinite(chi2), chi2, np.inf)

    def sizes(self) -> dict[str, float]:
        """Value at which each coupling alone would double the Standard Model counts of a layer."""
        values = {p.name: np.array([self._somewhere(p.name)]) for p in self.parameters}
        found: dict[str, float] = {}
        for part in self._parts:
            for name, size in part.counts.sizes(values).items():
                found[name] = min(size, found.get(name, np.inf))
        return {name: size for name, size in found.items() if np.isfinite(size)}

    @cached_property
    def scales(self) -> dict[str, Scale]:
        """Unit of search of every parameter."""
        from scanner.exact.walk import scales

        return scales(self)

    def _somewhere(self, name: str) -> float:
        """A value in the range, in the place of one outside."""
        axis = next(axis for axis in self.definition.axes if axis.name == name)
        return float(axis.coordinates[-1])

    def _layered(self, points: Mapping[str, Array]) -> Array:
        """chi2 (n_layers, n)."""
        n = len(next(iter(points.values())))
        self.evaluations += n
        if not self.direct:
            return self._evaluator.chi2_at(points, self._rows)
        chi2 = np.stack([part.fit(points).chi2 for part in self._parts])
        return np.where(self._evaluator.sound(points), chi2, np.nan)

    def _value_and_slopes(self, points: Values) -> tuple[Array, Array]:
        """chi2 (n,) and its derivatives (n, n_parameters)."""
        n = len(next(iter(points.values())))
        self.evaluations += n
        chi2, slopes = np.zeros(n), np.zeros((n, len(self.names)))
        for part in self._parts:
            fitted = part.fit(points)
            chi2 += fitted.chi2
            own = [self.names.index(name) for name in part.counts.couplings]
            slopes[:, own] += part.slopes(points, fitted)
        differed = [p for p in self.parameters if not (self.direct and p.role == "coupling")]
        if not self.direct:
            chi2 = self._layered(points).sum(axis=0)
        if differed:
            found = slopes_by_differences(lambda p: self._layered(p).sum(0), points, differed)
            slopes[:, [self.names.index(p.name) for p in differed]] = found
        sound = self._evaluator.sound(points)
        return np.where(sound, chi2, np.nan), np.where(sound[:, np.newaxis], slopes, np.nan)


@lru_cache(maxsize=8)
def _rebuilt(
    definition: ScanDefinition,
    parameters: tuple[FreeParameter, ...],
    layers: tuple[str, ...],
    idle: tuple[str, ...],
) -> Likelihood:
    """Out of a pickle: once per process, since pools of samplers send it with every call."""
    return Likelihood(definition, parameters, layers, idle)
