"""Second derivatives: a Hessian-vector product of a network, a whole Hessian of a loss."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..case import Call, Case

_RNG = np.random.default_rng(0)
X = _RNG.normal(size=(128, 64))
P = np.eye(10)[_RNG.integers(10, size=128)]
LAYERS = (_RNG.normal(size=(64, 128)) / 8, _RNG.normal(size=(128, 10)) / 11)
ALONG = (_RNG.normal(size=(64, 128)), _RNG.normal(size=(128, 10)))


def loss(m: Any, first: Any, second: Any) -> Any:
    """A two-layer network with tanh, softmax and cross-entropy."""
    e = m.exp(m.matmul(m.tanh(m.matmul(X, first)), second))
    return -m.sum(P * m.log(e / m.sum(e, axis=1, keepdims=True)))


def slopes(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gradient, by hand."""
    h = np.tanh(X @ first)
    e = np.exp(h @ second)
    g = e / e.sum(axis=1, keepdims=True) - P
    return X.T @ (g @ second.T * (1 - h * h)), h.T @ g


def product_expected() -> Any:
    """The product with the Hessian, from differences of the gradient written by hand."""
    step = 1e-4
    at = [slopes(*(w + k * step * v for w, v in zip(LAYERS, ALONG, strict=True)))
          for k in (-2, -1, 1, 2)]  # fmt: skip
    return tuple((a - 8 * b + 8 * c - d) / (12 * step) for a, b, c, d in zip(*at, strict=True))


def gradient_expected() -> Any:
    return slopes(*LAYERS)


def gradient_ours() -> Call:
    import tinygrad_xent as tx

    return partial(tx.grad(partial(loss, tx), (0, 1)), *LAYERS)


def product_ours() -> Call:
    import tinygrad_xent as tx

    return partial(tx.hvp(lambda w: loss(tx, *w)), LAYERS, ALONG)


def product_torch() -> Call:
    import torch

    x, p, *rest = (torch.from_numpy(a) for a in (X, P, *LAYERS, *ALONG))
    layers, along = tuple(rest[:2]), tuple(rest[2:])

    def f(first: Any, second: Any) -> Any:
        e = torch.exp(torch.tanh(x @ first) @ second)
        return -torch.sum(p * torch.log(e / torch.sum(e, dim=1, keepdim=True)))

    slope = torch.func.grad(f, argnums=(0, 1))
    return lambda: [t.numpy() for t in torch.func.jvp(slope, layers, along)[1]]


def product_autograd() -> Call:
    import autograd.numpy as anp
    from autograd import hessian_vector_product

    (n, m), size = LAYERS[0].shape, LAYERS[0].size

    def parts(w: Any) -> Any:
        return w[:size].reshape(n, m), w[size:].reshape(m, -1)

    product = hessian_vector_product(lambda w: loss(anp, *parts(w)))
    at, along = (np.concatenate([a.ravel() for a in pair]) for pair in (LAYERS, ALONG))
    return lambda: parts(product(at, along))


# -- a Hessian of 50 by 50 ------------------------------------------------------------------------

Z = _RNG.normal(size=(5, 10))
T = np.eye(10)[:5]


def entropy(m: Any, z: Any) -> Any:
    e = m.exp(z)
    return -m.sum(T * m.log(e / m.sum(e, axis=1, keepdims=True)))


def hessian_expected() -> np.ndarray:
    """diag(q) - q qᵀ for each row, nothing between rows."""
    q = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    out = np.zeros((5, 10, 5, 10))
    for i, row in enumerate(q):
        out[i, :, i, :] = np.diag(row) - np.outer(row, row)
    return out


def hessian_ours() -> Call:
    import tinygrad_xent as tx

    return partial(tx.hessian(partial(entropy, tx)), Z)


def hessian_torch() -> Call:
    import torch

    z, t = torch.from_numpy(Z), torch.from_numpy(T)

    def f(z: Any) -> Any:
        e = torch.exp(z)
        return -torch.sum(t * torch.log(e / torch.sum(e, dim=1, keepdim=True)))

    return lambda: torch.func.hessian(f)(z).numpy()


def hessian_autograd() -> Call:
    import autograd.numpy as anp
    from autograd import hessian

    return partial(hessian(partial(entropy, anp)), Z)


def hessian_jax() -> Call:
    import jax

    jax.config.update("jax_enable_x64", True)
    run = jax.jit(jax.hessian(partial(entropy, jax.numpy)))
    return lambda: jax.block_until_ready(run(Z))


SECOND = (
    Case(
        name="Hessian of two layers times a vector",
        expected=product_expected,
        systems={
            "tinygrad_xent, the gradient only": gradient_ours,
            "tinygrad_xent": product_ours,
            "torch.func": product_torch,
            "autograd": product_autograd,
        },
        instead={"tinygrad_xent, the gradient only": gradient_expected},
        tolerance=1e-7,
    ),
    Case(
        name="Hessian of cross-entropy, 50×50",
        expected=hessian_expected,
        systems={
            "tinygrad_xent": hessian_ours,
            "torch.func.hessian": hessian_torch,
            "autograd": hessian_autograd,
            "jax.jit (compiled)": hessian_jax,
        },
    ),
)
