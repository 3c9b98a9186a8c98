"""gradcheck: wrong rules are found in any entry, of the first and of the second order."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.graph import PRIMITIVES

_number = itertools.count()


def exp_with(rule: Any) -> Any:
    """A primitive that computes exp, with some rule."""
    return tx.primitive(f"exp_with_{next(_number)}", np.exp, vjp=rule, elementwise=True)


@pytest.fixture(autouse=True)
def forget() -> Any:
    before = set(PRIMITIVES)
    yield
    for name in set(PRIMITIVES) - before:
        del PRIMITIVES[name]


@pytest.mark.parametrize(
    "f",
    [tx.exp, tx.softmax, tx.log_softmax, tx.sigmoid, tx.softplus, tx.tanh, tx.logsumexp, tx.mean,
     lambda x: tx.softmax_cross_entropy(x, 1), lambda x: (x - tx.mean(x)) / tx.std(x)],
)  # fmt: skip
def test_right_rules(f: Any) -> None:
    found = tx.gradcheck(f, np.array([-8.0, 0.0, 9.0]))
    assert found, found
    assert found.compared >= 6


def test_all_arguments_are_varied_and_integers_are_not() -> None:
    rng = np.random.default_rng(0)
    found = tx.gradcheck(lambda W, x: W @ x, rng.normal(size=(2, 3)), rng.normal(size=3))
    assert found, found
    labels = np.array([0, 2])
    assert tx.gradcheck(lambda z, y: tx.mean(tx.softmax_cross_entropy(z, y)),
                        rng.normal(size=(2, 3)), labels)  # fmt: skip


@pytest.mark.parametrize("entry", [0, 1, 2])
def test_an_error_of_a_thousandth_in_one_entry(entry: int) -> None:
    """At these numbers the entries are 2e-9, 1 and 20."""
    off = np.where(np.arange(3) == entry, 1.001, 1.0)
    found = tx.gradcheck(exp_with(lambda g, out, x: (g * out * off,)), np.array([-20.0, 0.0, 3.0]))
    assert not found
    assert {(m.order, m.output, m.input) for m in found.mismatches} >= {
        (1, f"[{entry}]", f"[{entry}]")
    }
    assert f"[{entry}] / d argument 0[{entry}]" in str(found)
    assert "off by 0.001" in str(found)


def test_a_wrong_second_derivative() -> None:
    rule = exp_with(lambda g, out, x: (g * tx.stop_gradient(out),))
    assert tx.gradcheck(rule, [0.0, 1.0], order=1)
    found = tx.gradcheck(rule, [0.0, 1.0])
    assert not found
    assert {m.order for m in found.mismatches} == {2}


def test_large_arguments_go_in_groups() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 30))
    off = np.ones(x.shape)
    assert tx.gradcheck(lambda x: tx.sum(tx.exp(x)), x, order=1)
    off[7, 3] = 1.001
    rule = exp_with(lambda g, out, x: (g * out * off,))
    assert not tx.gradcheck(lambda x: tx.sum(rule(x)), x, order=1)


def test_kinks() -> None:
    x = np.array([0.0, 1.0, -1.0])
    found = tx.gradcheck(tx.relu, x)
    assert found, found
    assert found.kinks
    assert tx.gradcheck(tx.abs, x)
    assert tx.gradcheck(tx.max, np.array([1.0, 1.0, -1.0]), order=1)
    bad = tx.primitive(
        f"relu_with_{next(_number)}", lambda x: np.maximum(x, 0), elementwise=True,
        vjp=lambda g, out, x: (g * tx.where(x > 0, 1.0, tx.where(x < 0, 0.0, 1.7)),),
    )  # fmt: skip
    assert not tx.gradcheck(bad, x)


def test_near_the_end_of_the_domain() -> None:
    assert tx.gradcheck(tx.log, np.array([1e-3, 1e-6, 4.0]))
    assert tx.gradcheck(tx.sqrt, np.array([1e-3, 4.0]))


def test_a_plain_function_and_a_gradient_by_hand() -> None:
    def loss(z: Any) -> Any:
        return -np.log(np.exp(z) / np.exp(z).sum())[1]

    def hand(z: Any) -> Any:
        return np.exp(z) / np.exp(z).sum() - np.array([0, 1, 0])

    z = np.array([-8.0, 0.0, 9.0])
    assert tx.gradcheck(loss, z, gradient=hand)
    assert tx.gradcheck(loss, z, gradient=hand(z))
    for entry in range(3):
        off = np.where(np.arange(3) == entry, 1.001, 1.0)
        found = tx.gradcheck(loss, z, gradient=hand(z) * off)
        assert [m.input for m in found.mismatches] == [f"[{entry}]"]


def test_bad_input() -> None:
    with pytest.raises(tx.DtypeError, match="nothing to vary"):
        tx.gradcheck(tx.exp, 3)
    with pytest.raises(tx.ShapeError, match=r"(?s)\(3,\).*\(2,\)"):
        tx.gradcheck(lambda x: (x * x).sum(), [1.0, 2.0], gradient=[1.0, 2.0, 3.0])


def test_as_an_assertion() -> None:
    tx.testing.assert_derivatives(tx.tanh, [0.5, 1.0])
    with pytest.raises(AssertionError, match="off by"):
        tx.testing.assert_derivatives(exp_with(lambda g, out, x: (g,)), [0.5, 1.0])


@pytest.mark.parametrize(
    ("f", "at"),
    [
        (lambda x: tx.sin(1e12 * x), [1e-12, 2e-12, -3e-12]),
        (lambda x: 1e-30 * tx.sin(x), [0.1, 2.0, 3.0]),
        (lambda x: 1e30 * x**3, [1e5, 2.0, 3e-5]),
        (lambda x: tx.exp(30 * x), [0.1, -1.0, 1.5]),
        (lambda x: tx.sin(1000 * x), [0.1, 2.0, 3.3]),
        (tx.sqrt, [1e-12, 1.0, 1e12]),
        (lambda x: tx.relu(x) + abs(x), [0.0, 1e-9, -2.0]),
        (lambda x: x + tx.sign(x), [0.0, 0.5, 3.0]),
        (lambda x: tx.softmax_cross_entropy(x, 2), [-9.15, 4.40, -20.19, -4.18]),
    ],
)
def test_no_false_alarm_at_any_scale(f: Any, at: list[float]) -> None:
    found = tx.gradcheck(f, np.array(at))
    assert found, str(found)


@pytest.mark.parametrize("at", [1e-9, 1.0, 1e9])
def test_a_thousandth_is_found_at_any_scale(at: float) -> None:
    scaled = tx.primitive(
        "scaled_sine", lambda x: np.sin(x / at), elementwise=True,
        vjp=lambda g, out, x: (g * tx.cos(x / at) * 1.001 / at,),
    )  # fmt: skip
    found = tx.gradcheck(scaled, np.array([0.3 * at, 1.1 * at]), order=1)
    assert len(found.mismatches) == 2
