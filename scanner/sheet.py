"""What is told of one experiment: setting, assumptions, choices, counts, pulls, provenance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.bibliography import citation
from scanner.chi2 import STANDARD_MODEL, ExperimentModel
from scanner.experiment import Experiment, Pull
from scanner.parameter import Parameter
from scanner.statistics.background import Free

Record = dict[str, Any]

_FAR_M = 1e6


def experiment_record(form: Experiment) -> Record:
    """Source, target, choices, bins, backgrounds, pulls and provenance; nothing that is empty."""
    return said(
        {
            "experiment": form.name,
            "title": form.title,
            "illustrative": form.illustrative,
            "about": catalog.experiment_about(form.name),
            **_setting(form),
            "inputs": [parameter_record(p) for p in form.inputs],
            "constraints": {name: str(c) for name, c in form.constraints.items()},
            "choices": dict(form.choices),
            "available_choices": {k: list(v) for k, v in _choices(form.name).items()},
            "about_choices": catalog.experiment_about_choices(form.name),
            "remarks": list(catalog.experiment_remarks(form.name)),
            "statistic": form.statistic,
            "bins": [
                {
                    "observable": b.name,
                    "unit": b.unit,
                    "n": b.n,
                    "from": b.edges[0],
                    "to": b.edges[-1],
                }
                for b in form.bins
            ],
            "counts": _counts(form),
            "pulls": _pulls(form),
            "references": [citation(paper) for paper in form.references],
            "provenance": said(
                {
                    "citation": form.provenance.citation,
                    "arxiv": form.provenance.arxiv,
                    "doi": form.provenance.doi,
                    "licence": form.provenance.licence,
                    "tables (sha256)": dict(form.provenance.tables),
                    "release files (sha256)": dict(form.provenance.release),
                }
            ),
        }
    )


def said(record: Record) -> Record:
    """Entries that are not empty."""
    return {key: value for key, value in record.items() if value}


def parameter_record(parameter: Parameter) -> Record:
    """Role, unit, default and range of a parameter."""
    scanned = parameter.role != "choice"
    return {
        "name": parameter.name,
        "role": parameter.role,
        "unit": parameter.unit,
        "default": "optional" if parameter.optional else parameter.default,
        "range": (
            f"{parameter.minimum:g} .. {parameter.maximum:g}"
            if scanned
            else " | ".join(parameter.choices)
        ),
        "latex": parameter.latex,
        "description": parameter.description,
    }


def _choices(name: str) -> Mapping[str, tuple[str, ...]]:
    """Choices of an experiment of the catalogue."""
    return catalog.experiment_choices(name) if name in catalog.experiment_names() else {}


def _setting(form: Experiment) -> Record:
    """Source, target and exposure, or the quantity that was measured in place of recoils."""
    if form.observable is not None and form.variance is not None:
        return {
            "observable": form.observable.name,
            "error": float(form.variance[0] ** 0.5),
            "target": form.target.formula,
        }
    return {
        "source": ", ".join(c.name for c in form.flux.components),
        "baseline": distance(form.baseline_m),
        "baseline_m": form.baseline_m,
        "target": f"{form.mass_kg:g} kg {form.target.formula}",
        "exposure": form.exposure,
    }


def distance(metres: float) -> str:
    """A distance for people.

    >>> distance(19.3), distance(1.495978707e11)
    ('19.3 m', '149.6 million km')
    """
    return f"{metres:g} m" if metres < _FAR_M else f"{1e-9 * metres:.4g} million km"


def _counts(form: Experiment) -> dict[str, float]:
    """Counts in all bins; of a single bin with a Gaussian error, that too."""
    used = Conventions()
    model = ExperimentModel(STANDARD_MODEL, form, used, {}, ())
    single = form.variance is not None and form.n_bins == 1 and form.observable is None
    error = {"observed_error": math.sqrt(form.variance[0])} if single else {}  # type: ignore[index]
    return {
        "observed" if form.observed is not None else "expected (Asimov)": float(
            model.experiment.data.sum()
        ),
        **error,
        f"sm_signal ({used.couplings}, {used.form_factor})": float(model.standard_model().sum()),
        **{name: float(b.sum()) for name, b in form.backgrounds.items()},
    }


def _pulls(form: Experiment) -> list[Record]:
    """Pulls; of a fitted background, which numbers are measured and which are free."""
    curve = form.background_curve
    free = {} if curve is None else {one.name: one for one in curve.free}
    return [
        {
            "name": p.name,
            "sigma": p.sigma,
            **({"prior": _prior(free[p.name])} if p.name in free else {}),
            "acts_on": _targets(p),
        }
        for p in form.pulls
    ]


def _prior(one: Free) -> str:
    """What is known of a number of the background; where nothing is, `sigma` is only a step."""
    if one.measured:
        return f"{one.nominal:g} +- {one.step:g}"
    return f"none: free in {one.low:g} .. {one.high:g}"


def _targets(pull: Pull) -> list[str]:
    signal: Iterable[str] = ["signal"] if _acts(pull.signal) else []
    return [*signal, *pull.backgrounds]


def _acts(response: Any) -> bool:
    return bool(response.any()) if hasattr(response, "any") else response != 0.0
