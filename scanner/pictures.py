"""Figures of a point and of a fit: spectra with components, pulls, residuals, impacts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scanner import catalog
from scanner.definition import ScanDefinition
from scanner.errors import DefinitionError
from scanner.figures import style
from scanner.figures.impacts import ImpactRow, impacts_figure
from scanner.figures.names import ELECTRONS, quantity, readable, unit_alone
from scanner.figures.pulls import PullRow, Residuals, point_figure
from scanner.figures.save import check_path, save
from scanner.figures.spectra import Projection, spectra_figure
from scanner.known import experiment_title, known_parameters, unusual_choices, usual_choices
from scanner.limits.impacts import Impacts
from scanner.spectra import Fit, Spectra
from scanner.statistics.counting import poisson_errors
from scanner.store.provenance import package_version

Array = npt.NDArray[np.float64]

PACKAGE = "cevns-scanner"
MOST_ROWS = 25
_STACKED = "(stacked: the point, fitted)"
_ALIKE = 1e-6  # relative change of counts that no eye can see


def draw_spectra(point: ScanDefinition, found: Mapping[str, Spectra], path: Path) -> Path:
    """Draw data and fitted prediction of every experiment by observable.

    Parameters
    ----------
    point : ScanDefinition
        Resolved with ``point=True``.
    found : mapping from experiment to Spectra
        Of the point, by `scanner.spectra.spectra`.
    path : Path
        Ending in .pdf, .png or .svg.

    Raises
    ------
    DefinitionError
        An unknown suffix, or an experiment that measured one number.
    StoreError
        The file cannot be written.
    """
    target = check_path(path)
    for name, one in found.items():
        if one.experiment.observable is not None:
            raise DefinitionError(
                f"{name}: its {one.experiment.observable.name} is one number and has no spectrum; "
                "leave it out here, or draw the pulls and residuals"
            )
    figure = spectra_figure(
        {
            f"{_heading(one)} {_STACKED}": projections(one, data_name(point, name))
            for name, one in found.items()
        },
        title=point_title(point),
        provenance=provenance(point),
    )
    return save(figure, target)


def draw_pulls(point: ScanDefinition, found: Mapping[str, Spectra], path: Path) -> Path:
    """Draw the fitted pulls of a point beside the Standard Model's, and its residuals.

    Arguments and errors are those of `draw_spectra`.
    """
    target = check_path(path)
    figure = point_figure(
        {_heading(one): _pull_rows(one) for one in found.values()},
        {_heading(one): residuals(one) for one in found.values()},
        title=point_title(point),
        provenance=provenance(point),
    )
    return save(figure, target)


def draw_impacts(chosen: ScanDefinition, found: Impacts, path: Path) -> Path:
    """Draw ranked impacts of pulls on a parameter; the first `MOST_ROWS` of them.

    Errors are those of `draw_spectra`.
    """
    target = check_path(path)
    known = known_parameters(chosen)
    symbol = style.label(known[found.parameter].latex or found.parameter, "")
    unit = unit_alone(found.unit)
    told = [
        f"{style.label(known[n].latex or n, '')} = {quantity(v, known[n].unit)}"
        for n, v in found.fixed.items()
    ]
    experiments = [experiment_title(chosen, name) for name in found.experiments]
    figure = impacts_figure(
        [
            ImpactRow(PullRow(one.pull, one.value, one.width), one.postfit, one.prior)
            for one in found.impacts[:MOST_ROWS]
        ],
        label=f"shift of {symbol}" + (f" [{unit}]" if unit else ""),
        title=", ".join([chosen.title, *told]),
        heading=f"{' + '.join(experiments)}: {symbol} = {_with_errors(found)} {unit}".rstrip(),
        provenance=provenance(chosen, *(f"{n} = {v:g}" for n, v in found.fixed.items())),
    )
    return save(figure, target)


def _with_errors(found: Impacts) -> str:
    """Best fit with its statistical and systematic error, to two digits of the total."""
    places = max(0, 1 - int(np.floor(np.log10(found.sigma)))) if found.sigma > 0.0 else 4
    errors = f"{found.statistical:.{places}f} (stat) $\\pm$ {found.systematic:.{places}f} (pulls)"
    return f"{found.best:.{places}f} $\\pm$ {errors}".replace("-", "$-$", 1)


def _pull_rows(found: Spectra) -> list[PullRow]:
    point, sm = found.point, found.standard_model
    both = not same_counts(point, sm)
    curve = found.experiment.background_curve
    free = {f.name for f in curve.free if not f.measured} if curve is not None else set()
    return [
        PullRow(
            name=name,
            value=value,
            width=point.widths[name],
            other=(sm.pulls[name], sm.widths[name]) if both else None,
            free=name in free,
        )
        for name, value in point.pulls.items()
    ]


def residuals(found: Spectra) -> list[Residuals]:
    """(data - fit)/error of every observable, of the point and, where it differs, of the SM."""
    both = not same_counts(found.point, found.standard_model)
    return [
        Residuals(
            axis=axis,
            point=_residual(found, found.point, i),
            other=_residual(found, found.standard_model, i) if both else None,
        )
        for i, axis in enumerate(found.experiment.bins)
    ]


def _residual(found: Spectra, fit: Fit, i: int) -> Array:
    """(data - fit)/error of the bins of one observable."""
    total, variance = fit.total, found.experiment.variance
    error = np.sqrt(found.projected(total if variance is None else variance, i))
    return (found.projected(found.experiment.data, i) - found.projected(total, i)) / error


def data_name(point: ScanDefinition, name: str) -> str:
    """What the points of a spectrum are: the experiment's own data, or made for it."""
    form = catalog.experiment(name, point.experiment_options[name])
    return "Asimov data" if form.observed is None else "data"


def projections(found: Spectra, data: str) -> list[Projection]:
    """Bins of every observable, summed over the others; `data` says what the points are."""
    return [_projection(found, i, data) for i in range(len(found.experiment.bins))]


def _projection(found: Spectra, i: int, data: str) -> Projection:
    experiment, fit = found.experiment, found.point
    observed = found.projected(experiment.data, i)
    sm = None if same_counts(fit, found.standard_model) else found.standard_model.total
    return Projection(
        axis=experiment.bins[i],
        observed=observed,
        errors=_errors(found, observed, i),
        backgrounds={name: found.projected(b, i) for name, b in fit.backgrounds.items()},
        signal={name: found.projected(s, i) for name, s in _signal(fit).items()},
        standard_model=None if sm is None else found.projected(sm, i),
        data=data,
    )


def _signal(fit: Fit) -> dict[str, Array]:
    """Signal by flux component; scattering on electrons, which is little, in one piece."""
    parts: dict[str, Array] = {}
    for name, counts in fit.signal.items():
        key = ELECTRONS if name.endswith(ELECTRONS) else name
        parts[key] = parts[key] + counts if key in parts else counts
    return parts


def _errors(found: Spectra, observed: Array, i: int) -> Array:
    """Error bars of the data: Poisson, or the variance that the analysis takes."""
    if found.experiment.variance is None:
        return poisson_errors(observed)
    error = np.sqrt(found.projected(found.experiment.variance, i))
    return np.stack([error, error])


def same_counts(one: Fit, other: Fit) -> bool:
    """Whether two fits are the same to every eye."""
    return bool(np.allclose(one.total, other.total, rtol=_ALIKE))


def _heading(found: Spectra) -> str:
    """Experiment, analysis and how well both fit."""
    experiment = found.experiment
    bins = "1 bin" if experiment.n_bins == 1 else f"{experiment.n_bins} bins"
    parts = [experiment.title, *analysis(experiment.choices), bins]
    chi2 = rf"$\chi^2$ = {found.point.chi2:.2f}"
    if not same_counts(found.point, found.standard_model):
        chi2 += f", Standard Model {found.standard_model.chi2:.2f}"
    return f"{', '.join(parts)}: {chi2}"


def analysis(choices: Mapping[str, str]) -> list[str]:
    """What an experiment was analysed by: its first choice, in words."""
    return [
        readable(value if key == "analysis" else f"{key} {value}")
        for key, value in list(choices.items())[:1]
    ]


def point_title(point: ScanDefinition) -> str:
    """Scenario and the values that are not the defaults, as the field prints them."""
    known = known_parameters(point)
    told = []
    for name, value in point.parameters.items():
        parameter = known[name]
        if isinstance(value, str) or value == parameter.default:
            continue
        label = style.label(parameter.latex or name, "")
        told.append(f"{label} = {quantity(value, parameter.unit)}")
    return ", ".join([point.title, *told])


def provenance(chosen: ScanDefinition, *more: str) -> str:
    """Everything that a reader needs to make the figure again, what is unusual first."""
    units = {name: parameter.unit for name, parameter in known_parameters(chosen).items()}
    fixed = [
        value if isinstance(value, str) else f"{name} = {value:g} {units[name]}".rstrip()
        for name, value in _given(chosen).items()
    ]
    choices = [
        f"{experiment}.{key}={value}"
        for experiment, made in usual_choices(chosen, chosen.experiments).items()
        for key, value in made.items()
    ]
    parts = [
        f"scenario {chosen.scenario}",
        *unusual_choices(chosen, chosen.experiments),
        *fixed,
        *more,
        *(f"{key}={value}" for key, value in chosen.options.items()),
        *choices,
        f"{PACKAGE} {package_version(PACKAGE)}",
    ]
    return ", ".join(parts)


def _given(chosen: ScanDefinition) -> dict[str, float | str]:
    known = known_parameters(chosen)
    return {n: v for n, v in chosen.parameters.items() if v != known[n].default or n == "model"}
