"""The Standard Model: nothing is added to the weak charge."""

from scanner.scenario import NOT_TOUCHED, Reference, Scenario

SCENARIO = Scenario(
    title="Standard Model",
    formula="Q = g_p Z F_p(q^2) + g_n N F_n(q^2)",
    references=(
        Reference("Freedman, Phys. Rev. D 9, 1389 (1974)", doi="10.1103/PhysRevD.9.1389"),
        Reference("Atzori Corona et al., JHEP 05, 109 (2022)", arxiv="2202.11002"),
    ),
    parameters=(),
    electrons=NOT_TOUCHED,
)
