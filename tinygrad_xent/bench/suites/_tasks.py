"""What compiled code is measured at: each loss written naively, and as well as each peer can.

m   anything that speaks NumPy      z   logits          q   softmax(z)      y   labels
p   target distributions            a   sigmoid(z)      g   the gradient with respect to z
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = tuple[Any, ...]


@dataclass(frozen=True)
class Task:
    """One number and its gradient.

    Attributes:
        name: what the table calls it.
        data: the arguments, of shape and type: first those that are differentiated.
        wrt: how many of them are.
        naive: the loss, of a namespace that speaks NumPy and the arguments.
        torch, jax: the same with the best functions these have.
        by_hand: the value and the gradients in NumPy, as a careful person writes them.
    """

    name: str
    data: Callable[[tuple[int, ...], str], Arrays]
    wrt: int
    naive: Callable[..., Any]
    torch: Callable[..., Any]
    jax: Callable[..., Any]
    by_hand: Callable[..., Arrays]


def softmax(m: Any, z: Any) -> Any:
    e = m.exp(z)
    return e / m.sum(e, axis=1, keepdims=True)


def softmax_by_hand(z: Any) -> Any:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    e /= e.sum(axis=1, keepdims=True)
    return e


def inner(a: Any, b: Any) -> Any:
    """Row by row first: one long sum of float32 would lose digits."""
    return np.einsum("ij,ij->i", a, b).sum()


def _logits(shape: tuple[int, ...], dtype: str) -> tuple[Any, np.random.Generator]:
    rng = np.random.default_rng(0)
    return rng.normal(size=shape).astype(dtype), rng


# -- softmax with cross-entropy of labels ---------------------------------------------------------


def labelled(shape: tuple[int, ...], dtype: str) -> Arrays:
    z, rng = _logits(shape, dtype)
    return z, rng.integers(shape[1], size=shape[0])


def entropy(m: Any, z: Any, y: Any) -> Any:
    return -m.sum(m.log(softmax(m, z)[np.arange(z.shape[0]), y]))


def entropy_torch(z: Any, y: Any) -> Any:
    from torch.nn.functional import cross_entropy

    return cross_entropy(z, y, reduction="sum")


def entropy_jax(z: Any, y: Any) -> Any:
    from jax.nn import log_softmax

    return -log_softmax(z)[np.arange(z.shape[0]), y].sum()


def entropy_by_hand(z: Any, y: Any) -> Arrays:
    rows = np.arange(len(y))
    shifted = z - z.max(axis=1, keepdims=True)
    g = np.exp(shifted)
    total = g.sum(axis=1)
    value = np.sum(np.log(total) - shifted[rows, y])
    g /= total[:, None]
    g[rows, y] -= 1
    return value, g


ENTROPY = Task(
    "softmax, cross-entropy", labelled, 1, entropy, entropy_torch, entropy_jax, entropy_by_hand
)


# -- softmax with squared error, and with KL divergence -------------------------------------------


def one_hot(shape: tuple[int, ...], dtype: str) -> Arrays:
    z, y = labelled(shape, dtype)
    return z, (y[:, None] == np.arange(shape[1])).astype(dtype)


def dense(shape: tuple[int, ...], dtype: str) -> Arrays:
    z, rng = _logits(shape, dtype)
    return z, softmax_by_hand(rng.normal(size=shape)).astype(dtype)


def squared_error(m: Any, z: Any, p: Any) -> Any:
    return m.sum((softmax(m, z) - p) ** 2) / 2


def squared_error_torch(z: Any, p: Any) -> Any:
    from torch.nn.functional import mse_loss, softmax

    return mse_loss(softmax(z, dim=1), p, reduction="sum") / 2


def squared_error_jax(z: Any, p: Any) -> Any:
    from jax.nn import softmax

    return ((softmax(z) - p) ** 2).sum() / 2


def squared_error_by_hand(z: Any, p: Any) -> Arrays:
    q = softmax_by_hand(z)
    d = q - p
    value = inner(d, d) / 2
    d -= np.einsum("ij,ij->i", d, q)[:, None]
    d *= q
    return value, d


def divergence(m: Any, z: Any, p: Any) -> Any:
    return m.sum(p * (m.log(p) - m.log(softmax(m, z))))


def divergence_torch(z: Any, p: Any) -> Any:
    from torch.nn.functional import kl_div, log_softmax

    return kl_div(log_softmax(z, dim=1), p, reduction="sum")


def divergence_jax(z: Any, p: Any) -> Any:
    import jax

    return (p * (jax.numpy.log(p) - jax.nn.log_softmax(z))).sum()


def divergence_by_hand(z: Any, p: Any) -> Arrays:
    shifted = z - z.max(axis=1, keepdims=True)
    g = np.exp(shifted)
    total = g.sum(axis=1, keepdims=True)
    shifted -= np.log(total)
    value = inner(p, np.log(p) - shifted)
    g *= p.sum(axis=1, keepdims=True) / total
    g -= p
    return value, g


SQUARED_ERROR = Task(
    "softmax, squared error", one_hot, 1,
    squared_error, squared_error_torch, squared_error_jax, squared_error_by_hand,
)  # fmt: skip
DIVERGENCE = Task(
    "softmax, KL divergence", dense, 1,
    divergence, divergence_torch, divergence_jax, divergence_by_hand,
)  # fmt: skip


# -- sigmoid with binary cross-entropy ------------------------------------------------------------


def binary(shape: tuple[int, ...], dtype: str) -> Arrays:
    z, rng = _logits(shape, dtype)
    return z, rng.integers(2, size=shape).astype(dtype)


def binary_entropy(m: Any, z: Any, y: Any) -> Any:
    a = 1 / (1 + m.exp(-z))
    return -m.sum(y * m.log(a) + (1 - y) * m.log(1 - a))


def binary_entropy_torch(z: Any, y: Any) -> Any:
    from torch.nn.functional import binary_cross_entropy_with_logits

    return binary_cross_entropy_with_logits(z, y, reduction="sum")


def binary_entropy_jax(z: Any, y: Any) -> Any:
    from jax.nn import softplus

    return (softplus(z) - z * y).sum()


def binary_entropy_by_hand(z: Any, y: Any) -> Arrays:
    tail = np.exp(-np.abs(z))
    value = np.sum(np.maximum(z, 0)) - inner(z, y) + np.sum(np.log1p(tail))
    return value, np.where(z > 0, 1, tail) / (1 + tail) - y


BINARY_ENTROPY = Task(
    "sigmoid, cross-entropy", binary, 1,
    binary_entropy, binary_entropy_torch, binary_entropy_jax, binary_entropy_by_hand,
)  # fmt: skip
