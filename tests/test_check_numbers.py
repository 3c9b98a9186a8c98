"""Gradients of which only numbers are known: functions and arrays; kinks, extremes, bad input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.checking.shaky import shaky
from tinygrad_xent.testing import assert_gradient


def softmax(z: Any) -> Any:
    e = np.exp(z - z.max())
    return e / e.sum()


def cross_entropy(logits: list[float], target: list[float]) -> tuple[Any, Any, Any]:
    z, p = tx.tensor(logits, name="z"), tx.tensor(target, name="p")
    return tx.softmax_cross_entropy(z, p), z, p


def in_place(z: Any, p: Any) -> Any:
    """No Tensor could be passed through this."""
    q = softmax(z)
    q[np.argmax(p)] -= 1
    return q


# -- entry by entry -------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1.5, 1 + 1e-5, 1 - 1e-5, -1.0])
@pytest.mark.parametrize("entry", [0, 1, 2])
def test_an_error_in_any_component_is_found(factor: float, entry: int) -> None:
    """At these logits the first component is 4e-8; a random projection does not see it."""
    loss, z, p = cross_entropy([-8.0, 0.0, 9.0], [0.0, 0.0, 1.0])
    hand = softmax(z.value) - p.value
    assert tx.check(loss, z, hand)
    hand[entry] *= factor
    verdict = tx.check(loss, z, hand)
    assert not verdict
    assert verdict.table[0].index == (entry,)
    assert verdict.wrong == 1
    assert f"entry [{entry}] is {factor:.6g} x the gradient" in verdict.headline

    def function(z: Any, p: Any) -> Any:
        q = in_place(z, p)
        q[entry] *= factor
        return q

    assert not tx.check(loss, z, function)


@pytest.mark.parametrize("seed", range(6))
def test_honest_rounding_is_no_mistake(seed: int) -> None:
    """q - p loses all digits where q is nearly 1; every way of writing it is right."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=4) * [1.0, 5.0, 20.0, 40.0, 0.1, 300.0][seed]
    target = np.eye(4)[np.argmax(logits)]
    loss, z, p = cross_entropy(logits.tolist(), target.tolist())
    forms: list[Callable[[Any, Any], Any]] = [
        lambda z, p: softmax(z) - p,
        lambda z, p: np.exp(z - z.max() - np.log(np.exp(z - z.max()).sum())) - p,
        lambda z, p: (softmax(z) * 3 - p * 3) / 3,
        in_place,
    ]
    for form in forms:
        assert tx.check(loss, z, form)
        assert tx.check(loss, z, form(z.value, p.value))


def test_the_table_agrees_with_high_precision() -> None:
    loss, z, p = cross_entropy([-8.0, 0.0, 9.0], [0.0, 0.0, 1.0])
    table = tx.check(loss, z, np.zeros(3)).table
    with mpmath.workdps(40):
        e = [mpmath.e**x for x in z.value.tolist()]
        right = [x / sum(e) - y for x, y in zip(e, p.value.tolist(), strict=True)]
    for entry in table:
        assert abs(entry.gradient / float(right[entry.index[0]]) - 1) < 1e-15


def test_float32() -> None:
    z = tx.tensor(np.array([0.2, 5.0, 0.3], np.float32), name="z")
    p = tx.tensor(np.array([0.0, 1.0, 0.0], np.float32), name="p")
    loss = tx.softmax_cross_entropy(z, p)
    hand = softmax(z.value) - p.value
    assert hand.dtype == np.float32
    assert tx.check(loss, z, hand)
    assert not tx.check(loss, z, hand * np.float32(1.001))


# -- extreme logits -------------------------------------------------------------------------------


@pytest.mark.parametrize("label", [0, 1, 2])
def test_extreme_logits(label: int) -> None:
    target = np.eye(3)[label].tolist()
    loss, z, p = cross_entropy([-800.0, 0.0, 800.0], target)
    for form in (lambda z, p: softmax(z) - p, in_place):
        assert tx.check(loss, z, form)
        assert tx.check(loss, z, form(z.value, p.value))
    assert tx.check(loss, z, "softmax(z) - p", "sum(p)=1")
    wrong = softmax(z.value) - np.eye(3)[(label + 1) % 3]
    assert not tx.check(loss, z, wrong)


def test_an_overflow_is_a_remark_and_no_difference() -> None:
    loss, z, _ = cross_entropy([-800.0, 0.0, 800.0], [0.0, 0.0, 1.0])
    verdict = tx.check(loss, z, lambda z, p: np.exp(z) / np.exp(z).sum() - p)
    assert verdict
    assert "nan or infinite when computed as written" in str(verdict)
    assert "overflow" in str(verdict)


def test_a_naive_loss_is_judged_by_what_it_is() -> None:
    z, p = tx.tensor([-800.0, 0.0, 800.0], name="z"), tx.tensor([0.0, 0.0, 1.0], name="p")
    with np.errstate(all="ignore"):
        loss = -(p * tx.log(tx.exp(z) / tx.exp(z).sum())).sum()
    assert tx.check(loss, z, in_place)
    assert not tx.check(loss, z, lambda z, p: -in_place(z, p))


# -- kinks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "at", "hand", "right"),
    [
        (tx.relu, [0.0, 1.0], [0.0, 1.0], True),
        (tx.relu, [0.0, 1.0], [1.0, 1.0], True),
        (tx.relu, [0.0, 1.0], [0.5, 1.0], True),
        (tx.relu, [0.0, 1.0], [1.5, 1.0], False),
        (tx.relu, [0.0, 1.0], [-0.1, 1.0], False),
        (tx.relu, [0.0, 1.0], [1.0, 0.0], False),
        (tx.abs, [0.0, -1.0], [-1.0, -1.0], True),
        (tx.abs, [0.0, -1.0], [2.0, -1.0], False),
        (tx.max, [3.0, 3.0, 1.0], [1.0, 0.0, 0.0], True),
        (tx.max, [3.0, 3.0, 1.0], [0.5, 0.5, 0.0], True),
        (tx.max, [3.0, 3.0, 1.0], [1.0, 1.0, 0.0], False),
        (tx.max, [3.0, 3.0, 1.0], [0.0, 0.0, 1.0], False),
        (tx.norm, [0.0, 0.0], [0.6, 0.8], True),
        (tx.norm, [0.0, 0.0], [3.0, 0.0], False),
    ],
)
def test_at_a_kink_any_subgradient_is_right(f: Any, at: Any, hand: Any, right: bool) -> None:
    x = tx.tensor(at, name="x")
    verdict = tx.check(tx.sum(f(x)), x, np.array(hand))
    assert verdict.equal is right, verdict


def test_a_kink_is_reported_with_its_slopes() -> None:
    x = tx.tensor([0.0, 1.0], name="x")
    verdict = tx.check(tx.relu(x).sum(), x, lambda x: (x >= 0) * 1.0)
    assert verdict
    assert "entry [0] is at a kink: any slope from 0 to 1 is right there, yours is 1" in str(
        verdict
    )


# -- functions ------------------------------------------------------------------------------------


def test_a_function_that_can_be_traced_is_proved() -> None:
    loss, z, _ = cross_entropy([0.2, 5.0, 0.3], [0.0, 1.0, 0.0])
    verdict = tx.check(loss, z, lambda z, p: np.exp(z) / np.sum(np.exp(z)) * np.sum(p) - p)
    assert verdict.headline == "equal (proved by named rules, for every size)"


def test_a_function_with_two_ways_is_not_taken_for_one_of_them() -> None:
    x = tx.tensor(1.0, name="x")
    assert tx.check(tx.abs(x), x, lambda x: 1.0 if x > 0 else -1.0)
    assert not tx.check(tx.abs(x), x, lambda x: 1.0 if x > 0 else 1.0 if x < -0.1 else -1.0)


def test_one_parameter_may_have_any_name() -> None:
    x = tx.tensor([1.0, 2.0])
    assert tx.check((x**3).sum(), x, lambda whatever: 3 * whatever**2)


def test_batches_with_labels() -> None:
    rng = np.random.default_rng(0)
    z, labels = tx.tensor(rng.normal(size=(4, 3)), name="z"), np.array([0, 2, 1, 1])
    loss = tx.mean(tx.softmax_cross_entropy(z, labels))

    def hand(z: Any, shift: int = 0) -> Any:
        q = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        q[np.arange(4), (labels + shift) % 3] -= 1
        return q / 4

    assert tx.check(loss, z, hand)
    assert "sum for mean" in tx.check(loss, z, lambda z: 4 * hand(z)).headline
    assert "off by one" in tx.check(loss, z, hand(z.value, 1)).headline


# -- bad input ------------------------------------------------------------------------------------


def refused(kind: Any, *words: str) -> Callable[[Any], None]:
    def check(hand: Any) -> None:
        loss, z, _ = cross_entropy([0.2, 5.0, 0.3], [0.0, 1.0, 0.0])
        with pytest.raises(kind) as caught:
            tx.check(loss, z, hand)
        assert all(word in str(caught.value) for word in words), caught.value

    return check


def test_bad_gradients() -> None:
    refused(tx.DtypeError, "nan at [0]")(np.array([np.nan, 1.0, 2.0]))
    refused(tx.DtypeError, "no gradient")(None)
    refused(tx.DtypeError, "no gradient")(["a", "b"])
    refused(tx.ShapeError, "(4,)", "(3,)")(np.zeros(4))
    refused(tx.ParseError, "mentions zz", "z")("softmax(zz) - p")
    refused(tx.ParseError, "not an expression", "^")("softmax(z) -")
    refused(tx.ParseError, "nothing to read")("")
    refused(tx.ParseError, "parameter logits", "p, z")(lambda logits, p: logits)
    refused(tx.ParseError, "mentions w")(tx.tensor([1.0, 2.0, 3.0], name="w"))
    refused(tx.DeriveError, "does not return numbers")(lambda z, p: "text")
    refused(IndexError)(lambda z, p: z[7])


def test_nan_is_traced_to_its_line() -> None:
    def hand(z: Any, p: Any) -> Any:
        total = z.sum() * 0
        return p / total - p / total

    refused(tx.DtypeError, "nan or infinite everywhere", "p / total")(hand)


def test_bad_variables() -> None:
    loss, z, _ = cross_entropy([0.2, 5.0, 0.3], [0.0, 1.0, 0.0])
    with pytest.raises(tx.ParseError, match=r"(?s)named q.*p, z"):
        tx.check(loss, "q", "softmax(z)")
    with pytest.raises(tx.DeriveError, match="not part of the loss"):
        tx.check(loss, tx.tensor([1.0, 2.0], name="w"), "softmax(z)")
    with pytest.raises(tx.GradientError, match="non-scalar"):
        tx.check(tx.softmax(z), z, "softmax(z)")
    with pytest.raises(tx.DeriveError, match="does not depend"):
        tx.check(tx.sum(tx.stop_gradient(z) * 2), z, "z")


def test_wrong_shapes_that_a_usual_mistake_gives() -> None:
    rng = np.random.default_rng(0)
    X, W = (
        tx.tensor(rng.normal(size=(5, 3)), name="X"),
        tx.tensor(rng.normal(size=(3, 2)), name="W"),
    )
    b = tx.tensor(np.zeros(2), name="b")
    loss = ((X @ W + b) ** 2).sum()
    out = 2 * (X.value @ W.value)
    verdict = tx.check(loss, W, (X.value.T @ out).T)
    assert "transpose" in verdict.headline
    assert "(2, 3)" in verdict.headline
    assert "(3, 2)" in verdict.headline
    assert "not summed back over axis 0" in tx.check(loss, b, out).headline
    assert "with respect to X @ W + b, not W" in tx.check(loss, W, out).headline


# -- in tests -------------------------------------------------------------------------------------


def test_assert_gradient() -> None:
    loss, z, _ = cross_entropy([0.2, 5.0, 0.3], [0.0, 1.0, 0.0])
    assert_gradient(loss, z, in_place)
    tx.testing.assert_gradient("sum(x**2)", "x", "2*x")
    with pytest.raises(AssertionError, match="sign is flipped"):
        assert_gradient(loss, z, lambda z, p: -in_place(z, p))
    with pytest.raises(AssertionError, match="if and only if"):
        assert_gradient("-sum(p*log(softmax(z)))", "z", "softmax(z) - p", only_if=False)


# -- planted faults -------------------------------------------------------------------------------


def saturating(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Right for the overlap below, but 1 - s has no digits left where s rounds to 1."""
    s = 1 / (1 + np.exp(-z))
    whole = s.sum() + y.sum()
    return -2 * (y * whole - (s * y).sum()) / whole**2 * s * (1 - s)


OVERLAP = "1 - 2*sum(sigmoid(z)*y)/(sum(sigmoid(z)) + sum(y))"


@pytest.mark.parametrize("taken", [np.asanyarray, np.asarray])
def test_digits_that_are_lost_inside_a_function_are_no_mistake(taken: Any) -> None:
    def opaque(z: Any, y: Any) -> Any:
        assert isinstance(z, np.ndarray)
        return saturating(taken(z), taken(y))

    assert tx.check(OVERLAP, "z", opaque)
    wrong = tx.check(OVERLAP, "z", lambda z, y: opaque(z, y) * (1 + 1e-5 * (y == y.max())))
    assert not wrong
    assert wrong.wrong == 1


def test_a_check_that_takes_operations_for_exact_would_be_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tinygrad_xent.checking.numbers._is_shaken_through", lambda point: True)
    with pytest.raises(AssertionError):
        test_digits_that_are_lost_inside_a_function_are_no_mistake(np.asarray)


def test_a_shaky_array_shakes_every_operation() -> None:
    made = shaky(np.ones(50), np.random.default_rng(0))
    made += 0.0
    for found in (np.exp(made) - np.e, made.sum() - 50, made - 1, (made[:9] / 3) * 3 - 1):
        assert 0 < np.abs(found).max() < 1e-13
    assert isinstance(np.where(made > 0, made, 0), type(made))
    assert np.array_equal(np.maximum(made, -made), made)  # a choice is exact


def test_a_check_that_rounds_generously_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinygrad_xent.checking.numbers._SLACK", 1e12)
    with pytest.raises(AssertionError):
        test_an_error_in_any_component_is_found(1 + 1e-5, 0)


def test_a_check_without_the_estimate_of_rounding_would_be_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tinygrad_xent.checking.numbers._SLACK", 0.0)
    monkeypatch.setattr("tinygrad_xent.checking.numbers.RTOL", {8: 1e-15})
    with pytest.raises(AssertionError):
        test_honest_rounding_is_no_mistake(3)
