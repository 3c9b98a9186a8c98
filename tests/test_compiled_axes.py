"""Compiled functions on square arrays, where a sum along one axis fits the other as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx

RNG = np.random.default_rng(0)
Z, Y = RNG.normal(size=(4, 4)), RNG.normal(size=(4, 4))
ROWS = np.arange(4)
TWICE = np.array([[0, 1, 2, 3], [1, 1, 1, 1]])


def share(z: Any, axis: Any, **kept: Any) -> Any:
    return tx.exp(z) / tx.exp(z).sum(axis=axis, **kept)


def shifted(z: Any, axis: Any) -> Any:
    return tx.exp(z - z.max(axis=axis))


def cube(z: Any) -> Any:
    return z[None] * Y[:, None]


LOSSES: dict[str, Callable[[Any], Any]] = {
    "rows over columns": lambda z: ((share(z, 1) - Y) ** 2).sum(),
    "logarithm of that": lambda z: -(Y * tx.log(share(z, 1))).sum(),
    "complement of that": lambda z: (Y * (1 - share(z, 1)) ** 2).sum(),
    "another shift": lambda z: tx.log(shifted(z, 1).sum(axis=1)).sum(),
    "shift and sum": lambda z: -(Y * tx.log(shifted(z, 1) / shifted(z, 1).sum(axis=1))).sum(),
    "mean of rows": lambda z: ((z - z.mean(axis=1)) ** 3).sum(),
    "mean of columns": lambda z: ((z - z.mean(axis=0)) ** 3).sum(),
    "mean kept": lambda z: ((z - z.mean(axis=1, keepdims=True)) ** 3).sum(),
    "mean with an axis behind": lambda z: ((z - z.mean(axis=1)[:, None]) ** 3).sum(),
    "mean with an axis in front": lambda z: ((z - z.mean(axis=1)[None, :]) ** 3).sum(),
    "columns": lambda z: -(Y * tx.log(share(z, 0))).sum(),
    "columns picked": lambda z: -tx.log(share(z, 0))[ROWS, ROWS].sum(),
    "picked twice": lambda z: -tx.log(share(z, 1, keepdims=True))[ROWS, TWICE].sum(),
    "all": lambda z: -(Y * tx.log(share(z, None))).sum(),
    "turned": lambda z: -(Y * tx.log((tx.exp(z).T / tx.exp(z).sum(axis=1)).T)).sum(),
    "complement": lambda z: (Y * tx.log(1 - share(z, 1, keepdims=True))).sum(),
    "three axes, last": lambda z: -(Y * tx.log(share(cube(z), 2, keepdims=True))).sum(),
    "three axes, middle": lambda z: -(Y * tx.log(share(cube(z), 1, keepdims=True))).sum(),
    "three axes, two": lambda z: -(Y * tx.log(share(cube(z), (1, 2), keepdims=True))).sum(),
}


@pytest.mark.parametrize("name", LOSSES)
def test_what_is_summed_along_an_axis_stays_with_it(name: str) -> None:
    loss = LOSSES[name]
    value, slope = tx.compile(tx.value_and_grad(loss))(Z)
    expected, gradient = tx.value_and_grad(loss)(Z)
    np.testing.assert_allclose(value, expected, rtol=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=1e-8, atol=1e-10)
    product = tx.compile(lambda z: tx.hvp(loss)(z, Y))(Z)
    np.testing.assert_allclose(product, tx.hvp(loss)(Z, Y), rtol=1e-7, atol=1e-9)
