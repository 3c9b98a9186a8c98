"""The branch that is not taken never poisons the one that is, to second order.

Losses are composed at random of functions that have no value, or no slope, at some of the points.
What is expected is what the same loss gives where these points are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_xent as tx
from tinygrad_xent import differentiate

F = Callable[[Any], Any]

STEEP: list[F] = [
    tx.sqrt, tx.log, lambda x: 1 / x, lambda x: x**-0.5, lambda x: x**0.5, lambda x: x**1.5,
    lambda x: x**x, lambda x: x / x, lambda x: x * tx.log(x), lambda x: tx.exp(1 / x),
    lambda x: tx.log1p(-1 / (x + 1)), lambda x: tx.sqrt(x * x), tx.abs, tx.tanh, tx.softplus,
    lambda x: tx.log((1 + x) / x), lambda x: tx.sin(x) / x, lambda x: tx.logaddexp(x, tx.log(x)),
]  # fmt: skip
JOINED: list[Callable[[F, F], F]] = [
    lambda f, g: lambda x: f(x) + g(x),
    lambda f, g: lambda x: f(x) * g(x),
    lambda f, g: lambda x: f(x) / (1 + g(x) ** 2),
    lambda f, g: lambda x: f(g(x) ** 2 + 0.5),
]
CHOICES: list[Callable[[F, Any], Any]] = [
    lambda f, x: tx.where(x > 0, f(x), x * x),
    lambda f, x: tx.where(x <= 0, 3 * x, f(x)),
    lambda f, x: tx.where(x > 0, tx.where(x > 1, f(x), f(x) * x), 0.0),
    lambda f, x: tx.softplus(tx.where(x > 0, f(x), 1.0)) * 2,
]
LEFT_OUT = np.array([0.0, -1.0, -0.0])
KEPT = np.array([0.5, 2.0, 1.25])


@st.composite
def functions(draw: Any) -> F:
    f, g = draw(st.sampled_from(STEEP)), draw(st.sampled_from(STEEP))
    return f if draw(st.booleans()) else draw(st.sampled_from(JOINED))(f, g)


def slopes(choose: Any, f: F, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    def loss(x: Any) -> Any:
        return tx.sum(choose(f, x))

    with np.errstate(all="ignore"):
        return tx.grad(loss)(x), tx.hessian(loss)(x)


def unpoisoned(choose: Any, f: F) -> bool:
    """Whether entries at which the branch has no value change nothing for the others."""
    slope, curve = slopes(choose, f, np.append(LEFT_OUT, KEPT))
    plain, curved = slopes(choose, f, KEPT)
    same = np.allclose(slope[3:], plain, 1e-12, 0) and np.allclose(
        curve[3:, 3:], curved, 1e-9, 1e-9
    )
    apart = not curve[:3, 3:].any() and not curve[3:, :3].any()
    return same and apart and bool(np.isfinite(slope).all() and np.isfinite(curve).all())


@settings(max_examples=150, deadline=None)
@given(functions(), st.sampled_from(CHOICES))
def test_the_branch_not_taken(f: F, choose: Any) -> None:
    assert unpoisoned(choose, f)


@settings(max_examples=60, deadline=None)
@given(functions(), st.sampled_from(["index", "put"]))
def test_entries_that_are_not_picked(f: F, how: str) -> None:
    def choose(f: F, x: Any) -> Any:
        value = f(x)
        positive = np.asarray(getattr(x, "value", x)) > 0
        if how == "index":
            return value[positive]
        return tx.where(positive, tx.where(positive, value, 0.0), x)

    assert unpoisoned(choose, f)


def test_a_planted_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the guard, most of these losses have no gradient."""
    monkeypatch.setattr(differentiate.sending, "unpoisoned", lambda c, g: c)
    assert not unpoisoned(CHOICES[0], lambda x: 1 / x)
    assert not unpoisoned(CHOICES[0], tx.log)
