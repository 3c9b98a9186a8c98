"""Graphs to compile: each primitive with its samples, its gradient, and random compositions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st
from oracle import TABLE, draws, float_places

import tinygrad_xent as tx
from tinygrad_xent.graph import Tensor

Graph = tuple[list[Tensor], list[Tensor]]


def primitive_graphs(name: str, dtype: Any = np.float64) -> Iterator[Graph]:
    """Samples of a primitive: its value, and what each argument receives from a cotangent."""
    op = TABLE[name]
    for args, params in draws(op):
        places = float_places(args)
        leaves = [
            Tensor(np.asarray(a, dtype) if i in places else np.asarray(a))
            for i, a in enumerate(args)
        ]
        out = op(*leaves, **params)
        yield leaves, [out]
        if op.vjp is not None and out.dtype.kind == "f":
            g = Tensor(np.random.default_rng(1).normal(size=out.shape).astype(out.dtype))
            wrt = tuple(leaves[i] for i in places)
            found = tx.differentiate.cotangents(out, g, wrt, record=True)
            yield [*leaves, g], [found[x] for x in wrt if isinstance(found.get(x), Tensor)]


@st.composite
def random_graphs(draw: Any) -> Graph:
    """A few operations on matrices of a few rows, and the gradient of a sum of the result."""
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    inputs = [Tensor(rng.normal(size=s).astype(dtype))
              for s in [(rows, columns), (columns, columns), (columns,), (rows, 1)]]  # fmt: skip
    x, w, b, column = inputs
    labels = rng.integers(0, columns, rows)
    made = [x, column]
    for _ in range(draw(st.integers(1, 7))):
        made.append(draw(st.sampled_from(STEPS))(draw, made, w, b, labels))
    out = made[-1]
    loss = tx.mean(out * out) + tx.sum(made[draw(st.integers(0, len(made) - 1))])
    wrt = (x, w, b, column)
    found = tx.differentiate.cotangents(loss, tx.tensor(np.ones((), dtype)[()]), wrt, record=True)
    return inputs, [loss, out, *(c for c in map(found.get, wrt) if isinstance(c, Tensor))]


def _two(draw: Any, made: list[Any]) -> tuple[Any, Any]:
    return draw(st.sampled_from(made)), draw(st.sampled_from(made))


def _pair(draw: Any, made: list[Any], w: Any, b: Any, labels: Any) -> Any:
    x, y = _two(draw, made)
    f = draw(st.sampled_from([tx.add, tx.sub, tx.mul, tx.maximum, lambda x, y: x / (1 + y * y)]))
    return f(x, y)


def _single(draw: Any, made: list[Any], w: Any, b: Any, labels: Any) -> Any:
    f = draw(st.sampled_from([tx.tanh, tx.sin, tx.relu, tx.sigmoid, lambda x: x * 2 - 0.1]))
    return f(draw(st.sampled_from(made)))


def _linear(draw: Any, made: list[Any], w: Any, b: Any, labels: Any) -> Any:
    x = draw(st.sampled_from(made))
    return x @ w + b if x.shape[-1:] == w.shape[:1] and x.ndim == 2 else x * b


def _reduced(draw: Any, made: list[Any], w: Any, b: Any, labels: Any) -> Any:
    f = draw(st.sampled_from([tx.sum, tx.max, tx.mean]))
    x = draw(st.sampled_from(made))
    return x - f(x, axis=draw(st.sampled_from([0, 1])), keepdims=True) * 0.5


def _normalised(draw: Any, made: list[Any], w: Any, b: Any, labels: Any) -> Any:
    return tx.softmax(draw(st.sampled_from(made)), axis=draw(st.sampled_from([0, 1])))


def _picked(draw: Any, made: list[Any], w: Any, b: Any, labels: Any) -> Any:
    x = draw(st.sampled_from(made))
    labels = labels % x.shape[1]
    return x * tx.expand_dims(x[np.arange(len(labels)), labels], 1)


def _embedded(draw: Any, made: list[Any], w: Any, b: Any, labels: Any) -> Any:
    return tx.tanh(w)[labels] * draw(st.sampled_from(made))


def _turned(draw: Any, made: list[Any], w: Any, b: Any, labels: Any) -> Any:
    x = draw(st.sampled_from(made))
    return x @ (x.T @ x) * 0.1


STEPS = [_pair, _single, _linear, _reduced, _normalised, _picked, _embedded, _turned]
