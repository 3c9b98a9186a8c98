"""Layers that compiled code is measured at: a normalisation, and a network of two layers.

x   activations, (B, C)     w   what the result is weighted with, so that it is one number
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._tasks import Arrays, Task, entropy, entropy_by_hand, entropy_jax, entropy_torch

EPSILON = 1e-5


def normalised(shape: tuple[int, ...], dtype: str) -> Arrays:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=shape), rng.normal(size=shape)
    scale, shift = rng.normal(size=shape[1]), rng.normal(size=shape[1])
    return tuple(a.astype(dtype) for a in (x, scale, shift, w))


def normalise(m: Any, x: Any, scale: Any, shift: Any, w: Any) -> Any:
    d = x - m.mean(x, axis=1, keepdims=True)
    variance = m.mean(d * d, axis=1, keepdims=True)
    return m.sum(w * (d / m.sqrt(variance + EPSILON) * scale + shift))


def normalise_torch(x: Any, scale: Any, shift: Any, w: Any) -> Any:
    from torch.nn.functional import layer_norm

    return (w * layer_norm(x, x.shape[1:], scale, shift, EPSILON)).sum()


def normalise_jax(x: Any, scale: Any, shift: Any, w: Any) -> Any:
    import jax.numpy

    return normalise(jax.numpy, x, scale, shift, w)


def normalise_by_hand(x: Any, scale: Any, shift: Any, w: Any) -> Arrays:
    n = x.shape[1]
    d = x - x.mean(axis=1, keepdims=True)
    r = 1 / np.sqrt(np.einsum("ij,ij->i", d, d)[:, None] / n + EPSILON)
    d *= r
    g_scale, g_shift = np.einsum("ij,ij->j", w, d), w.sum(axis=0)
    value = np.vdot(scale, g_scale) + np.vdot(shift, g_shift)
    g = w * scale
    along = np.einsum("ij,ij->i", g, d)[:, None] / n
    g -= g.mean(axis=1, keepdims=True)
    g -= d * along
    g *= r
    return value, g, g_scale, g_shift


NORMALISATION = Task(
    "layer normalisation", normalised, 3,
    normalise, normalise_torch, normalise_jax, normalise_by_hand,
)  # fmt: skip


# -- two layers with tanh, softmax and cross-entropy ----------------------------------------------


def network_data(shape: tuple[int, ...], dtype: str) -> Arrays:
    """Weights and biases, then images and labels; the shape is (batch, inputs, hidden, classes)."""
    batch, inputs, hidden, classes = shape
    rng = np.random.default_rng(0)
    first = rng.normal(size=(inputs, hidden)) / np.sqrt(inputs)
    second = rng.normal(size=(hidden, classes)) / np.sqrt(hidden)
    images = rng.normal(size=(batch, inputs))
    floats = (first, np.zeros(hidden), second, np.zeros(classes), images)
    return (*(a.astype(dtype) for a in floats), rng.integers(classes, size=batch))


def scores(m: Any, *args: Any) -> Any:
    first, b, second, c, images = args
    return m.matmul(m.tanh(m.matmul(images, first) + b), second) + c


def network(m: Any, *args: Any) -> Any:
    return entropy(m, scores(m, *args[:-1]), args[-1])


def network_torch(*args: Any) -> Any:
    import torch

    return entropy_torch(scores(torch, *args[:-1]), args[-1])


def network_jax(*args: Any) -> Any:
    import jax.numpy

    return entropy_jax(scores(jax.numpy, *args[:-1]), args[-1])


def network_by_hand(first: Any, b: Any, second: Any, c: Any, images: Any, y: Any) -> Arrays:
    h = np.tanh(images @ first + b)
    value, g = entropy_by_hand(h @ second + c, y)
    g_h = g @ second.T
    g_h *= 1 - h * h
    return value, images.T @ g_h, g_h.sum(axis=0), h.T @ g, g.sum(axis=0)


NETWORK = Task(
    "two layers, cross-entropy", network_data, 4,
    network, network_torch, network_jax, network_by_hand,
)  # fmt: skip
