"""Graphs of single numbers: a long chain, and the classic small network."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from ..case import Call, Case

START, FACTOR = 0.5, 0.999


def chain(x: Any, n: int) -> Any:
    """`n` operations, one after the other, with a fan-out from `x` into half of them."""
    y = x
    for _ in range(n // 2):
        y = y * FACTOR + x
    return y


def chain_expected(n: int) -> tuple[float, float]:
    slope = (1 - FACTOR ** (n // 2 + 1)) / (1 - FACTOR)
    return slope * START, slope


def chain_ours(n: int) -> Call:
    from ... import Tensor

    def call() -> Any:
        x = Tensor(START)
        y = chain(x, n)
        y.backward()
        return y.value, x.grad

    return call


def chain_micrograd(n: int) -> Call:
    from micrograd.engine import Value

    sys.setrecursionlimit(10 * n)

    def call() -> Any:
        x = Value(START)
        y = chain(x, n)
        y.backward()
        return y.data, x.grad

    return call


def chain_torch(n: int) -> Call:
    import torch

    def call() -> Any:
        x = torch.tensor(START, dtype=torch.float64, requires_grad=True)
        y = chain(x, n)
        y.backward()
        return y.item(), x.grad.item()

    return call


def chain_autograd(n: int) -> Call:
    from autograd import value_and_grad

    return partial(value_and_grad(partial(chain, n=n)), START)


def chain_mygrad(n: int) -> Call:
    import mygrad

    def call() -> Any:
        x = mygrad.tensor(START)
        y = chain(x, n)
        y.backward()
        return y.item(), x.grad

    return call


# -- a network of single neurons, 2-16-16-1, with the hinge loss on 100 points --------------------

_RNG = np.random.default_rng(0)
SIZES = (2, 16, 16, 1)
POINTS = _RNG.uniform(-1, 1, size=(100, 2))
SIGNS = np.where(POINTS[:, 0] * POINTS[:, 1] > 0, 1.0, -1.0)
WEIGHTS = [_RNG.uniform(-1, 1, size=(m, n)) for n, m in pairwise(SIZES)]
BIASES = [np.zeros(m) for m in SIZES[1:]]


def network(weights: Any, biases: Any, relu: Callable[[Any], Any]) -> Any:
    """The loss, number by number: what is written is what micrograd's own example computes."""
    total: Any = 0.0
    for point, sign in zip(POINTS.tolist(), SIGNS.tolist(), strict=True):
        x: list[Any] = point
        for depth, (rows, bias) in enumerate(zip(weights, biases, strict=True)):
            x = [sum((w * v for w, v in zip(row, x, strict=True)), b)
                 for row, b in zip(rows, bias, strict=True)]  # fmt: skip
            x = x if depth == len(weights) - 1 else [relu(v) for v in x]
        total = total + relu(1.0 + x[0] * -sign)
    return total * (1.0 / len(POINTS))


def network_expected() -> tuple[Any, ...]:
    xs, masks = [POINTS], []
    for depth, (w, b) in enumerate(zip(WEIGHTS, BIASES, strict=True)):
        z = xs[-1] @ w.T + b
        masks.append(z > 0 if depth < len(WEIGHTS) - 1 else np.ones_like(z, dtype=bool))
        xs.append(np.where(masks[-1], z, 0.0))
    margin = 1 - xs[-1][:, 0] * SIGNS
    g = (-SIGNS * (margin > 0) / len(POINTS))[:, None]
    grads = []
    for w, x, mask in zip(WEIGHTS[::-1], xs[-2::-1], masks[::-1], strict=True):
        g = g * mask
        grads.append((g.T @ x, g.sum(axis=0)))
        g = g @ w
    loss = np.maximum(margin, 0).mean()
    return _flat(loss, [w for w, _ in grads[::-1]], [b for _, b in grads[::-1]])


def _flat(loss: Any, weights: Any, biases: Any) -> tuple[Any, ...]:
    return (loss, *(np.asarray(w, dtype=float) for w in weights), *(np.asarray(b) for b in biases))


def network_by(
    make: Callable[[float], Any],
    relu: Callable[[Any], Any],
    value: Callable[[Any], Any],
    zero: Callable[[Any], None],
    collect: bool,
) -> Call:
    """A call for any engine whose numbers have `.backward()` and `.grad`."""
    if not collect:
        gc.disable()
    weights = [[[make(v) for v in row] for row in w.tolist()] for w in WEIGHTS]
    biases = [[make(v) for v in b.tolist()] for b in BIASES]
    leaves = [v for w in weights for row in w for v in row] + [v for b in biases for v in b]

    def call() -> Any:
        for leaf in leaves:
            zero(leaf)
        loss = network(weights, biases, relu)
        loss.backward()
        slopes = [[[float(v.grad) for v in row] for row in w] for w in weights]
        return _flat(value(loss), slopes, [[float(v.grad) for v in b] for b in biases])

    return call


def _no_grad_yet(leaf: Any) -> None:
    leaf.grad = None


def network_ours(collect: bool) -> Call:
    from ... import Tensor, relu

    return network_by(Tensor, relu, lambda loss: loss.value, _no_grad_yet, collect)


def network_micrograd(collect: bool) -> Call:
    from micrograd.engine import Value

    def zero(leaf: Any) -> None:
        leaf.grad = 0

    return network_by(Value, lambda v: v.relu(), lambda loss: loss.data, zero, collect)


def network_torch(collect: bool) -> Call:
    import torch

    make = partial(torch.tensor, dtype=torch.float64, requires_grad=True)
    return network_by(make, torch.relu, lambda loss: loss.item(), _no_grad_yet, collect)


def _chain_case(n: int, **peers: Callable[[int], Call]) -> Case:
    makers = {"tinygrad_xent": chain_ours, **peers}
    return Case(
        name=f"chain of {n:,} scalar operations, per operation",
        expected=partial(chain_expected, n),
        systems={system: partial(make, n) for system, make in makers.items()},
        per=n,
    )


SCALARS = (
    _chain_case(
        1000,
        micrograd=chain_micrograd,
        torch=chain_torch,
        autograd=chain_autograd,
        mygrad=chain_mygrad,
    ),
    _chain_case(10_000),
    _chain_case(100_000),
    _chain_case(1_000_000),
    Case(
        name="network 2-16-16-1 on 100 points, number by number",
        expected=network_expected,
        systems={
            "tinygrad_xent": partial(network_ours, True),
            "tinygrad_xent, collector off": partial(network_ours, False),
            "micrograd": partial(network_micrograd, True),
            "micrograd, collector off": partial(network_micrograd, False),
            "torch": partial(network_torch, True),
        },
    ),
)
