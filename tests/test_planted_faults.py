"""The checks are themselves checked: each planted mistake has to make them fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracle import DIFFERENTIABLE, assert_close, check_primitive, differences

import tinygrad_xent as tx
from tinygrad_xent import differentiate
from tinygrad_xent.graph import Primitive
from tinygrad_xent.graph.primitive import express_alone


def faulty(op: Primitive, place: int, spoil: Callable[[Any], Any]) -> Any:
    """The rules of `op`, with what argument `place` receives spoiled."""
    rules = op.vjp
    if isinstance(rules, tuple):
        wrong = lambda g, out, *args, **params: spoil(rules[place](g, out, *args, **params))
        return (*rules[:place], wrong, *rules[place + 1 :])

    def all_at_once(g: Any, out: Any, *args: Any, **params: Any) -> Any:
        cotangents = rules(g, out, *args, **params)
        return (*cotangents[:place], spoil(cotangents[place]), *cotangents[place + 1 :])

    return all_at_once


def places(op: Primitive) -> list[int]:
    if isinstance(op.vjp, tuple):
        return [i for i, rule in enumerate(op.vjp) if rule is not None]
    return [0, 1] if op.name == "concatenate" else [0]


FAULTS = {
    "the sign": lambda c: -c,
    "a factor of 1.001": lambda c: c * 1.001,
    "nothing sent": lambda c: None,
}
PLANTED = [(name, i) for name, op in DIFFERENTIABLE.items() for i in places(op)]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("name", "place"), PLANTED)
def test_a_wrong_rule_is_found(
    name: str, place: int, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    op = DIFFERENTIABLE[name]
    monkeypatch.setattr(op, "vjp", faulty(op, place, FAULTS[fault]))
    with pytest.raises(AssertionError):
        check_primitive(op)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_a_rule_that_hides_its_own_derivative_is_found(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right in value, but cut off from the graph: wrong from the second order on."""
    op = DIFFERENTIABLE[name]
    hidden = lambda c: tx.tensor(c.value) if isinstance(c, tx.Tensor) else c
    monkeypatch.setattr(op, "vjp", faulty(op, places(op)[0], hidden))
    with pytest.raises(AssertionError):
        check_primitive(op)


def test_a_rule_that_computes_in_numpy_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    op = DIFFERENTIABLE["sin"]
    raw = lambda x: x.value if isinstance(x, tx.Tensor) else x
    monkeypatch.setattr(op, "vjp", lambda g, out, x: (raw(g) * np.cos(raw(x)),))
    with pytest.raises(AssertionError, match="gave ndarray"):
        check_primitive(op)


def test_a_rule_that_widens_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Conversion of cotangents is central; the value has to keep its type by itself."""
    op = DIFFERENTIABLE["exp"]
    monkeypatch.setattr(op, "array", lambda x: np.exp(x).astype(np.float64))
    monkeypatch.setattr(op, "alone", express_alone(op))
    with pytest.raises(AssertionError, match="float32 became float64"):
        check_primitive(op)


# -- mistakes in the loop itself ------------------------------------------------------------------


def check_fan_out() -> None:
    """A value used twice, in an expression and as both operands of one."""
    f = lambda x: tx.sum(x * x + tx.sin(x) * x)
    x = np.array([0.3, -1.2])
    assert_close(tx.grad(f)(x), differences(f, x))


def check_broadcasting() -> None:
    f = lambda x: tx.sum(tx.exp(x) * np.arange(6.0).reshape(2, 3))
    x = np.array([[0.1], [0.2]])
    assert_close(tx.grad(f)(x), differences(f, x))


def check_where_guard() -> None:
    x = np.array([0.0, 4.0])
    expected = [0.0, 0.25]
    assert_close(tx.grad(lambda x: tx.sum(tx.where(x > 0, tx.log(x + (x == 0)), 0.0)))(x), expected)
    slope = tx.grad(lambda x: tx.sum(tx.where(x > 0, x**-0.5 / x**-0.5 * tx.sqrt(x), 0.0)))
    with np.errstate(all="ignore"):
        assert_close(slope(x), expected)


def test_the_sound_loop_passes() -> None:
    check_fan_out()
    check_broadcasting()
    check_where_guard()


def test_overwriting_at_a_fan_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def overwrite(walk: Any, op: Any, g: Any, a: Any, c: Any) -> None:
        walk.received[a] = differentiate.conform(c, a.value)

    def lose(count: Any, a: Any, c: Any) -> None:
        count.ready.append((a, c))
        a._uses = 0

    monkeypatch.setattr(differentiate.Walk, "give", overwrite)
    monkeypatch.setattr(differentiate.counting.Count, "add", lose)
    with pytest.raises(AssertionError):
        check_fan_out()
    with pytest.raises(AssertionError):
        check_primitive(DIFFERENTIABLE["tanh"])  # at its second order: the rule has out * out


def test_a_missing_unbroadcast_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(differentiate.sending, "unbroadcast", lambda c, have, shape: c)
    with pytest.raises(AssertionError):
        check_broadcasting()
    with pytest.raises(AssertionError):
        check_primitive(DIFFERENTIABLE["mul"])


def test_a_missing_guard_of_where_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(differentiate.sending, "unpoisoned", lambda c, g: c)
    with pytest.raises(AssertionError):
        check_where_guard()
