"""The stable form is the same function: each rule, what is taken for known, values, gradients."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compositions import again, assert_equal_up_to_rounding, compositions
from gallery import GALLERY
from hypothesis import given, settings

import tinygrad_xent as tx
from tinygrad_xent.compiling.stabilising import digits, knowing, operations, tidying
from tinygrad_xent.compiling.stabilising.digits import keeping_digits
from tinygrad_xent.compiling.stabilising.interning import Interner
from tinygrad_xent.compiling.stabilising.stable import Stable
from tinygrad_xent.differentiate import cotangents
from tinygrad_xent.graph import Tensor, dtype_of, op_name, shape_of, toposort

A = np.array([[1.5, -2.0, 0.0], [-0.0, 3.25, -1e300]])
B = np.array([[0.0, 4.0, -1.0], [2.5, -0.0, 1e-300]])
ROWS = np.arange(2)


@pytest.fixture(autouse=True)
def _quietly() -> Any:
    with np.errstate(all="ignore"):
        yield


def value(x: Any) -> Any:
    return x._value if isinstance(x, Tensor) else x


def slopes(out: Any, inputs: list[Tensor]) -> list[Any]:
    """The gradient of a sum of a graph, as graphs."""
    if not isinstance(out, Tensor):
        return [Tensor(np.zeros(x.shape)) for x in inputs]
    total = tx.sum(out)
    found = cotangents(total, tx.tensor(1.0), tuple(inputs), record=True)
    return [found[x] if isinstance(found.get(x), Tensor) else Tensor(np.zeros(x.shape))
            for x in inputs]  # fmt: skip


# -- plain simplifications ------------------------------------------------------------------------

TIDY: dict[str, list[Callable[[Any, Any], Any]]] = {
    "add": [lambda x, y: x + 0.0, lambda x, y: 0.0 + x, lambda x, y: x + -y, lambda x, y: -x + y],
    "sub": [lambda x, y: x - 0.0, lambda x, y: 0.0 - x, lambda x, y: x - -y],
    "mul": [lambda x, y: x * 1.0, lambda x, y: 1.0 * x, lambda x, y: x * -1.0, lambda x, y: -x * y,
            lambda x, y: x * -y, lambda x, y: 2.0 * (0.25 * x)],
    "div": [lambda x, y: x / 1.0, lambda x, y: -x / y, lambda x, y: x / -y],
    "neg": [lambda x, y: -(2.0 * x), lambda x, y: -(x - y),
            lambda x, y: -tx.graph.PRIMITIVES["neg"](x)],
    "power": [lambda x, y: x**1.0, lambda x, y: x**2.0],
    "where": [lambda x, y: tx.where(True, x, y), lambda x, y: tx.where(False, x, y),
              lambda x, y: tx.where(x == 0, 0.0, x * tx.tanh(y)),
              lambda x, y: tx.where(x == 0, 0.0, tx.tanh(y) * -x / (1.0 + y * y)),
              lambda x, y: tx.where(x > y, x, x)],
    "expand_dims": [lambda x, y: tx.expand_dims(tx.squeeze(x[:, :1], 1), 1)],
    "squeeze": [lambda x, y: tx.squeeze(tx.expand_dims(x, 1), 1), lambda x, y: tx.squeeze(x, ())],
    "reshape": [lambda x, y: x.reshape(2, 3), lambda x, y: x.reshape(6).reshape(3, 2)],
    "broadcast_to": [lambda x, y: tx.broadcast_to(x, (2, 3)),
                     lambda x, y: tx.broadcast_to(tx.broadcast_to(x[:1], (1, 3)), (2, 3))],
    "transpose": [lambda x, y: tx.transpose(x, (0, 1)), lambda x, y: x.T.T],
    "getitem": [lambda x, y: x[:], lambda x, y: x[:, None], lambda x, y: (x * y)[ROWS, [2, 0]],
                lambda x, y: x[:, :1][ROWS, 0],
                lambda x, y: tx.broadcast_to(y[:, :1], (2, 3))[ROWS, [1, 0]],
                lambda x, y: (x - tx.max(x, axis=1, keepdims=True))[ROWS, [1, 2]]],
    "astype": [lambda x, y: x.astype(x.dtype.name)],
    "sum": [lambda x, y: tx.sum(x, axis=()),
            lambda x, y: tx.sum(_scattered(x), axis=1),
            lambda x, y: tx.sum(_scattered(x, True), axis=0),
            lambda x, y: tx.sum(_scattered(x), axis=1, keepdims=True)],
}  # fmt: skip


def _scattered(x: Any, turned: bool = False) -> Any:
    """Two entries in the places (0, 2) and (1, 0), as the gradient of an index makes them."""
    scatter, index = tx.graph.PRIMITIVES["scatter"], (("array", 0), ("array", 1))
    rows, columns = (np.array([2, 0]), ROWS) if turned else (ROWS, np.array([2, 0]))
    return scatter(x[:, 0], rows, columns, index=index, shape=(3, 2) if turned else (2, 3))


def assert_identical(got: Any, expected: Any) -> None:
    """Bit for bit, but for the sign of a zero."""
    assert shape_of(got) == shape_of(expected)
    assert dtype_of(got) == dtype_of(expected)
    np.testing.assert_array_equal(value(got), value(expected))


def fired(monkeypatch: Any, name: str) -> list[Any]:
    """What the rule of an operation has come to, each time that it did."""
    rule, found = tidying._RULES[name], []

    def noted(*args: Any, **params: Any) -> Any:
        result = rule(*args, **params)
        if result is not None:
            found.append(result)
        return result

    monkeypatch.setitem(tidying._RULES, name, noted)
    return found


def test_each_tidying_rule_is_tried() -> None:
    assert set(TIDY) == set(tidying._RULES)


@pytest.mark.parametrize("name", TIDY)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_tidying_changes_no_number(name: str, dtype: Any, monkeypatch: Any) -> None:
    for f in TIDY[name]:
        found = fired(monkeypatch, name)
        for a, b in ((A, B), (B, A), (np.abs(A), -np.abs(B)), (np.full_like(A, np.inf), B)):
            if name == "where" and not np.isfinite(a).all():
                continue  # what is taken to be finite is said where it is
            x, y = Tensor(a.astype(dtype)), Tensor(b.astype(dtype))
            graph = f(x, y)
            for final in (False, True):
                (got,) = again([Interner(final)(graph)], [x, y], dtype)
                assert_identical(got, graph)
        assert found, f"the rule did not apply to number {TIDY[name].index(f)}"


@pytest.mark.parametrize("name", ["add", "mul", "neg", "where", "getitem", "transpose"])
def test_wrong_tidying_is_found(name: str, monkeypatch: Any) -> None:
    rule = tidying._RULES[name]

    def wrong(make: Any, *args: Any, **params: Any) -> Any:
        result = rule(make, *args, **params)
        return result if result is None else make("add", result, 1.0)

    monkeypatch.setitem(tidying._RULES, name, wrong)
    with pytest.raises(AssertionError):
        test_tidying_changes_no_number(name, np.float64, monkeypatch)


def test_choices_that_are_not_finite_stay() -> None:
    x, y = Tensor(np.array([0.0, 1.0])), Tensor(np.array([0.0, 2.0]))
    for f in (lambda x, y: x / y, lambda x, y: x * tx.exp(y), lambda x, y: x * tx.log(y),
              lambda x, y: x * y**-1.0, lambda x, y: y + 0.0):  # fmt: skip
        graph = tx.where(x == 0, 0.0, f(x, y))
        assert op_name(Interner()(graph)) == "where"


def test_equal_nodes_become_one_and_different_ones_do_not() -> None:
    x, y = tx.tensor(A), tx.tensor(B)
    same = Interner()(tx.exp(x * y) / (1 + tx.exp(x * y)))
    assert same.args[0] is same.args[1].args[1]
    makers: list[Any] = [
        lambda: tx.sum(x, axis=0), lambda: tx.sum(x, axis=1), lambda: x + np.arange(3.0),
        lambda: x + np.arange(3), lambda: x + np.arange(1.0, 4.0), lambda: x + 1, lambda: x + True,
        lambda: x + 1.5, lambda: x + np.float32(1.5), lambda: x.T, lambda: x[0], lambda: x[1],
        lambda: x[ROWS], lambda: x[ROWS[::-1]], lambda: x - y, lambda: y - x, lambda: x / y,
    ]  # fmt: skip
    intern = Interner()
    nodes = [intern(make()) for make in makers]
    assert len({id(n) for n in nodes}) == len(nodes)
    assert [id(intern(make())) for make in makers] == [id(n) for n in nodes]
    for node, make in zip(nodes, makers, strict=True):
        assert_identical(node, make())


# -- what is known --------------------------------------------------------------------------------

CLAIMS: dict[str, Callable[[Any], Any]] = {
    "is_positive": lambda v: ~(v < 0),
    "is_nonnegative": lambda v: ~(v < 0),
    "is_nonpositive": lambda v: ~(v > 0),
    "is_finite": np.isfinite,
    "is_at_least_one": lambda v: ~(v < 1 - 1e-12),
}


def assert_known(graph: Any) -> None:
    """What is said of the nodes of a graph is so."""
    for node in toposort(graph):
        for name, holds in CLAIMS.items():
            if not getattr(knowing, name)(node) or (name == "is_finite" and overflows(node)):
                continue
            assert np.all(holds(node._value)), f"{name} of {node}"


def overflows(node: Tensor) -> bool:
    """Whether it is, or is made of, a sum or product, which may overflow."""
    inner = [a for a in node.args if isinstance(a, Tensor)]
    return op_name(node) in ("mul", "add", "sub", "sum", "matmul", "power") or not all(
        np.isfinite(a._value).all() for a in inner
    )


def knowable(x: Any) -> Any:
    """Something of which something may be known."""
    e, m = tx.exp(x), tx.max(x, keepdims=True)
    s = tx.sum(tx.exp(x - m))
    return [e, -e, abs(x), -abs(x), x * x, x - m, m - x, tx.exp(x - m), s, x / s, tx.log(s),
            1 + e, e / (1 + e), tx.log1p(e), tx.where(x > 0, -x, x), tx.where(x > 0, e, 0.5),
            tx.sqrt(x * x), tx.sin(x) / (1 + x * x), tx.exp(tx.where(x > 0, -x, x)), x**2,
            tx.max(e) - e, 1 + -e, 2 - x, tx.sum(-e), tx.sum(x * x - x), x**3, 1 - e,
            m * s]  # fmt: skip


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0])
def test_what_is_said_to_be_known_holds(scale: float) -> None:
    x = tx.tensor(np.array([-1.0, 0.5, 0.0, 1.0]) * scale)
    said = dict.fromkeys(CLAIMS, 0)
    for a in knowable(x):
        for graph in (a, -a, a * a, a + 1, 1 + a, tx.exp(-a), tx.sum(a), tx.log(a), 1 / a):
            assert_known(graph)
            for name in CLAIMS:
                said[name] += getattr(knowing, name)(Interner()(graph))
    assert all(said.values())


@given(c=compositions())
@settings(max_examples=100, deadline=None)
def test_what_is_said_of_random_graphs_holds(c: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_known(c[1])
        stable = Stable(Interner())(c[1])
        if isinstance(stable, Tensor):
            assert_known(stable)


def test_wrong_knowledge_is_found(monkeypatch: Any) -> None:
    monkeypatch.setattr(knowing, "_KEEP_SIGNS", frozenset({"add", "mul", "div", "sub"}))
    with pytest.raises(AssertionError):
        test_what_is_said_to_be_known_holds(1.0)


# -- the same function ----------------------------------------------------------------------------


def assert_stable_is_equal(inputs: list[Tensor], graph: Tensor) -> None:
    """The stable graph, its gradient, and both in the form that keeps digits."""
    assert_equal_up_to_rounding(again([Interner()(graph)], inputs, np.float64), [graph], inputs)
    stable = Stable(Interner())(graph)
    assert_equal_up_to_rounding(again([stable], inputs, np.float64), [graph], inputs)
    by_itself, by_stable = slopes(graph, inputs), slopes(stable, inputs)
    assert_equal_up_to_rounding(again(by_stable, inputs, np.float64), by_itself, inputs)
    twice = Stable(Interner())
    final = keeping_digits([stable, *map(twice, by_stable)])
    assert_equal_up_to_rounding(again(final, inputs, np.float64), [graph, *by_itself], inputs)


@given(c=compositions())
@settings(max_examples=150, deadline=None)
def test_random_compositions(c: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_stable_is_equal(*c)


@pytest.mark.parametrize("name", GALLERY)
def test_losses(name: str) -> None:
    loss, _, _ = GALLERY[name][0]()
    assert_stable_is_equal([n for n in toposort(loss) if n.op is None], loss)


def softmax(z: Any, axis: int = -1) -> Any:
    e = tx.exp(z)
    return e / tx.sum(e, axis=axis, keepdims=True)


def normalised(z: Any) -> Any:
    d = z - tx.mean(z, axis=1, keepdims=True)
    return d / tx.sqrt(tx.mean(d * d, axis=1, keepdims=True) + 0.1)


SHARES: dict[str, Callable[[Any, Any], Any]] = {
    "cross-entropy": lambda z, p: -tx.sum(p * tx.log(softmax(z))),
    "along the first axis": lambda z, p: -tx.sum(p * tx.log(softmax(z, 0))),
    "labels": lambda z, p: -tx.sum(tx.log(softmax(z)[np.arange(2), [2, 0]])),
    "labels of log": lambda z, p: -tx.sum(tx.log(softmax(z))[np.arange(2), [2, 0]]),
    "labels by hand": lambda z, p: tx.sum(tx.log(tx.sum(tx.exp(z), axis=1)) - z[ROWS, [1, 1]]),
    "weighted labels": lambda z, p: -tx.sum(p[:, 0] * tx.log(softmax(z)[ROWS, [1, 0]])),
    "squared error": lambda z, p: tx.sum((softmax(z) - p) ** 2),
    "labels, of rows with a bias": lambda z, p: -tx.sum(tx.log(softmax(z + p[0])[ROWS, [2, 0]])),
    "half of it": lambda z, p: tx.sum((softmax(z) - p) ** 2) / 2,
    "focal": lambda z, p: -tx.sum((1 - softmax(z)) ** 2 * p * tx.log(softmax(z))),
    "complement": lambda z, p: -tx.sum(p * tx.log(1 - softmax(z))),
    "sigmoids and more": lambda z, p: tx.sum((1 / (1 + tx.exp(-z)) - p) ** 2),
    "entropy": lambda z, p: -tx.sum(softmax(z) * tx.log(softmax(z))),
    "of a row": lambda z, p: -tx.log(softmax(z[0])[1]) - tx.log(1 - softmax(z[1])[0]),
    "mean removed": lambda z, p: tx.sum((z - tx.mean(z, axis=1, keepdims=True)) ** 2 * p),
    "sigmoids": lambda z, p: -tx.sum(p * tx.log(1 / (1 + tx.exp(-z)))
                                     + (1 - p) * tx.log(1 - 1 / (1 + tx.exp(-z)))),
    "normalised": lambda z, p: tx.sum(p * normalised(z)),
    "squared sigmoids": lambda z, p: tx.sum((1 / (1 + tx.exp(-z)) - p) ** 2),
    "tanh": lambda z, p: tx.sum(p * tx.tanh(z) ** 2),
    "expected value": lambda z, p: tx.sum(tx.sum(p * softmax(z), axis=1) ** 2),
    "mean": lambda z, p: tx.sum(p * softmax(z)),
    "square of a mean": lambda z, p: tx.sum(tx.sum(p * softmax(z), axis=1) ** 3 * p[:, 0]),
    "log of one and more": lambda z, p: tx.sum(tx.log(1 + tx.exp(z)) * tx.log(1 - tx.exp(-z * z))),
}  # fmt: skip


@pytest.mark.parametrize("name", SHARES)
@pytest.mark.parametrize("scale", [0.0, 1.0, 5.0])
def test_shares_and_parts(name: str, scale: float) -> None:
    rng = np.random.default_rng(3)
    z = tx.tensor(rng.normal(size=(2, 3)) * scale + (name.startswith("log of") * 0.1))
    p = tx.tensor(rng.dirichlet(np.ones(3), 2))
    assert_stable_is_equal([z, p], SHARES[name](z, p))


@pytest.mark.parametrize("name", SHARES)
def test_compiled_with_the_targets_given(name: str) -> None:
    rng = np.random.default_rng(3)
    z, p = rng.normal(size=(2, 3)), rng.dirichlet(np.ones(3), 2)
    f = tx.value_and_grad(SHARES[name])
    for found, expected in zip(tx.compile(f, backend="numpy")(z, p), f(z, p), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["cross-entropy", "labels", "squared error", "sigmoids"])
def test_second_derivatives(name: str) -> None:
    rng = np.random.default_rng(3)
    z, v = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    p = rng.dirichlet(np.ones(3), 2)
    f = lambda z: SHARES[name](z, p)
    for transform in (tx.hessian(f), lambda z: tx.hvp(f)(z, v)):
        np.testing.assert_allclose(
            tx.compile(transform, backend="numpy")(z), transform(z), rtol=1e-9, atol=1e-12
        )


def test_single_precision_stays() -> None:
    rng = np.random.default_rng(3)
    z, p = (a.astype(np.float32) for a in (rng.normal(size=(2, 3)), rng.dirichlet(np.ones(3), 2)))
    for f in SHARES.values():
        if f is not SHARES["log of one and more"]:
            got = tx.compile(tx.value_and_grad(f, (0, 1)), backend="numpy")(z, p)
            expected = tx.value_and_grad(f, (0, 1))(z.astype(float), p.astype(float))
            assert all(a.dtype == np.float32 for a in (got[0], *got[1]))
            for a, e in zip((got[0], *got[1]), (expected[0], *expected[1]), strict=True):
                if np.isfinite(e).all():
                    np.testing.assert_allclose(a, e, rtol=2e-5, atol=2e-5)


# -- the checks themselves ------------------------------------------------------------------------


def fails() -> bool:
    try:
        for name in SHARES:
            test_shares_and_parts(name, 1.0)
            test_compiled_with_the_targets_given(name)
    except AssertionError:
        return True
    return False


RULES = sorted({rule for rules in digits._RULES.values() for rule in rules}, key=str)


@pytest.mark.parametrize("right", RULES, ids=lambda rule: rule.__name__)
def test_a_wrong_sign_in_a_rule_of_digits_is_found(right: Any, monkeypatch: Any) -> None:
    def wrong(d: Any, node: Tensor) -> Any:
        better = right(d, node)
        return None if better is None else -better

    for name, rules in digits._RULES.items():
        swapped = tuple(wrong if r is right else r for r in rules)
        monkeypatch.setitem(digits._RULES, name, swapped)
    assert fails()


@pytest.mark.parametrize("name", ["sum", "exp", "div", "sub"])
def test_a_wrong_form_is_found(name: str, monkeypatch: Any) -> None:
    right = operations.FORMS[name]

    def wrong(s: Any, node: Tensor) -> Any:
        form = right(s, node)
        return form and form.times(form.without_exponents().__class__((), 2.0), node.shape)

    monkeypatch.setitem(operations.FORMS, name, wrong)
    assert fails()


def test_nothing_is_wrong_as_it_is() -> None:
    assert not fails()


@pytest.mark.parametrize(
    "loss",
    [
        lambda z: tx.mean(tx.exp(z) - 1),
        lambda z: tx.mean(tx.sum(tx.exp(z) - 1 - z, axis=1)),
        lambda z: tx.sum(0.5 * (z + z**2 * tx.exp(-z))) / 7,
    ],
)
def test_division_by_a_number_leaves_exponentials_as_they_are(loss: Any) -> None:
    step = tx.compile(tx.value_and_grad(loss), backend="numpy")
    z = np.array([[0.0, 1.0, -2.0], [0.0, 0.5, 1e-9]])
    value, slope = tx.value_and_grad(loss)(z)
    np.testing.assert_allclose(step(z)[0], value, rtol=1e-9, atol=1e-17)
    np.testing.assert_allclose(step(z)[1], slope, rtol=1e-6)  # at 0 it is not 0
    assert step.source.count("exp(") + step.source.count("expm1(") <= 2


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_weight_of_zero_has_a_slope(dtype: type) -> None:
    """Of log(sum(w*exp(z))) it is exp(z)/sum(w*exp(z)), also where w is 0 and z is the largest."""

    def slope(w: Any, z: Any) -> Any:
        return tx.grad(lambda w: tx.log(tx.sum(w * tx.exp(z))))(w)

    w, z = np.array([0.0, 0.3, 0.7], dtype), np.array([5.0, 1.0, -2.0], dtype)
    expected = np.exp(z) / np.sum(w * np.exp(z))
    found = tx.compile(slope, backend="numpy")(w, z)
    np.testing.assert_allclose(found, expected, rtol=10 * np.finfo(dtype).eps)
