"""Losses of the kinds that people bring, with the closed forms of textbooks, beyond the gallery."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gallery import distribution, random

import tinygrad_xent as tx


def log_cosh() -> Any:
    r = random("x", 4) - random("y", 4)
    return tx.log((tx.exp(r) + tx.exp(-r)) / 2).sum(), "x", []


def quantile() -> Any:
    x, y, tau = random("x", 4), random("y", 4), random("tau", positive=True)
    r = (y - x).named("r")
    return tx.where(r >= 0, tau * r, (tau - 1) * r).mean(), "x", []


def hellinger() -> Any:
    z, p = random("z", 4), distribution("p", 4)
    q = tx.softmax(z).named("q")
    return ((tx.sqrt(q) - tx.sqrt(p)) ** 2).sum() / 2, "z", []


def contrastive_both_ways() -> Any:
    a, b = random("A", 5, 3), random("B", 5, 3)
    s = (a @ b.T).named("S")
    both = tx.logsumexp(s, axis=1) + tx.logsumexp(s, axis=0)
    return (both - 2 * (a * b).sum(axis=1)).mean(), "A", []


def tukey() -> Any:
    x, y, c = random("x", 4), random("y", 4), random("c", positive=True)
    r = x - y
    inner = c**2 / 6 * (1 - (1 - (r / c) ** 2) ** 3)
    return tx.where(abs(r) <= c, inner, c**2 / 6).sum(), "x", []


def ranknet(columns: Callable[[Any], Any]) -> Any:
    s = random("s", 5)
    return tx.softplus(s - columns(s)).sum(), "s", []


def as_new_axis() -> Any:
    return ranknet(lambda s: s[:, None])


def as_reshape() -> Any:
    return ranknet(lambda s: s.reshape(-1, 1))


_PAIRS = "sum(sigmoid(-(s - s[:, None])), axis=1) - sum(sigmoid(-(s - s[:, None])), axis=0)"


def quadratic_form_with_a_transpose() -> Any:
    a, x = random("A", 3, 3), random("x", 3)
    return x.T @ a @ x, "x", [tx.Symmetric(a)]


LOSSES: list[tuple[Callable[[], Any], str]] = [
    (log_cosh, "tanh(x - y)"),
    (quantile, "where(r >= 0, 0, 1/n) - tau/n"),
    (hellinger, "(sum(sqrt(p)*sqrt(q))*q - sqrt(p)*sqrt(q))/2"),
    (contrastive_both_ways, "((softmax(S) + softmax(S, axis=0)) @ B - 2*B)/n"),
    (quadratic_form_with_a_transpose, "2*(A @ x)"),
    (as_new_axis, _PAIRS),
    (as_reshape, _PAIRS),
    (tukey, "where(abs(x - y) <= c, (1 - (x - y)**2/c**2)**2*(x - y), 0)"),
]


@pytest.mark.parametrize(("make", "expected"), LOSSES)
def test_closed_form(make: Callable[[], Any], expected: str) -> None:
    loss, wrt, assume = make()
    began = time.process_time()
    derivation = tx.derive(loss, wrt, assume)
    assert time.process_time() - began < 3
    assert derivation.result == expected
    assert tx.verify(derivation.certificate())


def test_no_factor_stands_over_itself() -> None:
    z, p = random("z", 4), distribution("p", 4)
    q = tx.softmax(z).named("q")
    m = ((p + q) / 2).named("m")
    loss = (p * tx.log(p / m)).sum() / 2 + (q * tx.log(q / m)).sum() / 2
    result = tx.derive(loss, z, p > 0).result
    assert result.operations <= 13
    loss.backward()
    np.testing.assert_allclose(result.value, z.grad)
