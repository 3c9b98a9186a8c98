"""Who computes the losses: this package in several ways, and its peers where installed.

A maker imports its system and returns what computes a family at a batch: the value of each row or
entry, the gradient of their sum, and its product with `along`, or None where that is not asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..case import MissingError
from ..compiling import compiled_by
from .families import Family
from .inputs import HVP_CLASSES, Batch

Loss = Callable[..., Any]  # of logits and targets: the loss of each row or entry
Parts = list[Any]
Run = Callable[[Family, Batch], Parts]


@dataclass(frozen=True)
class Library:
    """The careful functions of one library; `m` is what in it speaks NumPy."""

    m: Any
    softmax: Callable[[Any], Any]
    log_softmax: Callable[[Any], Any]
    logsumexp: Callable[[Any], Any]
    sigmoid: Callable[[Any], Any]
    cross_entropy: Callable[[Any, Any], Any]
    kl_divergence: Callable[[Any, Any], Any]
    binary_cross_entropy: Callable[[Any, Any], Any]


def _asks_product(family: Family, batch: Batch) -> bool:
    return batch.logits.shape[1] == HVP_CLASSES and "squared" not in family.name


def _naive(m: Any, family: Family) -> Loss:
    return partial(family.naive, m)


def _careful(lib: Library, family: Family) -> Loss:
    return partial(family.careful, lib)


# -- this package ---------------------------------------------------------------------------------


def ours_naive() -> Run:
    import tinygrad_xent as tx

    return partial(_eager, partial(_naive, tx))


def ours_careful() -> Run:
    import tinygrad_xent as tx

    lib = Library(
        tx, tx.softmax, tx.log_softmax, partial(tx.logsumexp, axis=-1), tx.sigmoid,
        tx.softmax_cross_entropy, lambda z, p: tx.kl_divergence(p, tx.softmax(z)),
        tx.sigmoid_binary_cross_entropy,
    )  # fmt: skip
    return partial(_eager, partial(_careful, lib))


def _eager(loss_of: Callable[[Family], Loss], family: Family, batch: Batch) -> Parts:
    import tinygrad_xent as tx

    loss, z, p = loss_of(family), batch.logits, batch.targets(family.targets)
    total = lambda z: tx.sum(loss(z, p))  # noqa: E731
    parts = [loss(z, p), tx.grad(total)(z)]
    return [*parts, tx.hvp(total)(z, batch.along)] if _asks_product(family, batch) else parts


def compiled(backend: str) -> Run:
    return partial(_compiled, backend)


def _compiled(backend: str, family: Family, batch: Batch) -> Parts:
    """One compiled function each, from the naive composition."""
    import tinygrad_xent as tx

    loss, z, p = _naive(tx, family), batch.logits, batch.targets(family.targets)

    def value_and_slope(z: Any, p: Any) -> Any:
        return loss(z, p), tx.grad(lambda z: tx.sum(loss(z, p)))(z)

    def product(z: Any, v: Any, p: Any) -> Any:
        times: Any = tx.hvp(lambda z: tx.sum(loss(z, p)))
        return times(z, v)

    parts = [*compiled_by(backend, value_and_slope, z, p)(z, p)]
    if _asks_product(family, batch):
        parts.append(compiled_by(backend, product, z, batch.along, p)(z, batch.along, p))
    return parts


def derived() -> Run:
    return _derived


def _derived(family: Family, batch: Batch) -> Parts:
    """The source of the derived closed form, which knows one example at a time."""
    if family.targets == "labels":
        raise MissingError("its source is for one example")
    run = _source(family, batch.logits.shape[1])
    z, p = batch.logits, batch.targets(family.targets)
    shape = z.shape if family.name.startswith("sigmoid") else z.shape[:1]
    pairs = zip(*(a.reshape(np.prod(shape), -1) for a in (z, p)), strict=True)
    values, gradients = zip(*(run(*pair) for pair in pairs), strict=True)
    return [np.reshape(values, shape), np.reshape(gradients, z.shape)]


def _source(family: Family, classes: int) -> Callable[..., Any]:
    """It may say that it holds for this number of classes only: a mean divides by it."""
    import tinygrad_xent as tx

    sample = {"z": np.linspace(-0.5, 0.5, classes), "p": np.full(classes, 1 / classes)}
    z, p = (tx.tensor(value, name=name) for name, value in sample.items())
    loss = family.naive(_Vectors(), z, p)
    code = tx.derive(tx.sum(loss) if loss.ndim else loss, wrt=z).source()
    space: dict[str, Any] = {}
    exec(compile(code, "<derived>", "exec"), space)
    function: Any = space["value_and_gradient"]
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return lambda z, p: function(*({"z": z, "p": p}[name] for name in names))


class _Vectors:
    """For one example: the class axis is the only one."""

    def __init__(self) -> None:
        import tinygrad_xent as tx

        self.exp, self.log = tx.exp, tx.log
        self.sum = lambda x, axis, keepdims=False: tx.sum(x)
        self.mean = lambda x, axis: tx.mean(x)


# -- peers ----------------------------------------------------------------------------------------


def torch_naive() -> Run:
    import torch

    return partial(_torch, partial(_naive, torch))


def torch_careful() -> Run:
    import torch
    from torch.nn import functional

    each: Any = {"reduction": "none"}
    lib = Library(
        torch, partial(functional.softmax, dim=1), partial(functional.log_softmax, dim=1),
        partial(torch.logsumexp, dim=1), torch.sigmoid, partial(functional.cross_entropy, **each),
        lambda z, p: functional.kl_div(functional.log_softmax(z, dim=1), p, **each).sum(1),
        partial(functional.binary_cross_entropy_with_logits, **each),
    )  # fmt: skip
    return partial(_torch, partial(_careful, lib))


def _torch(loss_of: Callable[[Family], Loss], family: Family, batch: Batch) -> Parts:
    import torch

    loss, p = loss_of(family), torch.from_numpy(batch.targets(family.targets))
    z, along = torch.from_numpy(batch.logits), torch.from_numpy(batch.along)
    total = lambda z: torch.sum(loss(z, p))  # noqa: E731
    slope = torch.func.grad(total)
    parts = [loss(z, p), slope(z)]
    if _asks_product(family, batch):
        parts.append(torch.func.jvp(slope, (z,), (along,))[1])
    return [part.numpy() for part in parts]


def jax_naive() -> Run:
    return partial(_jax, partial(_naive, _jax_numpy()))


def jax_careful() -> Run:
    m = _jax_numpy()
    from jax import nn

    def cross_entropy(z: Any, p: Any) -> Any:
        log_q = nn.log_softmax(z)
        if p.ndim == 1:
            return -log_q[np.arange(len(p)), p]
        return -m.sum(p * log_q, axis=1)

    lib = Library(
        m, nn.softmax, nn.log_softmax, partial(nn.logsumexp, axis=1), nn.sigmoid, cross_entropy,
        lambda z, p: m.sum(p * (m.log(p) - nn.log_softmax(z)), axis=1),
        lambda z, y: -(y * nn.log_sigmoid(z) + (1 - y) * nn.log_sigmoid(-z)),
    )  # fmt: skip
    return partial(_jax, partial(_careful, lib))


def _jax_numpy() -> Any:
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax.numpy


def _jax(loss_of: Callable[[Family], Loss], family: Family, batch: Batch) -> Parts:
    import jax

    loss, p = loss_of(family), batch.targets(family.targets)
    slope = jax.grad(lambda z: jax.numpy.sum(loss(z, p)))
    z = jax.numpy.asarray(batch.logits)
    parts = [jax.jit(lambda z: loss(z, p))(z), jax.jit(slope)(z)]
    if _asks_product(family, batch):
        parts.append(jax.jit(lambda z, v: jax.jvp(slope, (z,), (v,))[1])(z, batch.along))
    return [np.asarray(part) for part in parts]


def autograd_naive() -> Run:
    import autograd.numpy as anp

    return partial(_autograd, partial(_naive, anp))


def _autograd(loss_of: Callable[[Family], Loss], family: Family, batch: Batch) -> Parts:
    import autograd.numpy as anp
    from autograd import grad, hessian_vector_product

    loss, z, p = loss_of(family), batch.logits, batch.targets(family.targets)
    total = lambda z: anp.sum(loss(z, p))  # noqa: E731
    parts = [loss(z, p), grad(total)(z)]
    if _asks_product(family, batch):
        parts.append(hessian_vector_product(total)(z, batch.along))
    return parts


SYSTEMS: dict[str, Callable[[], Run]] = {
    "tinygrad_xent, compiled, numba": partial(compiled, "numba"),
    "tinygrad_xent, compiled, NumPy": partial(compiled, "numpy"),
    "tinygrad_xent, its own functions": ours_careful,
    "tinygrad_xent, as composed": ours_naive,
    "tinygrad_xent, derived source": derived,
    "torch, its own functions": torch_careful,
    "torch, as composed": torch_naive,
    "jax.jit, its own functions": jax_careful,
    "jax.jit, as composed": jax_naive,
    "autograd, as composed": autograd_naive,
}
