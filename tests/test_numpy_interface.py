"""NumPy's own functions, operators and namespace, on Tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracle import assert_close, differences

import tinygrad_xent as tx
import tinygrad_xent.numpy as tnp
from tinygrad_xent.graph import Tensor

X = np.random.default_rng(0).uniform(0.5, 1.5, size=(3, 4))
W = np.random.default_rng(1).uniform(0.5, 1.5, size=(4, 2))

# The same function object runs on arrays (NumPy's own value) and on Tensors.
CALLS: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "abs": np.abs,
    "fabs": np.fabs,
    "square": np.square,
    "reciprocal": np.reciprocal,
    "negative": np.negative,
    "positive": np.positive,
    "add": lambda x: np.add(x, 2.0),
    "subtract": lambda x: np.subtract(2.0, x),
    "multiply": lambda x: np.multiply(X, x),
    "divide": lambda x: np.divide(X, x),
    "true_divide": lambda x: np.true_divide(x, X),
    "power": lambda x: np.power(x, 3),
    "power of": lambda x: np.power(2.0, x),
    "maximum": lambda x: np.maximum(x, 1.0),
    "minimum": lambda x: np.minimum(1.0, x),
    "logaddexp": lambda x: np.logaddexp(x, X),
    "matmul": lambda x: np.matmul(x, W),
    "dot": lambda x: np.dot(x, W),
    "outer": lambda x: np.outer(x, W),
    "outer, other side": lambda x: np.outer(W, x),
    "where": lambda x: np.where(X > 1, x, 2.0),
    "clip": lambda x: np.clip(x, 0.7, 1.2),
    "clip, one side": lambda x: np.clip(x, None, 1.2),
    "sum": np.sum,
    "sum, axis": lambda x: np.sum(x, axis=1),
    "sum, positional axis": lambda x: np.sum(x, 0),
    "sum, keepdims": lambda x: np.sum(x, axis=-1, keepdims=True),
    "mean": lambda x: np.mean(x, axis=(0, 1)),
    "var": lambda x: np.var(x, axis=0, ddof=1),
    "std": lambda x: np.std(x, axis=1),
    "max": lambda x: np.max(x, axis=1),
    "amax": lambda x: np.amax(x),
    "min": lambda x: np.min(x, axis=0, keepdims=True),
    "amin": lambda x: np.amin(x, axis=0),
    "add.reduce": np.add.reduce,
    "add.reduce, axis": lambda x: np.add.reduce(x, axis=1),
    "maximum.reduce": np.maximum.reduce,
    "minimum.reduce": lambda x: np.minimum.reduce(x, axis=(0, 1), keepdims=True),
    "norm": np.linalg.norm,
    "norm, axis": lambda x: np.linalg.norm(x, axis=1),
    "norm 1": lambda x: np.linalg.norm(x, 1, axis=0),
    "norm inf": lambda x: np.linalg.norm(x, ord=np.inf, axis=0, keepdims=True),
    "reshape": lambda x: np.reshape(x, (2, 6)),
    "reshape, inferred": lambda x: np.reshape(x, (-1, 2)),
    "ravel": np.ravel,
    "transpose": np.transpose,
    "transpose, axes": lambda x: np.transpose(x, (1, 0)),
    "swapaxes": lambda x: np.swapaxes(x, 0, -1),
    "expand_dims": lambda x: np.expand_dims(x, 1),
    "expand_dims, several": lambda x: np.expand_dims(x, (0, -1)),
    "squeeze": lambda x: np.squeeze(x[:, None]),
    "squeeze, axis": lambda x: np.squeeze(x[None, :, None], axis=(0,)),
    "broadcast_to": lambda x: np.broadcast_to(x, (2, 3, 4)),
    "concatenate": lambda x: np.concatenate([x, X, x], axis=1),
    "concatenate, flat": lambda x: np.concatenate([x, X], axis=None),
    "stack": lambda x: np.stack([x, X], axis=-1),
    "ndarray * Tensor": lambda x: X * x,
    "ndarray + Tensor": lambda x: X + x,
    "ndarray - Tensor": lambda x: X - x,
    "ndarray / Tensor": lambda x: X / x,
    "ndarray ** Tensor": lambda x: X**x,
    "ndarray @ Tensor": lambda x: W.T @ x.T,
    "Tensor @ ndarray": lambda x: x @ W,
    "np.float64 * Tensor": lambda x: np.float64(2) * x,
    "np.float32 + Tensor": lambda x: np.float32(2) + x,
    "float ** Tensor": lambda x: 2.0**x,
    "list + Tensor": lambda x: X[0].tolist() + x,
    "+ Tensor": lambda x: +x,
    "methods": lambda x: x.sum(axis=0).reshape(2, 2).T.ravel().clip(min=3.3).mean(keepdims=True),
    "more methods": lambda x: x.transpose(1, 0).swapaxes(0, 1).std(axis=1) + x.max(1) - x.min(1),
    "len, iteration": lambda x: sum(row[0] * len(x) for row in x),
}


@pytest.mark.parametrize("name", CALLS)
def test_numpys_functions_take_tensors(name: str) -> None:
    f = CALLS[name]
    t = Tensor(X)
    out, expected = f(t), f(X)
    assert isinstance(out, Tensor)
    assert out.dtype == expected.dtype
    assert_close(out, expected, name, 1e-14)
    weights = np.random.default_rng(2).normal(size=expected.shape)
    out.backward(weights)
    assert_close(t.grad, differences(lambda x: np.sum(f(x) * weights), X), name)


def test_comparisons_give_masks() -> None:
    t = Tensor(X)
    for ufunc in (np.greater, np.less, np.equal, np.not_equal, np.greater_equal, np.less_equal):
        for out in (ufunc(t, 1.0), ufunc(1.0, t), ufunc(X, t)):
            assert out.dtype == np.bool_
    np.testing.assert_array_equal((t > X).value, X > X)
    np.testing.assert_array_equal((np.float64(1.0) < t).value, X > 1.0)


def test_masks_combine() -> None:
    x = tx.tensor([-1.0, 0.5, 2.0])
    inside = np.array([False, True, False])
    for mask in (
        (x > 0) & (x < 1), np.logical_and(x > 0, x < 1), (x > 0) & (x.value < 1),
        (x.value > 0) & (x < 1), ~((x <= 0) | (x >= 1)), np.logical_not((x <= 0) | (x.value >= 1)),
    ):  # fmt: skip
        assert mask.dtype == bool
        np.testing.assert_array_equal(mask.value, inside)
    slope = tx.grad(lambda x: tx.where((x > 0) & (x < 1), x * x, 0.0).sum())
    np.testing.assert_array_equal(slope(x.value), [0.0, 1.0, 0.0])
    assert tx.grad(lambda x: tx.where((x > 0) & ~(x > 1), x * x, 0.0))(0.5) == 1.0


def test_shape_and_likes_need_no_rule() -> None:
    t = Tensor(X.astype(np.float32))
    assert (np.shape(t), np.ndim(t), np.size(t)) == ((3, 4), 2, 12)
    assert np.zeros_like(t).dtype == np.ones_like(t).dtype == np.float32


def test_an_array_is_not_changed_by_a_tensor_in_place() -> None:
    a = np.ones(3)
    with pytest.raises(tx.NotSupportedError, match="written into"):
        a += tx.tensor([1.0, 2.0, 3.0])
    assert_close(a, np.ones(3))


# -- tinygrad_xent.numpy --------------------------------------------------------------------------


def network(np: Any, w: Any) -> Any:
    """Ordinary NumPy code, given whichever namespace."""
    x = np.linspace(-1, 1, 12).reshape(4, 3)
    hidden = np.tanh(np.dot(x, np.reshape(w[:6], (3, 2))) + w[6:8])
    rows = np.concatenate([hidden, np.ones((4, 1))], axis=1)
    z = np.einsum("ij->ij", x[:, :1]) * np.sum(rows, axis=1, keepdims=True)
    return np.mean(np.log(1 + np.exp(-z))) + 0.1 * np.linalg.norm(w) + np.pi * np.max(np.abs(w))


def test_a_drop_in_for_numpy() -> None:
    w = np.random.default_rng(0).normal(size=8)
    assert network(tnp, w) == network(np, w)
    assert_close(tx.grad(lambda w: network(tnp, w))(w), differences(lambda w: network(np, w), w))


def test_on_arrays_the_namespace_is_numpys() -> None:
    """All the arguments NumPy has, those without a rule among them."""
    assert tnp.sum(X, 0, np.float32).dtype == np.float32
    assert_close(tnp.sum(X, where=X > 1, initial=2.0), np.sum(X, where=X > 1, initial=2.0))
    assert_close(tnp.where(X > 1), np.where(X > 1))
    assert_close(tnp.add.reduce(X), X.sum(0))
    assert_close(tnp.clip(X, min=1.0), np.clip(X, 1.0, None))
    assert tnp.reshape(X, (4, 3), order="F").shape == (4, 3)
    for name in ("pi", "float32", "random", "linalg", "argmax", "eye", "newaxis"):
        assert getattr(tnp, name) is getattr(np, name)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = tnp.nonsense


def test_the_namespace_lists_what_has_a_rule() -> None:
    names = dir(tnp)
    for name in (
        "exp",
        "sum",
        "subtract",
        "abs",
        "absolute",
        "softmax",
        "stop_gradient",
        "true_divide",
    ):
        assert name in names
        assert callable(getattr(tnp, name))


# -- adding a rule --------------------------------------------------------------------------------


def test_a_primitive_of_the_users_own_serves_numpy_and_a_method(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("PRIMITIVES", "_NUMPY"):
        monkeypatch.setattr(tx.graph.table, name, dict(getattr(tx.graph.table, name)))
    sinh = tx.primitive(
        "sinh", np.sinh, vjp=lambda g, out, x: (g * (tx.exp(x) + tx.exp(-x)) / 2,), numpy=np.sinh
    )
    assert_close(tx.grad(lambda x: np.sum(np.sinh(x)))(X), np.cosh(X))
    assert_close(tx.grad(tx.grad(sinh))(0.5), np.sinh(0.5))
    with pytest.raises(ValueError, match="declared already"):
        tx.primitive("sinh", np.sinh)
