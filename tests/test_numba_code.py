"""Loops that numba compiles give what the graphs hold.

Compiling takes a second for each kernel. Most tests run the very same text without compiling it.
"""

from __future__ import annotations

import functools
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from graphs import Graph, primitive_graphs, random_graphs
from hypothesis import given, settings
from oracle import TABLE
from plain_numba import interpreted
from test_numpy_code import assert_same

import tinygrad_xent as tx
from tinygrad_xent.compiling import back_ends, numba_code
from tinygrad_xent.compiling.numba_code import fused, kernel_cache
from tinygrad_xent.compiling.numba_code.expressions import NotInLoops
from tinygrad_xent.graph import PRIMITIVES, Tensor


def compiled(code: numba_code.NumbaCode) -> Any:
    pytest.importorskip("numba", reason="numba is not installed")
    return code.load()


def generated(inputs: list[Tensor], outputs: list[Tensor]) -> numba_code.NumbaCode | None:
    try:
        return numba_code.generate(inputs, outputs)
    except NotInLoops:
        return None


def assert_runs(inputs: list[Tensor], outputs: list[Tensor], load: Any = interpreted) -> None:
    code = generated(inputs, outputs)
    if code is None:
        return
    run = load(code)
    with np.errstate(all="ignore"):
        found = run(*(leaf._value for leaf in inputs))
    for got, node in zip(found, outputs, strict=True):
        assert_same(got, node)


@pytest.mark.parametrize("name", TABLE)
def test_every_primitive_and_its_gradient(name: str) -> None:
    for dtype in (np.float64, np.float32):
        for inputs, outputs in primitive_graphs(name, dtype):
            assert_runs(inputs, outputs)


@settings(max_examples=100, deadline=None)
@given(random_graphs())
def test_random_compositions_and_their_gradients(graph: Graph) -> None:
    assert_runs(*graph)


# -- losses, compiled -----------------------------------------------------------------------------

ROWS, CLASSES = 12, 7


def drawn(*shape: int, dtype: Any = np.float64) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(dtype)


LABELS = np.random.default_rng(0).integers(0, CLASSES, ROWS)
TARGETS = np.exp(drawn(ROWS, CLASSES)) / np.exp(drawn(ROWS, CLASSES)).sum(1, keepdims=True)
FEATURES = drawn(ROWS, 5)


def naive(z: Any) -> Any:
    e = tx.exp(z)
    return -tx.mean(tx.log((e / tx.sum(e, 1, keepdims=True))[np.arange(ROWS), LABELS]))


def normalised(z: Any) -> Any:
    d = z - tx.mean(z, 1, keepdims=True)
    return tx.sum((d / tx.sqrt(tx.mean(d * d, 1, keepdims=True) + 1e-5)) ** 3)


def two_layers(z: Any, x: Any) -> Any:
    return tx.mean(tx.softmax_cross_entropy(tx.tanh(x @ z) @ z.T, [1] * len(x)))


LOSSES = {
    "naive cross-entropy": naive,
    "cross-entropy": lambda z: tx.mean(tx.softmax_cross_entropy(z, LABELS)),
    "dense cross-entropy": lambda z: tx.mean(tx.softmax_cross_entropy(z, TARGETS.astype(z.dtype))),
    "divergence": lambda z: tx.mean(tx.kl_divergence(TARGETS.astype(z.dtype), tx.softmax(z))),
    "squared error": lambda z: tx.mean((tx.softmax(z) - TARGETS.astype(z.dtype)) ** 2),
    "binary": lambda z: tx.mean(tx.sigmoid_binary_cross_entropy(z, TARGETS.astype(z.dtype))),
    "layer norm": normalised,
    "two layers": lambda z: tx.mean(
        tx.softmax_cross_entropy(tx.tanh(FEATURES.T.astype(z.dtype) @ z) @ z.T, [1] * 5)
    ),
}


def value_and_gradient(loss: Any, z: Any) -> Graph:
    leaf = Tensor(z, name="z")
    value, slope = tx.value_and_grad(loss)(leaf)
    return [leaf], [value, slope]


@pytest.mark.parametrize("name", LOSSES)
def test_losses_as_plain_python(name: str) -> None:
    for dtype in (np.float64, np.float32):
        assert_runs(*value_and_gradient(LOSSES[name], drawn(ROWS, CLASSES, dtype=dtype)))


def test_all_rows_picked_in_order() -> None:
    def loss(z: Any) -> Any:
        return tx.sum(tx.exp(z)) + tx.sum(tx.exp(z)[np.arange(ROWS)] ** 2)

    pytest.importorskip("numba", reason="numba is not installed")
    z, slope = drawn(ROWS, CLASSES), tx.grad(loss)
    np.testing.assert_allclose(tx.compile(slope, backend="numba")(z), slope(z), rtol=1e-12)


@pytest.mark.parametrize("name", ["naive cross-entropy", "binary", "two layers"])
def test_losses_compiled(name: str) -> None:
    assert_runs(*value_and_gradient(LOSSES[name], drawn(ROWS, CLASSES)), load=compiled)


def test_single_precision_stays_single() -> None:
    graph = value_and_gradient(LOSSES["cross-entropy"], drawn(ROWS, CLASSES, dtype=np.float32))
    assert_runs(*graph, load=compiled)
    text = numba_code.generate(*graph).source
    assert "exp_shifted_32(" in text
    assert "exp_shifted(" not in text


def test_long_rows_and_many_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums of blocks of columns, on several processors, in an order that is always the same."""
    monkeypatch.setattr(fused, "PARALLEL", 1)
    monkeypatch.setattr(fused, "CHUNK", 1000)
    leaf = Tensor(drawn(9, 5000), name="x")
    outputs = [tx.sum(tx.exp(leaf), 1), tx.max(leaf, 0), tx.sum(leaf * leaf), tx.sum(leaf, 0)]
    code = numba_code.generate([leaf], outputs)
    assert "crew.run(loop_1, 9, 9" in code.driver
    run = compiled(code)
    first = run(leaf._value)
    for got, node in zip(first, outputs, strict=True):
        assert_same(got, node)
    for _ in range(5):
        for a, b in zip(run(leaf._value), first, strict=True):
            np.testing.assert_array_equal(a, b)


COLUMNS: tuple[Any, ...] = (0, 2, -1, slice(1, 2), slice(3, 2, -1), slice(-1, None), np.s_[4:9:7])


@pytest.mark.parametrize("column", COLUMNS, ids=str)
@pytest.mark.parametrize("width", [7, 40])
def test_a_column_is_an_entry_of_each_row(column: Any, width: int) -> None:
    """Of an argument, and of what is computed, before and after it is stored."""
    leaf = Tensor(drawn(20, width), name="x")
    x, e = leaf[:, column], tx.exp(leaf)
    x, y = (tx.reshape(a, (20, 1)) for a in (x, e[:, column]))
    shares = e / tx.sum(e, 1, keepdims=True)
    outputs = [leaf - x, shares * y, tx.sum(shares * x, 1), tx.reshape(y, 20) + 1.0]
    assert_runs([leaf], outputs)
    code = numba_code.generate([leaf], outputs)
    assert len(code.kernels.split("@kernel")) == 2
    assert "for i in range" not in code.driver


@pytest.mark.parametrize("name", ["crew", "loop_1", "end", "rows", "rows_x", "op_1", "np"])
def test_names_of_inputs_hide_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "PARALLEL", 100)
    monkeypatch.setattr(fused, "CHUNK", 10)
    leaf = Tensor(drawn(20, 40), name=name)
    assert_runs([leaf], [tx.log(tx.sum(tx.exp(leaf), 1))])


def test_several_columns_are_left_to_numpy() -> None:
    leaf = Tensor(drawn(20, 40), name="x")
    for index in (np.s_[:, 1:3], np.s_[:, ::20], np.s_[:, None, 3]):
        assert_runs([leaf], [tx.exp(leaf[index]) * 2.0, tx.sum(tx.exp(leaf), 1)])


def test_fused_into_two_loops_over_columns() -> None:
    """Softmax with cross-entropy: one exponential for each entry, read once and written once."""
    code = numba_code.generate(*value_and_gradient(naive, drawn(ROWS, 100)))
    assert len(code.kernels.split("@kernel")) == 2
    kernel = code.kernels.split("@kernel")[1]
    assert kernel.count("for j in range(columns") + kernel.count("for k in range(min(") == 2
    assert kernel.count("exp(") == 1
    assert "np.empty" not in kernel


# -- what must not happen -------------------------------------------------------------------------


def test_indices_out_of_range_are_refused() -> None:
    z = Tensor(drawn(ROWS, CLASSES), name="z")
    labels = Tensor(LABELS, name="labels")
    picked = tx.exp(z)[np.arange(ROWS), labels]
    run = compiled(numba_code.generate([z, labels], [picked]))
    np.testing.assert_allclose(run(z._value, LABELS - CLASSES)[0], picked._value)  # from the end
    for wrong in (LABELS + CLASSES, LABELS - 2 * CLASSES):
        with pytest.raises(IndexError, match="out of range"):
            run(z._value, wrong)


def test_nan_and_infinities_go_where_numpy_sends_them() -> None:
    x = drawn(6, 70)
    x[0, 3], x[1, 4], x[2, 5], x[3, :] = np.nan, np.inf, -np.inf, -np.inf
    leaf = Tensor(x)
    with np.errstate(all="ignore"):
        shares = tx.exp(leaf) / tx.sum(tx.exp(leaf), 1, keepdims=True)
        outputs = [tx.max(leaf, 1), tx.min(leaf, 1), shares, tx.sum(tx.exp(leaf)),
                   tx.maximum(leaf, 0.0), tx.max(leaf, 0)]  # fmt: skip
    run = interpreted(numba_code.generate([leaf], outputs))
    with np.errstate(all="ignore"):
        for got, node in zip(run(x), outputs, strict=True):
            np.testing.assert_allclose(got, node._value, rtol=1e-12)


def test_a_planted_fault_is_caught() -> None:
    graph = value_and_gradient(naive, drawn(ROWS, CLASSES))
    code = numba_code.generate(*graph)
    wrong = code.kernels.replace("div_0 = 1.0 / ", "div_0 = 1.0000001 / ")
    assert wrong != code.kernels
    found = interpreted(numba_code.NumbaCode(code.source, code.constants, 0, wrong, code.driver))
    with pytest.raises(AssertionError):
        assert_same(found(graph[0][0]._value)[1], graph[1][1])


def test_an_operation_of_somebody_elses_is_left_to_numpy() -> None:
    foreign = tx.primitive("foreign_of_the_test", lambda x: x + 1, elementwise=True)
    try:
        x = Tensor(drawn(ROWS, CLASSES))
        y = foreign(tx.exp(x)) * 2
        code = numba_code.generate([x], [y])
        assert code.kernels.count("@kernel") == 2
        assert_same(interpreted(code)(x._value)[0], y)
    finally:
        del PRIMITIVES["foreign_of_the_test"]


def test_without_a_loop_there_is_nothing_to_compile() -> None:
    x = tx.tensor(2.0)
    with pytest.raises(NotInLoops):
        numba_code.generate([x], [x * x])


def test_two_threads_load_the_same_kernels_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else there would be two crews."""
    both = threading.Barrier(2)

    def slow(text: str) -> dict[str, Any]:
        both.wait(5)
        return {"text": text}

    monkeypatch.setattr(kernel_cache, "_load", slow)
    monkeypatch.setattr(kernel_cache, "_loaded", {})
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(kernel_cache.load_kernels, ["x = 1", "x = 1"])
    assert first is second


def test_a_numba_that_does_not_work_is_one_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Any:
        raise ImportError(f"{name} needs another NumPy")

    assert_noticed(monkeypatch, broken, "needs another NumPy")


def test_a_numba_that_compiles_nothing_is_one_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops over rows in Python would take minutes."""
    idle = SimpleNamespace(config=SimpleNamespace(DISABLE_JIT=1))
    assert_noticed(monkeypatch, lambda name: idle, "NUMBA_DISABLE_JIT")


def assert_noticed(monkeypatch: pytest.MonkeyPatch, import_module: Any, problem: str) -> None:
    monkeypatch.setattr(back_ends, "import_module", import_module)
    monkeypatch.setattr(
        back_ends, "numba_works", functools.cache(back_ends.numba_works.__wrapped__)
    )
    inputs, outputs = value_and_gradient(naive, drawn(ROWS, CLASSES))
    with pytest.warns(UserWarning, match=problem):
        code = back_ends._loops_or_numpy(inputs, outputs)
    assert "numba" not in code.source
    assert "numba" not in back_ends._loops_or_numpy(inputs, outputs).source


def test_arrays_of_any_layout_and_several_threads() -> None:
    pytest.importorskip("numba", reason="numba is not installed")
    f = tx.compile(tx.value_and_grad(lambda z: tx.sum(tx.tanh(z) * z)), backend="numba")
    z = drawn(600, 40)
    value, slope = (np.array(r) for r in f(z))
    wide = np.zeros((600, 80))
    wide[:, ::2] = z
    frozen = z.copy()
    frozen.setflags(write=False)
    with ThreadPoolExecutor(3) as threads:
        calls = [threads.submit(f, a) for a in [np.asfortranarray(z), wide[:, ::2], frozen] * 4]
    for call in calls:
        again = call.result()
        np.testing.assert_allclose(again[0], value, rtol=1e-13)
        np.testing.assert_array_equal(again[1], slope)


def test_the_tail_keeps_its_digits() -> None:
    """Compiled from the naive formula, where 1 - q would round to 0."""
    pytest.importorskip("numba", reason="numba is not installed")

    def loss(z: Any, labels: Any) -> Any:
        q = tx.exp(z) / tx.sum(tx.exp(z), 1, keepdims=True)
        return -tx.sum(tx.log(q[np.arange(2), labels]))

    z = np.array([[40.0, 0.0, 0.0], [1000.0, 0.0, -1000.0]])
    value, slope = tx.compile(tx.value_and_grad(loss), backend="numba")(z, np.array([0, 2]))
    tail = 4.2483542552915889e-18  # e^-40 / (1 + 2 e^-40), by hand
    np.testing.assert_allclose(slope[0], [-2 * tail, tail, tail], rtol=2e-15)
    np.testing.assert_array_equal(slope[1], [1.0, 0.0, -1.0])
    assert value == 2000.0


# -- what is kept on disk -------------------------------------------------------------------------

PROGRAM = """
import numpy as np, tinygrad_xent as tx
from tinygrad_xent.compiling import numba_code
x = tx.tensor(np.arange(12.0).reshape(4, 3))
code = numba_code.generate([x], [tx.sum(tx.tanh(x), 1)])
run = code.load()
run(x.value)
kernel = run.__globals__["loop_1"]
print(sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values()))
"""


def test_a_second_process_does_not_compile_again(tmp_path: Path, monkeypatch: Any) -> None:
    pytest.importorskip("numba", reason="numba is not installed")
    monkeypatch.setenv(kernel_cache.VARIABLE, str(tmp_path / "made" / "for it"))
    for expected in ("0 1", "1 0"):
        done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
        assert done.stdout.strip() == expected, done.stderr


def test_a_directory_that_cannot_be_written_is_one_notice(tmp_path: Path, monkeypatch: Any) -> None:
    pytest.importorskip("numba", reason="numba is not installed")
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv(kernel_cache.VARIABLE, str(blocked))
    monkeypatch.setattr(kernel_cache, "_noticed", [])
    text = "from numba import njit\nkernel = njit(nogil=True, cache=True)\n"
    text += "@kernel\ndef f(x):\n    return x + {}\n"
    with pytest.warns(UserWarning, match="TINYGRAD_XENT_CACHE"):
        assert kernel_cache.load_kernels(text.format(1))["f"](1) == 2
    assert kernel_cache.load_kernels(text.format(2))["f"](1) == 3


def test_no_cache_by_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernel_cache.VARIABLE, "")
    assert kernel_cache.cache_directory() is None


def test_long_code_is_left_to_numpy() -> None:
    """Twenty steps of a recurrent network would take a quarter of a minute to compile."""

    def unrolled(w: Any, x: Any) -> Any:
        h = np.zeros((4, 8))
        for step in range(20):
            h = tx.tanh(h @ w + x[step])
        return tx.mean(h * h)

    compiled = tx.compile(tx.value_and_grad(unrolled))
    w, x = np.eye(8) * 0.5, np.ones((20, 4, 8))
    value, slope = compiled(w, x)
    assert "numba" not in compiled.source
    expected, gradient = tx.value_and_grad(unrolled)(w, x)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(slope, gradient, rtol=1e-11, atol=1e-15)
