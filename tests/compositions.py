"""Random compositions of what the stable form rewrites, and what they come to by themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

import tinygrad_xent as tx
from tinygrad_xent.graph import Tensor, dtype_of, shape_of

SHAPES = [(3,), (1,), (2, 3), (3, 1), (2, 3, 2), ()]


@st.composite
def compositions(draw: Any) -> tuple[list[Tensor], Tensor]:
    """Inputs of one shape and of a shape that broadcasts to it, and what is made of them."""
    shape = draw(st.sampled_from(SHAPES))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    size = draw(st.sampled_from([0.1, 1.0, 3.0]))
    smaller = tuple(n if draw(st.booleans()) else 1 for n in shape)
    inputs = [tx.tensor(rng.normal(size=s) * size) for s in (shape, smaller)]
    if draw(st.booleans()):
        inputs[0] = tx.tensor(np.full(shape, inputs[0]._value.flat[0]))  # all entries tie
    made: list[Any] = list(inputs)
    for _ in range(draw(st.integers(2, 9))):
        step = draw(st.sampled_from(STEPS))
        made.append(step(draw, draw(st.sampled_from(made[-3:])), draw(st.sampled_from(made))))
    return inputs, made[-1]


def _safely(x: Any) -> Any:
    """Something positive."""
    return x * x + 0.5


def _sum(draw: Any, x: Any, y: Any) -> Any:
    axes = [None, *range(x.ndim)] + ([(0, 1)] if x.ndim > 1 else [])
    return tx.sum(x, axis=draw(st.sampled_from(axes)), keepdims=draw(st.booleans()))


def _moved(draw: Any, x: Any, y: Any) -> Any:
    ways = [lambda x: tx.expand_dims(x, 0), lambda x: x.T, lambda x: tx.reshape(x, (-1,))]
    if x.ndim:
        ways += [lambda x: x[0], lambda x: x[..., -1], lambda x: x[::-1]]
    if x.ndim > 1:
        ways += [lambda x: x[np.arange(x.shape[0]), np.zeros(x.shape[0], int)]]
    return draw(st.sampled_from(ways))(x)


def _pair(draw: Any, x: Any, y: Any) -> Any:
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        y = tx.sum(y)
    if len(x.shape) + len(y.shape) > 6 or max(x.ndim, y.ndim) > 4:
        return x
    f = draw(st.sampled_from([tx.add, tx.sub, tx.mul, lambda x, y: x / _safely(y), tx.maximum]))
    return f(*((x, y) if draw(st.booleans()) else (y, x)))


def _with_number(draw: Any, x: Any, y: Any) -> Any:
    c = draw(st.sampled_from([-1.0, 1.0, 0.5, 2.0, 0.0]))
    ways = [lambda x: x + c, lambda x: c - x, lambda x: c * x, lambda x: x - c, lambda x: c / x,
            lambda x: x / 2, lambda x: -x, lambda x: x**2]  # fmt: skip
    return draw(st.sampled_from(ways))(x)


def _exp(draw: Any, x: Any, y: Any) -> Any:
    return tx.exp(draw(st.sampled_from([x, -x, 2 * x, tx.sin(x)])))


def _log(draw: Any, x: Any, y: Any) -> Any:
    return tx.log(draw(st.sampled_from([x, _safely(x), 1 + tx.exp(x), tx.exp(x), 1 - x])))


def _root(draw: Any, x: Any, y: Any) -> Any:
    x = draw(st.sampled_from([_safely(x), tx.exp(x)]))
    return draw(st.sampled_from([tx.sqrt, lambda x: x**0.5, lambda x: x**-1.5]))(x)


def _share(draw: Any, x: Any, y: Any) -> Any:
    axis = draw(st.sampled_from([None, *range(x.ndim)]))
    e = tx.exp(x)
    return e / tx.sum(e, axis=axis, keepdims=True)


def _part(draw: Any, x: Any, y: Any) -> Any:
    return draw(st.sampled_from([1 / (1 + tx.exp(-x)), tx.exp(x) / (1 + tx.exp(x)), tx.tanh(x)]))


STEPS = [_sum, _moved, _pair, _pair, _with_number, _with_number, _exp, _exp, _log, _root, _share,
         _part]  # fmt: skip


def again(roots: list[Any], inputs: list[Tensor], dtype: Any) -> list[Any]:
    """What graphs come to for their inputs in another precision, operation by operation."""
    values: dict[int, Any] = {id(x): np.asarray(x._value).astype(dtype) for x in inputs}
    with np.errstate(all="ignore"):
        for n in tx.graph.toposort(*(r for r in roots if isinstance(r, Tensor))):
            if id(n) not in values:
                args = [values[id(a)] if isinstance(a, Tensor) else a for a in n.args]
                values[id(n)] = n._value if n.op is None else n.op.evaluate(args, n.params)
    return [values[id(r)] if isinstance(r, Tensor) else r for r in roots]


def assert_equal_up_to_rounding(got: list[Any], roots: list[Any], inputs: list[Tensor]) -> None:
    """Numbers against graphs, as far as these keep their own digits in double precision."""
    exact, rounded = (again(roots, inputs, t) for t in (np.longdouble, np.float64))
    for g, e, r, root in zip(got, exact, rounded, roots, strict=True):
        assert shape_of(g) == shape_of(root)
        assert dtype_of(g) == dtype_of(root)
        known = np.isfinite(e) & np.isfinite(r) & (np.abs(e) < 1e100)
        noise = np.where(known, 1e3 * np.abs(e - r) + 1e-9 * np.maximum(np.abs(e), 1), np.inf)
        wrong = known & ~(np.abs(np.asarray(g) - e) <= noise)
        assert not wrong.any(), f"{g} for {e} of {rounded}"
