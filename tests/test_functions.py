"""Activations, statistics and losses: values, derivatives, subgradients, extreme arguments."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from oracle import assert_close, differences

import tinygrad_xent as tx

RNG = np.random.default_rng(0)
Z = RNG.normal(size=(4, 3))
P = RNG.dirichlet(np.ones(3), size=4)
LABELS = np.array([2, 0, 1, 2])
LARGE = np.array([-1000.0, -50.0, 0.0, 50.0, 1000.0])


def softmax(z: np.ndarray, axis: int = -1) -> np.ndarray:
    e = np.exp(z)
    return e / e.sum(axis=axis, keepdims=True)


# -- every composition against differences, to second order ---------------------------------------

COMPOSED: dict[str, Callable[[Any], Any]] = {
    "mean": tx.mean,
    "mean over an axis": lambda z: tx.mean(z, axis=0),
    "var": lambda z: tx.var(z, axis=1, ddof=1),
    "std": lambda z: tx.std(z, axis=(0, 1), keepdims=True),
    "norm": lambda z: tx.norm(z, axis=0),
    "norm, Frobenius": lambda z: tx.norm(z),
    "norm 1": lambda z: tx.norm(z, 1, axis=1),
    "norm inf": lambda z: tx.norm(z, np.inf, axis=1),
    "square": tx.square,
    "reciprocal": lambda z: tx.reciprocal(z + 4),
    "tan": lambda z: tx.tan(z / 3),
    "clip": lambda z: tx.clip(z, -0.9, 0.9),
    "logaddexp": lambda z: tx.logaddexp(z, z[::-1] * 2),
    "dot": lambda z: tx.dot(z, z.T),
    "outer": lambda z: tx.outer(z[0], z[1]),
    "relu": tx.relu,
    "sigmoid": tx.sigmoid,
    "softplus": tx.softplus,
    "softmax": tx.softmax,
    "softmax of columns": lambda z: tx.softmax(z, axis=0),
    "log_softmax": tx.log_softmax,
    "logsumexp": lambda z: tx.logsumexp(z, axis=0),
    "logsumexp, kept": lambda z: tx.logsumexp(z, keepdims=True),
    "squared_error": lambda z: tx.squared_error(z, P),
    "absolute_error": lambda z: tx.absolute_error(z, P),
    "cross_entropy": lambda z: tx.cross_entropy(P, tx.softmax(z)),
    "kl_divergence": lambda z: tx.kl_divergence(P, tx.softmax(z)),
    "kl_divergence, reversed": lambda z: tx.kl_divergence(tx.softmax(z), P),
    "binary_cross_entropy": lambda z: tx.binary_cross_entropy(P, tx.sigmoid(z)),
    "sigmoid_binary_cross_entropy": lambda z: tx.sigmoid_binary_cross_entropy(z, P),
    "softmax_cross_entropy": lambda z: tx.softmax_cross_entropy(z, P),
    "softmax_cross_entropy, labels": lambda z: tx.softmax_cross_entropy(z, LABELS),
    "softmax_cross_entropy, first axis": lambda z: tx.softmax_cross_entropy(z, [3, 0, 1], axis=0),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_two_orders_of_derivatives(name: str) -> None:
    f = COMPOSED[name]
    weights = np.random.default_rng(1).normal(size=np.shape(f(Z)))
    slope = tx.grad(lambda z: tx.sum(f(z) * weights))
    assert_close(tx.jacobian(f)(Z), differences(f, Z))
    assert_close(tx.jacobian(slope)(Z), differences(slope, Z))


LOSSES = ("entropy", "divergence", "error")  # whose targets here are float64


@pytest.mark.parametrize("name", [n for n in COMPOSED if not any(word in n for word in LOSSES)])
def test_single_precision_stays(name: str) -> None:
    t = tx.tensor(Z.astype(np.float32))
    out = COMPOSED[name](t)
    assert out.dtype == np.float32
    out.sum().backward()
    assert t.grad.dtype == np.float32


@pytest.mark.parametrize(
    "loss",
    [
        tx.squared_error,
        tx.absolute_error,
        tx.sigmoid_binary_cross_entropy,
        tx.softmax_cross_entropy,
    ],
)
def test_losses_keep_single_precision(loss: Any) -> None:
    t = tx.tensor(Z.astype(np.float32))
    out = loss(t, P.astype(np.float32))
    assert out.dtype == np.float32
    assert loss(tx.tensor(Z), P.astype(np.float32)).dtype == np.float64
    out.sum().backward()
    assert t.grad.dtype == np.float32


def test_labels_keep_single_precision() -> None:
    t = tx.tensor(Z.astype(np.float32))
    loss = tx.mean(tx.softmax_cross_entropy(t, LABELS))
    loss.backward()
    assert (loss.dtype, t.grad.dtype) == (np.float32, np.float32)


@pytest.mark.parametrize("f", [tx.relu, tx.sigmoid, tx.softplus, tx.square, tx.tan, tx.reciprocal])
def test_numbers_arrays_lists_and_tensors(f: Any) -> None:
    values = [0.5, 1.5]
    expected = f(np.array(values))
    assert_close(f(values), expected)
    assert_close([f(v) for v in values], expected)
    assert_close(f(tx.tensor(values)), expected)
    slopes = tx.elementwise_grad(f)(np.array(values))
    assert_close([tx.grad(f)(v) for v in values], slopes)
    assert_close([tx.grad(tx.grad(f))(v) for v in values],
                 tx.elementwise_grad(tx.elementwise_grad(f))(np.array(values)))  # fmt: skip


# -- statistics are NumPy's -----------------------------------------------------------------------


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_statistics_are_numpys(axis: Any, keepdims: bool) -> None:
    for name in ("mean", "var", "std"):
        expected = getattr(np, name)(Z, axis=axis, keepdims=keepdims)
        assert_close(getattr(tx, name)(tx.tensor(Z), axis=axis, keepdims=keepdims), expected)
    for ord in (None, 1, 2, np.inf) if isinstance(axis, int) else (None,):
        expected = np.linalg.norm(Z, ord, axis, keepdims)
        assert_close(tx.norm(tx.tensor(Z), ord, axis, keepdims), expected)
    assert_close(tx.var(tx.tensor(Z), axis=0, ddof=1), np.var(Z, axis=0, ddof=1))


DOTS = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 2)), ((), (2,)),
    ((2, 4, 3), (3,)), ((2, 4, 3), (3, 2)), ((3,), (2, 3, 4)),
]  # fmt: skip


@pytest.mark.parametrize("shapes", DOTS)
def test_dot_is_numpys(shapes: Any) -> None:
    x, y = (np.asarray(RNG.normal(size=s)) for s in shapes)
    assert_close(tx.dot(tx.tensor(x), y), np.dot(x, y))


# -- extreme arguments ----------------------------------------------------------------------------


def orders(f: Any, x: np.ndarray, n: int) -> list[np.ndarray]:
    found = []
    for _ in range(n + 1):
        found.append(f(x))
        f = tx.elementwise_grad(f)
    return found


@pytest.mark.parametrize("f", [tx.sigmoid, tx.softplus, tx.tanh])
def test_smooth_functions_stay_finite_far_out_to_third_order(f: Any) -> None:
    for values in orders(f, LARGE, 3):
        assert np.isfinite(values).all()


def test_sigmoid_and_softplus_agree_with_mpmath_to_third_order() -> None:
    """At 0, where the form changes, and where the naive form has lost all digits."""
    logistic, soft = lambda x: 1 / (1 + mpmath.exp(-x)), lambda x: mpmath.log(1 + mpmath.exp(x))
    points = np.array([-700.0, -40.0, -1.0, 0.0, 1e-9, 1.0, 40.0])
    with mpmath.workdps(400):
        for f, exact in ((tx.sigmoid, logistic), (tx.softplus, soft)):
            for n, got in enumerate(orders(f, points, 3)):
                for x, value in zip(points, got, strict=True):
                    expected = float(mpmath.diff(exact, mpmath.mpf(float(x)), n))
                    if n < 2 or x < 0:
                        assert value == pytest.approx(expected, rel=1e-12)
                    else:  # differences of numbers near 1
                        assert value == pytest.approx(expected, rel=1e-9, abs=1e-15)
    assert tx.grad(tx.grad(tx.sigmoid))(0.0) == 0.0
    assert tx.grad(tx.grad(tx.grad(tx.sigmoid)))(0.0) == -0.125
    assert tx.grad(tx.grad(tx.softplus))(0.0) == 0.25


def test_softmax_and_its_logarithm_do_not_overflow() -> None:
    z = np.array([1000.0, 0.0, -1000.0])
    assert_close(tx.softmax(z), [1.0, 0.0, 0.0])
    assert_close(tx.log_softmax(z), [0.0, -1000.0, -2000.0])
    assert tx.logsumexp(z) == 1000.0
    assert_close(tx.grad(tx.logsumexp)(z), [1.0, 0.0, 0.0])
    assert_close(tx.grad(lambda z: tx.softmax_cross_entropy(z, 2))(z), [1.0, 0.0, -1.0])
    assert tx.softmax_cross_entropy(z, 2) == 2000.0
    assert_close(tx.hessian(tx.logsumexp)(z), np.zeros((3, 3)))
    assert_close(tx.sigmoid_binary_cross_entropy(LARGE, 1.0), [1000, 50, np.log(2), 0, 0])
    assert_close(tx.logaddexp(tx.tensor(-1e20), 1.0), 1.0)


def test_a_class_ruled_out_by_an_infinite_logit() -> None:
    z = np.array([0.5, -np.inf, 1.5])
    q = np.array([1.0, 0.0, np.e]) / (1 + np.e)
    assert_close(tx.softmax(z), q)
    assert_close(tx.grad(tx.logsumexp)(z), q)
    assert_close(tx.grad(lambda z: tx.softmax_cross_entropy(z, 0))(z), q - [1, 0, 0])


# -- subgradients ---------------------------------------------------------------------------------

AT_A_KINK = [
    (tx.relu, 0.0, 0.0), (tx.abs, 0.0, 0.0), (tx.sqrt, 0.0, 0.0), (lambda x: x**0.5, 0.0, 0.0),
    (lambda x: tx.maximum(x, 1.0), 1.0, 0.5), (lambda x: tx.minimum(1.0, x), 1.0, 0.5),
    (lambda x: tx.maximum(x, x), 1.0, 1.0), (tx.sign, 0.0, 0.0), (lambda x: x**2, 0.0, 0.0),
    (lambda x: x**1, 0.0, 1.0), (lambda x: x**0, 0.0, 0.0), (lambda x: x**1.5, 0.0, 0.0),
    (lambda x: tx.absolute_error(x, 2.0), 2.0, 0.0), (lambda x: tx.sqrt(x * x), 0.0, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("f", "x", "slope"), AT_A_KINK)
def test_the_chosen_subgradient(f: Any, x: float, slope: float) -> None:
    for point in (x, np.array(x), np.array([x])):
        assert_close(tx.elementwise_grad(f)(point), np.full(np.shape(point), slope))
        assert np.isfinite(tx.elementwise_grad(tx.elementwise_grad(f))(point)).all()


@pytest.mark.parametrize("k", [0, 1, 2, 3, 0.5, 1.5, 2.5])
def test_powers_at_zero_are_the_same_for_every_kind_of_exponent(k: float) -> None:
    x = np.array([0.0, 2.0])
    expected = [1.0 if k == 1 else 0.0, k * 2.0 ** (k - 1)]
    for y in (k, np.array(k), np.full(2, k), tx.tensor(k), tx.tensor(np.full(2, float(k)))):
        slope = tx.elementwise_grad(lambda x, y=y: x**y)
        assert_close(slope(x), expected)
        assert np.isfinite(tx.elementwise_grad(slope)(x)).all()
    assert_close(tx.grad(lambda y: tx.sum(x**y))(float(k) + 1), 2.0 ** (k + 1) * np.log(2))


def test_ties_share_equally() -> None:
    assert_close(tx.grad(tx.max)([1.0, 3.0, 3.0, 3.0]), [0, 1 / 3, 1 / 3, 1 / 3])
    x = np.array([[1.0, 1.0], [2.0, 0.0]])
    assert_close(tx.grad(lambda x: tx.sum(tx.max(x, axis=1)))(x), [[0.5, 0.5], [1.0, 0.0]])
    assert_close(tx.grad(lambda x: tx.sum(tx.min(x, axis=0)))(x), [[1.0, 0.0], [0.0, 1.0]])
    a, b = tx.grad(lambda x, y: tx.sum(tx.maximum(x, y)), (0, 1))(np.ones(2), np.array([1.0, 0.0]))
    assert_close(a, [0.5, 1.0])
    assert_close(b, [0.5, 0.0])


NORMS = [
    tx.norm, lambda x: tx.norm(x, 1), lambda x: tx.norm(x, np.inf), tx.std,
    lambda x: tx.sqrt(tx.sum(x * x)), np.linalg.norm,
]  # fmt: skip


@pytest.mark.parametrize("f", NORMS)
def test_norms_and_deviations_have_gradient_zero_where_they_vanish(f: Any) -> None:
    for value in (0.0, 0.1) if f is tx.std else (0.0,):
        x = np.full(3, value)
        assert_close(tx.grad(f)(x), np.zeros(3), tolerance=1e-8)
        assert np.isfinite(tx.hessian(f)(x)).all()


UNTAKEN: dict[str, Callable[[Any], Any]] = {
    "sqrt": tx.sqrt,
    "log": tx.log,
    "division": lambda x: 1 / x,
    "division of itself": lambda x: x / x,
    "power": lambda x: x**-0.5,
    "power of itself": lambda x: x**x,
    "log of log": lambda x: tx.log(1 + tx.log(x)),
    "norm": lambda x: tx.sqrt(tx.sum(x * x, axis=0, keepdims=True)) * tx.log(x),
    "log of a quotient": lambda x: tx.log((1 / x) / x),
    "arctanh": lambda x: tx.log((1 + x) / x),
}


CHOICES = [(name, choose) for name in UNTAKEN for choose in ("where", "index")]
CHOICES += [("log", "maximum"), ("sqrt", "maximum")]  # maximum(nan, 0) is nan


@pytest.mark.parametrize(("name", "choose"), CHOICES)
def test_the_branch_not_taken_never_poisons(name: str, choose: str) -> None:
    """First and second order at 0, where each of these has an infinite slope or no value."""
    f, x = UNTAKEN[name], np.array([0.0, 0.5, 2.0])

    def loss(x: Any) -> Any:
        if choose == "where":
            return tx.sum(tx.where(x > 0, f(x), x * x))
        if choose == "index":
            return tx.sum(f(x)[x > 0])
        return tx.sum(tx.maximum(f(x), -1.5))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's, about the forward value
        slope, curve = tx.grad(loss)(x), tx.hessian(loss)(x)
    assert np.isfinite(slope).all()
    assert np.isfinite(curve).all()
    assert slope[0] == 0.0
    with np.errstate(all="ignore"):
        expected = differences(lambda v: loss(np.append(0.0, v)), x[1:])
    assert_close(slope[1:], expected, tolerance=1e-6)


def test_the_backward_pass_of_an_untaken_branch_is_silent() -> None:
    """Warnings are about values, which the user can see; the walk back adds none of its own."""
    t = tx.tensor([0.0, 4.0])
    with np.errstate(all="ignore"):
        loss = tx.where(t > 0, 1 / t + tx.log(t), 0.0).sum()
    loss.backward()
    assert_close(t.grad, [0.0, 0.25 - 1 / 16])


def test_python_floats_end_where_arrays_do() -> None:
    """At inf or nan, with NumPy's warning; Python's arithmetic would raise or turn complex."""
    for f, x in ((tx.log, 0.0), (lambda x: 1 / x, 0.0), (lambda x: x**-1.5, 0.0), (tx.exp, 1000.0),
                 (lambda x: x**0.5, -4.0), (lambda x: x / (x - x), 1.0), (tx.log1p, -1.0),
                 (lambda x: x**300, 1e10)):  # fmt: skip
        for g in (tx.grad(f), tx.grad(tx.grad(f))):
            with np.errstate(all="ignore"):
                np.testing.assert_array_equal(g(x), g(np.array(x)))


def test_scalars_in_an_untaken_branch() -> None:
    with np.errstate(all="ignore"):
        f = lambda x: tx.where(x > 0, tx.log(x) / x, 2.0 * x)
        assert tx.grad(f)(0.0) == 2.0
        assert tx.grad(tx.grad(f))(0.0) == 0.0


def test_zero_log_zero_is_zero() -> None:
    p, q = np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.5, 0.5])
    for loss in (tx.cross_entropy, tx.kl_divergence):
        assert_close(loss(p, q), np.log(2.0))
        slopes = tx.grad(loss, (0, 1))(p, q)
        assert np.isfinite(slopes).all()
        assert_close(slopes[1], [0.0, 0.0, -2.0])
        assert np.isfinite(tx.hessian(loss, 1)(p, q)).all()
    y, a = np.array([0.0, 1.0, 0.0]), np.array([0.0, 1.0, 0.5])
    assert_close(tx.binary_cross_entropy(y, a), [0.0, 0.0, np.log(2.0)])
    slope = tx.elementwise_grad(tx.binary_cross_entropy, 1)(y, a)
    assert_close(slope, [1.0, -1.0, 2.0])


def test_a_likely_event_that_was_ruled_out_costs_infinity() -> None:
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert tx.cross_entropy(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == np.inf


# -- losses ---------------------------------------------------------------------------------------


def test_losses_by_their_definitions() -> None:
    q = softmax(Z)
    assert_close(tx.softmax(Z), q)
    assert_close(tx.cross_entropy(P, q), -(P * np.log(q)).sum(-1))
    assert_close(tx.kl_divergence(P, q), (P * np.log(P / q)).sum(-1))
    assert_close(tx.softmax_cross_entropy(Z, P), -(P * np.log(q)).sum(-1))
    assert_close(tx.softmax_cross_entropy(Z, LABELS), -np.log(q[np.arange(4), LABELS]))
    assert_close(tx.softmax_cross_entropy(Z.T, LABELS, axis=0), -np.log(q[np.arange(4), LABELS]))
    assert_close(tx.squared_error(Z, P), (Z - P) ** 2 / 2)
    assert_close(tx.absolute_error(Z, P), np.abs(Z - P))
    s = 1 / (1 + np.exp(-Z))
    expected = -(P * np.log(s) + (1 - P) * np.log(1 - s))
    assert_close(tx.binary_cross_entropy(P, s), expected)
    assert_close(tx.sigmoid_binary_cross_entropy(Z, P), expected)


def test_gradients_by_their_formulas() -> None:
    q, y = softmax(Z), np.eye(3)[LABELS]
    total = lambda loss: lambda z: tx.sum(loss(z))
    assert_close(tx.grad(total(lambda z: tx.softmax_cross_entropy(z, P)))(Z), q - P)
    assert_close(tx.grad(total(lambda z: tx.softmax_cross_entropy(z, LABELS)))(Z), q - y)
    assert_close(tx.grad(total(lambda z: tx.cross_entropy(y, z)))(q), -y / q)
    s = 1 / (1 + np.exp(-Z))
    assert_close(tx.grad(total(lambda z: tx.sigmoid_binary_cross_entropy(z, P)))(Z), s - P)
    assert_close(tx.grad(total(tx.logsumexp))(Z), q)
    jacobian = tx.jacobian(tx.softmax)(Z[0])
    assert_close(jacobian, np.diag(q[0]) - np.outer(q[0], q[0]))


def test_labels_of_any_integer_type_and_shape() -> None:
    expected = tx.softmax_cross_entropy(Z, LABELS)
    for labels in (LABELS.astype(np.uint8), LABELS.tolist(), tx.tensor(LABELS), tuple(LABELS)):
        assert_close(tx.softmax_cross_entropy(Z, labels), expected)
    deep = RNG.normal(size=(2, 5, 4, 3))
    labels = RNG.integers(0, 5, size=(2, 4, 3))
    onehot = np.moveaxis(np.eye(5)[labels], -1, 1)
    by_label = lambda z: tx.softmax_cross_entropy(z, labels, axis=1)
    by_row = lambda z: tx.softmax_cross_entropy(z, onehot, axis=1)
    assert_close(by_label(deep), by_row(deep))
    g = [tx.grad(lambda z, f=f: tx.sum(f(z)))(deep) for f in (by_label, by_row)]
    assert_close(g[0], g[1], tolerance=1e-13)
    assert_close(tx.one_hot([[0, 2]], 3), [[[1, 0, 0], [0, 0, 1]]])
    assert tx.one_hot([], 3).shape == (0, 3)
    assert tx.one_hot(1, 2, dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize("kind", [list, np.int64, bool, np.float32])
def test_distributions_of_any_type(kind: Any) -> None:
    rows = [[0, 1, 0], [1, 0, 0]]
    targets = rows if kind is list else np.array(rows, kind)
    z = np.array([[0.5, 1.0, -1.0], [0.0, 0.0, 2.0]], np.float32)
    found = tx.softmax_cross_entropy(z, targets)
    np.testing.assert_array_equal(found, tx.softmax_cross_entropy(z, [1, 0]))
    assert found.dtype == np.float32


def test_lists_are_welcome() -> None:
    assert_close(tx.softmax([0.2, 5.0, 0.3]), [0.00808959, 0.98297002, 0.00894038])
    assert_close(tx.cross_entropy([0, 1], [0.5, 0.5]), np.log(2))
    assert_close(tx.squared_error([3, 1], [1, 1]), [2.0, 0.0])
    assert_close(tx.norm([3, 4]), 5.0)
    assert_close(tx.grad(tx.softmax_cross_entropy)([0.0, 0.0], 1), [0.5, -0.5])


def test_targets_may_be_tensors_too() -> None:
    y, a = tx.tensor([0.0, 1.0]), tx.tensor([0.25, 0.5])
    assert_close(tx.binary_cross_entropy(y, a).value, -np.log([0.75, 0.5]))
