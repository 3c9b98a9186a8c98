"""Kernels that shift by an entry that an index picks, and by the largest where that will not do."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from test_numba_code import interpreted

import tinygrad_xent as tx
from tinygrad_xent.compiling import numba_code
from tinygrad_xent.compiling.tracing import trace

AGAIN = "for attempt in range(2)"
SIZES = [(20, 5), (6, 70)]  # rows side by side, and one by one
BELOW = (0, 3, 16, 18, 40, 800)  # how far the picked entry is below the largest


def softmax(z: Any) -> Any:
    e = tx.exp(z)
    return e / tx.sum(e, 1, keepdims=True)


def log_picked(z: Any, y: Any) -> Any:
    return tx.log(softmax(z)[np.arange(z.shape[0]), y])


def cross_entropy(z: Any, y: Any) -> Any:
    return -tx.sum(log_picked(z, y))


FREE = {
    "cross-entropy": tx.value_and_grad(cross_entropy),
    "of the library": tx.value_and_grad(lambda z, y: tx.sum(tx.softmax_cross_entropy(z, y))),
    "of each row": lambda z, y: -log_picked(z, y),
    "with a bias": tx.value_and_grad(
        lambda z, y: cross_entropy(z + np.arange(z.shape[1] * 1.0), y)
    ),
    "smoothed": tx.value_and_grad(
        lambda z, y: cross_entropy(z, y) - tx.sum(tx.mean(tx.log(softmax(z)), 1))
    ),
    "weighted": tx.value_and_grad(
        lambda z, y: -tx.sum(log_picked(z, y) * np.linspace(0, 1, z.shape[0], dtype=z.dtype))
    ),
}
BOUND = {
    "the largest itself": lambda z, y: log_picked(z, y) + tx.max(z, 1),
    "a sum that is not divided by": lambda z, y: (
        tx.sum(tx.exp(z - tx.max(z, 1, keepdims=True)), 1) * log_picked(z, y)
    ),
    "which one is the largest": lambda z, y: (
        tx.where(z == tx.max(z, 1, keepdims=True), softmax(z), 0.0), log_picked(z, y)
    ),
    "the logarithm of the sum": lambda z, y: (
        tx.log(tx.sum(tx.exp(z), 1)), z[np.arange(z.shape[0]), y]
    ),
    "digits of entries that are not picked": lambda z, y: (tx.log(softmax(z)), log_picked(z, y)),
}  # fmt: skip


def logits(below: float, size: Any = SIZES[0], dtype: Any = np.float64) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=size), rng.integers(0, size[1], size[0])
    z[np.arange(size[0]), y] = z.max(1) - below
    return z.astype(dtype), y


def code(f: Any, z: Any, y: Any) -> numba_code.NumbaCode:
    traced = trace([z, y], lambda new: f(*new))
    return numba_code.generate(traced.inputs, traced.outputs)


def assert_like_numpy(f: Any, run: Any, z: Any, y: Any, atol: float = 0.0) -> None:
    with np.errstate(all="ignore"):
        expected = tx.compile(f, backend="numpy")(z, y)
        expected = expected if isinstance(expected, tuple) else (expected,)
        for a, b in zip(run(z, y), expected, strict=True):
            np.testing.assert_allclose(a, b, 1e-13 if z.dtype == np.float64 else 2e-5, atol)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", FREE)
def test_where_any_shift_will_do(name: str, size: Any) -> None:
    for dtype in (np.float64, np.float32):
        made = code(FREE[name], *logits(0, size, dtype))
        assert AGAIN in made.kernels
        atol = float(np.finfo(dtype).eps) if name == "smoothed" else 0.0  # q - 1 / n
        for below in BELOW:
            assert_like_numpy(FREE[name], interpreted(made), *logits(below, size, dtype), atol)


@pytest.mark.parametrize("name", BOUND)
def test_where_it_has_to_be_the_largest(name: str) -> None:
    made = code(BOUND[name], *logits(0))
    assert AGAIN not in made.kernels
    for below in BELOW:
        assert_like_numpy(BOUND[name], interpreted(made), *logits(below))


def mixed(size: Any) -> tuple[Any, Any]:
    """Ordinary rows between rows of huge logits."""
    parts = [logits(below, size) for below in BELOW]
    return np.concatenate([z for z, _ in parts]), np.concatenate([y for _, y in parts])


def of_each_row(z: Any, y: Any) -> Any:
    return -log_picked(z, y), tx.grad(cross_entropy)(z, y)


@pytest.mark.parametrize("size", SIZES)
def test_a_row_does_not_depend_on_the_others(size: Any) -> None:
    z, y = mixed(size)
    made = code(of_each_row, z, y)
    value, slope = interpreted(made)(z, y)
    for i in range(0, len(z), 5):
        one, gradient = interpreted(made)(*(np.repeat(a[[i]], len(a), 0) for a in (z, y)))
        np.testing.assert_array_equal(one[1], value[i])
        np.testing.assert_array_equal(gradient[1], slope[i])


@pytest.mark.parametrize("size", SIZES)
def test_digits(size: Any) -> None:
    """Of the loss and each entry of its gradient, whether the label's logit is large or small."""
    z, y = mixed(size)
    z = np.concatenate([z, z])
    y = np.concatenate([y, z[: len(y)].argmax(1)])
    value, slope = interpreted(code(of_each_row, z, y))(z, y)
    with mpmath.workdps(800):
        for row, t, loss, gradient in zip(z, y, value, slope, strict=True):
            e = [mpmath.exp(mpmath.mpf(x) - mpmath.mpf(row.max())) for x in row]
            rest = mpmath.fsum(e[:t] + e[t + 1 :])
            exact = [x / (rest + e[t]) for x in e]
            exact[t] = -rest / (rest + e[t])
            np.testing.assert_allclose(gradient, [float(x) for x in exact], rtol=2e-14)
            np.testing.assert_allclose(loss, float(mpmath.log1p(rest / e[t])), rtol=2e-14)


@pytest.mark.parametrize("size", [(8, 5), (8, 70)])
def test_infinities_and_nan(size: Any) -> None:
    z, y = logits(0, size)
    z, y = np.repeat(z[:1], 8, 0), np.repeat(y[:1], 8)
    t, other = y[0], (y[0] + 1) % size[1]
    z[0, other], z[1, t], z[2, other], z[3, t] = -np.inf, -np.inf, np.inf, np.inf
    z[4, other], z[5, t], z[6], z[7, np.arange(size[1]) != t] = np.nan, np.nan, -np.inf, -np.inf
    assert_like_numpy(of_each_row, interpreted(code(of_each_row, z, y)), z, y)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("right", "wrong"),
    [("< 16777216.0", "< np.inf"), ("if attempt == 1:", "if attempt == 2:"),
     ("if small:", "if True:"), ("{0} = {1}", "{0} = {1} + 20.0")],
)  # fmt: skip
def test_a_planted_fault_is_caught(right: str, wrong: str, size: Any) -> None:
    z, y = mixed(size)
    made = code(of_each_row, z, y)
    lane = "[r]" if "for first in" in made.kernels else ""
    names = "shift_0" + lane, "pick_0" + lane
    right, wrong = right.format(*names), wrong.format(*names)
    if right == "if small:" and not lane:
        pytest.skip("a row by itself has no others")
    assert right in made.kernels
    kernels = made.kernels.replace(right, wrong)
    faulty = numba_code.NumbaCode(made.source, made.constants, 0, kernels, made.driver)
    with pytest.raises(AssertionError):
        assert_like_numpy(of_each_row, interpreted(faulty), z, y)


def test_compiled() -> None:
    pytest.importorskip("numba", reason="numba is not installed")
    z, y = mixed(SIZES[0])
    assert_like_numpy(of_each_row, tx.compile(of_each_row, backend="numba"), z, y)


def test_the_largest_less_the_largest_is_zero() -> None:
    """What an index picks is divided as the row is, and no product is fused with the difference."""
    pytest.importorskip("numba", reason="numba is not installed")
    z, y = logits(-200.0)

    def loss(z: Any, y: Any) -> Any:
        return -log_picked(z / 3.0, y), -log_picked(z * 0.3, y)

    assert_like_numpy(loss, interpreted(code(loss, z, y)), z, y)
    assert_like_numpy(loss, tx.compile(loss, backend="numba"), z, y)
