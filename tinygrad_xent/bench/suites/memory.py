"""A linear layer with cross-entropy at the size of a vocabulary: the logits need not be in memory.

x   activations, (B, D)     w   weights, (D, C)     y   labels      z = x w, the logits
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..case import Call, Case
from ._compilers import PEERS, Maker, ours
from ._tasks import Arrays, Task, entropy, entropy_by_hand, entropy_jax, entropy_torch

TILE = 256  # rows that the reference takes at a time: it is in float64
SMALL = (64, 16, 100)  # a first call at this size loads what a system loads only once


def layer_data(shape: tuple[int, ...], dtype: str) -> Arrays:
    """Activations, weights and labels; the shape is (rows, inputs, classes)."""
    rows, inputs, classes = shape
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, inputs), dtype="float32")
    w = rng.standard_normal((inputs, classes), dtype="float32") / np.float32(np.sqrt(inputs))
    return x.astype(dtype), w.astype(dtype), rng.integers(classes, size=rows)


def layer(m: Any, x: Any, w: Any, y: Any) -> Any:
    return entropy(m, m.matmul(x, w), y)


def layer_torch(x: Any, w: Any, y: Any) -> Any:
    return entropy_torch(x @ w, y)


def layer_jax(x: Any, w: Any, y: Any) -> Any:
    return entropy_jax(x @ w, y)


def layer_by_hand(x: Any, w: Any, y: Any) -> Arrays:
    value, g = entropy_by_hand(x @ w, y)
    return value, g @ w.T, x.T @ g


def layer_tiled(x: Any, w: Any, y: Any) -> Arrays:
    """By hand, a tile of rows after the other."""
    value, g_x, g_w = np.float64(0), np.empty_like(x), np.zeros_like(w)
    for start in range(0, len(x), TILE):
        rows = slice(start, start + TILE)
        part, g_x[rows], more = layer_by_hand(x[rows], w, y[rows])
        value, g_w = value + part, np.add(g_w, more, out=g_w)
    return value, g_x, g_w


LAYER = Task("linear layer, cross-entropy", layer_data, 2, layer, layer_torch, layer_jax,
             layer_by_hand)  # fmt: skip


def expected(shape: tuple[int, ...]) -> Any:
    return layer_tiled(*(a.astype(np.float64) if a.dtype.kind == "f" else a
                         for a in layer_data(shape, "float32")))  # fmt: skip


def hand(tiled: bool, task: Task, shape: tuple[int, ...], dtype: str) -> Call:
    return partial(layer_tiled if tiled else layer_by_hand, *task.data(shape, dtype))


def warm(maker: Maker) -> Callable[[Task, tuple[int, ...], str], Call]:
    """Libraries, thread pools and compilers are loaded before memory is looked at."""

    def make(task: Task, shape: tuple[int, ...], dtype: str) -> Call:
        maker(task, SMALL, dtype)()
        return maker(task, shape, dtype)

    return make


MAKERS: dict[str, Maker] = {
    "torch": PEERS["torch"],
    "tinygrad_xent, numba": partial(ours, "numba", first=SMALL),
    "tinygrad_xent, NumPy": partial(ours, "numpy", first=SMALL),
    "torch.compile": PEERS["torch.compile"],
    "jax.jit": PEERS["jax.jit"],
    "NumPy by hand": partial(hand, False),
    "NumPy by hand, tiled": partial(hand, True),
}


def _case(shape: tuple[int, ...]) -> Case:
    rows, inputs, classes = shape
    return Case(
        name=f"{LAYER.name}, {rows}×{inputs}, {classes:,} classes",
        expected=partial(expected, shape),
        systems={name: partial(warm(make), LAYER, shape, "float32")
                 for name, make in MAKERS.items()},
        tolerance=1e-4,
        memory=True,
        threads=None,
    )  # fmt: skip


CASES = (_case((512, 512, 5000)), _case((4096, 512, 50257)))
