"""Experiment, Pull, BinAxis: the form that a data release fills in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from scanner.parameter import Constraint as Constraint
from scanner.parameter import Parameter
from scanner.physics.fluxes.flux import Flux
from scanner.physics.nuclei import Material
from scanner.reference import Reference
from scanner.statistics.background import BackgroundCurve

Array = npt.NDArray[np.float64]
Response = Callable[[Array], Array]


@dataclass(frozen=True)
class BinAxis:
    """Edges of one observable; `edges` has one entry more than there are bins."""

    name: str
    unit: str
    edges: Array

    @property
    def n(self) -> int:
        """Number of bins."""
        return len(self.edges) - 1


@dataclass(frozen=True)
class Pull:
    """One nuisance parameter with a unit-Gaussian prior, linear in the counts.

    The prediction changes by ``x * sigma * (signal * S + sum_z backgrounds[z] * B_z)`` per bin,
    where x is the pull in units of its standard deviation. The name is the correlation model:
    experiments whose pulls have different names are uncorrelated, as in the published analyses.

    Parameters
    ----------
    name : str
        Unique within the experiment.
    sigma : float
        Width: relative for a normalisation, 1 for a shape given as its 1-sigma change.
    signal : float or array (n_bins,)
        Relative change of the signal.
    backgrounds : mapping from background name to float or array (n_bins,)
        Relative change of each background.
    """

    name: str
    sigma: float
    signal: float | Array = 0.0
    backgrounds: Mapping[str, float | Array] = field(default_factory=dict)


def curve_pulls(curve: BackgroundCurve) -> tuple[Pull, ...]:
    """Pulls that name the parameters of a background curve and say what one step of each does.

    A fitted pull x stands for the value nominal + x step; `Pull.sigma` is the step, of a height
    relative to its nominal value. The responses are those at the nominal parameters.
    """
    nominal = np.zeros(len(curve.free))
    components = curve.components(nominal)
    pulls = []
    for free, change in zip(curve.free, curve.per_pull(nominal), strict=True):
        sigma = free.step / free.nominal if free in curve.heights else free.step
        scale = sigma * components[free.component]
        relative = np.divide(change, scale, out=np.zeros_like(change), where=scale > 0.0)
        pulls.append(Pull(free.name, sigma, backgrounds={free.component: relative}))
    return tuple(pulls)


@dataclass(frozen=True)
class Provenance:
    """Where the numbers are from."""

    citation: str
    arxiv: str
    doi: str
    licence: str
    tables: Mapping[str, str]
    release: Mapping[str, str]


@dataclass(frozen=True)
class Electrons:
    """Electron recoils that an analysis counts as signal because it cannot tell them apart.

    Parameters
    ----------
    response : callable
        As `Experiment.response`, for electron recoils.
    per_nucleus : mapping from element symbol to callable
        Electrons that a recoil (MeV) can set free from one atom.
    knots : array
        Recoil energies (MeV, increasing) where `per_nucleus` jumps.
    max_recoil : float
        Recoil (MeV) above which nothing is accepted.
    """

    response: Response
    per_nucleus: Mapping[str, Callable[[Array], Array]]
    knots: Array
    max_recoil: float


@dataclass(frozen=True)
class Observable:
    """A measured quantity that is predicted at once: not recoils of neutrinos in a detector.

    Parameters
    ----------
    name : str
        Of the quantity.
    prediction : callable
        ``f(*, sin2_theta_w, neutron_radius)``: its value, a polynomial in sin^2 theta_W; the rms
        radius of the neutrons in the target's one isotope (fm) may be an array.
    refusal : str
        Why a scenario with couplings of its own cannot be asked for it.
    """

    name: str
    prediction: Callable[..., Any]
    refusal: str


@dataclass(frozen=True)
class Experiment:
    """What was measured.

    Parameters
    ----------
    flux : Flux
        Neutrino fluence over the whole exposure, cm^-2 MeV^-1, by component.
    target : Material
        Target material.
    mass_kg : float
        Target mass.
    response : callable
        ``response(recoil)``: probability that a recoil (MeV, shape (n,)) is accepted in each
        energy bin, shape (n_energy_bins, n).
    timing : mapping from flux component to array
        Accepted share of the component in each of the remaining bins, shape (n_other_bins,), or
        (n_energy_bins, n_other_bins) where it differs from one energy bin to another. The signal
        in all bins is that of the energy bins times their shares, energy first.
    bins : tuple of BinAxis
        Observables, in the order of the bins (C order when flattened).
    observed : array (n_bins,) or None
        Counts (for ``gaussian`` perhaps background-subtracted). None stands for Asimov's data: what
        is expected in the Standard Model, so that limits are sensitivities.
    backgrounds : mapping from name to array (n_bins,)
        Expected counts at nominal pulls.
    pulls : tuple of Pull
        Nuisance parameters.
    statistic : "poisson" or "gaussian"
        Which chi2.
    variance : array (n_bins,) or None
        Variance per bin, only for ``gaussian``.
    choices : mapping
        The named choices it was loaded with.
    inputs : tuple of Parameter
        Numbers of the detector that can be scanned or profiled; all have a default.
    response_at, timing_at, backgrounds_at : callable, optional
        ``f(**inputs)``: response, timing and backgrounds at other values of those inputs that the
        signature names.
    sorting_at : callable, optional
        ``f(**inputs)``: share (n_energy_bins, n_bins) of the response's bins that goes into each of
        all bins, in place of `timing`, where the response is to parts of the recoil spectrum and
        what is observed follows from these.
    constraints : mapping from input to Constraint
        Inputs that are profiled, unless a definition fixes or scans them or says otherwise.
    normalisations : mapping from input to tuple of str
        Inputs of role ``coupling`` that multiply the signal of these flux components, of all if
        none is named. Experiments that name the same one share it.
    radius_scale : str
        Input that multiplies the radii in the form factors of the target's nuclei.
    nodes : mapping from input to int or tuple of float
        How counts between values of an input are interpolated where it is profiled: through so
        many Chebyshev nodes, or by a cubic spline with these knots; see `scanner.morph`.
    illustrative : str
        Why this is not a measurement; empty for a measurement.
    no_transition : str
        Why a scenario in which neutrinos disappear on their way cannot be asked; empty if it can.
    electrons : Electrons, optional
        Where neutrino-electron scattering counts as signal.
    response_steps : tuple of float
        Nuclear recoils (MeV, increasing) at which the response jumps: no quadrature runs across
        them. Spectra like 1/T^2 make much of a threshold far below the first bin.
    background_curve : BackgroundCurve, optional
        A background with free parameters, fitted for every signal; only for ``gaussian``. Then
        `pulls` are those of the curve (`curve_pulls`), and `backgrounds` are its components at the
        nominal parameters.
    observable : Observable, optional
        What was measured in place of recoils; made by `measurement`.
    references : tuple of Reference
        Papers besides that of the data which the numbers are from: spectra of the flux, quenching,
        the analysis that is followed.
    """

    name: str
    title: str
    flux: Flux
    baseline_m: float
    target: Material
    mass_kg: float
    exposure: str
    response: Response
    timing: Mapping[str, Array]
    bins: tuple[BinAxis, ...]
    observed: Array | None
    backgrounds: Mapping[str, Array]
    pulls: tuple[Pull, ...]
    statistic: Literal["poisson", "gaussian"]
    provenance: Provenance
    variance: Array | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[Parameter, ...] = ()
    response_at: Callable[..., Response] | None = None
    timing_at: Callable[..., Mapping[str, Array]] | None = None
    backgrounds_at: Callable[..., Mapping[str, Array]] | None = None
    sorting_at: Callable[..., Array] | None = None
    constraints: Mapping[str, Constraint] = field(default_factory=dict)
    normalisations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    radius_scale: str = ""
    nodes: Mapping[str, int | tuple[float, ...]] = field(default_factory=dict)
    illustrative: str = ""
    no_transition: str = ""
    electrons: Electrons | None = None
    response_steps: tuple[float, ...] = ()
    background_curve: BackgroundCurve | None = None
    observable: Observable | None = None
    references: tuple[Reference, ...] = ()

    @property
    def data(self) -> Array:
        """Observed counts (n_bins,).

        Raises
        ------
        ValueError
            Asimov's data, which only `scanner.chi2.ExperimentModel` can make.
        """
        if self.observed is None:
            raise ValueError(f"{self.name} has no data of its own: ask its model")
        return self.observed

    @property
    def n_bins(self) -> int:
        """Number of bins in all."""
        return math.prod(axis.n for axis in self.bins)


def measurement(
    observable: Observable,
    *,
    name: str,
    title: str,
    value: float,
    sigma: float,
    target: Material,
    provenance: Provenance,
    choices: Mapping[str, str],
    references: tuple[Reference, ...] = (),
) -> Experiment:
    """A measured number with a Gaussian error, in the form of an experiment with one bin.

    Its "counts" are the number itself and its bin is the number's error bar; it has no neutrinos,
    no response and no pulls.

    Parameters
    ----------
    observable : Observable
        What was measured, and its prediction.
    value, sigma : float
        Result and error, in the unit of the prediction.
    target : Material
        Of one isotope, whose neutron radius the prediction takes.
    references : tuple of Reference
        As of `Experiment`.
    """
    return Experiment(
        name=name,
        title=title,
        flux=Flux(()),
        baseline_m=0.0,
        target=target,
        mass_kg=0.0,
        exposure="",
        response=_no_response,
        timing={},
        bins=(BinAxis(observable.name, "", np.array([value - sigma, value + sigma])),),
        observed=np.array([value]),
        backgrounds={},
        pulls=(),
        statistic="gaussian",
        variance=np.array([sigma**2]),
        provenance=provenance,
        choices=choices,
        observable=observable,
        references=references,
    )


def _no_response(recoil: Array) -> Array:
    raise ValueError(f"no detector: no response at {recoil} MeV")
