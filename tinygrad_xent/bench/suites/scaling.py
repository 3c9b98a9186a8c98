"""How cost grows with rows, with classes, and with the depth of a graph: for each entry or node."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..case import Call, Case, MissingError
from ._compilers import Shape, by_hand, jax, ours, torch
from ._scalars import chain_autograd as autograd_chain
from ._scalars import chain_expected, chain_ours
from ._scalars import chain_torch as torch_chain
from ._tasks import ENTROPY, Task
from .compiled import TOLERANCE, expected

CLASSES, ROWS = 10, 16
TENS = (1_000, 10_000, 100_000, 1_000_000)
DEEPEST = 100_000  # for peers that walk by recursion or keep a kilobyte for each node


def eager(task: Task, shape: Shape, dtype: str) -> Call:
    import tinygrad_xent as tx

    run = tx.value_and_grad(partial(task.naive, tx))
    return partial(run, *task.data(shape, dtype))


_MAKERS: dict[str, Callable[..., Call]] = {
    "NumPy by hand": by_hand,
    "tinygrad_xent, numba": partial(ours, "numba"),
    "tinygrad_xent, NumPy": partial(ours, "numpy"),
    "tinygrad_xent, eager": eager,
    "torch": torch,
    "jax.jit": jax,
}


def _entries(series: str, at: int, shape: Shape) -> Case:
    return Case(
        name=f"{series}: {at:,}, per entry",
        expected=partial(expected, ENTROPY, shape, "float32"),
        systems={name: partial(make, ENTROPY, shape, "float32") for name, make in _MAKERS.items()},
        per=shape[0] * shape[1],
        tolerance=10 * TOLERANCE["float32"],
        threads=None,
        series=series,
        at=at,
    )


def _depth(n: int) -> Case:
    return Case(
        name=f"operations one after the other: {n:,}, per operation",
        expected=partial(chain_expected, n),
        systems={
            "tinygrad_xent, eager": partial(chain_ours, n),
            "torch": partial(_not_too_deep, torch_chain, n),
            "autograd": partial(_not_too_deep, autograd_chain, n),
        },
        per=n,
        series="operations one after the other",
        at=n,
    )


def _not_too_deep(make: Callable[[int], Call], n: int) -> Call:
    if n > DEEPEST:
        raise MissingError("takes too long")
    return make(n)


CASES = (
    *(_entries(f"rows of {CLASSES} classes", n, (n, CLASSES)) for n in TENS),
    *(_entries(f"classes of {ROWS} rows", n, (ROWS, n)) for n in TENS),
    *(_depth(n) for n in TENS),
)
