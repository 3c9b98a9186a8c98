"""The losses, each written twice: naively, and with a library's careful functions.

m   anything that speaks NumPy          z   logits, (B, C)         p, y   targets
lib a library's own functions           q   softmax(z)             a      sigmoid(z)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

SMOOTHING = 0.125
"""How much label smoothing moves to all classes: exact in binary, so that all agree on it."""

Loss = Callable[[Any, Any, Any], Any]


@dataclass(frozen=True)
class Family:
    """A loss and the kind of its targets.

    Attributes:
        name: what the table calls it; the same for several kinds of targets.
        targets: "labels", "one-hot", "0 or 1" for each entry, "dense" or "no targets".
        naive: the loss of each row or entry, of a namespace that speaks NumPy, logits and targets.
        careful: the same of a `Library`.
    """

    name: str
    targets: str
    naive: Loss
    careful: Loss

    @property
    def title(self) -> str:
        return f"{self.name}, {self.targets}"


def softmax(m: Any, z: Any) -> Any:
    e = m.exp(z)
    return e / m.sum(e, axis=1, keepdims=True)


def sigmoid(m: Any, z: Any) -> Any:
    return 1 / (1 + m.exp(-z))


def entropy_of_labels(m: Any, z: Any, y: Any) -> Any:
    return -m.log(softmax(m, z)[np.arange(z.shape[0]), y])


def entropy(m: Any, z: Any, p: Any) -> Any:
    return -m.sum(p * m.log(softmax(m, z)), axis=1)


def smoothed(m: Any, z: Any, p: Any) -> Any:
    log_q = m.log(softmax(m, z))
    return -(1 - SMOOTHING) * m.sum(p * log_q, axis=1) - SMOOTHING * m.mean(log_q, axis=1)


def divergence(m: Any, z: Any, p: Any) -> Any:
    return m.sum(p * (m.log(p) - m.log(softmax(m, z))), axis=1)


def squared_error(m: Any, z: Any, p: Any) -> Any:
    return m.sum((softmax(m, z) - p) ** 2, axis=1) / 2


def focal(m: Any, z: Any, p: Any) -> Any:
    q = softmax(m, z)
    return -m.sum(p * (1 - q) ** 2 * m.log(q), axis=1)


def logsumexp(m: Any, z: Any, p: Any) -> Any:
    return m.log(m.sum(m.exp(z), axis=1))


def binary_entropy(m: Any, z: Any, y: Any) -> Any:
    a = sigmoid(m, z)
    return -(y * m.log(a) + (1 - y) * m.log(1 - a))


def binary_error(m: Any, z: Any, y: Any) -> Any:
    return (sigmoid(m, z) - y) ** 2 / 2


def _smoothed(lib: Any, z: Any, p: Any) -> Any:
    return lib.cross_entropy(z, p * (1 - SMOOTHING) + SMOOTHING / z.shape[1])


def _squared_error(lib: Any, z: Any, p: Any) -> Any:
    return lib.m.sum((lib.softmax(z) - p) ** 2, axis=1) / 2


def _focal(lib: Any, z: Any, p: Any) -> Any:
    return -lib.m.sum(p * (1 - lib.softmax(z)) ** 2 * lib.log_softmax(z), axis=1)


def _binary_error(lib: Any, z: Any, y: Any) -> Any:
    return (lib.sigmoid(z) - y) ** 2 / 2


def _of_the_library(name: str) -> Loss:
    """A loss that libraries have."""
    return lambda lib, z, p: getattr(lib, name)(z, p)


_cross_entropy = _of_the_library("cross_entropy")
_binary = _of_the_library("binary_cross_entropy")
_divergence = _of_the_library("kl_divergence")


def _logsumexp(lib: Any, z: Any, p: Any) -> Any:
    return lib.logsumexp(z)


FAMILIES = (
    Family("softmax, cross-entropy", "labels", entropy_of_labels, _cross_entropy),
    Family("softmax, cross-entropy", "one-hot", entropy, _cross_entropy),
    Family("softmax, cross-entropy", "dense", entropy, _cross_entropy),
    Family("softmax, smoothed cross-entropy", "one-hot", smoothed, _smoothed),
    Family("softmax, KL divergence", "one-hot", divergence, _divergence),
    Family("softmax, KL divergence", "dense", divergence, _divergence),
    Family("softmax, squared error", "one-hot", squared_error, _squared_error),
    Family("softmax, squared error", "dense", squared_error, _squared_error),
    Family("softmax, focal loss", "one-hot", focal, _focal),
    Family("logsumexp", "no targets", logsumexp, _logsumexp),
    Family("sigmoid, cross-entropy", "0 or 1", binary_entropy, _binary),
    Family("sigmoid, cross-entropy", "dense", binary_entropy, _binary),
    Family("sigmoid, squared error", "0 or 1", binary_error, _binary_error),
)
