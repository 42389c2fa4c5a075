"""Preload of Dask workers: every chunk takes 0.1 s longer, so that a test can come in between."""

from __future__ import annotations

import time
from collections.abc import Callable

from scanner.evaluate import Evaluator
from scanner.execution.task import Block
from scanner.grid import Chunk, Grid


def unhurried(evaluate: Callable[[Evaluator, Grid, Chunk], Block]) -> None:
    def block(self: Evaluator, grid: Grid, chunk: Chunk) -> Block:
        time.sleep(0.1)
        return evaluate(self, grid, chunk)

    Evaluator.block = block


if Evaluator.block.__qualname__ == "Evaluator.block":  # Dask loads this file twice
    unhurried(Evaluator.block)
