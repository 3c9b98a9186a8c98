"""Memory is used again, and never while somebody still looks at it."""

from __future__ import annotations

import gc
import importlib
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
from compositions import compositions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import DIFFERENTIABLE, check_primitive, draws, float_places

import tinygrad_xent as tx
from tinygrad_xent import calling, memory
from tinygrad_xent.graph import Large, large

LIMITS = [importlib.import_module(f"tinygrad_xent.{m}")
          for m in ("graph.large", "graph.primitive", "graph.values", "ops.linear")]  # fmt: skip
RNG = np.random.default_rng(0)
Z = RNG.normal(size=(200, 1000))  # 1.6 MB
P = np.eye(1000)[RNG.integers(1000, size=200)]


def limit(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    for module in LIMITS:
        monkeypatch.setattr(module, "LARGE", size)


@pytest.fixture
def all_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every array of two numbers or more is a large one."""
    limit(monkeypatch, 9)


def cross_entropy(z: Any) -> Any:
    e = tx.exp(z)
    return -tx.sum(P * tx.log(e / tx.sum(e, axis=1, keepdims=True)))


def leaves(result: Any) -> list[np.ndarray]:
    return [x for x in tx.trees.flatten(result)[0] if isinstance(x, np.ndarray)]


def assert_apart(results: list[Any]) -> None:
    """All arrays are NumPy's own, and no two of them share memory."""
    arrays = [a for r in results for a in leaves(r)]
    for i, a in enumerate(arrays):
        assert type(a) is np.ndarray
        assert not any(np.may_share_memory(a, b) for b in arrays[i + 1 :])


def assert_equal(got: Any, expected: Any) -> None:
    for a, b in zip(leaves(got), leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14, atol=1e-300)


def held(calls: list[Callable[[], Any]]) -> list[Any]:
    """The results of all calls, kept while the next are made, and none of them changed by these."""
    results, copies = [], []
    for call in calls:
        results.append(call())
        copies.append([np.array(a) for a in leaves(results[-1])])
    assert_apart(results)
    for result, copy in zip(results, copies, strict=True):
        for a, b in zip(leaves(result), copy, strict=True):
            np.testing.assert_array_equal(a, b)
    return results


# -- every operation ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(DIFFERENTIABLE))
def test_derivatives_of_every_operation(name: str, all_large: None) -> None:
    check_primitive(DIFFERENTIABLE[name])


def uses() -> list[Callable[[], Any]]:
    """Every operation on what it is tested with, twice."""
    return [
        partial(applied, op, args, params)
        for op in DIFFERENTIABLE.values()
        for args, params in draws(op) * 2
    ]


def applied(op: Any, args: Any, params: Any) -> Any:
    """What comes out, and the gradients of it, by both ways."""
    floats = tuple(float_places(args))
    nodes = [tx.tensor(a) if i in floats else a for i, a in enumerate(args)]
    out = op(*nodes, **params)
    tx.sum(out * out).backward()
    both = tx.value_and_grad(lambda *a: tx.sum(op(*a, **params) ** 2), argnums=floats)
    return [out.value, [nodes[i].grad for i in floats], both(*args)]


def test_results_are_apart_and_the_same_as_without(monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, 2**60)
    expected = [use() for use in uses()]
    limit(monkeypatch, 9)
    for got, wanted in zip(held(uses()), expected, strict=True):
        assert_equal(got, wanted)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(compositions())
def test_random_compositions(drawn: tuple[list[tx.Tensor], tx.Tensor]) -> None:
    inputs, out = drawn
    loss = tx.sum(out * out)

    def gradients(size: int) -> list[Any]:
        with pytest.MonkeyPatch.context() as patch:
            limit(patch, size)
            loss.backward()
        return [np.array(x.grad, float) for x in inputs]

    for a, b in zip(gradients(2**60), gradients(9), strict=True):  # the second time they add up
        np.testing.assert_array_equal(a + a, b)


# -- as it is used --------------------------------------------------------------------------------


def backward() -> Any:
    z = tx.tensor(Z)
    loss = cross_entropy(z)
    loss.backward()
    once = z.grad
    loss.backward()
    return once, z.grad, loss.value


USES: dict[str, Callable[[], Any]] = {
    "value and gradient": lambda: tx.value_and_grad(cross_entropy)(Z),
    "backward, twice": backward,
    "forward": lambda: [tx.softmax(Z), tx.softmax(tx.tensor(Z)).value],
    "views": lambda: [tx.softmax(tx.tensor(Z)).value[::2, 3:].T],
    "Hessian times a vector": lambda: tx.hvp(lambda z: tx.sum(tx.softmax(z) * P))(Z, P),
    "forward mode": lambda: tx.jvp(tx.softmax, (Z,), (P,)),
    "several pulls": lambda: [tx.vjp(tx.softmax, Z)[1](g) for g in (P, Z)],
    "one gradient, as it is and as a view": lambda: tx.grad(
        lambda x, y, w: tx.sum((tx.reshape(x, Z.shape) + y + w.T) * P), argnums=(0, 1, 2)
    )(Z.ravel(), Z, Z.T),
    "columns": lambda: tx.grad(lambda z: tx.sum(tx.exp(z.T) * tx.sqrt(tx.exp(z)).T))(Z),
    "labels": lambda: tx.grad(lambda z: tx.mean(tx.log_softmax(z)[np.arange(200), 3]))(Z),
    "choices": lambda: tx.grad(lambda z: tx.sum(tx.maximum(z, P) * tx.where(z > 0, z, 1)))(Z),
    "broadcast": lambda: tx.grad(lambda x, y: tx.sum(tx.tanh(x * y)), argnums=(0, 1))(
        Z[:, :1], Z[0]
    ),
    "products": lambda: tx.grad(lambda x, y: tx.mean((x @ y) ** 2), argnums=(0, 1))(
        Z[:, :64], Z[:64]
    ),
    "single precision": lambda: tx.value_and_grad(lambda z: tx.sum(tx.tanh(z) * 2))(
        np.tile(Z, (2, 1)).astype(np.float32)
    ),
    "compiled": lambda: COMPILED(Z),
}
COMPILED = tx.compile(tx.value_and_grad(cross_entropy), backend="numpy")


def test_results_belong_to_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    got = held([*USES.values()] * 2)
    limit(monkeypatch, 2**60)
    for a, name in zip(got, [*USES] * 2, strict=True):
        assert_equal(a, USES[name]())


def test_changing_a_gradient_changes_nothing_else() -> None:
    z = tx.tensor(Z)
    q = tx.softmax(z)
    loss = tx.sum(q * P)
    value = np.array(q.value)
    loss.backward()
    first = np.array(z.grad)
    z.grad[...] = np.nan
    tx.grad(lambda z: tx.sum(tx.softmax(z) * P))(Z)[...] = np.nan
    np.testing.assert_array_equal(q.value, value)
    z.grad = None
    loss.backward()
    np.testing.assert_array_equal(z.grad, first)


def test_nobody_can_change_what_a_graph_holds() -> None:
    z = tx.tensor(Z)
    for array in (z.value, z.value[1:], z.value.T):
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.setflags(write=True)


def test_an_exception_midway_gives_the_memory_back() -> None:
    def fails(z: Any) -> Any:
        tx.exp(z) * 2
        raise ZeroDivisionError

    before = {*memory._used}
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            tx.grad(fails)(Z)
    assert_equal(tx.grad(cross_entropy)(Z), tx.softmax(Z) - P)
    gc.collect()
    assert {*memory._used} <= before


def test_a_second_call_takes_no_memory() -> None:
    """Beside what is of a row each, and the result of the first call, which is held."""
    kept = tx.value_and_grad(cross_entropy)(Z)
    tx.value_and_grad(cross_entropy)(Z)
    tracemalloc.start()
    try:
        tx.value_and_grad(cross_entropy)(Z)
        assert tracemalloc.get_traced_memory()[1] < Z.nbytes / 10
    finally:
        tracemalloc.stop()
    assert kept[1].shape == Z.shape


def test_threads_do_not_share() -> None:
    expected, wrong = tx.softmax(Z) - P, []

    def work(scale: float) -> None:
        for _ in range(10):
            got = tx.grad(lambda z: scale * cross_entropy(z))(Z)
            wrong.append(float(np.max(np.abs(got - scale * expected))))

    threads = [threading.Thread(target=work, args=(s,)) for s in (1.0, 2.0, 4.0, 8.0)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(wrong) == 40
    assert max(wrong) < 1e-12


# -- what is kept ---------------------------------------------------------------------------------


@pytest.fixture
def nothing_kept() -> Iterator[None]:
    memory.release()
    yield
    memory.release()


def kept() -> int:
    return sum(size * len(free) for size, free in memory._free.items())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([1, 2, 3, 5]), st.integers(0, 5)), max_size=40))
def test_what_is_kept_is_bounded(steps: list[tuple[int, int]]) -> None:
    """Take some (of so many bytes), drop some: nothing is shared, and no more is kept than said."""
    memory.release()
    before, memory.KEPT = memory.KEPT, 8
    alive: list[np.ndarray] = []
    try:
        most = 0
        for size, dropped in steps:
            alive.append(memory.reused((size,), np.dtype(np.uint8)))
            alive[-1].fill(len(alive))
            most = max(most, sum(a.nbytes for a in alive))
            del alive[dropped::2]
            assert kept() <= 8
            assert kept() + sum(a.nbytes for a in alive) <= most
            assert not any(
                np.may_share_memory(a, b) for i, a in enumerate(alive) for b in alive[i + 1 :]
            )
    finally:
        memory.KEPT = before
        del alive
        memory.release()


def test_what_is_kept_can_be_given_back() -> None:
    tx.grad(cross_entropy)(Z)
    assert 0 < kept() <= memory.KEPT
    tx.release_memory()
    assert kept() == 0


def test_memory_left_while_memory_is_taken_is_let_go(nothing_kept: None) -> None:
    """The cyclic collector may come in the midst of it."""
    x = memory.reused((8,), np.dtype(float))
    with memory._busy:
        del x
        y = memory.reused((8,), np.dtype(float))
    assert kept() == 0
    del y
    assert kept() == 64


def test_a_view_of_a_view_holds_the_memory(nothing_kept: None) -> None:
    x = memory.reused((4, 4), np.dtype(float), Large)
    views = [x[1:], x.T[:2], large.plain(x)[0], np.asarray(x).reshape(-1)[3:], x.view(np.int64)]
    del x
    while views:
        assert kept() == 0
        views.pop()
    assert kept() == 128


# -- what is computed -----------------------------------------------------------------------------


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "rows": lambda x: x,
    "columns": lambda x: x.T,
    "backwards": lambda x: x[::-1],
    "a part": lambda x: x[:, 1:],
    "three axes": lambda x: x.reshape(2, 3, 4),
    "three axes, exchanged": lambda x: x.reshape(2, 3, 4).transpose(1, 0, 2),
    "one row": lambda x: x[:1],
    "one column": lambda x: x[:, :1],
    "one number": lambda x: x[2, 2],
    "one number, repeated": lambda x: np.broadcast_to(x[2, 2], x.shape),
    "a row, repeated": lambda x: np.broadcast_to(x[2], x.shape),
    "a Python float": lambda x: 2.5,
    "a Python int": lambda x: 2,
}


@pytest.mark.parametrize("ufunc", [np.add, np.true_divide, np.greater, np.power, np.maximum])
@pytest.mark.parametrize("dtypes", ["dd", "fd", "df", "di", "fi", "ii", "ff"])
def test_an_operation_gives_what_numpy_gives(ufunc: Any, dtypes: str, all_large: None) -> None:
    """The same numbers, of the same dtype; in the same order in memory, if that is one of ours."""
    x, y = ((RNG.uniform(1, 2, size=(6, 4)) * 3).astype(d) for d in dtypes)
    for left in LAYOUTS.values():
        for right in LAYOUTS.values():
            a, b = left(x), right(y)
            if isinstance(a, np.ndarray) and _fit(a, b):
                got, expected = ufunc(a.view(Large), b), ufunc(a, b)
                np.testing.assert_array_equal(np.asarray(got), expected)
                assert got.dtype == expected.dtype
                if left is right or isinstance(b, float):
                    assert got.strides == expected.strides


@pytest.mark.parametrize("dtypes", ["dd", "fd", "df", "di", "fi", "ff"])
@pytest.mark.parametrize("cached", [8, 1000])  # bytes: a row or all at a time
def test_choices_are_those_of_numpy(
    dtypes: str, cached: int, all_large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large, "_CACHED", cached)
    x, y = (RNG.normal(size=(6, 4)).astype(d) for d in dtypes)
    for left in LAYOUTS.values():
        for right in LAYOUTS.values():
            a, b = left(x), right(y)
            for c in (left(x > 0), right(y > 0)):
                if isinstance(a, np.ndarray) and isinstance(c, np.ndarray) and _fit(a, b, c):
                    got, expected = np.where(c, a.view(Large), b), np.where(c, a, b)
                    np.testing.assert_array_equal(np.asarray(got), expected)
                    assert got.dtype == expected.dtype


def _fit(*arrays: Any) -> bool:
    try:
        np.broadcast_shapes(*map(np.shape, arrays))
    except ValueError:
        return False
    return True


def test_results_can_be_written_into(all_large: None) -> None:
    """As rules do, and even if all that they are made of is one number, repeated."""
    spread = tx.grad(lambda x, y: tx.sum(tx.tanh(tx.broadcast_to(x, (3, 4)) / y)), argnums=(0, 1))
    one = tx.grad(lambda x, y: 12 * tx.tanh(x / y), argnums=(0, 1))
    np.testing.assert_allclose(spread(2.0, 3.0), one(2.0, 3.0), rtol=1e-14)


def test_a_large_array_is_written_into_as_any(all_large: None) -> None:
    x = np.ones((3, 4)).view(Large)
    y = x
    y += 2
    assert y is x
    assert x[0, 0] == 3


def test_of_plain_arrays_a_caller_gets_plain_ones(all_large: None) -> None:
    for got in (tx.broadcast_to(np.ones(4), (80, 80, 4)), tx.exp(np.ones((3, 4)))):
        assert type(got) is np.ndarray


def test_two_large_arrays_are_written_into_at_once(all_large: None) -> None:
    x, whole, rest = (np.full((3, 4), n).view(Large) for n in (7.0, 0.0, 0.0))
    got = np.divmod(x, 2.0, out=(whole, rest))
    assert got[0] is whole
    assert got[1] is rest
    assert (whole[0, 0], rest[0, 0]) == (3.0, 1.0)
    made, again = np.divmod(x, 2.0, out=(None, rest))
    assert again is rest
    np.testing.assert_array_equal(made, whole)


# -- the checks themselves ------------------------------------------------------------------------


def test_memory_given_out_too_early_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    always_the_same = cache(lambda size: np.empty(size, np.uint8).data)
    monkeypatch.setattr(memory, "_take", always_the_same)
    with np.errstate(all="ignore"), pytest.raises(AssertionError):
        test_results_belong_to_the_caller(monkeypatch)


def test_a_view_handed_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "is_own", lambda x: True)
    with pytest.raises(AssertionError):
        held([USES["one gradient, as it is and as a view"]])


def test_a_wrong_shape_or_dtype_is_found(monkeypatch: pytest.MonkeyPatch, all_large: None) -> None:
    monkeypatch.setattr(large, "_dtype", lambda ufunc, *kinds: np.dtype(np.float64))
    with pytest.raises(AssertionError):
        test_an_operation_gives_what_numpy_gives(np.add, "ff", None)  # type: ignore[arg-type]
