"""Compiled functions give what the functions give: for any arguments, branches, threads."""

from __future__ import annotations

import copy
import cProfile
import functools
import gc
import inspect
import itertools
import pickle
import pstats
import sys
import threading
import tracemalloc
import warnings
from collections import namedtuple
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_xent as tx
from tinygrad_xent import memory
from tinygrad_xent.compiling import compiled, numpy_code, pool
from tinygrad_xent.compiling.tracing import trace
from tinygrad_xent.errors import CompileError, DtypeError, NotSupportedError, ShapeError
from tinygrad_xent.trees import flatten

RNG = np.random.default_rng(0)
X, V = RNG.normal(size=(4, 3)), RNG.normal(size=3)
LABELS = np.array([0, 1, 2, 0])
BACK_ENDS = ("numpy", None)  # the second is the best that is installed


def loss(x: Any) -> Any:
    return tx.sum(tx.exp(x) * x)


def cross_entropy(z: Any, labels: Any) -> Any:
    return tx.mean(tx.softmax_cross_entropy(z, labels))


def eager(f: Any, *args: Any, **kwargs: Any) -> Any:
    """What the function gives on Tensors, as arrays."""
    given, rebuild = tx.trees.flatten((args, kwargs))
    tensors = [tx.tensor(x) if isinstance(x, (np.ndarray, np.generic, float)) else x for x in given]
    args, kwargs = rebuild(tensors)
    results, rebuild = tx.trees.flatten(f(*args, **kwargs))
    return rebuild([r.value if isinstance(r, tx.Tensor) else r for r in results])


def assert_same(got: Any, expected: Any, rtol: float = 1e-12) -> None:
    """Equal containers, kinds of numbers, dtypes, shapes, and values up to rounding."""
    got, shape = tx.trees.flatten(got)
    expected, other = tx.trees.flatten(expected)
    assert repr(shape(range(len(got)))) == repr(other(range(len(expected))))
    for g, e in zip(got, expected, strict=True):
        assert type(g) is type(e)
        if isinstance(e, (np.ndarray, np.generic)):
            assert g.dtype == e.dtype
            tolerance = max(rtol, 8 * np.finfo(e.dtype).eps) if e.dtype.kind == "f" else 0
            np.testing.assert_allclose(g, e, rtol=tolerance, atol=tolerance)
        else:
            assert g == e or g == pytest.approx(e, rel=rtol)


def assert_compiles(f: Any, *args: Any, **kwargs: Any) -> None:
    for name in BACK_ENDS:
        fast = tx.compile(f, backend=name)
        assert_same(fast(*args, **kwargs), eager(f, *args, **kwargs))
        assert_same(fast(*args, **kwargs), eager(f, *args, **kwargs))


def counted(f: Any) -> Any:
    """A compiled function, and the list of its recordings."""
    calls: list[int] = []

    def noted(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return f(*args, **kwargs)

    return tx.compile(noted), calls


# -- arguments and results ------------------------------------------------------------------------

Pair = namedtuple("Pair", "first second")


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (loss, (X,)),
        (loss, (X.astype(np.float32),)),
        (loss, (X.astype(np.longdouble),)),
        (lambda x: x * x, (2.0,)),
        (lambda x: tx.exp(x) / 2 + 1, (0.5,)),
        (lambda x: x * x, (np.array(2.0),)),
        (lambda x: x * x, (np.float32(2.0),)),
        (lambda x, rate: x - rate * x, (V.astype(np.float32), 0.1)),
        (lambda x, rate: x * tx.exp(rate), (V.astype(np.float32), 0.1)),
        (lambda x, n: x * n + n, (V, 3)),
        (lambda x, flag: x * 2 if flag else x * 3, (V, True)),
        (lambda x, how: x * 2 if how == "twice" else x * 3, (V, "twice")),
        (lambda f, x: f(x), (tx.sin, V)),
        (lambda d: {"a": d["x"] * 2, "b": (d["y"], None, "text")}, ({"x": V, "y": X},)),
        (lambda p: Pair(p.second, p.first * 2), (Pair(V, X),)),
        (lambda xs: [xs[1], xs[0] * xs[1]], ([V, 2 * V],)),
        (lambda x, mask: tx.where(mask, x, 0.0), (X, X > 0)),
        (lambda x, i: x[i], (X, np.array([2, 0, 2]))),
        (lambda x, i: x[i] * x[1:, ::2][0, 0], (X, 1)),
        (lambda x: x.T @ x, (X,)),
        (lambda *xs: xs[0] + xs[1], (V, V)),
        (lambda x: None, (X,)),
        (lambda x: (3.0, "text", None), (X,)),
        (lambda x: (x > 0, x), (X,)),
        (lambda x: x * 1.0, (np.arange(4),)),
        (lambda x: (x, x.T, x[0]), (X,)),
        (lambda x: x, (1.5,)),
    ],
)  # fmt: skip
def test_arguments_and_results_of_all_kinds(f: Any, args: Any) -> None:
    assert_compiles(f, *args)


def test_keywords_and_defaults() -> None:
    weights = np.arange(3.0)
    assert_compiles(lambda x, *, y, w=weights: x * y * w, V, y=2.0)
    f = tx.compile(lambda x, d=None, y=None: x * 2 if d else x * y)
    assert_same([f(V, {"y": 2.0}), f(V, y=5.0)], [V * 2, V * 5])


def test_what_comes_out_as_a_constant_keeps_its_dtype() -> None:
    def share(x: Any) -> Any:  # of one class, which is 1
        return tx.exp(x) / tx.sum(tx.exp(x), 1, keepdims=True)

    x = np.ones((3, 1), np.float32)
    for f in (share, lambda x: tx.mean(share(x)), tx.value_and_grad(lambda x: tx.mean(share(x)))):
        for got, wanted in zip(flatten(tx.compile(f)(x))[0], flatten(f(x))[0], strict=True):
            assert got.dtype == wanted.dtype == np.float32


def focal(z: Any, labels: Any) -> Any:
    p = (tx.exp(z) / tx.sum(tx.exp(z), 1, keepdims=True))[np.arange(len(z)), labels]
    return -tx.mean((1 - p) ** 2 * tx.log(p))


def test_the_same_function_is_the_same_code_each_time() -> None:
    sources, elsewhere = set[str](), list[Any]()
    for n in range(6):
        f = tx.compile(tx.value_and_grad(focal), backend="numpy")
        f(X, np.zeros(len(X), int))
        sources.add(f.source)
        elsewhere.append([object() for _ in range(37 * n)])  # other places in memory
    assert len(sources) == 1


@pytest.mark.parametrize("weigh", [
    lambda q, w, y: -tx.mean(tx.log(q[np.arange(len(y)), y]) * w[:, 0]),
    lambda q, w, y: -tx.mean(tx.sum(w * tx.log(q), 1)), lambda q, w, y: tx.mean(q * q * w),
])  # fmt: skip
def test_single_weights_cost_double_logits_no_digits(weigh: Any) -> None:
    def loss(z: Any, w: Any) -> Any:
        e = tx.exp(1.1 * (z + w))
        return weigh(e / tx.sum(e, 1, keepdims=True), w, np.array([1, 0, 2, 1]))

    z, w = np.random.default_rng(0).normal(size=(2, 4, 3))
    single = w.astype(np.float32)
    exact = tx.grad(loss)(z, single.astype(float))
    np.testing.assert_allclose(tx.compile(tx.grad(loss))(z, single), exact, rtol=1e-13)


def test_half_precision() -> None:
    half = V.astype(np.float16)
    got = tx.compile(lambda x: tx.exp(x) * x)(half)
    assert got.dtype == np.float16
    np.testing.assert_allclose(got, np.exp(V) * V, rtol=5e-3)


def test_lists_of_numbers_are_arrays() -> None:
    np.testing.assert_array_equal(tx.compile(lambda x: x * x)([1, 2, 3]), [1.0, 4.0, 9.0])
    assert tx.compile(tx.sum)([]) == 0


def test_labels_may_be_a_list() -> None:
    f, calls = counted(lambda x, labels: x[np.arange(len(x)), labels])
    for labels in ([0, 2], [1, 1]):
        np.testing.assert_array_equal(f(X[:2, :3], labels), X[[0, 1], labels])
    assert len(calls) == 1


def test_what_an_object_holds_is_no_constant() -> None:
    class Model:
        weight = 3.0

        @tx.compile
        def scaled(self, x: Any) -> Any:
            return x * self.weight

    with pytest.raises(CompileError, match="may have changed"):
        Model().scaled(V)


def test_a_float_of_a_users_class_is_a_float() -> None:
    assert tx.compile(lambda x: x * 2)(type("Metres", (float,), {})(1.5)) == 3.0


LAYOUTS = {
    "by columns": np.asfortranarray,
    "every second": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "backwards": lambda x: x[::-1].copy()[::-1],
    "rows that are one": lambda x: np.broadcast_to(x[:1], x.shape),
    "other byte order": lambda x: x.astype(x.dtype.newbyteorder()),
    "not aligned": lambda x: np.frombuffer(b"-" + x.tobytes(), np.uint8)[1:].view(x.dtype)
    .reshape(x.shape),
    "read-only": lambda x: np.broadcast_to(x, x.shape),
    "a subclass": lambda x: x.view(type("Mine", (np.ndarray,), {})),
    "nested lists": lambda x: x.tolist(),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_however_they_lie_in_memory(layout: str) -> None:
    x = LAYOUTS[layout](X)
    before = np.array(x)
    for name in BACK_ENDS:
        value, slope = tx.compile(tx.value_and_grad(loss), backend=name)(x)
        expected = tx.value_and_grad(loss)(np.array(x, dtype=float))
        np.testing.assert_allclose(value, expected[0], rtol=1e-12)
        np.testing.assert_allclose(slope, expected[1], rtol=1e-12)
    np.testing.assert_array_equal(x, before)


def test_arguments_that_overlap() -> None:
    big = RNG.normal(size=8)
    assert_compiles(lambda x, y: (x * y, y - x), big[:6], big[2:])
    assert_compiles(lambda x, y: (x * y, y - x), V, V)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3)])
def test_no_entries(shape: tuple[int, ...]) -> None:
    x = np.zeros(shape)
    assert_compiles(loss, x)
    assert_compiles(lambda x: tx.exp(x) / tx.sum(tx.exp(x), axis=-1, keepdims=True), x)
    np.testing.assert_array_equal(tx.compile(tx.grad(loss))(x), x)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (np.ma.masked_array(X, X > 1), NotSupportedError),
        (X * 1j, DtypeError),
        (X.astype(object), DtypeError),
        (X.astype(str), DtypeError),
        (np.array(["2020-01-01"], "M8[D]"), DtypeError),
        ({1, 2}, CompileError),
        ([[1.0], [1.0, 2.0]], ShapeError),
    ],
)  # fmt: skip
def test_what_is_no_argument(bad: Any, error: Any) -> None:
    with pytest.raises(error) as caught:
        tx.compile(lambda x: x * 2)(bad)
    assert "test_compile.py" in str(caught.value)


def test_what_is_no_function_and_no_back_end() -> None:
    with pytest.raises(CompileError, match="a function is wanted"):
        tx.compile(3)  # type: ignore[arg-type]
    with pytest.raises(CompileError, match="no such back end"):
        tx.compile(loss, backend="fortran")


@pytest.mark.parametrize(
    "result", [lambda x: tx.vjp(tx.exp, x), lambda x: {x}, lambda x: [object()]]
)
def test_what_is_no_result(result: Any) -> None:
    with pytest.raises(CompileError, match="a result is neither numbers nor text"):
        tx.compile(result)(X)


# -- signatures -----------------------------------------------------------------------------------


def test_recorded_once_for_each_kind_of_arguments() -> None:
    def plain(x: Any, n: Any = 1) -> Any:
        return x * n

    f, calls = counted(plain)
    kinds = [
        (X,), (X[:2],), (X.astype(np.float32),), (X, 2), (X, 2.0), (X, True), (1.0,),
        (np.float64(1.0),), (X, np.float32(2.0)), (X, np.int64(2)),
    ]  # fmt: skip
    for number, args in enumerate(kinds, 1):
        for _ in range(2):
            assert_same(f(*args), eager(plain, *args))
            assert len(calls) == number
    f(X + 1, 2)
    f(2 * X, 3.5)
    f(7.0)
    assert len(calls) == len(kinds)


def test_floats_are_no_part_of_the_signature_and_whole_numbers_are() -> None:
    f, calls = counted(lambda x, n: x * n)
    assert [float(f(x, n)) for x in (1.0, 2.0) for n in (3, 4)] == [3.0, 4.0, 6.0, 8.0]
    assert len(calls) == 2


CALLS: list[tuple[Any, dict[str, Any]]] = [
    ((V,), {}), ((V, V), {}), (((V,),), {}), (((V, V),), {}), (([V],), {}), (([V], V), {}),
    (([V, V],), {}), ((V, (V,)), {}), ((Pair(V, V),), {}), (({"y": V},), {}), (({"z": V},), {}),
    ((V, {"y": V}), {}), (((V,), {"y": V}), {}), ((V,), {"y": V}), ((V,), {"z": V}),
    ((), {"x": V, "y": V}), ((V, None), {}), ((V, None, {"y": V}), {}), ((V, ()), {}),
    ((V, {}), {}), ((V, (), ()), {}), ((V, ((),)), {}), ((V, 1), {}), ((V, 1.0), {}),
    ((V, True), {}), ((V, "1"), {}), ((V, float), {}), ((V, (float,)), {}), ((V, V.shape), {}),
    ((V, V.dtype), {}), ((V, np.ndarray), {}), ((X,), {}), ((LABELS,), {}),
    (({1: V},), {}), (({True: V},), {}), (({1.0: V},), {}),
]  # fmt: skip


def test_every_other_kind_of_call_is_another_signature() -> None:
    def told(*args: Any, **kwargs: Any) -> Any:
        return repr((args, kwargs))

    f = tx.compile(told)
    fresh = [tx.compile(told)(*args, **kwargs) for args, kwargs in CALLS]
    assert len(set(fresh)) == len(CALLS)
    for _ in range(2):
        assert [f(*args, **kwargs) for args, kwargs in CALLS] == fresh


def test_a_call_on_arrays_is_few_steps() -> None:
    f, called = tx.compile(lambda x, y: (x * y, x + y), backend="numpy"), list[str]()
    f(V, V)
    sys.setprofile(lambda frame, event, _: called.append(frame.f_code.co_name)
                   if event == "call" else None)  # fmt: skip
    f(V, V)
    sys.setprofile(None)
    assert len(called) <= 6, called


def test_the_cache_has_a_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_PROGRAMS", 4)
    f, calls = counted(lambda x, n: x * n)
    with pytest.warns(RuntimeWarning, match="over 4 kinds of arguments") as found:
        assert [f(1.0, n) for n in range(10)] == list(map(float, range(10)))
    assert len(found) == 1
    assert len(f._programs) == 4
    assert f(1.0, 0) == 0.0
    assert len(calls) == 11


def test_memory_does_not_grow() -> None:
    f = tx.compile(tx.value_and_grad(loss))
    big = np.ones((200, 200))
    f(X), f(big)
    gc.collect()
    tracemalloc.start()
    for _ in range(20):
        f(X), f(big)
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(2000):
        f(X)
    for _ in range(50):
        f(big)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 10_000


# -- transforms -----------------------------------------------------------------------------------


def uses_vjp(x: Any) -> Any:
    out, pull = tx.vjp(lambda a: tx.exp(a) * a, x)
    return out, pull(out)[0]


def uses_jvp(x: Any) -> Any:
    return tx.jvp(lambda a: tx.exp(a) * a, (x,), (x * 2,))


TRANSFORMED = {
    "grad": tx.grad(loss),
    "value_and_grad": tx.value_and_grad(loss),
    "argnums": lambda x: tx.value_and_grad(lambda a, b: tx.sum(a * tx.exp(b)), (0, 1))(x, 2 * x),
    "elementwise_grad": tx.elementwise_grad(lambda x: tx.tanh(x) * x),
    "jacobian": tx.jacobian(lambda x: tx.exp(x) / tx.sum(tx.exp(x), axis=1, keepdims=True)),
    "hessian": tx.hessian(loss),
    "hvp": lambda x: tx.hvp(loss)(x, x * x),
    "vjp": uses_vjp,
    "jvp": uses_jvp,
    "third": tx.elementwise_grad(tx.elementwise_grad(tx.elementwise_grad(lambda x: tx.sin(x) * x))),
    "constant gradient": tx.grad(lambda x: tx.sum(3 * x)),
    "no gradient": tx.grad(lambda x: tx.sum(tx.stop_gradient(x))),
}


@pytest.mark.parametrize("name", TRANSFORMED)
def test_transforms_compile(name: str) -> None:
    for dtype in (np.float64, np.float32):
        x = X.astype(dtype)
        for back_end in BACK_ENDS:
            got = tx.compile(TRANSFORMED[name], backend=back_end)(x)
            assert_same(got, eager(TRANSFORMED[name], x), rtol=1e-11)


@pytest.mark.parametrize(
    "transform", [tx.grad, tx.value_and_grad, tx.hessian, tx.elementwise_grad, tx.jacobian]
)
def test_compiled_functions_are_differentiated(transform: Any) -> None:
    assert_same(transform(tx.compile(loss))(X), transform(loss)(X))
    assert_same(tx.compile(transform(tx.compile(loss)))(X), transform(loss)(X))


def test_compiled_functions_are_pulled_and_pushed() -> None:
    f = tx.compile(lambda x: x * x)
    np.testing.assert_allclose(tx.vjp(f, V)[1](np.ones(3))[0], 2 * V)
    np.testing.assert_allclose(tx.jvp(f, (V,), (V,))[1], 2 * V * V)
    x = tx.tensor(V)
    f(x).sum().backward()
    np.testing.assert_allclose(x.grad, 2 * V)


def test_compiled_functions_in_compiled_functions() -> None:
    inner = tx.compile(lambda x: tx.exp(x) * 2)
    assert_compiles(lambda x: inner(x) + inner(x * 2), X)
    assert_compiles(lambda x: x * inner(V), X)


# -- closures -------------------------------------------------------------------------------------


def test_arrays_and_tensors_of_the_surroundings_are_constants() -> None:
    w, t = RNG.normal(size=(3, 2)), tx.tensor(RNG.normal(size=(3, 2)))
    assert_compiles(lambda x: (x @ w, x @ t, x @ w + float(t[0, 0]), w), X)
    large = RNG.normal(size=(50, 40))
    assert_compiles(lambda x: x * large, large)


def test_tensors_of_a_function_that_is_differentiated_are_no_constants() -> None:
    def outer(w: Any) -> Any:
        inner = tx.compile(lambda y: tx.exp(y) * w)
        return tx.sum(inner(V)) * tx.sum(w)

    def inlined(w: Any) -> Any:
        return tx.sum(tx.exp(V) * w) * tx.sum(w)

    assert_same(tx.grad(outer)(V), tx.grad(inlined)(V))
    assert_same(tx.compile(outer)(V), eager(inlined, V))
    assert_same(tx.compile(tx.grad(outer))(V), tx.grad(inlined)(V))


def test_tensors_that_leave_a_recording_have_no_numbers() -> None:
    kept: list[Any] = []
    tx.compile(lambda x: kept.append(x * 2) or x * 3)(X)  # type: ignore[func-returns-value]
    for look in (lambda t: t.value, float, bool, lambda t: t.item()):
        with pytest.raises(CompileError, match="has no numbers"):
            look(kept[0][0, 0])
    with pytest.raises(CompileError, match="has no numbers here"):
        tx.compile(lambda y: y * kept[0])(X)
    with pytest.raises(CompileError, match="has no numbers here"):
        tx.compile(lambda y: y if kept[0].sum() > 0 else 2 * y)(X)


# -- branches -------------------------------------------------------------------------------------


def doubled(x: Any) -> Any:
    """As often as it takes."""
    n = 0
    while x.sum() < 100:
        x, n = x * 2, n + 1
    return x, n


BRANCHES = {
    "if": lambda x: x * 2 if x.sum() > 0 else x * 3,
    "max": lambda x: max(x[0], x[1]) * x,
    "sorted": lambda x: sum(a * i for i, a in enumerate(sorted(x, key=lambda a: a * a))),
    "in a loop": lambda x: sum((a if a > 0 else -2 * a) for a in x),
    "nested": lambda x: (x if x[0] > 0 else 2 * x) if x[1] > 0 else (3 * x if x[0] > 0 else 4 * x),
    "and": lambda x: x if x[0] > 0 and x[1] > 0 else -x,
    "a truth in the result": lambda x: (bool(x[0] > 0), x),
}


@pytest.mark.parametrize("name", BRANCHES)
@given(data=st.lists(st.sampled_from([-1.5, 0.0, 0.5, 1.0, 2.0]), min_size=3, max_size=3))
@settings(max_examples=12, deadline=None)
def test_branches_are_followed(name: str, data: list[float]) -> None:
    for x in (np.array(data), -np.array(data), np.array(data) + 1):
        assert_same(compiled_branch(name)(x), eager(BRANCHES[name], x))


@functools.cache
def compiled_branch(name: str) -> Any:
    return tx.compile(BRANCHES[name])


def test_branches_of_what_is_differentiated() -> None:
    def f(x: Any) -> Any:
        return tx.sum(x * x) if x[0] > 0 else tx.sum(3 * x)

    for back_end in BACK_ENDS:
        fast = tx.compile(tx.value_and_grad(f), backend=back_end)
        for x in (V, -V, V * 2, -V * 2):
            assert_same(fast(x), tx.value_and_grad(f)(x))


def test_a_condition_that_raises_in_another_branch() -> None:
    def f(x: Any, i: Any) -> Any:
        if x.sum() > 0 and tx.softmax_cross_entropy(x, i) > 0.1:
            return x * 2
        return x * 3

    fast = tx.compile(f)
    assert_same(fast(np.ones(3), np.int64(2)), 2 * np.ones(3))
    assert_same(fast(-np.ones(3), np.int64(7)), -3 * np.ones(3))
    assert_same(fast(np.ones(3), np.int64(2)), 2 * np.ones(3))


def test_loops_are_recorded_for_each_length_and_then_no_more() -> None:
    f, calls = counted(doubled)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        for _ in range(2):
            for k in range(40):
                x = np.array([2.0**-k, 1e-9])
                assert_same(f(x), eager(doubled, x))
    assert [str(w.message).count("different ways") for w in found] == [1]
    assert "test_compile.py" in found[0].filename
    kept = sum(map(len, f._programs.values()))
    assert kept == compiled._VARIANTS
    assert len(calls) > 40  # what is no program's way is done by the function itself


def test_results_of_the_function_itself_are_the_callers_own(monkeypatch: Any) -> None:
    monkeypatch.setattr(compiled, "_VARIANTS", 0)
    big = np.ones((3, 3))
    with pytest.warns(RuntimeWarning, match="different ways"):
        got = tx.compile(lambda x: (x, x[0], big, x.sum(), 2.0))(X)
    assert_same(got, (X, X[0], big, X.sum(), 2.0))
    for a in got[:3]:
        a[...] = 0
    assert X.all()
    assert big.all()


LOOKS = {
    "value": lambda x: x.value * x,
    "item": lambda x: x * x.sum().item(),
    "float": lambda x: x * float(x.sum()),
    "int": lambda x: x * int(x.sum()),
    "format": lambda x: f"{x.sum():.3f}",
    "in a gradient": tx.grad(lambda x: tx.sum(x * x.value)),
    "index": lambda x: [1, 2, 3][int(x[0, 0])],
}


@pytest.mark.parametrize("name", LOOKS)
def test_looking_at_numbers_is_refused(name: str) -> None:
    with pytest.raises(CompileError, match="looks at the numbers") as caught:
        tx.compile(LOOKS[name])(X)
    assert "test_compile.py" in str(caught.value)
    assert repr(name) in str(caught.value) or name in str(caught.value)


def test_numpy_arrays_of_tensors_and_truths_of_arrays_are_refused_as_ever() -> None:
    with pytest.raises(NotSupportedError, match="lose its gradient"):
        tx.compile(lambda x: np.asarray(x))(X)
    with pytest.raises(ValueError, match="ambiguous"):
        tx.compile(lambda x: x if x > 0 else -x)(X)


def test_printing_shows_that_there_are_no_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    f = tx.compile(lambda x: (print(x, repr(x * 2)), x)[1])
    f(X)
    assert capsys.readouterr().out == (
        "Tensor(float64 (4, 3), no numbers yet) Tensor(float64 (4, 3), no numbers yet, op=mul)\n"
    )


def test_constants_may_be_looked_at() -> None:
    t = tx.tensor(2.0)
    assert_compiles(lambda x: x * t.value * float(t * 3) if (x * t).sum() < 1e9 else t.value, X)


# -- errors ---------------------------------------------------------------------------------------


def test_an_exception_leaves_nothing_behind() -> None:
    trouble = [True]

    def f(x: Any) -> Any:
        y = tx.exp(x)
        if trouble:
            raise KeyError("here")
        return y

    fast = tx.compile(tx.grad(lambda x: tx.sum(f(x))))
    for _ in range(2):
        with pytest.raises(KeyError, match="here"):
            fast(X)
        assert tx.tensor(2.0).value == 2.0
        assert tx.grad(loss)(X).shape == X.shape
    trouble.clear()
    np.testing.assert_allclose(fast(X), np.exp(X))


@pytest.mark.parametrize("labels", [LABELS + 1, LABELS - 1, np.full(4, 99)])
def test_labels_out_of_range_are_the_callers_error(labels: Any) -> None:
    for back_end in BACK_ENDS:
        f = tx.compile(tx.value_and_grad(cross_entropy), backend=back_end)
        for _ in range(2):
            with pytest.raises(ShapeError, match="labels must be from 0 to 2") as caught:
                f(X, labels)
            assert "test_compile.py" in str(caught.value)
        assert_same(f(X, LABELS), tx.value_and_grad(cross_entropy)(X, LABELS))


def test_indices_out_of_range() -> None:
    f = tx.compile(lambda x, i: x[i])
    assert_same(f(X, LABELS), X[LABELS])
    with pytest.raises(ShapeError, match="out of bounds") as caught:
        f(X, LABELS + 9)
    assert "test_compile.py" in str(caught.value)


def test_nan_and_infinity_pass_through() -> None:
    for bad in (np.nan, -np.inf, np.inf):
        x = X.copy()
        x[1, 1] = bad
        with np.errstate(all="ignore"):
            assert_compiles(lambda x: (x * 2, tx.tanh(x), tx.exp(-abs(x)), tx.sum(x, axis=0)), x)
    x[1, 1] = np.nan
    value, slope = tx.compile(tx.value_and_grad(cross_entropy))(x, LABELS)
    assert np.isnan(value)
    assert np.isnan(slope[1]).all()
    assert np.isfinite(slope[[0, 2, 3]]).all()


def test_python_numbers_divide_as_arrays_do() -> None:
    with np.errstate(all="ignore"):
        assert tx.compile(lambda x: 1 / x)(0.0) == np.inf
        assert tx.compile(lambda x, y: x / (y - y))(1.0, 2.0) == np.inf
        assert np.isnan(tx.compile(tx.log)(-1.0))
        assert tx.compile(tx.exp)(1000.0) == np.inf


# -- memory ---------------------------------------------------------------------------------------


def large(x: Any) -> Any:
    return x * 2, (x * 2).T, tx.exp(x), x


def test_results_belong_to_the_caller() -> None:
    x = RNG.normal(size=(200, 150))
    assert x.nbytes > pool._LARGE
    f = tx.compile(large)
    results: list[Any] = []
    for i in range(6):
        results.append(f(x + i))
    arrays = [a for r in results for a in r] + [x]
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[i + 1 :])
    for i, (a, b, c, d) in enumerate(results):
        np.testing.assert_array_equal(a, 2 * (x + i))
        np.testing.assert_array_equal(b, 2 * (x + i).T)
        np.testing.assert_allclose(c, np.exp(x + i), rtol=5e-16)
        np.testing.assert_array_equal(d, x + i)


def test_a_collection_in_between_may_call_the_same_function() -> None:
    """As a finaliser or a signal handler may, wherever the call is."""
    x, threshold, numbers = RNG.normal(size=(100, 100)), gc.get_threshold(), itertools.count()
    results, nested = list[Any](), list[bool]()
    f = tx.compile(tx.exp)
    f(x)

    def call(phase: str, _: Any) -> None:
        if phase == "start" and not nested:
            nested.append(True)
            keep()
            nested.clear()

    def keep() -> None:
        k = next(numbers)
        results.append((k, f(x + k)))

    def work() -> None:
        gc.callbacks.append(call)
        gc.set_threshold(1)
        for _ in range(50):
            keep()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(20)
    gc.set_threshold(*threshold)
    gc.callbacks.remove(call)
    assert not thread.is_alive()
    for k, result in results:
        np.testing.assert_allclose(result, np.exp(x + k), rtol=1e-14)


HOLDERS = {
    "a view": lambda a: a[3:, ::2],
    "a view of a view": lambda a: a.T[1:][2:],
    "a memoryview": memoryview,
    "an iterator": lambda a: a.flat,
    "a reshaped view": lambda a: a.reshape(-1),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_what_a_view_shows_is_not_overwritten(holder: str) -> None:
    x = RNG.normal(size=(200, 150))
    f = tx.compile(lambda x: tx.exp(x))
    held = HOLDERS[holder](f(x))
    before = np.array(held)
    for i in range(5):
        f(x + i)
    np.testing.assert_array_equal(np.array(held), before)


def test_memory_that_nobody_holds_is_used_again() -> None:
    x = RNG.normal(size=(200, 150))
    f = tx.compile(lambda x: tx.exp(x))
    addresses = {f(x).ctypes.data for _ in range(10)}
    assert len(addresses) <= 2


def test_a_result_may_be_an_argument() -> None:
    f = tx.compile(lambda x: x * 0.5 + 1)
    x = expected = RNG.normal(size=(200, 150))
    for _ in range(6):
        x, expected = f(f(x)), (expected * 0.5 + 1) * 0.5 + 1
    np.testing.assert_allclose(x, expected)


def test_constants_and_lists_among_the_results_are_copies() -> None:
    w = np.ones(3)
    f = tx.compile(lambda x: (w, tx.tensor(w), [1, 2], x))
    first = f(X)
    for part in first:
        part[0] = 7
    assert_same(f(X), (np.ones(3), np.ones(3), [1, 2], np.array(X)))


def test_results_are_copied_and_pickled() -> None:
    got = tx.compile(large)(RNG.normal(size=(200, 150)))
    for other in (copy.deepcopy(got), pickle.loads(pickle.dumps(got))):
        assert_same(other, got)


# -- threads --------------------------------------------------------------------------------------


def test_threads_with_arguments_of_all_kinds() -> None:
    f = tx.compile(tx.value_and_grad(cross_entropy))
    shapes = [(4, 3), (150, 120), (7, 5)]
    wrong: list[Any] = []

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        held = []
        for i in range(30):
            rows, classes = shapes[(seed + i) % 3]
            z, labels = rng.normal(size=(rows, classes)), rng.integers(0, classes, rows)
            value, slope = f(z, labels)
            q = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
            expected = (q - np.eye(classes)[labels]) / rows
            held.append((slope, expected, value, -np.log(q[range(rows), labels]).mean()))
        for slope, expected, value, mean in held:
            if not (np.allclose(slope, expected) and np.isclose(value, mean)):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
    assert len(f._programs) == 3
    assert all(len(v) == 1 for v in f._programs.values())


def test_a_function_that_calls_itself() -> None:
    def power(x: Any, n: int) -> Any:
        return x if n == 1 else x * fast(x, n - 1)

    fast = tx.compile(power)
    np.testing.assert_allclose(fast(V, 5), V**5)


# -- the cost of compiling ------------------------------------------------------------------------

LINKS: dict[str, Any] = {
    "products": lambda y, x: y * x,
    "quotients": lambda y, x: y / x,
    "logarithms": lambda y, x: tx.log(1.5 + y * y),
    "exponentials": lambda y, x: tx.exp(-y * y),
    "softplus": lambda y, x: tx.log(1 + tx.exp(y)),
    "maxima": lambda y, x: tx.maximum(y, x) * 1.5,
    "softmax": lambda y, x: tx.softmax(y * x),
    "sums": lambda y, x: y + x * tx.sum(y),
    "layers": lambda y, x: tx.tanh(y * x + x),
    "indices": lambda y, x: tx.concatenate([y[1:] * 2, y[:1]]),
}


def chained(name: str, n: int) -> Any:
    def f(x: Any) -> Any:
        y = x
        for _ in range(n):
            y = LINKS[name](y, x)
        return tx.sum(y)

    return tx.grad(f)


def effort(name: str, n: int) -> int:
    """How many functions are called to record a chain and to write its code."""
    profile = cProfile.Profile()
    profile.enable()
    traced = trace([V], lambda new: chained(name, n)(*new))
    numpy_code.generate(traced.inputs, traced.outputs)
    profile.disable()
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", LINKS)
def test_effort_grows_as_the_graph_does(name: str) -> None:
    assert effort(name, 60) < 2.8 * effort(name, 30)


@pytest.mark.parametrize("name", ["products", "layers", "indices"])
def test_deep_graphs_compile(name: str) -> None:
    f = chained(name, 600)
    with np.errstate(all="ignore"):
        got, expected = tx.compile(f, backend="numpy")(V), f(V)
    np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_recording_needs_no_memory_for_numbers() -> None:
    z = np.broadcast_to(np.zeros(1, np.float32), (4096, 50257))
    labels = np.zeros(4096, int)
    tracemalloc.start()
    traced = trace([z, labels], lambda new: tx.value_and_grad(cross_entropy)(*new))
    numpy_code.generate(traced.inputs, traced.outputs)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


# -- what one sees --------------------------------------------------------------------------------


def test_it_looks_like_the_function() -> None:
    f = tx.compile(cross_entropy)
    assert f.__name__ == "cross_entropy"  # type: ignore[attr-defined]
    assert inspect.signature(f) == inspect.signature(cross_entropy)
    assert repr(f) == "<compiled cross_entropy>"
    assert tx.compile(doubled).__doc__ == "As often as it takes."
    assert repr(tx.compile(functools.partial(loss))) == "<compiled function>"


class Layer:
    """A function of an object's own."""

    def __init__(self, weight: float) -> None:
        self.weight = weight

    @tx.compile
    def __call__(self, x: Any) -> Any:
        return x * self.weight

    def plain(self, x: Any) -> Any:
        return x * self.weight


def test_methods() -> None:
    one, two = Layer(1.0), Layer(2.0)
    assert_same([one(V), two(V), one(V)], [V, 2 * V, V])
    assert_same(tx.compile(two.plain)(V), 2 * V)
    assert isinstance(Layer.__call__, compiled.Compiled)


def test_the_source_can_be_saved_and_run_alone(tmp_path: Any) -> None:
    weights = RNG.normal(size=(3, 40))
    f = tx.compile(tx.value_and_grad(lambda x: tx.sum(tx.tanh(x @ weights))), backend="numpy")
    with pytest.raises(CompileError, match="no code before the first call"):
        f.source  # noqa: B018
    expected = f(X)
    np.savez(tmp_path / "constants.npz", **f.constants)  # what the first lines of the source name
    (tmp_path / "step.py").write_text(f.source, encoding="utf-8")
    space: dict[str, Any] = dict(np.load(tmp_path / "constants.npz"))
    exec((tmp_path / "step.py").read_text(encoding="utf-8"), space)
    assert "tinygrad" not in f.source
    assert_same(space["run"](X), expected)
    assert all(name in f.source for name in f.constants)
    assert f.constants
    assert f.memory > 0


def test_a_mask_that_is_given_may_be_subtracted_as_a_factor() -> None:
    """There is no negative of a mask: it stays a product with -1."""
    x, y = np.array([0.5, 2.0, -1.0]), np.array([0, 1, 2])
    loss = tx.value_and_grad(lambda x, y: -tx.sum(x * (y > 0)), argnums=0)
    value, slope = tx.compile(loss, backend="numpy")(x, y)
    assert value == -1.0
    np.testing.assert_array_equal(slope, [0.0, -1.0, -1.0])


# -- the checks themselves ------------------------------------------------------------------------


def test_a_forgotten_guard_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled.Program, "fits", lambda self, leaves: True)
    f = tx.compile(BRANCHES["if"])
    assert_same(f(np.ones(3)), 2 * np.ones(3))
    with pytest.raises(AssertionError):
        assert_same(f(-np.ones(3)), -3 * np.ones(3))


def test_memory_used_again_too_early_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    always_the_same = functools.cache(lambda size: np.empty(size, np.uint8).data)
    monkeypatch.setattr(memory, "_take", always_the_same)
    with pytest.raises(AssertionError):
        test_what_a_view_shows_is_not_overwritten("a view")
    with pytest.raises(AssertionError):
        test_results_belong_to_the_caller()
