"""What the losses should give: closed forms, with so many bits that no difference matters.

The smallest number of float64 is 2^-1074, and nothing here is larger than 2^20: with 1280 bits a
difference that float64 can hold has lost nothing of the 64 bits that are kept of it.

z   logits            e   exp(z - max z)      q   e / sum(e)       a   sigmoid(z)
p, y  targets         S   sum(p)              v   what the Hessian is multiplied with
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...numerics.precise import context
from .families import SMOOTHING
from .inputs import HVP_CLASSES, Batch

BITS = 1280
_GONE = -800.0  # exp of this is below the smallest number, whatever it is multiplied with here


@dataclass(frozen=True)
class Truth:
    """Exact numbers, as sums of two floats, and what an error is relative to.

    Attributes:
        high, low: the number to float64, and the rest.
        scale: the magnitudes that had to be subtracted to get it; without any, itself.
    """

    high: Any
    low: Any
    scale: Any


class Exact:
    """The closed forms at the inputs of one batch: object arrays of mpmath's numbers."""

    def __init__(self, batch: Batch) -> None:
        self.context = context()
        self.context.prec = BITS
        self.batch = batch
        self._exp = np.frompyfunc(lambda x: 0 if x < _GONE else self.context.exp(x), 1, 1)
        self._log = np.frompyfunc(lambda x: self.context.log(x) if x else -self.context.inf, 1, 1)

    def truths(self, name: str, targets: str) -> list[Truth]:
        """The value, the gradient and, where there is one, the product with the Hessian."""
        p = self._numbers(self.batch.targets(targets if targets == "dense" else "one-hot"))
        parts = FORMS[name](self, p, targets != "dense")
        return [_truth(*part) for part in parts]

    def _numbers(self, array: Any) -> Any:
        return np.frompyfunc(lambda x: self.context.mpf(float(x)), 1, 1)(array)

    @cached_property
    def z(self) -> Any:
        return self._numbers(self.batch.logits)

    @cached_property
    def v(self) -> Any:
        return self._numbers(self.batch.along)

    @cached_property
    def top(self) -> Any:
        return self.z.max(axis=1, keepdims=True)

    @cached_property
    def e(self) -> Any:
        return self._exp(self.z - self.top)

    @cached_property
    def q(self) -> Any:
        return self.e / _total(self.e)

    @cached_property
    def rest(self) -> Any:
        """logsumexp(z) - max z."""
        return self._log(_total(self.e))

    @cached_property
    def minus_log_q(self) -> Any:
        """With 0 for masked entries: what they are multiplied with is 0."""
        return np.where(np.isneginf(self.batch.logits), 0, self.rest + self.top - self.z)

    @cached_property
    def tail(self) -> Any:
        return self._exp(-abs(self.z))

    @cached_property
    def sigmoids(self) -> tuple[Any, Any]:
        """a and 1 - a."""
        large = 1 / (1 + self.tail)
        small, up = self.tail * large, self.batch.logits > 0
        return np.where(up, large, small), np.where(up, small, large)

    @cached_property
    def minus_log_sigmoids(self) -> tuple[Any, Any]:
        """-log a, with 0 at masked entries, and -log(1 - a)."""
        rest = self._log(1 + self.tail)
        size = np.where(np.isneginf(self.batch.logits), 0, abs(self.z))
        up = self.batch.logits > 0
        return np.where(up, rest, rest + size), np.where(up, rest + size, rest)


Part = tuple[Any, Any]  # exact numbers, and the scale of their errors
Form = Callable[[Exact, Any, bool], list[Part]]


def _total(x: Any) -> Any:
    return x.sum(axis=1, keepdims=True)


def _product(x: Exact, weight: Any) -> list[Part]:
    """weight q (v - q·v), where v_i - q·v is known as the sum of q_j (v_i - v_j)."""
    if x.q.shape[1] != HVP_CLASSES:
        return []
    product = weight * x.q * (x.v - _total(x.q * x.v))
    others = _total(x.q * abs(x.v)) - x.q * abs(x.v)
    return [(product, weight * x.q * ((1 - x.q) * abs(x.v) + others))]


def _slope(x: Exact, p: Any, exactly: bool) -> Part:
    """S q - p: of dense targets a difference of two rounded numbers, of one-hot ones not."""
    slope = _total(p) * x.q - p
    return slope, abs(slope) if exactly else _total(p) * x.q + p


def _entropy(x: Exact, p: Any, exactly: bool) -> list[Part]:
    value = (p * x.minus_log_q).sum(axis=1)
    return [(value, value), _slope(x, p, exactly), *_product(x, _total(p))]


def _smoothed(x: Exact, p: Any, exactly: bool) -> list[Part]:
    """Infinite where a class that is masked gets its share: those rows are left out."""
    p = p * (1 - x.context.mpf(SMOOTHING)) + x.context.mpf(SMOOTHING) / p.shape[1]
    lost = np.isneginf(x.batch.logits).any(axis=1, keepdims=True)
    value = (p * x.minus_log_q).sum(axis=1)
    parts = [(value, value), _slope(x, p, False), *_product(x, _total(p))]
    return [(np.where(lost if a.ndim == 2 else lost[:, 0], x.context.inf, a), s) for a, s in parts]


def _divergence(x: Exact, p: Any, exactly: bool) -> list[Part]:
    log_p = np.where(p == 0, 0, x._log(np.where(p == 0, 1, p)))
    value = (p * (log_p + x.minus_log_q)).sum(axis=1)
    scale = value if exactly else (p * (1 + abs(log_p) + x.minus_log_q)).sum(axis=1)
    return [(value, scale), _slope(x, p, exactly), *_product(x, _total(p))]


def _squared_error(x: Exact, p: Any, exactly: bool) -> list[Part]:
    """½ Σ d² and q (d - q·d) with d = q - p; one-hot, q·d is known as Σ' q² - q_y (1 - q_y)."""
    d = x.q - p
    value = (d * d).sum(axis=1) / 2
    slope = x.q * (d - _total(x.q * d))
    if exactly:
        mine = _total(p * x.q)
        rest = _total((1 - p) * x.q**2) - x.q**2
        scale = np.where(p == 1, abs(slope), x.q * (x.q * (1 - x.q) + mine * (1 - mine) + rest))
        return [(value, value), (slope, scale)]
    scale = x.q * (x.q + p + _total(x.q * (x.q + p)))
    return [(value, (abs(d) * (x.q + p)).sum(axis=1)), (slope, scale)]


def _focal(x: Exact, p: Any, exactly: bool) -> list[Part]:
    """-(1 - t)² log t with t = q_y; its slope in t, times t, is 2 t (1 - t) log t - (1 - t)²."""
    t = _total(p * x.q)
    minus_log_t = _total(p * x.minus_log_q)
    value = ((1 - t) ** 2 * minus_log_t)[:, 0]
    slope = (2 * t * (1 - t) * minus_log_t + (1 - t) ** 2) * (x.q - p)
    return [(value, value), (slope, abs(slope))]


def _logsumexp(x: Exact, p: Any, exactly: bool) -> list[Part]:
    """The largest logit plus a number from 0 to log C: the sum may cancel."""
    top, rest = x.top[:, 0], x.rest[:, 0]
    return [(top + rest, abs(top) + rest), (x.q, x.q), *_product(x, x.context.mpf(1))]


def _binary_entropy(x: Exact, y: Any, exactly: bool) -> list[Part]:
    (a, b), (log_a, log_b) = x.sigmoids, x.minus_log_sigmoids
    value = y * log_a + (1 - y) * log_b
    slope = (1 - y) * a - y * b
    scale = abs(slope) if exactly else a + y
    product = [(a * b * x.v, a * b * abs(x.v))] if a.shape[1] == HVP_CLASSES else []
    return [(value, value), (slope, scale), *product]


def _binary_error(x: Exact, y: Any, exactly: bool) -> list[Part]:
    a, b = x.sigmoids
    d = (1 - y) * a - y * b
    return [(d * d / 2, d * d / 2), (d * a * b, abs(d) * a * b)]


FORMS: dict[str, Form] = {
    "softmax, cross-entropy": _entropy,
    "softmax, smoothed cross-entropy": _smoothed,
    "softmax, KL divergence": _divergence,
    "softmax, squared error": _squared_error,
    "softmax, focal loss": _focal,
    "logsumexp": _logsumexp,
    "sigmoid, cross-entropy": _binary_entropy,
    "sigmoid, squared error": _binary_error,
}


def _truth(exact: Any, scale: Any) -> Truth:
    exact, scale = np.broadcast_arrays(exact, scale)
    high = exact.astype(np.float64)
    low = np.where(np.isfinite(high), exact - np.where(np.isfinite(high), high, 0), 0)
    return Truth(high, low.astype(np.float64), scale.astype(np.float64))
