"""Kernels that do short rows side by side give what the graphs hold, for any number of rows."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from graphs import Graph
from test_numba_code import LOSSES, assert_same, compiled, generated, interpreted

import tinygrad_xent as tx
from tinygrad_xent.compiling import numba_code
from tinygrad_xent.compiling.numba_code import lanes, scratch
from tinygrad_xent.graph import Tensor

SIDE_BY_SIDE = "for first in range(start, stop, 16)"


def results(rows: int, columns: int, dtype: Any = np.float64) -> Graph:
    """Of every kind: rows, numbers of rows, and what is added up or compared over rows."""
    rng = np.random.default_rng(rows)
    x = Tensor(rng.normal(size=(rows, columns)).astype(dtype), name="x")
    w = Tensor(rng.normal(size=columns).astype(dtype), name="w")
    y = Tensor(rng.integers(0, columns, rows), name="y")
    e = tx.exp(x * w)
    q = e / tx.sum(e, 1, keepdims=True)
    picked = tx.log(q[np.arange(rows), y])
    flat = tx.where(tx.max(x, 1) == tx.min(x, 1), 0.0, picked)
    above = tx.where(tx.sum(x, 1, keepdims=True) >= 0.0, q, x)
    outputs = [q, picked, tx.sum(picked), tx.sum(q * x, 0), tx.max(x, 0), tx.min(tx.max(q, 1)),
               tx.tanh(x) - tx.min(x, 1, keepdims=True), tx.sum(x > w, 1), flat, above]  # fmt: skip
    return [x, w, y], outputs


def assert_right(graph: Graph, load: Any = interpreted) -> None:
    code = generated(*graph)
    assert code is not None
    assert SIDE_BY_SIDE in code.kernels
    assert_results(load(code), graph)


def assert_results(run: Any, graph: Graph) -> None:
    found = run(*(leaf._value for leaf in graph[0]))
    for got, node in zip(found, graph[1], strict=True):
        assert_same(got, node)


@pytest.mark.parametrize("rows", [8, 15, 16, 17, 40])
def test_any_number_of_rows(rows: int) -> None:
    for columns in (2, 7, 15):
        for dtype in (np.float64, np.float32):
            assert_right(results(rows, columns, dtype))


def test_compiled() -> None:
    assert_right(results(21, 10), compiled)


def test_arrays_are_on_the_stack_unless_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = results(20, 5)
    assert "= np.empty" not in numba_code.generate(*graph).kernels
    monkeypatch.setattr(lanes, "_STACK", 1000)
    assert "= scratch" not in numba_code.generate(*graph).kernels
    assert_right(graph)


def filled(text: str) -> Any:
    """Two arrays that text makes, each written to after the other was."""
    numba = pytest.importorskip("numba", reason="numba is not installed")
    space: dict[str, Any] = {}
    exec(text, space)
    scratch = numba.extending.intrinsic(prefer_literal=True)(space["scratch"])

    @numba.njit
    def fill() -> Any:
        table, flags = scratch((3, 4), np.float32), scratch((5,), np.bool_)
        for n in range(12):
            table[n // 4, n % 4] = n
        for n in range(5):
            flags[n] = n % 2 == 1
        return table.copy(), table.strides, flags.copy()

    return fill()


def assert_filled(text: str) -> None:
    table, strides, flags = filled(text)
    np.testing.assert_array_equal(table, np.arange(12).reshape(3, 4))
    np.testing.assert_array_equal(flags, [False, True, False, True, False])
    assert (table.dtype, flags.dtype, strides) == (np.float32, np.bool_, (16, 4))


def test_what_is_on_the_stack_is_an_array() -> None:
    text = inspect.getsource(scratch.scratch)
    assert_filled(text)
    for right, wrong in (("in shape]", "in shape][::-1]"), ("sizes[axis:]", "sizes[:axis]"),
                         ("Array(dtype.dtype", "Array(types.int16")):  # fmt: skip
        assert right in text
        with pytest.raises(AssertionError):
            assert_filled(text.replace(right, wrong))


SMALL_STACK = """
import threading
import numpy as np
from numba import njit
from numba.extending import intrinsic
from tinygrad_xent.compiling.numba_code.scratch import scratch

scratch = intrinsic(prefer_literal=True)(scratch)

@njit
def fill(k):
    x = scratch(({entries},), np.float64)
    for n in range(x.size):
        x[n] = n * k
    return x[k]

fill(2)
threading.stack_size(1 << 16)
thread = threading.Thread(target=lambda: print(fill(3)))
thread.start()
thread.join()
"""


def test_threads_with_little_stack() -> None:
    pytest.importorskip("numba", reason="numba is not installed")
    program = SMALL_STACK.format(entries=lanes._STACK // 8)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "9.0", done.stderr


def test_losses_of_few_classes() -> None:
    for loss in LOSSES.values():
        leaf = Tensor(np.random.default_rng(0).normal(size=(12, 7)), name="z")
        code = generated([leaf], list(tx.value_and_grad(loss)(leaf)))
        assert code is not None
        assert SIDE_BY_SIDE in code.kernels


def test_where_it_is_done() -> None:
    long, few = results(20, lanes._SHORT + 1), results(7, 5)
    for graph in (long, few):
        assert SIDE_BY_SIDE not in numba_code.generate(*graph).kernels
    twenty, forty = (numba_code.generate(*results(n, 5)).kernels for n in (20, 40))
    assert twenty == forty  # another batch runs the same machine code


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("range(min(16, stop - first))", "range(min(15, stop - first))"),
     ("first + r, stop - 1", "first, stop - 1"),
     ("x_0_t[j, r]", "x_0_t[j, 0]")],
)  # fmt: skip
def test_a_planted_fault_is_caught(right: str, wrong: str) -> None:
    graph = results(17, 5)
    code = numba_code.generate(*graph)
    assert right in code.kernels
    kernels = code.kernels.replace(right, wrong)
    faulty = numba_code.NumbaCode(code.source, code.constants, 0, kernels, code.driver)
    with pytest.raises(AssertionError):
        assert_results(interpreted(faulty), graph)
