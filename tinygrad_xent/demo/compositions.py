"""Activations and losses, composed of primitives: nothing here knows its own derivative.

They are written as in the documents, without the care for overflow that `tx.softmax` and its
relatives take. The class axis is the last.

z   logits        q, a   prediction        p, y   target
"""

from __future__ import annotations

from typing import Any

import tinygrad_xent as tx


def softmax(z: Any) -> Any:
    e = tx.exp(z)
    return e / tx.sum(e, axis=-1, keepdims=True)


def sigmoid(z: Any) -> Any:
    return 1 / (1 + tx.exp(-z))


def log_sum_exp(z: Any) -> Any:
    return tx.log(tx.sum(tx.exp(z), axis=-1))


def cross_entropy(p: Any, q: Any) -> Any:
    return -tx.sum(p * tx.log(q), axis=-1)


def squared_error(p: Any, q: Any) -> Any:
    return tx.sum((q - p) ** 2, axis=-1) / 2


def binary_cross_entropy(y: Any, a: Any) -> Any:
    return -tx.sum(y * tx.log(a) + (1 - y) * tx.log(1 - a), axis=-1)
