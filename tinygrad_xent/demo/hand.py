"""The gradients that the documents derive by hand, in plain NumPy: nothing here is differentiated.

z   logits        y   target distribution        W, b, v   weights, biases, features
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def jacobian(z: Array) -> Array:
    s = softmax(z)
    return np.array([[s[i] * ((i == j) - s[j]) for j in range(len(s))] for i in range(len(s))])


def two_class_squared(z: Array, y: Array) -> Array:
    (s1, s2), (y1, y2) = softmax(z), y
    return np.array([
        (s1 - y1) * (s1 * (1 - s1)) + (s2 - y2) * (-s1 * s2),
        (s1 - y1) * (-s1 * s2) + (s2 - y2) * (s2 * (1 - s2)),
    ])  # fmt: skip


def one_hot_sum(z: Array, y: Array) -> Array:
    """Wocjan's (8): the sum over k of y_k (a_j - delta_kj)."""
    a = softmax(z)
    return np.array([sum(y[k] * (a[j] - (k == j)) for k in range(len(a))) for j in range(len(a))])


def weights(W: Array, b: Array, v: Array, y: Array) -> Array:
    """(a_j - y_j) x_i in row j and column i; over a batch, their sum."""
    error = np.atleast_2d(softmax(v @ W.T + b) - y)
    return np.einsum("nj,ni->ji", error, np.atleast_2d(v))


def biases(W: Array, b: Array, v: Array, y: Array) -> Array:
    return np.atleast_2d(softmax(v @ W.T + b) - y).sum(axis=0)


def sine(x: Array, y: Array) -> Array:
    return np.sin(2 * (x - y)) + np.pi * np.sin(2 * np.pi * (x - y))


def two_class_entropy(z: Array, y: Array) -> Array:
    (s1, s2), (y1, y2) = softmax(z), y
    return np.array([
        (-y1 / s1) * (s1 * (1 - s1)) + (-y2 / s2) * (-s1 * s2),
        (-y1 / s1) * (-s1 * s2) + (-y2 / s2) * (s2 * (1 - s2)),
    ])  # fmt: skip


def saturated(z: Array, y: Array) -> Array:
    """What q - y tends to when one logit outgrows the others: q is 1 there and 0 elsewhere."""
    return (z == z.max()) * 1.0 - y
