"""The weak mixing angle at low momentum transfer, as a free parameter of the Standard Model.

g_V^p -> g_V^p - 2 (sin^2 theta_W - 0.23857), the radiative corrections of the scheme held
(arXiv:1908.06045, 2303.09360). Neutron radii are inputs of every scenario: joint planes need
nothing more.
"""

from dataclasses import replace

from scanner.inputs import WEAK_MIXING
from scanner.scenario import NOT_TOUCHED, Reference, Scenario

SCENARIO = Scenario(
    title="Weak mixing angle",
    formula="g_V^p -> g_V^p - 2 (sin^2 theta_W - 0.23857)",
    references=(
        Reference("Atzori Corona et al., Eur. Phys. J. C 83, 683 (2023)", arxiv="2303.09360"),
        Reference("Cadeddu et al., Phys. Rev. D 102, 015030 (2020)", arxiv="2005.01645"),
    ),
    parameters=(replace(WEAK_MIXING, default=None),),
    electrons=NOT_TOUCHED,
)
