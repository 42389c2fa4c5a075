"""Experiments of one bin, whose counts are known from a publication and not from a release."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scanner.experiment import Pull
from scanner.parameter import Constraint, Parameter
from scanner.physics.fluxes.flux import Flux, Tabulated
from scanner.physics.fluxes.reactor import PAPERS, reactor_flux
from scanner.reference import Reference

Array = npt.NDArray[np.float64]

SECONDS_PER_DAY = 86400.0
SPECTRA = ("mvhe", "bestiole", "bestiole_to_8_mev")
"""Antineutrino spectra of a reactor that an experiment can be loaded with."""
END_MEV = 8.0


def _scale(name: str, latex: str, source: str) -> Parameter:
    return Parameter(
        name,
        "coupling",
        default=1.0,
        minimum=0.0,
        maximum=3.0,
        latex=latex,
        description=f"neutrino flux of the {source} over its nominal value",
        shared=True,
    )


SNS_FLUX = _scale("sns_flux", r"\Phi_{\rm SNS}", "Spallation Neutron Source")
REACTOR_FLUX = _scale("reactor_flux", r"\Phi_{\rm reactor}", "reactor")

LIMITS: Mapping[str, float] = {"two_sided": 1.6448536, "one_sided": 1.2815516}
"""Which upper quantile of a Gaussian about 0 a limit at 90 % is taken for."""


@dataclass(frozen=True)
class Apart:
    """An error of the signal that an input carries instead of the experiment's own pull.

    Parameters
    ----------
    parameter : Parameter
        Input, shared by its name with other experiments.
    constraint : Constraint
        What is known of it.
    width : float
        Relative error of the signal that it stands for in the published total.
    """

    parameter: Parameter
    constraint: Constraint
    width: float


def signal_pull(name: str, total: float, apart: Iterable[Apart] = ()) -> tuple[Pull, ...]:
    """Pull of the signal's norm: its total relative error less what inputs carry, in quadrature.

    None where nothing is left.

    Raises
    ------
    ValueError
        More is taken away than there is.

    Examples
    --------
    >>> flux = Apart(SNS_FLUX, Constraint(1.0, 0.10), 0.10)
    >>> [round(pull.sigma, 3) for pull in signal_pull("a_signal", 0.125, [flux])]
    [0.075]
    """
    parts = [error.width for error in apart]
    left = total**2 - sum(part**2 for part in parts)
    if left < -1e-12:
        raise ValueError(f"{name}: the errors {parts} are more than their total {total}")
    if left < 1e-12:
        return ()
    return (Pull(name, math.sqrt(left), signal=1.0),)


def inputs(apart: Iterable[Apart]) -> tuple[Parameter, ...]:
    """Inputs that carry errors."""
    return tuple(error.parameter for error in apart)


def constraints(apart: Iterable[Apart]) -> dict[str, Constraint]:
    """What is known of the inputs that carry errors."""
    return {error.parameter.name: error.constraint for error in apart}


def normalisations(apart: Iterable[Apart]) -> dict[str, tuple[str, ...]]:
    """Of those inputs, the ones that multiply the whole flux."""
    names = [error.parameter.name for error in apart if error.parameter.role == "coupling"]
    return dict.fromkeys(names, ())


def undivided(flux: Flux) -> dict[str, Array]:
    """Timing of an experiment that does not tell arrival times apart: all in one bin."""
    return {component.name: np.ones(1) for component in flux.components}


def poisson_equivalent(count: float, errors: Sequence[float]) -> tuple[Array, Array]:
    """Observed counts and background, (1,) each, whose Poisson error is that of a fitted count.

    n = sigma^2 events with sigma the mean of the upper and the lower error, of which n - `count`
    are background. The interval of chi2 = 1 is then `count` + sigma + 1/3 - sigma + 1/3, to second
    order in 1/sigma. The equivalent background is no measured one: it stands for the background
    under the peak and for what its shape adds to the error.

    Raises
    ------
    ValueError
        Errors below the Poisson error of the count itself.

    Examples
    --------
    >>> observed, background = poisson_equivalent(20.6, (7.1, 6.3))
    >>> observed.round(2).tolist(), background.round(2).tolist()
    ([44.89], [24.29])
    """
    n = (sum(errors) / len(errors)) ** 2
    if n < count:
        raise ValueError(f"{count} counts cannot have the errors {tuple(errors)}: too small")
    return np.array([n]), np.array([n - count])


def antineutrinos(spectrum: str, fluence: float) -> Flux:
    """Flux at a reactor with one of `SPECTRA` and a fluence in cm^-2.

    ``bestiole_to_8_mev`` is ``bestiole`` without what it has above 8 MeV, where the other spectra
    end: one antineutrino in ten thousand, but one recoil in seven above the thresholds of CONUS+.
    """
    model, _, cut = spectrum.partition("_to_")
    flux = reactor_flux(model=model, fluence=fluence)
    return Flux(tuple(_ending(c) for c in flux.components)) if cut else flux


def spectrum_papers(spectrum: str) -> tuple[Reference, ...]:
    """Papers that one of `SPECTRA` is from.

    Examples
    --------
    >>> [paper.arxiv for paper in spectrum_papers("bestiole_to_8_mev")]
    ['2304.14992']
    """
    return PAPERS[spectrum.partition("_to_")[0]]


def _ending(component: object) -> Tabulated:
    """The component up to `END_MEV`."""
    assert isinstance(component, Tabulated)
    kept = component.energies < END_MEV
    energies = np.append(component.energies[kept], END_MEV)
    density = np.interp(energies, component.energies, component.density)
    return replace(component, energies=energies, density=density)
