"""Every primitive of the table: values, derivatives to second order, dtypes, shapes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from oracle import (
    DIFFERENTIABLE,
    TABLE,
    assert_close,
    check_primitive,
    draws,
    float_places,
    pulled,
)

import tinygrad_xent as tx
from tinygrad_xent.graph import Primitive, Tensor

BINARY = ["add", "sub", "mul", "div", "power", "maximum", "minimum"]
COMPARISONS = ["greater", "greater_equal", "less", "less_equal", "equal", "not_equal"]


def index_of(pattern: Any, arrays: Any) -> tuple[Any, ...]:
    kinds = {"slice": slice, "int": int, "array": lambda i: arrays[i]}
    return tuple(kinds[kind](*rest) for kind, *rest in pattern)


def scattered(g: Any, *arrays: Any, index: Any, shape: Any) -> np.ndarray:
    out = np.zeros(shape)
    np.add.at(out, index_of(index, arrays), g)
    return out


def put_in(x: Any, v: Any, *arrays: Any, index: Any) -> np.ndarray:
    out = x.copy()
    out[index_of(index, arrays)] = v
    return out


# What NumPy calls the operation, where that is not the name in the table.
REFERENCE = {
    "alias": lambda x: x,
    "astype": lambda x, dtype: x.astype(dtype),
    "checked_labels": lambda labels, classes, asked: labels,
    "broadcast_to": lambda x, shape: np.broadcast_to(x, shape),
    "concatenate": lambda *parts, axis: np.concatenate(parts, axis),
    "div": np.divide,
    "getitem": lambda x, *arrays, index: x[index_of(index, arrays)],
    "mul": np.multiply,
    "neg": np.negative,
    "others": lambda x, axis: np.stack(
        [np.delete(x, i, axis[0]).sum(axis[0]) for i in range(x.shape[axis[0]])], axis[0]
    ),
    "put": put_in,
    "balanced": lambda x, places: x,
    "relative": lambda x, places: x,
    "reshape": lambda x, shape: x.reshape(shape),
    "scatter": scattered,
    "size": lambda x, axis: np.float64(x.size / np.delete(x.shape, axis).prod()),
    "stop_gradient": lambda x: x,
    "sub": np.subtract,
}

ROUNDED = {"balanced", "others"}  # which adds in another order than the reference


@pytest.mark.parametrize("op", TABLE.values(), ids=TABLE)
def test_values_are_numpys(op: Primitive) -> None:
    reference = REFERENCE.get(op.name) or getattr(np, op.name)
    for seed in range(3):
        for args, params in draws(op, seed):
            expected = reference(*args, **params)
            places = float_places(args) or range(len(args))  # masks, where there are no numbers
            tensors = [Tensor(a) if i in places else a for i, a in enumerate(args)]
            for got in (op(*args, **params), op(*tensors, **params).value):
                error = 1e-14 if op.name in ROUNDED else 0
                np.testing.assert_allclose(got, expected, rtol=error, atol=error)
                assert np.asarray(got).dtype == np.asarray(expected).dtype


@pytest.mark.parametrize("op", DIFFERENTIABLE.values(), ids=DIFFERENTIABLE)
def test_derivatives(op: Primitive) -> None:
    check_primitive(op)


@pytest.mark.parametrize("name", sorted(TABLE.keys() - DIFFERENTIABLE.keys()))
def test_nothing_flows_through_the_rest(name: str) -> None:
    for args, params in draws(TABLE[name]):
        x = Tensor(args[0])
        rest = args[1:]
        loss = (TABLE[name](x, *rest, **params) * 1.0).sum()
        assert loss.op is not None
        loss.backward()
        assert x.grad is None


@pytest.mark.parametrize("op", TABLE.values(), ids=TABLE)
def test_integers_and_booleans_are_data(op: Primitive) -> None:
    """They go in as they do in NumPy, and nothing is sent back to them."""
    for args, params in draws(op):
        for dtype in (np.int64, np.bool_):
            if dtype is np.bool_ and op.name in ("neg", "sub", "sign"):  # NumPy has no such rules
                continue
            whole = [np.abs(np.rint(a * 3)).astype(dtype) + dtype(1) if np.asarray(a).dtype == float
                     else a for a in args]  # fmt: skip
            out = op(*[Tensor(a) if a.dtype.kind != "O" else a for a in whole], **params)
            expected = op.array(*whole, **params)
            np.testing.assert_array_equal(out.value, expected)
            assert out.dtype == np.asarray(expected).dtype
            if out.dtype.kind == "f":
                out.backward(np.ones(out.shape, out.dtype))
                assert all(a.grad is None for a in out.args if isinstance(a, Tensor))


@pytest.mark.parametrize("name", BINARY)
@given(shapes=mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=3))
@settings(max_examples=40, deadline=None)
def test_broadcasting_pairs(name: str, shapes: Any) -> None:
    """As for operands repeated by hand, whose cotangents NumPy then sums by hand."""
    op, rng = TABLE[name], np.random.default_rng(0)
    args = tuple(rng.uniform(0.5, 2.0, size=s) for s in shapes.input_shapes)
    g = rng.normal(size=shapes.result_shape)
    full = tuple(np.broadcast_to(a, shapes.result_shape).copy() for a in args)
    assert op(*map(Tensor, args)).shape == shapes.result_shape
    for arg, got, spread in zip(
        args, pulled(op, args, {}, g), pulled(op, full, {}, g), strict=True
    ):
        assert_close(got, summed_to(spread, arg.shape), name, 1e-12)


def summed_to(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    x = x.sum(axis=tuple(range(x.ndim - len(shape))))
    for axis, n in enumerate(shape):
        if n == 1:
            x = x.sum(axis=axis, keepdims=True)
    return x


@given(shapes=mutually_broadcastable_shapes(num_shapes=3, max_dims=3, min_side=0, max_side=3))
@settings(max_examples=40, deadline=None)
def test_where_broadcasts_all_three(shapes: Any) -> None:
    rng = np.random.default_rng(0)
    c, x, y = (rng.normal(size=s) for s in shapes.input_shapes)
    g = rng.normal(size=shapes.result_shape)
    chosen = np.broadcast_to(c > 0, shapes.result_shape)
    got = pulled(TABLE["where"], (c > 0, x, y), {}, g)
    assert_close(got[0], summed_to(np.where(chosen, g, 0), x.shape))
    assert_close(got[1], summed_to(np.where(chosen, 0, g), y.shape))


@given(
    batches=mutually_broadcastable_shapes(num_shapes=2, max_dims=2, min_side=0, max_side=3),
    n=st.integers(0, 3), m=st.integers(0, 3), k=st.integers(0, 3),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_matmul_broadcasts_batches(batches: Any, n: int, m: int, k: int) -> None:
    rng = np.random.default_rng(0)
    left, right = batches.input_shapes
    x, y = rng.normal(size=(*left, n, m)), rng.normal(size=(*right, m, k))
    g = rng.normal(size=np.matmul(x, y).shape)
    got = pulled(TABLE["matmul"], (x, y), {}, g)
    assert_close(got[0], summed_to(g @ np.swapaxes(y, -1, -2), x.shape))
    assert_close(got[1], summed_to(np.swapaxes(x, -1, -2) @ g, y.shape))


@pytest.mark.parametrize("name", [n for n, op in TABLE.items() if op.elementwise])
def test_python_floats_are_arrays_of_no_axes(name: str) -> None:
    """The scalar path: Python floats in and out, the same numbers to second order."""
    op = TABLE[name]
    args, params = draws(op)[0]
    one = [a.flat[0].item() for a in args]
    by_float = [Tensor(v) if isinstance(v, float) else v for v in one]
    by_array = [Tensor(np.array(v)) if isinstance(v, float) else v for v in one]
    out, expected = op(*by_float, **params), op(*by_array, **params)
    assert_close(out, expected, name, 1e-15)
    if op.vjp is None:
        return
    wrt = [i for i, v in enumerate(one) if isinstance(v, float)]
    for i in wrt:
        for order in (1, 2):
            f = lambda x, i=i: op(*[*one[:i], x, *one[i + 1 :]])
            for _ in range(order):
                f = tx.grad(f)
            assert isinstance(f(one[i]), float)
            assert_close(f(one[i]), f(np.array(one[i])), f"{name} order {order}", 1e-14)


@pytest.mark.parametrize("name", ["exp", "add", "maximum", "greater"])
def test_too_many_arguments_are_no_place_to_write_into(name: str) -> None:
    op, place = TABLE[name], np.full(3, 7.0)
    assert op.arity is not None
    for x in (np.ones(3), tx.tensor(np.ones(3))):
        with pytest.raises(tx.DtypeError, match=f"takes {op.arity}, not {op.arity + 1}"):
            op(*[x] * op.arity, place)
    assert np.all(place == 7.0)


def test_a_rule_for_each_of_two_arguments_gets_the_settings() -> None:
    name = "blend_of_the_test"
    blend = tx.primitive(
        name,
        lambda x, y, share: share * x + (1 - share) * y,
        vjp=(lambda g, _, x, y, share: g * share, lambda g, _, x, y, share: g * (1 - share)),
    )
    del tx.graph.PRIMITIVES[name]
    assert tx.grad(lambda x, y: blend(x, y, share=0.25), (0, 1))(2.0, 3.0) == (0.25, 0.75)


ODD = (0.0, -0.0, 1.0, -2.5, 710.0, np.inf, -np.inf, np.nan)


@pytest.mark.parametrize("name", [n for n, op in TABLE.items() if op.scalar is not None])
def test_python_arithmetic_says_what_numpy_says(name: str) -> None:
    """At every pair of odd numbers, ties and nan among them, and without a NumPy number in it."""
    op = TABLE[name]
    for x, y in itertools.product(ODD, ODD):
        args = (x, y)[: op.arity]
        with np.errstate(all="ignore"):
            there = op.array(*map(np.float64, args))
            here = [op(*args), op(*map(tx.tensor, args)).value]
        for value in here:
            np.testing.assert_allclose(value, there, rtol=1e-15)
            assert type(value) is (bool if there.dtype.kind == "b" else float)


@pytest.mark.parametrize("f", [tx.relu, lambda x: tx.maximum(x, 0.0), lambda x: tx.clip(x, 0, 9)])
def test_python_numbers_stay_python_numbers(f: Any) -> None:
    """One NumPy number in it would make all that follows several times slower."""
    x = tx.tensor(2.0)
    y = f(x) * abs(x) + tx.minimum(x, 3.0) * x
    y.backward()
    assert type(y.value) is type(x.grad) is float
    assert x.grad == 8.0


@pytest.mark.parametrize("name", ["sum", "max", "min"])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (2, 0), (-1, 0), (0, 1, 2), ()])
def test_reductions_over_any_axes(name: str, axis: Any, keepdims: bool) -> None:
    x = np.random.default_rng(0).permutation(np.arange(24.0)).reshape(2, 3, 4)
    function, reference = getattr(tx, name), getattr(np, name)
    t = Tensor(x)
    out = function(t, axis=axis, keepdims=keepdims)
    expected = reference(x, axis=axis, keepdims=keepdims)
    np.testing.assert_array_equal(out.value, expected)
    g = np.random.default_rng(1).normal(size=expected.shape)
    out.backward(g)
    kept = reference(x, axis=axis, keepdims=True)
    spread = np.broadcast_to(g.reshape(kept.shape), x.shape)
    assert_close(t.grad, spread if name == "sum" else np.where(x == kept, spread, 0.0))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (1,), (1, 1)])
def test_empty_and_single_axes_reduce(shape: Any) -> None:
    x = Tensor(np.ones(shape))
    for axis in (None, 0):
        x.grad = None
        out = tx.sum(x, axis=axis)
        assert_close(out, np.sum(x.value, axis=axis))
        out.backward(np.ones(out.shape))
        assert_close(x.grad, np.ones(shape))


INDICES = [
    2, -1, (1, 2), slice(None), slice(None, None, -1), slice(3, 0, -2), slice(1, 1),
    (slice(None), 0), (Ellipsis, 1), (None, 1), (slice(None), None, 2), (0, Ellipsis, None), (),
    Ellipsis, None, [0, 0, 2], np.array([[0, 1], [1, -1]]), (slice(1, None), [0, 0, 3]),
    ([0, 0, 2], [1, 1, 3]), ([0, 0, 2], slice(None, None, 2)), (np.array(1), [0, 2]),
    (np.array([[0], [2]]), np.array([1, 1, 3])), np.arange(20).reshape(5, 4) % 3 == 0,
    (np.arange(5) % 2 == 0, 1), (slice(None), np.arange(4) > 1), np.zeros((5, 4), bool), [],
    ([], []), True, False, np.array([1, 1, 1], dtype=np.uint8), np.int64(3), (np.int32(-2), 1),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_indexing_of_every_kind(index: Any) -> None:
    x = np.random.default_rng(0).normal(size=(5, 4))
    t = Tensor(x)
    out = t[index]
    np.testing.assert_array_equal(out.value, x[index])
    g = np.random.default_rng(1).normal(size=x[index].shape)
    expected = np.zeros_like(x)
    np.add.at(expected, index, g)
    out.backward(g)
    np.testing.assert_allclose(t.grad, expected, atol=1e-15)


@pytest.mark.parametrize("index", [(), Ellipsis, None, (None, Ellipsis), True, np.array(True)])
@pytest.mark.parametrize("value", [2.0, np.array(2.0), np.float32(2.0)], ids=["float", "0-d", "f4"])
def test_indexing_a_scalar(index: Any, value: Any) -> None:
    t = Tensor(value)
    out = t[index]
    np.testing.assert_array_equal(out.value, np.asarray(value)[index])
    out.backward(np.full(out.shape, 3.0))
    assert t.grad == 3.0
    assert np.shape(t.grad) == ()


def test_an_index_may_be_a_tensor() -> None:
    x = Tensor([1.0, -2.0, 3.0])
    (x[x > 0] * x[Tensor(np.array([2, 2]))]).sum().backward()
    assert_close(x.grad, [3.0, 0.0, 3.0 + 1.0 + 3.0])


def test_matmul_has_all_of_numpys_ranks() -> None:
    shapes = [(4,), (3, 4), (2, 3, 4), (1, 3, 4), (5, 1, 3, 4)]
    others = [(4,), (4, 2), (2, 4, 2), (1, 4, 2), (2, 4, 1)]
    rng = np.random.default_rng(0)
    for a in shapes:
        for b in others:
            x, y = rng.normal(size=a), rng.normal(size=b)
            out = Tensor(x) @ y
            np.testing.assert_array_equal(out.value, x @ y)
            g = rng.normal(size=out.shape)
            gx, gy = pulled(TABLE["matmul"], (x, y), {}, g)
            # a bilinear map is its own derivative: <g, dx @ y> = <gx, dx>
            dx, dy = rng.normal(size=a), rng.normal(size=b)
            assert_close(np.sum(g * (dx @ y)), np.sum(gx * dx), f"{a} @ {b}", 1e-12)
            assert_close(np.sum(g * (x @ dy)), np.sum(gy * dy), f"{a} @ {b}", 1e-12)


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_joining(axis: Any) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    pairs = [(tx.concatenate, np.concatenate)] + [(tx.stack, np.stack)] * (axis is not None)
    for ours, theirs in pairs:
        t, u = Tensor(x), Tensor(y)
        out = ours([t, y, u, t], axis=axis)
        np.testing.assert_array_equal(out.value, theirs([x, y, y, x], axis=axis))
        g = rng.normal(size=out.shape)
        out.backward(g)
        origin = theirs([np.full(x.shape, k) for k in range(4)], axis=axis)
        back = [g[origin == k].reshape(x.shape) for k in range(4)]
        assert_close(t.grad, back[0] + back[3])
        assert_close(u.grad, back[2])


# -- dtypes ----------------------------------------------------------------------------------------

DTYPES = [np.float16, np.float32, np.float64, np.int32, np.bool_]


@pytest.mark.parametrize("name", [*BINARY, *COMPARISONS, "where", "matmul"])
@pytest.mark.parametrize("left", DTYPES)
@pytest.mark.parametrize("right", [*DTYPES, float, int])
@pytest.mark.parametrize("swap", [False, True])
def test_mixed_types_promote_as_numpys_do(name: str, left: Any, right: Any, swap: bool) -> None:
    x = np.array([[1, 2], [3, 1]]).astype(left)
    y = right(2) if right in (float, int) else np.array([[2, 1], [1, 1]]).astype(right)
    args = (y, x) if swap else (x, y)
    reference = REFERENCE.get(name) or getattr(np, name)
    if name == "where":
        args = (np.array([[True, False], [False, True]]), *args)
    try:
        expected = reference(*args)
    except (TypeError, ValueError):
        with pytest.raises((TypeError, ValueError)):
            TABLE[name](*map(as_tensor, args))
        return
    out = TABLE[name](*map(as_tensor, args))
    assert out.dtype == np.asarray(expected).dtype
    np.testing.assert_array_equal(out.value, expected)
    if out.dtype.kind == "f":
        out.backward(np.ones(out.shape, out.dtype))
        for t in out.args:
            if isinstance(t, Tensor) and t.dtype.kind == "f" and t.grad is not None:
                assert t.grad.dtype == t.dtype


def as_tensor(x: Any) -> Any:
    return Tensor(x) if isinstance(x, np.ndarray) else x


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "sin", "tanh", "sum", "abs", "neg", "sign"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_one_argument_keeps_numpys_type(name: str, dtype: Any) -> None:
    x = np.array([1, 1, 0]).astype(dtype) + dtype(1)
    reference = REFERENCE.get(name) or getattr(np, name)
    try:
        expected = np.asarray(reference(x))
    except TypeError:
        with pytest.raises(TypeError):
            getattr(tx, name)(Tensor(x))
        return
    assert getattr(tx, name)(Tensor(x)).dtype == expected.dtype


def test_python_numbers_and_lists_become_float64() -> None:
    for value in (1, 1.0, True, [1, 2], [[1, 2], [3, 4]], (1, 2), [np.int32(1)]):
        assert tx.tensor(value).dtype == np.float64
    assert type(tx.tensor(3).value) is float
    assert tx.tensor(np.arange(2)).dtype == np.arange(2).dtype
    assert tx.tensor([True, False]).dtype == np.bool_


def test_the_others_are_summed_and_not_the_whole_less_one() -> None:
    x = np.array([[1.0, 1e-20, 2e-20], [1e-20, 1.0, 1.0]])
    assert np.allclose(tx.others(x, axis=1), [[3e-20, 1, 1], [2, 1, 1]], rtol=1e-15, atol=0)
