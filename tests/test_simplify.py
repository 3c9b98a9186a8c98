"""Formulas simplified by themselves: conditions, shapes and lengths."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.ops.reduction import size


def vector(name: str = "x") -> tx.Tensor:
    return tx.tensor([1.0, 2.0, 3.0, 4.0, 5.0], name=name)


def test_what_was_cancelled_is_a_condition() -> None:
    x = vector()
    formula = tx.simplify(x * x / x)
    assert formula == "x"
    assert formula.conditions == ("x != 0",)
    assert repr(formula) == "x    where x != 0"


def test_what_holds_for_all_values_has_no_condition() -> None:
    assert tx.simplify(tx.exp(vector()) / tx.exp(vector())).conditions == ()


@pytest.mark.parametrize("axis", [0, 1])
def test_the_values_have_the_shape_of_what_was_simplified(axis: int) -> None:
    x, y = vector(), tx.tensor(np.ones((2, 5)), name="y")
    for node in (y * 0 + x / x, (y * 0 + x).sum(axis=axis), tx.gradient_graph(y.mean(), y)):
        value = tx.simplify(node).value
        np.testing.assert_array_equal(value, node.value)
        assert np.shape(value) == node.shape


def test_a_fact_about_a_length_that_is_known() -> None:
    x = vector()
    n = size(x, axis=(0,))
    assert tx.derive((x * x).sum() / n / 5, x, n > 0).result == "0.08*x"


def test_a_named_length_where_lengths_are_known() -> None:
    x = vector()
    n = tx.ops.alias(size(x, axis=(0,))).named("k")
    assert tx.simplify(x * np.arange(5.0) * n) == "5*[0., 1., 2., 3., 4.]*x"


def test_some_entry_is_the_largest() -> None:
    x, y = vector(), tx.tensor(np.arange(10.0).reshape(2, 5), name="y")
    assert tx.derive(tx.max(x), x).assumptions == ()
    for axis in (0, 1, None):
        assert tx.derive(tx.min(y, axis=axis).sum(), y).assumptions == ()


def test_it_need_not_be_equal_to_something_else() -> None:
    x, y = vector(), vector("y")
    for other in (tx.max(y), tx.max(2 * x), tx.max(x) + 1, y):
        count = tx.where(x == other, 1.0, 0.0).sum()
        with np.errstate(divide="ignore"):
            conditions = tx.simplify(y / count).conditions
        assert len(conditions) == 1
        assert conditions[0].endswith("!= 0")
