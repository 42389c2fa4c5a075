"""Layers of a cube: which of them make the chi2 of a set of experiments."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from scanner.errors import DefinitionError, unknown

JOINT = "joint:"
"""Begins the name of the layer in which all experiments are profiled together."""


def layer_names(dataset: xr.Dataset) -> tuple[str, ...]:
    """First dimension of a cube: its experiments, and perhaps the joint layer."""
    return tuple(str(name) for name in dataset["experiment"].to_numpy())


def summed_layers(layers: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Layers whose sum is the chi2 of the named experiments.

    Raises
    ------
    DefinitionError
        Some of the experiments that share a profiled input: their own minima do not add up.

    Examples
    --------
    >>> summed_layers(("a", "b"), ("a", "b"))
    ('a', 'b')
    >>> summed_layers(("a", "b", "joint:a+b"), ("a", "b"))
    ('joint:a+b',)
    """
    joint = [layer for layer in layers if layer.startswith(JOINT)]
    if not joint or len(names) == 1:
        return tuple(names)
    if len(names) == len(layers) - 1:
        return tuple(joint)
    raise DefinitionError(
        f"experiments {', '.join(names)}: this scan profiles an input that they share with others, "
        "so only each alone or all together are stored; run a scan of these experiments"
    )


def chosen_experiments(
    layers: Sequence[str], experiments: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The chosen experiments of a scan, all of them by default, in the order of the cube.

    Raises
    ------
    DefinitionError
        An experiment that the scan does not have, one named twice, or none at all.
    """
    known = [name for name in layers if not name.startswith(JOINT)]
    if experiments is None:
        return tuple(known)
    for name in experiments:
        if name not in known:
            raise DefinitionError(unknown("experiment of this scan", name, known))
        if list(experiments).count(name) > 1:
            raise DefinitionError(f"experiment {name} is named twice; name each once")
    if not experiments:
        raise DefinitionError(f"no experiment chosen; choose from {', '.join(known)}")
    return tuple(name for name in known if name in experiments)
