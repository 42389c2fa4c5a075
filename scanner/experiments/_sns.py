"""The neutrino flux of the Spallation Neutron Source: one number for all experiments there."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scanner.experiment import Constraint
from scanner.parameter import Parameter

FLUX_ERROR = 0.10
"""COHERENT, arXiv:2110.07730 and arXiv:2003.10630: 10 % on the neutrinos per proton."""

FLUX = Parameter(
    "sns_flux",
    "coupling",
    default=1.0,
    minimum=0.0,
    maximum=3.0,
    latex=r"\Phi_{\rm SNS}",
    description="neutrinos per proton at the SNS, relative to what each experiment takes",
    shared=True,
)
CONSTRAINT = Constraint(1.0, FLUX_ERROR)
REMARK = (
    'flux_error = "own" takes the 10 % of the neutrino flux as uncorrelated with other '
    'experiments, as the published combinations do; "shared" profiles sns_flux, one number for all '
    "that ask for it, jointly"
)


def without(width: float, parts: Sequence[float]) -> float:
    """What is left of a relative width when uncorrelated parts of it are taken out.

    >>> round(without(0.12, [0.10]), 4), without(0.12, [])
    (0.0663, 0.12)
    """
    if not parts:
        return width
    return math.sqrt(width**2 - sum(part**2 for part in parts))
