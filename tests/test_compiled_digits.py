"""Compiled losses, written naively, against mpmath: every entry of value and gradient."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.compiling import tracing
from tinygrad_xent.compiling.stabilising import digits, wholes

SCALES = (1e-3, 1.0, 40.0, 800.0, 1e4)
ONE_HOT = 2e-13  # promised
DENSE = 3e-13  # sums of weights that are rounded themselves, and differences of the data

Reference = Callable[[list[Any], list[Any]], tuple[Any, list[Any]]]
LOSSES: dict[str, tuple[Callable[[Any, Any], Any], Reference]] = {}


def softmax(z: Any) -> Any:
    e = tx.exp(z)
    return e / tx.sum(e, axis=-1, keepdims=True)


def sigmoid(z: Any) -> Any:
    return 1 / (1 + tx.exp(-z))


def shares(z: list[Any]) -> list[Any]:
    e = [mp.exp(x - max(z)) for x in z]
    return [x / mp.fsum(e) for x in e]


def loss(f: Callable[[Any, Any], Any]) -> Callable[[Reference], Reference]:
    """Enter a loss; what is decorated gives its value and gradient by hand."""

    def enter(reference: Reference) -> Reference:
        LOSSES[reference.__name__] = f, reference
        return reference

    return enter


def _weighted(weights: list[Any], q: list[Any]) -> Any:
    return -mp.fsum(w * mp.log(x) for w, x in zip(weights, q, strict=True) if w)


@loss(lambda z, p: -tx.sum(p * tx.log(softmax(z))))
def cross_entropy(z: list[Any], p: list[Any]) -> Any:
    q = shares(z)
    return _weighted(p, q), [mp.fsum(p) * b - a for a, b in zip(p, q, strict=True)]


@loss(lambda z, p: tx.softmax_cross_entropy(z, p))
def of_the_library(z: list[Any], p: list[Any]) -> Any:
    return cross_entropy(z, p)


@loss(lambda z, p: tx.sum(p * (tx.log(p) - tx.log(softmax(z)))))
def divergence(z: list[Any], p: list[Any]) -> Any:
    value, slope = cross_entropy(z, p)
    return value - _weighted(p, p), slope


@loss(lambda z, p: -tx.sum(p * tx.log(softmax(z / 4.0))))
def with_a_temperature(z: list[Any], p: list[Any]) -> Any:
    value, slope = cross_entropy([x / 4 for x in z], p)
    return value, [x / 4 for x in slope]


@loss(lambda z, p: -tx.log(softmax(z)[1]))
def of_a_label(z: list[Any], p: list[Any]) -> Any:
    return cross_entropy(z, [mp.mpf(i == 1) for i in range(len(z))])


@loss(lambda z, p: -tx.log(1 - softmax(z)[1]))
def of_the_others(z: list[Any], p: list[Any]) -> Any:
    q = shares(z)
    rest = mp.fsum([*q[:1], *q[2:]])
    return -mp.log(rest), [q[1] if j == 1 else -q[1] * x / rest for j, x in enumerate(q)]


@loss(lambda z, p: -tx.sum(p * tx.log(sigmoid(z)) + (1 - p) * tx.log(1 - sigmoid(z))))
def binary_cross_entropy(z: list[Any], p: list[Any]) -> Any:
    q, r = [1 / (1 + mp.exp(-x)) for x in z], [1 / (1 + mp.exp(x)) for x in z]
    slope = [a * (1 - y) - y * b for a, b, y in zip(q, r, p, strict=True)]
    return _weighted(p, q) + _weighted([1 - y for y in p], r), slope


@loss(lambda z, p: tx.sum(tx.sigmoid_binary_cross_entropy(z, p)))
def binary_of_the_library(z: list[Any], p: list[Any]) -> Any:
    return binary_cross_entropy(z, p)


@loss(lambda z, p: tx.sum(tx.log(1 + tx.exp(z))))
def softplus(z: list[Any], p: list[Any]) -> Any:
    return mp.fsum(mp.log1p(mp.exp(x)) for x in z), [1 / (1 + mp.exp(-x)) for x in z]


@loss(lambda z, p: tx.mean((z - tx.mean(z)) ** 2))
def variance(z: list[Any], p: list[Any]) -> Any:
    n, mean = len(z), mp.fsum(z) / len(z)
    return mp.fsum((x - mean) ** 2 for x in z) / n, [2 * (x - mean) / n for x in z]


@loss(lambda z, p: tx.sum((tx.exp(z) - tx.exp(-z)) / (tx.exp(z) + tx.exp(-z)) + 2))
def tanh_by_hand(z: list[Any], p: list[Any]) -> Any:
    return mp.fsum(mp.tanh(x) + 2 for x in z), [1 / mp.cosh(x) ** 2 for x in z]


def cases() -> Any:
    """Logits of all scales, ties among them, with one-hot and dense targets."""
    rng = np.random.default_rng(1)
    for scale in SCALES:
        for n in (2, 3, 3, 7):
            for ties in (False, True):
                z = np.full(n, rng.normal() * scale) if ties else rng.normal(size=n) * scale
                yield z, np.eye(n)[rng.integers(n)], ONE_HOT
                yield z, rng.dirichlet(np.ones(n)), DENSE


def relative_error(got: Any, exact: Any) -> float:
    """Below the smallest normal number it is 0 if all but the last digits there are right."""
    if not np.isfinite(got):
        return 99.0
    info = np.finfo(got.dtype)
    difference = abs(mp.mpf(float(got)) - exact)
    if abs(exact) < mp.mpf(float(info.smallest_normal)):
        return 0.0 if difference <= 16 * mp.mpf(float(info.smallest_subnormal)) else 99.0
    return float(difference / abs(exact) / (mp.mpf(float(info.eps)) / 2**-52))


def worst(name: str, dtype: Any = np.float64) -> tuple[float, Any]:
    """How much larger an error is than promised, and where."""
    f, reference = LOSSES[name]
    fast, found = tx.compile(tx.value_and_grad(f), backend="numpy"), (0.0, None)
    for z, p, promised in cases():
        z, p = z.astype(dtype), p.astype(dtype)
        dps = min(60 + int(np.ptp(z) + np.max(np.abs(z))), 700)  # of 1 - 1e-300 and the like
        with np.errstate(all="ignore"), mp.workdps(dps):
            value, slope = fast(z, p)
            assert value.dtype == slope.dtype == dtype
            exact, by_entry = reference(*([mp.mpf(float(x)) for x in a] for a in (z, p)))
            pairs = [(value, exact), *zip(slope, by_entry, strict=True)]
            error = max(relative_error(a, b) for a, b in pairs) / promised
        found = max(found, (error, (z, p, value, slope)), key=lambda e: e[0])
    return found


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_digit_that_is_promised(name: str, dtype: Any) -> None:
    factor, where = worst(name, dtype)
    assert factor <= 1, f"{factor} times the error that is promised, at {where}"


# -- the checks themselves ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cross_entropy", "of_the_others", "binary_cross_entropy"])
def test_without_the_stable_form_digits_are_lost(name: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(tracing, "keeping_digits", lambda graphs, mixed: list(graphs))
    monkeypatch.setattr(tracing.Stable, "__call__", lambda self, root: root)
    assert worst(name)[0] > 1


@pytest.mark.parametrize("name", ["cross_entropy", "variance"])
def test_without_the_rules_of_digits_they_are_lost(name: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(tracing, "keeping_digits", lambda graphs, mixed: list(graphs))
    assert worst(name)[0] > 1


def test_a_share_that_is_neither_small_nor_large_by_mistake_is_found(monkeypatch: Any) -> None:
    for wrong in (
        lambda self, total: tx.log(self.rest) - tx.log(total),
        lambda self, total: -tx.log1p(tx.exp(tx.log(self.rest)) / total),
        lambda self, total: self.log_rest() - tx.log(total),
    ):
        monkeypatch.setattr(wholes.Whole, "log_share_of_rest", wrong)
        assert worst("of_the_others")[0] > 1


# -- masks ----------------------------------------------------------------------------------------

Z = np.array([[1.0, -np.inf, 2.0, 0.5], [-np.inf, 3.0, -np.inf, 1.0]])
P, ROWS, PICKED = np.array([[0.2, 0.0, 0.3, 0.5], [0.0, 1.0, 0.0, 0.0]]), np.arange(2), [2, 1]
MASKED: dict[str, Callable[[Any], Any]] = {
    "dense": lambda z: -tx.sum(P.astype(z.dtype) * tx.log(softmax(z))),
    "labels": lambda z: -tx.sum(tx.log(softmax(z)[ROWS, PICKED])),
    "labels of the logarithm": lambda z: -tx.sum(tx.log(softmax(z))[ROWS, PICKED]),
    "squared": lambda z: tx.sum((softmax(z) - P.astype(z.dtype)) ** 2),
    "logsumexp": lambda z: tx.sum(tx.log(tx.sum(tx.exp(z), axis=1))),
    "others": lambda z: -tx.sum(tx.log(1 - softmax(z)[ROWS, PICKED])),
    "library": lambda z: tx.sum(tx.softmax_cross_entropy(z, P.astype(z.dtype))),
    "library, labels": lambda z: tx.sum(tx.softmax_cross_entropy(z, np.array(PICKED))),
    "softplus": lambda z: tx.sum(tx.log(1 + tx.exp(z))),
}


@pytest.mark.parametrize("name", MASKED)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_masked_classes_are_not_there(name: str, dtype: Any) -> None:
    """What is masked has the gradient 0; the rest is as if it were far away, but not infinitely."""
    fast = tx.compile(tx.value_and_grad(MASKED[name]), backend="numpy")
    value, slope = fast(Z.astype(dtype))
    expected, far = fast(np.where(np.isinf(Z), -1e4, Z))
    assert value.dtype == slope.dtype == dtype
    np.testing.assert_allclose(value, expected, rtol=2e-6 if dtype == np.float32 else 1e-13)
    np.testing.assert_allclose(slope, far, rtol=0, atol=1e-6 if dtype == np.float32 else 1e-14)
    assert not slope[np.isinf(Z)].any()


def test_a_row_in_which_all_is_masked_is_nan_and_no_other() -> None:
    z = np.vstack([Z, np.full(4, -np.inf)])
    with np.errstate(all="ignore"):
        value, slope = tx.compile(
            tx.value_and_grad(lambda z: -tx.sum(tx.log(softmax(z))[np.arange(3), [2, 1, 0]])),
            backend="numpy",
        )(z)
    assert np.isnan(value)
    assert np.isnan(slope[2]).all()
    assert np.isfinite(slope[:2]).all()


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("outside", [False, True])
def test_complements_of_picked_shares(rows: int, outside: bool) -> None:
    """1 - softmax(z) at the labels of a batch: the sum of the other shares, by hand."""
    z, labels = np.eye(rows, 4) * 40.0, np.arange(rows)

    def loss(z: Any, labels: Any) -> Any:
        q = tx.exp(z) / tx.sum(tx.exp(z), axis=1, keepdims=True)
        rest = (1 - q)[labels, labels] if outside else 1 - q[labels, labels]
        return -tx.log(rest).sum()

    value, slope = tx.compile(tx.value_and_grad(loss))(z, labels)
    expected = rows * (40 - np.log(3) + np.log1p(3 * np.exp(-40)))
    np.testing.assert_allclose(value, expected, rtol=2e-13)
    share = np.where(np.eye(rows, 4) == 1, 1.0, -1 / 3)
    np.testing.assert_allclose(slope, share, rtol=2e-13)


def test_masks_are_taken_away() -> None:
    def brier(z: Any, labels: Any) -> Any:
        return ((tx.softmax(z) - (np.arange(3) == labels[:, None])) ** 2).mean()

    z, labels = np.array([[1.0, 2.0, 3.0], [0.5, 0.0, 0.0]]), np.array([2, 0])
    value, slope = tx.compile(tx.value_and_grad(brier))(z, labels)
    expected, gradient = tx.value_and_grad(lambda z: brier(z, labels))(z)
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    np.testing.assert_allclose(slope, gradient, rtol=1e-12)


def test_a_masked_class_adds_nothing_to_an_entropy() -> None:
    def entropy(z: Any) -> Any:
        q = tx.exp(z) / tx.exp(z).sum()
        return -(q * tx.log(q)).sum()

    value, slope = tx.compile(tx.value_and_grad(entropy))(np.array([1.0, -np.inf, 2.0]))
    expected, gradient = tx.compile(tx.value_and_grad(entropy))(np.array([1.0, 2.0]))
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    np.testing.assert_allclose(slope, [gradient[0], 0, gradient[1]], rtol=1e-12)


@pytest.mark.parametrize("bias_last", [False, True])
def test_a_bias_costs_no_digits(bias_last: bool) -> None:
    """The label is picked from a sum, which is the sum of what is picked."""

    def loss(z: Any, bias: Any, labels: Any) -> Any:
        logits = z + bias if bias_last else bias + z
        return -tx.sum(tx.log(softmax(logits)[np.arange(2), labels]))

    z, labels = np.array([[40.0, 0.0, 1.0], [0.0, 50.0, 3.0]]), np.array([0, 1])
    found = tx.compile(tx.value_and_grad(loss, (0, 1)), backend="numpy")(z, np.zeros(3), labels)
    with mp.workdps(100):
        of_rows = [cross_entropy(list(map(mp.mpf, row)), list(np.eye(3)[label]))
                   for row, label in zip(z, labels, strict=True)]  # fmt: skip
        value, slope = mp.fsum(v for v, _ in of_rows), np.array([g for _, g in of_rows], float)
    np.testing.assert_allclose(found[0], float(value), rtol=ONE_HOT)
    np.testing.assert_allclose(found[1][0], slope, rtol=ONE_HOT)
    np.testing.assert_allclose(found[1][1], np.sum(slope, axis=0), rtol=ONE_HOT)


def test_squared_error_keeps_the_digits_of_the_target_as_well() -> None:
    """There q is nearly 1, and what is left of the gradient is of second order."""
    z, p = [40.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]
    slope = tx.compile(tx.grad(lambda z, p: tx.sum((softmax(z) - p) ** 2) / 2), backend="numpy")
    with mp.workdps(100):
        q = shares([mp.mpf(x) for x in z])
        d = [a - b for a, b in zip(q, p, strict=True)]
        mean = mp.fsum(a * b for a, b in zip(q, d, strict=True))
        exact = [float(a * (b - mean)) for a, b in zip(q, d, strict=True)]
    np.testing.assert_allclose(slope(np.array(z), np.array(p)), exact, rtol=ONE_HOT)


# -- what an index picks --------------------------------------------------------------------------

# Of the picked q and the others r = 1 - q: the loss, its reference, and the reference's slope in q.
PICKED_LOSSES: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {
    "-log q": (lambda q: -tx.log(q), lambda q, r: -mp.log(q), lambda q, r: -1 / q),
    "focal": (
        lambda q: (1 - q) ** 2 * tx.log(q),
        lambda q, r: r * r * mp.log(q),
        lambda q, r: r * r / q - 2 * r * mp.log(q),
    ),
    "1 - q": (lambda q: 1 - q, lambda q, r: r, lambda q, r: mp.mpf(-1)),
    "q^2": (lambda q: q**2, lambda q, r: q * q, lambda q, r: 2 * q),
    "(1 - q)^2": (lambda q: (1 - q) ** 2, lambda q, r: r * r, lambda q, r: -2 * r),
    "log(1 - q)": (lambda q: tx.log(1 - q), lambda q, r: mp.log(r), lambda q, r: -1 / r),
    "(log q)^2": (
        lambda q: tx.log(q) ** 2,
        lambda q, r: mp.log(q) ** 2,
        lambda q, r: 2 * mp.log(q) / q,
    ),
}
_HERE = np.array([1.0, 1.0, 1.0, 0.0])
# Logits as a function of the parameters, which are made from the logits; all of it is exact.
Logits = tuple[Callable[..., Any], Callable[[Any], Any]]
LOGITS: dict[str, Logits] = {
    "z": (lambda z: z, lambda u: (u,)),
    "z + b": (lambda z, b: z + b, lambda u: (u, np.zeros(4))),
    "b + z": (lambda b, z: b + z, lambda u: (np.zeros(4), u)),
    "z / T": (lambda z: z / 3.0, lambda u: (3.0 * u,)),
    "z * mask": (lambda z: z * _HERE, lambda u: (u,)),
    "masked": (lambda z: tx.where(_HERE > 0, z, -np.inf), lambda u: (u,)),
    "z - max": (lambda z: z - tx.max(z, axis=-1, keepdims=True), lambda u: (u,)),
    "x @ W": (lambda w, x: x @ w, lambda u: (np.eye(4), u)),
    "x @ W + b": (lambda w, x, b: x @ w + b, lambda u: (np.eye(4), u, np.zeros(4))),
}
SATURATED = np.array([(m, 0, m * two, 0) for m in (0, 5, 40, 300, 1000) for two in (0, 0, 1)])
SATURATED = SATURATED + np.array([0.0, 0.0, 1.0, 2.0])
LABELS = np.array([0, 1, 0] * 5)  # right, wrong, and nearly level


@cache
def _picked_reference(name: str, u: tuple[float, ...], label: int) -> tuple[Any, list[Any]]:
    """The value, and the gradient with respect to the logits."""
    _, value, slope = PICKED_LOSSES[name]
    q = shares([mp.mpf(x) for x in u])
    rest = mp.fsum(x for i, x in enumerate(q) if i != label)
    times = slope(q[label], rest) * q[label]
    return value(q[label], rest), [times * (rest if i == label else -x) for i, x in enumerate(q)]


def _through(kind: str, u: Any, by_logit: Any) -> Any:
    """The gradient with respect to the first parameter, and the sum of its terms' sizes."""
    g = np.atleast_2d(np.array(by_logit, object))
    if kind in ("b + z", "x @ W", "x @ W + b"):
        x = np.atleast_2d(u) if "@" in kind else np.ones((len(g), 1))
        exact = np.vectorize(mp.mpf)(x).T
        both = exact @ g, abs(exact) @ abs(g)
        return both if "@" in kind else tuple(b[0] for b in both)
    g = g * (_HERE if kind == "z * mask" else 1) / (3 if kind == "z / T" else 1)
    g = g if np.ndim(u) == 2 else g[0]
    return g, abs(g)


def _off_by(found: Any, exact: Any, sizes: Any) -> float:
    """The largest error relative to what is added up; below the normal numbers it is let go."""
    tiny, found = mp.mpf(2) ** -1022, np.ravel(found)
    return max(
        (float(abs(mp.mpf(float(a)) - b) / max(c, tiny)) if np.isfinite(a) else np.inf)
        for a, b, c in zip(found, np.ravel(exact), np.ravel(sizes), strict=True)
    )


def _off(name: str, kind: str, rows: Any, backend: Any = "numpy") -> float:
    """How far off gradients are, of one row or several, with and without the value."""
    (f, *_), (logits, parameters) = PICKED_LOSSES[name], LOGITS[kind]
    u, labels = SATURATED[rows], LABELS[rows]
    at = int(labels) if np.ndim(rows) == 0 else (np.arange(len(u)), labels)
    given = parameters(u)

    def loss(*p: Any) -> Any:
        return tx.sum(f(softmax(logits(*p))[at]))

    seen = {"z * mask": u * _HERE, "masked": np.where(_HERE > 0, u, -np.inf)}.get(kind, u)
    with np.errstate(all="ignore"), mp.workdps(950):
        every = zip(np.atleast_2d(seen).tolist(), np.atleast_1d(labels).tolist(), strict=True)
        of_rows = [_picked_reference(name, tuple(row), label) for row, label in every]
        value, both = [v for v, _ in of_rows], _through(kind, u, [g for _, g in of_rows])
        alone = tx.compile(tx.grad(loss), backend=backend)(*given)
        with_value, slope = tx.compile(tx.value_and_grad(loss), backend=backend)(*given)
        size = mp.fsum(map(abs, value))
        return max(_off_by(with_value, [mp.fsum(value)], [size]),
                   _off_by(alone, *both), _off_by(slope, *both))  # fmt: skip


@pytest.mark.parametrize("name", PICKED_LOSSES)
@pytest.mark.parametrize("kind", LOGITS)
def test_what_an_index_picks_keeps_its_digits(name: str, kind: str) -> None:
    """However the logits were made, at rows where q rounds to 1, or to 0, and others."""
    for rows in (np.arange(15), np.array([6]), 6):
        assert _off(name, kind, rows) <= ONE_HOT, rows


def test_kernels_keep_what_an_index_picks() -> None:
    pytest.importorskip("numba")
    assert _off("-log q", "z / T", np.arange(15), "numba") <= ONE_HOT


@pytest.mark.parametrize("name", ["focal", "q^2", "1 - q"])
def test_without_a_look_at_the_places_digits_are_lost(name: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(digits, "at_places_and_elsewhere", lambda *_: None)
    assert _off(name, "z", np.arange(15)) > ONE_HOT
