"""Random products of functions whose entries were moved: compiled they are what they are eager.

Stable forms and digits are found by looking through broadcasting, transposing and picking. What
goes crosswise, as a number of each row along the columns, must not be taken for what lies in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.compiling.stabilising import stable
from tinygrad_xent.errors import ShapeError

N = 3
ROWS, LABELS = np.arange(N), np.array([1, 0, 2])


def share(x: Any) -> Any:
    return tx.exp(x) / tx.sum(tx.exp(x), axis=-1, keepdims=True)


def share_of_column(x: Any) -> Any:
    return tx.exp(x) / tx.sum(tx.exp(x), axis=0, keepdims=True)


INNER: tuple[Callable[[Any, Any], Any], ...] = (
    lambda x, c: x,
    lambda x, c: x + c,
    lambda x, c: c - x,
    lambda x, c: x * c,
    lambda x, c: x / c,
    lambda x, c: c + 0 * x,
)
FUNCTIONS: tuple[Callable[[Any], Any], ...] = (
    tx.exp,
    tx.tanh,
    share,
    share_of_column,
    lambda x: tx.softmax(x, axis=-1),
    lambda x: 1 - share(x),
    lambda x: tx.log(share(x)),
    lambda x: share(x) * tx.log(share(x)),
    lambda x: share(x) - share(2 * x),
    lambda x: 1 / (1 + tx.exp(-x)),
    lambda x: tx.log(1 + tx.exp(x)),
    lambda x: tx.exp(x) / (tx.exp(x) + tx.exp(2 * x)),
    lambda x: 0 * x + tx.log(tx.sum(tx.exp(x), axis=1, keepdims=True)),
)
MOVES: tuple[Callable[[Any], Any], ...] = (
    lambda y: y,
    lambda y: y.T,
    lambda y: y[LABELS],
    lambda y: y[1],
    lambda y: y[ROWS, LABELS],
    lambda y: y[ROWS, LABELS][:, None],
    lambda y: y[::-1],
    lambda y: y[:, 1],
    lambda y: y[:, 1:2],
    lambda y: y[:, None, :],
    lambda y: tx.sum(y, axis=0),
    lambda y: tx.max(y, axis=1, keepdims=True),
    lambda y: tx.broadcast_to(y[0], (N, N)),
)


def product(rng: np.random.Generator) -> Callable[[Any, Any], Any]:
    """The sum of a product of three random functions."""
    parts = [[choices[rng.integers(len(choices))] for choices in (INNER, FUNCTIONS, MOVES)]
             for _ in range(3)]  # fmt: skip

    def f(x: Any, c: Any) -> Any:
        a, b, d = (move(function(inner(x, c))) for inner, function, move in parts)
        return tx.sum(a * b * d)

    return f


def wrong(seed: int) -> float:
    """How far apart compiled and eager values and gradients are, with an argument or a constant."""
    rng = np.random.default_rng(seed)
    x, f = rng.normal(size=(N, N)), product(rng)
    c = (rng.normal(size=(N, N)), rng.normal(size=N), rng.normal(size=(N, 1)), 1.5)[seed % 4]
    expected = tx.value_and_grad(f)(x, c)
    scale = 1 + abs(expected[0]) + np.abs(expected[1]).max()
    found = (
        tx.compile(tx.value_and_grad(f), backend="numpy")(x, c),
        tx.compile(tx.value_and_grad(lambda x: f(x, c)), backend="numpy")(x),
    )
    errors = [np.abs(a - b).max() / scale for pair in found for a, b in zip(expected, pair)]  # noqa: B905
    return float(max(errors))


def all_right(seeds: Iterable[int]) -> None:
    assert [seed for seed in seeds if not wrong(seed) < 1e-9] == []


@pytest.mark.parametrize("start", range(0, 160, 20))
def test_compiled_products_are_what_they_are(start: int) -> None:
    all_right(range(start, start + 20))


def test_constants_that_stay_where_they_were_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    mapped = stable.Stable._mapped

    def planted(self: Any, exponents: Any, move: Any) -> Any:
        return mapped(self, exponents, lambda x: move(x) if isinstance(x, tx.Tensor) else x)

    monkeypatch.setattr(stable.Stable, "_mapped", planted)
    with pytest.raises((AssertionError, ShapeError)):
        all_right(range(0, 160, 4))
