"""Softmax with cross-entropy, composed of exp, sum, division and log: value and gradient."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..case import Call, Case

Shape = tuple[int, int]


def data(shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and one-hot targets."""
    rng = np.random.default_rng(0)
    labels = rng.integers(shape[1], size=shape[0])
    return rng.normal(size=shape), np.eye(shape[1])[labels]


def composed(m: Any, z: Any, p: Any) -> Any:
    """The same text for every system that speaks NumPy."""
    e = m.exp(z)
    q = e / m.sum(e, axis=1, keepdims=True)
    return -m.sum(p * m.log(q))


def by_hand(z: np.ndarray, p: np.ndarray) -> tuple[Any, np.ndarray]:
    """The same operations and their derivatives, one after the other, as a person would write."""
    e = np.exp(z)
    s = np.sum(e, axis=1, keepdims=True)
    q = e / s
    loss = -np.sum(p * np.log(q))
    g_log = np.broadcast_to(-1.0, z.shape) * p
    g_q = g_log / q
    g_s = np.sum(-g_q * q / s, axis=1, keepdims=True)
    g_e = g_q / s + g_s
    return loss, g_e * e


def expected(shape: Shape) -> tuple[Any, np.ndarray]:
    z, p = data(shape)
    q = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return -np.sum(p * np.log(q)), q - p


def hand(shape: Shape) -> Call:
    return partial(by_hand, *data(shape))


def ours_backward(shape: Shape) -> Call:
    import tinygrad_xent as tx

    z, p = data(shape)

    def call() -> Any:
        leaf = tx.Tensor(z)
        loss = composed(tx, leaf, p)
        loss.backward()
        return loss.value, leaf.grad

    return call


def ours_transform(shape: Shape) -> Call:
    import tinygrad_xent as tx

    z, p = data(shape)
    return partial(tx.value_and_grad(lambda z: composed(tx, z, p)), z)


def torch(shape: Shape) -> Call:
    import torch

    z, p = (torch.from_numpy(a) for a in data(shape))

    def call() -> Any:
        leaf = z.detach().requires_grad_()
        e = torch.exp(leaf)
        loss = -torch.sum(p * torch.log(e / torch.sum(e, dim=1, keepdim=True)))
        loss.backward()
        return loss.detach().numpy(), leaf.grad.numpy()

    return call


def autograd(shape: Shape) -> Call:
    import autograd.numpy as anp
    from autograd import value_and_grad

    z, p = data(shape)
    return partial(value_and_grad(lambda z: composed(anp, z, p)), z)


def mygrad(shape: Shape) -> Call:
    import mygrad

    z, p = data(shape)

    def call() -> Any:
        leaf = mygrad.tensor(z)
        loss = composed(mygrad, leaf, p)
        loss.backward()
        return loss.data, leaf.grad

    return call


def jax_compiled(shape: Shape) -> Call:
    import jax

    jax.config.update("jax_enable_x64", True)
    z, p = map(jax.numpy.asarray, data(shape))
    run = jax.jit(jax.value_and_grad(lambda z: composed(jax.numpy, z, p)))
    return lambda: jax.block_until_ready(run(z))


SYSTEMS: dict[str, Callable[[Shape], Call]] = {
    "NumPy by hand": hand,
    "tinygrad_xent, backward()": ours_backward,
    "tinygrad_xent, value_and_grad": ours_transform,
    "torch": torch,
    "autograd": autograd,
    "mygrad": mygrad,
    "jax.jit (compiled)": jax_compiled,
}

LOSSES = tuple(
    Case(
        name=f"softmax, cross-entropy and gradient, {shape[0]}×{shape[1]}",
        expected=partial(expected, shape),
        systems={name: partial(make, shape) for name, make in SYSTEMS.items()},
        memory=shape[0] > 100,
    )
    for shape in ((1, 3), (32, 10), (1024, 1000), (8192, 1000))
)
