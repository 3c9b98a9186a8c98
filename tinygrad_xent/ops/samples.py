"""How the declarations draw arguments for the tests: functions from a generator to a call.

Draws stay away from the kinks and poles of the operation, so that differences can judge it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# In quotes, because NumPy takes 15 ms to load its `random`, which nothing else here needs.
Sample = Callable[["np.random.Generator"], tuple[tuple[Any, ...], dict[str, Any]]]


def normal(*shapes: tuple[int, ...], **params: Any) -> Sample:
    """Arguments of these shapes from the standard normal distribution."""
    return lambda rng: (tuple(rng.normal(size=s) for s in shapes), params)


def positive(*shapes: tuple[int, ...], **params: Any) -> Sample:
    """Arguments of these shapes between 0.5 and 2."""
    return lambda rng: (tuple(rng.uniform(0.5, 2.0, size=s) for s in shapes), params)


def nonzero(*shapes: tuple[int, ...], **params: Any) -> Sample:
    """Arguments of these shapes with a size between 0.5 and 2 and either sign."""
    return lambda rng: (tuple(_signed(rng, s) for s in shapes), params)


def distinct(*shapes: tuple[int, ...], **params: Any) -> Sample:
    """Arguments of these shapes in which no two entries, of any argument, are close."""

    def draw(rng: np.random.Generator) -> tuple[tuple[Any, ...], dict[str, Any]]:
        sizes = [int(np.prod(s)) for s in shapes]
        values = rng.permutation(np.arange(np.sum(sizes)) - np.sum(sizes) / 2 + 0.25) * 0.3
        parts = np.split(values, np.cumsum(sizes)[:-1])
        return tuple(v.reshape(s) for v, s in zip(parts, shapes, strict=True)), params

    return draw


def data(*leading: Any, then: tuple[tuple[int, ...], ...] = (), **params: Any) -> Sample:
    """Fixed arguments first (masks, indices), then normal ones of the shapes `then`."""
    return lambda rng: ((*leading, *(rng.normal(size=s) for s in then)), params)


def trailing(first: tuple[int, ...], /, *rest: Any, **params: Any) -> Sample:
    """One normal argument of this shape, then fixed ones (indices)."""
    return lambda rng: ((rng.normal(size=first), *rest), params)


def _signed(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    return rng.uniform(0.5, 2.0, size=shape) * rng.choice([-1.0, 1.0], size=shape)
