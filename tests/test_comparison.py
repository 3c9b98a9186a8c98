"""Two losses side by side: what is aligned, what is said, and that it survives JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_stepping import deep

import tinygrad_xent as tx
from tinygrad_xent.stepping import Comparison
from tinygrad_xent.stepping.contrast import spine

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
import two_losses


@pytest.fixture(scope="module")
def both() -> Comparison:
    return two_losses.main()


def said(c: Comparison, row: int, k: int) -> str:
    w = c.walks[k]
    return w.box(w.steps[c.rows[row][k] - 1].box).formula.text


def test_every_step_has_one_row_in_order(both: Comparison) -> None:
    for k, w in enumerate(both.walks):
        assert [row[k] for row in both.rows if row[k]] == [s.number for s in w]


def test_steps_of_one_row_belong_to_one_phase(both: Comparison) -> None:
    for row in both.rows:
        phases = {w.steps[n - 1].phase for w, n in zip(both.walks, row, strict=True) if n}
        assert len(phases) == 1


def test_shared_nodes_stand_side_by_side(both: Comparison) -> None:
    shared = [said(both, row, 0) for row in both.shared]
    assert shared == [said(both, row, 1) for row in both.shared]
    assert shared == ["exp(z)/sum(v1)", "sum(v1)", "exp(z)", "exp(z)", "z"]


def test_losses_on_separate_tensors_are_aligned_by_what_nodes_say() -> None:
    def q() -> Any:
        return tx.softmax(tx.tensor([1.0, 2.0], name="z")).named("q")

    c = tx.compare(tx.log(q()).sum(), (q() ** 2).sum())
    assert len(c.shared) == 5
    assert said(c, c.shared[0], 0) == said(c, c.shared[0], 1)


def test_what_is_said_is_what_the_formulas_give(both: Comparison) -> None:
    """Both gradients at the logits from the documents' formulas, and their ratio."""
    z, p = np.array([4.0, -1.0, -3.0]), np.array([0.0, 0.0, 1.0])
    q = np.exp(z) / np.exp(z).sum()
    ce, se = q - p, q * ((q - p) - np.dot(q, q - p))
    x, y = np.linalg.norm(ce), np.linalg.norm(se)
    assert both.says[-1] == (
        f"At z, {x:.4g} is left in ce and {y:.4g} in se: ce moves {x / y:.3g} times as far."
    )
    assert f"{1 / q[2]:.4g} arrives in ce and {np.linalg.norm(q - p):.4g} in se" in both.says[0]
    assert both.says[1] == (
        f"In ce, log(q) multiplies what arrives there by {1 / q[2]:.4g}: -p becomes -p/q."
    )
    shared = x * q[2], y / np.linalg.norm(q - p)
    assert both.says[3] == (
        f"In ce the two cancel: {1 / q[2]:.4g} times {shared[0]:.3g} is {x:.3g}. "
        f"In se nothing makes up for the {shared[1]:.3g}."
    )


def test_nothing_is_said_to_cancel_where_nothing_does() -> None:
    z, p = tx.tensor([1.0, 0.0, -1.0], name="z"), tx.tensor([0.0, 0.0, 1.0], name="p")
    q = tx.softmax(z).named("q")
    loss = -(p * tx.log(q)).sum()
    for other in (((q - p) ** 2).sum() / 2, loss * 3, (tx.log(q) ** 2).sum()):
        assert not any("cancel" in line for line in tx.compare(loss, other).says)


def test_the_line_in_the_chart_leaves_out_what_lies_beside() -> None:
    x = tx.tensor([1.0, 2.0], name="x")
    a, b = tx.exp(x).named("a"), tx.sin(x).named("b")
    w = tx.steps((a * b).named("m").sum())
    found = {w.box(box).symbol.text for box in spine(w)}
    assert found == {"sum(m)", "m", "x"}


def test_json_round_trip(both: Comparison) -> None:
    again = Comparison.from_json(both.json())
    assert again == both
    assert again.html() == both.html()


def test_in_words_it_fits_80_columns(both: Comparison) -> None:
    assert max(map(len, str(both).splitlines())) <= 80
    assert "log(q) | v2" in str(both)


def test_what_has_nothing_in_common_is_still_shown() -> None:
    x, y = tx.tensor(2.0, name="x"), tx.tensor([1.0, 0.0], name="y")
    c = tx.compare(tx.exp(x) * 2, (y * y).sum(), names=("a", "b"))
    assert c.says == ()
    assert "a" in c.html()


def test_large_losses_side_by_side() -> None:
    loss = deep(40)
    assert "whole" in tx.compare(loss, loss * 2.0).html()


@pytest.mark.parametrize("names", [("a",), ("a", "b", "c"), ("a", "a")])
def test_each_loss_has_a_name_of_its_own(names: tuple[str, ...]) -> None:
    loss = tx.sum(tx.tensor([1.0], name="x") ** 2)
    with pytest.raises(tx.NotSupportedError, match="compare: each loss needs a name"):
        tx.compare(loss, loss * 2, names=names)


@pytest.mark.parametrize("losses", [(), (tx.tensor(1.0) * 2,), (3.0, 4.0), (None, "sum(x)")])
def test_what_cannot_be_compared(losses: Any) -> None:
    with pytest.raises(tx.NotSupportedError, match="compare: "):
        tx.compare(*losses)


def test_a_walk_that_is_there_already_is_used(both: Comparison) -> None:
    assert tx.compare(*both.walks).walks == both.walks
