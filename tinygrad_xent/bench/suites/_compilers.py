"""Whoever turns a task into a call: this package, compilers of peers, and people.

Each takes a task, a shape and a type of floating point, and returns the call to time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..calls import Kept
from ..case import Call
from ..compiling import compiled_by
from ._tasks import Task

Shape = tuple[int, ...]
Maker = Callable[[Task, Shape, str], Call]


def copy(task: Task, shape: Shape, dtype: str) -> Call:
    """The floor: the differentiated arguments are read and written once, into the same memory."""
    sources = task.data(shape, dtype)[: task.wrt]
    targets = tuple(np.empty_like(a) for a in sources)

    def call() -> Any:
        for target, source in zip(targets, sources, strict=True):
            np.copyto(target, source)
        return targets

    return call


def ours(backend: str, task: Task, shape: Shape, dtype: str, first: Shape | None = None) -> Call:
    """With `first` as the shape of the call that comes before the benchmark, not this one."""
    import tinygrad_xent as tx

    f = tx.value_and_grad(partial(task.naive, tx), tuple(range(task.wrt)))
    run = compiled_by(backend, f, *task.data(first or shape, dtype))
    return partial(run, *task.data(shape, dtype))


def by_hand(task: Task, shape: Shape, dtype: str) -> Call:
    return partial(task.by_hand, *task.data(shape, dtype))


def torch(task: Task, shape: Shape, dtype: str) -> Call:
    return _torch(task.torch, task, shape, dtype)


def torch_single(task: Task, shape: Shape, dtype: str) -> Call:
    """Its threads wait for each other busily, which goes badly on a machine with other work."""
    import torch

    torch.set_num_threads(1)
    return _torch(task.torch, task, shape, dtype)


def torch_compiled(task: Task, shape: Shape, dtype: str) -> Call:
    import torch

    return _torch(torch.compile(task.torch), task, shape, dtype)


def _torch(loss: Callable[..., Any], task: Task, shape: Shape, dtype: str) -> Call:
    import torch

    args = [torch.from_numpy(a) for a in task.data(shape, dtype)]

    def call() -> Any:
        leaves = [a.detach().requires_grad_() for a in args[: task.wrt]]
        value = loss(*leaves, *args[task.wrt :])
        value.backward()
        return value.detach(), *(leaf.grad for leaf in leaves)

    return call


def jax(task: Task, shape: Shape, dtype: str) -> Call:
    import jax

    jax.config.update("jax_enable_x64", True)
    args = [jax.numpy.asarray(a) for a in task.data(shape, dtype)]
    run = jax.jit(jax.value_and_grad(task.jax, tuple(range(task.wrt))))
    return lambda: jax.block_until_ready(run(*args))


def autograd(task: Task, shape: Shape, dtype: str) -> Call:
    import autograd.numpy as anp
    from autograd import value_and_grad

    run = value_and_grad(partial(task.naive, anp), tuple(range(task.wrt)))
    return partial(run, *task.data(shape, dtype))


def kept(maker: Maker) -> Maker:
    """The same, with results that the caller keeps: each one needs fresh memory."""
    return lambda task, shape, dtype: Kept(maker(task, shape, dtype))


OURS: dict[str, Maker] = {
    "tinygrad_xent, numba": partial(ours, "numba"),
    "tinygrad_xent, NumPy": partial(ours, "numpy"),
}
PEERS: dict[str, Maker] = {"torch": torch, "torch.compile": torch_compiled, "jax.jit": jax}
COMPILERS: dict[str, Maker] = {
    **OURS,
    **{f"{name}, fresh": kept(maker) for name, maker in OURS.items()},
    **PEERS,
    **{f"{name}, fresh": kept(maker) for name, maker in PEERS.items()},
    "torch, one thread": torch_single,
    "NumPy by hand": by_hand,
    "autograd": autograd,
}
