"""Long chains, memory, threads, tasks, copies."""

from __future__ import annotations

import asyncio
import copy
import gc
import multiprocessing
import pickle
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from oracle import assert_close

import tinygrad_xent as tx
from tinygrad_xent.graph import Tensor

# -- length and memory ----------------------------------------------------------------------------


@contextmanager
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def chain(x: Any, n: int) -> Any:
    y = x
    for _ in range(n // 2):
        y = y * 0.999999 + x
    return y


def test_a_chain_of_a_million_operations() -> None:
    """Built, differentiated and freed: without recursion, and with the cyclic collector off."""
    n, limit = 1_000_000, sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        with no_collector():
            before = len(gc.get_objects())
            x = tx.tensor(0.5)
            y = chain(x, n)
            y.backward()
            r = 0.999999
            expected = (1 - r ** (n // 2 + 1)) / (1 - r)
            assert x.grad == pytest.approx(expected, rel=1e-9)
            assert len(gc.get_objects()) > before + n - 1000
            del y
            assert len(gc.get_objects()) < before + 1000
    finally:
        sys.setrecursionlimit(limit)


def test_a_recorded_walk_of_a_long_chain_is_freed_too() -> None:
    n = 20_000
    with no_collector():
        before = len(gc.get_objects())
        second = tx.grad(tx.grad(lambda x: tx.sin(chain(x, n)) * 0.0 + chain(x * x, n)))(0.5)
        assert second == pytest.approx(2 * sum(0.999999**k for k in range(n // 2 + 1)), rel=1e-9)
        assert len(gc.get_objects()) < before + 1000


def test_a_wide_fan_out_and_a_deep_diamond() -> None:
    x = tx.tensor(1.0)
    total = x * 0.0
    for k in range(3000):
        total = total + x * float(k)
    total.backward()
    assert x.grad == 3000 * 2999 / 2
    y = x
    for _ in range(60):  # 2**60 paths
        y = y + y
    x.grad = None
    y.backward()
    assert x.grad == 2.0**60


STEPS: dict[str, Callable[[Tensor], Any]] = {
    "backward": lambda x: (tx.softmax_cross_entropy(x, np.zeros(100, int)).sum()).backward(),
    "grad": lambda x: tx.grad(lambda x: tx.sum(tx.where(x > 0, tx.sqrt(x), 0.0)))(x.value),
    "hvp": lambda x: tx.hvp(lambda x: tx.sum(x**3))(x.value, x.value),
    "jvp": lambda x: tx.jvp(tx.softmax, (x.value,), (x.value,)),
    "an error": lambda x: misfit(x),
}


def misfit(x: Tensor) -> None:
    with pytest.raises(tx.ShapeError):
        x + np.ones(7)


@pytest.mark.parametrize("name", STEPS)
def test_a_training_loop_keeps_no_memory(name: str) -> None:
    """No cycle anywhere: what a step made is gone when it ends, with the collector off."""
    x = tx.tensor(np.random.default_rng(0).uniform(0.5, 1.0, size=(100, 50)))
    for _ in range(3):
        STEPS[name](x)
    with no_collector():
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            for _ in range(20):
                x.grad = None
                STEPS[name](x)
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert after - before < 2 * x.value.nbytes


def test_a_gradient_frees_values_while_it_walks_back() -> None:
    """At most what the forward pass made, and a few arrays at work; backward() keeps both."""
    x, depth = np.full(50_000, 0.5), 20

    def f(x: Any) -> Any:
        for _ in range(depth):
            x = tx.tanh(x)
        return tx.sum(x)

    def keeping() -> None:
        f(tx.tensor(x)).backward()

    peaks = [peak(lambda: tx.grad(f)(x)), peak(keeping)]
    assert peaks[0] < (depth + 6) * x.nbytes
    assert peaks[1] > 1.5 * depth * x.nbytes


def test_a_value_that_no_rule_reads_is_freed_before_the_rule_makes_another() -> None:
    """As many arrays as NumPy by hand: exp z, its softmax and log, p times that, and two copies."""
    z = np.random.default_rng(0).normal(size=(200, 500))
    p = np.full(z.shape, 1 / 500)

    def loss(z: Any) -> Any:
        e = tx.exp(z)
        return -tx.sum(p * tx.log(e / tx.sum(e, axis=1, keepdims=True)))

    assert peak(lambda: tx.value_and_grad(loss)(z)) < 6.5 * z.nbytes


def peak(call: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# -- threads and tasks ----------------------------------------------------------------------------


def test_no_grad_holds_in_its_own_thread_only() -> None:
    inside, done = threading.Event(), threading.Event()
    recorded = []

    def other() -> None:
        inside.wait(10)
        recorded.append((tx.tensor(2.0) * 3.0).op is not None)
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with tx.no_grad():
        inside.set()
        assert done.wait(10)
        assert (tx.tensor(2.0) * 3.0).op is None
    thread.join()
    assert recorded == [True]


def test_threads_differentiate_at_the_same_time() -> None:
    def work(k: int) -> float:
        f = lambda x: x ** float(k) * tx.grad(lambda y: tx.sum(y * x))(1.0)
        for _ in range(50):
            if k % 2:
                with tx.no_grad():
                    assert (tx.tensor(1.0) * 2).op is None
            result = tx.grad(f)(2.0)
        return float(result)

    old = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(work, range(1, 17)))
    finally:
        sys.setswitchinterval(old)
    assert results == [(k + 1) * 2.0**k for k in range(1, 17)]


def test_tasks_do_not_disturb_each_other() -> None:
    async def silent() -> list[bool]:
        seen = []
        with tx.no_grad():
            for _ in range(20):
                await asyncio.sleep(0)
                seen.append((tx.tensor(1.0) * 2).op is None)
        return seen

    async def recording() -> list[bool]:
        seen = []
        for _ in range(20):
            await asyncio.sleep(0)
            x = tx.tensor(3.0)
            (x * x).backward()
            seen.append(x.grad == 6.0)
        return seen

    async def both() -> list[list[bool]]:
        return await asyncio.gather(silent(), recording(), silent(), recording())

    assert all(map(all, asyncio.run(both())))


def test_a_walk_left_half_way_leaves_nothing_behind() -> None:
    """A rule that raises changes neither the gradients nor what is recorded or warned about."""
    x = tx.tensor([0.0, 1.0])
    good = x * 2

    def broken(g: Any, out: Any, x: Any) -> Any:
        raise RuntimeError("broken rule")

    op = tx.graph.Primitive("broken", np.negative, vjp=broken, scalar=None, elementwise=True,
                            selects=True, works="", text="")  # fmt: skip
    errors = np.geterr()
    with pytest.raises(RuntimeError, match="broken rule"):
        (op(good) + good).sum().backward()
    assert x.grad is None
    assert good.grad is None
    assert np.geterr() == errors
    assert (x * 2).op is not None
    with pytest.raises(RuntimeError, match="broken rule"):
        tx.grad(lambda x: tx.sum(op(x)))(np.ones(2))
    assert type(tx.grad(tx.sum)(np.ones(2))) is np.ndarray


# -- copies ---------------------------------------------------------------------------------------


def graph() -> tuple[Tensor, Tensor, Tensor]:
    x = tx.tensor([1.0, 2.0, 3.0], name="x")
    shared = tx.exp(x).named("e")
    loss = (shared[[0, 0, 2]] * shared).sum(axis=0) + tx.where(x > 1, x, 0.0).sum()
    return x, shared, loss


def loads(x: Any) -> Any:
    return pickle.loads(pickle.dumps(x))


@pytest.mark.parametrize("copied", [loads, copy.deepcopy], ids=["pickle", "deepcopy"])
def test_a_copy_of_a_graph_differentiates_alike(copied: Any) -> None:
    x, _, loss = graph()
    loss.backward()
    expected = x.grad.copy()
    x2, loss2 = copied((x, loss))
    assert loss2.value == loss.value
    assert_close(x2.grad, expected)
    assert x2.name == "x"
    assert "e" in {n.name for n in tx.graph.toposort(loss2)}
    x2.grad = None
    loss2.backward()
    assert_close(x2.grad, expected)
    assert_close(x.grad, expected)
    assert len(tx.graph.toposort(loss2)) == len(tx.graph.toposort(loss))


@pytest.mark.parametrize("copied", [loads, copy.deepcopy], ids=["pickle", "deepcopy"])
@pytest.mark.parametrize("value", [2.0, [1.0], np.float32(2), np.arange(3), np.array([True])])
def test_leaves_copy_exactly(copied: Any, value: Any) -> None:
    t = tx.tensor(value, name="t")
    u = copied(t)
    assert type(u.value) is type(t.value)
    assert (u.dtype, u.shape, u.name, u.op) == (t.dtype, t.shape, "t", None)
    np.testing.assert_array_equal(u.value, t.value)
    if isinstance(t.value, np.ndarray):
        assert not np.shares_memory(u.value, t.value)
    with tx.no_grad():
        mask = tx.tensor(2.0) > 1.0
    assert copied(mask).value is True


@pytest.mark.parametrize("copied", [loads, copy.deepcopy], ids=["pickle", "deepcopy"])
def test_a_long_chain_copies_without_recursion(copied: Any) -> None:
    x = tx.tensor(0.5)
    y = copied(chain(x, 20_000))
    y.backward()
    assert y.value == chain(0.5, 20_000)


def slope_elsewhere(loss: Tensor) -> Any:
    loss.backward()
    return next(n.grad for n in tx.graph.toposort(loss) if n.name == "x")


def test_a_graph_travels_to_another_process() -> None:
    x, _, loss = graph()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.apply(slope_elsewhere, (loss,))
    loss.backward()
    assert_close(there, x.grad)
