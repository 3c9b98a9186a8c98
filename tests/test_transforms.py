"""grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp: containers, nesting, confusion."""

from __future__ import annotations

from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest
import sympy
from oracle import assert_close, differences

import tinygrad_xent as tx
from tinygrad_xent.graph import Tensor

X = np.array([0.3, -1.2, 0.7])


def f(x: Any) -> Any:
    """Every second derivative differs from 0."""
    return tx.sum(tx.sin(x) * tx.exp(x)) * tx.sum(x * x)


# -- values against independent ones --------------------------------------------------------------


def test_first_and_second_derivatives_by_differences() -> None:
    assert_close(tx.grad(f)(X), differences(f, X))
    slope = tx.grad(f)
    assert_close(tx.hessian(f)(X), differences(slope, X))
    v = np.array([1.0, 2.0, -0.5])
    assert_close(tx.hvp(f)(X, v), tx.hessian(f)(X) @ v, tolerance=1e-13)
    assert_close(tx.jacobian(slope)(X), tx.hessian(f)(X), tolerance=1e-15)


EXPRESSIONS = {
    "x**3 * exp(2*x)": lambda x: x**3 * tx.exp(2 * x),
    "sin(x) / (1 + x**2)": lambda x: tx.sin(x) / (1 + x**2),
    "tanh(x) * log(1 + x)": lambda x: tx.tanh(x) * tx.log(1 + x),
    "sqrt(x) * cos(x**2)": lambda x: tx.sqrt(x) * tx.cos(x**2),
    "x**x": lambda x: x**x,
    "1 / (1 + exp(-x))": tx.sigmoid,
    "log(1 + exp(x))": tx.softplus,
    "2**x - x**0.5": lambda x: 2**x - x**0.5,
    "(exp(x) - 1) * log(1 + x)": lambda x: tx.expm1(x) * tx.log1p(x),
}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_derivatives_to_fourth_order_agree_with_sympy(text: str) -> None:
    symbol = sympy.Symbol("x", positive=True)
    expected, points = sympy.sympify(text, locals={"x": symbol}), [0.5, 0.75, 1.5]
    of_numbers = of_arrays = EXPRESSIONS[text]
    for _ in range(4):
        expected = sympy.diff(expected, symbol)
        of_numbers, of_arrays = tx.grad(of_numbers), tx.elementwise_grad(of_arrays)
        values = [float(expected.evalf(30, subs={symbol: sympy.Rational(x)})) for x in points]
        assert_close([of_numbers(x) for x in points], values, tolerance=1e-11)
        assert_close(of_arrays(np.array(points)), values, tolerance=1e-11)


def test_third_derivatives_agree_with_mpmath() -> None:
    third = tx.grad(tx.grad(tx.grad(lambda x: tx.exp(tx.sin(x)) / x)))
    expected = mpmath.diff(lambda x: mpmath.exp(mpmath.sin(x)) / x, 1.3, 3)
    assert third(1.3) == pytest.approx(float(expected), rel=1e-10)


def test_elementwise_grad_to_third_order() -> None:
    g: Any = tx.tanh
    x = np.linspace(-2, 2, 7)
    t = np.tanh(x)
    s = 1 - t * t
    for expected in (s, -2 * t * s, s * (6 * t * t - 2)):
        g = tx.elementwise_grad(g)
        assert_close(g(x), expected, tolerance=1e-13)


# -- perturbation confusion -----------------------------------------------------------------------


def test_the_classic_confusion() -> None:
    """d/dx (x * d/dy (x + y)) is 1; it is 2 where the two perturbations are taken for one."""
    assert tx.grad(lambda x: x * tx.grad(lambda y: x + y)(2.0))(1.0) == 1.0
    assert tx.grad(lambda x: x * tx.grad(lambda y: x * y)(2.0))(3.0) == 6.0
    assert tx.grad(lambda x: x * tx.grad(lambda y: x + y)(x))(1.0) == 1.0
    assert tx.grad(lambda x: tx.grad(lambda y: x * y * y)(x))(3.0) == 12.0
    assert tx.grad(lambda x: tx.grad(lambda x: x * x * x)(x) * x)(2.0) == 36.0


def test_confusion_across_forward_and_reverse() -> None:
    inner = lambda x: tx.jvp(lambda y: x * y, (2.0,), (1.0,))[1]
    assert tx.grad(lambda x: x * inner(x))(3.0) == 6.0
    assert tx.jvp(lambda x: x * tx.grad(lambda y: x + y)(2.0), (1.0,), (1.0,))[1] == 1.0
    nested = lambda x: x * tx.jvp(lambda y: x + y, (1.0,), (1.0,))[1]
    assert tx.jvp(nested, (1.0,), (1.0,)) == (1.0, 1.0)


def test_forward_and_reverse_nest_in_any_order() -> None:
    v = np.array([1.0, 2.0, -0.5])
    forward = lambda g: lambda x: tx.jvp(g, (x,), (v,))[1]
    expected = tx.hessian(f)(X) @ v
    assert_close(forward(tx.grad(f))(X), expected, tolerance=1e-12)
    assert_close(tx.grad(forward(f))(X), expected, tolerance=1e-12)
    assert_close(forward(forward(f))(X), v @ expected, tolerance=1e-12)
    assert_close(tx.grad(lambda x: tx.sum(tx.grad(f)(x) * v))(X), expected, tolerance=1e-12)
    pull = lambda x: tx.vjp(tx.grad(f), x)[1](v)[0]
    assert_close(pull(X), expected, tolerance=1e-12)
    third = differences(lambda x: tx.hessian(f)(x) @ v @ v, X)
    assert_close(tx.grad(forward(forward(f)))(X), third, tolerance=1e-6)
    assert_close(tx.jacobian(lambda x: tx.hvp(f)(x, v))(X) @ v, third, tolerance=1e-6)


def test_a_jacobian_of_a_jacobian() -> None:
    g = lambda x: tx.softmax(x)
    once = lambda x: tx.jacobian(g)(x)
    assert_close(tx.jacobian(once)(X), differences(once, X))


# -- arguments and results ------------------------------------------------------------------------


class Layer(NamedTuple):
    w: Any
    b: Any


def model(params: Any, x: Any) -> Any:
    first, second = params["layers"]
    return tx.sum(tx.tanh(tx.tanh(x @ first.w + first.b) @ second[0] + second[1]) * params["scale"])


def parameters() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    first = Layer(rng.normal(size=(3, 4)), rng.normal(size=4))
    return {"layers": [first, (rng.normal(size=(4, 2)), 0.5)], "scale": [1.0, 2.0]}


def test_gradients_come_back_in_the_containers_of_the_arguments() -> None:
    params, x = parameters(), np.ones((5, 3))
    value, slopes = tx.value_and_grad(model)(params, x)
    assert isinstance(value, float)
    assert isinstance(slopes["layers"][0], Layer)
    w, v = slopes["layers"][0].w, slopes["layers"][1][0]
    assert (w.shape, v.shape, np.shape(slopes["layers"][1][1])) == ((3, 4), (4, 2), ())
    assert slopes["scale"].shape == (2,)

    def at(w: Any) -> Any:
        first, second = params["layers"]
        return model({**params, "layers": [Layer(w, first.b), second]}, x)

    assert_close(w, differences(at, params["layers"][0].w))


def test_argnums() -> None:
    g = lambda x, y, z: tx.sum(x * y**2) + z
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert_close(tx.grad(g, 1)(x, y, 1.0), 2 * x * y)
    assert_close(tx.grad(g, -1)(x, y, 1.0), 1.0)
    both = tx.grad(g, (1, 0))(x, y, 1.0)
    assert isinstance(both, tuple)
    assert_close(both[0], 2 * x * y)
    assert_close(both[1], y**2)
    assert isinstance(tx.grad(g, (0,))(x, y, 1.0), tuple)
    assert_close(tx.jacobian(lambda x, y: x * y, (0, 1))(x, y)[1], np.diag(x))
    assert_close(tx.hessian(lambda x, y: tx.sum(x * y**2), 1)(x, y), np.diag(2 * x))
    assert_close(tx.hvp(lambda x, y: tx.sum(x * y**2), 1)(x, y, [1.0, 1.0]), 2 * x)


def test_keyword_arguments_pass_through() -> None:
    g = lambda x, scale=1.0: tx.sum(x * x) * scale
    assert_close(tx.grad(g)(X, scale=3.0), 6 * X)
    assert_close(tx.hessian(g)(X, scale=3.0), 6 * np.eye(3))
    assert_close(tx.hvp(g)(X, X, scale=3.0), 6 * X)


def test_jacobian_hessian_and_hvp_in_containers() -> None:
    g = lambda p: tx.sum(p["a"] ** 2) * p["b"]
    point = {"a": np.array([1.0, 2.0]), "b": 3.0}
    h = tx.hessian(g)(point)
    assert_close(h["a"]["a"], 6 * np.eye(2))
    assert_close(h["a"]["b"], 2 * point["a"])
    assert_close(h["b"]["a"], 2 * point["a"])
    assert h["b"]["b"] == 0.0
    j = tx.jacobian(lambda p: (p["a"] * p["b"], p["b"]))(point)
    assert_close(j[0]["a"], 3 * np.eye(2))
    assert_close(j[0]["b"], point["a"])
    assert_close(j[1]["a"], [0.0, 0.0])
    v = {"a": np.array([1.0, -1.0]), "b": 2.0}
    product = tx.hvp(g)(point, v)
    assert_close(product["a"], 6 * v["a"] + 2 * point["a"] * 2.0)
    assert_close(product["b"], 2 * point["a"] @ v["a"])


def test_vjp_and_jvp_in_containers() -> None:
    g = lambda p, s: p["a"] * p["b"] * s
    point = {"a": np.array([1.0, 2.0]), "b": np.array([3.0, 4.0])}
    out, pull = tx.vjp(g, point, 2.0)
    assert_close(out, [6.0, 16.0])
    for _ in range(2):  # may be called again
        first, second = pull(np.array([1.0, 10.0]))
        assert_close(first["a"], [6.0, 80.0])
        assert_close(first["b"], [2.0, 40.0])
        assert_close(second, 83.0)
    tangents = {"a": np.array([1.0, 0.0]), "b": np.array([0.0, 1.0])}
    out, tangent = tx.jvp(g, (point, 2.0), (tangents, 1.0))
    assert_close(tangent, [3.0 * 2 + 3, 2.0 * 2 + 8])


def test_jvp_is_the_transpose_of_vjp() -> None:
    rng = np.random.default_rng(0)
    w = rng.normal(size=(3, 2))
    g = lambda x: tx.softmax(tx.tanh(x @ w) * x[..., :2])
    x, t = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    out, pull = tx.vjp(g, x)
    v = rng.normal(size=out.shape)
    assert np.sum(v * tx.jvp(g, (x,), (t,))[1]) == pytest.approx(np.sum(pull(v)[0] * t), rel=1e-12)


def test_numbers_in_numbers_out_arrays_in_arrays_out() -> None:
    square = lambda x: x * x
    assert type(tx.grad(square)(3)) is float
    assert type(tx.value_and_grad(square)(3.0)[0]) is float
    assert type(tx.grad(tx.grad(square))(3.0)) is float
    assert tx.hessian(square)(3.0) == 2.0
    assert type(tx.grad(f)(X)) is np.ndarray
    assert tx.grad(f)([0.3, -1.2, 0.7]).shape == (3,)
    assert tx.grad(lambda x: tx.sum(x * x))(X.astype(np.float32)).dtype == np.float32
    assert tx.hessian(lambda x: tx.sum(x**3))(X.astype(np.float32)).dtype == np.float32
    assert tx.jvp(square, (np.float32(2),), (np.float32(1),))[1].dtype == np.float32
    assert tx.grad(lambda x: x[0])(np.array([1.0])).shape == (1,)


def test_constants_have_zero_derivatives() -> None:
    linear, constant = (lambda x: tx.sum(x * np.ones(3))), (lambda x: 3.0)
    assert_close(tx.grad(constant)(X), np.zeros(3))
    assert_close(tx.hessian(linear)(X), np.zeros((3, 3)))
    assert_close(tx.hessian(constant)(X), np.zeros((3, 3)))
    assert_close(tx.hvp(linear)(X, X), np.zeros(3))
    assert_close(tx.jacobian(lambda x: np.ones(2))(X), np.zeros((2, 3)))
    assert tx.jvp(constant, (1.0,), (1.0,)) == (3.0, 0.0)
    assert tx.vjp(constant, 1.0)[1](1.0) == (0.0,)
    assert tx.grad(tx.grad(lambda x: 2.0 * x))(1.0) == 0.0
    assert_close(tx.jvp(tx.stop_gradient, (X,), (X,))[1], np.zeros(3))


def test_a_pole_in_one_entry_stays_in_its_row_of_the_jacobian() -> None:
    x = np.array([0.0, 4.0])
    with np.errstate(divide="ignore"):
        assert_close(tx.jacobian(lambda x: 1 / x)(x)[1], [0.0, -1 / 16])
        assert_close(tx.jacobian(lambda x: tx.log(x) * 2)(x)[1], [0.0, 0.5])
        t = tx.tensor(x)
        tx.log(t).backward([0.0, 1.0])
    assert_close(t.grad, [0.0, 0.25])


def test_empty_arrays() -> None:
    empty = np.zeros((0, 3))
    assert tx.grad(tx.sum)(empty).shape == (0, 3)
    assert tx.jacobian(lambda x: x * 2)(empty).shape == (0, 3, 0, 3)
    assert tx.jacobian(tx.sum)(empty).shape == (0, 3)


# -- Tensors in, closures, ownership --------------------------------------------------------------


def test_a_tensor_argument_asks_for_a_recorded_result() -> None:
    x = tx.tensor(X)
    slope = tx.grad(f)(x)
    assert isinstance(slope, Tensor)
    slope.sum().backward()
    assert_close(x.grad, tx.hessian(f)(X).sum(0), tolerance=1e-12)
    for out in (tx.grad(lambda x: tx.sum(x * 2.0))(x), tx.hessian(lambda x: tx.sum(x))(x)):
        assert isinstance(out, Tensor)
    assert isinstance(tx.jvp(tx.sin, (x,), (X,))[1], Tensor)
    assert isinstance(tx.vjp(tx.sin, x)[0], Tensor)
    assert isinstance(tx.vjp(tx.sin, X)[1](tx.tensor(X))[0], Tensor)


def test_functions_may_close_over_tensors() -> None:
    w = tx.tensor(X)
    g = lambda x: tx.sum(w * x * x)
    assert type(tx.grad(g)(X)) is np.ndarray
    assert_close(tx.grad(g)(X), 2 * X * X)
    outer = tx.grad(lambda w: tx.sum(tx.grad(lambda x: tx.sum(w * x * x))(X)))
    assert_close(outer(X), 2 * X)


def test_backward_inside_and_outside_do_not_disturb_each_other() -> None:
    w = tx.tensor(2.0)
    loss = w * tx.grad(lambda x: x * x * 3.0)(5.0)
    loss.backward()
    assert w.grad == 30.0


def test_results_are_the_callers_own() -> None:
    """Writable, sharing memory with nothing: neither each other, the arguments, nor the graph."""
    x, y, v = np.ones(3), np.ones(3), np.ones(3)
    a, b = tx.grad(lambda x, y: tx.sum(x + y), (0, 1))(x, y)
    out, pull = tx.vjp(lambda x: x, x)
    (c,), (d,) = pull(v), pull(v)
    _, t = tx.jvp(lambda x: x, (x,), (v,))
    e, f = tx.grad(lambda x, y: tx.sum((x * 2.0)[::-1] + y.reshape(3)), (0, 1))(x, y)
    g = tx.grad(lambda x: tx.sum(tx.reshape(x, (3, 1))))(x)
    large = tx.grad(tx.sum)(np.ones(10_000))
    arrays = [x, y, v, a, b, out, c, d, t, e, f, g, large]
    for i, one in enumerate(arrays):
        assert one.flags.writeable
        assert not any(np.shares_memory(one, other) for other in arrays[:i])
    out[:] = 0.0
    assert_close(pull(v)[0], np.ones(3))


def test_no_grad_inside_a_function_stops_the_gradient_there() -> None:
    def g(x: Any) -> Any:
        with tx.no_grad():
            frozen = x * x
        return frozen * x

    assert tx.grad(g)(3.0) == 9.0
    with tx.no_grad():
        assert tx.grad(lambda x: x * x)(3.0) == 6.0
        assert (tx.tensor(2.0) * 2).op is None
    with pytest.raises(ZeroDivisionError), tx.no_grad():
        raise ZeroDivisionError
    assert (tx.tensor(2.0) * 2).op is not None
