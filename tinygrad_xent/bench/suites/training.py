"""Training on handwritten digits: whole steps of SGD, compiled. A call is twenty epochs.

The loss is the mean of the batch; what is checked are all parameters after the last step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np

from ..case import Call, Case, MissingError
from ..compiling import compiled_by
from ._layers import scores
from ._tasks import Arrays, entropy, entropy_by_hand, entropy_jax, entropy_torch

BATCH, EPOCHS, RATE, HIDDEN = 64, 20, 0.5, 128
Params = tuple[Any, ...]
Loss = Callable[..., Any]


@cache
def digits() -> tuple[Any, Any]:
    """The training images as rows of 64 numbers, and their labels.

    Raises:
        MissingError: scikit-learn is not installed.
    """
    from ...demo.digits import load
    from ...errors import NotSupportedError

    try:
        train, _ = load()
    except NotSupportedError as reason:
        raise MissingError("the digits come with scikit-learn, which is not installed") from reason
    whole = len(train.labels) // BATCH * BATCH
    return train.images[:whole], train.labels[:whole].astype(np.int64)


def start(layers: int, dtype: str) -> Params:
    """The parameters at the start: small random weights, biases of 0."""
    rng = np.random.default_rng(0)
    lengths = (64, 10) if layers == 1 else (64, HIDDEN, 10)
    params: list[Any] = []
    for n, m in pairwise(lengths):
        params += [rng.normal(size=(n, m)) / np.sqrt(n), np.zeros(m)]
    return tuple(a.astype(dtype) for a in params)


def batches(dtype: str) -> list[tuple[Any, Any]]:
    x, y = digits()
    pairs = zip(np.split(x.astype(dtype), len(x) // BATCH), np.split(y, len(y) // BATCH),
                strict=True)  # fmt: skip
    return [(np.ascontiguousarray(x), y) for x, y in pairs]


def logits(m: Any, params: Params, x: Any) -> Any:
    if len(params) == 2:
        return m.matmul(x, params[0]) + params[1]
    return scores(m, *params, x)


def loss(entropy: Loss, m: Any, params: Params, x: Any, y: Any) -> Any:
    return entropy(logits(m, params, x), y) / BATCH


def trained(step: Callable[..., Any], params: Params, data: list[tuple[Any, Any]]) -> Any:
    """All steps, one after the other: `step` gives a loss and new parameters."""
    for _ in range(EPOCHS):
        for x, y in data:
            _, params = step(params, x, y)
    return params


# -- by hand --------------------------------------------------------------------------------------


def slopes(params: Params, x: Any, y: Any) -> Arrays:
    if len(params) == 2:
        value, g = entropy_by_hand(x @ params[0] + params[1], y)
        return value / BATCH, x.T @ g / BATCH, g.sum(axis=0) / BATCH
    first, b, second, c = params
    h = np.tanh(x @ first + b)
    value, g = entropy_by_hand(h @ second + c, y)
    g /= BATCH
    g_h = g @ second.T
    g_h *= 1 - h * h
    return value / BATCH, x.T @ g_h, g_h.sum(axis=0), h.T @ g, g.sum(axis=0)


def step_by_hand(params: Params, x: Any, y: Any) -> tuple[Any, Params]:
    value, *gradients = slopes(params, x, y)
    return value, tuple(w - RATE * g for w, g in zip(params, gradients, strict=True))


def expected(layers: int, dtype: str) -> Any:
    try:
        return trained(step_by_hand, start(layers, "float64"), batches("float64"))
    except MissingError:  # no system has got this far then
        return ()


def hand(layers: int, dtype: str) -> Call:
    return partial(trained, step_by_hand, start(layers, dtype), batches(dtype))


# -- this package ---------------------------------------------------------------------------------


def _step(tx: Any, params: Params, x: Any, y: Any) -> tuple[Any, Params]:
    f = lambda *params: loss(partial(entropy, tx), tx, params, x, y)  # noqa: E731
    value, gradients = tx.value_and_grad(f, tuple(range(len(params))))(*params)
    return value, tuple(w - RATE * g for w, g in zip(params, gradients, strict=True))


def ours(backend: str, layers: int, dtype: str) -> Call:
    import tinygrad_xent as tx

    params, data = start(layers, dtype), batches(dtype)
    step = compiled_by(backend, partial(_step, tx), params, *data[0])
    return partial(trained, step, params, data)


def eager(layers: int, dtype: str) -> Call:
    import tinygrad_xent as tx

    return partial(trained, partial(_step, tx), start(layers, dtype), batches(dtype))


# -- peers ----------------------------------------------------------------------------------------


def torch(compiled: bool, layers: int, dtype: str) -> Call:
    import torch

    f = partial(loss, entropy_torch, torch)
    f = torch.compile(f) if compiled else f
    data = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches(dtype)]

    def call() -> Any:
        params = [torch.from_numpy(w.copy()).requires_grad_() for w in start(layers, dtype)]
        sgd = torch.optim.SGD(params, lr=RATE)
        for x, y in _repeated(data):
            sgd.zero_grad(set_to_none=True)
            f(tuple(params), x, y).backward()
            sgd.step()
        return [w.detach() for w in params]

    return call


def _repeated(data: list[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    for _ in range(EPOCHS):
        yield from data


def jax(layers: int, dtype: str) -> Call:
    import jax

    jax.config.update("jax_enable_x64", True)
    f = jax.value_and_grad(partial(loss, entropy_jax, jax.numpy))

    def step(params: Params, x: Any, y: Any) -> tuple[Any, Params]:
        value, gradients = f(params, x, y)
        return value, tuple(w - RATE * g for w, g in zip(params, gradients, strict=True))

    run = jax.jit(step)
    params = tuple(map(jax.numpy.asarray, start(layers, dtype)))
    data = [(jax.numpy.asarray(x), jax.numpy.asarray(y)) for x, y in batches(dtype)]
    return lambda: jax.block_until_ready(trained(run, params, data))


MAKERS: dict[str, Callable[[int, str], Call]] = {
    "NumPy by hand": hand,
    "tinygrad_xent, numba": partial(ours, "numba"),
    "tinygrad_xent, NumPy": partial(ours, "numpy"),
    "tinygrad_xent, eager": eager,
    "torch": partial(torch, False),
    "torch.compile": partial(torch, True),
    "jax.jit": jax,
}
STEPS = EPOCHS * (1437 // BATCH)


def _case(name: str, layers: int, dtype: str) -> Case:
    return Case(
        name=f"{name}, {dtype}, per step",
        expected=partial(expected, layers, dtype),
        systems={system: partial(make, layers, dtype) for system, make in MAKERS.items()},
        per=STEPS,
        tolerance={"float32": 1e-3, "float64": 1e-9}[dtype],
        threads=None,
    )


CASES = tuple(
    _case(name, layers, dtype)
    for name, layers in (("softmax regression 64-10", 1), (f"network 64-{HIDDEN}-10", 2))
    for dtype in ("float32", "float64")
)
