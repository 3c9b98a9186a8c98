"""Leading axes that a compiled function goes over as one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.compiling import numpy_code
from tinygrad_xent.compiling.merging import merged
from tinygrad_xent.compiling.planning.rows import Plan
from tinygrad_xent.compiling.tracing import trace

RNG = np.random.default_rng(0)
SHAPES = [(2, 3), (3, 3), (4, 1), (1, 4), (2, 3, 2)]


def share(z: Any) -> Any:
    return tx.exp(z) / tx.sum(tx.exp(z), axis=-1, keepdims=True)


def centred(x: Any) -> Any:
    return x - x.mean(axis=-1, keepdims=True)


def norm(x: Any, gain: Any, bias: Any) -> Any:
    return centred(x) / tx.sqrt((centred(x) ** 2).mean(axis=-1, keepdims=True) + 0.1) * gain + bias


class Case:
    """Arguments whose first axes are `lead`, and what functions need to know of that."""

    def __init__(self, lead: tuple[int, ...]) -> None:
        self.counts = tuple(np.ogrid[tuple(slice(n) for n in lead)])
        self.lead, self.every = lead, (slice(None),) * len(lead)
        self.x, self.p = RNG.normal(size=(*lead, 4)), RNG.uniform(0.1, 1, size=(*lead, 5))
        self.w, self.b, self.g = RNG.normal(size=(4, 5)), RNG.normal(size=5), RNG.normal(size=4)
        self.y, self.m = RNG.integers(0, 5, lead), RNG.uniform(size=(*lead, 1)) > 0.3

    def all(self) -> tuple[np.ndarray, ...]:
        return self.x, self.w, self.b, self.g, self.p, self.y, self.m

    def flat(self) -> Case:
        other = Case((math.prod(self.lead),))
        for name in ("w", "b", "g"):
            setattr(other, name, getattr(self, name))
        for name in ("x", "p", "y", "m"):
            a = getattr(self, name)
            setattr(other, name, a.reshape(-1, *a.shape[len(self.lead) :]))
        return other


Loss = Callable[..., Any]
LOSSES: dict[str, Callable[[Case], Loss]] = {
    "naive cross-entropy": lambda c: lambda x, w, b, g, p, y, m: (
        -tx.mean(tx.log(share(x @ w + b)[(*c.counts, y)]))
    ),
    "its sum over rows": lambda c: lambda x, w, b, g, p, y, m: (
        -tx.sum(tx.where(m, tx.log(share(x @ w))[(*c.counts, y)][..., None], 0.0))
    ),
    "cross-entropy": lambda c: lambda x, w, b, g, p, y, m: (
        tx.mean(tx.softmax_cross_entropy(x @ w + b, y))
    ),
    "distributions": lambda c: lambda x, w, b, g, p, y, m: -tx.sum(p * tx.log(share(x @ w))),
    "layer normalisation": lambda c: lambda x, w, b, g, p, y, m: tx.sum(norm(x, g, 2 * g) ** 3),
    "before a layer": lambda c: lambda x, w, b, g, p, y, m: (
        tx.mean(tx.softmax_cross_entropy(norm(x, g, g) @ w + b, y))
    ),
    "one column": lambda c: lambda x, w, b, g, p, y, m: tx.sum(tx.exp(x @ g) * x[(*c.every, 0)]),
    "embedded": lambda c: lambda x, w, b, g, p, y, m: tx.sum(tx.exp(w.T[y] * x)),
    "largest": lambda c: lambda x, w, b, g, p, y, m: tx.sum((x @ w).max(axis=-1) ** 2) + tx.max(x),
    "two axes more": lambda c: lambda x, w, b, g, p, y, m: (
        tx.sum(share(x[..., None] * b) ** 2 * p[..., None, :])
    ),
    "parts": lambda c: lambda x, w, b, g, p, y, m: (
        tx.sum(share(tx.concatenate([x, p * b], axis=-1))[(*c.every, slice(1, 4))] ** 2)
    ),
}  # fmt: skip
BACK_ENDS = ["numpy", "numba"]


def check(step: Callable[..., Any], args: Any, backend: str) -> None:
    if backend == "numba":
        pytest.importorskip("numba")
    found, expected = tx.compile(step, backend=backend)(*args), step(*args)
    for a, b in zip(flattened(found), flattened(expected), strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


def flattened(results: Any) -> list[Any]:
    if isinstance(results, tuple):
        return [leaf for r in results for leaf in flattened(r)]
    return [results.value if isinstance(results, tx.Tensor) else results]


@pytest.mark.parametrize("lead", SHAPES, ids=str)
@pytest.mark.parametrize("name", LOSSES)
def test_compiled_code_gives_what_the_function_gives(name: str, lead: tuple[int, ...]) -> None:
    case = Case(lead)
    step = tx.value_and_grad(LOSSES[name](case), argnums=(0, 1, 2, 3))
    check(step, case.all(), "numpy")


@pytest.mark.parametrize("name", LOSSES)
def test_kernels_give_what_the_function_gives(name: str) -> None:
    case = Case((3, 4))
    check(tx.value_and_grad(LOSSES[name](case), argnums=(0, 1, 2)), case.all(), "numba")


def loops(step: Callable[..., Any], args: Any) -> list[tuple[int, list[str]]]:
    """The loops over rows, and what is done in each."""
    traced = trace(args, lambda leaves: step(*leaves))
    stages = Plan(traced.inputs, [o for o in traced.outputs if isinstance(o, tx.Tensor)]).stages
    return [(s.rows, sorted(map(repr, s.steps))) for s in stages if s.rows]


@pytest.mark.parametrize("name", LOSSES)
def test_loops_are_those_of_one_axis(name: str) -> None:
    case = Case((2, 3))
    flat = case.flat()
    steps = [tx.value_and_grad(LOSSES[name](c), argnums=(0, 1, 2)) for c in (case, flat)]
    assert loops(steps[0], case.all()) == loops(steps[1], flat.all())
