"""Cotangents side by side give what walks one by one give."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracle import DIFFERENTIABLE, TABLE, assert_close, draws, float_places, replaced

import tinygrad_xent as tx
from tinygrad_xent import batching, transforms
from tinygrad_xent.graph import Primitive
from tinygrad_xent.ops import mul

RNG = np.random.default_rng(0)


@pytest.fixture
def batched(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each Jacobian that was asked for was found side by side."""
    seen: list[bool] = []

    def watching(*args: Any) -> Any:
        found = batching.side_by_side(*args)
        seen.append(found is not None)
        return found

    monkeypatch.setattr(transforms, "side_by_side", watching)
    return seen


def one_by_one(f: Callable[[Any], Any], x: Any) -> np.ndarray:
    """The Jacobian from one walk for each entry of the result."""
    out, pull = tx.vjp(f, x)
    shape = np.shape(out)
    rows = [pull(e.reshape(shape))[0] for e in np.eye(int(np.prod(shape)))]
    return np.reshape(rows, shape + np.shape(x))


# -- the table ------------------------------------------------------------------------------------

ROWS = [(name, i) for name, op in TABLE.items() if op.rows is not None
        for i in range(len(op.rows) if isinstance(op.rows, tuple) else 1)]  # fmt: skip


@pytest.mark.parametrize(("name", "place"), ROWS)
def test_a_rule_for_rows_does_what_the_operation_does_to_each(name: str, place: int) -> None:
    op = TABLE[name]
    rule = op.rows[place] if isinstance(op.rows, tuple) else op.rows
    for args, params in draws(op):
        xs = RNG.normal(size=(3, *np.shape(args[place])))
        expected = [op(*replaced(args, place, x), **params) for x in xs]
        assert_close(rule(*replaced(args, place, xs), **params), np.stack(expected), name)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_jacobians_of_every_primitive(name: str, batched: list[bool]) -> None:
    """Of its value and of its gradient, by each argument, and that no row was walked alone."""
    op = DIFFERENTIABLE[name]
    for args, params in draws(op):
        for i in float_places(args):
            f = lambda x, args=args, params=params, i=i: op(*replaced(args, i, x), **params)
            slope = tx.grad(lambda x, f=f: tx.sum(tx.sin(f(x)) * f(x)))
            for function in (f, slope):
                assert_close(tx.jacobian(function)(args[i]), one_by_one(function, args[i]), name)
    assert all(batched)


FUNCTIONS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "the argument itself": (lambda x: x, (2, 3)),
    "a view with a broadcast axis": (lambda x: x[:, None] * x, (3,)),
    "a part that nothing reaches": (lambda x: tx.stop_gradient(x) * x, (3,)),
    "scalars": (lambda x: tx.stack([x[0] * x[1], tx.sin(x[2])]), (3,)),
    "matrices from the left": (lambda x: np.arange(24.0).reshape(2, 4, 3) @ x / 9, (3, 2)),
    "a stack of matrices and a vector": (lambda x: np.ones((2, 4, 3)) @ x, (3,)),
    "a vector and a stack of matrices": (lambda x: x @ np.ones((2, 3, 4)), (3,)),
    "a vector times itself": (lambda x: x @ x * x, (3,)),
    "Gram's matrix": (lambda x: tx.matmul(x, x.T), (3, 2)),
    "indices that lie apart": (lambda x: x[[0, 1], :, [1, 0]], (2, 3, 2)),
    "indices that lie together": (lambda x: x[:, [0, 2, 2], [1, 0, 1]], (2, 3, 2)),
    "a mask": (lambda x: x[np.array([True, False, True])] ** 2, (3,)),
    "entries sorted by a condition": (lambda x: tx.where(x > 0, tx.exp(x), x**2), (4,)),
    "a norm": (lambda x: x / tx.sqrt(tx.sum(x * x)), (4,)),
    "log_softmax": (tx.log_softmax, (2, 4)),
    "maximum along an axis": (lambda x: tx.max(x, axis=0) * x[0], (3, 2)),
    "float32": (lambda x: tx.softmax(x.astype("float32")), (3,)),
    "a number": (lambda x: np.arange(3.0) * tx.sin(x) / x, ()),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jacobians_and_hessians(name: str) -> None:
    f, shape = FUNCTIONS[name]
    x = RNG.normal(size=shape)
    weights = RNG.normal(size=np.shape(f(x)))
    slope = tx.grad(lambda x: tx.sum(tx.exp(f(x)) * weights))
    tolerance = 1e-5 if name == "float32" else 1e-12
    for function in (f, slope):
        expected = one_by_one(function, x)
        assert_close(tx.jacobian(function)(x), expected, name, tolerance)


def test_a_jacobian_is_differentiated_again() -> None:
    x = np.array([0.3, -1.2, 0.7])
    f = lambda x: tx.sin(x) * tx.sum(x * x)
    third = tx.jacobian(tx.jacobian(f))(x)
    for i, e in enumerate(np.eye(3)):
        along = lambda x, e=e: tx.vjp(f, x)[1](e)[0]
        assert_close(third[i], tx.jacobian(along)(x))


# Rules for the sine, as users may write them.
RULES: dict[str, Callable[..., Any]] = {
    "functions of NumPy": lambda g, _, x: np.multiply(np.cos(x), np.where(x > 9, 0.0, g)),
    "methods": lambda g, _, x: (g.reshape(3, 1) * tx.cos(x)[:, None]).T.ravel(),
    "calls of primitives": lambda g, _, x: mul(np.ones(3), mul(tx.cos(x), g)),
    "signs, powers, lists": lambda g, _, x: tx.sign(g) * abs(g) ** 1 * tx.cos(x) * [1.0, 1.0, 1.0],
    "indices and lengths": lambda g, _, x: g[np.arange(len(g))] * tx.cos(x),
    "a matrix in front": lambda g, _, x: tx.cos(x) * (np.eye(3) @ g),
    "entry by entry": lambda g, _, x: tx.stack(list(g)) * tx.cos(x),
}


@pytest.mark.parametrize("name", RULES)
def test_what_a_rule_may_do_with_a_cotangent(name: str, batched: list[bool]) -> None:
    """Recorded as well, which is what the outer of two Jacobians asks of the inner."""
    rule = RULES[name]
    sine = Primitive("sine", np.sin, vjp=lambda *a: (rule(*a),), rows=None, scalar=None,
                     elementwise=True, selects=False, works="")  # fmt: skip
    x = np.array([0.3, -1.2, 0.7])
    assert_close(tx.jacobian(sine)(x), np.diag(np.cos(x)))
    assert batched == [name != "entry by entry"]  # joining has no rule for rows
    along = tx.jacobian(lambda x: tx.jacobian(sine)(x) @ np.ones(3))
    assert_close(along(x), np.diag(-np.sin(x)))


def test_rows_stay_in_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is little beside the result, in parts and as a whole."""
    x = RNG.normal(size=(40, 10))
    f = tx.hessian(lambda x: tx.sum(tx.exp(x) / tx.sum(tx.exp(x), axis=1, keepdims=True)))

    def peak() -> float:
        tracemalloc.start()
        result = f(x)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most / result.nbytes

    assert peak() < 2.5
    monkeypatch.setattr(batching, "LARGEST", 2**30)
    assert peak() > 5


# -- when rows are walked one by one after all ----------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [
        lambda g, _, x: (None if g == 0 else g * tx.cos(x),),
        lambda g, _, x: (g * tx.cos(x) if g else None,),
        lambda g, _, x: (g * tx.cos(x) if g > 0 else -abs(g) * tx.cos(x),),
    ],
)
def test_a_rule_that_asks_for_zeros(rule: Any, batched: list[bool]) -> None:
    """Rows cannot say whether they are zero: some are."""
    sine = Primitive("sine", np.sin, vjp=rule, rows=None, scalar=None,
                     elementwise=True, selects=False, works="")  # fmt: skip
    x = np.array([0.5, 2.0])
    found = tx.jacobian(lambda x: tx.stack([sine(x[0]), x[1] * sine(x[0])]))(x)
    slope = np.cos(0.5)
    assert_close(found, np.array([[slope, 0.0], [2.0 * slope, np.sin(0.5)]]))
    assert batched == [False]


def test_zero_times_infinity(batched: list[bool]) -> None:
    """0 where nothing arrives: only a walk of its own knows for each row."""
    x = np.array([0.0, 4.0])
    f = lambda x: tx.where(x > 0, tx.log(x + (x == 0)), x**0.5 / 1)
    g = lambda x: tx.log(x)[1:] * x[1:]
    with np.errstate(all="ignore"):
        for function in (f, g):
            assert_close(tx.jacobian(function)(x), one_by_one(function, x))
        assert np.isfinite(tx.jacobian(lambda x: tx.log(x) * x[1])(x)[1]).all()
    assert not batched[-1]


def test_an_operation_without_rows(batched: list[bool]) -> None:
    cube = Primitive("cube", lambda x: x**3, vjp=lambda g, out, x: (three(g, x),), rows=None,
                     scalar=None, elementwise=False, selects=False, works="")  # fmt: skip
    three = Primitive("three", lambda g, x: g * 3 * x * x, vjp=None, rows=None,
                      scalar=None, elementwise=False, selects=False, works="")  # fmt: skip
    x = np.array([1.0, 2.0])
    assert_close(tx.jacobian(cube)(x), np.diag(3 * x * x))
    assert batched == [False]


def test_large_results_are_made_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    x, f = RNG.normal(size=7), lambda x: tx.exp(x[:, None] * x).sum(axis=0)
    whole = tx.jacobian(f)(x)
    monkeypatch.setattr(batching, "LARGEST", 100)
    np.testing.assert_array_equal(tx.jacobian(f)(x), whole)


# -- the checks are checked -----------------------------------------------------------------------


@pytest.mark.parametrize(("name", "place"), ROWS)
def test_a_wrong_rule_for_rows_is_found(
    name: str, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    op = TABLE[name]
    rules = op.rows if isinstance(op.rows, tuple) else (op.rows,)
    wrong = lambda *args, **params: rules[place](*args, **params)[::-1]
    spoilt = (*rules[:place], wrong, *rules[place + 1 :])
    monkeypatch.setattr(op, "rows", spoilt if isinstance(op.rows, tuple) else wrong)
    with pytest.raises(AssertionError):
        test_a_rule_for_rows_does_what_the_operation_does_to_each(name, place)
