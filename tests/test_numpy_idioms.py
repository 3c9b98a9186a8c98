"""What NumPy code does in ways of NumPy's own gives the numbers of what it stands for."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gallery import GALLERY
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st
from test_numpy_code import FEW, assert_runs, tile_of

import tinygrad_xent as tx
from tinygrad_xent.bench import processes
from tinygrad_xent.compiling.numpy_code import peaks, settings
from tinygrad_xent.errors import ShapeError
from tinygrad_xent.graph import Tensor, toposort
from tinygrad_xent.memory import empty

RNG = np.random.default_rng(0)
LOGITS = {
    "random": 3 * RNG.normal(size=(7, 5)),
    "tied": np.round(RNG.normal(size=(7, 5))),
    "all alike": np.zeros((7, 5)),
    "saturated": np.eye(5)[[0, 3, 2, 1, 4, 4, 0]] * 40,
    "masked": np.where(np.eye(7, 5, 1) > 0, -np.inf, RNG.normal(size=(7, 5))),
}
TARGETS = {"one-hot": np.eye(5)[[0, 3, 0, 1, 4, 2, 2]], "dense": RNG.dirichlet(np.ones(5), 7)}
WEIGHTS = RNG.uniform(0.5, 2, size=(7, 5))


def share(z: Any) -> Any:
    e = tx.exp(z)
    return e / tx.sum(e, axis=1, keepdims=True)


LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "squared error": lambda z, p: tx.sum((share(z) - p) ** 2) / 2,
    "weighted": lambda z, p: tx.sum(WEIGHTS * (share(z) - p) ** 2),
    "divergence": lambda z, p: -tx.sum(p * tx.log(share(z))),
    "at a temperature": lambda z, p: -tx.sum(p * tx.log(share(z / 3))),
    "mean": lambda z, p: tx.sum(p * share(z)),
}


def others(x: Any) -> Any:
    """For each entry the sum of the others in its row."""
    return np.stack([np.delete(x, i, axis=1).sum(axis=1) for i in range(x.shape[1])], axis=1)


def careful(name: str, z: Any, p: Any) -> Any:
    """The value and gradient in long double, where nothing that is nearly equal is subtracted."""
    z, p = z.astype(np.longdouble), p.astype(np.longdouble)
    z = z / 3 if name == "at a temperature" else z
    e = np.exp(z - z.max(axis=1, keepdims=True))
    q = e / e.sum(axis=1, keepdims=True)
    rest = others(q)  # 1 - q
    d = q * (1 - p) - p * rest
    with np.errstate(divide="ignore", invalid="ignore"):
        log_q = np.where(p == 0, 0, np.where(q < 0.5, np.log(q), np.log1p(-rest)))
        value, w = {  # of each entry, and its slope with respect to q
            "squared error": (d * d / 2, d),
            "weighted": (WEIGHTS * d * d, 2 * WEIGHTS * d),
            "mean": (p * q, p),
        }.get(name, (-p * log_q, -p / np.where(p == 0, 1, q)))
    slope = q * (w * rest - others(w * q))
    return value.sum(), slope / 3 if name == "at a temperature" else slope


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("logits", LOGITS)
@pytest.mark.parametrize("name", LOSSES)
def test_the_place_of_the_largest_serves_as_well_as_its_mask(
    name: str, logits: str, target: str
) -> None:
    z, p = LOGITS[logits], TARGETS[target]
    if logits == "masked":
        p = np.where(np.isfinite(z), p, 0.0)
    value, slope = careful(name, z, p)
    for tile in ((1, 1), (200, 1), (1 << 20, 512)):
        with tile_of(*tile):
            f = tx.compile(tx.value_and_grad(LOSSES[name]), backend="numpy")
            got, gradient = f(z, p)
        assert "argmax" in f.source
        assert "unsafe" not in f.source  # no mask is made numbers, to be counted
        np.testing.assert_allclose(got, float(value), rtol=1e-13)
        scale = np.max(np.abs(slope), axis=1, keepdims=True)
        assert np.all(np.abs(gradient - slope) <= 1e-13 * scale)


def test_a_place_that_is_not_put_right_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the number of its own, the entry of the largest is lost where q is nearly 1."""
    z, p, f = LOGITS["saturated"], TARGETS["one-hot"], LOSSES["squared error"]
    slope = careful("squared error", z, p)[1]
    right = tx.compile(tx.grad(f), backend="numpy")(z, p)
    put = peaks._Rewriting._put
    monkeypatch.setattr(
        peaks._Rewriting, "_put", lambda s, x, v, k: x if x.op == "sub" else put(s, x, v, k)
    )
    wrong = tx.compile(tx.grad(f), backend="numpy")(z, p)
    assert np.max(np.abs(right / slope - 1)) < 1e-13 < 1e-3 < np.max(np.abs(wrong / slope - 1))


def test_rows_without_a_largest_are_nan() -> None:
    z = np.array([[0.0, 1.0, 2.0], [np.nan, 1.0, 2.0], [np.inf, 1.0, 2.0], [-np.inf] * 3])
    f = tx.compile(tx.grad(LOSSES["squared error"]), backend="numpy")
    with np.errstate(invalid="ignore"):
        found = np.isnan(f(z, np.eye(4, 3)))
    assert found.all(axis=1).tolist() == [False, True, True, True]
    assert not found[0].any()


def test_a_mask_that_means_all_of_the_largest_stays_one() -> None:
    z = np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 2.0]])

    def loss(z: Any) -> Any:
        is_largest = z - tx.max(z, axis=1, keepdims=True) == 0
        return tx.sum(tx.where(is_largest, z * z, 0.0))

    assert tx.compile(loss, backend="numpy")(z) == 10.0


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
def test_labels_of_any_kind_pick_by_place(kind: Any) -> None:
    z, y = LOGITS["random"], np.array([0, 3, 4, 1, 2, 2, 0], kind)
    names = [y] if kind is np.uint8 else [y, np.where(y > 2, y - 5, y)]  # counted from the end

    def loss(z: Any, y: Any) -> Any:
        return -tx.sum(tx.log(share(z + 1.0)[np.arange(7), y]))

    expected = tx.value_and_grad(loss)(z, y)
    for tile in ((1, 1), (200, 1), (1 << 20, 512)):
        with tile_of(*tile):
            f = tx.compile(tx.value_and_grad(loss), backend="numpy")
            for labels in names:
                for got, want in zip(f(z, labels), expected, strict=True):
                    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)
        with pytest.raises(ShapeError, match="out of bounds"):
            f(z, np.full(7, 5, kind))


def test_a_sum_is_picked_from_once() -> None:
    z, b, y = LOGITS["random"], RNG.normal(size=5), np.array([0, 3, 4, 1, 2, 2, 0])

    def loss(z: Any, b: Any) -> Any:
        return -tx.sum(tx.log(share(z + b)[np.arange(7), y]))

    f = tx.compile(tx.value_and_grad(loss, (0, 1)), backend="numpy")
    value, slopes = f(z, b)
    want, expected = tx.value_and_grad(loss, (0, 1))(z, b)
    np.testing.assert_allclose(value, want, rtol=1e-13)
    for got, slope in zip(slopes, expected, strict=True):
        np.testing.assert_allclose(got, slope, atol=1e-14)
    assert "x2[c" not in f.source  # the bias is not picked from


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small the arrays are."""
    for name in ("SHORT", "SETTLED", "CHOSEN"):
        monkeypatch.setattr(settings, name, 1)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("name", GALLERY)
def test_losses_with_all_that_pays_for_large_arrays(name: str) -> None:
    loss, wrt, _ = GALLERY[name][0]()
    slope = tx.gradient_graph(loss, wrt)
    assert_runs([n for n in toposort(loss) if n.op is None], [loss, slope], FEW)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("axis", [1, None])
def test_sums_of_products_need_no_product(axis: int | None) -> None:
    x, y = Tensor(RNG.normal(size=(6, 5))), Tensor(RNG.normal(size=(6, 5)))
    row = Tensor(RNG.normal(size=5))
    for a, b in ((x, y), (x, x), (x, row), (tx.exp(x), y)):
        leaves = [n for n in toposort(a, b) if n.op is None]
        assert_runs(leaves, [tx.sum(a * b, axis=axis)], FEW)
    product = x * y
    assert_runs([x, y], [tx.sum(product, axis=axis), product], FEW)


@pytest.mark.usefixtures("always")
def test_nothing_of_infinity_is_nothing() -> None:
    p, q = np.array([[0.0, 0.5], [1.0, 0.0]]), np.array([[0.0, 0.5], [1.0, 1.0]])
    f = tx.compile(lambda p, q: tx.sum(p * tx.log(q)), backend="numpy")
    assert f(p, q) == 0.5 * np.log(0.5)
    assert "settle(" in f.source


W, V, X = RNG.normal(size=(4, 6)), RNG.normal(size=(6, 5)), RNG.normal(size=(7, 4))
Y = np.array([0, 3, 4, 1, 2, 2, 0])


def two_layers(w: Any, v: Any) -> Any:
    return -tx.mean(tx.log(share(tx.tanh(X @ w) @ v)[np.arange(7), Y]))


def updated(rates: tuple[float, float], again: float = 1.0) -> Callable[..., Any]:
    def step(w: Any, v: Any) -> Any:
        value, slopes = tx.value_and_grad(two_layers, (0, 1))(w, v)
        return value, *(a - again * (r * g) for a, r, g in zip((w, v), rates, slopes, strict=True))

    return step


def with_gradient(w: Any, v: Any) -> Any:
    slopes = tx.grad(two_layers, (0, 1))(w, v)
    return *slopes, *(0.3 * g for g in slopes)


@pytest.mark.parametrize(
    ("step", "are_gone"),
    [(updated((0.3, 0.3)), True), (updated((0.3, 0.2)), False), (updated((0.3, 0.3), 0.7), True),
     (with_gradient, False)],
)  # fmt: skip
def test_a_learning_rate_is_part_of_another_number(step: Any, are_gone: bool) -> None:
    f = tx.compile(step, backend="numpy")
    for got, want in zip(f(W, V), step(W, V), strict=True):
        np.testing.assert_allclose(got, np.asarray(getattr(want, "value", want)), rtol=1e-12)
    assert bool(re.search(r"multiply\(0\.[123],", f.source)) != are_gone


@given(numbers=st.lists(st.sampled_from([0.5, 2.0, 3.0, -1.5]), min_size=6, max_size=6))
@trying(max_examples=40, deadline=None)
def test_numbers_are_multiplied_once_wherever_they_are(numbers: list[float]) -> None:
    """In graphs as they are recorded, in which numbers stay where they were written."""
    a, b, c, d, e, f = numbers
    w, v = Tensor(W), Tensor(V)
    x = a * (w @ (b * v))
    y = x * (c * tx.exp(d * (w @ v)))
    z = y * y
    sums = [e * (x @ v.T), e * tx.sum(x, axis=0), f * (f * tx.sum(x, axis=1))]
    assert_runs([w, v], [*sums[:2]], FEW)
    assert_runs([w, v], sums, FEW)
    for of in (y, z):
        outputs = [f * tx.sum(of, axis=0), f * (of @ v.T)]
        assert_runs([w, v], outputs, FEW)
        assert_runs([w, v], [*sums, *outputs], FEW)


def test_memory_begins_with_a_cache_line() -> None:
    for shape, dtype in (((3,), np.bool_), ((5, 7), np.float32), ((), np.float64), ((0, 2), int)):
        array = empty(shape, dtype)
        assert array.__array_interface__["data"][0] % 64 == 0
        assert (array.shape, array.dtype) == (shape, np.dtype(dtype))
        assert array.flags.c_contiguous
        array[...] = 1


def test_a_turn_ends_when_nothing_runs_any_more() -> None:
    """A thread that works goes on for a tenth of a second after the call."""
    import threading

    end = time.perf_counter() + 0.1
    block = np.ones((600, 600))
    worker = threading.Thread(target=lambda: [block @ block for _ in iter(
        lambda: time.perf_counter() < end, False)])  # fmt: skip
    worker.start()
    processes._wait_for_threads()
    assert time.perf_counter() >= end
    worker.join()


@pytest.mark.parametrize("size", [1000, 3000, 20000])
@pytest.mark.parametrize("rows", [1, 8, 20])
def test_places_of_one_loop_are_found_in_the_tiles_of_another(size: int, rows: int) -> None:
    """Each counts from the first row of its own tile, and some compute all rows at once."""
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(50, 2)), rng.normal(size=(2, 10)), rng.normal(size=10)
    picks = np.arange(50), rng.integers(0, 10, 50)

    def loss(w: Any, b: Any, x: Any) -> Any:
        z = x @ w + b
        sums = tx.logsumexp(z, axis=1)
        return 0.001 * tx.sum(z * z) - tx.mean(tx.log_softmax(z)[picks]) + tx.mean(sums**2)

    def step(w: Any, b: Any, x: Any) -> Any:
        value, (of_w, of_b, of_x) = tx.value_and_grad(loss, argnums=(0, 1, 2))(w, b, x)
        return value, w - 0.1 * of_w, b - 0.1 * of_b, of_x

    with tile_of(size, rows):
        got = tx.compile(step, backend="numpy")(w, b, x)
    for a, expected in zip(got, step(w, b, x), strict=True):
        np.testing.assert_allclose(a, expected, rtol=1e-12, atol=1e-12)
